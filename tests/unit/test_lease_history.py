"""Expiry by observed time, takeovers, and how a rejected requester stands to the Lease."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadergate.history import MAX_FORMER_HOLDERS, LeaseHistory
from leadergate.model import Gate, IdentityKind, Lease, LeaseKey, Mode, Requester, Standing

WALL = datetime(2026, 3, 1, 12, tzinfo=UTC)
GATE = Gate(Mode.ENFORCE, LeaseKey("shop", "operator"), from_namespace="shop")
LEASE = Lease("pod-a", "1", transitions=1, duration=15, acquire_time=WALL, renew_time=WALL)
SKEW, OF_LATE = 10.0, 600.0


def history() -> LeaseHistory:
    """A history that has seen nothing."""
    return LeaseHistory(SKEW, OF_LATE)


def after(seconds: float) -> datetime:
    """The time of day, so many seconds later."""
    return WALL + timedelta(seconds=seconds)


def pod(name: str | None, *, namespace: str = "shop", account: str = "operator", node: str | None = None) -> Requester:
    """A requester as its token names it."""
    return Requester(f"system:serviceaccount:{namespace}:{account}", "uid", namespace, account, name, "pod-uid", node)


@pytest.mark.parametrize(
    ("ago", "age", "expired"),
    [
        pytest.param(0, 0.0, False, id="just renewed"),
        pytest.param(-3600, 0.0, False, id="renewed in our future"),
        pytest.param(15, 0.0, False, id="duration over"),
        pytest.param(25, 0.0, False, id="duration and skew just over"),
        pytest.param(25.001, 25.001, True, id="beyond duration and skew"),
        pytest.param(86400, 86400.0, True, id="long ago"),
    ],
)
def test_the_first_record_seen_may_be_old_already(ago: float, age: float, expired: bool) -> None:
    """Wall clocks are compared once, and only what no skew within the allowance explains counts as age."""
    view = history().observe(LEASE, now=50.0, wall=after(ago))
    assert view.age == pytest.approx(age)
    assert view.expired is expired


@pytest.mark.parametrize(("elapsed", "expired"), [(0.0, False), (15.0, False), (15.001, True), (1000.0, True)], ids=str)
def test_time_runs_from_our_first_sight_of_a_renewal(elapsed: float, expired: bool) -> None:
    """The duration counts on the monotonic clock; what other machines' clocks say is of no account."""
    seen = history()
    seen.observe(LEASE, now=50.0, wall=after(0))
    seen.observe(replace(LEASE, renew_time=after(-1e6)), now=60.0, wall=after(10))
    view = seen.observe(replace(LEASE, renew_time=after(-1e6)), now=60.0 + elapsed, wall=after(-1e6))
    assert view.age == pytest.approx(elapsed)
    assert view.expired is expired


def test_a_renewal_ends_an_expiry() -> None:
    """A holder that comes back in time to renew is the holder again."""
    seen = history()
    assert seen.observe(LEASE, now=0.0, wall=after(86400)).expired
    renewed = seen.observe(replace(LEASE, renew_time=after(86400)), now=1.0, wall=after(86401))
    assert (renewed.age, renewed.expired) == (0.0, False)


@pytest.mark.parametrize(
    ("changed", "renews"),
    [
        ({"resource_version": "2"}, False),
        ({"renew_time": after(1)}, True),
        ({"transitions": 2}, True),
        ({"holder": "pod-b"}, True),
        ({"acquire_time": after(1)}, True),
        ({"duration": 20}, True),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_only_the_election_record_renews(changed: dict[str, object], renews: bool) -> None:
    """A label or annotation moves resourceVersion, and that renews nothing."""
    seen = history()
    seen.observe(LEASE, now=0.0, wall=after(0))
    view = seen.observe(replace(LEASE, **changed), now=100.0, wall=after(100))  # type: ignore[arg-type]
    assert view.expired is not renews
    assert view.age == (0.0 if renews else 100.0)


@pytest.mark.parametrize("duration", [None, 0, -1, 86_401, 2**31 - 1])
def test_a_lease_without_a_sane_duration_never_expires(duration: int | None) -> None:
    """Neither at first sight nor later, since there is no promise to renew."""
    lease = replace(LEASE, duration=duration)
    seen = history()
    assert not seen.observe(lease, now=0.0, wall=after(1e7)).expired
    assert not seen.observe(lease, now=1e7, wall=after(2e7)).expired


def test_a_lease_without_renew_time_expires_by_our_own_clock() -> None:
    """Then there is nothing to compare at first sight."""
    lease = replace(LEASE, renew_time=None)
    seen = history()
    assert not seen.observe(lease, now=0.0, wall=after(1e7)).expired
    assert seen.observe(lease, now=15.1, wall=after(1e7)).expired


def test_a_released_lease_does_not_expire() -> None:
    """Nobody holds it, so nobody's hold has run out."""
    lease = replace(LEASE, holder="")
    seen = history()
    assert not seen.observe(lease, now=0.0, wall=after(86400)).expired
    assert not seen.observe(lease, now=1000.0, wall=after(86400)).expired


@pytest.mark.parametrize(
    ("holders", "takeovers"),
    [
        ("a", 0),
        (" a", 0),
        ("a a", 0),
        ("a b", 1),
        ("a  b", 1),
        ("a   b b", 1),
        ("a  a", 0),
        ("a b a", 2),
        (" ", 0),
    ],
)
def test_takeovers_are_changes_from_holder_to_holder(holders: str, takeovers: int) -> None:
    """A release (an empty holder) in between makes one takeover no two, and the first holder is none."""
    seen = history()
    for moment, holder in enumerate(holders.split(" ")):
        seen.observe(replace(LEASE, holder=holder), now=float(moment), wall=after(moment))
    assert seen.takeovers == takeovers


def test_a_view_changes_nothing() -> None:
    """What a read shows that a newer one has overtaken is told, not taken in."""
    seen = history()
    seen.observe(replace(LEASE, holder="pod-b"), now=0.0, wall=after(0))
    overtaken = seen.view(LEASE, now=100.0)
    assert (overtaken.lease, overtaken.age, overtaken.expired) == (LEASE, 0.0, False)
    assert seen.takeovers == 0
    assert seen.observe(replace(LEASE, holder="pod-b"), now=100.0, wall=after(100)).age == 100.0


def test_a_view_before_any_observation_has_no_age() -> None:
    """There is nothing to reckon from."""
    assert history().view(LEASE, now=5.0).age == 0.0


def handed_over(*, identity: IdentityKind = IdentityKind.POD) -> tuple[LeaseHistory, Gate]:
    """pod-a held it until 100 s after WALL, pod-b holds it now; pod-b wrote under account operator."""
    seen = history()
    seen.observe(LEASE, now=0.0, wall=after(0))
    seen.observe(replace(LEASE, holder="pod-b", renew_time=after(100)), now=100.0, wall=after(100))
    seen.admitted(pod("pod-b"))
    return seen, replace(GATE, identity=identity)


@pytest.mark.parametrize(
    ("requester", "standing", "until"),
    [
        pytest.param(pod("pod-a"), Standing.FORMER_HOLDER, after(100), id="former holder"),
        pytest.param(pod("pod-c"), Standing.FOLLOWER, None, id="follower"),
        pytest.param(pod("pod"), Standing.FOLLOWER, None, id="name that a holder's begins with"),
        pytest.param(pod("pod-a", namespace="other"), Standing.STRANGER, None, id="other namespace"),
        pytest.param(pod(None), Standing.STRANGER, None, id="no pod"),
        pytest.param(pod("pod-a", account="debug"), Standing.STRANGER, None, id="other account"),
        pytest.param(Requester("jane", ""), Standing.STRANGER, None, id="person"),
    ],
)
def test_standing(requester: Requester, standing: Standing, until: datetime | None) -> None:
    """Routine followers, the split brain of a former holder, and strangers are told apart."""
    seen, gate = handed_over()
    assert seen.standing(gate, requester, None, wall=after(160)) == (standing, until)


def test_any_account_of_the_namespace_may_follow_until_one_was_admitted() -> None:
    """Before the first admitted write nobody knows under which account the holder writes."""
    seen = history()
    seen.observe(LEASE, now=0.0, wall=after(0))
    assert seen.standing(GATE, pod("pod-c", account="debug"), None, wall=after(1))[0] is Standing.FOLLOWER


def test_nothing_seen_yet_makes_a_follower() -> None:
    """A process that has just started knows no former holder."""
    assert history().standing(GATE, pod("pod-a"), None, wall=after(0)) == (Standing.FOLLOWER, None)


def test_a_holder_that_stopped_renewing_held_it_until_the_lease_expired() -> None:
    """It is still named, so its writes are denied for the expiry alone: 20 s old, and 15 s long."""
    seen = history()
    seen.observe(LEASE, now=0.0, wall=after(0))
    view = seen.observe(LEASE, now=20.0, wall=after(20))
    assert view.expired
    assert seen.standing(GATE, pod("pod-a"), view, wall=after(20)) == (Standing.FORMER_HOLDER, after(15))


def test_a_node_gate_knows_former_holders_by_their_node() -> None:
    """The pod's name is of no account there."""
    seen, gate = handed_over(identity=IdentityKind.NODE)
    assert seen.standing(gate, pod("x", node="pod-a"), None, wall=after(160))[0] is Standing.FORMER_HOLDER
    assert seen.standing(gate, pod("pod-a", node="n"), None, wall=after(160))[0] is Standing.FOLLOWER
    assert seen.standing(gate, pod("pod-a"), None, wall=after(160))[0] is Standing.STRANGER


@pytest.mark.parametrize(
    ("later", "standing"), [(OF_LATE, Standing.FORMER_HOLDER), (OF_LATE + 1, Standing.FOLLOWER)], ids=["kept", "gone"]
)
def test_a_former_holder_is_forgotten_after_a_while(later: float, standing: Standing) -> None:
    """Whoever lost the Lease long ago is a follower like others."""
    seen, gate = handed_over()
    assert seen.standing(gate, pod("pod-a"), None, wall=after(100 + later))[0] is standing


def test_a_release_makes_a_former_holder_too() -> None:
    """It held the Lease until the release was seen."""
    seen = history()
    seen.observe(LEASE, now=0.0, wall=after(0))
    seen.observe(replace(LEASE, holder=""), now=5.0, wall=after(5))
    assert seen.standing(GATE, pod("pod-a"), None, wall=after(6)) == (Standing.FORMER_HOLDER, after(5))


def test_as_many_former_holders_are_kept_as_the_bound_allows() -> None:
    """The latest of them: identities with random tails would else pile up."""
    seen = history()
    for number in range(MAX_FORMER_HOLDERS + 2):
        seen.observe(replace(LEASE, holder=f"pod-{number}"), now=float(number), wall=after(number))
    standings = [seen.standing(GATE, pod(f"pod-{number}"), None, wall=after(100))[0] for number in range(3)]
    assert standings == [Standing.FOLLOWER, Standing.FORMER_HOLDER, Standing.FORMER_HOLDER]


def test_losing_it_again_moves_a_holder_to_the_newest() -> None:
    """The bound drops those who lost it longest ago."""
    seen = history()
    names = ["old", *(f"pod-{number}" for number in range(MAX_FORMER_HOLDERS)), "old", "last", "end"]
    for moment, name in enumerate(names):
        seen.observe(replace(LEASE, holder=name), now=float(moment), wall=after(moment))
    assert seen.standing(GATE, pod("old"), None, wall=after(100)) == (Standing.FORMER_HOLDER, after(len(names) - 2))


@pytest.mark.parametrize(
    ("later", "standing", "until"),
    [(5, Standing.FORMER_HOLDER, after(1)), (OF_LATE + 1.001, Standing.FOLLOWER, None)],
    ids=["of late", "long ago"],
)
def test_who_held_a_lease_that_is_gone_is_a_former_holder(
    later: float, standing: Standing, until: datetime | None
) -> None:
    """It is known to have held the Lease when that was last seen; those beside it are followers as ever."""
    seen = history()
    seen.observe(LEASE, now=0, wall=after(0))
    seen.observe(LEASE, now=1, wall=after(1))
    assert seen.standing(GATE, pod("pod-a"), None, wall=after(later)) == (standing, until)
    assert seen.standing(GATE, pod("pod-b"), None, wall=after(later)) == (Standing.FOLLOWER, None)
