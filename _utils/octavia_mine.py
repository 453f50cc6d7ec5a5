"""
IDs that others put into Salt's mine: what stands there, as values of octavia.conf.

The formulas of Neutron and Glance, or their modules, make the management network, the security
group, the ports of the health managers and the image, and put what they made into the mine. What
the pillar does not name is taken from there. Each mine function is one entry of :data:`FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

try:
    import octavia_blocks as blocks
    import octavia_findings as findings
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks
    from salt_formula_octavia.utils import octavia_findings as findings

Name = tuple[str, str]
Answers = Mapping[str, Any]

NETWORKS: Name = ("controller_worker", "amp_boot_network_list")
GROUPS: Name = ("controller_worker", "amp_secgroup_list")
OWNER: Name = ("controller_worker", "amp_image_owner_id")
ADDRESS: Name = ("health_manager", "bind_ip")
RECEIVERS: Name = ("health_manager", "controller_ip_port_list")
GROUP = "lb-mgmt-sec-grp"
#: Ocata's own names for the network; where the pillar has one of them, nothing is missing.
FORMER_NETWORKS = (("controller_worker", "amp_network"), ("networking", "lb_network_name"))
#: The grains that may be what Neutron calls the host of a port.
HOST_GRAINS = ("id", "fqdn", "host", "nodename", "localhost")


class Mine(NamedTuple):
    """
    The mine, as a node sees it.

    :ivar ask: what minions have put there, by their ids: given the function and the pillar path
        that they must have
    :ivar has_master: whether the mine is that of a master; else it holds only the node's own
    :ivar hosts: the names that this node may have in Neutron, see :func:`hosts`
    """

    ask: Callable[[str, str], Any]
    has_master: bool = False
    hosts: frozenset[str] = frozenset()


def _nothing(function: str, target: str) -> Answers:
    del function, target
    return {}


#: The mine of a node that has none.
NONE = Mine(_nothing)


def hosts(grains: Mapping[str, Any]) -> frozenset[str]:
    """
    The names that a node may have in Neutron.

    :param grains: the grains of the node
    :return: the names in small letters
    """
    return frozenset(str(grains[name]).lower() for name in HOST_GRAINS if grains.get(name))


class Unusable(ValueError):
    """
    What stands in the mine is of no use.

    :ivar reason: what it is, a sentence without a full stop
    :ivar remedy: what helps, a part of a sentence; the minion takes the place of ``{minion}``
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Port(NamedTuple):
    """A port of a health manager: its name, its address, the host that it is bound to."""

    name: str
    address: str
    host: str


class Function(NamedTuple):
    """
    A mine function.

    :ivar target: the pillar path of the minions that have it
    :ivar read: its answer as a value that can be compared; raises :class:`Unusable`
    """

    target: str
    read: Callable[[Any], Any]


# -- what an answer says --------------------------------------------------------------------------


def _what(value: Any) -> str:
    """The kind of a value, in words that show none of it but the names at its top."""
    if isinstance(value, Mapping):
        names = ", ".join(sorted(map(str, value))[:3])
        return f"a mapping of {names}" + (" and more" if len(value) > 3 else "")
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)} item{'s' if len(value) > 1 else ''}"
    return "text" if isinstance(value, str) else f"a value of type {type(value).__name__}"


def _empty(missing: str) -> Unusable:
    return Unusable(f"is empty: {missing}", "Create it, then run mine.update on {minion}")


def _other(value: Any, wanted: str) -> Unusable:
    """An answer of another shape, as older modules give it."""
    reason = f"is {_what(value)}, not {wanted}"
    return Unusable(reason, "Upgrade the module behind it on {minion}, then run mine.update there")


def _text(value: Any, name: str, wanted: str) -> str:
    """An ID or an address: one word."""
    if not isinstance(value, str) or len(value.split()) != 1 or "," in value:
        raise Unusable(
            f"has no {name} where it should be; expected is {wanted}",
            "Mend the module behind it on {minion}, then run mine.update there",
        )
    if not value.strip("*"):
        raise Unusable(
            f"has asterisks in place of its {name}, as pillar.get of Salt 3008 gives them",
            "Add unmask: true to that mine function of {minion}, then run mine.update there",
        )
    return value


def _networks(answer: Any) -> tuple[str, ...]:
    wanted = "a mapping with networks, a list of mappings with id"
    if not answer:
        raise _empty("the cloud has no management network for amphorae")
    if not isinstance(answer, Mapping) or not isinstance(answer.get("networks"), list):
        raise _other(answer, wanted)
    if not answer["networks"]:
        raise _empty("the cloud has no management network for amphorae")
    return tuple(_text(_of(item, "id"), "id", wanted) for item in answer["networks"])


def _group(answer: Any) -> str:
    wanted = f"a mapping with {GROUP}, a mapping with id"
    if not answer:
        raise _empty(f"the cloud has no security group {GROUP}")
    if not isinstance(answer, Mapping) or GROUP not in answer:
        raise _other(answer, wanted)
    return _text(_of(answer[GROUP], "id"), "id", wanted)


def _ports(answer: Any) -> tuple[Port, ...]:
    wanted = "a mapping of ports by name, each with fixed_ips and binding_host_id"
    if not answer:
        raise _empty("the cloud has no port for a health manager")
    if not isinstance(answer, Mapping) or not all(
        isinstance(one, Mapping) for one in answer.values()
    ):
        raise _other(answer, wanted)
    return tuple(_port(str(name), answer[name], wanted) for name in sorted(answer, key=str))


def _port(name: str, port: Mapping[str, Any], wanted: str) -> Port:
    fixed = port.get("fixed_ips")
    if not isinstance(fixed, list) or not fixed:
        reason = f"has no fixed_ips for the port {name}; expected is {wanted}"
        raise Unusable(reason, "Give the port an address, then run mine.update on {minion}")
    # A health manager listens on one address, so that is the one to send to.
    address = _text(_of(fixed[0], "ip_address"), f"address for the port {name}", wanted)
    return Port(name, address, str(port.get("binding_host_id") or ""))


def _owner(answer: Any) -> str:
    if not answer:
        raise _empty("the cloud has no such image")
    if not isinstance(answer, str):
        raise _other(answer, "the id of the project that owns the image")
    return _text(answer, "id", "the id of the project that owns the image")


def _image(answer: Any) -> str:
    wanted = "an image, a mapping with owner"
    if not answer:
        raise _empty("the cloud has no such image")
    if not isinstance(answer, Mapping) or "owner" not in answer:
        raise _other(answer, wanted)
    return _text(answer["owner"], "owner", wanted)


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


FUNCTIONS: dict[str, Function] = {
    "list_octavia_networks": Function("neutron:client", _networks),
    "list_octavia_mgmt_security_groups": Function("neutron:client", _group),
    "list_octavia_hm_ports": Function("neutron:client", _ports),
    "octavia_amphora_image": Function("glance:client", _image),
    "glanceng.get_image_owner_id": Function("glance:client", _owner),
}
#: The functions that an option may come from: the first that anybody has counts.
SOURCES: dict[Name, tuple[str, ...]] = {
    NETWORKS: ("list_octavia_networks",),
    GROUPS: ("list_octavia_mgmt_security_groups",),
    OWNER: ("octavia_amphora_image", "glanceng.get_image_owner_id"),
    ADDRESS: ("list_octavia_hm_ports",),
    RECEIVERS: ("list_octavia_hm_ports",),
}
SECTIONS = frozenset(section for section, _ in SOURCES)


# -- what follows for the options -----------------------------------------------------------------


def lacking(named: Iterable[Name]) -> list[Name]:
    """
    The options for which the mine is to be asked.

    :param named: the options of which the pillar of the node says something, or from which the
        formula derives something of what it says
    :return: the options that come from the mine
    """
    known = set(named)
    left = [name for name in SOURCES if name not in known]
    if NETWORKS in left and known.intersection(FORMER_NETWORKS):
        left.remove(NETWORKS)
    return left


class Reader:
    """
    Reads options from the mine.

    :param mine: the mine
    :param port: the port that health managers listen on
    :ivar settings: what was read, by section and option
    :ivar found: the findings
    :ivar broken: the options for which the mine holds nothing that can be used
    """

    def __init__(self, mine: Mine, port: Any) -> None:
        self.mine = mine
        self.port = port
        self.settings: dict[Name, blocks.Setting] = {}
        self.found: list[findings.Finding] = []
        self.broken: set[Name] = set()
        self._values: dict[tuple[str, ...], tuple[str, Any] | None] = {}
        self._answered: set[tuple[str, ...]] = set()

    def read(self, names: Iterable[Name]) -> None:
        """
        Fills ``settings``, ``found`` and ``broken``; each function is asked for once at most.

        :param names: the options to read, see :func:`lacking`
        """
        for name in names:
            functions = SOURCES[name]
            if functions not in self._values:
                self._values[functions] = self._value(functions, name)
            told = self._values[functions]
            if told is not None:
                self._set(name, *told)
            if functions in self._answered and name not in self.settings:
                self.broken.add(name)

    def _value(self, functions: tuple[str, ...], name: Name) -> tuple[str, Any] | None:
        """Where a value comes from, and the value; None where there is none."""
        for function in functions:
            answers = self.mine.ask(function, FUNCTIONS[function].target)
            if isinstance(answers, Mapping) and answers:
                self._answered.add(functions)
                return self._agreed(function, answers, name)
        return None

    def _agreed(self, function: str, answers: Answers, name: Name) -> tuple[str, Any] | None:
        right: dict[str, Any] = {}
        wrong: dict[str, Unusable] = {}
        for minion in sorted(answers, key=str):
            try:
                right[str(minion)] = FUNCTIONS[function].read(answers[minion])
            except Unusable as problem:
                wrong[str(minion)] = problem
        tell = findings.warning if right else findings.error
        for minion, why in wrong.items():
            remedy = f"{why.remedy.format(minion=minion)}; or set {_path(name)}"
            self.found.append(tell(_origin(function, minion), None, why.reason, remedy))
        if not right:
            return None
        first, value = next(iter(right.items()))
        differs = [minion for minion in right if right[minion] != value]
        if differs:
            reason = f"is another than that of {first}, so which one is meant cannot be known"
            remedy = f"Run mine.update on {first} and {differs[0]}; or set {_path(name)}"
            self._refuse(_origin(function, differs[0]), reason, remedy)
            return None
        return _origin(function, first), value

    def _refuse(self, path: str, reason: str, remedy: str) -> None:
        self.found.append(findings.error(path, None, reason, remedy))

    def _set(self, name: Name, origin: str, value: Any) -> None:
        chosen = self._chosen(name, origin, value)
        if chosen is not None:
            # Which minion it was may change from run to run, and the file should not.
            note = origin.rpartition(" of ")[0].replace("mine ", "from the mine, ", 1)
            setting = blocks.Setting(*name, chosen, origin, blocks.MINE, note)
            self.settings[name] = setting

    def _chosen(self, name: Name, origin: str, value: Any) -> Any:
        if name == NETWORKS:
            if len(value) > 1:
                reason = f"names {len(value)} networks; the first was taken, {value[0]}"
                remedy = f"Leave one in the cloud, or set {_path(name)}"
                self.found.append(findings.warning(origin, None, reason, remedy))
            return [value[0]]
        if name == GROUPS:
            return [value]
        if name == RECEIVERS:
            return [f"{port.address}:{self.port}" for port in value]
        return self._own_address(origin, value) if name == ADDRESS else value

    def _own_address(self, origin: str, ports: tuple[Port, ...]) -> str | None:
        here = [port for port in ports if port.host.lower() in self.mine.hosts]
        if len(here) == 1:
            return here[0].address
        path = _path(ADDRESS)
        if here:
            named = " and ".join(port.name for port in here)
            self._refuse(origin, f"has more than one port of this node: {named}", f"Set {path}")
            return None
        bound = ", ".join(f"{port.name} on {port.host or 'no host'}" for port in ports)
        reason = f"has no port that is bound to this node: {bound}"
        names = ", ".join(sorted(self.mine.hosts))
        remedy = f"Bind one to this node ({names}) and run mine.update; or set {path}"
        self._refuse(origin, reason, remedy)
        return None


def _origin(function: str, minion: str) -> str:
    return f"mine {function} of {minion}"


def _path(name: Name) -> str:
    return ":".join(("octavia:manager", *name))
