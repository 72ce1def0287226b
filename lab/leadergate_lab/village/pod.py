"""One Pod on the node: from its binding to its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from leadergate_lab.village.api import MERGE, ApiFault
from leadergate_lab.village.container import Container
from leadergate_lab.village.errors import NotYet, Unsupported
from leadergate_lab.village.network import NODE_ADDRESS
from leadergate_lab.village.podspec import PodPlan, plan
from leadergate_lab.village.prepare import Place, Preparation
from leadergate_lab.village.status import ContainerState, conditions, phase, stamp

_AGAIN_SECONDS = 0.3


class PodRun:
    """Runs a Pod with ``address`` for its own, publishes its status, and deletes it at its end.

    It is the ``number``-th on the node, by which its folder's name begins.
    """

    def __init__(self, place: Place, pod: Mapping[str, Any], number: int, address: str) -> None:
        self._place, self._pod = place, pod
        metadata = pod["metadata"]
        self.uid: str = metadata["uid"]
        self.namespace: str = metadata["namespace"]
        self.name: str = metadata["name"]
        self._path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        self._folder = place.folder / f"{number:06}_{metadata['namespace']}_{metadata['name']}_{self.uid}"
        self._address = NODE_ADDRESS if pod["spec"].get("hostNetwork") else address
        self._started = datetime.now(UTC)
        self._restart = "Always"
        self._inits: list[Container] = []
        self._mains: list[Container] = []
        self._states: tuple[list[ContainerState], list[ContainerState]] = ([], [])
        self._initialized = False
        self._failed: tuple[str, str] | None = None
        self._leaving = asyncio.Event()
        self._news = asyncio.Event()
        self._said: dict[str, Any] = {}

    @property
    def containers(self) -> dict[str, Container]:
        """By name; none until all that they need is there."""
        return {one.plan.name: one for one in (*self._inits, *self._mains)}

    def update(self, pod: Mapping[str, Any]) -> None:
        """The object has changed."""
        self._pod = pod
        if pod["metadata"].get("deletionTimestamp"):
            self._leaving.set()

    def kill(self) -> None:
        """End its processes at once."""
        for container in (*self._inits, *self._mains):
            container.kill()
        self._leaving.set()

    async def run(self) -> None:
        """All of its life; ends when the object is deleted. Raises what nobody has thought of."""
        self._folder.mkdir(parents=True, exist_ok=True)
        publishing = asyncio.create_task(self._publish())
        living = asyncio.create_task(self._live())
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait((living, leaving), return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                await living
            await leaving
            await self._end(living)
        finally:
            self.kill()
            for task in (publishing, living, leaving):
                task.cancel()
        await self._persist(self._say)
        await self._persist(self._delete)

    async def _live(self) -> None:
        try:
            made = plan(self._pod)
            self._restart = made.restart
            self._states = _fresh(made)
            self._news.set()
            await self._prepare(made)
        except Unsupported as fault:
            self._failed = ("Unsupported", str(fault))
            self._news.set()
            return
        self._states = [one.state for one in self._inits], [one.state for one in self._mains]
        sidecars: list[asyncio.Task[None]] = []
        try:
            for one in self._inits:
                if not await self._begin(one, sidecars):
                    return
            self._initialized = True
            await asyncio.gather(*(one.run() for one in self._mains))
            if not self._leaving.is_set():
                await self._end_sidecars(made.grace)
        finally:
            # A Pod that leaves has its sidecars ended one by one, and they are ended by now or killed.
            await asyncio.gather(*sidecars)

    async def _begin(self, one: Container, sidecars: list[asyncio.Task[None]]) -> bool:
        """Run an init container to its end, or a sidecar to its start; whether the next one may come."""
        if one.plan.restart == "Always":
            sidecars.append(asyncio.create_task(one.run()))
            waited = [asyncio.create_task(one.begun.wait()), asyncio.create_task(self._leaving.wait())]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for task in waited:
                task.cancel()
            return not self._leaving.is_set()
        await one.run()
        if one.state.exit_code and not self._leaving.is_set():
            self._failed = ("InitError", f"init container {one.plan.name} ended with {one.state.exit_code}")
            self._news.set()
            await self._end_sidecars(0)
        return one.state.exit_code == 0 and not self._leaving.is_set()

    async def _end(self, living: asyncio.Task[None]) -> None:
        """Containers first, all at once, then sidecars, the last one first, all within one grace (KEP-753)."""
        loop = asyncio.get_running_loop()
        over = loop.time() + float(self._pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        if not self._mains:
            living.cancel()
        plain = [one for one in self._inits if one.plan.restart != "Always"]
        await asyncio.gather(*(one.end(over - loop.time()) for one in (*plain, *self._mains)))
        await self._end_sidecars(over - loop.time())
        with contextlib.suppress(asyncio.CancelledError):
            await living

    async def _end_sidecars(self, grace: float) -> None:
        loop = asyncio.get_running_loop()
        over = loop.time() + grace
        for one in reversed(self._inits):
            if one.plan.restart == "Always":
                await one.end(max(0.0, over - loop.time()))

    async def _prepare(self, made: PodPlan) -> None:
        """Wait for what its containers need."""
        preparation = Preparation(self._place, self._pod, made, self._address, self._folder)
        while True:
            try:
                self._inits, self._mains = await preparation.make(self._news.set)
            except (NotYet, ApiFault, OSError, aiohttp.ClientError, TimeoutError) as fault:
                for state in (*self._states[0], *self._states[1]):
                    state.message = str(fault)
                self._news.set()
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    async def _publish(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._persist(self._say)

    async def _say(self) -> None:
        status = self._status()
        if status != self._said:
            body = {"metadata": {"uid": self.uid}, "status": status}
            await self._place.api.call("PATCH", f"{self._path}/status", body, content_type=MERGE)
            self._said = status

    def _status(self) -> dict[str, Any]:
        inits, mains = self._states
        sidecars = [one.state for one in self._inits if one.plan.restart == "Always"]
        stage = "Failed" if self._failed else phase(mains, self._restart, ending=self._leaving.is_set())
        before = self._said.get("conditions") or (self._pod.get("status") or {}).get("conditions") or ()
        return {
            "phase": stage,
            "conditions": conditions(
                before,
                [*mains, *sidecars],
                datetime.now(UTC),
                initialized=self._initialized,
                over=stage in ("Succeeded", "Failed"),
            ),
            "initContainerStatuses": [state.as_object() for state in inits],
            "containerStatuses": [state.as_object() for state in mains],
            "hostIP": NODE_ADDRESS,
            "hostIPs": [{"ip": NODE_ADDRESS}],
            "startTime": stamp(self._started),
            "observedGeneration": self._pod["metadata"].get("generation", 0),
            **({"podIP": self._address, "podIPs": [{"ip": self._address}]} if self._mains else {}),
            **(dict(zip(("reason", "message"), self._failed, strict=True)) if self._failed else {}),
        }

    async def _delete(self) -> None:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
        await self._place.api.call("DELETE", self._path, {**body, "preconditions": {"uid": self.uid}})

    async def _persist(self, act: Callable[[], Awaitable[None]]) -> None:
        """Do it, through every fault; an object that is gone or another by now needs nothing more."""
        while True:
            try:
                await act()
            except ApiFault as fault:
                if fault.status in (404, 409):
                    return
            except (OSError, aiohttp.ClientError, TimeoutError):
                pass
            else:
                return
            await asyncio.sleep(_AGAIN_SECONDS)


def _fresh(made: PodPlan) -> tuple[list[ContainerState], list[ContainerState]]:
    """Before anything has started."""
    inits = [ContainerState(one.name, one.image) for one in made.inits]
    return inits, [ContainerState(one.name, one.image) for one in made.containers]
