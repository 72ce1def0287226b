"""What the sidecar tells over plain HTTP."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from leadergate_election.address import Address
from leadergate_election.health import LeaderHealthzAdaptor
from leadergate_election.sidecar import Sidecar


def build(
    sidecar: Sidecar, identity: str, health: LeaderHealthzAdaptor, registry: CollectorRegistry
) -> web.Application:
    """The application: ``/leader``, ``/healthz`` and ``/metrics``."""

    async def leader(_: web.Request) -> web.Response:
        resting = sidecar.standing.resting
        told = {"name": sidecar.leader, "identity": identity, "isLeader": sidecar.is_leader, "standing": not resting}
        return web.json_response({**told, "why": resting} if resting else told)

    async def healthz(_: web.Request) -> web.Response:
        fault = health.check()
        return web.Response(text=fault or "ok", status=500 if fault else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes(
        [web.get("/leader", leader), web.get("/healthz", healthz), web.get("/metrics", metrics)],
    )
    return application


async def listen(application: web.Application, address: Address, on_listening: Callable[[int], None]) -> web.AppRunner:
    """Serve until the runner that is returned is cleaned up; ``on_listening`` is told the port.

    Raises:
        OSError: the address is taken or not ours.
    """
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError:
        await runner.cleanup()
        raise
    on_listening(int(runner.addresses[0][1]))
    return runner
