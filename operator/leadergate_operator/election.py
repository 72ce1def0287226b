"""Who leads, as a replica is told: by an elector of its own, or by the sidecar that stands in its Pod's name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import aiohttp
import structlog

from leadergate_election.clock import now
from leadergate_election.elector import Elector
from leadergate_election.health import LeaderHealthzAdaptor
from leadergate_election.leadership import Leadership

ASK_SECONDS = 0.5
ANSWER_SECONDS = 1.0
BELIEVED_SECONDS = 3.0
"""For how long an answer that this Pod leads is believed when no other comes."""

_log = structlog.get_logger()


class Election(Protocol):
    """One replica's view of the election."""

    @property
    def is_leader(self) -> bool:
        """Whether this replica believes that it leads."""
        ...

    @property
    def leader(self) -> str | None:
        """Whom it takes for the leader."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Take part, or look on, until ``stop`` is set."""
        ...

    def fault(self) -> str:
        """Why this replica should be restarted; empty when it should not."""
        ...


class OwnElection:
    """The replica stands by itself."""

    def __init__(self, elector: Elector) -> None:
        self._elector = elector
        self._health = LeaderHealthzAdaptor(elector)

    @property
    def is_leader(self) -> bool:
        """Whether the elector leads."""
        return self._elector.is_leader

    @property
    def leader(self) -> str | None:
        """Whom the elector saw hold the Lease."""
        return self._elector.leader

    async def run(self, stop: asyncio.Event) -> None:
        """Stand until ``stop`` is set, and release the Lease."""
        await self._elector.run(stop)

    def fault(self) -> str:
        """Why it should be restarted."""
        return self._health.check()


class SidecarElection:
    """``leadergate elect`` stands for this Pod; it is asked at ``url``, its ``/leader``.

    ``on_started_leading`` is called whenever this Pod has become leader.
    """

    def __init__(self, url: str, on_started_leading: Callable[[], None]) -> None:
        self._url = url
        self._on_started_leading = on_started_leading
        self._leadership = Leadership()
        self._leader: str | None = None
        self._fault = ""

    @property
    def is_leader(self) -> bool:
        """Whether the sidecar said so a moment ago."""
        return self._leadership.held

    @property
    def leader(self) -> str | None:
        """Whom the sidecar named last."""
        return self._leader

    async def run(self, stop: asyncio.Event) -> None:
        """Ask the sidecar until ``stop`` is set. The Lease is the sidecar's to release."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session:
            while not stop.is_set():
                await self._ask(session)
                try:
                    await asyncio.wait_for(stop.wait(), ASK_SECONDS)
                except TimeoutError:
                    continue
        self._leadership.end()

    def fault(self) -> str:
        """Nothing that a restart of this container would mend."""
        return ""

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        asked = now()
        try:
            async with session.get(self._url, allow_redirects=False) as answer:
                told = await answer.json()
                leads, leader = bool(told["isLeader"]), told["name"]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
            self._tell(f"{error or type(error).__name__}")
            return
        self._tell("")
        self._leader = leader
        if not leads:
            self._leadership.end()
        elif not self._leadership.extend(asked + BELIEVED_SECONDS):
            self._leadership.begin(asked + BELIEVED_SECONDS)
            self._on_started_leading()

    def _tell(self, fault: str) -> None:
        """Log a fault when it begins and when it ends."""
        if fault and not self._fault:
            _log.warning("sidecar_silent", url=self._url, fault=fault)
        elif self._fault and not fault:
            _log.info("sidecar_answers", url=self._url)
        self._fault = fault
