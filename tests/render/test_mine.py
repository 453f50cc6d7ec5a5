"""IDs from the mine, through Salt's own loader."""

import copy

import harness
import pytest
from cases import CASES
from oslo_config import cfg

NETWORKS = "list_octavia_networks"
RIGHT = {
    NETWORKS: {"ctl02": {"networks": [{"id": "net-1"}]}},
    "list_octavia_mgmt_security_groups": {"ctl02": {"lb-mgmt-sec-grp": {"id": "group-1"}}},
    "list_octavia_hm_ports": {
        "ctl02": {
            "hm-1": {"fixed_ips": [{"ip_address": "172.16.0.11"}], "binding_host_id": "node"},
            "hm-2": {"fixed_ips": [{"ip_address": "172.16.0.12"}], "binding_host_id": "other"},
        }
    },
    "octavia_amphora_image": {"cmp01": {"owner": "owner-1"}},
}
LEFT_OUT = (
    ("controller_worker", "amp_boot_network_list"),
    ("controller_worker", "amp_secgroup_list"),
    ("health_manager", "bind_ip"),
)


class Mine:
    """The minion, whose mine.get answers as it is told."""

    def __init__(self, minion, pillar):
        self.minion, self.pillar = minion, pillar
        self.answers, self.asked = RIGHT, []
        minion.call["mine.get"]  # loaded, so that it can be replaced
        minion.call["mine.get"] = self._get

    def _get(self, target, function, kind):
        assert kind == "pillar"
        self.asked.append((target, function))
        return self.answers.get(function, {})

    def conf(self):
        """octavia.conf, parsed."""
        found = {}
        target = harness.folder() / "mined.conf"
        text = self.minion.template("salt://octavia/files/octavia.conf")
        target.write_text(text, encoding="utf-8")
        cfg.ConfigParser(str(target), found).parse()
        return found


@pytest.fixture(name="pillar")
def _pillar():
    pillar = copy.deepcopy(CASES["aio"].pillar("debian12"))
    for section, option in LEFT_OUT:
        del pillar["octavia"]["manager"][section][option]
    return pillar


@pytest.fixture(name="mine")
def _mine(pillar):
    with harness.Minion("debian12", pillar) as minion:
        yield Mine(minion, pillar)


def test_the_file_has_the_ids(mine):
    conf = mine.conf()
    assert conf["controller_worker"]["amp_boot_network_list"] == ["net-1"]
    assert conf["controller_worker"]["amp_secgroup_list"] == ["group-1"]
    assert conf["controller_worker"]["amp_image_owner_id"] == ["owner-1"]
    assert conf["health_manager"]["bind_ip"] == ["172.16.0.11"]
    listed = ["172.16.0.11:5555,172.16.0.12:5555"]
    assert conf["health_manager"]["controller_ip_port_list"] == listed
    assert mine.minion.call["octavia_config.map"]()["heartbeat"]["address"] == "172.16.0.11"


def test_each_function_is_asked_for_once_a_run(mine):
    mine.minion.low("octavia")
    mine.conf()
    mine.minion.call["octavia_config.validate"]()
    assert sorted(mine.asked) == [
        ("glance:client", "octavia_amphora_image"),
        ("neutron:client", "list_octavia_hm_ports"),
        ("neutron:client", "list_octavia_mgmt_security_groups"),
        ("neutron:client", "list_octavia_networks"),
    ]


def test_it_is_told_where_a_value_is_from(mine):
    worker = mine.minion.call["octavia_config.sections"]()["controller_worker"]
    assert worker["amp_boot_network_list"]["origin"] == f"mine {NETWORKS} of ctl02"
    assert worker["amp_flavor_id"]["origin"] == "octavia:manager:controller_worker:amp_flavor_id"


def test_the_pillar_wins_and_asks_for_nothing(mine):
    named = copy.deepcopy(CASES["aio"].pillar("debian12"))
    named["octavia"]["manager"]["controller_worker"]["amp_image_owner_id"] = "owner-2"
    mine.minion.set_pillar(named)
    worker = mine.conf()["controller_worker"]
    assert worker["amp_boot_network_list"] == ["00000000-0000-4000-8000-000000000002"]
    assert worker["amp_image_owner_id"] == ["owner-2"]
    assert mine.asked == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"networks": []}, "is empty: the cloud has no management network for amphorae. Create"),
        ({"lb-mgmt-net": {"id": "net-1"}}, "is a mapping of lb-mgmt-net, not a mapping with netw"),
        ({"networks": [{"id": "**********"}]}, "has asterisks in place of its id, as pillar.get"),
    ],
)
def test_another_shape_stops_the_run(mine, answer, said):
    mine.answers = {**RIGHT, NETWORKS: {"ctl02": answer}}
    (check,) = mine.minion.low("octavia")
    told = mine.minion.run(check)
    assert (told["result"], told["changes"]) == (False, {})
    (first, last) = told["comment"].splitlines()
    assert first.startswith(f"error: mine {NETWORKS} of ctl02: {said}")
    assert last == "Nothing was changed."
    with pytest.raises(harness.RenderError):
        mine.conf()


@pytest.mark.parametrize(("kind", "level"), [("local", "warning"), ("remote", "error")])
def test_nobody_answers_where_amphorae_are_real(mine, pillar, kind, level, monkeypatch):
    mine.minion.call["octavia_config.map"]()  # reads the formula's files, which a master would send
    mine.answers = {}
    for role in ("api", "manager"):
        drivers = pillar["octavia"][role]["controller_worker"]
        pillar["octavia"][role]["controller_worker"] = {**drivers, "compute_driver": "compute_nova"}
    mine.minion.set_pillar(copy.deepcopy(pillar))
    # Only the one module is told of a master; others would look for it.
    validate = mine.minion.call["octavia_config.validate"]
    options = {**mine.minion.opts, "file_client": kind}
    monkeypatch.setitem(validate.__wrapped__.__globals__, "__opts__", options)
    told = validate()
    levels = {item["path"].rpartition(":")[2]: item["level"] for item in told}
    assert levels == {"amp_boot_network_list": level, "amp_secgroup_list": level}


def test_a_minion_without_a_master_has_a_mine_of_its_own(pillar):
    pillar["neutron"] = {"client": {"enabled": True}}
    pillar["glance"] = {"client": {"enabled": True}}
    answers = {name: next(iter(answer.values())) for name, answer in RIGHT.items()}
    with harness.Minion("debian12", pillar, mined=answers) as minion:
        try:
            for name in answers:
                assert minion.call["mine.send"](name, f"mined:{name}", mine_function="grains.get")
            worker = minion.call["octavia_config.sections"]()["controller_worker"]
            assert worker["amp_boot_network_list"]["text"] == ["net-1"]
            assert worker["amp_boot_network_list"]["origin"] == f"mine {NETWORKS} of node"
            assert worker["amp_image_owner_id"]["text"] == ["owner-1"]
        finally:
            minion.call["mine.flush"]()
