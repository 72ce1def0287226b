"""The records of the webhook's replicas, fetched once: they alone go into a spool file, all replicas' in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leadergate.audit.cluster.replicas import Replicas
from leadergate.audit.cluster.snapshot import Fetched, Snapshot
from leadergate.audit.reading.origin import Origin, OutOfReach
from leadergate.audit.reading.progress import Screen
from leadergate.audit.reading.reaching import reached
from leadergate.audit.reading.sift import Bad, RecordLine, sift
from leadergate.audit.reading.tally import BadLine, Tally
from leadergate.audit.telling.words import counted, stamp


@dataclass(frozen=True, slots=True)
class Brought:
    """What was fetched. ``path`` has the records, and ``tally`` what else there was and what may be missing.

    ``pods`` are the replicas by name. Their logs all go back to ``begins``, and were read up to ``last`` at least, by
    their nodes' clocks; both are None where there is no line. ``holes``: lines may be missing in between.
    """

    path: Path
    tally: Tally
    pods: tuple[str, ...]
    begins: datetime | None
    last: datetime | None
    holes: bool


def brought(origin: Origin, folder: Path, screen: Screen, *, keep: int | None) -> Brought:
    """Fetch the logs of all replicas. The folder keeps the records. Raises OutOfReach."""
    try:
        return _brought(origin, folder / "replicas.jsonl", screen, keep=keep)
    except OSError as fault:
        room = f"{folder.parent}: {fault.strerror}; set TMPDIR to where there is room"
        raise OutOfReach(f"records cannot be spooled: {room}") from fault


def _brought(origin: Origin, path: Path, screen: Screen, *, keep: int | None) -> Brought:
    with _snapshot(origin, screen) as snapshot:
        tally = Tally(keep=keep, gaps=list(snapshot.missing))
        with path.open("wb") as spool:
            numbers: Counter[str] = Counter()
            for line in snapshot.lines():
                numbers[line.pod] += 1
                one = sift(line.text)
                if isinstance(one, RecordLine):
                    tally.records += 1
                    spool.write(one.json + b"\n")
                elif isinstance(one, Bad):
                    tally.note(BadLine(f"pod/{line.pod}", numbers[line.pod], one.why))
                # The rest is what the webhook logs besides: no lines of other programs.
        there = sorted(snapshot.fetched.values(), key=lambda one: one.replica.name)
        begins = max(filter(None, map(_first, there)), default=None)
        tally.empty = _empty(len(there), begins, origin.since)
        last = min(filter(None, map(_last, there)), default=None)
        return Brought(path, tally, tuple(one.replica.name for one in there), begins, last, snapshot.holes)


@contextmanager
def _snapshot(origin: Origin, screen: Screen) -> Iterator[Snapshot]:
    with ExitStack() as ending:

        async def fetch(replicas: Replicas) -> Snapshot:
            def say(what: str) -> None:
                if what not in snapshot.missing:  # that is told at the end
                    screen.say(what)

            snapshot = ending.enter_context(Snapshot(replicas, since=origin.begin, say=say))
            await snapshot.fetch()
            return snapshot

        try:
            fetched = reached(origin, fetch)
        finally:
            screen.clear()
        yield fetched


def _first(one: Fetched) -> datetime | None:
    return None if one.first is None else one.first.line(one.replica).at


def _last(one: Fetched) -> datetime | None:
    return None if one.seen.last is None else one.seen.last.line(one.replica).at


def _empty(replicas: int, begins: datetime | None, since: datetime | None) -> str:
    logs = f"there is no record in the logs of {counted(replicas, 'replica')}"
    if since is not None:
        return f"{logs} since {stamp(since)}: nothing was rejected since then, or it is gone with its pods"
    back = f", which go back to {stamp(begins)}" if begins is not None else ""
    return f"{logs}{back}: nothing was rejected since then; what was before is gone with its pods"
