"""A tenant who goes on working while controllers are upgraded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.converge import suites
from tests.nodes.processes import wait_until

from .cloud import SCRIPTS, Cloud
from .errors import BenchError

STOP, OUTPUT = "/root/tenant-stop", "/root/tenant-output"
SCRIPT = "/root/client.py"


@contextmanager
def working(cloud: Cloud, urls: Sequence[str]) -> Iterator[dict[str, Any]]:
    """
    Has a tenant work meanwhile.

    :param cloud: where the tenant is
    :param urls: the APIs
    :return: filled in the end: see the script
    :raises BenchError: when the script fails
    """
    node = cloud.node
    node.put(SCRIPT, (Path(SCRIPTS) / "client.py").read_text(encoding="utf-8"))
    node.run(["rm", "-f", STOP, OUTPUT], check=True)
    call = f"exec {suites.SYSTEM_PYTHON} {SCRIPT} {STOP} {' '.join(urls)} > {OUTPUT}"
    env = node.environment({"OS_CLIENT_CONFIG_FILE": suites.CLOUDS, "OS_CLOUD": "admin"})
    answer: dict[str, Any] = {}
    with subprocess.Popen(
        node.command(["sh", "-c", call]), env=env, stderr=subprocess.PIPE, text=True
    ) as client:
        try:
            listed = ["mariadb", "octavia", "--batch", "--skip-column-names", "--execute"]
            asked = "SELECT COUNT(*) FROM load_balancer WHERE name LIKE 'tenant-%'"

            def works() -> bool:
                if client.poll() is not None:
                    return True
                return node.run([*listed, asked], check=True).stdout.strip() != "0"

            wait_until(works, 120)
            yield answer
        finally:
            node.run(["touch", STOP], check=True)
            try:
                _, said = client.communicate(timeout=1800)
            except subprocess.TimeoutExpired:
                client.kill()
                raise
    if client.returncode:
        raise BenchError(f"the tenant's script failed: {said[-3000:]}")
    answer.update(json.loads(node.get(OUTPUT)))
