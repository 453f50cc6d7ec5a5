"""
What the composite keys of a role are made of: blocks of typed keys, and settings on their way into
octavia.conf.
"""

# No annotations as text here: Salt's loader runs a file without its name in sys.modules, where a
# dataclass would look them up.
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# How much a setting counts: the formula's own default, what the mine holds, a value derived from a
# composite key, an option that the pillar names itself.
DEFAULT, MINE, DERIVED, VERBATIM = range(4)

#: Types of a key beside those of options: a list of hosts with ports, a mapping of names to single
#: values, and the content of a certificate or a key.
MEMBERS, MAPPING, PEM = "members", "mapping", "pem"


class Setting(NamedTuple):
    """One option of octavia.conf on its way into the file."""

    section: str
    option: str
    value: Any
    path: str
    level: int
    note: str = ""


def _no_default(section: str, option: str) -> Any:
    del section, option


@dataclass
class Context:
    """
    What a composite may ask about its surroundings.

    :ivar path: pillar path of the composite, ``octavia:api:database``
    :ivar ports: default ports by service
    :ivar role: the whole pillar of the role
    :ivar has: whether the release in force has an option (section, option)
    :ivar default: the default of an option in the release in force (section, option)
    :ivar ca_bundle: the certificates that the system itself trusts
    :ivar settings: what the composite means, filled by its function
    """

    path: str
    ports: dict[str, int]
    role: dict[str, Any]
    has: Callable[[str, str], bool]
    default: Callable[[str, str], Any] = _no_default
    ca_bundle: str = ""
    settings: list[Setting] = field(default_factory=list)

    def put(self, section: str, option: str, value: Any, key: str | None = "", **more: Any) -> None:
        """
        Adds one setting.

        :param section: section of octavia.conf
        :param option: option of that section
        :param value: its value; None adds nothing
        :param key: the key of the composite that it comes from; None for a default of the formula,
            which yields to whatever another role says
        :param more: further fields of :class:`Setting`
        """
        if value is None:
            return
        level = DEFAULT if key is None else DERIVED
        path = f"{self.path}:{key}" if key else self.path
        self.settings.append(Setting(section, option, value, path, level, **more))


@dataclass(frozen=True)
class Block:
    """
    A mapping of the pillar with keys of its own.

    :ivar keys: the type of each key, as the option data names types, :data:`MEMBERS`,
        :data:`MAPPING`, :data:`PEM`, or a block
    :ivar required: keys that must be there, alternatives parted by ``|``
    :ivar unless: a key or option that makes the required ones needless
    :ivar choices: the values that a key may have
    :ivar unusable: by key, why the libraries that get its value cannot use it (empty: they can),
        given the value and the whole mapping
    :ivar together: pairs of keys of which one is of no use without the other
    :ivar replaced: keys that have no effect beside ``unless``
    :ivar unused: by key, why it says nothing
    :ivar switch: the key that `true` and `false` in place of the mapping stand for
    """

    keys: dict[str, "str | Block"]
    required: tuple[str, ...] = ()
    unless: str = ""
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unusable: dict[str, Callable[[Any, dict[str, Any]], str]] = field(default_factory=dict)
    together: tuple[tuple[str, str], ...] = ()
    replaced: tuple[str, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)
    switch: str = ""


def _nothing(value: dict[str, Any], context: Context) -> None:
    del value, context


@dataclass(frozen=True)
class Composite(Block):
    """
    One composite key of a role.

    :ivar translate: adds the settings to the context, given the checked values, options included
    :ivar section: the section whose options may stand in the composite verbatim
    """

    translate: Callable[[dict[str, Any], Context], None] = _nothing
    section: str = ""


# At its start the API logs its whole configuration, and Octavia did not always mark the URL of the
# jobboard's database, which holds a password, as a secret.
QUIET = {"octavia.api.app": "WARNING"}


def log_levels(context: Context, levels: Mapping[str, Any]) -> list[str]:
    """
    The levels of all loggers.

    :param context: the surroundings, which know the levels that the release has by itself
    :param levels: other levels by the names of their loggers
    :return: the items of ``default_log_levels``
    """
    usual = context.default("DEFAULT", "default_log_levels") or []
    result = dict(str(item).partition("=")[::2] for item in usual)
    board = context.role.get("jobboard")
    if isinstance(board, Mapping) and board.get("persistence"):
        result.update(QUIET)
    result.update({name: str(level).upper() for name, level in levels.items()})
    return [f"{name}={level}" for name, level in result.items()]


def enabled(value: "Mapping[str, Any] | None") -> bool:
    """Whether a block with a key ``enabled`` is there and not switched off."""
    return bool(value) and (value or {}).get("enabled", True) is not False
