"""
Octavia's database on SQLite, which knows one writer at a time and no upgrade of a reader to one.

Transactions therefore queue up in this process, first come, first served. A transaction that a
thread opens inside another one of its own may only read; it sees what is committed.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import octavia.compute.drivers.noop_driver.driver as noop_compute
import octavia.network.drivers.noop_driver.driver as noop_network
import sqlalchemy
import sqlalchemy.orm
from octavia.common import constants
from oslo_config import cfg

from octavia.db import api, base_models, models

LONGEST_WAIT = 120
# What Octavia's own migrations fill these tables with.
LOOKUPS = {
    models.ProvisioningStatus: constants.SUPPORTED_PROVISIONING_STATUSES,
    models.HealthMonitorType: constants.SUPPORTED_HEALTH_MONITOR_TYPES,
    models.Algorithm: constants.SUPPORTED_LB_ALGORITHMS,
    models.Protocol: constants.SUPPORTED_PROTOCOLS,
    models.OperatingStatus: constants.SUPPORTED_OPERATING_STATUSES,
    models.SessionPersistenceType: constants.SUPPORTED_SP_TYPES,
    models.AmphoraRoles: constants.SUPPORTED_AMPHORA_ROLES,
    models.LBTopology: constants.SUPPORTED_LB_TOPOLOGIES,
    models.VRRPAuthMethod: constants.SUPPORTED_VRRP_AUTH,
    models.L7RuleType: constants.SUPPORTED_L7RULE_TYPES,
    models.L7RuleCompareType: constants.SUPPORTED_L7RULE_COMPARE_TYPES,
    models.L7PolicyAction: constants.SUPPORTED_L7POLICY_ACTIONS,
    models.ClientAuthenticationMode: constants.SUPPORTED_CLIENT_AUTH_MODES,
}
DELETED_FLAVOR = {"name": "DELETED-PLACEHOLDER", "provider_name": constants.DELETED}


class Queue:
    """A lock that is taken in the order of asking and may be given back by another thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self.owner = 0

    def take(self) -> None:
        """Waits for the lock; raises TimeoutError after LONGEST_WAIT seconds."""
        turn = threading.Event()
        with self._guard:
            self._waiting.append(turn)
            if len(self._waiting) == 1:
                turn.set()
        if not turn.wait(LONGEST_WAIT):
            with self._guard:
                if not turn.is_set():
                    self._waiting.remove(turn)
                    raise TimeoutError("the database was not free in time")
        self.owner = threading.get_ident()

    def give(self) -> None:
        """Hands the lock to who has waited longest."""
        with self._guard:
            self.owner = 0
            self._waiting.popleft()
            if self._waiting:
                self._waiting[0].set()


def _serialise(engine: Any) -> None:
    queue = Queue()

    @sqlalchemy.event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")

    # Before oslo.db, which has the same event send BEGIN.
    @sqlalchemy.event.listens_for(engine, "begin", insert=True)
    def _begin(connection: Any) -> None:
        record = connection.connection.info
        if queue.owner != threading.get_ident() and not record.get("queued"):
            queue.take()
            record["queued"] = True

    # SQLAlchemy tells of a commit before it is done, and of this after it.
    @sqlalchemy.event.listens_for(engine, "checkin")
    def _checkin(connection: Any, record: Any) -> None:
        if record.info.pop("queued", False):
            queue.give()


_SESSIONS = threading.local()


@sqlalchemy.event.listens_for(sqlalchemy.orm.Session, "after_begin")
def _remember(session: Any, transaction: Any, connection: Any) -> None:
    if not hasattr(_SESSIONS, "open"):
        _SESSIONS.open = weakref.WeakSet()
    _SESSIONS.open.add(session)


def close_sessions() -> None:
    """
    Closes what a request of this thread has left open, and would only lose with its context: some
    releases do, and the queue would wait for that.
    """
    for session in list(getattr(_SESSIONS, "open", ())):
        session.close()
    _SESSIONS.open = weakref.WeakSet()


def _redirect_noop_drivers(folder: Path) -> None:
    """Lets the noop drivers keep their file in the folder, not in one that all servers share."""
    make: Callable[..., Any] = sqlalchemy.create_engine

    def redirected(url: str, **options: Any) -> Any:
        return make(f"sqlite:///{folder}/noop.sqlite", **options)

    noop_network.create_engine = noop_compute.create_engine = redirected


def prepare(folder: Path) -> None:
    """
    Creates the tables and what must be in them, after octavia.conf was read.

    :param folder: folder of the server
    """
    _redirect_noop_drivers(folder)
    # SQLAlchemy refuses for SQLite what Octavia sets here.
    cfg.CONF.set_override("pool_timeout", None, "database")
    engine = api.get_engine()
    _serialise(engine)
    base_models.BASE.metadata.create_all(engine)
    nil = constants.NIL_UUID
    with api.session().begin() as session:
        for table, names in LOOKUPS.items():
            session.add_all([table(name=name) for name in names])
        session.add(models.FlavorProfile(id=nil, flavor_data="{}", **DELETED_FLAVOR))
        session.add(
            models.AvailabilityZoneProfile(id=nil, availability_zone_data="{}", **DELETED_FLAVOR)
        )
        session.flush()
        deleted = {"enabled": False, "description": "Stands for what was deleted"}
        name = DELETED_FLAVOR["name"]
        session.add(models.Flavor(id=nil, flavor_profile_id=nil, name=name, **deleted))
        session.add(models.AvailabilityZone(availability_zone_profile_id=nil, name=nil, **deleted))
