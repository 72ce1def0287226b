"""The columns of records, as queries name them. Pure.

DuckDB reads a record's JSON into the nested types of ``NESTED``; ``FLAT`` names each leaf once. Whatever version of the
schema a record has, it is read into these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

SCHEMA_PREFIX = "leadergate.dev/record/"
READ_VERSIONS = ("v1",)
"""Versions of the record's schema that are read, ``leadergate.dev/record/{version}``."""

NESTED: dict[str, Any] = {
    "schema": "VARCHAR",
    "time": "TIMESTAMPTZ",
    "verdict": "VARCHAR",
    "reason": "VARCHAR",
    "message": "VARCHAR",
    "mode": "VARCHAR",
    "gate": "VARCHAR",
    "uid": "VARCHAR",
    "dryRun": "BOOLEAN",
    "operation": "VARCHAR",
    "resource": {"group": "VARCHAR", "version": "VARCHAR", "resource": "VARCHAR", "subresource": "VARCHAR"},
    "namespace": "VARCHAR",
    "name": "VARCHAR",
    "requester": {
        "username": "VARCHAR",
        "namespace": "VARCHAR",
        "serviceAccount": "VARCHAR",
        "pod": "VARCHAR",
        "podUid": "VARCHAR",
        "node": "VARCHAR",
    },
    "standing": "VARCHAR",
    "heldUntil": "TIMESTAMPTZ",
    "lease": {
        "holder": "VARCHAR",
        "resourceVersion": "VARCHAR",
        "transitions": "BIGINT",
        "acquireTime": "TIMESTAMPTZ",
        "renewTime": "TIMESTAMPTZ",
        "durationSeconds": "BIGINT",
        "observedAge": "DOUBLE",
        "expired": "BOOLEAN",
    },
    "latencyMs": "DOUBLE",
    "webhookPod": "VARCHAR",
}
"""A record's fields and DuckDB's types for them, as they stand in its JSON (``docs/records.md``)."""

BEGIN, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Times that are told, from ``BEGIN`` on and before ``END``. Beyond, what is reckoned with them leaves Python's times
and DuckDB's: no such record is read, and no other such time of a record that is."""

NEEDED = ("time", "verdict", "reason", "mode", "gate", "uid", "namespace", "name", "requester")
"""What every record says. A line of our schema where one of these is missing or null is a bad line; where a text is
expected, a value of another type is read as the text of it."""


class Column(NamedTuple):
    """One leaf of a record: how queries name it, where it stands in the nested columns, and its type."""

    name: str
    path: str
    type: str


_NAMES = {
    ("resource", "group"): "api_group",
    ("resource", "version"): "api_version",
    ("resource", "resource"): "resource",
    ("resource", "subresource"): "subresource",
    ("requester", "username"): "username",
    ("requester", "namespace"): "requester_namespace",
    ("requester", "serviceAccount"): "account",
    ("requester", "pod"): "pod",
    ("requester", "podUid"): "pod_uid",
    ("requester", "node"): "node",
    ("lease", "holder"): "holder",
    ("lease", "resourceVersion"): "lease_resource_version",
    ("lease", "transitions"): "transitions",
    ("lease", "acquireTime"): "acquire_time",
    ("lease", "renewTime"): "renew_time",
    ("lease", "durationSeconds"): "duration_seconds",
    ("lease", "observedAge"): "observed_age",
    ("lease", "expired"): "expired",
    ("dryRun",): "dry_run",
    ("heldUntil",): "held_until",
    ("latencyMs",): "latency_ms",
    ("webhookPod",): "webhook_pod",
}


def _flat() -> tuple[Column, ...]:
    columns = []
    for field, kind in NESTED.items():
        if isinstance(kind, str):
            columns.append(Column(_NAMES.get((field,), field), f'"{field}"', kind))
        else:
            columns += [
                Column(_NAMES[field, leaf], f'"{field}"."{leaf}"', leaf_kind) for leaf, leaf_kind in kind.items()
            ]
    return tuple(columns)


FLAT = _flat()
"""Every leaf, in the order of the record. A null ``lease`` makes its leaves null; an empty ``holder`` is nobody."""

OBJECT = "CASE WHEN namespace = '' THEN name ELSE namespace || '/' || name END"
"""The object of a record as one text, over the flat columns."""

ROUTINE = "verdict = 'Deny' AND standing = 'follower' AND reason = 'NotHolder'"
"""What happens in the steady state: a replica that does not lead wrote, and somebody else led. All else matters.
Over the flat columns; null where the standing is (use ``coalesce``)."""

WHO = (
    "CASE WHEN pod IS NULL THEN 'user ' || username"
    " WHEN requester_namespace IS NULL THEN pod ELSE requester_namespace || '/' || pod END"
)
"""Who wrote, over the flat columns: the pod, or the user where the credentials prove none, told apart by a space."""

RESULT = (
    "CASE WHEN verdict = 'Allow' THEN 'allowed' WHEN coalesce(dry_run, false) THEN 'dry run'"
    " WHEN mode <> 'enforce' THEN 'let through' WHEN verdict = 'Deny' THEN 'denied' ELSE 'undecided' END"
)
"""What became of the write, in words, over the flat columns. Of a dry run nothing would have been stored anyway; in the
modes warn and audit the write went through; undecided: failurePolicy decided."""


def struct_type(kind: Any = NESTED) -> str:
    """DuckDB's type for a nested value."""
    if isinstance(kind, str):
        return kind
    return "STRUCT(" + ", ".join(f'"{field}" {struct_type(inner)}' for field, inner in kind.items()) + ")"


def reader_columns() -> str:
    """The ``columns`` argument of ``read_ndjson``."""
    return "{" + ", ".join(f"'{field}': '{struct_type(kind)}'" for field, kind in NESTED.items()) + "}"


def flattened() -> str:
    """The SELECT list from nested columns to flat ones, with ``ok``: whether this is a record that can be read."""
    known = ", ".join(f"'{SCHEMA_PREFIX}{version}'" for version in READ_VERSIONS)
    needed = [f'"{field}" IS NOT NULL' for field in NEEDED]
    ok = " AND ".join([f"coalesce(schema IN ({known}), false)", *needed, _measured("time")])
    leaves = ", ".join(
        f"CASE WHEN {_measured(column.path)} THEN {column.path} END AS {column.name}"
        if column.type == "TIMESTAMPTZ"
        else f"{column.path} AS {column.name}"
        for column in FLAT
    )
    return f"{ok} AS ok, {leaves}"


def _measured(time: str) -> str:
    """Whether a time is one that is told: to DuckDB it may be "infinity" as well."""
    return f"({time} >= TIMESTAMPTZ '{BEGIN.isoformat()}' AND {time} < TIMESTAMPTZ '{END.isoformat()}')"
