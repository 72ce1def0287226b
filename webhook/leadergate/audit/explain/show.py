"""The explanation of a review on standard output, with what happened around it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec
import typer

from leadergate.audit.explain.explanation import Explanation, explanation
from leadergate.audit.explain.query import AROUND, FAR, Around, Found, Undecoded, look
from leadergate.audit.explain.record import moment, record_told
from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.options import Asked
from leadergate.audit.reading.gather import gathered
from leadergate.audit.telling.forms import Telling
from leadergate.audit.telling.plain_text import printable, printable_json
from leadergate.audit.telling.words import counted, length, stamp
from leadergate.gates.inputs import refuse
from leadergate.survey.command import colour, columns

_MOST = 100
"""Columns that sentences take at most: longer lines are hard to read."""
_SUGGESTED = 5
Records = tuple[dict[str, Any], ...]


def explained(asked: Asked, uid: str, output: Telling) -> None:
    """Explain the last record of the review that is meant. Ends the command with 2 where it is none, or several."""
    with gathered(asked.files, bad=asked.bad, strict=asked.strict, origin=asked.origin) as sources:
        try:
            found = sources.ask(lambda relation: look(sources.engine, relation, sources.holding, asked.flt, uid))
        except Undecoded as fault:
            why = (
                f"it was found, and cannot be decoded: {printable(str(fault))}; leadergate audit list -o jsonl shows it"
            )
            refuse("nothing is explained", [f"UID {uid!r}: {why}"])
        if not found.records:
            first, *hints = _missing(found, uid)
            typer.echo(f"error: {first}", err=True)
            for hint in hints:
                typer.echo(f"  - {hint}", err=True)
            raise typer.Exit(2)
    records, near = found.records, found.near or Around(0, 0, None, None)
    last = records[-1]
    told = explanation(last)
    if output is Telling.JSON:
        typer.echo(_document(records, told, near))
        return
    wide = min(columns(), _MOST)
    for number, (head, lines) in enumerate(_parts(records, told, near)):
        if number:
            typer.echo()
        typer.secho(head, bold=True, color=colour())
        for line in lines:
            if line.startswith("$ "):
                # A command stays on one line, to be copied.
                typer.secho(f"  {printable(line)}", fg="green", color=colour())
            else:
                for row in textwrap.wrap(printable(line), wide - 4, break_on_hyphens=False, break_long_words=False):
                    typer.echo(f"  {row}")


def _parts(records: Records, told: Explanation, near: Around) -> Iterator[tuple[str, list[str]]]:
    last = record_told(records[-1])
    standing = f", {last.standing}" if last.standing else ""
    yield f"Review {printable(last.uid)}: {printable(f'{last.verdict}, {last.reason}{standing}')}", list(told.said)
    if len(records) > 1:
        head = f"Asked {len(records)} times under this uid; the last is explained above"
        yield head, [_brief(record) for record in records]
    yield "Around it", list(_near(near, last.gate))
    yield "What to do", list(told.todo)


def _brief(record: dict[str, Any]) -> str:
    told = record_told(record)
    holder = told.lease.holder or "nobody" if told.lease is not None else "unknown"
    return f"{moment(told.time)}  {told.verdict}, {told.reason}; holder {holder}; judged by {told.webhook_pod}"


def _near(near: Around, gate: str) -> Iterator[str]:
    yield (
        f"The same requester was rejected {counted(near.before, 'time')} in the {length(AROUND)} before, and"
        f" {counted(near.after, 'time')} in the {length(AROUND)} after."
    )
    for change, word in ((near.taken, "before"), (near.next, "after")):
        if change is not None:
            yield f"The takeover next {word} it: {_change(change)}."
    if near.taken is None and near.next is None:
        yield f"The records show no takeover of Lease {gate} within {length(FAR)}."


def _change(change: Takeover) -> str:
    of, to = (name.partition("_")[0] for name in (change.of, change.to))
    return f"{stamp(change.at)}, from {of} to {to} ({change.why})"


def _missing(found: Found, uid: str) -> list[str]:
    """What was searched, and the nearest causes."""
    if found.uids:
        shown = ", ".join(printable(other) for other in found.uids[:_SUGGESTED])
        more = f" and {len(found.uids) - _SUGGESTED:,} more" if len(found.uids) > _SUGGESTED else ""
        return [f"UID {uid!r} is the beginning of several: {shown}{more}; give more of it"]
    if found.first is None or found.last is None:
        return [f"UID {uid!r} is in none of the sources: there is no record in them at all"]
    span = f"{stamp(found.first)} to {stamp(found.last)}"
    return [
        f"UID {uid!r} is in none of {counted(found.searched, 'record')} from {span}",
        "if it is from another time: give the logs of then, of all replicas of the webhook, rotated ones included",
        "if it was an allowed write: those are recorded only with --record-allowed of leadergate serve",
        "if filters were given: leave them out",
    ]


def _document(records: Records, told: Explanation, near: Around) -> str:
    content = {
        "uid": records[-1].get("uid"),
        "said": told.said,
        "todo": [
            {"command": line.removeprefix("$ ")} if line.startswith("$ ") else {"text": line} for line in told.todo
        ],
        "around": {
            "seconds": AROUND.total_seconds(),
            "before": near.before,
            "after": near.after,
            "takeoverBefore": _takeover(near.taken),
            "takeoverAfter": _takeover(near.next),
        },
        "records": records,
    }
    return "\n".join(
        printable_json(line)
        for line in msgspec.json.format(msgspec.json.encode(content), indent=2).decode().splitlines()
    )


def _takeover(change: Takeover | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {"at": stamp(change.at, millis=True), "from": change.of, "to": change.to, "why": change.why}
