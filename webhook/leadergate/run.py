"""Running the composed program: two servers on one event loop, until a signal ends it gracefully."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Generator

import structlog
import uvicorn
from starlette.types import ASGIApp

from leadergate.app import Preflight, Webhook, build
from leadergate.callers import admitting
from leadergate.certs_settings import listed
from leadergate.connection import BoundedConnection
from leadergate.lease_source import ReadFailed
from leadergate.settings import SettingsFault

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

# Beyond the 90 s for which the API server keeps idle connections: whoever closes first must not be us, since a request
# may be on its way (Go net/http Transport.IdleConnTimeout as k8s.io/apimachinery sets it).
KEEP_ALIVE_SECONDS = 120
FINISH_SECONDS = 31
# For copies of records that still wait when the last review is answered. The chart's grace period has 7 s for all that
# comes then.
COPIES_SECONDS = 2.0
GREETING_SECONDS = 3.0


class CannotListen(Exception):
    """An address cannot be listened on; the message names it, the system's reason and the remedy."""


class Server(uvicorn.Server):
    """A server that leaves signals to :func:`run`, which has two of them to end, and says where it listens."""

    def __init__(self, config: uvicorn.Config, purpose: str) -> None:
        super().__init__(config)
        self._purpose = purpose

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and log the address: the port was perhaps chosen by the system. Raises :class:`CannotListen`."""
        try:
            await super().startup(sockets)
        except SystemExit as end:
            # uvicorn would end the process from within a task, so that nobody is told anything but a stack trace.
            why = end.__context__
            raise CannotListen(
                f"cannot serve {self._purpose} on port {self.config.port}: {why}; end what listens there, or choose"
                " another --port, --plain-port or --address"
            ) from why
        host, port, *_ = self.servers[0].sockets[0].getsockname()
        log.info("serving", purpose=self._purpose, address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take no signals."""
        yield


async def run(ready: Preflight) -> None:
    """Serve until SIGTERM or SIGINT.

    Then the process turns unready at once, but serves on for ``drain_seconds``, since endpoints and pooled connections
    follow late; then what is under way finishes. A second signal ends the waiting.

    Raises:
        SettingsFault: a port cannot be listened on.
    """
    webhook = build(ready)
    settings = ready.settings
    leaving, hurry = asyncio.Event(), asyncio.Event()
    _on_signals(leaving, hurry)
    review = server(
        webhook.endpoint,
        settings.address,
        settings.port,
        ready.certificate.context,
        "reviews",
        connection=admitting(listed(settings.client_names), ready.metrics.caller_refused),
    )
    plain = server(webhook.plain_app, settings.address, settings.plain_port, None, "plain")
    background = [
        asyncio.create_task(ready.certificate.watch(settings.certificate_poll_seconds)),
        asyncio.create_task(_greet(webhook)),
    ]
    if webhook.rotation is not None:
        background.append(asyncio.create_task(webhook.rotation.run()))
    if webhook.nudger is not None:
        background.append(asyncio.create_task(webhook.nudger.run()))
    if webhook.events is not None:
        background.append(asyncio.create_task(webhook.events.run()))
    servers = [asyncio.create_task(review.serve()), asyncio.create_task(plain.serve())]
    end = asyncio.create_task(leaving.wait())
    try:
        await asyncio.wait([end, *servers], return_when=asyncio.FIRST_COMPLETED)
        if leaving.is_set():
            log.info("leaving", drain_seconds=settings.drain_seconds)
            webhook.leave()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(hurry.wait(), settings.drain_seconds)
        review.should_exit = plain.should_exit = True
        faults = [end for end in await asyncio.gather(*servers, return_exceptions=True) if end is not None]
    finally:
        if webhook.events is not None:
            await webhook.events.end()
        for task in [end, *background]:
            task.cancel()
        await asyncio.gather(end, *background, return_exceptions=True)
        if webhook.copies is not None:
            await webhook.copies.close(COPIES_SECONDS)
        await webhook.reader.close()
        await webhook.connection.close()
    _raise(faults)
    log.info("ended")


def _raise(faults: list[BaseException]) -> None:
    unheard = [str(fault) for fault in faults if isinstance(fault, CannotListen)]
    if unheard:
        raise SettingsFault(unheard)
    for fault in faults:
        raise fault


def server(
    app: ASGIApp,
    host: str,
    port: int,
    context: ssl.SSLContext | None,
    purpose: str,
    *,
    connection: type[BoundedConnection] = BoundedConnection,
) -> Server:
    """A server for ``app``, with TLS when there is a ``context``; ``purpose`` names it in the log."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=FINISH_SECONDS,
        ssl_context_factory=(lambda _config, _default: context) if context is not None else None,
    )
    return Server(config, purpose)


def _on_signals(leaving: asyncio.Event, hurry: asyncio.Event) -> None:
    def taken() -> None:
        (hurry if leaving.is_set() else leaving).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, taken)


async def _greet(webhook: Webhook) -> None:
    """Ask the API server until it answers once: before that the process is not ready."""
    said = ""
    while not webhook.api_server.answered:
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                await webhook.api_server.greet()
        except (ReadFailed, TimeoutError) as fault:
            why = str(fault) or f"no answer within {GREETING_SECONDS:.0f} s"
            if why != said:
                log.warning("api_server_not_ready", fault=why)
                said = why
            await asyncio.sleep(0.5)
    log.info("api_server_answered")
