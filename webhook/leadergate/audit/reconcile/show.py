"""What was held against each other, on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import typer

from leadergate.audit.reconcile.findings import FAULTS, LISTED, TOLD, Finding, Stretch
from leadergate.audit.telling.plain_text import printable, printable_json
from leadergate.audit.telling.table import left_out, table
from leadergate.audit.telling.words import wrapped
from leadergate.survey.command import colour, columns

_HEADS = ("TIME", "GATE", "POD", "OBJECT", "UID", "WHERE", "WHAT")
_SHRINK = ("GATE", "POD", "OBJECT", "WHERE", "WHAT")
_SPARE = ("WHERE", "GATE", "OBJECT", "POD")
"""What is left out, in this order, where a terminal is too narrow for it beside the uid."""
_INDENT = "  "

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sides:
    """What was read: the audit log's events, each file's stretch of time, and the records. Times in microseconds."""

    events: int
    files: tuple[tuple[str, Stretch], ...]
    records: int
    recorded: Stretch | None
    webhooks: tuple[str, ...]


def agree(counts: Mapping[Finding, int]) -> bool:
    """Whether nothing stands in one only, differs or failed open."""
    return not any(counts[kind] for kind in FAULTS)


def show_table(sides: Sides, counts: Mapping[Finding, int], rows: Mapping[Finding, Iterable[Row]]) -> None:
    """Counts with what they mean, and then the findings; ``rows`` may hold fewer of them than there are."""
    _sides(sides)
    typer.echo()
    wide = max(len(f"{count:,}") for count in counts.values())
    width = columns(otherwise=0) or None
    for kind in Finding:
        if counts[kind] or kind is Finding.BOTH:
            fault = kind in FAULTS
            for line in wrapped(f"{counts[kind]:>{wide},}  {kind.value}: {TOLD[kind].means}", width, indent=wide + 2):
                typer.secho(line, fg="red" if fault else None, bold=fault or None, color=colour())
            if TOLD[kind].todo:
                for line in wrapped(f"{' ' * wide}  -> {TOLD[kind].todo}", width, indent=wide + 5):
                    typer.echo(line)
    for kind in LISTED:
        if counts[kind]:
            _list(kind, counts[kind], list(rows[kind]), width)
    typer.echo()
    typer.echo(_verdict(counts))


def show_json(
    sides: Sides, counts: Mapping[Finding, int], rows: Mapping[Finding, Iterable[Row]], *, lines: bool
) -> None:
    """All findings but what stands in both, and a summary: one object, or with ``lines`` an object a line."""
    summary = {
        "agree": agree(counts),
        "counts": {_slug(kind): counts[kind] for kind in Finding},
        "auditLog": {
            "events": sides.events,
            "files": [{"file": file, **_stretch(stretch)} for file, stretch in sides.files],
        },
        "records": {"count": sides.records, **_stretch(sides.recorded)},
        "webhooks": list(sides.webhooks),
    }
    each = (_object(one) for kind in Finding for one in rows.get(kind, ()))
    if lines:
        for one in each:
            _echo(one)
        _echo({"summary": summary})
        return
    typer.echo(f'{{"summary":{_text(summary)},"findings":[', nl=False)
    before = "\n"
    for one in each:
        typer.echo(f"{before}{_text(one)}", nl=False)
        before = ",\n"
    typer.echo("\n]}")


def moment(micros: int) -> str:
    """A time as RFC 3339, UTC, to the millisecond."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%f")[
        :-3
    ] + "Z"


def _sides(sides: Sides) -> None:
    for file, stretch in sides.files:
        typer.echo(f"audit log  {moment(stretch.first)} to {moment(stretch.last)}  {printable(file)}")
    typer.echo(f"           {sides.events:,} events")
    span = f"{moment(sides.recorded.first)} to {moment(sides.recorded.last)}" if sides.recorded else "none"
    typer.echo(f"records    {span}" + (f"  {sides.records:,} records" if sides.recorded else ""))
    typer.echo(f"webhooks   {', '.join(map(printable, sides.webhooks)) or 'none is named by annotations of ours'}")


def _list(kind: Finding, count: int, rows: list[Row], width: int | None) -> None:
    typer.echo()
    typer.secho(f"{kind.value} ({count:,})", bold=True, color=colour())
    cells = [_cells(one) for one in rows]
    made = table(_HEADS, cells, fit=width and width - len(_INDENT), shrink=_SHRINK, spare=_SPARE)
    for line in (_HEADS, *cells):
        typer.echo(_INDENT + made.line(line))
    if told := left_out(made, width):
        typer.echo(f"{_INDENT}{told}: -o jsonl has all")
    if count > len(rows):
        typer.echo(f"{_INDENT}and {count - len(rows):,} more: --limit all shows them")


def _cells(one: Row) -> tuple[str, ...]:
    verdict = " ".join(one[key] for key in ("mode", "verdict", "reason") if one[key])
    what = "; ".join(part for part in (one["what"], verdict) if part)
    return (
        moment(one["time"]),
        printable(one["gate"] or one["webhook"] or "-"),
        printable(one["pod"] or one["username"] or "-"),
        printable(one["object"] or "-"),
        printable(one["uid"] or "-"),
        printable(one["source"] or "-"),
        printable(what or "-"),
    )


def _verdict(counts: Mapping[Finding, int]) -> str:
    if not agree(counts):
        faults = ", ".join(f"{counts[kind]:,} {kind.value}" for kind in FAULTS if counts[kind])
        return f"They do not agree: {faults}."
    unjudged = sum(counts[kind] for kind in (Finding.NOT_YET, Finding.OUTSIDE_LOG, Finding.OUTSIDE_RECORDS))
    return "They agree" + (f", as far as both cover: {unjudged:,} could not be judged." if unjudged else ".")


def _object(one: Row) -> dict[str, Any]:
    return {**one, "kind": _slug(Finding(one["kind"])), "time": moment(one["time"])}


def _slug(kind: Finding) -> str:
    return kind.value.replace(" ", "-")


def _stretch(stretch: Stretch | None) -> dict[str, str | None]:
    return {
        "first": moment(stretch.first) if stretch else None,
        "last": moment(stretch.last) if stretch else None,
    }


def _echo(value: Any) -> None:
    typer.echo(_text(value))


def _text(value: Any) -> str:
    return printable_json(msgspec.json.encode(value).decode())
