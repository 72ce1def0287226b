"""Records held against the API server's audit log: what each finding means, and which times can be judged. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

SECOND = 1_000_000
GAP = 60 * SECOND
"""Audit logs that follow each other within so many microseconds are one: rotated files of a quiet API server."""


class Finding(StrEnum):
    """What a rejection, or a call, turned out to be. The words are those of the output."""

    BOTH = "in both"
    AGAIN = "again"
    UNHEARD = "unheard"
    ONLY_LOG = "only in the audit log"
    ONLY_RECORDS = "only in the records"
    DIFFERING = "differing"
    FAILED_OPEN = "failed open"
    REFUSED = "refused"
    NOT_YET = "not yet"
    OUTSIDE_LOG = "outside the audit log"
    OUTSIDE_RECORDS = "outside the records"


FAULTS = (Finding.ONLY_LOG, Finding.ONLY_RECORDS, Finding.DIFFERING, Finding.FAILED_OPEN)
"""What makes them disagree."""
LISTED = (*FAULTS, Finding.REFUSED, Finding.UNHEARD, Finding.AGAIN)
"""What is listed one by one, in this order."""


class Told(NamedTuple):
    """What a finding means, and what to do about it; nothing is to be done where ``todo`` is empty."""

    means: str
    todo: str


TOLD: dict[Finding, Told] = {
    Finding.BOTH: Told("the rejection stands in both, and says the same", ""),
    Finding.AGAIN: Told(
        "the API server reviewed one write more than once; its audit line names another review of that write", ""
    ),
    Finding.UNHEARD: Told(
        "recorded, but the API server took no verdict from that call: Indeterminate, or an answer that came too late",
        "see failed open and refused for what became of the write; give the API server and the webhook more time"
        " (timeoutSeconds) where answers came too late",
    ),
    Finding.ONLY_LOG: Told(
        "the API server had this rejection from the webhook, and no record that was given has it",
        "give the records of all the webhook's replicas, previous containers too; else the record was lost or removed",
    ),
    Finding.ONLY_RECORDS: Told(
        "recorded, and the API server's audit log knows nothing of it",
        "give the audit logs of all API servers; see that the audit policy logs status writes at Metadata"
        " (docs/reconcile.md) and that nothing was dropped (apiserver_audit_error_total); else the record is forged:"
        " let only API servers reach the webhook (--client-ca)",
    ),
    Finding.DIFFERING: Told(
        "one review, and the record says otherwise than the audit log, which no caller can forge",
        "believe the audit log; find out who can write to the records, or to the webhook's port",
    ),
    Finding.FAILED_OPEN: Told(
        "the webhook could not be called, and failurePolicy Ignore let the write through: nobody judged it",
        "look whether these writes were the holder's; mend why calls fail, or take failurePolicy Fail",
    ),
    Finding.REFUSED: Told(
        "the webhook could not be called, or gave no verdict, and failurePolicy Fail refused the write",
        "mend why calls fail: leadergate doctor",
    ),
    Finding.NOT_YET: Told(
        "recorded after the last event of the audit log, which the API server writes late",
        "take the audit log again later",
    ),
    Finding.OUTSIDE_LOG: Told("recorded at a time that the audit logs do not cover", "give the rotated files as well"),
    Finding.OUTSIDE_RECORDS: Told(
        "audited before the first or after the last record, which the records may not cover",
        "give more records; or say with --since and --until that they are whole in between",
    ),
}


class Stretch(NamedTuple):
    """A stretch of time in microseconds since 1970: from ``first``, and before ``last``."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Judged:
    """Which times can be judged: a missing record means something within ``records``, a missing audit line within
    one of ``log``, and neither outside of ``asked``.
    """

    asked: Stretch
    records: Stretch | None
    log: tuple[Stretch, ...]


_EVER = Stretch(-(1 << 62), 1 << 62)


def judged(
    spans: Sequence[Stretch], recorded: Stretch | None, *, since: int | None, until: int | None, tolerance: int
) -> Judged:
    """Which times can be judged, from what the audit logs (``spans``) and the records cover.

    Both are taken to be short by ``tolerance`` at their ends, where clocks that differ, and lines that are written
    late, would make things seem missing. Rejections are rare and other events are not: so where ``since`` or ``until``
    is said, records are believed to be whole from or up to then, while the audit log covers only what it covers.
    """
    first = _EVER.first if since is None else since
    last = _EVER.last if until is None else until
    log = tuple(
        Stretch(max(one.first + tolerance, first), min(one.last - tolerance, last))
        for one in joined(spans)
        if max(one.first + tolerance, first) < min(one.last - tolerance, last)
    )
    records = None
    if recorded is not None or (since is not None and until is not None):
        begin = since if since is not None else recorded.first + tolerance if recorded else first
        end = until if until is not None else recorded.last - tolerance if recorded else last
        records = Stretch(begin, end) if begin < end else None
    return Judged(Stretch(first, last), records, log)


def kept(near: Judged, whole: int | None) -> Judged:
    """The same where records are known to be whole from a moment on alone, or from no moment on (None)."""
    records = near.records
    if records is not None:
        first = records.last if whole is None else max(records.first, whole)
        records = Stretch(first, records.last) if first < records.last else None
    return replace(near, records=records)


def joined(spans: Sequence[Stretch]) -> tuple[Stretch, ...]:
    """Spans in order, those that overlap or follow each other within ``GAP`` as one."""
    found: list[Stretch] = []
    for one in sorted(spans):
        if found and one.first <= found[-1].last + GAP:
            found[-1] = Stretch(found[-1].first, max(found[-1].last, one.last))
        else:
            found.append(one)
    return tuple(found)
