"""The sidecar: it takes part in the election for an operator that has no election of its own.

It runs in the operator's Pod and stands in the Pod's name, so the holder of the Lease is the pod whose status writes a
gate lets through. While the operator is not well, it does not stand; when the operator stops being well, it resigns.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import msgspec
import structlog

from leadergate_election.connection import ApiConnection, Unreachable
from leadergate_election.elector import Elector
from leadergate_election.operator_health import Judgement, Probe, ask
from leadergate_election.settings import ElectionSettings

log = structlog.get_logger("leadergate")


class _Spec(msgspec.Struct, rename="camel"):
    holder_identity: str | None = None


class _Lease(msgspec.Struct):
    spec: _Spec | None = None


@dataclass(slots=True)
class Standing:
    """Whether the sidecar takes part now, and if not, why."""

    resting: str = "it has not begun"


class Sidecar:
    """Runs an elector whenever the operator is well. Belongs to one event loop.

    Without a ``probe`` the operator is always taken to be well. ``on_health`` is told each change of its health.
    """

    def __init__(
        self,
        elector: Elector,
        settings: ElectionSettings,
        connection: ApiConnection,
        probe: Probe | None,
        on_health: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._elector = elector
        self._settings = settings
        self._connection = connection
        self._probe = probe
        self._on_health = on_health
        self._well = asyncio.Event()
        self._unwell = asyncio.Event()
        self._seen: str | None = None
        self.standing = Standing()

    @property
    def is_leader(self) -> bool:
        """Whether this pod leads now."""
        return self._elector.is_leader

    @property
    def leader(self) -> str | None:
        """The holder as last seen, whether this sidecar stands or not; None when there is none or it is not known."""
        return self._seen if self.standing.resting else self._elector.leader

    async def run(self, stop: asyncio.Event) -> None:
        """Stand, resign and stand again until ``stop`` is set; then resign and return."""
        watch = asyncio.create_task(self._watch())
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._rest(stopping)
                if not stop.is_set():
                    await self._stand(stopping)
        finally:
            for task in (watch, stopping):
                task.cancel()
            await asyncio.gather(watch, stopping, return_exceptions=True)

    async def _stand(self, stopping: asyncio.Task[bool]) -> None:
        self.standing.resting = ""
        resign = asyncio.Event()
        unwell = asyncio.create_task(self._unwell.wait())
        election = asyncio.create_task(self._elector.run(resign))
        try:
            await asyncio.wait({stopping, unwell, election}, return_when=asyncio.FIRST_COMPLETED)
            self._seen = self._elector.leader
            resign.set()
            await election
        finally:
            unwell.cancel()
            election.cancel()
            await asyncio.gather(unwell, election, return_exceptions=True)

    async def _rest(self, stopping: asyncio.Task[bool]) -> None:
        """Wait until the operator is well, and meanwhile see who leads."""
        if self._well.is_set():
            return
        well = asyncio.create_task(self._well.wait())
        looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait({stopping, well}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (well, looking):
                task.cancel()
            await asyncio.gather(well, looking, return_exceptions=True)

    async def _look(self) -> None:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self._settings.namespace}/leases/{self._settings.name}"
        while True:
            with contextlib.suppress(Unreachable, TimeoutError, msgspec.MsgspecError):
                async with asyncio.timeout(self._settings.request_timeout):
                    answer = await self._connection.request("GET", path)
                if answer.code == 200:
                    spec = msgspec.json.decode(answer.body, type=_Lease).spec
                    self._seen = (spec.holder_identity or None) if spec else None
                elif answer.code == 404:
                    self._seen = None
            await asyncio.sleep(self._settings.retry_period)

    async def _watch(self) -> None:
        """Ask after the operator's health for ever."""
        if self._probe is None:
            self._well.set()
            return
        self.standing.resting = f"the operator at {self._probe.url} has not been well yet"
        judgement = Judgement(self._probe.failures)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            while True:
                fault = await ask(session, self._probe)
                if judgement.take(fault):
                    self._turn(judgement.healthy, fault, self._probe)
                await asyncio.sleep(self._probe.period)

    def _turn(self, healthy: bool, fault: str, probe: Probe) -> None:
        self._on_health(healthy)
        if healthy:
            log.info("operator_well", url=probe.url)
            self._unwell.clear()
            self._well.set()
            return
        log.warning("operator_unwell", url=probe.url, fault=fault, failures=probe.failures, action="resign")
        self.standing.resting = f"the operator at {probe.url} is not well: {fault}"
        self._well.clear()
        self._unwell.set()
