"""The reclass classes: what comes of models with them, and what docs/reclass.rst says of them."""

import re
from collections.abc import Iterator
from typing import Any

import docutils.core
import docutils.nodes
import harness
import pytest
import salt.pillar
import yaml

from tests.highstate import inventory
from tests.highstate.inventory import CLASSES, MODEL, PAGE

PARAM = re.compile(r"\$\{_param:(\w+)\}")
STRONG = "octavia_require_strong_secrets"
SECRETS = {
    f"{name}_password": "change-me"
    for name in ("mysql_octavia", "keystone_octavia", "rabbitmq_openstack")
}
MANAGER = {"cluster_vip_address": "192.0.2.10", "octavia_hm_bind_ip": "192.0.2.11"}
MANAGER |= {"amp_flavor_id": "f" * 8, STRONG: False}
THREE = {f"octavia_health_manager_node0{n}_address": f"192.0.2.1{n}" for n in (1, 2, 3)}
#: What the classes of the nodes demand, and what lets the published secrets pass that they have by
#: default.
REQUIRED: dict[str, dict[str, Any]] = {
    "api.single": {"single_address": "192.0.2.1", **SECRETS},
    "api.cluster": {
        "cluster_vip_address": "192.0.2.10",
        "cluster_local_address": "192.0.2.11",
        **SECRETS,
    },
    "manager.single": {**MANAGER, **SECRETS},
    "manager.cluster": {**MANAGER, **THREE, **SECRETS},
    "client": {},
    "support": {},
}
ROLES = [name for name in REQUIRED if name != "support"]
#: What models of this ecosystem say, and what comes of it.
SHARED = {
    "openstack_node_role": ("secondary", "api:role", "secondary"),
    "openstack_database_address": ("192.0.2.20", "api:database:host", "192.0.2.20"),
    "openstack_message_queue_address": ("192.0.2.21", "api:message_queue:host", "192.0.2.21"),
    "openstack_rabbitmq_port": (5671, "api:message_queue:port", 5671),
    "openstack_region": ("Paris", "manager:identity:region", "Paris"),
    "cluster_internal_protocol": ("https", "manager:identity:protocol", "https"),
    "mysql_octavia_username": ("lbaas", "api:database:user", "lbaas"),
    "keystone_octavia_username": ("lbaas", "api:identity:user", "lbaas"),
    "galera_ssl_enabled": (True, "api:database:ssl:enabled", True),
    "openstack_mysql_x509_enabled": (True, "manager:database:x509:enabled", True),
    "mysql_octavia_ssl_ca_file": ("/ca", "api:database:x509:ca_file", "/ca"),
    "mysql_octavia_ssl_cert_file": ("/cert", "api:database:x509:cert_file", "/cert"),
    "mysql_octavia_ssl_key_file": ("/key", "api:database:x509:key_file", "/key"),
    "rabbitmq_ssl_enabled": (True, "api:message_queue:ssl:enabled", True),
    "openstack_rabbitmq_x509_enabled": (True, "api:message_queue:x509:enabled", True),
    "rabbitmq_octavia_ssl_ca_file": ("/ca", "manager:message_queue:x509:ca_file", "/ca"),
    "rabbitmq_octavia_ssl_cert_file": ("/cert", "api:message_queue:x509:cert_file", "/cert"),
    "rabbitmq_octavia_ssl_key_file": ("/key", "api:message_queue:x509:key_file", "/key"),
    "octavia_private_key": ("a key", "manager:ssh:private_key", "a key"),
}


class Model:
    """
    An inventory of reclass in a folder of its own.

    :param folder: where it is written
    """

    def __init__(self, folder):
        self.folder, self.settings = folder, inventory.write(folder)

    def node(self, classes, **parameters):
        """Writes a node with these classes and parameters, and renders it."""
        content = {"classes": classes, "parameters": parameters}
        (self.folder / "nodes" / "node.yml").write_text(yaml.safe_dump(content))
        return self.pillar("node")

    def pillar(self, name):
        """The pillar of a node, by reclass alone."""
        return inventory.pillar(self.settings, name)

    def errors(self, name):
        """What Salt says when it compiles the pillar of a node."""
        opts = harness.options("debian12", id=name, ext_pillar=[{"reclass": self.settings}])
        return salt.pillar.Pillar(opts, opts["grains"], name, "base").compile_pillar()["_errors"]


@pytest.fixture(name="model")
def _model(tmp_path):
    return Model(tmp_path)


def services(*names):
    """The classes as a model names them."""
    return [f"service.octavia.{name}" for name in names]


def at(pillar, path):
    """The value at a path below ``octavia``."""
    value = pillar["octavia"]
    for key in path.split(":"):
        value = value[key]
    return value


def findings(pillar, **grains):
    """What the formula has to say of a pillar, in words."""
    with harness.Minion("debian12", pillar, **grains) as minion:
        found = minion.call["octavia_config.validate"]()
        if "error" not in {item["level"] for item in found}:
            assert harness.unresolved(minion.low("octavia")) == []
            if set(pillar["octavia"]) & {"api", "manager"}:
                assert minion.template("salt://octavia/files/octavia.conf")
    return [f"{item['level']}: {item['path']} {item['reason']}" for item in found]


def identified(pillar):
    """The pillar with the IDs that the classes leave to the mine."""
    manager = pillar["octavia"].get("manager")
    if manager:
        ids = {"amp_boot_network_list": ["a-network"], "amp_secgroup_list": ["a-group"]}
        manager["controller_worker"].update(ids)
    return pillar


# -- each class -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REQUIRED)
def test_a_class_needs_no_more_than_is_documented(model, name):
    given = {"octavia_version": "zed", **REQUIRED[name]}
    pillar = model.node(services(name), _param=given)
    assert pillar["__reclass__"]["applications"] == (["octavia"] if name in ROLES else [])
    assert "service.octavia.support" in pillar["__reclass__"]["classes"]
    assert findings(identified(pillar)) == []


def test_published_secrets_are_refused_unless_the_model_lets_them_pass(model):
    given = {"octavia_version": "zed", **REQUIRED["manager.single"]}
    del given[STRONG]
    found = findings(identified(model.node(services("manager.single"), _param=given)))
    assert {text.split()[1].rpartition(":")[2] for text in found} == {
        *("heartbeat_key", "server_certs_key_passphrase")
    }
    assert all(text.startswith("error") for text in found)


@pytest.mark.parametrize("name", ROLES)
def test_each_of_them_is_missed(model, name):
    given = {"octavia_version": "zed", **REQUIRED[name]}
    asked = set(given) - {STRONG}
    model.node(services(name), _param=given)
    for missing in asked if name != "client" else ():
        content = {key: value for key, value in given.items() if key != missing}
        node = {"classes": services(name), "parameters": {"_param": content}}
        (model.folder / "nodes" / "node.yml").write_text(yaml.safe_dump(node))
        (said,) = model.errors("node")
        assert f"Cannot resolve ${{_param:{missing}}}, at " in said
        assert re.search(rf"{missing}.* in yaml_fs://\S+/service/octavia/\S+\.yml", said)


def test_all_that_is_missing_is_told_at_once(model):
    (model.folder / "nodes" / "node.yml").write_text("classes: [service.octavia.manager.cluster]")
    (said,) = model.errors("node")
    wanted = {*REQUIRED["manager.cluster"], "octavia_version"} - {STRONG}
    assert set(PARAM.findall(said)) == wanted


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "classes: [service.octavia.api.singel]",
            r"Class service\.octavia\.api\.singel not found under",
        ),
        (
            "classes: [cluster.controller]\nparameters: {_param: {octavia_version: {a: b}}}",
            r"Cannot merge dictionary over scalar, at _param:octavia_version, in \S+troller.yml",
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_class(model, content, said):
    (model.folder / "nodes" / "node.yml").write_text(content)
    (found,) = model.errors("node")
    assert re.search(said, found)


def test_a_minion_without_a_node(model):
    (found,) = model.errors("nobody")
    assert "Node 'nobody' not found under" in found


# -- what models say ------------------------------------------------------------------------------


@pytest.fixture(name="all_roles")
def _all_roles():
    """What a node needs that has the classes of a cluster."""
    return {"octavia_version": "zed", **REQUIRED["api.cluster"], **REQUIRED["manager.cluster"]}


@pytest.mark.parametrize("name", SHARED)
def test_a_parameter_of_this_ecosystem_is_used(model, all_roles, name):
    value, path, comes = SHARED[name]
    classes = services("api.cluster", "manager.cluster")
    assert at(model.node(classes, _param=all_roles), path) != comes
    pillar = model.node(classes, _param={**all_roles, name: value})
    assert at(pillar, path) == comes
    assert not [text for text in findings(pillar) if text.startswith("error")]


def test_a_parameter_of_octavia_s_own_counts_for_more_than_a_shared_one(model, all_roles):
    both = {
        "octavia_region": "Lyon",
        "openstack_region": "Paris",
        "octavia_api_role": "primary",
        "openstack_node_role": "secondary",
        "octavia_database_address": "db",
        "openstack_database_address": "other",
    }
    pillar = model.node(services("api.cluster"), _param={**all_roles, **both})
    found = [at(pillar, f"api:{path}") for path in ("identity:region", "role", "database:host")]
    assert found == ["Lyon", "primary", "db"]


def test_protected_connections_by_parameters_alone(model, all_roles):
    on = dict.fromkeys(("openstack_mysql_x509_enabled", "openstack_rabbitmq_x509_enabled"), True)
    pillar = model.node(services("api.cluster", "manager.cluster"), _param={**all_roles, **on})
    with harness.Minion("debian12", pillar) as minion:
        conf = minion.template("salt://octavia/files/octavia.conf")
    assert "ssl_ca=/etc/octavia/ssl/mysql/ca-cert.pem" in conf
    assert "@192.0.2.10:5671/" in conf
    assert "ssl_key_file = /etc/octavia/ssl/rabbitmq/client-key.pem" in conf


def test_what_a_model_lays_over_the_blocks_is_merged_with_them(model, all_roles):
    own = {"database": {"x509": {"enabled": True, "ca_file": "/own"}}}
    over = dict.fromkeys(("api", "manager"), own)
    members = {"members": [{"host": "192.0.2.30"}]}
    given = {**all_roles, "octavia_message_queue": members}
    pillar = model.node(services("api.cluster", "manager.cluster"), _param=given, octavia=over)
    for role in over:
        x509 = at(pillar, f"{role}:database:x509")
        assert (x509["enabled"], x509["ca_file"]) == (True, "/own")
        assert x509["key_file"].startswith("/etc/octavia/ssl/mysql/")
        assert at(pillar, f"{role}:database:host") == "192.0.2.10"
        assert at(pillar, f"{role}:message_queue:members") == members["members"]
    assert not [text for text in findings(pillar) if text.startswith("error")]


def test_another_number_of_controllers(model):
    given = {"octavia_version": "zed", **MANAGER, **SECRETS}
    own = {"~octavia_controller_ip_port_list": ["192.0.2.11:5555", "192.0.2.12:6666"]}
    pillar = model.node(services("manager.cluster"), _param={**given, **own})
    (wanted,) = own.values()
    assert at(pillar, "manager:health_manager:controller_ip_port_list") == wanted


@pytest.mark.parametrize("role", ["api", "manager"])
def test_a_class_of_a_role_that_the_pillar_switches_off(model, all_roles, role):
    classes = services("api.cluster", "manager.cluster")
    off = {role: {"enabled": False}}
    pillar = model.node(classes, _param=all_roles, octavia=off)
    (other,) = {"api", "manager"} - {role}
    with harness.Minion("debian12", pillar) as minion:
        package = {"name": "octavia-common", "version": "11.0.0-2", "release": "zed"}
        around = {"octavia_control.package": lambda *_: {**package, "installed": True}}
        minion.call["octavia_control.package"] = around["octavia_control.package"]
        check, *rest = minion.low("octavia")
        said = minion.run(check)
    assert said["result"] is True
    assert f"Nothing is done for {role}: octavia:{role}:enabled is false." in said["comment"]
    sls = {chunk["__sls__"].split(".")[1] for chunk in rest}
    assert other in sls
    assert role not in sls


# -- the model of the tests -----------------------------------------------------------------------


class TestModel:
    """Three controllers and a client, as tests/highstate applies them."""

    def test_every_node_is_right(self, model):
        for path in (MODEL / "nodes").glob("*.yml"):
            assert findings(model.pillar(path.stem), id=path.stem) == []

    def test_one_controller_makes_the_schema_and_the_cas(self, model):
        controllers = [model.pillar(name) for name in ("ctl01", "ctl02", "ctl03")]
        roles = [at(pillar, "api:role") for pillar in controllers]
        assert roles == ["primary", "secondary", "secondary"]
        assert {at(pillar, "pki:ca_node") for pillar in controllers} == {"ctl01"}

    def test_amphorae_report_to_each(self, model):
        bound = [at(model.pillar(f"ctl0{n}"), "manager:health_manager:bind_ip") for n in (1, 2, 3)]
        lists = [
            at(model.pillar(f"ctl0{n}"), "manager:health_manager:controller_ip_port_list")
            for n in (1, 2, 3)
        ]
        assert len(set(bound)) == 3
        assert lists == [[f"{address}:5555" for address in bound]] * 3


# -- the page -------------------------------------------------------------------------------------


def page() -> Iterator[tuple[str, set[str]]]:
    """The sections of the page below "Parameters", each with the names that its table is about."""
    document = docutils.core.publish_doctree(PAGE.read_text(encoding="utf-8"))
    for section in document.findall(docutils.nodes.section):
        title = section.next_node(docutils.nodes.title)
        if title is None or section.parent.next_node(docutils.nodes.title) is None:
            continue
        if section.parent.next_node(docutils.nodes.title).astext() != "Parameters":
            continue
        names = set()
        for row in section.findall(docutils.nodes.row):
            cell = row.next_node(docutils.nodes.entry)
            names |= {literal.astext() for literal in cell.findall(docutils.nodes.literal)}
        yield title.astext(), names - {"name"}


def used() -> set[str]:
    """The parameters that the classes refer to or give a default."""
    names: set[str] = set()
    for path in CLASSES.rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        names |= set(PARAM.findall(text))
    return names | defaults()


def defaults() -> set[str]:
    """The parameters that the classes give a default."""
    loaded = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in CLASSES.rglob("*.yml")]
    return {name for one in loaded for name in one.get("parameters", {}).get("_param", {})}


BLOCKS = {"octavia_database", "octavia_identity", "octavia_message_queue"}


def test_every_parameter_is_documented_and_no_other():
    sections = dict(page())
    assert set(sections) == {"Required", "With defaults", "Shared with other formulas", "Not used"}
    not_used = sections.pop("Not used")
    told = [name for names in sections.values() for name in names]
    assert len(told) == len(set(told))
    assert set(told) == used() - BLOCKS
    assert not_used & used() == set()
    for name in BLOCKS:
        assert f"``{name}``" in PAGE.read_text(encoding="utf-8")


def test_what_is_documented_as_required_has_no_default():
    required = dict(page())["Required"]
    assert required == used() - defaults()
    asked = {name for given in REQUIRED.values() for name in given}
    assert required == asked - {STRONG} | {"octavia_version"}
