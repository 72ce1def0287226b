"""Following one replica's log through all that may happen to it: restarts, broken connections, rotation, its end.

Each reading of a container's log must bring the line that was read last (``pod_seen``), or something was cut away in
between, or another container has taken its place: then the Pod's status tells, and the log of the container before is
read first. So nothing is handed on twice, nothing is left out unsaid, and no clock is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from leadergate.audit.cluster.logs import IDLE_SECONDS, WHOLE, Begin, NoLog, NotNow
from leadergate.audit.cluster.reading import Emit, Ended, Reading
from leadergate.audit.cluster.replicas import CannotRead, Replica
from leadergate.audit.cluster.seen import Seen
from leadergate.audit.cluster.watch import PATIENCE_SECONDS, Contact
from leadergate_election.connection import ApiConnection, Silent, Unreachable

_AGAIN_SECONDS = 0.5
_SETTLE_SECONDS = 3.0
"""How long the Pod's status may lag behind its node."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stands: in the container ``current``, before which there were ``restarts`` others."""

    current: str = ""
    restarts: int = 0
    seen: Seen | None = None


class Follower:
    """Follows one replica until its Pod is gone. ``emit`` takes each line, ``say`` each event worth telling.

    It begins at ``place``, or with ``begin``; a Pod that is new is read from its first line on.
    """

    def __init__(
        self,
        connection: ApiConnection,
        replica: Replica,
        emit: Emit,
        say: Callable[[str], None],
        contact: Contact,
        *,
        begin: Begin = WHOLE,
        place: Place | None = None,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._replica, self._contact, self._say_all = replica, contact, say
        self._place = place or Place()
        self._reading = Reading(connection, emit, begin, self._place.seen, idle)
        self._whole = begin is WHOLE
        self._gone = self._worked = self._broke = False
        self._news = asyncio.Event()
        self._refused_since: float | None = None

    def update(self, replica: Replica | None) -> None:
        """What the Pod's status tells now; None when it is gone."""
        self._gone = replica is None
        self._replica = replica or self._replica
        self._news.set()
        if self._moved:
            # The log of a container that has ended comes to an end by itself; one that does not is not its.
            self._reading.end_within(_SETTLE_SECONDS)

    @property
    def _moved(self) -> bool:
        return self._replica.current not in ("", self._place.current)

    async def run(self) -> None:
        """Until the Pod is gone. Raises CannotRead when a right is missing."""
        while True:
            self._news.clear()
            replica = self._replica
            ended = await self._once(replica) if replica.current else None
            if self._gone and ended is not Ended.AGAIN:
                await self._finish(replica)
                return
            if ended is not Ended.AGAIN:
                await self._wait(ended, replica)

    async def _once(self, replica: Replica) -> Ended | None:
        """Read until something happens; None when there was nothing to read."""
        try:
            if self._moved:
                await self._advance(replica)
            return await self._reading.current(replica, self._answered)
        except NoLog:
            return None
        except Silent:
            return Ended.AGAIN
        except Unreachable as fault:
            self._contact.lost(str(fault))
        except NotNow as fault:
            if not self._broke:
                self._broke = True
                self._say(f"its log cannot be had now: {fault}; trying again")
        except CannotRead:
            now = asyncio.get_running_loop().time()
            self._refused_since = self._refused_since or now
            # An API server that has just started refuses everybody for a moment.
            if not self._worked or now - self._refused_since > PATIENCE_SECONDS:
                raise
        return None

    async def _wait(self, ended: Ended | None, replica: Replica) -> None:
        """Until it is worth looking again."""
        if ended is None and replica.current:
            await asyncio.sleep(_AGAIN_SECONDS)
        elif ended is None or (ended is Ended.END and not replica.running):
            # It has not begun; or was read to its end after it had ended, and all that is left is what comes next.
            await self._news.wait()
        elif ended is Ended.END:
            await self._until_moved(_AGAIN_SECONDS)
        else:
            await self._until_moved(_SETTLE_SECONDS)
            if not self._moved and not self._gone:
                self._say(f"its log was cut (rotated) after {self._last()}: lines may be missing")
                self._reading.seen.let_go()

    async def _until_moved(self, seconds: float) -> None:
        """Until its status tells of another container, that it does not run any more or is gone, or so long."""
        running = self._replica.running
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._moved and not self._gone and self._replica.running is running:
                    self._news.clear()
                    await self._news.wait()

    async def _advance(self, replica: Replica) -> None:
        """Another container has taken the place of the one that was read: read that one's rest first."""
        first = not self._place.current
        jumped = replica.restarts - self._place.restarts
        if first and not self._whole:
            jumped = 0
        elif replica.previous:
            try:
                await self._reading.previous(replica)
            except NoLog as fault:
                if fault.gone:
                    raise
                self._say(f"its previous log cannot be had: {fault}; lines after {self._last()} may be missing")
        if jumped > 1:
            self._say(
                f"started again {jumped} times between two looks; of the containers in between but the last nothing can"
                f" be read: lines after {self._last()} may be missing"
            )
        self._place = Place(replica.current, replica.restarts)
        if not first:
            self._reading.next_container()
            self._say("its container was started again; reading goes on with the new one")

    def _answered(self) -> None:
        self._contact.back()
        self._worked, self._refused_since = True, None
        if self._moved:
            self._reading.end_within(_SETTLE_SECONDS)
        if self._broke:
            self._broke = False
            self._say("its log can be had again; reading goes on after the last line")

    async def _finish(self, replica: Replica) -> None:
        """The Pod is gone."""
        await self._reading.finish()
        if self._reading.complete:
            self._say("its pod is gone; its log was read to the end")
        elif replica.current:
            self._say(f"its pod is gone before its log was read to the end: lines after {self._last()} may be missing")

    def _last(self) -> str:
        return self._reading.last(self._replica)

    def _say(self, what: str) -> None:
        self._say_all(f"{self._replica.name}: {what}")
