"""The scenes of a night: spans of time in which every Lease shows the same but for its renewals. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from leadergate.case import UNPROVEN
from leadergate.decision import decide
from leadergate.history import LeaseHistory
from leadergate.model import Allow, Indeterminate, LeaseView, Standing
from leadergate_lab.night_reviews import WEBHOOKS, lease, reading, write
from leadergate_lab.night_script import DURATION, LENGTH, Play, Shows, Stretch, Writer

SEEN_LATE = 0.04
"""How much later than it happens a replica of the webhook sees something, in seconds."""

_OF_LATE = 600.0
_SKEW = 10.0
_DRY_RUNS = 0.004


class Part(NamedTuple):
    """Someone who is rejected in a scene; ``standings`` are by the webhook's replicas."""

    writer: Writer
    weight: float
    standings: tuple[tuple[Standing | None, datetime | None], ...]

    @property
    def gate(self) -> int:
        """The number of the gate."""
        return self.writer.gate


@dataclass(frozen=True, slots=True)
class Scene:
    """``begin`` and ``span`` are in microseconds of the night; ``stretches`` has what each gate's Lease shows."""

    begin: int
    span: int
    stretches: tuple[Stretch, ...]
    parts: tuple[Part, ...]

    @property
    def expected(self) -> float:
        """How much of the night's records falls into it, in no unit."""
        return sum(part.weight for part in self.parts)


def scenes(cast: list[Play], start: datetime) -> list[Scene]:
    """The scenes of the night in order."""
    acts = [act for play in cast for act in play.acts]
    quiet = 1 - sum(act.share for act in acts)
    replicas = sum(len(play.pods) for play in cast)
    seen = [_Seen(play, start) for play in cast]
    found = []
    for begin, end in pairwise(_edges(cast)):
        stretches = tuple(max(s for s in play.stretches if s.start <= begin) for play in cast)
        for watcher, stretch in zip(seen, stretches, strict=True):
            watcher.look(stretch)
        weights = {
            Writer(number, index, pod, dry_run): quiet * share * (end - begin) / LENGTH / replicas
            for number, play in enumerate(cast)
            for index, pod in enumerate(play.pods)
            if not any(asleep == index and since <= begin < until for asleep, since, until in play.asleep)
            for dry_run, share in ((False, 1 - _DRY_RUNS), (True, _DRY_RUNS))
        }
        for act in acts:
            if act.start <= begin < act.end:
                weights[act.writer] = weights.get(act.writer, 0.0) + act.share * (end - begin) / (act.end - act.start)
        parts = (seen[writer.gate].part(writer, weight, begin) for writer, weight in weights.items())
        span = round(end * 1_000_000) - round(begin * 1_000_000)
        found.append(Scene(round(begin * 1_000_000), span, stretches, tuple(part for part in parts if part)))
    return found


def _edges(cast: list[Play]) -> list[float]:
    edges = {0.0, LENGTH}
    for play in cast:
        edges |= {stretch.start for stretch in play.stretches}
        edges |= {s.renewed + DURATION + SEEN_LATE for s in play.stretches if s.renewed and s.shows is Shows.HELD}
        edges |= {edge for act in play.acts for edge in (act.start, act.end)}
        edges |= {edge for _, begin, end in play.asleep for edge in (begin, end)}
        # From then on a former holder is a follower again.
        edges |= {min(stretch.start + _OF_LATE + 1, LENGTH) for stretch in play.stretches}
    return sorted(edges)


class _Seen:
    """What the replicas of the webhook have seen of one gate's Lease."""

    def __init__(self, play: Play, start: datetime) -> None:
        self._play = play
        self._start = start
        self._histories = [LeaseHistory(_SKEW, _OF_LATE) for _ in WEBHOOKS]
        self._stretch: Stretch | None = None
        for history in self._histories:
            history.admitted(play.pods[0])

    def look(self, stretch: Stretch) -> None:
        """Let them see what is new, each a little later than it happened."""
        if stretch != self._stretch and stretch.shows in (Shows.HELD, Shows.UNHELD):
            for replica, history in enumerate(self._histories):
                at = stretch.start + SEEN_LATE * (1 + replica)
                history.observe(lease(self._play, stretch, self._start), now=at, wall=self._wall(at))
        self._stretch = stretch

    def part(self, writer: Writer, weight: float, at: float) -> Part | None:
        """A writer and how it stands at this moment; None where it would be let through."""
        stretch = self._stretch
        if stretch is None:
            return None
        age = at - stretch.renewed if stretch.renewed is not None else 0.0
        shown = reading(self._play, stretch, self._start, age)
        verdict = decide(write(self._play, writer, 0, "uid"), self._play.gate, shown)
        if isinstance(verdict, Allow):
            return None
        if isinstance(verdict, Indeterminate):
            return Part(writer, weight, ((None, None),) * len(WEBHOOKS))
        if verdict.reason in UNPROVEN:
            return Part(writer, weight, ((Standing.STRANGER, None),) * len(WEBHOOKS))
        view = shown if isinstance(shown, LeaseView) else None
        standings = tuple(
            history.standing(self._play.gate, writer.requester, view, wall=self._wall(at + SEEN_LATE * replica))
            for replica, history in enumerate(self._histories)
        )
        return Part(writer, weight, standings)

    def _wall(self, at: float) -> datetime:
        return self._start + timedelta(seconds=at)
