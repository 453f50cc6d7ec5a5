"""Bad input: each mistake in the pillar is one finding with path, value, reason and remedy."""

import json

import octavia_findings as findings
import pytest
from given import GOOD, REMOVED, SECRETS, at, built, changed

ERROR, WARNING, HIDDEN = "error", "warning", findings.MASK

# What is wrong -> the one finding: level, path below `octavia`, shown value, and words that reason
# and remedy must have.
BAD = {
    "an unknown key at the top": (
        {"mangaer": {}},
        (ERROR, "mangaer", "", "is an unknown key", "Did you mean manager?"),
    ),
    "a key at the top that is no text": (
        {"5": {}},
        (ERROR, "5", "", "is an unknown key", "Known keys are api, manager, client, pki"),
    ),
    "a role that is empty": (
        {"api": None},
        (ERROR, "api", "", "is not a mapping", "Write the settings of the role below octavia:api"),
    ),
    "a role that is a list": (
        {"api": ["enabled"]},
        (ERROR, "api", "['enabled']", "is not a mapping", "below octavia:api"),
    ),
    "enabled in quotes": (
        {"api:enabled": "yes"},
        (ERROR, "api:enabled", "yes", "is neither true nor false", "without quotes"),
    ),
    "enabled as a number": (
        {"manager:enabled": 1},
        (ERROR, "manager:enabled", "1", "is neither true nor false", "without quotes"),
    ),
    "enabled left out": (
        {"manager:enabled": REMOVED},
        (WARNING, "manager:enabled", "", "is missing, so the role is left out", "to true or false"),
    ),
    "an unknown role towards the database": (
        {"api:role": "secondry"},
        (ERROR, "api:role", "secondry", "does not say whether", "Write primary or secondary"),
    ),
    "no version": (
        {"api:version": REMOVED},
        (ERROR, "api:version", "", "is missing", "for example zed or 2025.1"),
    ),
    "an unknown version": (
        {"manager:version": "zedd"},
        (ERROR, "manager:version", "zedd", "is no release of OpenStack", "Known are ocata, pike"),
    ),
    "two versions on one node": (
        {"manager:version": "2025.1"},
        (ERROR, "api:version", "zed", "contradicts octavia:manager:version", "the same release"),
    ),
    "no database": (
        {"api:database": REMOVED},
        (ERROR, "api:database", "", "is missing", "Set octavia:api:database with host, name, user"),
    ),
    "no identity": (
        {"manager:identity": REMOVED},
        (ERROR, "manager:identity", "", "is missing", "with host, user, password"),
    ),
    "no broker": (
        {"manager:message_queue": REMOVED},
        (ERROR, "manager:message_queue", "", "is missing", "with host or members, user, password"),
    ),
    "no host of the database": (
        {"api:database:host": REMOVED},
        (ERROR, "api:database:host", "", "is missing", "Set octavia:api:database:host"),
    ),
    "no password of the database": (
        {"api:database:password": REMOVED},
        (ERROR, "api:database:password", "", "is missing", "Set octavia:api:database:password"),
    ),
    "a password that PyMySQL cannot send": (
        {"api:database:password": "s3cr3t-密"},
        (ERROR, "api:database:password", HIDDEN, "beyond Latin-1", "Choose another password"),
    ),
    "a name at which the database's URL ends": (
        {"api:database:name": "octavia?x"},
        (ERROR, "api:database:name", "octavia?x", "SQLAlchemy ends", "Choose another name"),
    ),
    "a broker's password with a slash": (
        {"manager:message_queue:password": "s3cr3t/x"},
        (ERROR, "manager:message_queue:password", HIDDEN, "holds '/'", "Choose another password"),
    ),
    "a broker's user with a slash": (
        {"api:message_queue:user": "open/stack"},
        (ERROR, "api:message_queue:user", "open/stack", "holds '/'", "Choose another user"),
    ),
    "a virtual host that the broker's library would cut": (
        {"api:message_queue:virtual_host": "/a?b"},
        (
            ERROR,
            "api:message_queue:virtual_host",
            "/a?b",
            "would cut",
            "Choose another virtual_host",
        ),
    ),
    "an empty password of the database": (
        {"api:database:password": None},
        (ERROR, "api:database:password", "", "is missing", "Set octavia:api:database:password"),
    ),
    "an empty host of identity": (
        {"manager:identity:host": None},
        (ERROR, "manager:identity:host", "", "is missing", "Set octavia:manager:identity:host"),
    ),
    "neither host nor members of the broker": (
        {"api:message_queue:host": REMOVED},
        (
            ERROR,
            "api:message_queue:host|members",
            "",
            "is missing",
            "message_queue:host or members",
        ),
    ),
    "a database that is a URL": (
        {"api:database": "mysql://octavia:db-secret@10.0.0.2/octavia"},
        (ERROR, "api:database", HIDDEN, "is not a mapping", "Write the options below it"),
    ),
    "an empty database": (
        {"manager:database": None},
        (ERROR, "manager:database", "", "is not a mapping", "Write the options below it"),
    ),
    "an unknown engine": (
        {"api:database:engine": "oracle"},
        (ERROR, "api:database:engine", "oracle", "must be one of mysql, postgresql", "Choose one"),
    ),
    "an unknown scheme of Keystone": (
        {"api:identity:protocol": "htps"},
        (ERROR, "api:identity:protocol", "htps", "must be one of http, https", "Choose one of"),
    ),
    "an unknown endpoint type": (
        {"manager:identity:endpoint_type": "intern"},
        (ERROR, "manager:identity:endpoint_type", "intern", "must be one of", "internal, public"),
    ),
    "a port out of range": (
        {"api:bind:port": 70000},
        (ERROR, "api:bind:port", "70000", "must be at most 65535, not 70000", "of type port"),
    ),
    "a negative port": (
        {"api:database:port": -1},
        (ERROR, "api:database:port", "-1", "must be at least 0, not -1", "of type port"),
    ),
    "a port that is a word": (
        {"manager:message_queue:port": "amqp"},
        (ERROR, "manager:message_queue:port", "amqp", "must be a port number", "of type port"),
    ),
    "a port with a point": (
        {"manager:identity:port": 5000.5},
        (ERROR, "manager:identity:port", "5000.5", "must be a port number", "of type port"),
    ),
    "a host with a port": (
        {"api:database:host": "db.example.org:3306"},
        (ERROR, "api:database:host", "db.example.org:3306", "must be a host name or an IP", ""),
    ),
    "a host name to listen on": (
        {"api:bind:address": "controller"},
        (
            ERROR,
            "api:bind:address",
            "controller",
            "must be an IPv4 or IPv6",
            "[api_settings] bind_h",
        ),
    ),
    "processes in words": (
        {"api:bind:processes": "many"},
        (ERROR, "api:bind:processes", "many", "must be a whole number", "of type integer"),
    ),
    "a certificate without its key": (
        {"api:bind:cert_file": "/etc/ssl/api.pem"},
        (
            *(ERROR, "api:bind:cert_file", "", "is of no use without key_file"),
            "Set octavia:api:bind:key_file too",
        ),
    ),
    "a key without its certificate": (
        {"api:bind:key_file": "/etc/ssl/api.key"},
        (
            *(ERROR, "api:bind:key_file", "", "is of no use without cert_file"),
            "Set octavia:api:bind:cert_file too",
        ),
    ),
    "a password that YAML takes for a boolean": (
        {"api:database:password": True},
        (ERROR, "api:database:password", HIDDEN, "must be text, not a boolean", "quotes"),
    ),
    "a password that YAML takes for a number with a point": (
        {"api:identity:password": 1.10},
        (ERROR, "api:identity:password", HIDDEN, "put it in quotes", "of type string"),
    ),
    "a password that is a mapping": (
        {"manager:message_queue:password": {"x": "mq-secret"}},
        (ERROR, "manager:message_queue:password", HIDDEN, "must be text, not a mapping", ""),
    ),
    "a misspelt password": (
        {"api:database:passwrod": "db-secret"},
        (ERROR, "api:database:passwrod", "", "is neither a key of the formula", "mean password"),
    ),
    "a misspelt passphrase": (
        {"manager:certificates:ca_private_key_pasphrse": "ca-secret"},
        (
            ERROR,
            "manager:certificates:ca_private_key_pasphrse",
            "",
            "[certificates] ca_private_key_passphrase or",
            "",
        ),
    ),
    "an unknown key of bind": (
        {"api:bind:adress": "10.0.0.1"},
        (ERROR, "api:bind:adress", "", "is neither a key of the formula", "Did you mean address"),
    ),
    "a key of identity that YAML takes for a boolean": (
        {"api:identity:True": "x"},
        (ERROR, "api:identity:True", "", "nor an option of [keystone_authtoken]", "Known keys"),
    ),
    "members that are no list": (
        {"api:message_queue:members": "10.0.0.4"},
        (ERROR, "api:message_queue:members", "10.0.0.4", "is not a list of members", "with host"),
    ),
    "no members at all": (
        {"api:message_queue:members": []},
        (ERROR, "api:message_queue:members", "[]", "is not a list of members", "with host"),
    ),
    "a member that is a name": (
        {"api:message_queue:members": ["10.0.0.4"]},
        (ERROR, "api:message_queue:members:0", "10.0.0.4", "is not a mapping", "name: value"),
    ),
    "a member without host": (
        {"api:message_queue:members": [{"host": "10.0.0.4"}, {"port": 5672}]},
        (ERROR, "api:message_queue:members:1:host", "", "is missing", "members:1:host"),
    ),
    "a member with an empty host": (
        {"api:cache:members": [{"host": None}]},
        (
            ERROR,
            "api:cache:members:0:host",
            "",
            "is missing",
            "Set octavia:api:cache:members:0:host",
        ),
    ),
    "a member with a port out of range": (
        {"api:cache:members": [{"host": "10.0.0.5", "port": 112110}]},
        (ERROR, "api:cache:members:0:port", "112110", "must be at most 65535", "of type port"),
    ),
    "a notification that is a word": (
        {"api:notification": "maybe"},
        (ERROR, "api:notification", "maybe", "is not a mapping", "Write the options below it"),
    ),
    "a debug that is no boolean": (
        {"api:debug": "maybe"},
        (ERROR, "api:debug", "maybe", "must be true or false", "[DEFAULT] debug"),
    ),
    "a value outside the choices": (
        {"manager:controller_worker:loadbalancer_topology": "DOUBLE"},
        (
            *(ERROR, "manager:controller_worker:loadbalancer_topology", "DOUBLE"),
            *("must be one of ACTIVE_STANDBY, SINGLE, not 'DOUBLE'", "[controller_worker] loadb"),
        ),
    ),
    "an option of the wrong type": (
        {"manager:health_manager:health_check_interval": "often"},
        (
            *(ERROR, "manager:health_manager:health_check_interval", "often"),
            *("must be a whole number", "Correct it; [health_manager] health_check_interval"),
        ),
    ),
    "an address that is none": (
        {"manager:health_manager:bind_ip": "10.0.0.256"},
        (ERROR, "manager:health_manager:bind_ip", "10.0.0.256", "must be an IPv4 or IPv6", ""),
    ),
    "an unknown option": (
        {"manager:controller_worker:amp_image_tags": "amphora"},
        (
            *(ERROR, "manager:controller_worker:amp_image_tags", ""),
            *("nor an option of [controller_worker]", "Did you mean amp_image_tag"),
        ),
    ),
    "an unknown section": (
        {"manager:controller_workers": {"amp_image_tag": "amphora"}},
        (
            *(ERROR, "manager:controller_workers", "", "is neither a key of the formula nor a s"),
            "Did you mean controller_worker? A section of an added driver goes under octavia:m",
        ),
    ),
    "a section that is no mapping": (
        {"manager:house_keeping": 30},
        (ERROR, "manager:house_keeping", "30", "is not a mapping", "name: value"),
    ),
    "a section of another release that is no mapping": (
        {"manager:anchor": "http://anchor"},
        (ERROR, "manager:anchor", "http://anchor", "is not a mapping", "name: value"),
    ),
    "certificates that are empty": (
        {"manager:certificates": None},
        (ERROR, "manager:certificates", "", "is not a mapping", "name: value"),
    ),
    "a passphrase of the wrong length": (
        {"manager:certificates:server_certs_key_passphrase": "too-short-secret"},
        (
            *(ERROR, "manager:certificates:server_certs_key_passphrase", HIDDEN),
            *("must match", "[certificates] server_certs_key_passphrase needs it"),
        ),
    ),
    "a heartbeat key that is a list": (
        {"manager:health_manager:heartbeat_key": ["hm-secret"]},
        (ERROR, "manager:health_manager:heartbeat_key", HIDDEN, "must be text, not a list", ""),
    ),
    "a broker's URL with a line break": (
        {"api:message_queue": {"transport_url": "rabbit://u:mq-secret@h\n/"}, "manager": REMOVED},
        (ERROR, "api:message_queue:transport_url", HIDDEN, "must not contain a line break", ""),
    ),
    "a known option under config": (
        {"manager:config": {"health_manager": {"heartbeat_key": "hm-secret"}}},
        (
            *(ERROR, "manager:config:health_manager:heartbeat_key", HIDDEN),
            *(
                "would escape every check",
                "Move it to octavia:manager:health_manager:heartbeat_key",
            ),
        ),
    ),
    "a config that is no mapping": (
        {"api:config": ["x"]},
        (ERROR, "api:config", "['x']", "is not a mapping", "name: value"),
    ),
    "a section of config that is no mapping": (
        {"api:config": {"vendor": 1}},
        (ERROR, "api:config:vendor", "1", "is not a mapping", "name: value"),
    ),
    "services that are no mapping": (
        {"services": ["octavia-api"]},
        (ERROR, "services", "['octavia-api']", "is not a mapping", "Write unit names below it"),
    ),
    "a unit that is none": (
        {"services": {"octavia-workers": {"LimitNOFILE": 1}}},
        (ERROR, "services:octavia-workers", "", "is no unit of Octavia", "octavia-driver-agent"),
    ),
    "a unit without settings": (
        {"services": {"octavia-api": None}},
        (ERROR, "services:octavia-api", "", "is not a mapping of names to single", "[Service]"),
    ),
    "a unit's setting of two lines": (
        {"services": {"octavia-api": {"Nice": "5\nUser=root"}}},
        (ERROR, "services:octavia-api", "{'Nice': '5\\nUser=root'}", "single values", "one value"),
    ),
    "ssh that is the key itself": (
        {"manager:ssh": "ssh-secret"},
        (ERROR, "manager:ssh", HIDDEN, "is not a mapping", "Write private_key"),
    ),
    "an unknown key of ssh": (
        {"manager:ssh:key": "ssh-secret"},
        (ERROR, "manager:ssh:key", "", "is an unknown key", "private_key_file, user, group"),
    ),
    "clouds that are no mapping": (
        {"client:clouds": ["cloud-secret"]},
        (ERROR, "client:clouds", HIDDEN, "is not a mapping", "as clouds.yaml has them"),
    ),
    "roles that say different things": (
        {"manager:database:password": "db-secret-2"},
        (
            *(ERROR, "manager:database", ""),
            "contradicts octavia:api:database: both set [database] connection",
            "Give octavia:manager:database and octavia:api:database the same value",
        ),
    ),
    "roles that know different Keystones": (
        {"manager:identity:host": "10.0.0.33"},
        (ERROR, "manager:identity:host", "", "contradicts octavia:api:identity:host", "same value"),
    ),
    "roles that name different options": (
        {"api:controller_worker": {"loadbalancer_topology": "ACTIVE_STANDBY"}},
        (
            *(ERROR, "manager:controller_worker:loadbalancer_topology", ""),
            *("contradicts octavia:api:controller_worker:loadbalancer_topology", "the same value"),
        ),
    ),
    "an option that the release has no longer": (
        {"manager:house_keeping": {"spare_amphora_pool_size": 0}},
        (
            *(WARNING, "manager:house_keeping:spare_amphora_pool_size", "0"),
            *(
                "was removed in xena",
                "It was left out of the file; remove it from the pillar for z",
            ),
        ),
    ),
    "an API that the release has no longer": (
        {"api:api_v1_enabled": False},
        (WARNING, "api:api_v1_enabled", "False", "was removed in train", "left out of the file"),
    ),
    "an option that the release does not have yet": (
        {"api:networking": {"denylist_vip_networks": ["10.0.0.0/8"]}},
        (
            *(WARNING, "api:networking:denylist_vip_networks", "['10.0.0.0/8']"),
            *("comes in 2026.2", "left out of the file"),
        ),
    ),
    "a section that the release has no longer": (
        {"manager:anchor": {"url": "http://anchor"}},
        (WARNING, "manager:anchor:url", "http://anchor", "was removed in", "left out of the file"),
    ),
    "an option by its old name": (
        {"api:database:idle_timeout": 3600},
        (
            *(WARNING, "api:database:idle_timeout", "3600"),
            "has another name in zed: [database] connection_recycle_time",
            "It was written as [database] connection_recycle_time; rename it in the pillar",
        ),
    ),
}

# The pillar of a node as a whole -> its one finding.
WHOLE = {
    "nothing": (None, (ERROR, "octavia", "", "is missing or empty", "at least one of octavia:api")),
    "empty": ({}, (ERROR, "octavia", "", "is missing or empty", "at least one of octavia:api")),
    "a list": (["api"], (ERROR, "octavia", "", "is missing or empty", "octavia:manager")),
    "text": ("db-secret", (ERROR, "octavia", "", "is missing or empty", "octavia:client")),
}


def _is_it(item, expected):
    level, path, value, reason, remedy = expected
    full = path if path == "octavia" else f"octavia:{path}"
    assert (item["level"], item["path"], item["value"]) == (level, full, value)
    assert reason in item["reason"]
    assert remedy in item["remedy"] or remedy in item["reason"]


def _shows_no_secret(build):
    shown = json.dumps(build.result()) + findings.describe(build.found)
    assert [secret for secret in (*SECRETS, "too-short-secret") if secret in shown] == []


def test_the_good_pillar_has_no_finding():
    assert built(GOOD).found == []


@pytest.mark.parametrize("name", BAD)
def test_each_mistake_is_one_finding(name):
    changes, expected = BAD[name]
    build = built(changed(GOOD, changes))
    assert len(build.found) == 1, build.found
    _is_it(build.found[0], expected)
    _shows_no_secret(build)
    known = build.result()
    assert known["valid"] is (expected[0] == WARNING)
    assert bool(known["roles"]) is (expected[0] == WARNING)


@pytest.mark.parametrize("name", WHOLE)
def test_a_node_without_a_pillar(name):
    pillar, expected = WHOLE[name]
    build = built(pillar)
    assert len(build.found) == 1
    _is_it(build.found[0], expected)
    _shows_no_secret(build)
    assert build.result()["roles"] == []


def test_an_unknown_operating_system():
    build = built(GOOD, os="OpenBSD", os_family="OpenBSD")
    assert len(build.found) == 1
    reason = "is no operating system that the formula knows: Debian, Ubuntu, RedHat"
    assert build.found[0] == findings.error("grains:os", "OpenBSD", reason, "Use one of these")
    assert build.result()["roles"] == []


def test_all_mistakes_are_told_at_once():
    together = [
        *("an unknown key at the top", "a unit that is none", "no identity", "an unknown engine"),
        *("a port out of range", "a misspelt passphrase", "a value outside the choices"),
        *("a heartbeat key that is a list", "a certificate without its key", "a notification that"),
    ]
    chosen = [BAD[name] for prefix in together for name in BAD if name.startswith(prefix)]
    assert len(chosen) == len(together)
    changes = {path: value for change, _ in chosen for path, value in change.items()}
    build = built(changed(GOOD, changes))
    wanted = {f"octavia:{expected[1]}": expected for _, expected in chosen}
    assert sorted(item["path"] for item in build.found) == sorted(wanted)
    for item in build.found:
        _is_it(item, wanted[item["path"]])
    _shows_no_secret(build)
    text = findings.describe(build.found)
    assert len(text.splitlines()) == len(chosen)
    assert "error: octavia:api:bind:port = 70000: must be at most 65535, not 70000. Give a" in text


def test_a_role_that_is_switched_off_is_not_checked():
    nonsense = {"enabled": False, "database": "nonsense", "role": "nonsense"}
    for role in ("api", "manager"):
        build = built(changed(GOOD, {role: nonsense}))
        assert build.found == []
        assert role not in build.result()["roles"]


@pytest.mark.parametrize("path", ["api:api_settings", "manager:health_manager", "manager:vault"])
@pytest.mark.parametrize("key", [1, True, None, 2.5])
def test_a_name_that_is_no_text_is_a_finding_like_others(path, key):
    build = built(changed(GOOD, {path: {key: "x"}}))
    assert [(item["level"], item["path"]) for item in build.found] == [
        ("error", f"octavia:{path}:{key}")
    ]


class TestDroppedOptions:
    """`spare_amphora_pool_size` and `api_v1_enabled` stand in the users' pillars for ever."""

    @pytest.mark.parametrize(
        ("release", "reported"), [("ocata", []), ("queens", []), ("wallaby", []), ("2026.2", ["0"])]
    )
    def test_the_pool_of_spares(self, release, reported):
        build = built(at(release, ("manager",)))
        assert [item["value"] for item in build.found] == reported
        assert ("spare_amphora_pool_size" in build.sections.get("house_keeping", {})) is (
            not reported
        )
        assert build.result()["valid"]

    @pytest.mark.parametrize(("release", "levels"), [("queens", []), ("2026.2", ["warning"])])
    def test_the_first_api(self, release, levels):
        pillar = changed(at(release, ("api",)), {"api:api_v1_enabled": True})
        build = built(pillar)
        assert [item["level"] for item in build.found] == levels
        assert ("api_v1_enabled" in build.sections["api_settings"]) is (not levels)
        assert build.result()["valid"]
