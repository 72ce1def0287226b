"""What is written to a Lease, and what is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from leadergate_election.lease import Lease, NoLease, acquired, created, microtime, released, renewed

THEN, NOW = "2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:07.000008Z"


def lease(**spec: Any) -> Lease:
    """A Lease held by ``a``, with much that an elector knows nothing of."""
    return Lease(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": "lock",
                "namespace": "team",
                "resourceVersion": "7",
                "uid": "u",
                "labels": {"team": "blue"},
                "annotations": {"note": "ours"},
            },
            "spec": {
                "holderIdentity": "a",
                "leaseDurationSeconds": 15,
                "acquireTime": THEN,
                "renewTime": THEN,
                "leaseTransitions": 4,
                "strategy": "OldestEmulationVersion",
                "preferredHolder": "b",
                "ofTheFuture": {"deep": [1]},
                **spec,
            },
        }
    )


def spec_of(body: bytes) -> dict[str, Any]:
    """The spec of what would be sent."""
    spec: dict[str, Any] = json.loads(body)["spec"]
    return spec


UNKNOWN = {"strategy": "OldestEmulationVersion", "preferredHolder": "b", "ofTheFuture": {"deep": [1]}}


def test_renewal_keeps_acquire_time_and_transitions() -> None:
    """Only the renew time and our own duration are new."""
    assert spec_of(renewed(lease(), 20, NOW)) == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 20,
        "acquireTime": THEN,
        "renewTime": NOW,
        "leaseTransitions": 4,
        **UNKNOWN,
    }


def test_acquisition_counts_a_transition() -> None:
    """The holder, both times and one more transition."""
    assert spec_of(acquired(lease(), "c", 20, NOW)) == {
        "holderIdentity": "c",
        "leaseDurationSeconds": 20,
        "acquireTime": NOW,
        "renewTime": NOW,
        "leaseTransitions": 5,
        **UNKNOWN,
    }


def test_acquisition_in_the_same_name_is_no_transition() -> None:
    """A process that takes over from one of its own name begins a term, but the holder does not change."""
    spec = spec_of(acquired(lease(), "a", 20, NOW))
    assert (spec["leaseTransitions"], spec["acquireTime"]) == (4, NOW)


def test_release_empties_the_holder() -> None:
    """As client-go does: no holder, one second, transitions kept."""
    assert spec_of(released(lease(), NOW)) == {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": NOW,
        "renewTime": NOW,
        "leaseTransitions": 4,
        **UNKNOWN,
    }


def test_creation_begins_at_no_transitions() -> None:
    """The first holder is no change of holder."""
    assert json.loads(created("team", "lock", "a", 15, NOW)) == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": "team", "name": "lock"},
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": NOW,
            "renewTime": NOW,
            "leaseTransitions": 0,
        },
    }


@pytest.mark.parametrize("body", [renewed(lease(), 1, NOW), acquired(lease(), "c", 1, NOW), released(lease(), NOW)])
def test_metadata_goes_back_as_it_came(body: bytes) -> None:
    """Labels and annotations survive, and the resourceVersion guards the write."""
    assert json.loads(body)["metadata"] == lease().metadata


def test_bare_lease_is_filled_in() -> None:
    """A Lease made by hand, without spec, has no holder, no duration and no transitions."""
    bare = Lease({"kind": "Lease", "metadata": {"resourceVersion": "1"}})
    assert (bare.holder, bare.duration, bare.transitions, bare.renew_time) == ("", None, 0, "")
    assert spec_of(acquired(bare, "c", 5, NOW))["leaseTransitions"] == 1
    held = Lease({"kind": "Lease", "metadata": {}, "spec": {"holderIdentity": "a"}})
    assert spec_of(renewed(held, 5, NOW))["acquireTime"] == NOW


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05.000006Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-8))), "2026-01-02T11:04:05.000000Z"),
    ],
)
def test_times_are_utc_with_microseconds(at: datetime, written: str) -> None:
    """Always six digits, always UTC, whatever the time zone."""
    assert microtime(at) == written


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"kind": "Status"}',
        b'{"kind": "Lease"}',
        b'{"kind": "Lease", "metadata": {}, "spec": 1}',
    ],
)
def test_what_is_no_lease_is_refused(body: bytes) -> None:
    """An answer by a proxy, or of another kind, is never taken for a Lease."""
    with pytest.raises(NoLease):
        Lease.parse(body)
