"""The checker itself: it must see each kind of breach, and see none where there is none."""

from hypothesis import given
from hypothesis import strategies as st

from leadergate_lab.history import Denial, LeaseChange, ObjectChange, Tenures, judge

A_THEN_B = [LeaseChange(10, "a"), LeaseChange(20, "b")]


def test_holder_write_is_kept() -> None:
    """A write by the pod that holds the Lease breaks nothing."""
    verdict = judge(A_THEN_B, [ObjectChange("o", 5, None), ObjectChange("o", 11, "a"), ObjectChange("o", 21, "b")])
    assert verdict.kept
    assert (verdict.takeovers, verdict.committed, verdict.by_pod) == (1, 2, {"a": 1, "b": 1})


def test_write_admitted_before_takeover_may_commit_after_it() -> None:
    """G1 allows a write that commits just after the Lease moved, on an object the new holder has not written."""
    assert judge(A_THEN_B, [ObjectChange("o", 15, "a"), ObjectChange("o", 21, "a")]).kept


def test_write_of_a_pod_that_never_held_breaks_g1() -> None:
    """A follower's write is found."""
    verdict = judge(A_THEN_B, [ObjectChange("o", 12, "a"), ObjectChange("o", 15, "b")])
    assert [finding.promise for finding in verdict.findings] == ["G1"]


def test_write_long_after_the_tenure_breaks_g1() -> None:
    """An ex-holder's write is found when the object was already written after the takeover."""
    verdict = judge(A_THEN_B, [ObjectChange("o", 21, None), ObjectChange("o", 22, "a")])
    assert [finding.promise for finding in verdict.findings] == ["G1"]


def test_stale_overwrite_breaks_g2() -> None:
    """An ex-holder that replaces its successor's status is found, and breaks G1 as well."""
    verdict = judge(A_THEN_B, [ObjectChange("o", 11, "a"), ObjectChange("o", 21, "b"), ObjectChange("o", 22, "a")])
    assert {finding.promise for finding in verdict.findings} == {"G1", "G2"}
    assert not verdict.kept


def test_stale_overwrite_is_found_across_a_spec_change() -> None:
    """A change of the spec in between does not hide whose status was replaced."""
    changes = [ObjectChange("o", 21, "b"), ObjectChange("o", 22, None), ObjectChange("o", 23, "a")]
    assert judge(A_THEN_B, changes).count("G2") == 1


def test_replacing_the_former_holder_is_no_stale_overwrite() -> None:
    """The new holder may replace the old one's status."""
    assert judge(A_THEN_B, [ObjectChange("o", 11, "a"), ObjectChange("o", 21, "b")]).kept


def test_regained_lease_makes_a_writer_current_again() -> None:
    """A pod that took the Lease back may overwrite."""
    lease = [*A_THEN_B, LeaseChange(30, "a")]
    assert judge(lease, [ObjectChange("o", 21, "b"), ObjectChange("o", 31, "a")]).kept


def test_objects_are_judged_apart() -> None:
    """A write to one object says nothing of another."""
    assert judge(A_THEN_B, [ObjectChange("one", 21, "b"), ObjectChange("two", 15, "a")]).kept


def test_denial_on_an_old_lease_breaks_g5() -> None:
    """A denial that rests on a Lease older than what was known when it was asked for is found."""
    assert judge(A_THEN_B, [], [Denial("b", known=20, seen=10)]).count("G5") == 1


def test_denial_of_the_holder_breaks_g5() -> None:
    """A denial of the very pod that the Lease named is found."""
    assert judge(A_THEN_B, [], [Denial("b", known=10, seen=25)]).count("G5") == 1


def test_rightful_denial_is_kept() -> None:
    """A denial of another pod on a fresh Lease breaks nothing."""
    assert judge(A_THEN_B, [], [Denial("a", known=20, seen=20)]).kept


def test_renewals_are_one_tenure() -> None:
    """A renewal is no takeover, and a tenure begins where the pod first appears."""
    tenures = Tenures([LeaseChange(1, "a"), LeaseChange(2, "a"), LeaseChange(3, ""), LeaseChange(4, "b")])
    assert tenures.takeovers == 1
    assert tenures.began("a", 3) == 1
    assert tenures.began("b", 3) is None


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_order_of_input_does_not_matter(holders: list[str], random: object) -> None:
    """The verdict depends on revisions, not on the order in which events were collected."""
    lease = [LeaseChange(10 * at, holder) for at, holder in enumerate(holders, 1)]
    objects = [ObjectChange("o", 10 * at + 5, "a") for at in range(1, len(holders) + 1)]
    shuffled = list(objects)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(lease, objects) == judge(lease[::-1], shuffled)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_writes_by_the_holder_of_the_moment_always_pass(holders: list[str]) -> None:
    """Whatever the takeovers, a history in which only the holder writes is kept."""
    lease = [LeaseChange(10 * at, holder) for at, holder in enumerate(holders, 1)]
    objects = [ObjectChange("o", 10 * at + 5, holder) for at, holder in enumerate(holders, 1)]
    assert judge(lease, objects).kept
