"""Which records are asked for: one value for every command and for the page's URL, and its SQL. Pure.

DuckDB is the only place where a filter is applied, so that there is one meaning of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leadergate.audit.reading.columns import OBJECT, ROUTINE
from leadergate.gates.refusals import Fault
from leadergate.model import Mode, Reason, Standing
from leadergate_certs.duration import parse_duration

VERDICTS = ("Deny", "Indeterminate", "Allow")
_CHOICES: dict[str, tuple[str, ...]] = {
    "reason": tuple(Reason),
    "verdict": VERDICTS,
    "mode": tuple(Mode),
    "standing": tuple(Standing),
}
_PATTERNS = {
    "gate": "gate",
    "pod": "pod",
    "account": "requester_namespace || '/' || account",
    "object": OBJECT,
    "resource": "resource || '.' || api_group",
    "uid": "uid",
    "webhook_pod": "webhook_pod",
}
_SIGN = re.compile(r"\\[*?\\]|.", re.DOTALL)
_IN_GLOB = {r"\*": "[*]", r"\?": "[?]", "\\": "\\\\", "[": "[[]"}
_DRY_RUN = {"": None, "true": True, "false": False}


class Where(NamedTuple):
    """A condition over the flat columns, with its parameters (``?``)."""

    sql: str
    parameters: list[Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are asked for. Several values of one field are alternatives; fields narrow each other.

    ``since`` is inclusive, ``until`` exclusive. Texts are patterns in which ``*`` and ``?`` stand for characters; after
    a backslash they are themselves, as is a backslash after another: ``gate``, ``pod`` (``name``, or, with a ``/``,
    ``namespace/name``), ``account`` (``namespace/name``), ``object`` (``namespace/name``, or the name of a
    cluster-scoped one; without a ``/`` it is also tried against the name alone), ``resource`` (``plural.group``),
    ``uid`` and ``webhook_pod``.
    ``routine`` is whether followers' rejections, of which each write makes one a replica, are asked for too.
    """

    since: datetime | None = None
    until: datetime | None = None
    gate: tuple[str, ...] = ()
    pod: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    object: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    uid: tuple[str, ...] = ()
    webhook_pod: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    mode: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    dry_run: bool | None = None
    routine: bool = False

    def where(self) -> Where:
        """The condition, always one that can stand after WHERE."""
        parts: list[str] = []
        parameters: list[Any] = []
        if self.since is not None:
            parts.append("time >= ?")
            parameters.append(self.since)
        if self.until is not None:
            parts.append("time < ?")
            parameters.append(self.until)
        for field, expression in _PATTERNS.items():
            self._patterns(field, expression, parts, parameters)
        for field in _CHOICES:
            if values := getattr(self, field):
                parts.append(f"{field} IN ({', '.join('?' * len(values))})")
                parameters += values
        if self.dry_run is not None:
            parts.append("coalesce(dry_run, false) = ?")
            parameters.append(self.dry_run)
        if not self.shows_routine:
            parts.append(f"NOT coalesce({ROUTINE}, false)")
        return Where(" AND ".join(f"({part})" for part in parts) or "true", parameters)

    @property
    def shows_routine(self) -> bool:
        """Whether routine rejections are among them: when asked for, or when their standing or one review is."""
        return self.routine or Standing.FOLLOWER in self.standing or bool(self.uid)

    def _patterns(self, field: str, expression: str, parts: list[str], parameters: list[Any]) -> None:
        alternatives = []
        for pattern in getattr(self, field):
            for one in _tried(field, pattern, expression):
                alternatives.append(f"coalesce({one} GLOB ?, false)")
                parameters.append(_glob(pattern))
        if alternatives:
            parts.append(" OR ".join(alternatives))


def parse(
    asked: Mapping[str, Iterable[str]], now: datetime, *, name: Callable[[str], str]
) -> tuple[Filter, list[Fault]]:
    """A filter from texts by field, as flags or a query string give them; what is no value becomes a fault.

    ``name`` says how a field is written where it was asked for. A field of :class:`Filter` that is missing was not
    asked for; what is no field is not looked at. ``since`` and ``until`` are RFC 3339 times, dates, or how long ago.
    """
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for field in (*_PATTERNS, *_CHOICES):
        given = tuple(text for text in asked.get(field, ()) if text)
        values[field] = given
        choices = _CHOICES.get(field)
        if choices is not None:
            remedy = f"expected one of {', '.join(choices)}"
            faults += [Fault(name(field), text, " is none", remedy) for text in given if text not in choices]
    for field in ("since", "until"):
        values[field] = None
        for text in asked.get(field, ()):
            if text:
                values[field] = _moment(text, now, name(field), faults)
    for field, words in (("dry_run", _DRY_RUN), ("routine", {"": False, "true": True, "false": False})):
        for text in asked.get(field, ()):
            if text not in words:
                faults.append(Fault(name(field), text, " is neither", "expected true or false"))
            values[field] = words.get(text)
    since, until = values["since"], values["until"]
    if since is not None and until is not None and since >= until:
        why = f" is not before {name('until')} {until.isoformat()}"
        faults.append(Fault(name("since"), since.isoformat(), why, "give an earlier one"))
    return Filter(**values) if not faults else Filter(), faults


def _moment(text: str, now: datetime, field: str, faults: list[Fault]) -> datetime | None:
    try:
        return now - parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        why = " is no time"
        faults.append(
            Fault(field, text, why, "expected one like 2026-03-01T02:30:00Z, 2026-03-01, or 90m (that long ago)")
        )
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def exactly(text: str) -> str:
    """The pattern that this text alone matches."""
    return re.sub(r"[*?\\]", r"\\\g<0>", text)


def _tried(field: str, pattern: str, expression: str) -> tuple[str, ...]:
    """What a pattern is tried against; a slash in one says that it has a namespace."""
    if field == "pod" and "/" in pattern:
        return (f"requester_namespace || '/' || {expression}",)
    if field == "object" and "/" not in pattern:
        return expression, "name"
    return (expression,)


def _glob(pattern: str) -> str:
    """As DuckDB's GLOB has it, where a bracket is special as well, and a backslash everywhere."""
    return _SIGN.sub(lambda sign: _IN_GLOB.get(sign[0], sign[0]), pattern)
