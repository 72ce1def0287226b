"""The last step: the history is closed, judged and told."""

from __future__ import annotations

from contextlib import suppress

from rich.table import Table
from rich.text import Text

from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.demo.place import LEASE, TARGETS
from leadergate_lab.demo.stage import Stage
from leadergate_lab.demo.summary import STANDINGS, Summary, rejected_review, summarize
from leadergate_lab.demo.voice import Voice, table
from leadergate_lab.processes import wait_until

AUDIT_SECONDS = 1.0
SHOWN_FINDINGS = 3


def close(stage: Stage, webhook: str) -> Summary:
    """End the recording at a mark, and judge all that was committed until then. Raises HistoryLost."""
    leases, redirects = stage.place.leases, stage.place.redirects
    upto = {leases: stage.mark(f"{leases}/{LEASE}"), redirects: stage.mark(f"{redirects}/{next(iter(TARGETS))}")}
    stage.recorder.stop(upto)
    audit = JsonLines(stage.plane.audit_log)
    uids = {record["uid"] for record in stage.denials()}

    def all_audited() -> bool:
        return uids <= {rejected_review(event, webhook) for event in audit.all()}

    # Answers that are on their way; what is missing after that has no line of its own.
    with suppress(TimeoutError):
        wait_until(all_audited, what="the audit log", timeout=AUDIT_SECONDS)
    events = list(audit.all())
    # Read after the audit log, since a record is written before its rejection can be audited.
    denials = stage.denials()
    changes = stage.recorder.changes
    return summarize(changes(leases), changes(redirects), denials, events, webhook=webhook)


def tell(summary: Summary, voice: Voice, *, gated: bool) -> None:
    """Show the figures."""
    voice.show(_by_pod(summary, gated=gated))
    voice.blank()
    voice.show(_figures(summary, gated=gated))
    findings = summary.verdict.findings
    if findings:
        voice.blank()
        shown = [found for promise in ("G2", "G1") for found in findings if found.promise == promise][:SHOWN_FINDINGS]
        voice.say(f"For example, {len(shown)} of {len(findings)} breaches:")
        for found in shown:
            voice.quote(f"{found.promise}: {found.text}", style="red")


def tell_breaches(summary: Summary, voice: Voice) -> None:
    """Show the breaches of a history alone."""
    shown = Table.grid(padding=(0, 3, 0, 0))
    shown.add_column(overflow="fold")
    shown.add_column(justify="right")
    _add_breaches(shown, summary)
    voice.show(shown)


def _by_pod(summary: Summary, *, gated: bool) -> Table:
    standings = STANDINGS if gated else ()
    columns = ["accepted", *(f"rejected as\n{standing}" for standing in standings)]
    shown = table("Pod", *columns, numbers=columns)
    for pod in sorted({*summary.verdict.by_pod, *(pod for pod, _ in summary.rejected)}):
        rejected = [summary.rejected.get((pod, standing), 0) for standing in standings]
        shown.add_row(pod or "(no Pod)", str(summary.verdict.by_pod.get(pod, 0)), *map(str, rejected))
    sums = [summary.verdict.committed, *(summary.rejected_as(standing) for standing in standings)]
    shown.add_row(*(Text(str(cell), "bold") for cell in ("all", *sums)))
    return shown


def _figures(summary: Summary, *, gated: bool) -> Table:
    verdict = summary.verdict
    shown = Table.grid(padding=(0, 3, 0, 0))
    shown.add_column(overflow="fold")
    shown.add_column(justify="right")
    shown.add_row("status writes committed", str(verdict.committed))
    if gated:
        shown.add_row(
            "status writes rejected: in the API server's audit log and on the gate's record", f"{summary.rejections}"
        )
        shown.add_row("further denials: the API server asked once more within a write", str(summary.again))
    shown.add_row("takeovers", str(verdict.takeovers))
    _add_breaches(shown, summary)
    if gated:
        _add_breach(shown, "G4: rejections without a record", summary.unrecorded)
    return shown


def _add_breaches(shown: Table, summary: Summary) -> None:
    verdict = summary.verdict
    _add_breach(shown, "G1: status writes by a Pod that did not hold the Lease", verdict.count("G1"))
    text = "G2: stale overwrites, where an older holder replaced a newer one's status"
    _add_breach(shown, text, verdict.count("G2"))
    _add_breach(shown, "statuses taken back to an older generation", summary.went_back)


def _add_breach(shown: Table, what: str, count: int) -> None:
    shown.add_row(what, Text(str(count), "bold red" if count else "bold green"))
