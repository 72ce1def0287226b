"""One replica: it keeps the table, serves it and writes the status of each Redirect. Built here, from its parts.

Every replica reconciles, all the time: it serves the whole table. Leadership gates the status writes alone, and only as
``--status-gate`` says.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog
from kubernetes.client import ApiClient
from prometheus_client import CollectorRegistry, generate_latest

from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import Access, CredentialsSource
from leadergate_election.elector import Callbacks, Elector
from leadergate_election.events import EventRecorder
from leadergate_election.metrics import ElectionMetrics
from leadergate_operator.election import Election, OwnElection, SidecarElection
from leadergate_operator.events import COMPONENT, Reporter
from leadergate_operator.informer import RedirectInformer
from leadergate_operator.metrics import OperatorMetrics
from leadergate_operator.model import parse
from leadergate_operator.reconciler import Reconciler
from leadergate_operator.server import Listener, bind, build_app
from leadergate_operator.settings import Settings
from leadergate_operator.table import Conflict, Invalid, Serving, Table, build
from leadergate_operator.writer import StatusWriter

INFORMER_STOP_SECONDS = 2.0
EVENT_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The two ways to the API server: the client library's for the informer, the election's for all else."""

    client: ApiClient
    source: CredentialsSource
    access: Access


class Replica:
    """Belongs to one event loop."""

    def __init__(self, settings: Settings, client: ApiClient, connection: ApiConnection) -> None:
        self._settings = settings
        self._registry = CollectorRegistry()
        self._metrics = OperatorMetrics(self._registry)
        self._changed = asyncio.Event()
        self._listed = asyncio.Event()
        self._stopping = False
        self._table = Table()
        self._loop = asyncio.get_running_loop()
        self._informer = RedirectInformer(client, settings.namespace, self._wake, self._metrics)
        self._election = self._take_part(connection)
        self._reporter = Reporter(connection, settings.namespace, settings.pod, EVENT_SECONDS)
        self._reconciler = Reconciler(
            self,
            StatusWriter(connection, settings.namespace, settings.write_seconds),
            self._reporter,
            self._metrics,
            pod=settings.pod,
            gate=settings.status_gate,
            leads=lambda: self._election.is_leader,
        )

    @property
    def table(self) -> Table:
        """The table as programmed now."""
        return self._table

    def status_of(self, name: str) -> dict[str, Any]:
        """The status of one Redirect as last seen."""
        return self._informer.status_of(name)

    def unready(self) -> str:
        """Why it should get no requests; empty when it should."""
        if self._stopping:
            return "this replica is stopping"
        return "" if self._listed.is_set() else "the Redirects have not been listed yet"

    def unhealthy(self) -> str:
        """Why it should be restarted; empty when it should not."""
        return self._election.fault()

    def describe(self) -> dict[str, Any]:
        """Who this replica is and whom it takes for the leader."""
        return {"pod": self._settings.pod, "leading": self._election.is_leader, "leader": self._election.leader}

    def exposition(self) -> bytes:
        """The metrics as Prometheus scrapes them."""
        return generate_latest(self._registry)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then end in order.

        First no new work is begun and what is under way finishes, while this replica still leads if it did, so that its
        last writes are the holder's; then it stops leading and releases the Lease; then it serves no more.

        Raises:
            OSError: the address to listen on is taken or not ours.
        """
        listening = bind(self._settings.listen.host, self._settings.listen.port)
        host, port = listening.getsockname()[:2]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        listener = Listener(build_app(self), on_serving=lambda: _log.info("serving", address=address))
        resign = asyncio.Event()
        self._informer.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.serve(sockets=[listening]))
            endless = [group.create_task(self._program()), group.create_task(self._resync())]
            workers = [group.create_task(self._reconciler.work()) for _ in range(self._settings.workers)]
            election = group.create_task(self._elect(resign))
            await stop.wait()
            _log.info("stopping")
            self._stopping = True
            for task in endless:
                task.cancel()
            self._reconciler.close()
            await asyncio.gather(*workers)
            await self._reporter.finish()
            resign.set()
            await election
            listener.should_exit = True
        self._informer.stop(INFORMER_STOP_SECONDS)
        _log.info("stopped")

    def _take_part(self, connection: ApiConnection) -> Election:
        """By the sidecar, if the settings name one, else by an elector of its own."""
        if self._settings.sidecar is not None:
            return SidecarElection(self._settings.sidecar, lambda: self._reconciler.take_over())
        elector = Elector(
            connection,
            self._settings.election,
            Callbacks(on_started_leading=self._start_leading),
            metrics=ElectionMetrics(self._registry),
            events=EventRecorder(connection, self._settings.pod, component=COMPONENT),
        )
        return OwnElection(elector)

    def _wake(self) -> None:
        """From the informer's thread. Many events that come at once cost one table."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def _elect(self, resign: asyncio.Event) -> None:
        """Stand for election once there is something to write: a leader that knows nothing is of no use."""
        ending = asyncio.create_task(resign.wait())
        listed = asyncio.create_task(self._listed.wait())
        await asyncio.wait([ending, listed], return_when=asyncio.FIRST_COMPLETED)
        listed.cancel()
        ending.cancel()
        if not resign.is_set():
            await self._election.run(resign)

    async def _start_leading(self) -> None:
        self._reconciler.take_over()

    async def _program(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            synced = self._informer.synced
            table = build(parse(manifest) for manifest in self._informer.objects())
            changed = table.changed_since(self._table)
            self._table = table
            self._count(table)
            if synced:
                self._listed.set()
            self._reconciler.changed(changed)

    def _count(self, table: Table) -> None:
        kinds = Counter(type(outcome) for outcome in table.outcomes.values())
        self._metrics.reconciled(serving=kinds[Serving], conflict=kinds[Conflict], invalid=kinds[Invalid])

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            self._reconciler.resync()


async def operate(settings: Settings, credentials: Credentials) -> None:
    """Run one replica until SIGTERM or SIGINT.

    Raises:
        OSError: the address to listen on is taken or not ours.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connection = ApiConnection(
        credentials.source,
        credentials.access,
        user_agent="leadergate-operator",
        on_reload_fault=lambda fault: _log.warning("credentials_not_reloaded", message=fault),
    )
    try:
        await Replica(settings, credentials.client, connection).run(stop)
    finally:
        await connection.close()
