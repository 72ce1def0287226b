"""What one review came to, and how it is told: to the client, to the API server's audit log, and in the record."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from leadergate.model import DenialCode, Gate, LeaseView, Reading, Reason, Standing, Verdict, Write
from leadergate.records import SCHEMA, LeaseField, Record, RequesterField, ResourceField
from leadergate.review import denied

# These requesters did not prove to be a pod that may lead: whatever pod they name, it is not that pod which writes.
UNPROVEN = {Reason.NOT_SERVICE_ACCOUNT, Reason.FOREIGN_NAMESPACE, Reason.NO_POD_IDENTITY}


class Case(NamedTuple):
    """What one review came to. ``seconds`` is how long its verdict took."""

    gate: Gate
    write: Write
    reading: Reading | None
    verdict: Verdict
    seconds: float

    @property
    def holder(self) -> str:
        """Who held the Lease when it was read; empty for nobody, and where it was not read."""
        view = self.reading
        return view.lease.holder if isinstance(view, LeaseView) and not view.expired else ""


def denial(case: Case, annotations: dict[str, str]) -> bytes:
    """The rejecting review. The gate's code is for those who may yet lead: who never will is not told to try again."""
    gate, verdict = case.gate, case.verdict
    hopeless = verdict.reason in UNPROVEN
    return denied(
        case.write,
        reason=verdict.reason,
        message=verdict.message,
        annotations=annotations,
        code=DenialCode.FORBIDDEN if hopeless else gate.code,
        retry_after=None if hopeless else gate.retry_after,
    )


def audit_annotations(case: Case, standing: Standing | None) -> dict[str, str]:
    """For the API server's own audit log, where they stand under ``{webhook name}/{key}`` at every level."""
    annotations = {
        "verdict": type(case.verdict).__name__,
        "reason": case.verdict.reason,
        "mode": case.gate.mode,
        "lease": str(case.gate.lease),
        "uid": case.write.uid,
    }
    if standing is not None:
        annotations["standing"] = standing
    if isinstance(case.reading, LeaseView):
        annotations["holder"] = case.reading.lease.holder
        annotations["lease-resource-version"] = case.reading.lease.resource_version
    return annotations


def record(case: Case, standing: Standing | None, until: datetime | None, now: datetime, webhook_pod: str) -> Record:
    """The record of it. ``until`` is when a former holder held the Lease, ``now`` the time of day (UTC)."""
    gate, write, verdict = case.gate, case.write, case.verdict
    requester = write.requester
    return Record(
        schema=SCHEMA,
        time=now,
        verdict=type(verdict).__name__,
        reason=verdict.reason,
        message=verdict.message,
        mode=gate.mode,
        gate=str(gate.lease),
        uid=write.uid,
        dry_run=write.dry_run,
        operation=write.operation,
        resource=ResourceField(
            write.resource.group, write.resource.version, write.resource.resource, write.subresource
        ),
        namespace=write.namespace,
        name=write.name,
        requester=RequesterField(
            requester.username,
            requester.namespace,
            requester.service_account,
            requester.pod,
            requester.pod_uid,
            requester.node,
        ),
        standing=standing,
        held_until=until,
        lease=_lease_field(case.reading) if isinstance(case.reading, LeaseView) else None,
        latency_ms=round(case.seconds * 1000, 3),
        webhook_pod=webhook_pod,
    )


def _lease_field(view: LeaseView) -> LeaseField:
    lease = view.lease
    return LeaseField(
        lease.holder,
        lease.resource_version,
        lease.transitions,
        lease.acquire_time,
        lease.renew_time,
        lease.duration,
        round(view.age, 3),
        view.expired,
    )
