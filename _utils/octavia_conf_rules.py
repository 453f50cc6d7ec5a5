"""
What options of octavia.conf demand of each other.

Octavia finds most of this out late: when a service starts, at the first failover, or never. Each
rule is one entry of :data:`RULES`: the options it reads, the first of which the release must have,
and a function that yields findings. A rule is not asked where one of its options is wrong already.
"""

# No annotations as text here, see octavia_blocks.
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

try:
    import octavia_blocks as blocks
    import octavia_findings as findings
    import octavia_mine as mines
    import octavia_schema as schema
    import octavia_values as values
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks
    from salt_formula_octavia.utils import octavia_findings as findings
    from salt_formula_octavia.utils import octavia_mine as mines
    from salt_formula_octavia.utils import octavia_schema as schema
    from salt_formula_octavia.utils import octavia_values as values

Name = tuple[str, str]
Found = Iterator[findings.Finding]

TLS_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
#: Drivers by the option that chooses them, with the first and the last release that has them.
DRIVERS: dict[Name, dict[str, tuple[str, str]]] = {
    ("certificates", "cert_generator"): {"anchor_cert_generator": ("ocata", "stein")},
    ("certificates", "cert_manager"): {
        "local_cert_manager": ("pike", ""),
        "castellan_cert_manager": ("queens", ""),
        "noop_cert_manager": ("yoga", ""),
    },
    ("controller_worker", "network_driver"): {"containers_driver": ("ocata", "2023.2")},
    ("api_settings", "enabled_provider_drivers"): {
        "amphorav1": ("xena", "2023.1"),
        "amphorav2": ("train", ""),
    },
}


@dataclass
class Conf:
    """
    octavia.conf as it will be, seen by rules.

    :ivar roles: roles of the node, in their order
    :ivar releases: names of all releases, oldest first
    :ivar release: name of the release in force
    :ivar view: the options that it has
    :ivar settings: what the pillar and the formula set, by section and option
    :ivar broken: options of which something is wrong
    :ivar broken_sections: sections of which options may be missing for that reason
    :ivar has_master: whether a master's mine was asked for what the pillar lacks
    """

    roles: Sequence[str]
    releases: Sequence[str]
    release: str
    view: Mapping[str, Mapping[str, Any]]
    settings: Mapping[Name, blocks.Setting]
    broken: set[Name] = field(default_factory=set)
    broken_sections: set[str] = field(default_factory=set)
    has_master: bool = False

    def value(self, section: str, option: str) -> Any:
        """
        The value of an option as Octavia reads it, its default where it is not set.

        :param section: its section
        :param option: its name
        :return: the value; None where there is none
        """
        era = self.view.get(section, {}).get(option)
        if era is None:
            return None
        setting = self.settings.get((section, option))
        value = setting.value if setting else None
        return values.parsed(era, value) if value is not None else era.get("default")

    def is_set(self, section: str, option: str) -> bool:
        """
        Whether the pillar says something of an option, directly or by a composite key.

        :param section: its section
        :param option: its name
        :return: False for a default of Octavia or of the formula
        """
        setting = self.settings.get((section, option))
        return setting is not None and setting.level != blocks.DEFAULT

    def path(self, section: str, option: str) -> str:
        """
        Where an option stands in the pillar, or could stand.

        :param section: its section
        :param option: its name
        :return: the pillar path
        """
        setting = self.settings.get((section, option))
        if setting and setting.level != blocks.DEFAULT:
            return setting.path
        role = "manager" if "manager" in self.roles else self.roles[0]
        return f"octavia:{role}:{section}:{option}"

    def has(self, first: str, last: str = "") -> bool:
        """
        Whether the release in force lies in a span.

        :param first: first release of the span
        :param last: its last release; empty for the newest
        :return: True when it does
        """
        place = self.releases.index
        return place(first) <= place(self.release) <= place(last or self.releases[-1])

    def error(self, section: str, option: str, reason: str, remedy: str) -> findings.Finding:
        """An error about an option; its value is shown where the pillar sets it."""
        return findings.error(
            self.path(section, option), self._shown(section, option), reason, remedy
        )

    def warning(self, section: str, option: str, reason: str, remedy: str) -> findings.Finding:
        """A warning about an option; its value is shown where the pillar sets it."""
        return findings.warning(
            self.path(section, option), self._shown(section, option), reason, remedy
        )

    def _shown(self, section: str, option: str) -> Any:
        if not self.is_set(section, option):
            return None
        if schema.is_secret(section, option, self.view[section][option]):
            return findings.MASK
        path = self.path(section, option)
        return findings.masked(path, self.settings[section, option].value)


@dataclass(frozen=True)
class Rule:
    """
    One rule.

    :ivar reads: the options it reads, ``section/option``; the release must have the first
    :ivar check: yields what is wrong
    :ivar role: the role that the node must have; empty for any
    :ivar always: ask also where the pillar sets none of these options
    """

    reads: tuple[str, ...]
    check: Callable[[Conf], Found]
    role: str = ""
    always: bool = False


def check(conf: Conf) -> list[findings.Finding]:
    """
    What the rules find.

    :param conf: octavia.conf as it will be
    :return: the findings
    """
    return [finding for rule in RULES if _applies(rule, conf) for finding in rule.check(conf)]


def _applies(rule: Rule, conf: Conf) -> bool:
    if rule.role and rule.role not in conf.roles:
        return False
    names: list[Name] = [(section, option) for section, _, option in map(_parts, rule.reads)]
    first_section, first_option = names[0]
    if first_option not in conf.view.get(first_section, {}):
        return False
    if any(name in conf.broken or name[0] in conf.broken_sections for name in names):
        return False
    return rule.always or any(conf.is_set(*name) for name in names)


def _parts(label: str) -> tuple[str, str, str]:
    return label.partition("/")


# -- heartbeats -----------------------------------------------------------------------------------


def _family(host: str) -> int | None:
    """4 or 6, None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).version
    except ValueError:
        return None


def _receivers(conf: Conf) -> Found:
    option = ("health_manager", "controller_ip_port_list")
    address = conf.value("health_manager", "bind_ip")
    listed = conf.value(*option) or []
    hosts = []
    for receiver in listed:
        host, _, port = receiver.rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65536 or not _is_host(host):
            reason = f"has {receiver!r}, which is no address with a port"
            remedy = "Write address:port, IPv6 addresses without brackets"
            yield conf.error(*option, reason, remedy)
            return
        hosts.append(host)
    if conf.is_set("health_manager", "bind_ip") and any(map(_is_wildcard, hosts)):
        reason = "would have amphorae send their heartbeats to every address and so to none"
        remedy = "Name the addresses by which amphorae reach the controllers"
        if not conf.is_set(*option):
            remedy = f"Set {conf.path(*option)} to the addresses by which amphorae reach this node"
            yield conf.error("health_manager", "bind_ip", reason, remedy)
        else:
            yield conf.error(*option, reason, remedy)
        return
    wanted = _family(address or "")
    families = {_family(host) for host in hosts}
    if hosts and wanted and address != "::" and families.isdisjoint({wanted, None}):
        reason = f"has no IPv{wanted} address, and the health manager listens on {address} only"
        remedy = "Name an address of each controller on which its health manager listens"
        yield conf.error(*option, reason, remedy)


def _is_host(host: str) -> bool:
    return (_family(host) == 6 and "[" not in host) or bool(HOST.fullmatch(host))


def _is_wildcard(host: str) -> bool:
    return host in ("0.0.0.0", "::")


def _no_receiver(conf: Conf) -> Found:
    option = ("health_manager", "controller_ip_port_list")
    live = conf.value("controller_worker", "amphora_driver") == "amphora_haproxy_rest_driver"
    if live and not conf.value(*option):
        reason = "names no controller, so no amphora would report and each would look dead"
        remedy = "Set octavia:manager:health_manager:bind_ip, or name all controllers here"
        yield conf.warning(*option, reason, remedy)


def _no_key(conf: Conf) -> Found:
    option = ("health_manager", "heartbeat_key")
    if not conf.value(*option):
        reason = "is not set: nobody could tell an amphora's heartbeat from a forged one"
        yield conf.warning(*option, reason, "Give all controllers one and the same long key")


def _dead_controllers(conf: Conf) -> Found:
    interval = conf.value("health_manager", "heartbeat_interval")
    timeout = conf.value("health_manager", "heartbeat_timeout")
    count = max(1, len(conf.value("health_manager", "controller_ip_port_list") or []))
    option = "heartbeat_interval"
    if not conf.is_set("health_manager", option) and conf.is_set(
        "health_manager", "heartbeat_timeout"
    ):
        option = "heartbeat_timeout"
    remedy = "Raise heartbeat_timeout, or lower heartbeat_interval"
    if interval <= 0 or timeout <= 0:
        reason = "is not above 0"
        wrong = "heartbeat_interval" if interval <= 0 else "heartbeat_timeout"
        yield conf.error("health_manager", wrong, reason, "Give a number of seconds")
    elif interval >= timeout:
        reason = (
            f"leaves {interval} s between two heartbeats and {timeout} s to wait for one, so each "
            "amphora would be taken for dead"
        )
        yield conf.error("health_manager", option, reason, remedy)
    elif interval * count >= timeout:
        # An amphora sends to one controller after the other.
        reason = (
            f"lets each of {count} controllers hear of an amphora every {interval * count} s; with "
            f"all others dead it would take each amphora for dead after {timeout} s"
        )
        yield conf.warning("health_manager", option, reason, remedy)


def _threshold(conf: Conf) -> Found:
    threshold = conf.value("health_manager", "failover_threshold")
    if threshold is not None and threshold < 2:
        reason = "is reached by a single dead amphora, so no amphora would ever be failed over"
        remedy = "Set it to a fifth of all amphorae or more, or leave it out"
        yield conf.error("health_manager", "failover_threshold", reason, remedy)


# -- the jobboard ---------------------------------------------------------------------------------


def _jobboard(conf: Conf) -> Found:
    if not conf.value("task_flow", "jobboard_enabled"):
        return
    hosts = ("task_flow", "jobboard_backend_hosts")
    if not conf.value(*hosts):
        yield conf.error(*hosts, "names no host for the jobboard", "Name the hosts of its backend")
    elif not conf.is_set(*hosts):
        reason = "is not set, so the jobboard is looked for on 127.0.0.1"
        remedy = "Name the hosts of its backend, the same on all controllers"
        yield conf.warning(*hosts, reason, remedy)
    url = ("task_flow", "persistence_connection")
    if not conf.is_set(*url) or str(conf.value(*url)).startswith("sqlite"):
        reason = "keeps the jobs of the jobboard where no other controller sees them"
        yield conf.warning(*url, reason, "Set it to the URL of a database of its own")


# -- amphorae ------------------------------------------------------------------------------------


def _is_live(conf: Conf) -> bool:
    """Whether real machines with real ports are made for amphorae."""
    drivers = (conf.value("controller_worker", name) or "" for name in LIVE)
    return any("noop" not in driver for driver in drivers)


def _no_id(section: str, option: str, conf: Conf) -> Found:
    name = (section, option)
    former = any(conf.is_set(*other) for other in mines.FORMER_NETWORKS)
    if not _is_live(conf) or conf.value(*name) or (name == mines.NETWORKS and former):
        return
    lost = f"without it no amphora could be made or reached: {NEEDED[name]}"
    if conf.is_set(*name):
        yield conf.error(*name, f"is empty; {lost}", "Name it, or choose Octavia's noop drivers")
        return
    remedy = f"Set {conf.path(*name)}"
    if name not in mines.SOURCES:
        yield conf.error(*name, f"is not set; {lost}", remedy)
        return
    (function,) = mines.SOURCES[name]
    target = mines.FUNCTIONS[function].target
    reason = f"is not set, nor in the mine as {function} of a minion with {target}; {lost}"
    # Only a master's mine can have been emptied behind the back of a file that was written from it.
    tell = conf.error if conf.has_master else conf.warning
    yield tell(*name, reason, f"{remedy}, or put {function} into the mine there")


LIVE = ("compute_driver", "network_driver")
#: What an amphora needs of the cloud, each with what it is for.
NEEDED = {
    mines.NETWORKS: "it is the network by which controllers reach amphorae",
    mines.GROUPS: "it lets controllers through to amphorae",
    ("controller_worker", "amp_flavor_id"): "it is the size of an amphora's machine",
}


# -- load balancers -------------------------------------------------------------------------------


def _apart(conf: Conf) -> Found:
    standby = conf.value("controller_worker", "loadbalancer_topology") == "ACTIVE_STANDBY"
    apart = conf.value("nova", "enable_anti_affinity")
    if standby and not apart:
        reason = "is of little use while both amphorae may run on one compute host"
        remedy = "Set [nova] enable_anti_affinity to true"
        yield conf.warning("controller_worker", "loadbalancer_topology", reason, remedy)


def _affinity(conf: Conf) -> Found:
    if conf.is_set("nova", "anti_affinity_policy") and not conf.value(
        "nova", "enable_anti_affinity"
    ):
        reason = "has no effect while [nova] enable_anti_affinity is false"
        remedy = "Set [nova] enable_anti_affinity to true, or remove it"
        yield conf.warning("nova", "anti_affinity_policy", reason, remedy)


def _providers(conf: Conf) -> Found:
    drivers = ("api_settings", "enabled_provider_drivers")
    default = ("api_settings", "default_provider_driver")
    enabled = conf.value(*drivers)
    if not enabled:
        yield conf.error(*drivers, "enables no provider driver", "Name at least one")
        return
    chosen = conf.value(*default)
    if chosen not in enabled:
        about = default if conf.is_set(*default) else drivers
        reason = f"makes {chosen} the default, which is not among the enabled drivers"
        yield conf.error(*about, reason, f"Choose one of {', '.join(enabled)}, or enable {chosen}")
    agents = conf.value("driver_agent", "enabled_provider_agents")
    if "ovn" in enabled and conf.has("train") and "ovn" not in (agents or []):
        reason = "enables OVN, whose agent then has to run in octavia-driver-agent"
        remedy = "Add ovn to [driver_agent] enabled_provider_agents"
        yield conf.warning(*drivers, reason, remedy)


def _driver(section: str, option: str, conf: Conf) -> Found:
    value = conf.value(section, option)
    for driver in value if isinstance(value, dict) else [value]:
        first, last = DRIVERS[section, option].get(driver, (conf.releases[0], ""))
        if not conf.has(first, last):
            until = f" to {last}" if last else " on"
            reason = f"names {driver}, which Octavia has from {first}{until}"
            remedy = f"Choose a driver that {conf.release} has"
            yield conf.error(section, option, reason, remedy)


# -- TLS ------------------------------------------------------------------------------------------


def _tls_versions(conf: Conf) -> Found:
    least = conf.value("api_settings", "minimum_tls_version")
    for side in ("listener", "pool"):
        option = ("api_settings", f"default_{side}_tls_versions")
        versions = conf.value(*option) or []
        unknown = [version for version in versions if version not in TLS_VERSIONS]
        if unknown:
            reason = f"has {unknown[0]}, which is no version of TLS"
            yield conf.error(*option, reason, f"Choose from {', '.join(TLS_VERSIONS)}")
            continue
        below = [
            version
            for version in versions
            if least and TLS_VERSIONS.index(version) < TLS_VERSIONS.index(least)
        ]
        if below:
            about = option if conf.is_set(*option) else ("api_settings", "minimum_tls_version")
            reason = (
                f"conflicts: default_{side}_tls_versions has {', '.join(below)}, and "
                f"minimum_tls_version is {least}; the API would not start"
            )
            yield conf.error(*about, reason, f"Leave {', '.join(below)} out of the versions")


def _ciphers(conf: Conf) -> Found:
    # Octavia splits at each colon, so an unset list prohibits the empty name.
    prohibited = (conf.value(*PROHIBITED) or "").split(":")
    for side in ("listener", "pool"):
        option = ("api_settings", f"default_{side}_ciphers")
        value = conf.value(*option)
        if value is None:
            continue
        about = option if conf.is_set(*option) else PROHIBITED
        both = [name for name in value.split(":") if name in prohibited]
        if value and not CIPHERS.fullmatch(value):
            reason = (
                "has characters that could break out of a line of HAProxy's configuration; with "
                "Octavia's fix of that, in 2026.2 and in packages of older releases, the API would "
                "not start"
            )
            yield conf.error(*about, reason, "Use only letters, digits and any of - + ! : @ = _ .")
        elif any(both):
            reason = (
                f"conflicts: default_{side}_ciphers has {', '.join(filter(None, both))}, and "
                "tls_cipher_prohibit_list prohibits it; the API would not start"
            )
            yield conf.error(*about, reason, f"Set default_{side}_ciphers without it")
        elif both or not value:
            reason = "has a cipher without a name, so the API would not start"
            remedy = f"Set default_{side}_ciphers to names with one colon between each two"
            yield conf.error(*about, reason, remedy)


PROHIBITED = ("api_settings", "tls_cipher_prohibit_list")
#: Octavia's check_cipher_string.
CIPHERS = re.compile(r"[A-Za-z0-9\-+!:@=_.]+")


def _certificates(conf: Conf) -> Found:
    buffer = conf.value("house_keeping", "cert_expiry_buffer")
    validity = conf.value("certificates", "cert_validity_time")
    if validity is not None and buffer >= validity:
        options = (("certificates", "cert_validity_time"), ("house_keeping", "cert_expiry_buffer"))
        about = next(name for name in options if conf.is_set(*name))
        reason = (
            f"makes certificates last {validity} s and be renewed {buffer} s before their end, so "
            "each amphora would get a new one all the time"
        )
        remedy = "Set [house_keeping] cert_expiry_buffer below [certificates] cert_validity_time"
        yield conf.error(*about, reason, remedy)


# -- logging and secrets --------------------------------------------------------------------------


def _logged_secrets(conf: Conf) -> Found:
    if not conf.value("DEFAULT", "debug") or not conf.value("DEFAULT", "log_options"):
        return
    shown = [
        f"[{section}] {option}"
        for (section, option), setting in sorted(conf.settings.items())
        if setting.value is not None
        and schema.is_secret(section, option)
        and not conf.view.get(section, {}).get(option, {"secret": True}).get("secret")
    ]
    if shown:
        reason = (
            f"has the services of {conf.release} log all options when they start, and Octavia does "
            f"not know that these are secret: {', '.join(shown)}"
        )
        remedy = "Set [DEFAULT] log_options to false beside it"
        yield conf.warning("DEFAULT", "debug", reason, remedy)


def _log_format(conf: Conf) -> Found:
    if conf.has("train", "ussuri"):
        reason = (
            f"is read differently by the first version of {conf.release}, which wants single "
            "braces: {project_id}"
        )
        remedy = "Make sure that the form fits the installed packages"
        yield conf.warning("haproxy_amphora", "user_log_format", reason, remedy)


def _lost_logs(conf: Conf) -> Found:
    if not conf.value("amphora_agent", "disable_local_log_storage"):
        return
    for kind in ("admin", "tenant"):
        if not conf.value("amphora_agent", f"{kind}_log_targets"):
            option = ("amphora_agent", "disable_local_log_storage")
            reason = f"leaves amphorae no place for their {kind} logs"
            yield conf.warning(*option, reason, f"Set [amphora_agent] {kind}_log_targets")


def _memcache(conf: Conf) -> Found:
    strategy = conf.value("keystone_authtoken", "memcache_security_strategy")
    if strategy and strategy != "None" and not conf.value("keystone_authtoken", KEY):
        reason = "needs a key, without which the API would not start"
        remedy = f"Set [keystone_authtoken] {KEY}"
        yield conf.error("keystone_authtoken", "memcache_security_strategy", reason, remedy)


KEY = "memcache_secret_key"
HEALTH = "health_manager"

RULES = (
    Rule((f"{HEALTH}/controller_ip_port_list", f"{HEALTH}/bind_ip"), _receivers, always=True),
    Rule(
        (
            *(f"{HEALTH}/controller_ip_port_list", f"{HEALTH}/bind_ip"),
            "controller_worker/amphora_driver",
        ),
        _no_receiver,
        role="manager",
        always=True,
    ),
    Rule((f"{HEALTH}/heartbeat_key",), _no_key, role="manager", always=True),
    Rule(
        (
            f"{HEALTH}/heartbeat_interval",
            f"{HEALTH}/heartbeat_timeout",
            f"{HEALTH}/controller_ip_port_list",
        ),
        _dead_controllers,
    ),
    Rule((f"{HEALTH}/failover_threshold",), _threshold),
    Rule(
        (
            "task_flow/jobboard_enabled",
            "task_flow/jobboard_backend_hosts",
            "task_flow/persistence_connection",
        ),
        _jobboard,
    ),
    *(
        Rule(
            (f"{section}/{option}", *(f"controller_worker/{driver}" for driver in LIVE)),
            partial(_no_id, section, option),
            role="manager",
            always=True,
        )
        for section, option in NEEDED
    ),
    Rule(("controller_worker/loadbalancer_topology", "nova/enable_anti_affinity"), _apart),
    Rule(("nova/anti_affinity_policy", "nova/enable_anti_affinity"), _affinity),
    Rule(
        (
            "api_settings/enabled_provider_drivers",
            "api_settings/default_provider_driver",
            "driver_agent/enabled_provider_agents",
        ),
        _providers,
    ),
    *(
        Rule((f"{section}/{option}",), partial(_driver, section, option))
        for section, option in DRIVERS
    ),
    Rule(
        (
            "api_settings/minimum_tls_version",
            "api_settings/default_listener_tls_versions",
            "api_settings/default_pool_tls_versions",
        ),
        _tls_versions,
    ),
    Rule(
        (
            "api_settings/tls_cipher_prohibit_list",
            "api_settings/default_listener_ciphers",
            "api_settings/default_pool_ciphers",
        ),
        _ciphers,
    ),
    Rule(("house_keeping/cert_expiry_buffer", "certificates/cert_validity_time"), _certificates),
    Rule(("DEFAULT/debug", "DEFAULT/log_options"), _logged_secrets),
    Rule(("haproxy_amphora/user_log_format",), _log_format),
    Rule(
        (
            "amphora_agent/disable_local_log_storage",
            "amphora_agent/admin_log_targets",
            "amphora_agent/tenant_log_targets",
        ),
        _lost_logs,
    ),
    Rule(("keystone_authtoken/memcache_security_strategy", f"keystone_authtoken/{KEY}"), _memcache),
)
