"""
Salt itself, in this process: renders pillars, compiles SLS and renders templates for minions that
only exist as grains. It needs no root and writes into one temporary folder.
"""

from __future__ import annotations

import atexit
import fnmatch
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import salt.config
import salt.pillar
import salt.state
import salt.version
from salt.exceptions import SaltRenderError

ROOT = Path(__file__).resolve().parents[2]
COMMON = {
    "id": "node",
    "kernel": "Linux",
    "init": "systemd",
    "saltversioninfo": list(salt.version.__saltstack_version__.info),
}
#: Grains as Salt sees them on these systems; Debian's testing has no number.
SYSTEMS: dict[str, dict[str, Any]] = {
    "debian12": {
        **COMMON,
        "os": "Debian",
        "os_family": "Debian",
        "osfinger": "Debian-12",
        "osrelease": "12",
        "osmajorrelease": 12,
        "oscodename": "bookworm",
    },
    "debian13": {
        **COMMON,
        "os": "Debian",
        "os_family": "Debian",
        "osfinger": "Debian-13",
        "osrelease": "13",
        "osmajorrelease": 13,
        "oscodename": "trixie",
    },
    "testing": {
        **COMMON,
        "os": "Debian",
        "os_family": "Debian",
        "osrelease": None,
        "oscodename": "forky",
    },
    "ubuntu2404": {
        **COMMON,
        "os": "Ubuntu",
        "os_family": "Debian",
        "osfinger": "Ubuntu-24.04",
        "osrelease": "24.04",
        "osmajorrelease": 24,
        "oscodename": "noble",
    },
    "redhat9": {
        **COMMON,
        "os": "RedHat",
        "os_family": "RedHat",
        "osrelease": "9.4",
        "osmajorrelease": 9,
        "osfinger": "Red Hat Enterprise Linux-9",
        "oscodename": "Plow",
    },
}
#: What a state may require, by the names that Salt has for it.
REQUISITES = ("require", "require_any", "watch", "watch_any", "prereq", "onchanges", "onfail")


class RenderError(Exception):
    """Salt could not render or compile; the text is what it says."""


@cache
def folder() -> Path:
    """The one folder that is written to; it is removed at the end of the process."""
    path = Path(tempfile.mkdtemp(prefix="render-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    # Only the SLS tree is to be had from the file server, as from an installed formula, and the
    # modules lie where saltutil.sync_all would put them.
    (path / "roots").mkdir()
    (path / "roots" / "octavia").symlink_to(ROOT / "octavia")
    (path / "extmods").mkdir()
    for kind in ("modules", "states", "utils"):
        (path / "extmods" / kind).symlink_to(ROOT / f"_{kind}")
    return path


def options(system: str, **more: Any) -> dict[str, Any]:
    """
    Salt's own options for a masterless minion that can load the modules of this repository.

    :param system: a key of SYSTEMS
    :param more: further options
    :return: the options
    """
    base = folder()
    opts = salt.config.minion_config(None, minion_id="node")
    opts.update(
        id="node",
        root_dir=str(base),
        cachedir=str(base / "cache"),
        extension_modules=str(base / "extmods"),
        sock_dir=str(base / "sock"),
        pki_dir=str(base / "pki"),
        log_file=str(base / "log"),
        conf_file=str(base / "minion"),
        file_client="local",
        file_roots={"base": [str(base / "roots")]},
        pillar_roots={"base": [str(base)]},
        saltenv="base",
        test=True,
        grains=dict(SYSTEMS[system]),
        pillar={},
        # Salt 3006 has another module for certificates by default; later ones have this one alone.
        features={"x509_v2": True},
    )
    opts.update(more)
    return opts


@cache
def _pillars(system: str) -> salt.pillar.Pillar:
    """Salt's compiler of pillars for one system; pillar files come from the temporary folder."""
    opts = options(system)
    return salt.pillar.Pillar(opts, opts["grains"], "node", "base")


def pillar(text: str, system: str, name: str) -> dict[str, Any]:
    """
    A pillar file as Salt renders it.

    :param text: its text
    :param system: a key of SYSTEMS
    :param name: a name of its own, with no point in it
    :return: the pillar
    :raises RenderError: when it cannot be rendered
    """
    (folder() / f"{name}.sls").write_text(text, encoding="utf-8")
    rendered, errors = _pillars(system).render_pillar({"base": [name]})
    if errors:
        raise RenderError("\n".join(errors))
    return rendered


class Minion:
    """
    A minion with grains and a pillar.

    :param system: a key of SYSTEMS
    :param pillar: the whole pillar
    :param grains: further grains
    :ivar call: the execution modules by name
    """

    def __init__(self, system: str, pillar: Mapping[str, Any], **grains: Any) -> None:
        self.opts = options(system, pillar=dict(pillar))
        self.opts["grains"].update(grains)
        self.highstate = salt.state.HighState(self.opts, initial_pillar=dict(pillar))
        self.call = self.highstate.state.functions
        self._compiled: dict[tuple[str, ...], list[dict[str, Any]]] = {}

    def __enter__(self) -> Minion:
        return self

    def __exit__(self, *_: object) -> None:
        self.highstate.destroy()

    def set_pillar(self, pillar: Mapping[str, Any]) -> None:
        """
        Gives another pillar to the functions that are loaded already.

        :param pillar: the whole of it
        """
        # 3006 has a copy for the modules, 3008 has not.
        for place in (self.opts["pillar"], self.call.pack["__pillar__"]):
            place.clear()
            place.update(pillar)

    def forget(self) -> None:
        """Forgets what the modules keep for the rest of a run."""
        self.highstate.state.functions.pack["__context__"].clear()

    def low(self, *sls: str) -> list[dict[str, Any]]:
        """
        The states that `state.apply` would run, in their order; compiled once.

        :param sls: names of SLS
        :return: the low data
        :raises RenderError: when the SLS cannot be compiled
        """
        if sls not in self._compiled:
            self._compiled[sls] = self._compile(sls)
        return self._compiled[sls]

    def _compile(self, sls: tuple[str, ...]) -> list[dict[str, Any]]:
        compiler = self.highstate.state
        # One object compiles many SLS, each on its own.
        self.highstate.building_highstate = type(self.highstate.building_highstate)()
        self.highstate.push_active()
        try:
            high, errors = self.highstate.render_highstate({"base": list(sls)})
        finally:
            self.highstate.pop_active()
        for step in (compiler.reconcile_extend, compiler.requisite_in):
            _refuse([*errors, *compiler.verify_high(high)])
            high, errors = step(high)
        _refuse(errors)
        chunks = compiler.compile_high_data(compiler.apply_exclude(high))
        if isinstance(chunks, tuple):  # since 3008 with errors beside
            chunks, errors = chunks
            _refuse(errors)
        # Which packages can be managed depends on the system that this process runs on.
        known = (chunk for chunk in chunks if chunk["state"] != "pkg")
        _refuse([problem for chunk in known for problem in compiler.verify_data(dict(chunk))])
        return chunks

    def template(self, source: str, context: Mapping[str, Any] | None = None) -> str:
        """
        A Jinja template as `file.managed` renders it.

        :param source: its `salt://` URL
        :param context: the context that the state gives
        :return: the content of the file
        :raises RenderError: when it cannot be rendered
        """
        target = folder() / "rendered"
        target.unlink(missing_ok=True)
        try:
            self.call["cp.get_template"](source, str(target), context=dict(context or {}))
        except SaltRenderError as problem:
            raise RenderError(f"{source} cannot be rendered: {problem}") from problem
        return target.read_text(encoding="utf-8")

    def run(self, chunk: Mapping[str, Any]) -> dict[str, Any]:
        """
        Runs one state, with test=True.

        :param chunk: its low data
        :return: what the state returns
        """
        return self.highstate.state.call(dict(chunk))


def _refuse(errors: list[Any]) -> None:
    if errors:
        raise RenderError("\n".join(map(str, errors)))


def unresolved(chunks: list[dict[str, Any]]) -> list[str]:
    """
    Requisites that name no state. Salt tells of them only when the state runs.

    :param chunks: low data
    :return: each with the state that has it
    """
    return [
        f"{chunk['__id__']} {kind} {wanted}"
        for chunk in chunks
        for kind in REQUISITES
        for wanted in chunk.get(kind, [])
        if not any(_is_meant(wanted, other) for other in chunks)
    ]


def needs(chunk: Mapping[str, Any], chunks: list[dict[str, Any]]) -> set[str]:
    """
    What a state needs, directly or through others.

    :param chunk: the state
    :param chunks: low data
    :return: the IDs of the states that must have succeeded before it runs
    """
    found: dict[str, Mapping[str, Any]] = {}
    waiting = [chunk]
    while waiting:
        current = waiting.pop()
        for kind in ("require", "watch"):
            for wanted in current.get(kind, []):
                for other in chunks:
                    if other["__id__"] not in found and _is_meant(wanted, other):
                        found[other["__id__"]] = other
                        waiting.append(other)
    return set(found)


def _is_meant(wanted: Any, chunk: Mapping[str, Any]) -> bool:
    """Whether a requisite, `{module: ID or name}` or an ID alone, means a state."""
    ((kind, name),) = wanted.items() if isinstance(wanted, Mapping) else [("id", wanted)]
    if kind == "sls":
        return bool(fnmatch.fnmatch(chunk["__sls__"], name))
    if kind not in ("id", chunk["state"]):
        return False
    return bool(fnmatch.fnmatch(chunk["__id__"], name) or fnmatch.fnmatch(str(chunk["name"]), name))
