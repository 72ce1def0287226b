"""What the whole history says: every number from what etcd committed and what the gate and the audit log recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadergate_lab.demo.place import LEASE
from leadergate_lab.history import LeaseChange, ObjectChange, Verdict, judge
from leadergate_lab.recorder import Change

FORBIDDEN = 403
STANDINGS = ("follower", "former-holder", "stranger")


@dataclass(frozen=True, slots=True)
class Summary:
    """``rejected`` counts writes by pod and standing: those in the API server's audit log that the gate has recorded.

    ``again`` counts further denials of such a write: finding the object changed since it began, the API server asks
    again within the same request, and its audit log keeps the annotations of the first review only. ``unrecorded``
    counts rejections in the audit log that the gate has no record of (promise G4), ``went_back`` commits that took a
    status back to an older generation of its object.
    """

    verdict: Verdict
    rejected: Mapping[tuple[str, str], int]
    again: int
    unrecorded: int
    went_back: int

    @property
    def rejections(self) -> int:
        """All rejections."""
        return sum(self.rejected.values())

    def rejected_as(self, standing: str) -> int:
        """The rejections of one standing."""
        return sum(count for (_, found), count in self.rejected.items() if found == standing)

    @property
    def kept(self) -> bool:
        """Whether the history keeps the promise."""
        return self.verdict.kept and not self.unrecorded and not self.went_back


def summarize(
    leases: Iterable[Change],
    redirects: Sequence[Change],
    denials: Sequence[Mapping[str, Any]],
    audit: Iterable[Mapping[str, Any]],
    *,
    webhook: str,
) -> Summary:
    """Judge the history. ``denials`` are the records of ``webhook``, ``audit`` is the API server's log."""
    audited = [rejected_review(event, webhook) for event in audit if is_rejection(event)]
    recorded = {record["uid"] for record in denials}
    writes = [record for record in denials if not record["dryRun"]]
    answered = [record for record in writes if record["uid"] in audited]
    return Summary(
        verdict=judged(leases, redirects),
        rejected=Counter((record["requester"]["pod"] or "", record["standing"]) for record in answered),
        again=len(writes) - len(answered),
        unrecorded=sum(uid not in recorded for uid in audited),
        went_back=sum(goes_back(change) for change in redirects),
    )


def judged(leases: Iterable[Change], redirects: Iterable[Change]) -> Verdict:
    """What the checker says of the history."""
    lease = [
        LeaseChange(change.revision, change.now["spec"].get("holderIdentity") or "")
        for change in leases
        if change.name == LEASE
    ]
    return judge(lease, [ObjectChange(change.name, change.revision, writer(change)) for change in redirects])


def writer(change: Change) -> str | None:
    """The pod whose status write this commit was; None for another change."""
    status = change.now.get("status")
    if not status or change.before is None or status == change.before.get("status"):
        return None
    return str(status.get("writtenBy"))


def goes_back(change: Change) -> bool:
    """Whether this commit took the status back to an older generation of the object."""
    before = (change.before or {}).get("status") or {}
    after = change.now.get("status") or {}
    return int(after.get("observedGeneration", 0)) < int(before.get("observedGeneration", 0))


def is_rejection(event: Mapping[str, Any]) -> bool:
    """Whether this event of the audit log is a forbidden status write to a Redirect."""
    target = event.get("objectRef") or {}
    is_status = (target.get("resource"), target.get("subresource")) == ("redirects", "status")
    return is_status and (event.get("responseStatus") or {}).get("code") == FORBIDDEN


def rejected_review(event: Mapping[str, Any], webhook: str) -> str | None:
    """The uid of the review by which ``webhook`` rejected it; None if somebody else did."""
    uid = (event.get("annotations") or {}).get(f"{webhook}/uid")
    return str(uid) if uid is not None else None
