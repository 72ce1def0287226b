"""Was there ever more than one leader? A pure judgement over what etcd committed and what the processes believed.

All processes run on one machine, so their clocks are one: times of the Lease, which only tell records apart in the
election itself, may be compared here, and so may moments of the monotonic clock in different ledgers.

* early: the Lease changed hands though it was neither released nor unrenewed for its duration.
* two: two processes believed at the same time that they lead.
* unclaimed: a process was seen to believe that it leads without having written that down before.
* record: ``leaseTransitions``, ``acquireTime`` or ``renewTime`` is not what client-go would have written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The Lease as committed at ``revision``; times in seconds since the epoch, by the writer's clock."""

    revision: int
    holder: str
    duration: int
    acquired: float
    renewed: float
    transitions: int


@dataclass(frozen=True, slots=True)
class Belief:
    """One process, in one of its lives, took itself for the leader of ``lease`` from ``start`` to ``end``."""

    process: str
    lease: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach, in words."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an election came to. ``takeovers`` counts changes to another holder."""

    takeovers: int
    releases: int
    renewals: int
    terms: int
    holders: frozenset[str]
    findings: list[Finding] = field(default_factory=list)

    def count(self, rule: str) -> int:
        """The breaches of one rule."""
        return sum(finding.rule == rule for finding in self.findings)


def judge(history: Iterable[LeaseState], claims: Sequence[Belief], sightings: Sequence[Belief] = ()) -> Verdict:
    """The verdict on one Lease and everything that was believed of it."""
    states = sorted(history, key=lambda state: state.revision)
    findings: list[Finding] = []
    takeovers = releases = renewals = 0
    last = ""
    for old, new in pairwise(states):
        findings += _early(old, new) + _record(old, new)
        releases += bool(old.holder) and not new.holder
        renewals += bool(new.holder) and old.holder == new.holder
        last = old.holder or last
        takeovers += bool(new.holder) and bool(last) and new.holder not in (old.holder, last)
    findings += [_overlap(*pair) for beliefs in (claims, sightings) for pair in overlapping(beliefs)]
    findings += _unclaimed(claims, sightings)
    holders = frozenset(state.holder for state in states) - {""}
    return Verdict(takeovers, releases, renewals, len(merged(claims)), holders, findings)


def overlapping(beliefs: Iterable[Belief]) -> list[tuple[Belief, Belief]]:
    """Pairs that held at the same time, of different processes; of a long belief, the next ones only."""
    found: list[tuple[Belief, Belief]] = []
    by_lease: dict[str, Belief] = {}
    for belief in sorted(merged(beliefs), key=lambda belief: belief.start):
        longest = by_lease.get(belief.lease)
        if longest is not None and belief.start < longest.end and belief.process != longest.process:
            found.append((longest, belief))
        if longest is None or belief.end > longest.end:
            by_lease[belief.lease] = belief
    return found


def merged(beliefs: Iterable[Belief]) -> list[Belief]:
    """The same, with what follows without a gap in one."""
    found: list[Belief] = []
    for belief in sorted(beliefs, key=lambda belief: (belief.process, belief.lease, belief.start)):
        last = found[-1] if found else None
        if last and (last.process, last.lease) == (belief.process, belief.lease) and belief.start <= last.end:
            found[-1] = Belief(last.process, last.lease, last.start, max(last.end, belief.end))
        else:
            found.append(belief)
    return found


def _early(old: LeaseState, new: LeaseState) -> list[Finding]:
    if not old.holder or not new.holder or old.holder == new.holder:
        return []
    # Whoever takes it saw the renewal after it was sent, and sends its own later than it decides.
    unrenewed = new.acquired - old.renewed
    if unrenewed >= old.duration:
        return []
    text = f"at {new.revision} {new.holder} took the Lease {unrenewed:.3f} s after {old.holder} renewed it"
    return [Finding("early", f"{text} for {old.duration} s")]


def _record(old: LeaseState, new: LeaseState) -> list[Finding]:
    text = f"from {old.revision} ({old.holder or 'nobody'}) to {new.revision} ({new.holder or 'nobody'})"
    found = []
    changed = bool(new.holder) and new.holder != old.holder
    if new.transitions != old.transitions + changed:
        found.append(Finding("record", f"leaseTransitions {old.transitions} became {new.transitions} {text}"))
    # A process that cannot know a record in its own name for its own waits until it has expired, and begins a term.
    anew = new.acquired == new.renewed and new.renewed - old.renewed >= old.duration
    if new.holder == old.holder and new.acquired != old.acquired and not anew:
        found.append(Finding("record", f"acquireTime changed {text}"))
    if changed and new.acquired != new.renewed:
        found.append(Finding("record", f"acquireTime is not the first renewTime {text}"))
    if new.renewed <= old.renewed:
        found.append(Finding("record", f"renewTime did not rise {text}"))
    return found


def _overlap(first: Belief, second: Belief) -> Finding:
    until = min(first.end, second.end)
    text = f"{second.process} believed that it leads {second.lease} from {second.start:.4f}, {first.process} until"
    return Finding("two", f"{text} {first.end:.4f}: {until - second.start:.4f} s both")


def _unclaimed(claims: Sequence[Belief], sightings: Sequence[Belief]) -> list[Finding]:
    whole = merged(claims)
    return [
        Finding("unclaimed", f"{seen.process} led {seen.lease} from {seen.start:.4f} to {seen.end:.4f} without a claim")
        for seen in sightings
        if not any(
            (claim.process, claim.lease) == (seen.process, seen.lease)
            and claim.start <= seen.start
            and seen.end <= claim.end
            for claim in whole
        )
    ]
