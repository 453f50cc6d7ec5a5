"""IDs from the mine: every shape that may stand there, and what wins over it."""

import octavia_findings as findings
import octavia_map
import octavia_mine as mines
import pytest
from given import GOOD, PARAMETERS, REMOVED, SAMPLES, changed

NETWORK, OTHER, GROUP, OWNER = "net-1", "net-2", "group-1", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
WORKER, HEALTH = "manager:controller_worker", "manager:health_manager"
NETWORKS, GROUPS, HM_PORTS, IMAGE, OLD_IMAGE = mines.FUNCTIONS
STARS = "*" * 10


def port(address, host, **more):
    """A port as Neutron's module gives it."""
    fixed = [{"ip_address": address, "subnet_id": "s"}]
    ids = {"id": "p", "mac_address": "fa:16:3e:00:00:01"}
    return {**ids, "fixed_ips": fixed, "binding_host_id": host, **more}


PORTS = {
    "octavia-hm-gtw02": port("172.16.0.12", "gtw02"),
    "octavia-hm-gtw01": port("172.16.0.11", "GTW01.example.org"),
    "octavia-hm-überall": port("fd00::13", "gtw03"),
}
RIGHT = {
    NETWORKS: {"ctl02": {"networks": [{"id": NETWORK, "name": "lb-mgmt-net"}]}},
    GROUPS: {"ctl02": {"lb-mgmt-sec-grp": {"id": GROUP}, "lb-health-mgr-sec-grp": {"id": "x"}}},
    HM_PORTS: {"ctl02": PORTS},
    IMAGE: {"cmp01": {"id": "image", "owner": OWNER}},
}
#: The options that come from the mine, taken out of a pillar that names them.
BARE = changed(
    GOOD,
    {
        f"{WORKER}:amp_boot_network_list": REMOVED,
        f"{WORKER}:amp_secgroup_list": REMOVED,
        f"{HEALTH}:bind_ip": REMOVED,
    },
)
NOOP = {f"{WORKER}:{name}_driver": f"{name}_noop_driver" for name in ("compute", "network")}
GRAINS = {"os": "Debian", "os_family": "Debian", "id": "minion", "fqdn": "gtw01.example.org"}


class Asked:
    """A mine that remembers what it was asked."""

    def __init__(self, answers, has_master=True, grains=GRAINS):
        self.answers, self.asked = answers, []
        self.mine = mines.Mine(self._ask, has_master, mines.hosts(grains))

    def _ask(self, function, target):
        self.asked.append((function, target))
        return self.answers.get(function, {})


def build(answers, pillar=BARE, **more):
    """The build of a node with a mine, and the mine."""
    asked = Asked(answers, **more)
    return octavia_map.Build(pillar, GRAINS, PARAMETERS, asked.mine), asked


def written(made, section, option):
    setting = made.sections.get(section, {}).get(option)
    return setting and setting["text"]


def ids(made):
    """What a build has of all options of the mine."""
    return [written(made, *name) for name in mines.SOURCES]


class TestRight:
    """The exact shapes."""

    def test_all_of_it(self):
        made, asked = build(RIGHT)
        assert made.found == []
        assert ids(made) == [
            [NETWORK],
            [GROUP],
            [OWNER],
            ["172.16.0.11"],
            ["172.16.0.11:5555,172.16.0.12:5555,fd00::13:5555"],
        ]
        # One request a function, though two options come from the ports.
        assert asked.asked == [
            (NETWORKS, "neutron:client"),
            (GROUPS, "neutron:client"),
            (IMAGE, "glance:client"),
            (HM_PORTS, "neutron:client"),
        ]

    def test_where_it_is_from(self):
        made, _ = build(RIGHT)
        setting = made.sections["controller_worker"]["amp_boot_network_list"]
        assert setting["origin"] == "mine list_octavia_networks of ctl02"
        assert setting["note"] == "from the mine, list_octavia_networks"
        named = made.sections["controller_worker"]["amp_image_tag"]
        assert named["origin"] == f"octavia:{WORKER}:amp_image_tag"
        default = made.sections["controller_worker"]["compute_driver"]
        assert default["origin"] == "the formula"

    @pytest.mark.parametrize("release", ["ocata", "rocky", "2023.2", "2026.2"])
    def test_in_other_releases(self, release):
        versions = {f"{role}:version": release for role in ("api", "manager")}
        made, _ = build(RIGHT, changed(BARE, versions))
        assert None not in ids(made)
        assert findings.errors(made.found) == []

    def test_the_older_owner_of_the_image(self):
        old = {OLD_IMAGE: {"cmp01": OWNER}}
        made, asked = build({**RIGHT, IMAGE: {}, **old})
        assert written(made, *mines.OWNER) == [OWNER]
        assert [function for function, _ in asked.asked if "image" in function] == [
            IMAGE,
            OLD_IMAGE,
        ]

    def test_the_newer_one_goes_first(self):
        made, asked = build({**RIGHT, OLD_IMAGE: {"cmp01": []}})
        assert written(made, *mines.OWNER) == [OWNER]
        assert (OLD_IMAGE, "glance:client") not in asked.asked

    def test_the_port_of_the_pillar(self):
        made, _ = build(RIGHT, changed(BARE, {f"{HEALTH}:bind_port": 6666}))
        assert written(made, *mines.RECEIVERS) == [
            "172.16.0.11:6666,172.16.0.12:6666,fd00::13:6666"
        ]

    @pytest.mark.parametrize("grain", ["id", "fqdn", "host", "nodename", "localhost"])
    def test_names_of_the_node(self, grain):
        made, _ = build(RIGHT, grains={grain: "gtw02"})
        assert written(made, *mines.ADDRESS) == ["172.16.0.12"]

    def test_minions_with_the_same(self):
        both = {"größe": RIGHT[NETWORKS]["ctl02"], "ctl02": RIGHT[NETWORKS]["ctl02"]}
        made, _ = build({**RIGHT, NETWORKS: both})
        assert made.found == []
        assert made.sections["controller_worker"]["amp_boot_network_list"]["origin"].endswith(
            "of ctl02"
        )

    def test_it_may_be_had_without_a_master_too(self):
        made, _ = build(RIGHT, has_master=False)
        assert written(made, *mines.NETWORKS) == [NETWORK]

    def test_of_several_networks_the_first_is_taken_and_told(self):
        several = {"ctl02": {"networks": [{"id": NETWORK}, {"id": OTHER}]}}
        made, _ = build({**RIGHT, NETWORKS: several})
        assert written(made, *mines.NETWORKS) == [NETWORK]
        (told,) = made.found
        assert (told["level"], told["path"]) == ("warning", f"mine {NETWORKS} of ctl02")
        assert told["reason"] == f"names 2 networks; the first was taken, {NETWORK}"

    def test_of_several_addresses_of_a_port_the_first_is_taken(self):
        fixed = [{"ip_address": "172.16.0.11"}, {"ip_address": "fd00::11"}]
        two = {"one": port("", "minion", fixed_ips=fixed)}
        made, _ = build({**RIGHT, HM_PORTS: {"ctl02": two}}, grains={"id": "minion"})
        assert written(made, *mines.RECEIVERS) == ["172.16.0.11:5555"]
        assert written(made, *mines.ADDRESS) == ["172.16.0.11"]


class TestPillarFirst:
    """What the pillar says wins, whole, and costs no request."""

    def test_a_node_that_names_all_asks_for_nothing(self):
        _, asked = build(RIGHT, changed(GOOD, {f"{WORKER}:amp_image_owner_id": OWNER}))
        assert asked.asked == []

    @pytest.mark.parametrize("roles", [("api",), ("client",), ()])
    def test_other_roles_ask_for_nothing(self, roles):
        _, asked = build(RIGHT, {role: BARE[role] for role in roles})
        assert asked.asked == []

    def test_a_manager_that_is_off_asks_for_nothing(self):
        _, asked = build(RIGHT, changed(BARE, {"manager:enabled": False}))
        assert asked.asked == []

    @pytest.mark.parametrize("role", ["api", "manager"])
    def test_a_list_is_not_added_to(self, role):
        named = changed(BARE, {f"{role}:controller_worker:amp_boot_network_list": [OTHER]})
        made, asked = build(RIGHT, named)
        assert made.found == []
        assert written(made, *mines.NETWORKS) == [OTHER]
        assert written(made, *mines.GROUPS) == [GROUP]
        assert (NETWORKS, "neutron:client") not in asked.asked

    def test_the_address_of_the_node_alone_is_its_list_too(self):
        made, asked = build(RIGHT, changed(BARE, {f"{HEALTH}:bind_ip": "10.0.0.1"}))
        assert written(made, *mines.RECEIVERS) == ["10.0.0.1:5555"]
        assert (HM_PORTS, "neutron:client") not in asked.asked

    def test_a_list_of_controllers_leaves_the_address_to_the_mine(self):
        listed = {f"{HEALTH}:controller_ip_port_list": ["172.16.0.99:5555"]}
        made, _ = build(RIGHT, changed(BARE, listed))
        assert written(made, *mines.RECEIVERS) == ["172.16.0.99:5555"]
        assert written(made, *mines.ADDRESS) == ["172.16.0.11"]

    def test_ocata_s_own_name_of_the_network(self):
        versions = {f"{role}:version": "ocata" for role in ("api", "manager")}
        named = changed(BARE, {**versions, f"{WORKER}:amp_network": OTHER})
        made, asked = build({**RIGHT, NETWORKS: {}}, named)
        assert findings.errors(made.found) == []
        assert (NETWORKS, "neutron:client") not in asked.asked

    def test_a_section_that_cannot_be_read_asks_for_nothing(self):
        made, asked = build(RIGHT, changed(BARE, {"manager:health_manager": "nonsense"}))
        assert findings.errors(made.found)
        assert asked.asked == []


#: What may stand in the mine in place of the right thing: function, answer, reason, remedy.
WRONG = {
    "no networks": (NETWORKS, {"networks": []}, "is empty: the cloud has no", "Create it"),
    "no answer": (NETWORKS, None, "is empty", "mine.update on ctl02"),
    "an empty mapping": (NETWORKS, {}, "is empty", "mine.update on ctl02"),
    "networks by name": (
        NETWORKS,
        {"lb-mgmt-net": {"id": NETWORK}},
        "is a mapping of lb-mgmt-net, not a mapping with networks",
        "Upgrade the module behind it on ctl02, then run mine.update there",
    ),
    "a list of networks": (NETWORKS, [{"id": NETWORK}], "is a list of 1 item, not", "Upgrade"),
    "networks within networks": (NETWORKS, {"networks": {"id": NETWORK}}, "is a mapping", "Upg"),
    "a message": (NETWORKS, "s3cr3t: no such module", "is text, not a mapping", "Upgrade"),
    "no module": (NETWORKS, True, "is a value of type bool", "Upgrade"),
    "a network without an ID": (NETWORKS, {"networks": [{}]}, "has no id where", "Mend"),
    "a network that is a word": (NETWORKS, {"networks": [NETWORK]}, "has no id where", "Mend"),
    "a network of two": (NETWORKS, {"networks": [{"id": "a,b"}]}, "has no id where", "Mend"),
    "a number": (NETWORKS, {"networks": [{"id": 5}]}, "has no id where it should be", "Mend"),
    "a hidden network": (
        NETWORKS,
        {"networks": [{"id": STARS}]},
        "has asterisks in place of its id",
        "Add unmask: true to that mine function of ctl02, then run mine.update there",
    ),
    "no groups": (GROUPS, {}, "is empty: the cloud has no security group", "Create it"),
    "a list of no groups": (GROUPS, [], "is empty", "Create it"),
    "raw groups": (
        GROUPS,
        {"security_groups": [{"id": GROUP, "name": "lb-mgmt-sec-grp"}]},
        "is a mapping of security_groups, not a mapping with lb-mgmt-sec-grp",
        "Upgrade the module",
    ),
    "many groups": (GROUPS, dict.fromkeys("dcba"), "is a mapping of a, b, c and more", "Upgrade"),
    "a group that is an ID": (GROUPS, {"lb-mgmt-sec-grp": GROUP}, "has no id where", "Mend"),
    "a hidden group": (GROUPS, {"lb-mgmt-sec-grp": {"id": STARS}}, "has asterisks", "unmask"),
    "no ports": (HM_PORTS, {}, "is empty: the cloud has no port", "Create it"),
    "raw ports": (HM_PORTS, {"ports": [port("a", "b")]}, "is a mapping of ports, not", "Upgrade"),
    "a list of ports": (HM_PORTS, [port("a", "b")] * 2, "is a list of 2 items, not", "Upgrade"),
    "a port without an address": (
        HM_PORTS,
        {"größe": port("", "gtw01", fixed_ips=[])},
        "has no fixed_ips for the port größe",
        "Give the port an address, then run mine.update on ctl02",
    ),
    "an address that is a word": (
        HM_PORTS,
        {"one": port("", "gtw01", fixed_ips=["172.16.0.11"])},
        "has no address for the port one",
        "Mend",
    ),
    "hidden ports": (HM_PORTS, {"one": port(STARS, STARS)}, "has asterisks", "unmask: true"),
    "ports of others": (
        HM_PORTS,
        {"one": port("172.16.0.9", "gtw09"), "two": port("172.16.0.8", "")},
        "has no port that is bound to this node: one on gtw09, two on no host",
        "Bind one to this node (gtw01.example.org, minion)",
    ),
    "two ports of this node": (
        HM_PORTS,
        {"one": port("172.16.0.9", "minion"), "two": port("172.16.0.8", "minion")},
        "has more than one port of this node: one and two",
        "Set octavia:manager:health_manager:bind_ip",
    ),
    "no image": (IMAGE, {}, "is empty: the cloud has no such image", "Create it"),
    "images": (IMAGE, [{"owner": OWNER}], "is a list of 1 item, not an image", "Upgrade"),
    "an image without an owner": (IMAGE, {"id": "x"}, "is a mapping of id, not an", "Upgrade"),
    "an image of nobody": (IMAGE, {"owner": None}, "has no owner where it should", "Mend"),
    "a hidden owner": (IMAGE, {"owner": STARS}, "has asterisks in place of its owner", "unmask"),
    "no image, told by the older function": (OLD_IMAGE, [], "is empty", "Create it"),
    "an image from the older function": (OLD_IMAGE, {"owner": OWNER}, "is a mapping", "Upgrade"),
    "a hidden owner from the older function": (OLD_IMAGE, STARS, "has asterisks", "unmask: true"),
}


class TestWrong:
    """What cannot be used is refused, whatever the drivers are."""

    @pytest.mark.parametrize("drivers", [{}, NOOP], ids=["live", "noop"])
    @pytest.mark.parametrize("name", WRONG)
    def test_a_shape(self, name, drivers):
        function, answer, reason, remedy = WRONG[name]
        # Who has the older function has not the newer one.
        without = {IMAGE: {}} if function == OLD_IMAGE else {}
        made, _ = build({**RIGHT, **without, function: {"ctl02": answer}}, changed(BARE, drivers))
        (told,) = made.found
        assert (told["level"], told["path"]) == ("error", f"mine {function} of ctl02")
        assert reason in told["reason"]
        assert remedy in told["remedy"]
        assert "octavia:manager:" in told["remedy"]
        assert "s3cr3t" not in findings.describe(made.found)
        assert not made.result()["valid"]

    def test_all_of_it_at_once(self):
        made, _ = build({function: {"ctl02": []} for function in mines.FUNCTIONS})
        assert [(item["level"], item["path"].split()[1]) for item in made.found] == [
            ("error", NETWORKS),
            ("error", GROUPS),
            ("error", IMAGE),
            ("error", HM_PORTS),
        ]

    def test_minions_that_differ(self):
        answers = {"ctl02": {"networks": [{"id": OTHER}]}, "ctl01": {"networks": [{"id": NETWORK}]}}
        made, _ = build({**RIGHT, NETWORKS: answers})
        (told,) = made.found
        assert (told["level"], told["path"]) == ("error", f"mine {NETWORKS} of ctl02")
        assert "is another than that of ctl01" in told["reason"]
        assert "mine.update on ctl01 and ctl02" in told["remedy"]

    def test_a_minion_beside_one_that_is_right(self):
        answers = {"ctl01": {}, "ctl02": {"networks": [{"id": NETWORK}]}}
        made, _ = build({**RIGHT, NETWORKS: answers})
        (told,) = made.found
        assert (told["level"], told["path"]) == ("warning", f"mine {NETWORKS} of ctl01")
        assert written(made, *mines.NETWORKS) == [NETWORK]

    @pytest.mark.parametrize("answer", [None, "", False, [], "no such thing"])
    def test_a_master_that_says_nothing_of_use(self, answer):
        made, _ = build({**RIGHT, HM_PORTS: answer})
        assert findings.errors(made.found) == []
        assert written(made, *mines.ADDRESS) is None


class TestNobody:
    """Nobody has anything in the mine."""

    @pytest.mark.parametrize(
        ("has_master", "drivers", "level"),
        [
            (True, {}, "error"),
            (False, {}, "warning"),
            (True, NOOP, None),
            (False, NOOP, None),
            (True, dict(list(NOOP.items())[:1]), "error"),
            (True, dict(list(NOOP.items())[1:]), "error"),
        ],
    )
    def test_networks_and_groups(self, has_master, drivers, level):
        made, _ = build({}, changed(BARE, drivers), has_master=has_master)
        told = {
            item["path"]: item
            for item in made.found
            if item["path"].startswith(f"octavia:{WORKER}")
        }
        options = ("amp_boot_network_list", "amp_secgroup_list") if level else ()
        assert set(told) == {f"octavia:{WORKER}:{option}" for option in options}
        for item in told.values():
            assert item["level"] == level
            assert "of a minion with neutron:client" in item["reason"]
        # Nobody needs to know whose the image is.
        assert written(made, *mines.OWNER) is None

    def test_the_users_own_sample_goes_on_without_a_master(self):
        made, _ = build({}, SAMPLES["manager"]["octavia"], has_master=False)
        assert made.result()["valid"]

    @pytest.mark.parametrize("option", ["amp_boot_network_list", "amp_secgroup_list"])
    @pytest.mark.parametrize("value", [[], "", None])
    def test_empty_in_the_pillar(self, option, value):
        made, asked = build(RIGHT, changed(GOOD, {f"{WORKER}:{option}": value}), has_master=False)
        (told,) = findings.errors(made.found)
        assert told["path"] == f"octavia:{WORKER}:{option}"
        assert "is empty; without it no amphora" in told["reason"]
        assert not [function for function, _ in asked.asked if function in (NETWORKS, GROUPS)]
        noop, _ = build(RIGHT, changed(GOOD, {**NOOP, f"{WORKER}:{option}": value}))
        assert noop.found == []

    @pytest.mark.parametrize("value", [REMOVED, "", None])
    def test_no_flavor(self, value):
        pillar = changed(GOOD, {f"{WORKER}:amp_flavor_id": value})
        (told,) = build(RIGHT, pillar)[0].found
        assert (told["level"], told["path"]) == ("error", f"octavia:{WORKER}:amp_flavor_id")
        assert "the size of an amphora's machine" in told["reason"]
        assert build(RIGHT, changed(pillar, NOOP))[0].found == []
        # The API alone makes no amphora.
        alone = {"api": changed(pillar, {"api:controller_worker": {}})["api"]}
        assert build(RIGHT, alone)[0].found == []
