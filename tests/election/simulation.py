"""Electors in a made-up world: the true step and the true writes, a register in the API server's place, bad luck.

Time is simulated. Requests arrive late or are lost with their answers, processes freeze, crash and resign, and each has
a clock that runs at a rate of its own. The world keeps, for each process, until when it may believe that it leads.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from leadergate_election.lease import Lease, acquired, created, microtime, released, renewed
from leadergate_election.step import (
    Acquire,
    Create,
    Look,
    Renew,
    View,
    Wait,
    Yield,
    looked,
    sending,
    stale,
    step,
    wrote,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rules:
    """The timing of all electors, and how unlucky they are."""

    lease: int = 15
    deadline: float = 10.0
    retry: float = 2.0
    timeout: float = 5.0
    drift: float = 0.15
    from_answer: bool = False
    """Broken on purpose: the renew deadline counts from the answer, not from the request."""


class Register:
    """One Lease, changed only by writes that know its version."""

    def __init__(self) -> None:
        self._versions = itertools.count(1)
        self.lease: Lease | None = None
        self.holders: list[str] = []

    def apply(self, body: bytes | None, *, create: bool) -> tuple[str, Lease | None]:
        """What a request comes to when it arrives: ok, absent or conflict."""
        if body is None:
            return ("ok", self.lease) if self.lease else ("absent", None)
        wanted = Lease.parse(body)
        if create is (self.lease is not None):
            return "conflict", None
        if self.lease and wanted.metadata["resourceVersion"] != self.lease.metadata["resourceVersion"]:
            return "conflict", None
        metadata = {**wanted.metadata, "resourceVersion": str(next(self._versions))}
        self.lease = Lease.parse(json.dumps({**wanted.manifest, "metadata": metadata}).encode())
        self.holders.append(self.lease.holder)
        return "ok", self.lease


class Process:
    """One life of one elector."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.rate = 1 + world.random.uniform(-world.rules.drift, world.rules.drift)
        self.view = View(name, world.rules.lease)
        self.until = -math.inf
        self.frozen_until = 0.0
        self.gone = False

    @property
    def now(self) -> float:
        """Its own clock."""
        return self.world.time * self.rate

    @property
    def leads(self) -> bool:
        """What it would answer if it were asked now."""
        return not self.gone and self.now < self.until

    @property
    def leads_until(self) -> float:
        """The same as a moment of the world's time."""
        return -math.inf if self.gone else self.until / self.rate

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Do something when so much of its own time has passed, and it is not frozen."""
        self.world.at(self.world.time + max(0.0, seconds) / self.rate, lambda: self._thawed(what))

    def _thawed(self, what: Callable[[], None]) -> None:
        if self.gone:
            return
        if self.world.time < self.frozen_until:
            self.world.at(self.frozen_until, lambda: self._thawed(what))
            return
        what()

    def wake(self) -> None:
        """Begin an attempt, unless fate has something else in mind."""
        luck = self.world.random.random()
        if luck < 0.04:
            self.frozen_until = self.world.time + self.world.random.uniform(0.0, 25.0)
            self.later(0.0, self.wake)
        elif luck < 0.06:
            self.world.restart(self)
        elif luck < 0.09 and self.leads:
            self.resign()
        else:
            if not self.leads:
                self.view = stale(self.view)
            self.act()

    def act(self) -> None:
        """Take the next step."""
        rules, at = self.world.rules, self.world.mark()
        match step(self.view, self.now, leading=self.leads):
            case Wait(until):
                self.later(min(until - self.now, rules.retry * self.world.random.uniform(1, 2.2)), self.wake)
            case Yield():
                self.until = -math.inf
                self.later(0.0, self.wake)
            case Look():
                self.send(None)
            case Create():
                self.view = sending(self.view, at)
                self.send(created("team", "lock", self.name, rules.lease, at), create=True)
            case Renew(lease):
                self.view = sending(self.view, at)
                self.send(renewed(lease, rules.lease, at))
            case Acquire(lease):
                self.view = sending(self.view, at)
                self.send(acquired(lease, self.name, rules.lease, at))

    def resign(self) -> None:
        """Lead no longer, then give the Lease back, once, and stand again."""
        self.until = -math.inf
        if self.view.fresh and self.view.lease:
            at = self.world.mark()
            body = released(self.view.lease, at)
            self.view = sending(self.view, at)
            self.world.at(self.world.time + self.world.latency(), lambda: self.world.give_back(body))
        self.later(self.world.rules.retry, self.wake)

    def send(self, body: bytes | None, *, create: bool = False) -> None:
        """Send a request; its answer, or its timeout, comes once."""
        sent_at, done = self.now, [False]

        def arrive() -> None:
            result, lease = self.world.register.apply(body, create=create)
            if self.world.random.random() > 0.05:
                back = self.world.time + self.world.latency()
                self.world.at(back, lambda: self._thawed(lambda: end(result, lease)))

        def end(result: str, lease: Lease | None) -> None:
            if not done[0]:
                done[0] = True
                self.answered(body is not None, result, lease, sent_at)

        if self.world.random.random() > 0.05:
            self.world.at(self.world.time + self.world.latency(), arrive)
        left = self.until - self.now if self.leads else math.inf
        self.later(min(self.world.rules.timeout, left), lambda: end("timeout", None))

    def answered(self, wrote_it: bool, result: str, lease: Lease | None, sent_at: float) -> None:
        """Go on by the answer, as the elector does."""
        rules = self.world.rules
        if result == "timeout":
            self.later(sent_at + rules.retry - self.now, self.wake)
        elif not wrote_it:
            self.view = looked(self.view, lease, self.now)
            self.act()
        elif result == "ok" and lease is not None:
            self.view = wrote(self.view, lease, sent_at)
            until = (self.now if rules.from_answer else sent_at) + rules.deadline
            # Leadership begins anew or is extended; one that has passed meanwhile begins with a later attempt.
            if self.leads or self.until == -math.inf:
                self.lead(until)
            else:
                self.until = -math.inf
            self.later(sent_at + rules.retry - self.now, self.wake)
        else:
            self.act()

    def lead(self, until: float) -> None:
        """Believe in it until then, if that is not past."""
        if self.now < until:
            self.until = until
            self.world.led(self)


class World:
    """Processes, a register and a clock."""

    def __init__(self, seed: int, rules: Rules, processes: int = 4) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a game of chance
        self.rules = rules
        self.time = 0.0
        self.register = Register()
        self.terms = 0
        self.overlaps: list[str] = []
        self._numbers = itertools.count()
        self._marks = itertools.count(1)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.processes = [Process(self, f"operator-{number}") for number in range(processes)]
        for process in self.processes:
            process.later(self.random.uniform(0, 3), process.wake)

    def at(self, time: float, what: Callable[[], None]) -> None:
        """Put something on the agenda."""
        heapq.heappush(self._agenda, (time, next(self._numbers), what))

    def mark(self) -> str:
        """A renew time that nobody else writes."""
        return microtime(EPOCH + timedelta(microseconds=next(self._marks)))

    def latency(self) -> float:
        """How long one way takes; now and then for ever so long."""
        return self.random.uniform(0.0, 8.0) if self.random.random() < 0.1 else self.random.uniform(0.001, 0.1)

    def restart(self, process: Process) -> None:
        """A crash, and another life of the same name. What was sent stays on its way."""
        process.gone = True
        self.processes.remove(process)
        successor = Process(self, process.name)
        self.processes.append(successor)
        successor.later(self.random.uniform(0.1, 5), successor.wake)

    def give_back(self, body: bytes) -> None:
        """A release arrives, and nobody waits for its answer."""
        self.register.apply(body, create=False)

    def led(self, process: Process) -> None:
        """A process believes from now on that it leads: does another one, too?"""
        self.terms += 1
        for other in self.processes:
            if other is not process and other.leads_until > self.time:
                self.overlaps.append(
                    f"at {self.time:.3f} {process.name} leads, and {other.name} until {other.leads_until:.3f}"
                )

    def run(self, seconds: float) -> World:
        """Let time pass."""
        while self._agenda and self._agenda[0][0] <= seconds:
            self.time, _, what = heapq.heappop(self._agenda)
            what()
        return self
