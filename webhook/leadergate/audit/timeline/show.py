"""The timeline on standard output."""

from __future__ import annotations

import sys
from typing import Any

import typer

from leadergate.audit.options import Asked
from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.gather import gathered
from leadergate.audit.telling.forms import Telling
from leadergate.audit.telling.plain_text import printable_json
from leadergate.audit.telling.words import counted, stamp
from leadergate.audit.timeline.document import document
from leadergate.audit.timeline.query import Drawn, drawn
from leadergate.audit.timeline.text import ASCII, GUTTER, UNICODE, Signs, lines
from leadergate.survey.command import colour, columns

STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "underline": True},
    "strong": {"bold": True},
    "dim": {"dim": True},
    "gap": {"fg": "yellow"},
    "former-holder": {"fg": "red", "bold": True},
    "stranger": {"fg": "magenta"},
    "cannot-tell": {"fg": "yellow"},
    "no-holder": {"fg": "yellow"},
    "other": {"fg": "cyan"},
    "routine": {"dim": True},
    "holder-0": {"fg": "green", "bold": True},
    "holder-1": {"fg": "blue", "bold": True},
    "holder-2": {"fg": "cyan", "bold": True},
    "holder-3": {"fg": "bright_green", "bold": True},
    "holder-4": {"fg": "bright_blue", "bold": True},
    "holder-5": {"fg": "bright_cyan", "bold": True},
}


def drawing(asked: Asked, width: int | None, output: Telling, *, least: int, widest: int, buckets: bool) -> None:
    """Draw it in ``width`` columns, or as wide as the terminal within ``least`` and ``widest``."""
    wide = width or min(max(columns(), least), widest)
    with gathered(asked.files, bad=asked.bad, strict=asked.strict, origin=asked.origin) as sources:
        found = sources.ask(lambda relation: drawn(sources.engine, relation, asked.flt, wide - GUTTER))
        if output is Telling.JSON:
            for line in document(found).splitlines():
                typer.echo(printable_json(line))
        elif found.timeline is None:
            for line in nothing(found, asked.flt):
                typer.echo(line)
        else:
            for pieces in lines(found.timeline, wide, _signs(), buckets=buckets):
                typer.echo("".join(_styled(text, style) for text, style in pieces), color=colour())


def nothing(found: Drawn, flt: Filter) -> list[str]:
    """What is told where there is nothing to draw."""
    sources = found.sources
    if sources.first is None or sources.last is None:
        return ["nothing to draw: the sources hold no record"]
    told = ["nothing to draw: no record is in the time and of the gates that were asked for"]
    told.append(
        f"the sources hold {counted(sources.records, 'record')}, {stamp(sources.first)} to {stamp(sources.last)}"
    )
    if flt.gate:
        told.append("leadergate audit summary shows which gates there are")
    return told


def _styled(text: str, style: str) -> str:
    kind = STYLES.get(style)
    return typer.style(text, **kind) if kind and text else text


def _signs() -> Signs:
    """What the reader of our output can show."""
    try:
        UNICODE.all.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE
