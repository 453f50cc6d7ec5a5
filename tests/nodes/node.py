"""A node: a real Debian with systemd, booted in a container on a disk of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import builder, cgroups, counters, host, layers, network
from .commands import Result, finish
from .errors import BootFailed, CommandFailed, NodeError
from .platforms import UNIFIED
from .platforms import platform as find_platform
from .processes import is_alive, step, wait_until
from .state import Record, identity, load, load_all, node_folder

PATH = f"/opt/salt/bin:{builder.PATH}"
# Where a node has the apt repositories of the platforms that it can be upgraded to.
UPGRADES = "/srv/upgrades"
#: Where a node has the folder that it shares with others.
SHARED = "/srv/shared"
# Where a node has the apt repository with what builds the formula.
TOOLS = "/srv/tools"
# What a node sees of the repository, read-only: {path in the repository: path in the node}.
REPOSITORY_BINDS = {
    "octavia": "/srv/salt/octavia",
    "_modules": "/srv/salt/_modules",
    "_states": "/srv/salt/_states",
    "_utils": "/srv/salt/_utils",
    "tests/sandbox": "/srv/salt/sandbox",
    # Where docs/reclass.rst has the formula.
    "metadata": "/srv/formulas/salt-formula-octavia/metadata",
}
_MINION = """\
id: {name}
file_client: local
file_roots:
  base:
    - /srv/salt
pillar_roots:
  base:
    - /srv/pillar
features:
  x509_v2: true
log_level: warning
"""


@dataclass(frozen=True)
class SaltResult:
    """What salt-call gave: `data` is the value that the function returned on the node."""

    returncode: int
    data: Any
    stderr: str


class Node:
    """A container that is created once, and then booted, entered and powered off at will.

    name: also its host name and minion id. platform: key, Octavia release or suite. salt: the
    series ("3008", "3006") or None for a node without Salt. layers: names of `recipes.INSTALLED` on
    top of the base. address: in the network of the switch, allocated when None. extra_addresses:
    more addresses with prefix length on the same interface. owner: the pid of the process with
    whose end the node becomes stale (see `cleanup`), or None for a node that stays. unified: boot
    it on the unified control groups whatever its platform, as some need that it may be upgraded to.
    upgrades: the platforms that it goes through from its own on, in this order; their packages are
    in the folders /srv/upgrades/KEY, and the data plane of its own platform in one as well.
    shared: a folder of the host that is /srv/shared in the node, also for writing.
    tools: have what builds and installs the formula in the apt repository /srv/tools.
    """

    def __init__(
        self,
        name: str,
        platform: str,
        salt: str | None = "3008",
        layers: Sequence[str] = ("infra",),
        address: str | None = None,
        extra_addresses: Sequence[str] = (),
        owner: int | None = None,
        unified: bool = False,
        upgrades: Sequence[str] = (),
        shared: Path | None = None,
        tools: bool = False,
    ):
        node_folder(name)
        self.name = name
        self.platform = find_platform(platform)
        if salt is not None:
            self.platform.salt_pin(salt)
        self._wanted_address = address
        self._extra_addresses = [str(network.parse(extra)) for extra in extra_addresses]
        self._hops = [find_platform(key) for key in upgrades]
        self._tools = tools
        started = None if owner is None else identity(owner)
        if owner is not None and started is None:
            raise NodeError(f"owner {owner} of node {name} is not a living process: give another")
        self.record = Record(
            name=name,
            platform=self.platform.key,
            salt=salt,
            layers=list(layers),
            addresses=[],
            owner=started,
            group=f"{host.NODE_PREFIX}{name}",
            namespace=network.namespace(name),
            unified=unified,
            shared=str(shared or ""),
        )

    @classmethod
    def attach(cls, name: str) -> Node:
        """The existing node `name`, whichever process created it; NodeError when there is none."""
        record = load(name)
        node = cls(name, record.platform, record.salt, record.layers)
        node.record = record
        return node

    def __enter__(self) -> Node:
        self.create()
        try:
            self.boot()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    @property
    def folder(self) -> Path:
        """Where the node keeps its changes (tree), its log (nspawn.log) and its file."""
        return node_folder(self.name)

    @property
    def root(self) -> Path:
        """The node's whole disk, mounted."""
        return self.folder / "root"

    @property
    def address(self) -> str:
        """The node's address on the switch, without prefix length."""
        return self.record.addresses[0].split("/")[0]

    def create(self) -> None:
        """Build the layers where needed, make the disk and connect the network; does not boot.

        Raises NodeError when the name is taken, and the errors of the layers and the network.
        """
        host.ensure_tools()
        self._refuse_existing()
        lowers = layers.stack(self.platform, self.record.layers, self.record.salt)
        self.record.lowers = [str(path) for path in lowers]
        self.record.debs = str(layers.debs(self.platform))
        repositories = layers.upgrades(self.platform, self._hops)
        self.record.upgrades = {key: str(path) for key, path in repositories.items()}
        self.record.tools = str(layers.tools(self.platform)) if self._tools else ""
        with host.lock("nodes"):
            # A clean-up that has just seen the last node go takes the folder away under this lock.
            host.ensure_state()
            self._refuse_existing()
            taken = [address for record in load_all() for address in record.addresses]
            for extra in self._extra_addresses:
                network.refuse_taken(extra, taken)
            main = network.allocate(self._wanted_address, [*taken, *self._extra_addresses])
            self.record.addresses = [main, *self._extra_addresses]
            self.record.save()
        try:
            self._make_disk(lowers)
            network.connect(self.name, self.record.addresses)
        except BaseException:
            self.destroy()
            raise

    def _refuse_existing(self) -> None:
        if self.folder.exists():
            raise NodeError(
                f"node {self.name!r} exists already: take another name, or remove it with "
                f"'python3 -m tests.nodes down {self.name}'"
            )

    def _make_disk(self, lowers: Sequence[Path]) -> None:
        upper, work = self.folder / "tree", self.folder / "work"
        for path in (upper, work, self.root):
            path.mkdir()
        hosts = f"127.0.0.1 localhost\n{self.address} {self.name}\n"
        for name, text in {
            "etc/machine-id": f"{uuid.uuid4().hex}\n",
            "etc/hostname": f"{self.name}\n",
            "etc/hosts": hosts,
            "etc/salt/minion": _MINION.format(name=self.name),
        }.items():
            (upper / name).parent.mkdir(parents=True, exist_ok=True)
            (upper / name).write_text(text, encoding="utf-8")
        options = builder.mount_options(lowers, upper, work)
        subprocess.run(
            ["mount", "-t", "overlay", "-o", options, self.record.group, self.root], check=True
        )

    def _nspawn(self) -> list[str]:
        binds = {self.record.debs: "/srv/debs"}
        binds.update({path: f"{UPGRADES}/{key}" for key, path in self.record.upgrades.items()})
        if self.record.tools:
            binds[self.record.tools] = TOOLS
        for inside, target in REPOSITORY_BINDS.items():
            if (host.REPOSITORY / inside).is_dir():
                binds[str(host.REPOSITORY / inside)] = target
        return [
            *("systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot"),
            *(f"--machine={self.record.group}", f"--hostname={self.name}"),
            *("--register=no", "--keep-unit", "--console=pipe", "--kill-signal=SIGRTMIN+3"),
            f"--network-namespace-path={network.NAMESPACES / self.record.namespace}",
            *("--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--resolv-conf=off", "--link-journal=no"),
            *(["--bind=/dev/net/tun"] if Path("/dev/net/tun").exists() else []),
            *(f"--bind-ro={source}:{target}" for source, target in binds.items()),
            *([f"--bind={self.record.shared}:{SHARED}"] if self.record.shared else []),
        ]

    def boot(self, timeout: float = 180) -> list[str]:
        """Start the node and wait until systemd has started everything.

        Returns the names of the units that failed (none: the system is "running").
        Raises BootFailed with the end of the log when it is not up within `timeout` seconds.
        """
        if self._running_leader():
            raise NodeError(f"node {self.name!r} is running already: power it off first")
        with step(f"boot {self.name} ({self.record.platform}, {self.address})"):
            files = cgroups.create(self.record.group)
            log = self.folder / "nspawn.log"
            with open(log, "a", encoding="utf-8") as stream:
                process = subprocess.Popen(
                    cgroups.joining(files, self._nspawn()),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd="/",
                    env={
                        "PATH": builder.PATH,
                        "LC_ALL": "C.UTF-8",
                        **dict(self.platform.nspawn_env),
                        **(dict([UNIFIED]) if self.record.unified else {}),
                    },
                )
            self.record.nspawn = identity(process.pid)
            self.record.save()
            state = wait_until(lambda: self._system_state(process), timeout, pause=0.2)
            if state not in ("running", "degraded"):
                why = "ended at once" if state else f"was not up after {timeout:.0f} s"
                tail = log.read_text(encoding="utf-8", errors="replace")[-4000:]
                raise BootFailed(f"node {self.name} {why}; its log {log} ends:\n{tail}")
        return [] if state == "running" else self.failed_units()

    def _system_state(self, process: subprocess.Popen[bytes]) -> str | None:
        """systemd's state once it is final, "ended" when the container is gone, else None."""
        if process.poll() is not None:
            return "ended"
        if self._running_leader() is None:
            return None
        state = self.run(["systemctl", "is-system-running"], timeout=60).stdout.strip()
        return state if state in ("running", "degraded") else None

    def failed_units(self) -> list[str]:
        """The names of the units that are in the failed state now."""
        listing = ["systemctl", "list-units", "--failed", "--plain", "--no-legend"]
        return [line.split()[0] for line in self.run(listing, check=True).stdout.splitlines()]

    def _running_leader(self) -> list[int] | None:
        """The node's PID 1 as [pid, start time] while it lives; a reboot of the node changes it."""
        self.record = load(self.name)
        nspawn = self.record.nspawn if self.record.is_running() else None
        leader = _leader(nspawn[0]) if nspawn else None
        if leader != self.record.leader:
            self.record.leader = leader
            self.record.save()
        return leader

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line of the host that runs `argv` in the running node.

        Raises NodeError when the node is not running.
        """
        leader = self._running_leader()
        if leader is None:
            raise NodeError(f"node {self.name!r} is not running: boot it first")
        # A group beside the container's own: on cgroup v2 its parent must hold no process.
        files = cgroups.create(f"{self.record.group}/commands")
        enter = ["nsenter", "--target", str(leader[0]), "--all", "--"]
        return cgroups.joining(files, [*enter, *argv])

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of commands in the node: nothing of the host's but TERM."""
        own = {
            "PATH": PATH,
            "HOME": "/root",
            "USER": "root",
            "LOGNAME": "root",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": os.environ.get("TERM", "dumb"),
        }
        return {**own, **(extra or {})}

    def run(
        self,
        argv: Sequence[str],
        input: str | None = None,
        timeout: float = 600,
        check: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command as root in the running node and wait for it.

        input: its standard input (empty when None). env: variables besides the usual ones.
        Raises CommandTimeout after `timeout` seconds (its process group is killed),
        CommandFailed for an exit code other than 0 when `check` is true.
        """
        result = finish(self.command(argv), argv, input, timeout, self.environment(env), self.name)
        if check and result.returncode:
            raise CommandFailed(
                self.name, list(argv), result.returncode, result.stdout, result.stderr
            )
        return result

    def _shell(self, script: str, *args: str, input: str | None = None) -> Result:
        """Run a small script in the node's disk, booted or not."""
        argv = ["/bin/sh", "-ec", script, "sh", *args]
        if self._running_leader():
            return self.run(argv, input=input)
        outside = ["chroot", str(self.root), *argv]
        return finish(outside, argv, input, 60, self.environment(), self.name)

    def put(self, path: str, text: str, mode: int = 0o644, owner: str = "root:root") -> None:
        """Write a file of the node (booted or not), with its parent folders.

        Raises CommandFailed when the file cannot be written.
        """
        script = (
            'mkdir -p "$(dirname "$1")"; umask 077; cat > "$1.sfo-new"; chown "$3" "$1.sfo-new"; '
            'chmod "$2" "$1.sfo-new"; mv -fT "$1.sfo-new" "$1"'
        )
        result = self._shell(script, path, f"{mode:o}", owner, input=text)
        if result.returncode:
            raise CommandFailed(self.name, ["put", path], result.returncode, "", result.stderr)

    def get(self, path: str) -> str:
        """The text of a file of the node (booted or not).

        Raises CommandFailed when it cannot be read.
        """
        result = self._shell('cat "$1"', path)
        if result.returncode:
            raise CommandFailed(self.name, ["get", path], result.returncode, "", result.stderr)
        return result.stdout

    def set_pillar(self, files: Mapping[str, str | Mapping[str, Any]]) -> None:
        """Replace the node's pillar by these files, see :func:`pillar_files`."""
        self._shell("find /srv/pillar -mindepth 1 -delete")
        for name, text in pillar_files(files).items():
            self.put(f"/srv/pillar/{name}", text, 0o600)

    def salt_call(self, *args: str, timeout: float = 1800) -> SaltResult:
        """Run salt-call without a master and return its parsed answer.

        args: function and arguments as on the command line; never secrets.
        Raises CommandFailed when the answer is no JSON, CommandTimeout when it takes too long.
        """
        argv = ["salt-call", "--local", "--out=json", "--retcode-passthrough", *args]
        result = self.run(argv, timeout=timeout)
        try:
            answer = json.loads(result.stdout)
        except ValueError:
            raise CommandFailed(
                self.name, argv, result.returncode, result.stdout, result.stderr
            ) from None
        data = answer["local"] if isinstance(answer, dict) and "local" in answer else answer
        return SaltResult(result.returncode, data, result.stderr)

    def power_off(self, timeout: float = 90) -> None:
        """Shut the node down in order and wait; its disk stays.

        After `timeout` seconds what is left of it is killed.
        """
        leader, nspawn = self._running_leader(), self.record.nspawn
        if leader and nspawn:
            with step(f"power off {self.name}"):
                os.kill(leader[0], signal.SIGRTMIN + 3)
                wait_until(lambda: not is_alive(*leader) and not is_alive(*nspawn), timeout)
        cgroups.kill(self.record.group)
        cgroups.remove(self.record.group)
        self.record.leader = self.record.nspawn = None
        self.record.save()

    def destroy(self) -> None:
        """Kill the node and remove its disk, network and control group, whatever is there of it."""
        with being_removed(self.name):
            remove_parts(self.name)

    def cpu_seconds(self) -> float:
        """The CPU time that the node has used since it was booted, commands of run() included."""
        return cgroups.cpu_seconds(self.record.group)

    def counting_starts(self) -> AbstractContextManager[counters.Starts]:
        """Count the programs and tasks that start in the running node within a `with` block.

        The numbers of the yielded object are there when the block ends.
        Raises HostError where the host cannot count.
        """
        return counters.counting(self.record.group)


def pillar_files(files: Mapping[str, str | Mapping[str, Any]]) -> dict[str, str]:
    """The text of pillar files, from {name: text, or data that is written as JSON}.

    Without a "top.sls" among them, there is one that gives every file to every minion.
    """
    names = [name.removesuffix(".sls").replace("/", ".") for name in files]
    return {
        name: content if isinstance(content, str) else json.dumps(content, indent=1)
        for name, content in {"top.sls": {"base": {"*": names}}, **files}.items()
    }


def _leader(nspawn: int) -> list[int] | None:
    """The node's PID 1 as [pid, start time]: the child of nspawn that is 1 in its own namespace."""
    try:
        children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
        for child in children:
            status = Path(f"/proc/{child}/status").read_text(encoding="utf-8").splitlines()
            pids = next(line for line in status if line.startswith("NSpid:")).split()[1:]
            if len(pids) > 1 and pids[-1] == "1":
                return identity(int(child))
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None


def being_removed(name: str) -> AbstractContextManager[None]:
    """The lock to hold while parts of the node `name` are removed, against others that do it."""
    return host.lock(f"removal-{name}")


def remove_parts(name: str) -> None:
    """Remove everything that belongs to the node `name`, in any half-made state.

    To be called with `being_removed`.

    Raises NodeError when something of it cannot be removed.
    """
    group, folder = f"{host.NODE_PREFIX}{name}", node_folder(name)
    cgroups.kill(group)
    unmount(folder / "root")
    network.remove(network.namespace(name))
    left = [] if cgroups.remove(group) else [f"control group {group}"]
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        left.append(str(folder))
    if left:
        raise NodeError(f"node {name!r} could not be removed; left: {', '.join(left)}")


def unmount(path: Path) -> None:
    """Unmount a folder, however often something is mounted there."""
    while os.path.ismount(path):
        if subprocess.run(["umount", str(path)], capture_output=True).returncode:
            subprocess.run(["umount", "--lazy", str(path)], check=True)
