"""The figures for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from leadergate_lab.audit_bench.cases import Outcome, Row

_MIB = 1 << 20


def as_json(outcome: Outcome, machine: dict[str, Any]) -> dict[str, Any]:
    """All of it as plain values: seconds, MiB, bytes."""
    page = outcome.page
    return {
        "machine": machine,
        "rows": [
            {
                "case": row.case,
                "records": row.records,
                "bytes": row.size,
                "seconds": row.seconds,
                "cpuSeconds": row.cpu,
                "peakMiB": row.peak,
                "fromDiskMiB": row.from_disk,
                "runs": [asdict(one) for one in row.runs],
            }
            for row in outcome.rows
        ],
        "jqToSummary": _ratios(outcome),
        "comparedRecords": outcome.summary.records,
        "jqSecondsExtrapolated": _extrapolated(outcome),
        "page": {
            "listeningSeconds": page.listening,
            "cpuSeconds": page.cpu,
            "peakMiB": page.peak,
            "queries": {
                name: {"medianSeconds": median, "longestSeconds": longest}
                for name, (median, longest) in page.queries.items()
            },
        },
    }


def show(console: Console, outcome: Outcome) -> None:
    """Print the tables and what follows from them."""
    table = Table(title="leadergate audit, and jq on the same records")
    for heading in ("command", "records", "file MiB", "seconds", "CPU s", "peak MiB", "from disk MiB", "records/s"):
        table.add_column(heading, justify="left" if heading == "command" else "right", no_wrap=True)
    for row in outcome.rows:
        table.add_row(*_cells(row))
    console.print(table)
    ratios = _ratios(outcome)
    records = outcome.summary.records
    console.print(
        f"jq to summary on the same {records:,} records: {ratios['seconds']:.1f} times the time,"
        f" {ratios['cpuSeconds']:.1f} times the processor time; both counted the same",
        soft_wrap=True,
    )
    if (guess := _extrapolated(outcome)) is not None:
        console.print(
            f"extrapolated, not measured: jq on all {outcome.records:,} records would take {guess:.0f} s at that rate",
            soft_wrap=True,
        )
    page = outcome.page
    times = Table(title=f"the page's queries over HTTP, on {outcome.rows[-1].records:,} records")
    for heading in ("query", "median ms", "longest ms"):
        times.add_column(heading, justify="left" if heading == "query" else "right")
    for name, (median, longest) in page.queries.items():
        times.add_row(name, f"{median * 1000:.1f}", f"{longest * 1000:.1f}")
    console.print(times)
    console.print(
        f"leadergate audit serve listens after {page.listening:.1f} s ({page.cpu:.1f} s of processor time); peak"
        f" {page.peak:.0f} MiB after all queries",
        soft_wrap=True,
    )


def _cells(row: Row) -> tuple[str, ...]:
    times = f" ({len(row.runs)} runs)" if len(row.runs) > 1 else ""
    return (
        row.case + times,
        f"{row.records:,}",
        f"{row.size / _MIB:,.0f}",
        f"{row.seconds:.1f}",
        f"{row.cpu:.1f}",
        f"{row.peak:.0f}",
        f"{row.from_disk:,.0f}",
        f"{row.records / row.seconds:,.0f}",
    )


def _ratios(outcome: Outcome) -> dict[str, float]:
    summary, jq = outcome.summary, outcome.jq
    return {
        "seconds": jq.seconds / summary.seconds,
        "cpuSeconds": jq.cpu / summary.cpu,
        "peakMiB": jq.peak / summary.peak,
    }


def _extrapolated(outcome: Outcome) -> float | None:
    """The seconds of jq on the whole file, where it was run on a part."""
    jq = outcome.jq
    return jq.seconds * outcome.records / jq.records if jq.records < outcome.records else None
