"""What was found, for people and for programs."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from leadergate.doctor.finding import INSTALLATION, Finding, Level
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot

SCHEMA = "leadergate.dev/doctor/v1"
LEAST = 24
"""Columns that are left to what is said, however narrow the terminal is."""

COLOURS = {Level.RIGHT: "green", Level.NOTE: "yellow", Level.WRONG: "red", Level.UNKNOWN: "cyan"}
_WORDS = {level: str(level) for level in Level} | {Level.WRONG: "WRONG"}
_ORDER = (Level.WRONG, Level.UNKNOWN, Level.NOTE, Level.RIGHT)


class Line(NamedTuple):
    """A line to print: ``text`` follows a coloured ``word``, which may be empty; a heading is bold."""

    word: str
    text: str
    colour: str | None = None
    heading: bool = False


def lines(findings: Sequence[Finding], width: int) -> list[Line]:
    """The table, its groups in the order of the findings. Remedies are never broken, so that they can be copied."""
    printed: list[Line] = []
    check = max((len(one.check) for one in findings), default=0)
    indent = " " * (2 + len("unknown") + 2)
    for about in dict.fromkeys(one.about for one in findings):
        if printed:
            printed.append(Line("", ""))
        printed.append(Line("", _title(about), heading=True))
        for one in findings:
            if one.about == about:
                printed += _finding(one, check, indent, width)
    return printed


def summary(findings: Iterable[Finding]) -> str:
    """How many of each level, the gravest first: ``2 wrong, 1 note, 14 right``."""
    count = Counter(one.level for one in findings)
    said = [f"{count[level]} {level}{'s' if level is Level.NOTE and count[level] > 1 else ''}" for level in _ORDER]
    kept = [text for level, text in zip(_ORDER, said, strict=True) if count[level] or level is Level.WRONG]
    return ", ".join(kept)


def as_json(findings: Sequence[Finding], snapshot: Snapshot, *, failed: bool) -> dict[str, Any]:
    """The same as plain values; docs/doctor.md has the schema."""
    count = Counter(one.level for one in findings)
    return {
        "schema": SCHEMA,
        "time": f"{snapshot.now:%Y-%m-%dT%H:%M:%SZ}",
        "version": snapshot.version,
        "apiServer": None if isinstance(snapshot.api_version, Unknown) else snapshot.api_version.value,
        "service": f"{snapshot.service.namespace}/{snapshot.service.name}",
        "account": str(snapshot.account),
        "secret": snapshot.secret,
        "failed": failed,
        "count": {str(level): count[level] for level in _ORDER},
        "findings": [
            {
                "level": str(one.level),
                "check": one.check,
                "gate": None if one.about == INSTALLATION else one.about,
                "says": one.says,
                "remedy": one.remedy or None,
            }
            for one in findings
        ],
    }


def _title(about: str) -> str:
    return "INSTALLATION" if about == INSTALLATION else f"GATE {about}"


def _finding(one: Finding, check: int, indent: str, width: int) -> list[Line]:
    hang = indent + " " * (check + 2)
    said = textwrap.wrap(one.says, max(width - len(hang), LEAST), break_long_words=False, break_on_hyphens=False)
    head = f"  {_WORDS[one.level]:<{len(indent) - 2}}"
    printed = [Line(head, f"{one.check:<{check}}  {said[0]}", COLOURS[one.level])]
    printed += [Line("", hang + more) for more in said[1:]]
    if one.remedy:
        printed.append(Line("", f"{indent}  {one.remedy}"))
    return printed
