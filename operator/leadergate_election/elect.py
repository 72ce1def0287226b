"""The composition of the sidecar: one place that makes every part, and runs it until a signal."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics

from leadergate_election.address import Address
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import Access, CredentialsSource
from leadergate_election.elector import Callbacks, Elector
from leadergate_election.events import EventRecorder
from leadergate_election.health import LeaderHealthzAdaptor
from leadergate_election.metrics import ElectionMetrics
from leadergate_election.operator_health import Probe
from leadergate_election.settings import ElectionSettings
from leadergate_election.sidecar import Sidecar
from leadergate_election.sidecar_http import build, listen

log = structlog.get_logger("leadergate")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the sidecar was told, checked; ``probe`` is None when nobody's health matters."""

    election: ElectionSettings
    probe: Probe | None
    credentials: CredentialsSource
    access: Access
    address: Address
    health_timeout: float


async def elect(plan: Plan) -> None:
    """Take part until SIGTERM or SIGINT, then resign.

    Raises:
        OSError: the address to listen on is taken or not ours.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connection = ApiConnection(
        plan.credentials,
        plan.access,
        user_agent="leadergate-elect",
        on_reload_fault=lambda why: log.error("credentials_not_reloaded", fault=why),
    )
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    well = Gauge("leadergate_election_operator_healthy", "1 while the operator is well, else 0.", registry=registry)
    well.set(plan.probe is None)
    elector = Elector(
        connection,
        plan.election,
        Callbacks(on_new_leader=lambda identity: log.info("leader_seen", lease=str(plan.election), leader=identity)),
        metrics=ElectionMetrics(registry),
        events=EventRecorder(connection, component="leadergate-elect"),
    )
    sidecar = Sidecar(elector, plan.election, connection, plan.probe, on_health=well.set)
    application = build(sidecar, plan.election.identity, LeaderHealthzAdaptor(elector, plan.health_timeout), registry)
    try:
        runner = await listen(
            application, plan.address, lambda port: log.info("serving", host=plan.address.host, port=port)
        )
        try:
            await sidecar.run(stop)
        finally:
            await runner.cleanup()
    finally:
        await connection.close()
    log.info("ended")
