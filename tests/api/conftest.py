"""A real Octavia, clouds to reach it by, a proxy that breaks things, and counts at the server."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.light import Log, Server
from tests.api.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "_utils"))

SUBNET = "22222222-3333-4444-5555-666666666666"
#: Patient enough for the server, and quick where a test makes it fail.
LIMITS = {"answer": 20.0, "pause": 0.05, "longest_pause": 0.5, "lock": 300.0, "attempts": 4}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, release: str) -> Iterator[Server]:
    """The server of all tests; what one of them must not see of another is in another project."""
    made = Server(tmp_path_factory.mktemp("octavia"), release=release)
    yield made
    made.close()


@pytest.fixture(scope="session")
def one_minion(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The minion, for :func:`minion`."""
    from tests.api.minion import Minion

    return Minion(tmp_path_factory.mktemp("minion"))


@pytest.fixture
def minion(one_minion: Any) -> Any:
    """A minion without a pillar."""
    one_minion.pillar_data({})
    return one_minion


@pytest.fixture(scope="session")
def one_proxy(server: Server) -> Iterator[Proxy]:
    """The proxy, for :func:`proxy`."""
    made = Proxy(server.url)
    yield made
    made.close()


@pytest.fixture
def proxy(one_proxy: Proxy) -> Iterator[Proxy]:
    """A proxy in front of the server that breaks nothing yet."""
    yield one_proxy
    one_proxy.heal()


@pytest.fixture
def log(server: Server) -> Log:
    """The requests that reach the server during this test."""
    return server.log()


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """Name of a project of this test's own."""
    return re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def entry(server: Server, project: str) -> Callable[..., dict[str, Any]]:
    """Makes the entry of a cloud, as clouds.yaml has it."""

    def make(user: str = "member", url: str = server.url, **more: Any) -> dict[str, Any]:
        auth = {
            "auth_url": f"{url}/identity/v3",
            "username": user,
            "password": "secret",
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        auth.update(more.pop("auth", {}))
        return {"auth": auth, "region_name": "RegionOne", "identity_api_version": 3, **more}

    return make


@pytest.fixture
def clouds_yaml(entry: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    """A clouds.yaml with the clouds admin, member, reader and nobody."""
    clouds = {user: entry(user) for user in ("admin", "member", "reader", "nobody")}
    path = tmp_path / "clouds.yaml"
    # JSON is YAML.
    path.write_text(json.dumps({"clouds": clouds}), encoding="utf-8")
    return path


@pytest.fixture
def connected(entry: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., Any]]:
    """Makes clients."""
    import octavia_client

    made = []

    def make(user: str = "member", limits: dict[str, Any] | None = None, **more: Any) -> Any:
        cloud = octavia_client.connect(auth=entry(user, **more))
        limits = octavia_client.Limits(**{**LIMITS, **(limits or {})})
        made.append(octavia_client.Client(cloud, limits))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(connected: Callable[..., Any]) -> Any:
    """A client of a member of this test's project."""
    return connected()


@pytest.fixture
def broken(connected: Callable[..., Any], proxy: Proxy) -> Any:
    """The same, behind the proxy."""
    return connected(url=proxy.url)


def loadbalancer(name: str, **more: Any) -> dict[str, Any]:
    """The body of a create of a load balancer with nothing on it."""
    return {"name": name, "vip_subnet_id": SUBNET, **more}


def tree(name: str, members: int = 2) -> dict[str, Any]:
    """The body of a create of a load balancer with one of everything on it."""
    rule = {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/api"}
    policy = {"name": "api", "action": "REDIRECT_TO_POOL", "redirect_pool": {"name": "web"}}
    monitor = {"type": "HTTP", "delay": 5, "timeout": 3, "max_retries": 2}
    pool = {
        "name": "web",
        "protocol": "HTTP",
        "lb_algorithm": "ROUND_ROBIN",
        "members": [{"address": f"10.0.0.{n + 1}", "protocol_port": 80} for n in range(members)],
        "healthmonitor": monitor,
    }
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "protocol_port": 80,
        "default_pool": {"name": "web"},
        "l7policies": [{**policy, "rules": [rule]}],
    }
    return loadbalancer(name, listeners=[listener], pools=[pool])
