"""A record in the OpenTelemetry log data model: time, severity, body and attributes. ``docs/otlp.md`` has the table."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

EVENT = "leadergate.verdict"
"""The event name. One for all verdicts: their attributes and body are of one structure."""

# The first two are fields of the data model itself, and the process that wrote the record is its resource.
_ELSEWHERE = frozenset({"time", "message", "webhookPod"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CAPITAL = re.compile(r"(?=[A-Z])")


class Severity(IntEnum):
    """Severity numbers, and as their names the texts (OpenTelemetry: logs data model, SeverityNumber)."""

    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17


class Entry(NamedTuple):
    """One log record. ``timestamp`` is in nanoseconds since the epoch."""

    timestamp: int
    severity: Severity
    body: str
    attributes: dict[str, Any]


def entry(record: Mapping[str, Any]) -> Entry:
    """The log record of a record as its line says it.

    The body is the message, for people; every other field is an attribute: ``leadergate.`` and the path of the field in
    snake case, so that a field that is added to records is never missed here. What is null is left out.
    """
    return Entry(_nanoseconds(record["time"]), severity(record), record["message"], dict(_flat("leadergate.", record)))


def severity(record: Mapping[str, Any]) -> Severity:
    """How grave the record is.

    ERROR is for what a person has to look at: nothing could be decided, or the write of a former holder went through,
    since its gate does not enforce.
    """
    if record["verdict"] == "Allow":
        return Severity.DEBUG
    if record["verdict"] == "Indeterminate":
        return Severity.ERROR
    if record["standing"] == "follower":
        return Severity.INFO
    stored = record["mode"] != "enforce" and not record["dryRun"]
    return Severity.ERROR if record["standing"] == "former-holder" and stored else Severity.WARN


def _flat(prefix: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if value is None or name in _ELSEWHERE:
            continue
        path = _path(prefix, name)
        if isinstance(value, Mapping):
            yield from _flat(f"{path}.", value)
        else:
            yield path, value


@functools.cache  # there are no more than records have fields, and this is done for each of each
def _path(prefix: str, name: str) -> str:
    return prefix + _CAPITAL.sub("_", name).lower()


def _nanoseconds(time: str) -> int:
    return (datetime.fromisoformat(time) - _EPOCH) // timedelta(microseconds=1) * 1000
