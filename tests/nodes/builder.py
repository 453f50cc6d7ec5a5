"""Run a script as root in a Debian root that is not booted, with its changes kept in a folder.

The builder has its own process and mount namespace which die with this process, so a kill leaves
neither processes nor mounts behind.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import cgroups, host
from .errors import LayerError
from .processes import start_time

_CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)
_PASSED = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", *_CERTIFICATE_VARIABLES)
_NUMBERS = itertools.count()
_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def host_environment() -> dict[str, str]:
    """The variables that decide how pip and uv reach their index."""
    return {k: v for k, v in os.environ.items() if k.upper().startswith(_PASSED)}


def host_binds() -> dict[str, str]:
    """The host's files that a download inside a builder needs, as {host path: builder path}.

    These are the resolver, the CA bundles, pip's configuration and the folders named in it.
    """
    wanted = {"/etc/resolv.conf", _CA_BUNDLE, "/etc/pip.conf"}
    wanted.update(os.environ.get(name, "") for name in _CERTIFICATE_VARIABLES)
    binds = {path: path for path in wanted if path and Path(path).exists()}
    personal = Path.home() / ".config/pip/pip.conf"
    if personal.exists():
        binds[str(personal)] = "/root/.config/pip/pip.conf"
    configurations = [path for path in (Path("/etc/pip.conf"), personal) if path.exists()]
    texts = [path.read_text(encoding="utf-8") for path in configurations]
    texts += [v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_"))]
    for word in " ".join(texts).split():
        folder = Path(word.removeprefix("file://"))
        if word.startswith("file://"):
            # An index on disk links to files that lie beside it.
            folder = folder.parent
        if folder.is_absolute() and folder.is_dir() and folder != Path("/"):
            binds[str(folder)] = str(folder)
    return binds


def mount_options(lowers: Sequence[Path], upper: Path, work: Path) -> str:
    """The options of an overlay mount; the first of `lowers` is the topmost."""
    return f"lowerdir={':'.join(map(str, lowers))},upperdir={upper},workdir={work}"


def contained(argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` in namespaces which end with this process."""
    return [
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"),
        *argv,
    ]


def execute(
    argv: Sequence[str], log: Path, env: Mapping[str, str], text: str | None = None
) -> None:
    """Run a command contained and in a control group of its own, its output going to `log`.

    `text` is its standard input. Raises LayerError with the end of the log when it fails.
    """
    group = f"{host.BUILD_PREFIX}{os.getpid()}-{start_time(os.getpid())}-{next(_NUMBERS)}"
    files = cgroups.create(group)
    try:
        with open(log, "a", encoding="utf-8") as stream:
            done = subprocess.run(
                cgroups.joining(files, contained(argv)),
                input=text or "",
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", **env},
                text=True,
            )
    finally:
        cgroups.kill(group)
        cgroups.remove(group)
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace")[-4000:]
        raise LayerError(f"{argv[0]} ended with exit code {done.returncode}; its log ends:\n{tail}")


def run(
    lowers: Sequence[Path],
    folder: Path,
    script: str,
    *,
    files: Mapping[str, str],
    binds: Mapping[str, str],
    network: bool,
    log: Path,
) -> Path:
    """Run a shell script on top of the layers `lowers` and return the folder with its changes.

    folder: an empty place on the file system of the cache. files: {path: text} in /run of the
    builder. binds: {host path: builder path}, read-only unless the host path is inside `folder`.
    network: True gives the host's network with pip, uv and apt set up as on the host.
    Raises LayerError when the script fails.
    """
    upper, work, root = folder / "tree", folder / "work", folder / "root"
    for path in (upper, work, root, folder / "run"):
        path.mkdir(exist_ok=True)
    for name, content in files.items():
        target = folder / "run" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    binds = {**(host_binds() if network else {}), **binds}
    environment = host_environment() if network else {}
    machine = f"{host.BUILD_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
    nspawn = [
        *("systemd-nspawn", "--quiet", f"--directory={root}", f"--machine={machine}"),
        *("--register=no", "--keep-unit", "--as-pid2", "--pipe", "--resolv-conf=off"),
        *("--hostname=builder", "--kill-signal=SIGKILL", f"--bind={folder / 'run'}:/run/build"),
        *([] if network else ["--private-network"]),
        *(
            f"--bind{'' if Path(source).is_relative_to(folder) else '-ro'}={source}:{target}"
            for source, target in binds.items()
        ),
        # Values come from the environment: an index address may hold a password.
        *(f"--setenv={key}" for key in environment),
        "--setenv=DEBIAN_FRONTEND=noninteractive",
        "--setenv=LC_ALL=C.UTF-8",
        *("/bin/sh", "-exc", script),
    ]
    # volatile: nothing syncs, because an interrupted build is thrown away as a whole.
    options = f"{mount_options(lowers, upper, work)},volatile"
    mount = ["mount", "-t", "overlay", "-o", options, host.BUILD_PREFIX, str(root)]
    execute(["/bin/sh", "-ec", f"{shlex.join(mount)}; exec {shlex.join(nspawn)}"], log, environment)
    return upper
