"""The option history, as the configuration of any release asks for it."""

import json

import generate
import octavia_schema as schema
import octavia_values as values
import pytest

OPTIONS = generate.DATA


@pytest.fixture(scope="module", name="data")
def _data():
    return json.loads(OPTIONS.read_text(encoding="utf-8"))


class TestView:
    """What one release has."""

    def test_releases_are_in_order(self, data):
        names = schema.releases(data)
        assert (names[0], names[-1]) == ("ocata", "2026.2")
        assert names.index("zed") + 1 == names.index("2023.1")
        assert len(names) == 20

    @pytest.mark.parametrize(
        ("release", "section", "option", "present"),
        [
            ("ocata", "api_settings", "bind_port", False),
            ("ocata", "DEFAULT", "bind_port", True),
            ("pike", "api_settings", "bind_port", True),
            ("wallaby", "house_keeping", "spare_amphora_pool_size", True),
            ("xena", "house_keeping", "spare_amphora_pool_size", False),
            ("2025.1", "oslo_messaging_rabbit", "ssl_enforce_hostname_verification", True),
            ("2025.2", "oslo_messaging_rabbit", "ssl_enforce_hostname_verification", False),
            ("2026.2", "oslo_messaging_rabbit", "ssl_enforce_hostname_verification", True),
            ("2023.1", "neutron", "auth_url", False),
            ("2023.2", "neutron", "auth_url", True),
            ("2026.2", "networking", "denylist_vip_networks", True),
        ],
    )
    def test_an_option_is_there_in_its_releases_only(self, data, release, section, option, present):
        view = schema.view(data, release)
        assert (option in view.get(section, {})) is present
        assert (schema.option(data, release, section, option) is not None) is present

    def test_attributes_follow_the_release(self, data):
        assert schema.option(data, "stein", "task_flow", "engine")["default"] == "serial"
        assert schema.option(data, "train", "task_flow", "engine")["default"] == "parallel"
        passphrase = ("certificates", "server_certs_key_passphrase")
        assert schema.option(data, "2025.1", *passphrase)["type"] == "string"
        assert schema.option(data, "2025.2", *passphrase)["type"] == "list"
        assert schema.option(data, "2025.2", *passphrase)["item_regex"]

    def test_an_option_of_a_later_point_release_says_so(self, data):
        backported = schema.option(data, "zed", "controller_worker", "db_commit_retry_max")
        assert backported["point"] is True
        later = schema.option(data, "2024.1", "controller_worker", "db_commit_retry_max")
        assert "point" not in later
        assert data["points"]["zed"] == "11.0.3"

    @pytest.mark.parametrize("function", [schema.view, schema.aliases])
    def test_an_unknown_release_is_named_with_the_known_ones(self, data, function):
        with pytest.raises(schema.UnknownRelease, match=r"'zedd'.*zed.*2026.2") as caught:
            function(data, "zedd")
        assert caught.value.release == "zedd"

    def test_every_default_is_valid_for_its_own_option(self, data):
        refused = set()
        for release in schema.releases(data):
            for section, options in schema.view(data, release).items():
                for name, era in options.items():
                    if values.problem(era, era.get("default")):
                        refused.add((section, name, str(era["default"])))
        # The host's own name has a placeholder; the other is a mistake in oslo.messaging.
        assert refused == {
            ("DEFAULT", "host", "<hostname>"),
            ("oslo_messaging_kafka", "kafka_consumer_timeout", "1.0"),
        }

    def test_octavias_own_sections_come_before_the_libraries(self, data):
        sections = list(schema.view(data, "2026.2"))
        assert sections[:3] == ["DEFAULT", "api_settings", "database"]
        assert sections.index("health_manager") < sections.index("oslo_messaging_rabbit")

    def test_a_view_hands_out_the_eras_of_the_data_uncopied(self, data):
        shown = schema.view(data, "zed")["health_manager"]["heartbeat_key"]
        assert any(shown is era for era in data["sections"]["health_manager"]["heartbeat_key"])


class TestNames:
    """Old, present and later names of an option."""

    @pytest.mark.parametrize(
        ("release", "asked", "known", "how"),
        [
            ("zed", "health_manager/bind_ip", "health_manager/bind_ip", "same"),
            (
                "yoga",
                "haproxy_amphora/active_connection_rety_interval",
                "haproxy_amphora/active_connection_retry_interval",
                "alias",
            ),
            (
                "xena",
                "haproxy_amphora/active_connection_retry_interval",
                "haproxy_amphora/active_connection_rety_interval",
                "older",
            ),
            ("wallaby", "database/idle_timeout", "database/connection_recycle_time", "alias"),
            ("2026.2", "database/idle_timeout", "database/connection_recycle_time", "renamed"),
            ("ocata", "database/connection_recycle_time", "database/idle_timeout", "older"),
            ("ocata", "api_settings/bind_host", "DEFAULT/bind_host", "older"),
            ("rocky", "DEFAULT/bind_host", "DEFAULT/bind_host", "same"),
            ("stein", "DEFAULT/bind_host", "api_settings/bind_host", "renamed"),
            (
                "pike",
                "keystone_authtoken/www_authenticate_uri",
                "keystone_authtoken/auth_uri",
                "older",
            ),
            (
                "2026.2",
                "keystone_authtoken/auth_uri",
                "keystone_authtoken/www_authenticate_uri",
                "renamed",
            ),
            ("2023.1", "neutron/endpoint_override", "neutron/endpoint", "older"),
            ("2026.2", "cache/redis_password", "cache/password", "alias"),
            (
                "2026.2",
                "DEFAULT/kombu_ssl_ca_certs",
                "oslo_messaging_rabbit/ssl_ca_file",
                "renamed",
            ),
            ("zed", "DEFAULT/sql_connection", "database/connection", "alias"),
        ],
    )
    def test_find_gives_the_name_of_the_release(self, data, release, asked, known, how):
        found = schema.find(data, release, *asked.split("/"))
        assert (f"{found.section}/{found.option}", found.how) == (known, how)
        assert found.era is schema.option(data, release, found.section, found.option)

    @pytest.mark.parametrize(
        ("release", "asked"),
        [
            ("xena", "house_keeping/spare_amphora_pool_size"),
            ("zed", "networking/denylist_vip_networks"),
            ("zed", "health_manager/no_such_option"),
            ("zed", "no_such_section/bind_port"),
            ("2025.2", "cache/password"),
        ],
    )
    def test_find_gives_none_for_what_a_release_lacks(self, data, release, asked):
        assert schema.find(data, release, *asked.split("/")) is None

    def test_a_name_that_yaml_reads_as_a_number_is_just_unknown(self, data):
        assert schema.find(data, "zed", "database", 1) is None
        assert "[database] 1" in schema.why_unknown(data, "zed", "database", 1)
        assert not schema.is_secret("database", 1)

    @pytest.mark.parametrize("release", ["ocata", "stein", "zed", "2026.2"])
    def test_aliases_lead_to_options_of_the_release(self, data, release):
        view = schema.view(data, release)
        for old, (section, option) in schema.aliases(data, release).items():
            assert option in view[section]
            assert old[1] not in view.get(old[0], {})
            found = schema.find(data, release, *old)
            assert (found.section, found.option, found.how) == (section, option, "alias")

    def test_aliases_end_with_the_release_that_drops_them(self, data):
        old, new = ("database", "idle_timeout"), ("database", "connection_recycle_time")
        assert schema.aliases(data, "wallaby")[old] == new
        assert old not in schema.aliases(data, "xena")

    def test_history_of_a_renamed_option(self, data):
        past = schema.history(data, "haproxy_amphora", "active_connection_rety_interval")
        assert (past.since, past.until, past.removed_in) == ("queens", "xena", "yoga")
        new = ("haproxy_amphora", "active_connection_retry_interval")
        assert past.renamed_to == [new]
        assert schema.history(data, *new).renamed_from == [
            ("haproxy_amphora", "active_connection_rety_interval")
        ]

    def test_history_of_an_option_that_lasts(self, data):
        past = schema.history(data, "health_manager", "heartbeat_key")
        assert past == schema.History("ocata", None, None, [], [], [("ocata", "2026.2")])

    def test_history_of_an_option_with_a_gap(self, data):
        past = schema.history(data, "oslo_messaging_rabbit", "ssl_enforce_hostname_verification")
        assert past.spans == [("2025.1", "2025.1"), ("2026.2", "2026.2")]
        assert past.until is None

    def test_history_of_a_mere_alias_and_of_nothing(self, data):
        past = schema.history(data, "api_settings", "tls_cipher_blacklist")
        assert past.since is None
        assert past.renamed_to == [("api_settings", "tls_cipher_prohibit_list")]
        assert schema.history(data, "api_settings", "no_such_option") is None


class TestUnknown:
    """What is said of a name that a release lacks."""

    def test_a_misspelled_section(self, data):
        assert schema.nearest_sections(data, "zed", "haproxy_amphroa") == ["haproxy_amphora"]
        why = schema.why_unknown(data, "zed", "haproxy_amphroa", "bind_port")
        assert "no release has a section [haproxy_amphroa]" in why
        assert "[haproxy_amphora]" in why

    def test_a_misspelled_option(self, data):
        near = schema.nearest_options(data, "zed", "health_manager", "heartbeat_kye")
        assert near[0] == ("health_manager", "heartbeat_key")
        why = schema.why_unknown(data, "zed", "health_manager", "heartbeat_kye")
        assert "did you mean [health_manager] heartbeat_key" in why

    def test_an_option_in_the_wrong_section(self, data):
        near = schema.nearest_options(data, "zed", "health_manager", "amp_flavor_id")
        assert near == [("controller_worker", "amp_flavor_id")]

    def test_nothing_is_offered_for_what_is_like_nothing(self, data):
        assert schema.nearest_sections(data, "zed", "qqqq") == []
        why = schema.why_unknown(data, "zed", "health_manager", "qqqq")
        assert why == "no release has an option [health_manager] qqqq."

    @pytest.mark.parametrize(
        ("release", "section", "option", "said"),
        [
            ("2026.2", "house_keeping", "spare_amphora_pool_size", "was removed in xena"),
            ("zed", "networking", "denylist_vip_networks", "comes in 2026.2"),
            ("ocata", "driver_agent", "status_socket_path", "comes in stein"),
            (
                "2026.1",
                "oslo_messaging_rabbit",
                "ssl_enforce_hostname_verification",
                "was removed in 2025.2 and comes again in 2026.2",
            ),
            (
                "2025.2",
                "cache",
                "password",
                "can mean [cache] memcache_password or [cache] redis_password",
            ),
            (
                "ocata",
                "api_settings",
                "tls_cipher_blacklist",
                "old name of [api_settings] tls_cipher_prohibit_list",
            ),
        ],
    )
    def test_the_reason_names_the_releases(self, data, release, section, option, said):
        why = schema.why_unknown(data, release, section, option)
        assert f"[{section}] {option} " in why
        assert said in why


class TestSecrets:
    """What must not be shown."""

    @pytest.mark.parametrize(
        "name",
        [
            "health_manager/heartbeat_key",
            "certificates/server_certs_key_passphrase",
            "certificates/ca_private_key_passphrase",
            "DEFAULT/transport_url",
            "oslo_messaging/event_stream_transport_url",
            "oslo_messaging_notifications/transport_url",
            "database/connection",
            "database/slave_connection",
            "task_flow/persistence_connection",
            "task_flow/jobboard_backend_password",
            "task_flow/jobboard_redis_sentinel_password",
            "task_flow/jobboard_zookeeper_ssl_options",
            "keystone_authtoken/memcache_password",
            "service_auth/application_credential_secret",
            "vault/root_token_id",
            "some_driver/api_key",
            "some_driver/admin_pass",
        ],
    )
    def test_secret_whatever_the_schema_says(self, name):
        assert schema.is_secret(*name.split("/"))

    @pytest.mark.parametrize(
        "name",
        [
            "certificates/ca_private_key",
            "certificates/ca_certificate",
            "haproxy_amphora/client_cert",
            "controller_worker/amp_ssh_key_name",
            "oslo_messaging_rabbit/ssl_key_file",
            "haproxy_amphora/connection_max_retries",
            "barbican/send_service_user_token",
            "keystone_authtoken/service_token_roles",
        ],
    )
    def test_public(self, name):
        assert not schema.is_secret(*name.split("/"))

    def test_what_one_release_marks_is_secret_in_all(self, data):
        for section, options in data["sections"].items():
            for name, eras in options.items():
                if any(era.get("secret") for era in eras):
                    assert schema.is_secret(section, name), (section, name)

    def test_the_mark_of_the_schema_counts(self):
        assert schema.is_secret("some", "plain_name", {"type": "string", "secret": True})

    def test_no_number_or_switch_is_taken_for_a_secret(self, data):
        for section, options in data["sections"].items():
            for name, eras in options.items():
                if any(era["type"] in ("boolean", "integer", "float", "port") for era in eras):
                    assert not schema.is_secret(section, name), (section, name)


DUMPS = {
    "one": {
        "release": "one",
        "octavia": "9.0.1",
        "options": {
            "DEFAULT": {
                "host": {"type": "string", "default": "<hostname>"},
                "old": {"type": "port", "default": 1, "min": 0, "max": 65535},
            }
        },
    },
    "two": {
        "release": "two",
        "octavia": "10.0.0",
        "options": {
            "DEFAULT": {"host": {"type": "string", "default": "<hostname>"}},
            "x": {
                "new": {
                    "type": "multi:multi",
                    "default": [],
                    "deprecated_names": ["DEFAULT/old", "x/new"],
                    "deprecated_for_removal": True,
                }
            },
        },
    },
}


class TestGenerate:
    """The tool that makes the data."""

    @pytest.fixture(name="run")
    def _run(self, capsys):
        def run(*arguments):
            status = generate.main([str(argument) for argument in arguments])
            return status, capsys.readouterr().out

        return run

    @pytest.fixture(name="folder")
    def _folder(self, tmp_path):
        (tmp_path / "first_final").mkdir()
        for name, dump in DUMPS.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(dump))
        first = {"release": "one", "octavia": "9.0.0", "options": {"DEFAULT": {"host": {}}}}
        (tmp_path / "first_final" / "one.json").write_text(json.dumps(first))
        (tmp_path / "notes.json").write_text("{}")
        return tmp_path

    def test_merge_shares_eras_and_sorts_by_version(self, folder, run):
        assert run("merge", folder, "--output", folder / "out") == (0, "")
        merged = json.loads((folder / "out").read_text())
        assert merged["releases"] == ["one", "two"]
        assert merged["sections"]["DEFAULT"] == {
            "host": [{"from": "one", "type": "string", "default": "<hostname>"}],
            "old": [{"from": "one", "to": "one", "type": "port", "default": 1, "point": True}],
        }
        era = {"from": "two", "type": "multi", "default": [], "deprecated": True}
        assert merged["sections"]["x"]["new"] == [{**era, "was": ["DEFAULT/old"]}]

    def test_a_release_can_be_added_to_data_that_was_merged_before(self, folder, run):
        run("merge", folder, "--output", folder / "all")
        (folder / "two.json").rename(folder / "later")
        run("merge", folder, "--output", folder / "out")
        assert json.loads((folder / "out").read_text())["releases"] == ["one"]
        (folder / "new").mkdir()
        (folder / "later").rename(folder / "new" / "two.json")
        run("merge", folder / "new", "--onto", folder / "out", "--output", folder / "out")
        assert (folder / "out").read_bytes() == (folder / "all").read_bytes()

    def test_the_text_has_one_option_a_line_and_is_stable(self, folder, run):
        for name in ("out", "again"):
            run("merge", folder, "--output", folder / name)
        lines = (folder / "out").read_text().splitlines()
        assert len([line for line in lines if line.startswith(('"host"', '"old"', '"new"'))]) == 3
        assert (folder / "out").read_bytes() == (folder / "again").read_bytes()

    def test_compare_finds_nothing_where_all_agrees(self, folder, run):
        run("merge", folder, "--output", folder / "out")
        for name in DUMPS:
            result = run("compare", folder / f"{name}.json", "--data", folder / "out")
            assert result == (0, "no difference\n")

    def test_compare_names_each_difference(self, folder, run):
        run("merge", folder, "--output", folder / "out")
        changed = json.loads(json.dumps(DUMPS["two"]))
        changed["options"]["DEFAULT"]["host"]["default"] = "here"
        changed["options"]["DEFAULT"]["more"] = {"type": "string", "default": None}
        del changed["options"]["x"]
        (folder / "two.json").write_text(json.dumps(changed))
        status, shown = run("compare", folder / "two.json", "--data", folder / "out")
        assert status == 1
        assert shown.splitlines() == [
            '~ DEFAULT/host default: "<hostname>" -> "here"',
            "+ DEFAULT/more",
            "- x/new",
        ]

    def test_packages_may_lack_what_came_later_and_libraries_may_differ(self, folder, run):
        run("merge", folder, "--output", folder / "out")
        data = folder / "out"
        known = json.loads(json.dumps(DUMPS["one"]))
        del known["options"]["DEFAULT"]["old"]
        known["options"]["some_library"] = {"x": {"type": "string", "default": None}}
        (folder / "one.json").write_text(json.dumps(known))
        status, shown = run("compare", folder / "one.json", "--data", data, "--packages")
        assert (status, shown.split()) == (
            0,
            ["of", "libraries:", "+", "some_library/x", "of", "Octavia", "itself:"],
        )
        known["options"]["nova"] = {"new": {"type": "string", "default": None}}
        (folder / "one.json").write_text(json.dumps(known))
        status, shown = run("compare", folder / "one.json", "--data", data, "--packages")
        assert (status, shown.splitlines()[-1]) == (1, "+ nova/new")

    def test_what_the_first_version_would_log_is_no_secret_of_the_release(self, folder, run):
        one = json.loads(json.dumps(DUMPS["one"]))
        one["options"]["DEFAULT"]["host"]["secret"] = True
        (folder / "one.json").write_text(json.dumps(one))
        run("merge", folder, "--output", folder / "out")
        merged = json.loads((folder / "out").read_text())
        assert "secret" not in merged["sections"]["DEFAULT"]["host"][0]
        assert run("compare", folder / "one.json", "--data", folder / "out", "--packages")[0] == 0

    def test_the_data_is_what_the_tool_writes(self, data):
        assert generate.to_text(data) == OPTIONS.read_text(encoding="utf-8")
