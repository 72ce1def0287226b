"""One line of a log: a record of ours, something else, or a record that cannot be read. Pure.

Logs come as they are: with the prefixes of ``kubectl logs --prefix --timestamps`` or of a container runtime, wrapped
as a JSON string by one, and among lines of other programs. A record is found by its schema, wherever it stands.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from leadergate.audit.reading.columns import BEGIN, END, READ_VERSIONS, SCHEMA_PREFIX

_MARK = SCHEMA_PREFIX.encode()
_HEAD = b'{"schema":"' + _MARK
_TORN = b"#torn"


_Value = str | int | float | bool | dict[str, Any] | list[Any]


class _Needed(msgspec.Struct):
    """What every record says (``columns.NEEDED``), as DuckDB takes it: a text may be of another type, but not null."""

    schema: str
    time: datetime
    verdict: _Value
    reason: _Value
    mode: _Value
    gate: _Value
    uid: _Value
    namespace: _Value
    name: _Value
    requester: _Value


class _Wrapped(msgspec.Struct):
    log: str


_needed = msgspec.json.Decoder(_Needed)
_wrapped = msgspec.json.Decoder(_Wrapped)


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record: its JSON alone, without what stood around it and without a line break."""

    json: bytes


@dataclass(frozen=True, slots=True)
class Foreign:
    """A line of another program, or a blank one."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A record of ours that cannot be read; ``why`` is for people."""

    why: str


Sifted = RecordLine | Foreign | Bad
FOREIGN = Foreign()


def sift(line: bytes) -> Sifted:
    """What one line is."""
    if _MARK not in line:
        return FOREIGN
    text = line.strip()
    if text.endswith(_TORN):
        return Bad("only a part of it could be written (#torn), and so its answer was withheld")
    if text.startswith(b'{"log":'):
        try:
            text = _wrapped.decode(text).log.strip().encode()
        except msgspec.MsgspecError as fault:
            return Bad(f"the wrapping of its log driver cannot be read: {fault}")
    start = text.find(_HEAD)
    if start < 0:
        start = text.find(b"{")
    if start < 0:
        return Bad("it names our schema, and is not JSON")
    return _record(text[start:])


def first_values(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys have the first of their values, as DuckDB takes them: a hook for ``json.loads``.

    The webhook writes no key twice; who forges a line may. All commands tell the same of it.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _record(candidate: bytes) -> Sifted:
    try:
        one = _judged(candidate, _needed.decode(candidate))
    except msgspec.ValidationError as fault:
        one = _misfit(candidate, str(fault))
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return Bad(f"it is cut off or damaged: {fault}")
    except RecursionError:
        return Bad("it is nested beyond all measure")
    return one if isinstance(one, RecordLine) else _by_first_values(candidate) or one


def _by_first_values(candidate: bytes) -> RecordLine | None:
    """The record, if it is one by the first values of keys that stand twice: the decoder takes the last."""
    try:
        content = json.loads(candidate, object_pairs_hook=first_values)
        one = _judged(candidate, msgspec.convert(content, _Needed))
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
    return one if isinstance(one, RecordLine) else None


def _judged(candidate: bytes, needed: _Needed) -> Sifted:
    if not needed.schema.startswith(SCHEMA_PREFIX):
        return FOREIGN
    version = needed.schema.removeprefix(SCHEMA_PREFIX)
    if version not in READ_VERSIONS:
        return Bad(_unread(version))
    if not BEGIN.year <= needed.time.year < END.year:
        return Bad(f"its time is {needed.time.isoformat()}, beyond all measure")
    return RecordLine(candidate)


def _misfit(candidate: bytes, why: str) -> Sifted:
    """JSON that is not shaped as a record: of a program that merely speaks of ours, of a version unread, or bad."""
    content: Any = msgspec.json.decode(candidate, strict=False)
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or not schema.startswith(SCHEMA_PREFIX):
        return FOREIGN
    version = schema.removeprefix(SCHEMA_PREFIX)
    return Bad(why if version in READ_VERSIONS else _unread(version))


def _unread(version: str) -> str:
    return (
        f"its schema is {SCHEMA_PREFIX}{version}, and this leadergate reads {', '.join(READ_VERSIONS)}:"
        " review it with a leadergate as new as the webhook"
    )
