"""
The composite keys of a role, all of them: what ``bind``, ``database``, ``identity`` and their like
mean in octavia.conf.

Each is one entry of :data:`COMPOSITES`: the keys it knows with their types, those it cannot do
without, the section whose options may stand in it verbatim, and the function that turns its values
into settings. The functions name options as the newest release does; who calls them finds the name
that the release in force has.
"""

from __future__ import annotations

try:
    import octavia_blocks as blocks
    import octavia_connections as connections
    import octavia_features as features
    import octavia_ovn as ovn
except ImportError:
    from salt_formula_octavia.utils import octavia_blocks as blocks
    from salt_formula_octavia.utils import octavia_connections as connections
    from salt_formula_octavia.utils import octavia_features as features
    from salt_formula_octavia.utils import octavia_ovn as ovn

DEFAULT, DERIVED, VERBATIM = blocks.DEFAULT, blocks.DERIVED, blocks.VERBATIM
MEMBERS, MAPPING, PEM = blocks.MEMBERS, blocks.MAPPING, blocks.PEM
Block = blocks.Block
Composite = blocks.Composite
Context = blocks.Context
Setting = blocks.Setting

COMPOSITES: dict[str, blocks.Composite] = {
    **features.COMPOSITES,
    **connections.COMPOSITES,
    "ovn": ovn.COMPOSITE,
}

# Keys that hold one value and stand for one option.
SCALARS = {
    "debug": ("DEFAULT", "debug"),
    "api_v1_enabled": ("api_settings", "api_v1_enabled"),
    "api_v2_enabled": ("api_settings", "api_v2_enabled"),
}
