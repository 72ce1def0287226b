"""A record as an OpenTelemetry log record."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadergate.otlp.entry import Entry, Severity, entry

from .made import read

PAGE = Path(__file__).parents[2] / "docs" / "otlp.md"


def test_the_mapping() -> None:
    """To the letter: queries and dashboards of users rest on these names and types."""
    assert entry(read()) == Entry(
        timestamp=1772366400250000000,
        severity=Severity.WARN,
        body="pod shop/operator-2 may not write status",
        attributes={
            "leadergate.schema": "leadergate.dev/record/v1",
            "leadergate.verdict": "Deny",
            "leadergate.reason": "NotHolder",
            "leadergate.mode": "enforce",
            "leadergate.gate": "shop/operator",
            "leadergate.uid": "review-1",
            "leadergate.dry_run": False,
            "leadergate.operation": "UPDATE",
            "leadergate.resource.group": "g",
            "leadergate.resource.version": "v1",
            "leadergate.resource.resource": "things",
            "leadergate.resource.subresource": "status",
            "leadergate.namespace": "shop",
            "leadergate.name": "thing",
            "leadergate.requester.username": "system:serviceaccount:shop:operator",
            "leadergate.requester.namespace": "shop",
            "leadergate.requester.service_account": "operator",
            "leadergate.requester.pod": "operator-2",
            "leadergate.requester.pod_uid": "pod-uid",
            "leadergate.standing": "former-holder",
            "leadergate.held_until": "2026-03-01T12:00:00.250000Z",
            "leadergate.lease.holder": "operator-1",
            "leadergate.lease.resource_version": "7",
            "leadergate.lease.transitions": 3,
            "leadergate.lease.acquire_time": "2026-03-01T12:00:00.250000Z",
            "leadergate.lease.renew_time": "2026-03-01T12:00:00.250000Z",
            "leadergate.lease.duration_seconds": 15,
            "leadergate.lease.observed_age": 1.25,
            "leadergate.lease.expired": False,
            "leadergate.latency_ms": 2.5,
        },
    )


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"standing": "follower"}, Severity.INFO),
        ({"standing": "follower", "mode": "audit"}, Severity.INFO),
        ({"standing": "stranger"}, Severity.WARN),
        ({"standing": "stranger", "mode": "audit"}, Severity.WARN),
        ({"standing": "former-holder"}, Severity.WARN),
        ({"standing": "former-holder", "mode": "warn"}, Severity.ERROR),
        ({"standing": "former-holder", "mode": "audit"}, Severity.ERROR),
        ({"standing": "former-holder", "mode": "audit", "dry_run": True}, Severity.WARN),
        ({"standing": None, "verdict": "Indeterminate"}, Severity.ERROR),
        ({"standing": None, "verdict": "Allow"}, Severity.DEBUG),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_severity(fields: dict[str, Any], found: Severity) -> None:
    """Routine is INFO; ERROR where nothing could be decided, or a former holder's write went through."""
    assert entry(read(**fields)).severity is found


def test_what_is_null_is_left_out() -> None:
    """A Lease that could not be read has no attribute, and neither has what the token does not tell."""
    names = entry(read(lease=None, held_until=None, standing=None, verdict="Indeterminate")).attributes.keys()
    assert not [name for name in names if name.startswith("leadergate.lease")]
    assert {"leadergate.held_until", "leadergate.standing", "leadergate.requester.node"}.isdisjoint(names)


def test_a_cluster_scoped_object_has_an_empty_namespace() -> None:
    """As in the record: it is known, and it is none."""
    assert entry(read(namespace="")).attributes["leadergate.namespace"] == ""


def test_the_time_is_exact() -> None:
    """A microsecond is one: a float of nanoseconds would have lost it."""
    moment = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)
    assert entry(read(time=moment)).timestamp % 10**9 == 123457000


def test_a_field_that_is_added_to_records_becomes_an_attribute() -> None:
    """Fields may be added under one schema, and none of them may be lost on the way."""
    assert entry(read() | {"newField": {"deepPart": 1}}).attributes["leadergate.new_field.deep_part"] == 1


def test_the_page_lists_every_attribute() -> None:
    """And no other."""
    told = set(re.findall(r"^\| `(leadergate\.[a-z_.]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert told == entry(read()).attributes.keys() | {"leadergate.requester.node"}
