"""Which rejections are worth an Event now, and which are folded into the next one: bounded, whatever comes.

Repeats of one rejection are a series, told when it begins and then as a count. A token bucket for each gate, and one
for the process, bound the Events; what found no token is told by the next Event of its gate. So every rejection is in
an Event's numbers sooner or later, or still waits here (:meth:`RejectionSeries.waiting`). Pure: the caller tells the
time.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from leadergate.events.event import Denial, ObjectName, Report
from leadergate.model import LeaseKey, Mode, Standing

OTHER = LeaseKey("", "other")
"""Stands for all gates beyond the bound."""


@dataclass(frozen=True, slots=True)
class Limits:
    """At most ``burst`` Events of a gate at once and one each ``seconds`` from then on; likewise for the process.

    A gate's last token is not for news but for numbers, so that a storm's are told within ``fold`` seconds.
    ``reserve`` of the process's tokens are for former holders alone: strangers, whom anybody can be, never crowd
    them out. ``fold`` is for how many seconds repeats are gathered; a series that is quiet for ``forget`` seconds is
    news when it begins again. ``gates`` and ``objects`` (series of a gate) bound the memory.
    """

    burst: int = 5
    seconds: float = 300.0
    process_burst: int = 20
    process_seconds: float = 30.0
    reserve: int = 5
    fold: float = 60.0
    forget: float = 600.0
    gates: int = 64
    objects: int = 64


_Key = tuple[Mode, ObjectName, str, str]
_NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Bucket:
    burst: int
    seconds: float
    tokens: float
    at: float

    def fill(self, now: float) -> float:
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) / self.seconds)
        self.at = now
        return self.tokens


@dataclass(slots=True)
class _Series:
    """``count`` rejections wait, the first since ``since`` and ``began`` (the caller's clock), the last of ``last``.

    ``uid`` is None until it is known.
    """

    latest: Denial
    seen: float
    uid: str | None = None
    told: bool = False
    count: int = 0
    since: datetime = _NEVER
    last: datetime = _LONG_AGO
    began: float = math.inf

    def add(self, count: int, since: datetime, last: datetime, began: float) -> None:
        self.count += count
        self.since, self.last, self.began = min(self.since, since), max(self.last, last), min(self.began, began)

    def take(self) -> tuple[int, datetime]:
        taken = self.count, self.since
        self.count, self.since, self.began = 0, _NEVER, math.inf
        return taken


@dataclass(slots=True)
class _Gate:
    """A gate's series, the quietest first. ``rest`` is what had no room.

    ``face`` is an object whose uid is known, for an Event when those that wait have none; there is one once any waits.
    """

    bucket: _Bucket
    rest: _Series
    series: OrderedDict[_Key, _Series] = field(default_factory=OrderedDict)
    face: _Series | None = None

    def waiting(self) -> int:
        return self.rest.count + sum(one.count for one in self.series.values())

    def due(self, before: float) -> _Series | None:
        """What to tell next of that which has waited since ``before``."""
        ripe = [one for one in (self.rest, *self.series.values()) if one.count and one.began <= before]
        own = [one for one in ripe if one.uid is not None]
        return max(own, key=lambda one: one.count) if own else self.face if ripe else None

    def drop(self, key: _Key) -> None:
        one = self.series.pop(key)
        if one.count:
            self.rest.add(one.count, one.since, one.last, one.began)


class RejectionSeries:
    """Folds rejections into Events within ``limits``. Times are seconds of the caller's clock."""

    def __init__(self, now: float, limits: Limits | None = None) -> None:
        self._limits = limits = limits or Limits()
        self._bucket = _Bucket(limits.process_burst, limits.process_seconds, limits.process_burst, now)
        self._gates: dict[tuple[LeaseKey, Standing], _Gate] = {}

    def rejected(self, denial: Denial, uid: Callable[[], str], now: float) -> Report | None:
        """Take in one rejection: the Event that it makes, or None when it is folded into a later one.

        ``uid`` finds out the object's uid: it is called when an Event is due, and for the first that waits at a gate.
        """
        gate, key = self._gate(denial, now), _key(denial)
        self._forget(gate, now)
        known = gate.series.get(key)
        due = (known is None or not known.told) and self._take(gate, denial.standing, now, spare=self._limits.burst > 1)
        one = known or self._new(gate, key, denial, now, must=due)
        one.add(1, denial.at, denial.at, now)
        if one is not gate.rest:
            one.latest, one.seen = denial, now
            gate.series.move_to_end(key)
        if due:
            one.uid = uid()
            return self._tell(gate, one, now)
        if gate.face is None:
            gate.face = _Series(denial, now, uid())
            if one is not gate.rest:
                one.uid = gate.face.uid
        return None

    def due(self, now: float, *, wait: float | None = None) -> list[Report]:
        """The Events for what has waited for ``wait`` seconds (default: ``limits.fold``), as tokens allow."""
        before = now - (self._limits.fold if wait is None else wait)
        found = []
        # Former holders before strangers.
        for (_, standing), gate in sorted(self._gates.items(), key=lambda item: item[0][1]):
            self._forget(gate, now)
            while (one := gate.due(before)) is not None and self._take(gate, standing, now):
                found.append(self._tell(gate, one, now))
        return found

    def put_back(self, report: Report, now: float) -> None:
        """The Event did not come about: tell what it told in a later one."""
        gate = self._gate(report.denial, now)
        if gate.face is None:
            gate.face = _Series(report.denial, now, report.uid)
        if report.count:
            gate.series.get(_key(report.denial), gate.rest).add(report.count, report.since, report.last, now)
        if report.others:
            gate.rest.add(report.others, report.others_since or report.since, report.last, now)

    def waiting(self) -> int:
        """How many rejections no Event has told yet."""
        return sum(gate.waiting() for gate in self._gates.values())

    def _take(self, gate: _Gate, standing: Standing, now: float, *, spare: bool = False) -> bool:
        """Take a token of the gate and one of the process, if both have one, and the gate another one to ``spare``."""
        if gate.bucket.fill(now) < 1 + spare or self._bucket.fill(now) < 1 + self._kept_from(standing):
            return False
        gate.bucket.tokens -= 1
        self._bucket.tokens -= 1
        return True

    def _kept_from(self, standing: Standing) -> int:
        return 0 if standing is Standing.FORMER_HOLDER else self._limits.reserve

    def _tell(self, gate: _Gate, one: _Series, now: float) -> Report:
        """The Event of one series. What cannot have one soon goes along: all of the gate, once no token is left."""
        gate.face = _Series(one.latest, now, one.uid)
        (count, since), one.told = one.take(), True
        scarce = gate.bucket.tokens < 1 or self._bucket.tokens < 1 + self._kept_from(one.latest.standing)
        along = [other for other in gate.series.values() if other.count and (scarce or other.uid is None)]
        told = [other for other in (gate.rest, *along) if other.count]
        last = max([other.last for other in told], default=one.latest.at)
        objects = len({other.latest.target for other in along})
        exact = gate.rest.count == 0
        taken = [other.take() for other in told]
        return Report(
            one.latest,
            one.uid or "",
            count,
            since=since if count else one.latest.at,
            last=max(last, one.latest.at),
            others=sum(number for number, _ in taken),
            objects=objects,
            exact=exact,
            others_since=min((moment for _, moment in taken), default=None),
        )

    def _gate(self, denial: Denial, now: float) -> _Gate:
        """The gate for this standing, so that strangers take no tokens of former holders."""
        name = denial.gate, denial.standing
        if name not in self._gates and len(self._gates) >= self._limits.gates - len(Standing):
            self._gates = {known: gate for known, gate in self._gates.items() if not self._idle(gate, now)}
            if len(self._gates) >= self._limits.gates - len(Standing):
                name = OTHER, denial.standing
        gate = self._gates.get(name)
        if gate is None:
            limits = self._limits
            bucket = _Bucket(limits.burst, limits.seconds, limits.burst, now)
            gate = self._gates[name] = _Gate(bucket, _Series(denial, now))
        return gate

    def _idle(self, gate: _Gate, now: float) -> bool:
        self._forget(gate, now)
        return not gate.series and not gate.rest.count and gate.bucket.fill(now) >= gate.bucket.burst

    def _new(self, gate: _Gate, key: _Key, denial: Denial, now: float, *, must: bool) -> _Series:
        """A new series. Without room for it, what has no series; or, if there ``must`` be one, the quietest's place."""
        if len(gate.series) >= self._limits.objects:
            if not must:
                return gate.rest
            gate.drop(next(iter(gate.series)))
        one = gate.series[key] = _Series(denial, now)
        return one

    def _forget(self, gate: _Gate, now: float) -> None:
        """Drop the series that are quiet; what of them is not told yet waits on without one."""
        while gate.series:
            key, one = next(iter(gate.series.items()))
            if one.seen > now - self._limits.forget:
                return
            gate.drop(key)


def _key(denial: Denial) -> _Key:
    return denial.mode, denial.target, denial.requester, denial.holder
