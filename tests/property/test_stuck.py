"""The memory of stuck objects, against a plain account of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from leadergate.change import Change
from leadergate.model import LeaseKey, Requester, Resource, Write
from leadergate.nudge import Pace
from leadergate.stuck import StuckObjects

LEASES = [LeaseKey("shop", "a"), LeaseKey("shop", "b")]
names = st.sampled_from("xyz")
leases = st.sampled_from(LEASES)
holders = st.sampled_from(["p", "q", "r"])
pods = st.sampled_from(["p", "q"])


@dataclass(frozen=True)
class Rejected:
    """A write was rejected; ``holder`` may be nobody."""

    lease: LeaseKey
    name: str
    pod: str
    holder: str
    differs: bool


@dataclass(frozen=True)
class Admitted:
    """The holder's write went through."""

    lease: LeaseKey
    name: str
    holder: str


@dataclass(frozen=True)
class Seen:
    """The Lease was read while there were stuck objects."""

    lease: LeaseKey
    holder: str


events = st.lists(
    st.builds(Rejected, leases, names, pods, holders | st.just(""), st.booleans())
    | st.builds(Admitted, leases, names, holders)
    | st.builds(Seen, leases, holders),
    max_size=40,
)


def write(name: str, pod: str) -> Write:
    """A status write."""
    requester = Requester("u", "1", "shop", "operator", pod, "p", None, "c")
    return Write("review", "UPDATE", Resource("g", "v1", "things"), "status", "shop", name, False, requester)


@dataclass
class Account:
    """What is stuck: for each object who was rejected last, and under which holder it was last told of."""

    pod: dict[tuple[LeaseKey, str], str] = field(default_factory=dict)
    holder: dict[tuple[LeaseKey, str], str] = field(default_factory=dict)

    def drop(self, lease: LeaseKey, name: str) -> None:
        """Forget it."""
        self.pod.pop((lease, name), None)
        self.holder.pop((lease, name), None)

    def rejected(self, event: Rejected) -> None:
        """Take it in."""
        key = event.lease, event.name
        if event.differs:
            self.pod[key] = event.pod
            self.holder.setdefault(key, event.holder)
        elif self.pod.get(key) == event.pod:
            self.drop(*key)

    def due(self, event: Seen) -> set[str]:
        """What is due, which is told once."""
        found = {key for key, holder in self.holder.items() if key[0] == event.lease and holder != event.holder}
        self.holder.update(dict.fromkeys(found, event.holder))
        return {name for _, name in found}


@given(events)
def test_it_tells_what_happened(happened: list[Rejected | Admitted | Seen]) -> None:
    """What is stuck, and what is due at each look, once for each takeover and object."""
    memory, account = StuckObjects(100), Account()
    for now, event in enumerate(happened):
        match event:
            case Rejected():
                change = Change("7", 1, event.differs)
                memory.rejected(event.lease, write(event.name, event.pod), change, event.holder, float(now))
                account.rejected(event)
            case Admitted():
                memory.admitted(event.lease, write(event.name, event.holder), event.holder, float(now))
                account.drop(event.lease, event.name)
            case Seen():
                due = memory.due(event.lease, event.holder, float(now))
                assert len({key.name for key, _ in due}) == len(due)
                assert {key.name for key, _ in due} == account.due(event)
                assert all(memory.still(key, stuck) for key, stuck in due)
        assert len(memory) == len(account.pod)
        assert set(memory.leases()) == {lease for lease, _ in account.pod}
        counts = memory.counts(float(now))
        assert sum(count.objects for count in counts) == len(account.pod)
        assert all(0 <= count.age <= now for count in counts)


@given(st.integers(1, 5), st.lists(st.tuples(leases, st.integers(0, 20)), max_size=60))
def test_it_is_bounded(most: int, rejected: list[tuple[LeaseKey, int]]) -> None:
    """However many objects are rejected; each is either held or counted as forgotten."""
    memory = StuckObjects(most)
    came = 0
    for now, (lease, number) in enumerate(rejected):
        before = len(memory) + memory.forgotten
        memory.rejected(lease, write(str(number), "p"), Change("7", 1, differs=True), "q", float(now))
        came += len(memory) + memory.forgotten - before
        assert len(memory) <= most
    assert len(memory) + memory.forgotten == came
    assert sum(len(memory.due(lease, "p", 100.0)) for lease in LEASES) == len(memory)


@given(st.floats(0.1, 1000), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_the_pace_is_kept(per_second: float, gaps: list[float]) -> None:
    """In any span of time there are no more turns than its length allows, and a fifth of a second's beside."""
    pace, now, turns = Pace(per_second), 0.0, []
    for gap in gaps:
        now += gap
        turns.append(now + pace.wait(now))
    assert turns == sorted(turns)
    for first in range(len(turns)):
        for last in range(first, len(turns)):
            span = turns[last] - turns[first]
            assert last - first + 1 <= (span + 0.2) * per_second + 1.001
