"""What is stuck: which rejections are remembered, which are forgotten, and what is due at a takeover."""

from __future__ import annotations

from leadergate.change import Change
from leadergate.model import LeaseKey, Requester, Resource, Write
from leadergate.stuck import FORGET_SECONDS, MAX_LEASES, StuckCount, StuckObjects

LEASE = LeaseKey("shop", "operator")


def write(name: str = "thing", pod: str = "b", version: str = "v1", namespace: str = "shop") -> Write:
    """A status write by this pod."""
    requester = Requester("u", "1", "shop", "operator", pod, "p", None, "c")
    resource = Resource("g", version, "things", "Thing")
    return Write("review", "UPDATE", resource, "status", namespace, name, dry_run=False, requester=requester)


def change(version: str = "7", *, differs: bool = True) -> Change:
    """What it wanted."""
    return Change(version, status=1, differs=differs)


class Scene:
    """A memory, and what is told to it."""

    def __init__(self, most: int = 100) -> None:
        self.memory = StuckObjects(most)

    def rejected(
        self, name: str = "thing", *, holder: str = "a", now: float = 0.0, pod: str = "b", lease: LeaseKey = LEASE
    ) -> None:
        """A write of this object was rejected."""
        self.memory.rejected(lease, write(name, pod), change(), holder, now)

    def due(self, holder: str, now: float = 1.0) -> list[str]:
        """The names of what is due under this holder."""
        return [key.name for key, _ in self.memory.due(LEASE, holder, now)]


def test_a_rejection_is_remembered_until_a_write_is_admitted() -> None:
    """Whatever version of the API the admitted write went by."""
    scene = Scene()
    scene.rejected()
    assert (len(scene.memory), scene.memory.leases()) == (1, [LEASE])
    scene.memory.admitted(LEASE, write("other"), "a", 1.0)
    scene.memory.admitted(LEASE, write(namespace="elsewhere"), "a", 1.0)
    scene.memory.admitted(LeaseKey("shop", "else"), write(), "a", 1.0)
    assert len(scene.memory) == 1
    scene.memory.admitted(LEASE, write(version="v2"), "a", 1.0)
    assert (len(scene.memory), scene.memory.leases()) == (0, [])


def test_a_write_that_would_change_nothing_is_not_stuck() -> None:
    """A follower that comes after the leader and says the same leaves nothing undone."""
    scene = Scene()
    scene.memory.rejected(LEASE, write(), change(differs=False), "a", 0.0)
    assert len(scene.memory) == 0


def test_a_pod_that_is_content_again_is_not_stuck() -> None:
    """It lagged behind: what it wanted first was older than what the leader had written."""
    scene = Scene()
    scene.rejected(pod="b")
    scene.memory.rejected(LEASE, write(pod="c"), change(differs=False), "a", 1.0)
    assert len(scene.memory) == 1
    scene.memory.rejected(LEASE, write(pod="b"), change(differs=False), "a", 1.0)
    assert len(scene.memory) == 0


def test_nothing_is_due_while_the_holder_stays() -> None:
    """Its own write is what is waited for."""
    scene = Scene()
    scene.rejected()
    assert scene.due("a") == []


def test_a_takeover_makes_each_object_due_once() -> None:
    """Those rejected last come first; and again at the next takeover those that are still stuck."""
    scene = Scene()
    for name in ("x", "y", "z"):
        scene.rejected(name)
    scene.rejected("x", now=0.5)
    assert scene.due("b") == ["x", "z", "y"]
    assert scene.due("b") == []
    scene.memory.admitted(LEASE, write("z"), "b", 2.0)
    assert scene.due("c") == ["x", "y"]


def test_a_follower_rejected_after_the_takeover_changes_nothing() -> None:
    """The new holder still knows nothing of what it could not write before."""
    scene = Scene()
    scene.rejected(holder="a", pod="b")
    scene.rejected(holder="b", pod="c", now=0.5)
    assert scene.due("b") == ["thing"]


def test_what_is_rejected_first_under_the_new_holder_is_not_due() -> None:
    """It leads already, and its own write comes without a nudge."""
    scene = Scene()
    scene.rejected(holder="b", pod="c")
    assert scene.due("b") == []


def test_what_was_rejected_while_nobody_held_the_lease_is_due() -> None:
    """Whoever takes it, the former holder included, whose own writes were rejected when it had expired."""
    scene = Scene()
    scene.rejected(holder="", pod="a")
    assert scene.due("a") == ["thing"]


def test_a_newer_rejection_is_another_matter() -> None:
    """Once a write was admitted, what was due before is done with."""
    scene = Scene()
    scene.rejected()
    ((key, stuck),) = scene.memory.due(LEASE, "b", 1.0)
    assert scene.memory.still(key, stuck)
    scene.memory.admitted(LEASE, write(), "b", 2.0)
    scene.rejected(holder="b", pod="c", now=3.0)
    assert not scene.memory.still(key, stuck)
    scene.memory.moved_on(key, stuck)
    assert len(scene.memory) == 1


def test_what_moved_on_is_forgotten() -> None:
    """Gone, or written by way of another replica of the webhook."""
    scene = Scene()
    scene.rejected()
    ((key, stuck),) = scene.memory.due(LEASE, "b", 1.0)
    scene.memory.moved_on(key, stuck)
    scene.memory.moved_on(key, stuck)
    assert len(scene.memory) == 0


def test_counts() -> None:
    """Age runs from the first rejection; what was rejected before the last takeover is orphaned."""
    scene = Scene()
    scene.rejected("x", now=10.0)
    scene.rejected("x", now=15.0)
    scene.rejected("y", now=12.0)
    assert scene.memory.counts(20.0) == [StuckCount(LEASE, orphaned=False, objects=2, age=10.0)]
    scene.memory.admitted(LEASE, write("elsewhere"), "b", 20.0)
    scene.rejected("y", now=21.0, holder="b", pod="c")
    scene.rejected("z", now=22.0, holder="b", pod="c")
    assert scene.memory.counts(23.0) == [
        StuckCount(LEASE, orphaned=False, objects=1, age=1.0),
        StuckCount(LEASE, orphaned=True, objects=2, age=13.0),
    ]


def test_a_takeover_is_seen_at_an_admitted_write() -> None:
    """Of whatever object; a Lease that nobody holds for a while, and the same pod again, is none."""
    scene = Scene()
    scene.rejected("x", now=1.0)
    scene.rejected("y", now=2.0, holder="")
    scene.memory.admitted(LEASE, write("z"), "a", 3.0)
    assert [count.orphaned for count in scene.memory.counts(4.0)] == [False]
    scene.memory.admitted(LEASE, write("z"), "b", 5.0)
    assert [count.orphaned for count in scene.memory.counts(6.0)] == [True]


def test_what_is_old_is_forgotten() -> None:
    """An hour after its last rejection: whoever still wanted it would have tried again."""
    scene = Scene()
    scene.rejected("x", now=0.0)
    scene.rejected("y", now=10.0)
    assert sum(count.objects for count in scene.memory.counts(FORGET_SECONDS)) == 1
    assert scene.due("b", now=FORGET_SECONDS + 9.0) == ["y"]
    assert scene.due("c", now=FORGET_SECONDS + 10.0) == []
    assert len(scene.memory) == scene.memory.forgotten == 0


def test_room_is_made_where_most_is() -> None:
    """One gate's objects do not crowd out another's; the longest unheard of goes first."""
    scene = Scene(most=3)
    other = LeaseKey("other", "operator")
    scene.rejected("o", lease=other)
    for name in ("x", "y", "x", "z"):
        scene.rejected(name)
    assert (len(scene.memory), scene.memory.forgotten) == (3, 1)
    assert scene.due("b") == ["z", "x"]
    assert set(scene.memory.leases()) == {LEASE, other}


def test_leases_are_bounded() -> None:
    """Whoever reaches the port can name any: those with the latest rejections stay."""
    scene = Scene(most=10_000)
    busy = LeaseKey("shop", "busy")
    scene.rejected(lease=busy)
    scene.rejected("first")
    scene.rejected("more")
    for number in range(MAX_LEASES - 1):
        scene.rejected(lease=busy)
        scene.rejected(lease=LeaseKey("shop", f"l{number}"))
    assert LEASE not in scene.memory.leases()
    assert busy in scene.memory.leases()
    assert (len(scene.memory), scene.memory.forgotten) == (MAX_LEASES, 2)
