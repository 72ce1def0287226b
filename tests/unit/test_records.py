"""The record's schema, to the letter: users' own tools read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from leadergate.records import SCHEMA, LeaseField, Record, RequesterField, ResourceField, line

WALL = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)
RECORD = Record(
    schema=SCHEMA,
    time=WALL,
    verdict="Deny",
    reason="NotHolder",
    message="pod shop/operator-2 may not write status",
    mode="enforce",
    gate="shop/operator",
    uid="review-1",
    dry_run=False,
    operation="UPDATE",
    resource=ResourceField("g", "v1", "things", "status"),
    namespace="shop",
    name="thing",
    requester=RequesterField("system:serviceaccount:shop:operator", "shop", "operator", "operator-2", "pod-uid", None),
    standing="former-holder",
    held_until=WALL,
    lease=LeaseField("operator-1", "7", 3, WALL, WALL, 15, 1.25, False),
    latency_ms=2.5,
    webhook_pod="leadergate-0",
)


def test_the_schema() -> None:
    """Every field by its name and form; one that is renamed or dropped needs another version of the schema."""
    assert line(RECORD).endswith(b"}\n")
    assert json.loads(line(RECORD)) == {
        "schema": "leadergate.dev/record/v1",
        "time": "2026-03-01T12:00:00.250000Z",
        "verdict": "Deny",
        "reason": "NotHolder",
        "message": "pod shop/operator-2 may not write status",
        "mode": "enforce",
        "gate": "shop/operator",
        "uid": "review-1",
        "dryRun": False,
        "operation": "UPDATE",
        "resource": {"group": "g", "version": "v1", "resource": "things", "subresource": "status"},
        "namespace": "shop",
        "name": "thing",
        "requester": {
            "username": "system:serviceaccount:shop:operator",
            "namespace": "shop",
            "serviceAccount": "operator",
            "pod": "operator-2",
            "podUid": "pod-uid",
            "node": None,
        },
        "standing": "former-holder",
        "heldUntil": "2026-03-01T12:00:00.250000Z",
        "lease": {
            "holder": "operator-1",
            "resourceVersion": "7",
            "transitions": 3,
            "acquireTime": "2026-03-01T12:00:00.250000Z",
            "renewTime": "2026-03-01T12:00:00.250000Z",
            "durationSeconds": 15,
            "observedAge": 1.25,
            "expired": False,
        },
        "latencyMs": 2.5,
        "webhookPod": "leadergate-0",
    }


@pytest.mark.parametrize("field", ["standing", "held_until", "lease"])
def test_what_is_not_known_is_null(field: str) -> None:
    """No field is ever left out, so that a table has all its columns."""
    record = msgspec.structs.replace(RECORD, **{field: None})
    full, partial = json.loads(line(RECORD)), json.loads(line(record))
    assert full.keys() == partial.keys()
    assert [name for name in full if partial[name] != full[name]] == [{"held_until": "heldUntil"}.get(field, field)]
