"""Records as the webhook writes them, for tests to vary."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from leadergate.records import SCHEMA, LeaseField, Record, RequesterField, ResourceField, line

START = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


def made(at: float = 0.0, **fields: Any) -> Record:
    """A routine rejection ``at`` seconds after ``START``; fields of the requester and the Lease by ``pod`` and such."""
    requester = {
        "username": "system:serviceaccount:shop:operator",
        "namespace": "shop",
        "service_account": "operator",
        "pod": "operator-1",
        "pod_uid": "u-1",
        "node": "node-1",
    }
    lease: dict[str, Any] = {
        "holder": "operator-0",
        "resource_version": "1000",
        "transitions": 3,
        "acquire_time": START - timedelta(hours=1),
        "renew_time": START,
        "duration_seconds": 15,
        "observed_age": 1.5,
        "expired": False,
    }
    for part, prefix in ((requester, "requester_"), (lease, "lease_")):
        for name in part:
            if prefix + name in fields:
                part[name] = fields.pop(prefix + name)
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "time": START + timedelta(seconds=at),
        "verdict": "Deny",
        "reason": "NotHolder",
        "message": "not the holder",
        "mode": "enforce",
        "gate": "shop/operator",
        "uid": f"uid-{at:g}",
        "dry_run": False,
        "operation": "UPDATE",
        "resource": ResourceField("demo.leadergate.dev", "v1", "redirects", "status"),
        "namespace": "shop",
        "name": "redirect-1",
        "requester": RequesterField(**requester),
        "standing": "follower",
        "held_until": None,
        "lease": LeaseField(**lease),
        "latency_ms": 2.5,
        "webhook_pod": "leadergate-0",
    }
    unknown = fields.keys() - values.keys()
    assert not unknown, unknown
    return Record(**(values | fields))


def late(at: float = 0.0, **fields: Any) -> Record:
    """A rejection of a pod that had led before."""
    return made(at, **({"standing": "former-holder", "held_until": START} | fields))


def written(*records: Record) -> bytes:
    """The records as lines."""
    return b"".join(line(record) for record in records)


def without(record: Record, *names: str) -> bytes:
    """The line of a record that lacks some fields, as an older webhook wrote it."""
    content = json.loads(line(record))
    for name in names:
        del content[name]
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"
