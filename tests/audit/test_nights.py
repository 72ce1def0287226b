"""The laboratory's nights are what a webhook would have written, and the same each time."""

import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from leadergate.model import Reason, Standing
from leadergate.records import Record, line
from leadergate_lab.night_script import LENGTH
from leadergate_lab.nights import START, night


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """One night of three gates."""
    decoder = msgspec.json.Decoder(Record)
    return [decoder.decode(one) for one in night(6000, gates=4)]


def test_a_night_has_as_many_records_as_asked() -> None:
    """The number is exact, for few and for many."""
    assert [len(list(night(count))) for count in (0, 1, 7, 500)] == [0, 1, 7, 500]


def test_a_night_is_the_same_for_the_same_seed() -> None:
    """Whoever gives the seed again gets the night again, and another seed gives another."""
    assert list(night(300, seed=5)) == list(night(300, seed=5))
    assert list(night(300, seed=5)) != list(night(300, seed=6))


def test_times_increase_within_the_night(records: list[Record]) -> None:
    """Each record is later than the one before it."""
    assert all(one.time < next_.time for one, next_ in itertools.pairwise(records))
    assert records[0].time >= START
    assert records[-1].time < START + timedelta(seconds=LENGTH)


def test_another_start_moves_the_night() -> None:
    """All times move along, those within the record too."""
    moved = START + timedelta(days=40)
    ours, theirs = (msgspec.json.decode(next(iter(night(9, start=start)))) for start in (START, moved))
    for field in ("renewTime", "acquireTime"):
        apart = datetime.fromisoformat(theirs["lease"][field]) - datetime.fromisoformat(ours["lease"][field])
        assert apart == timedelta(days=40)


def test_every_reason_and_standing_of_a_rejection_occurs(records: list[Record]) -> None:
    """A night has all the troubles that the review is to tell apart."""
    reasons = {record.reason for record in records}
    assert reasons == set(Reason) - {Reason.HOLDER, Reason.NOT_STATUS}
    assert {record.standing for record in records} == {*Standing, None}
    assert {record.mode for record in records} == {"enforce", "warn", "audit"}
    assert {record.dry_run for record in records} == {True, False}
    assert len({record.webhook_pod for record in records}) == 2


def test_routine_prevails(records: list[Record]) -> None:
    """Followers that are rejected make up most of it."""
    routine = Counter(record.standing == "follower" and record.reason == "NotHolder" for record in records)
    assert routine[True] > 0.75 * len(records)


def test_records_are_as_the_webhook_encodes_them() -> None:
    """Decoded and encoded anew, a record says the same."""
    for one in night(400, gates=4):
        assert json.loads(line(msgspec.json.decode(one, type=Record))) == json.loads(one)


def test_an_expired_lease_is_as_old_as_it_says(records: list[Record]) -> None:
    """What is expired has outlived its duration, and nothing else has."""
    seen = [record.lease for record in records if record.lease is not None and record.lease.holder]
    assert any(lease.expired for lease in seen)
    assert all(lease.expired == (lease.observed_age > (lease.duration_seconds or 0)) for lease in seen)


def test_the_holder_is_never_rejected(records: list[Record]) -> None:
    """Whoever holds a Lease that has not expired is let through, and so is in no record."""
    for record in records:
        if record.lease is not None and not record.lease.expired and record.standing != "stranger":
            assert record.lease.holder.partition("_")[0] not in (record.requester.pod, record.requester.node)


def test_revisions_and_transitions_move_on(records: list[Record]) -> None:
    """The Lease's revision never goes back, and its acquireTime is no later than its renewal."""
    newest: dict[str, int] = {}
    for record in records:
        if record.lease is not None:
            assert int(record.lease.resource_version) >= newest.get(record.gate, 0)
            newest[record.gate] = int(record.lease.resource_version)
    for record in records:
        if record.lease is not None and record.lease.holder:
            assert record.lease.acquire_time <= record.lease.renew_time


@pytest.mark.parametrize(("gates", "pods"), [(0, 3), (1, 1)])
def test_a_night_without_anybody_to_reject_is_refused(gates: int, pods: int) -> None:
    """It says what it needs."""
    with pytest.raises(ValueError, match="at least 1 gate and 2 pods"):
        next(iter(night(10, gates=gates, pods=pods)))


def test_two_pods_are_enough() -> None:
    """The script has three parts, and two can play it."""
    assert {json.loads(one)["verdict"] for one in night(2000, pods=2)} == {"Deny", "Indeterminate"}


def test_the_start_is_in_utc() -> None:
    """Times of records are UTC."""
    assert START.tzinfo is UTC
