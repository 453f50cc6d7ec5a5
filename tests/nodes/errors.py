"""Errors of the node package: one class for each thing that can be wrong."""

from __future__ import annotations


class NodesError(Exception):
    """Base of all errors of this package."""


class PlatformError(NodesError):
    """A platform or a Salt version was asked for that does not exist or does not fit."""


class HostError(NodesError):
    """The machine cannot run nodes (not root, not Linux, a tool cannot be installed)."""


class LayerError(NodesError):
    """A layer could not be built."""


class NetworkError(NodesError):
    """An address or a network object cannot be used."""


class NodeError(NodesError):
    """A node is not in the state that an operation needs."""


class BootFailed(NodeError):
    """A node did not come up in time."""


class CommandFailed(NodesError):
    """A command ended with another exit code than 0."""

    def __init__(self, what: str, argv: list[str], returncode: int, stdout: str, stderr: str):
        self.argv, self.returncode, self.stdout, self.stderr = argv, returncode, stdout, stderr
        super().__init__(
            f"{what}: exit code {returncode} of {' '.join(argv)}\n{stdout[-2000:]}{stderr[-4000:]}"
        )


class CommandTimeout(NodesError):
    """A command did not end in time; its processes were killed."""
