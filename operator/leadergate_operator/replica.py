"""One replica: it keeps the table, serves it and writes the status of each Redirect. Built here, from its parts.

Every replica does all of it, all the time. None asks whether it leads before it writes a status.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import Any

import structlog
from kubernetes.client import ApiClient

from leadergate_operator.cluster import StatusWriter
from leadergate_operator.election import Elector
from leadergate_operator.informer import RedirectInformer
from leadergate_operator.model import parse
from leadergate_operator.server import Listener, bind, build_app
from leadergate_operator.settings import Settings
from leadergate_operator.status import status_for
from leadergate_operator.table import Table, build
from leadergate_operator.workqueue import WorkQueue

INFORMER_STOP_SECONDS = 2.0

_log = structlog.get_logger()


class Replica:
    """Belongs to one event loop."""

    def __init__(self, settings: Settings, client: ApiClient) -> None:
        self._settings = settings
        self._queue = WorkQueue()
        self._changed = asyncio.Event()
        self._table = Table()
        self._ready = False
        self._loop = asyncio.get_running_loop()
        self._informer = RedirectInformer(client, settings.namespace, self._wake)
        self._writer = StatusWriter(client, settings.namespace)
        self._elector = Elector(client, settings.namespace, settings.pod_name, settings.election)

    @property
    def table(self) -> Table:
        """The table as programmed now."""
        return self._table

    @property
    def ready(self) -> bool:
        """Whether the table was programmed from a whole list."""
        return self._ready

    def describe(self) -> dict[str, Any]:
        """Who this replica is and whom it takes for the leader."""
        return {
            "pod": self._settings.pod_name,
            "leading": self._elector.is_leader,
            "leader": self._elector.leader,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then let status writes and requests under way finish.

        Raises:
            OSError: the address to listen on is taken or not ours.
        """
        listening = bind(self._settings.listen.host, self._settings.listen.port)
        host, port = listening.getsockname()[:2]
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        listener = Listener(build_app(self), on_serving=lambda: _log.info("serving", address=address))
        self._informer.start()
        self._elector.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.serve(sockets=[listening]))
            endless = [group.create_task(self._program()), group.create_task(self._resync())]
            writers = [group.create_task(self._write_statuses()) for _ in range(self._settings.workers)]
            await stop.wait()
            _log.info("stopping")
            for task in endless:
                task.cancel()
            self._queue.close()
            await asyncio.gather(*writers)
            listener.should_exit = True
        self._informer.stop(INFORMER_STOP_SECONDS)
        _log.info("stopped")

    def _wake(self) -> None:
        """From the informer's thread. Many events that come at once cost one table."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def _program(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            ready = self._informer.synced
            table = build(parse(manifest) for manifest in self._informer.objects())
            changed = table.changed_since(self._table)
            self._table = table
            self._ready = ready
            for name in changed:
                self._queue.add(name)

    async def _resync(self) -> None:
        while True:
            await asyncio.sleep(self._settings.resync_seconds)
            for name in self._table.outcomes:
                self._queue.add(name)

    async def _write_statuses(self) -> None:
        while (name := await self._queue.get()) is not None:
            await self._write_status(name)
            self._queue.done(name)

    async def _write_status(self, name: str) -> None:
        outcome = self._table.outcomes.get(name)
        if outcome is None:
            self._queue.forget(name)
            return
        status = status_for(outcome, self._informer.status_of(name), pod=self._settings.pod_name, now=datetime.now(UTC))
        result = await asyncio.to_thread(self._writer.write, name, status)
        facts = {
            "redirect": name,
            "generation": outcome.redirect.generation,
            "code": result.code,
            "message": result.message,
        }
        if result.accepted:
            self._queue.forget(name)
            _log.info("status_write", outcome="accepted", **facts)
        else:
            delay = self._queue.retry(name)
            _log.warning("status_write", outcome="rejected", retry_seconds=delay, **facts)


async def operate(settings: Settings, client: ApiClient) -> None:
    """Run one replica until SIGTERM or SIGINT.

    Raises:
        OSError: the address to listen on is taken or not ours.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Replica(settings, client).run(stop)
