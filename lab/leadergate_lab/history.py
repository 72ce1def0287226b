"""Does a history keep the promise? A pure judgement over everything that etcd committed.

All events carry the ``resourceVersion`` under which they were committed. With one etcd that is its revision, so it
orders Lease and objects together. The promises checked are those of ``docs/guarantees.md``:

* G1: the pod that wrote at *r* was the holder at some revision in [q, r], *q* being the object's revision before.
* G2: no pod replaces the status of another one that became holder after it.
* G5: no denial rests on a Lease older than what the requester knew to be committed when it asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class LeaseChange:
    """The Lease as committed at ``revision``; ``holder`` is the pod that its identity names, empty for none."""

    revision: int
    holder: str


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object as committed at ``revision``; ``writer`` is the pod that wrote its status, None for another change."""

    key: str
    revision: int
    writer: str | None


@dataclass(frozen=True, slots=True)
class Denial:
    """A rejection as its requester saw it.

    ``known`` is the newest Lease revision that was acknowledged to anyone before the write was sent; ``seen`` is the
    one that the verdict rested on.
    """

    pod: str
    known: int
    seen: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of one promise, in words."""

    promise: str
    revision: int
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a history came to. ``committed`` counts status writes."""

    takeovers: int
    committed: int
    by_pod: dict[str, int]
    findings: list[Finding] = field(default_factory=list)

    def count(self, promise: str) -> int:
        """The breaches of one promise: G1, G2 or G5."""
        return sum(finding.promise == promise for finding in self.findings)

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings


class Tenures:
    """Who held the Lease at which revision."""

    def __init__(self, changes: Iterable[LeaseChange]) -> None:
        ordered = sorted(changes, key=lambda change: change.revision)
        self._revisions = [change.revision for change in ordered]
        self._holders = [change.holder for change in ordered]

    @property
    def takeovers(self) -> int:
        """How often the Lease passed from one pod to another."""
        held = [holder for holder in self._holders if holder]
        return sum(one != other for one, other in pairwise(held))

    def at(self, revision: int) -> str:
        """The holder at ``revision``, empty for none."""
        index = bisect_right(self._revisions, revision)
        return self._holders[index - 1] if index else ""

    def held_within(self, pod: str, first: int, last: int) -> bool:
        """Whether ``pod`` held the Lease at some revision in [first, last]."""
        start = max(bisect_right(self._revisions, first) - 1, 0)
        end = bisect_right(self._revisions, last)
        return pod in self._holders[start:end]

    def began(self, pod: str, revision: int) -> int | None:
        """When the newest tenure of ``pod`` at or before ``revision`` began; None if it never held the Lease."""
        index = bisect_right(self._revisions, revision) - 1
        while index >= 0 and self._holders[index] != pod:
            index -= 1
        if index < 0:
            return None
        while index > 0 and self._holders[index - 1] == pod:
            index -= 1
        return self._revisions[index]


def judge(lease: Sequence[LeaseChange], objects: Sequence[ObjectChange], denials: Sequence[Denial] = ()) -> Verdict:
    """Check a whole history, given in any order."""
    tenures = Tenures(lease)
    findings: list[Finding] = []
    by_pod: dict[str, int] = {}
    before: dict[str, int] = {}
    last_writer: dict[str, tuple[str, int]] = {}
    for change in sorted(objects, key=lambda change: change.revision):
        if change.writer is not None:
            by_pod[change.writer] = by_pod.get(change.writer, 0) + 1
            findings += _of_write(change, change.writer, before.get(change.key), last_writer.get(change.key), tenures)
            last_writer[change.key] = (change.writer, change.revision)
        before[change.key] = change.revision
    findings += [finding for denial in denials for finding in _of_denial(denial, tenures)]
    return Verdict(tenures.takeovers, sum(by_pod.values()), by_pod, findings)


def _of_write(
    change: ObjectChange, pod: str, before: int | None, last: tuple[str, int] | None, tenures: Tenures
) -> list[Finding]:
    found: list[Finding] = []
    since = change.revision if before is None else before
    if not tenures.held_within(pod, since, change.revision):
        text = (
            f"{pod} wrote {change.key} at {change.revision}, but held the Lease nowhere in [{since}, {change.revision}]"
        )
        found.append(Finding("G1", change.revision, text))
    if last is not None and last[0] != pod:
        other, at = last
        began = tenures.began(other, at)
        once_held = tenures.began(pod, change.revision) is not None
        if began is not None and once_held and not tenures.held_within(pod, began, change.revision):
            text = (
                f"{pod} at {change.revision} replaced what {other} wrote to {change.key} at {at},"
                f" having become holder after it at {began}"
            )
            found.append(Finding("G2", change.revision, text))
    return found


def _of_denial(denial: Denial, tenures: Tenures) -> list[Finding]:
    if denial.seen < denial.known:
        text = f"{denial.pod} was denied by the Lease at {denial.seen}, though {denial.known} was already committed"
        return [Finding("G5", denial.seen, text)]
    if tenures.at(denial.seen) == denial.pod:
        return [Finding("G5", denial.seen, f"{denial.pod} was denied by the Lease at {denial.seen}, which it held")]
    return []
