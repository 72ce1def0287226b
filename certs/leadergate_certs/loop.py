"""Runs a rotation: reads what there is, makes the next step, and waits until time or a watch asks for another look.

Every replica runs one. Nothing is kept between two looks but the last good state, for the case that the Secret is
lost, so that it makes no difference when or where one is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from cryptography import x509

from leadergate_certs.bundle import trusts, wanted
from leadergate_certs.calls import ClusterFault, Conflict
from leadergate_certs.cluster import Address, Cluster, Configuration, Stored
from leadergate_certs.contest import Contest
from leadergate_certs.handover import Handover, Serving
from leadergate_certs.rotation import Endpoint, Policy, Seen, next_step, perform
from leadergate_certs.state import Phase, State
from leadergate_certs.steps import Change, Inject, Look, MakeFirst, Wait

POLL_SECONDS = 30.0
MOST_STEPS = 32
_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class RotationObserver(Protocol):
    """Learns what the rotation does; metrics and logs hang on it."""

    def stepped(self, change: Change, state: State) -> None:
        """One change was written."""

    def restored(self, fault: str) -> None:
        """The Secret was gone or damaged, and was written again from what this replica remembered."""

    def injected(self, configuration: str) -> None:
        """The bundles of a configuration were written."""

    def contested(self, configuration: str, managers: Sequence[str]) -> None:
        """Somebody overwrites these bundles again and again."""

    def stands(self, state: State, untrusting: Sequence[str], waiting: str) -> None:
        """Where the rotation stands and what it waits for, at each look that came to its end."""

    def fault(self, message: str) -> None:
        """A look came to no end; the next one follows soon."""


class Rotation:
    """One replica's part in a rotation.

    ``look`` tells the addresses of all replicas, ``probe`` what one of them serves. With ``acts`` False it takes what
    others have made, and makes nothing.
    """

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        serving: Serving,
        observer: RotationObserver,
        *,
        look: Callable[[], Awaitable[Sequence[Address]]],
        probe: Callable[[str, int], Awaitable[x509.Certificate | None]],
        clock: Callable[[], datetime],
        acts: bool = True,
    ) -> None:
        self._cluster = cluster
        self._policy = policy
        self._observer = observer
        self._look = look
        self._probe = probe
        self._clock = clock
        self._acts = acts
        self._remembered: State | None = None
        self._handover = Handover(serving, policy, self._others)
        self._contest = Contest()

    async def run(self, wake: asyncio.Event) -> None:
        """Look again and again until cancelled: at each ``wake``, and in between as often as the rotation needs it."""
        pause = _SHORTEST_PAUSE
        while True:
            wake.clear()
            try:
                wait = await self.look_once()
            except Exception as fault:
                # Whatever it is: a process that went on serving without ever renewing would fail months later. What
                # is not a fault of the cluster is told by its kind alone, since its text might hold a key.
                known = isinstance(fault, ClusterFault)
                self._observer.fault(str(fault) if known else f"unexpected {type(fault).__name__}")
                await asyncio.sleep(_SHORTEST_PAUSE * random.uniform(0.8, 1.2))  # noqa: S311 - replicas apart, no secret
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _SHORTEST_PAUSE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), self._seconds(wait))

    async def look_once(self) -> Wait:
        """Make all the steps that can be made now, and return what is waited for. Raises ClusterFault."""
        for _ in range(MOST_STEPS):
            with contextlib.suppress(Conflict):  # somebody was quicker: see what is there now
                if wait := await self._one_step():
                    return wait
        return Wait(self._clock() + timedelta(seconds=1), "others keep writing, too")

    async def _one_step(self) -> Wait | None:
        stored = await self._cluster.read()
        now = self._clock()
        if stored.state is None:
            return await self._heal(stored, now)
        state = self._remembered = stored.state
        try:
            configurations = await self._cluster.configurations() if self._acts else []
        except ClusterFault:
            # Who serves nothing yet need not wait for what cannot be read.
            await self._handover.offer(state, [], now)
            raise
        seen = self._see(state, configurations, now)
        await self._handover.offer(state, configurations, now)
        if not self._acts:
            wait = Wait(now + timedelta(seconds=POLL_SECONDS), "others make the steps")
            self._observer.stands(state, seen.untrusting, wait.why)
            return wait
        step = next_step(state, seen, self._policy, now)
        if isinstance(step, Look):
            seen = replace(seen, endpoints=await self._endpoints())
            step = next_step(state, seen, self._policy, now)
        match step:
            case Wait():
                self._observer.stands(state, seen.untrusting, step.why)
                return step
            case Inject():
                await self._inject(state, [one for one in configurations if str(one) in step.configurations], now)
            case Look():
                raise AssertionError("endpoints were looked at already")
            case change:
                changed = await asyncio.to_thread(perform, change, state, self._policy, now)
                await self._cluster.write(stored, changed)
                self._observer.stepped(change, changed)
        return None

    async def _heal(self, stored: Stored, now: datetime) -> Wait | None:
        """Write a Secret that is not there or cannot be understood: what was remembered, else all anew."""
        if not self._acts:
            raise ClusterFault(f"{self._cluster}: {stored.fault}; a replica that may write it has to make it")
        if self._remembered is not None:
            await self._cluster.write(stored, self._remembered)
            self._observer.restored(stored.fault)
            return None
        if not stored.ours:
            raise ClusterFault(
                f"{self._cluster}: {stored.fault}; it holds something else and is not overwritten: name another"
                " Secret, or delete this one"
            )
        first = MakeFirst()
        made = await asyncio.to_thread(perform, first, None, self._policy, now)
        await self._cluster.write(stored, made)
        self._observer.stepped(first, made)
        return None

    def _see(self, state: State, configurations: Sequence[Configuration], now: datetime) -> Seen:
        newest = state.newest.certificate
        lacking = [
            str(one)
            for one in configurations
            if any(wanted(bundle, state, now) != bundle for bundle in one.bundles.values())
        ]
        return Seen(
            to_inject=tuple(name for name in lacking if self._contest.may_write(name)),
            untrusting=tuple(
                str(one) for one in configurations if not all(trusts(bundle, newest) for bundle in one.bundles.values())
            ),
        )

    async def _inject(self, state: State, configurations: Sequence[Configuration], now: datetime) -> None:
        """Write the bundles; one that is refused keeps the others from nothing."""
        for one in configurations:
            bundles = {name: wanted(bundle, state, now) for name, bundle in one.bundles.items()}
            try:
                await self._cluster.inject(one, bundles)
            except Conflict:
                continue
            except ClusterFault as fault:
                self._contest.refused(str(one))
                self._observer.fault(str(fault))
                continue
            self._observer.injected(str(one))
            if self._contest.wrote(str(one)):
                self._observer.contested(str(one), one.managers)

    async def _others(self) -> Sequence[Endpoint]:
        """What other replicas serve, as far as this one may look."""
        if not self._acts:
            return ()
        try:
            return await self._endpoints()
        except ClusterFault as fault:
            self._observer.fault(str(fault))
            return ()

    async def _endpoints(self) -> tuple[Endpoint, ...]:
        addresses = await self._look()
        leaves = await asyncio.gather(*(self._probe(one.host, one.port) for one in addresses))
        return tuple(Endpoint(str(one), one.ready, leaf) for one, leaf in zip(addresses, leaves, strict=True))

    def _seconds(self, wait: Wait) -> float:
        """How long to wait at most: while something is under way, time passing is all that tells of it."""
        now = self._clock()
        steady = self._remembered is not None and self._remembered.phase is Phase.STEADY and not self._handover.deferred
        poll = POLL_SECONDS if steady else min(5.0, max(0.2, self._policy.propagation.total_seconds() / 4))
        if pause := self._contest.seconds():
            poll = min(poll, pause)
        left = (wait.until - now).total_seconds()
        return max(0.1, min(left, poll * random.uniform(0.8, 1.2)))  # noqa: S311 - replicas apart, no secret
