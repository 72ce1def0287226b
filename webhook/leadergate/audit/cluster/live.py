"""The logs of all replicas, followed live: replicas that come and go, their logs merged in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from leadergate.audit.cluster.follow import Follower, Place
from leadergate.audit.cluster.logs import IDLE_SECONDS, WHOLE, Begin, LogLine, nanoseconds
from leadergate.audit.cluster.merge import HOLD_SECONDS, Merge
from leadergate.audit.cluster.replicas import Replica, Replicas
from leadergate.audit.cluster.snapshot import Snapshot
from leadergate.audit.cluster.watch import Contact, PodWatch

_NOW = Begin(seconds=1)


class Live:
    """An asynchronous context manager and iterator of lines, which goes on until it is left.

    Without ``since`` it begins now; with it, by what the cluster still has from that moment on (``history`` all of it).
    ``say`` is told of restarts, of replicas that come and go, of lost connections, and of every gap that cannot be
    excluded. ``idle`` and ``hold`` are seconds (see ``podlogs.IDLE_SECONDS``, ``pod_merge.HOLD_SECONDS``).

    Iterating raises CannotRead when a right is missing, and Unreachable when the API server cannot be reached at the
    very start; later on it is tried for again without end.
    """

    def __init__(
        self,
        replicas: Replicas,
        *,
        since: datetime | None = None,
        history: bool = False,
        say: Callable[[str], None],
        idle: float = IDLE_SECONDS,
        hold: float = HOLD_SECONDS,
    ) -> None:
        self._replicas, self._since, self._say, self._idle = replicas, since, say, idle
        self._past = history or since is not None
        self._merge = Merge(hold=hold)
        self._contact = Contact(say)
        self._followers: dict[str, Follower] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places: dict[str, Place] = {}
        self._begun = self._alone = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[LogLine]:
        """Lines, what is past first."""
        if self._past:
            with Snapshot(self._replicas, since=self._since, say=self._say) as snapshot:
                await snapshot.fetch()
                for line in snapshot.lines():
                    yield line
                for uid, one in snapshot.fetched.items():
                    self._places[uid] = Place(one.replica.current, one.replica.restarts, one.seen)
        else:
            there, _ = await self._replicas.list()
            if not there:
                raise self._replicas.none()
            self._told(there)
        self._spawn(PodWatch(self._replicas, self._told, self._contact).run())
        async for line in self._merge:
            yield line

    def _told(self, there: Mapping[str, Replica]) -> None:
        for uid, replica in there.items():
            if uid in self._followers:
                self._followers[uid].update(replica)
            else:
                self._follow(replica)
        for uid in self._followers.keys() - there.keys():
            self._followers.pop(uid).update(None)
        if not self._followers and not self._alone:
            self._say("there are no replicas of the webhook any more; waiting for new ones")
        self._alone = not self._followers
        self._begun = True

    def _follow(self, replica: Replica) -> None:
        begin, place = WHOLE, self._places.pop(replica.uid, None)
        if place is not None:
            begin = WHOLE if self._since is None else Begin(nanos=nanoseconds(self._since))
        elif not self._begun and not self._past:
            begin = _NOW
        else:
            self._say(f"{replica.name}: a new replica; its log is followed from its first line on")
        follower = Follower(
            self._replicas.connection,
            replica,
            self._merge.put,
            self._say,
            self._contact,
            begin=begin,
            place=place,
            idle=self._idle,
        )
        self._followers[replica.uid] = follower
        self._spawn(follower.run())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            self._merge.fail(fault)
