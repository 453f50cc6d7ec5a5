"""Cached layers: each a folder named by a hash of all its inputs, built once and never changed.

A layer is built in a temporary folder and renamed when it is complete, under a lock, so that a kill
leaves nothing half-valid and two runs share one build.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import builder, host, mirror, recipes
from .errors import LayerError
from .platforms import Platform
from .processes import is_alive, start_time, step

_LAYERS = host.CACHE / "layers"
_BUILDING = host.CACHE / "building"
_LOGS = host.CACHE / "logs"


def _key(inputs: object) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:12]


def remove_stale() -> None:
    """Remove temporary folders of processes that died while they built."""
    for folder in _BUILDING.glob("*.*.*"):
        _, pid, started = folder.name.rsplit(".", 2)
        if not is_alive(int(pid), int(started)):
            shutil.rmtree(folder, ignore_errors=True)


def cached(name: str, inputs: object, build: Callable[[Path, Path], Path]) -> Path:
    """The layer `name` with these inputs, built by `build(folder, log)` unless it is there.

    `build` gets an empty folder and returns the part of it that becomes the layer.
    """
    full = f"{name}-{_key(inputs)}"
    final = _LAYERS / full
    if final.is_dir():
        return final
    host.ensure_tools()
    with host.lock(full):
        if final.is_dir():
            return final
        for folder in (_LAYERS, _BUILDING, _LOGS):
            folder.mkdir(parents=True, exist_ok=True)
        remove_stale()
        folder = _BUILDING / f"{full}.{os.getpid()}.{start_time(os.getpid())}"
        folder.mkdir()
        log = _LOGS / f"{full}.log"
        log.write_text("", encoding="utf-8")
        try:
            with step(f"build {full}"):
                build(folder, log).rename(final)
        except LayerError as error:
            raise LayerError(f"{full} could not be built (log: {log}): {error}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return final


def _write(root: Path, path: str, text: str) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_text(text, encoding="utf-8")


def base(platform: Platform) -> Path:
    """A minimal Debian with systemd and Python.

    Raises LayerError when it cannot be built, as all functions of this module.
    """
    inputs = [
        *(platform.suite, platform.extra_suites, recipes.BASE_PACKAGES, recipes.DPKG_OPTIONS),
        *(recipes.APT_OPTIONS, recipes.NODE_SOURCES, recipes.PROFILE),
    ]

    def build(folder: Path, log: Path) -> Path:
        tree = folder / "tree"
        argv = [
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
            f"--include={','.join(recipes.BASE_PACKAGES)}",
            *(f"--dpkgopt={option}" for option in recipes.DPKG_OPTIONS),
            *(f"--aptopt={option}" for option in (*recipes.APT_OPTIONS, *mirror.host_options())),
            *(platform.suite, str(tree), "-"),
        ]
        builder.execute(argv, log, {}, text=mirror.sources(platform))
        _write(tree, "/etc/apt/sources.list", recipes.NODE_SOURCES)
        _write(tree, "/etc/resolv.conf", "# A node resolves names by /etc/hosts only.\n")
        _write(tree, "/etc/hosts", "127.0.0.1 localhost builder\n")
        _write(tree, "/etc/profile.d/salt.sh", recipes.PROFILE)
        for path in ("/srv/debs", "/srv/salt", "/srv/pillar"):
            (tree / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return tree

    return cached(f"base-{platform.key}", inputs, build)


def debs(platform: Platform) -> Path:
    """One apt repository with everything that nodes may install, dependencies included."""
    return _of_groups("debs", platform, recipes.DEB_GROUPS)


def data_plane(platform: Platform) -> Path:
    """An apt repository with packages that stand on a node beside Octavia."""
    return _of_groups("data-plane", platform, recipes.DATA_PLANE)


def tools(platform: Platform) -> Path:
    """An apt repository with what builds and installs the formula."""
    return _of_groups("tools", platform, recipes.TOOLS)


def _of_groups(name: str, platform: Platform, groups: Mapping[str, Sequence[str]]) -> Path:
    lower = base(platform)
    inputs = [lower.name, groups, recipes.DEBS_SCRIPT]

    def build(folder: Path, log: Path) -> Path:
        script = recipes.DEBS_SCRIPT.format(groups=" ".join(groups))
        files = {group: " ".join(packages) for group, packages in groups.items()}
        files["sources"] = mirror.sources(platform)
        binds = {str(folder / "run/sources"): "/etc/apt/sources.list"}
        return _downloaded(lower, folder, log, script, files, binds)

    return cached(f"{name}-{platform.key}", inputs, build)


def upgrade_debs(source: Platform, target: Platform, earlier: Path | None = None) -> Path:
    """An apt repository of `target` with all that a node of `source` with Octavia upgrades to.

    That is Octavia, the base, the data plane, and whatever these draw in. `earlier` is what took
    the node to `source`, if it was not made so: then it has all the packages of that repository.
    """
    lower = base(source)
    script = recipes.UPGRADE_SCRIPT.format(packages=" ".join(recipes.UPGRADED))
    inputs = [lower.name, earlier and earlier.name, target.suite, target.extra_suites, script]

    def build(folder: Path, log: Path) -> Path:
        files = {
            "earlier": " ".join(_packages(earlier)) if earlier else "",
            "before": mirror.sources(source),
            "after": mirror.sources(target),
        }
        return _downloaded(lower, folder, log, script, files, {})

    return cached(f"upgrade-{source.key}-{target.key}", inputs, build)


def _packages(repository: Path) -> list[str]:
    """The names of the packages in an apt repository."""
    lines = (repository / "Packages").read_text(encoding="utf-8").splitlines()
    prefix = "Package: "
    return sorted({line.removeprefix(prefix) for line in lines if line.startswith(prefix)})


def upgrades(platform: Platform, hops: Sequence[Platform]) -> dict[str, Path]:
    """What a node has that goes from one platform to the next, by the platform's key.

    For its own platform that is the data plane, and for each hop the packages of where it leads.
    """
    if not hops:
        return {}
    found = {platform.key: data_plane(platform)}
    earlier = None
    for before, after in zip([platform, *hops], hops):
        earlier = found[after.key] = upgrade_debs(before, after, earlier)
    return found


def _downloaded(
    lower: Path,
    folder: Path,
    log: Path,
    script: str,
    files: Mapping[str, str],
    binds: Mapping[str, str],
) -> Path:
    """The apt repository of what a script downloads into /var/cache/apt/archives."""
    repository = folder / "debs"
    (repository / "partial").mkdir(parents=True)
    binds = {str(repository): "/var/cache/apt/archives", **binds}
    builder.run([lower], folder, script, files=files, binds=binds, network=True, log=log)
    with open(repository / "Packages", "w", encoding="utf-8") as stream:
        done = subprocess.run(["apt-ftparchive", "packages", "."], cwd=repository, stdout=stream)
    if done.returncode:
        raise LayerError(f"apt-ftparchive ended with exit code {done.returncode}")
    return repository


def installed(platform: Platform, names: Sequence[str]) -> list[Path]:
    """Base with the named layers installed on it in this order; the topmost is the first.

    Raises LayerError for a layer name that does not exist.
    """
    if not names:
        return [base(platform)]
    *below, name = names
    if name not in recipes.INSTALLED:
        known = ", ".join(recipes.INSTALLED)
        raise LayerError(f"layer {name!r} is not known; use some of: {known}")
    lowers, repository = installed(platform, below), debs(platform)
    script = recipes.INSTALL_SCRIPT.format(
        packages=" ".join(recipes.DEB_GROUPS[name]), finish=recipes.INSTALLED[name]
    )
    inputs = [[lower.name for lower in lowers], repository.name, script]

    def build(folder: Path, log: Path) -> Path:
        binds = {str(repository): "/srv/debs"}
        return builder.run(lowers, folder, script, files={}, binds=binds, network=False, log=log)

    return [cached(f"{name}-{platform.key}", inputs, build), *lowers]


def uv() -> Path:
    """The uv binary, from a virtual environment of the cache."""

    def build(folder: Path, log: Path) -> Path:
        tree = folder / "tree"
        builder.execute([sys.executable, "-m", "venv", str(tree)], log, {})
        pip = [str(tree / "bin/python"), "-m", "pip", "install", "uv"]
        builder.execute(pip, log, builder.host_environment())
        return tree

    return cached("tool-uv", ["uv"], build) / "bin/uv"


def build_wheels() -> Path:
    """A folder with the wheels that pip builds with, for nodes without an index."""

    def build(folder: Path, log: Path) -> Path:
        tree = folder / "tree"
        pip = [str(uv().with_name("python")), "-m", "pip", "download", "--no-deps"]
        argv = [*pip, "--only-binary=:all:", f"--dest={tree}", *recipes.BUILD_WHEELS]
        builder.execute(argv, log, builder.host_environment())
        return tree

    return cached("build-wheels", recipes.BUILD_WHEELS, build)


def salt(platform: Platform, series: str) -> Path:
    """A virtual environment with Salt at /opt/salt, and wheels that a node can add to it.

    Raises PlatformError when this Salt series does not support the platform's Python.
    """
    pin = platform.salt_pin(series)
    lower = base(platform)
    wheels = {"wheels": recipes.WHEELS, "bare_wheels": recipes.BARE_WHEELS}
    joined = {name: " ".join(packages) for name, packages in wheels.items()}
    script = recipes.SALT_SCRIPT.format(version=pin, **joined)
    inputs = [lower.name, script, recipes.SALT_OVERRIDES, recipes.PIP_CONFIG]

    def build(folder: Path, log: Path) -> Path:
        upper = builder.run(
            [lower],
            folder,
            script,
            files={"overrides": recipes.SALT_OVERRIDES},
            binds={str(uv()): "/usr/local/bin/uv"},
            network=True,
            log=log,
        )
        tree = folder / "layer"
        # The rest of the changes is mount points and caches of the builder.
        for path in ("opt/salt", "srv/wheels"):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (upper / path).rename(tree / path)
        _write(tree, "/etc/pip.conf", recipes.PIP_CONFIG)
        return tree

    return cached(f"salt-{platform.key}-{pin}", inputs, build)


def stacks(
    platform: Platform, wanted: Sequence[Sequence[str]], series: Sequence[str]
) -> tuple[list[list[Path]], list[Path]]:
    """The stacks of layers and the Salt environments of a platform, built side by side.

    Returns what `installed` gives for each of `wanted` and `salt` for each of `series`.
    """
    base(platform)
    with ThreadPoolExecutor() as pool:
        repository = pool.submit(debs, platform)
        trees = [pool.submit(installed, platform, names) for names in wanted]
        salts = [pool.submit(salt, platform, name) for name in series]
        repository.result()
        return [tree.result() for tree in trees], [layer.result() for layer in salts]


def stack(platform: Platform, names: Sequence[str], series: str | None) -> list[Path]:
    """The lower folders of a node, the topmost first: Salt, the named layers, the base."""
    (tree,), salts = stacks(platform, [names], [series] if series else [])
    return [*salts, *tree]
