"""Records and audit logs, read, held against each other, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from leadergate.audit.reading.filters import Filter
from leadergate.audit.reading.folder import private_folder, refuse_spool
from leadergate.audit.reading.gather import Gathered, gathered
from leadergate.audit.reading.origin import Origin
from leadergate.audit.reading.progress import Screen
from leadergate.audit.reading.sources import STDIN, Source
from leadergate.audit.reading.tally import COUNTED, Counted
from leadergate.audit.reading.trail import Relation
from leadergate.audit.reconcile import sql as reconcile_sql
from leadergate.audit.reconcile.files import LogTally, log_sources, spooled
from leadergate.audit.reconcile.findings import FAULTS, LISTED, SECOND, Finding, Judged, Stretch, judged, kept
from leadergate.audit.reconcile.line import micros
from leadergate.audit.reconcile.show import Sides, agree, moment, show_json, show_table
from leadergate.audit.telling.output import Output
from leadergate.audit.telling.plain_text import printable
from leadergate.audit.telling.words import stamp
from leadergate.gates.inputs import refuse
from leadergate.gates.refusals import Fault

if TYPE_CHECKING:
    from leadergate.audit.reading.fetched import Brought

HANDOVER = timedelta(minutes=2)
"""So long may a pod that is gone now, and its log with it, have judged beside those that have taken its place."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``flt`` has no more than times and gates; ``tolerance`` is in microseconds; ``limit`` is how many
    findings of a kind are listed, and ``bad`` how many bad lines are shown, None for all.
    """

    logs: tuple[str, ...]
    records: tuple[str, ...]
    origin: Origin | None
    webhooks: tuple[str, ...]
    flt: Filter
    tolerance: int
    limit: int | None
    bad: int | None
    strict: bool
    output: Output


def reconciled(asked: Question) -> None:
    """Print how records and audit logs compare. Ends with 1 where they do not agree, with 2 where nothing is known."""
    logs, faults = log_sources(asked.logs)
    if STDIN in asked.logs and STDIN in asked.records:
        faults.append(Fault("-", None, " is both the audit log and the records", "give one of them as a file"))
    if faults:
        refuse("nothing is read", [str(fault) for fault in faults])
    tally = LogTally(keep=asked.bad)
    with (
        private_folder() as folder,
        gathered(asked.records, bad=asked.bad, strict=asked.strict, origin=asked.origin) as held,
    ):
        _read_log(held, logs, asked, tally, folder)
        near, sides = _load_records(held, asked, tally)
        reconcile_sql.compare(held.engine, near, webhooks=asked.webhooks, tolerance=asked.tolerance)
        counts = reconcile_sql.counts(held.engine)
        _tell(held, asked, tally)
        _refuse_unjudged(counts, sides, near)
        shown = LISTED if asked.output is Output.TABLE else tuple(kind for kind in Finding if kind is not Finding.BOTH)
        rows = {kind: reconcile_sql.findings(held.engine, kind, asked.limit) for kind in shown if counts[kind]}
        if asked.output is Output.TABLE:
            show_table(sides, counts, rows)
        else:
            show_json(sides, counts, rows, lines=asked.output is Output.JSONL)
    if not agree(counts) or (asked.strict and tally.bad):
        raise typer.Exit(1)


def _read_log(held: Gathered, logs: Sequence[Source], asked: Question, tally: LogTally, folder: Path) -> None:
    screen = Screen()
    try:
        spool = spooled(logs, asked.webhooks, folder, tally, screen.lines)
    except OSError as fault:
        refuse_spool(folder, fault)
    screen.clear()
    if not tally.events:
        for line in tally.lines():
            typer.echo(f"note: {line}", err=True)
        why = "no audit event in it: expected JSON lines, as kube-apiserver --audit-log-format=json writes them"
        refuse("nothing can be compared", [f"--audit-log: {why}"])
    reconcile_sql.load_log(held.engine, spool, folder)


def _load_records(held: Gathered, asked: Question, tally: LogTally) -> tuple[Judged, Sides]:
    def first_and_last(relation: Relation) -> tuple[Stretch | None, Counted]:
        sql = f"SELECT {COUNTED}, {reconcile_sql.recorded(relation)}"
        records, unread, first, last = held.engine.execute(sql, relation.parameters).fetchall()[0]
        return None if first is None else Stretch(first, last), Counted(records, unread or {})

    span = held.ask(first_and_last)
    near = judged(
        [Stretch(one.first, one.last) for one in tally.spans],
        span,
        since=None if asked.flt.since is None else micros(asked.flt.since),
        until=None if asked.flt.until is None else micros(asked.flt.until),
        tolerance=asked.tolerance,
    )
    if held.brought is not None:
        near = _as_kept(near, held.brought)
    left_out = reconcile_sql.load_records(
        held.engine, held.relation(), gates=asked.flt.gate, named=bool(asked.webhooks), near=near
    )
    if left_out:
        typer.echo(f"note: records of gates of other webhooks left out: {left_out:,}", err=True)
    known = [name for (name,) in held.engine.execute("SELECT DISTINCT webhook FROM ours ORDER BY webhook").fetchall()]
    files = tuple((one.file, Stretch(one.first, one.last)) for one in tally.spans)
    names = tuple(sorted({*known, *asked.webhooks}))
    return near, Sides(tally.events, files, held.tally.records, span, names)


def _as_kept(near: Judged, brought: Brought) -> Judged:
    """What can be judged by records of the cluster: not from before its logs begin, whatever was said of the time."""
    if brought.holes or brought.begins is None:
        typer.echo("note: records may be missing anywhere: nothing is judged by their absence", err=True)
        return kept(near, None)
    whole = brought.begins + HANDOVER
    gone = "pods that are gone now, with their logs, may have judged until then"
    typer.echo(f"note: the cluster's records are taken to be whole from {stamp(whole)} on: {gone}", err=True)
    return kept(near, micros(whole))


def _tell(held: Gathered, asked: Question, tally: LogTally) -> None:
    told = tally.lines()
    for name, count in reconcile_sql.strangers(held.engine):
        what = "1 call" if count == 1 else f"{count:,} calls"
        told.append(
            f"{what} failed open for {printable(name)}, which no annotation shows to be a gate: if it is, --webhook it"
        )
    off = reconcile_sql.skew(held.engine)
    if off > asked.tolerance:
        told.append(
            f"records lie up to {off / SECOND:.1f} s outside of the time of their requests: clocks differ;"
            f" give --tolerance {-(-off // SECOND)}s"
        )
    for line in told:
        typer.echo(f"note: {line}", err=True)


def _refuse_unjudged(counts: dict[Finding, int], sides: Sides, near: Judged) -> None:
    """End with 2 where there is something, and none of it at a time that both cover."""
    outside = counts[Finding.NOT_YET] + counts[Finding.OUTSIDE_LOG] + counts[Finding.OUTSIDE_RECORDS]
    compared = sum(counts[kind] for kind in (Finding.BOTH, Finding.AGAIN, Finding.UNHEARD, Finding.REFUSED, *FAULTS))
    if compared or (near.log and not outside):
        return
    log = ", ".join(f"{moment(one.first)} to {moment(one.last)}" for _, one in sides.files)
    span = f"{moment(sides.recorded.first)} to {moment(sides.recorded.last)}" if sides.recorded else "none"
    refuse(
        "nothing can be compared",
        [
            f"the audit log covers {log}; records: {span}",
            "give logs of the same time, or say with --since and --until when the records are whole, if there are none",
        ],
    )
