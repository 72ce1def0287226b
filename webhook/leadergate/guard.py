"""One admission review, from its bytes to its answer: decode, read the Lease, decide, record, encode."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never

from leadergate.decision import beyond_guard, decide
from leadergate.history import LeaseHistory
from leadergate.model import (
    Allow,
    Deny,
    Gate,
    Indeterminate,
    LeaseKey,
    LeaseView,
    Mode,
    Reading,
    Reason,
    Standing,
    Verdict,
    Write,
)
from leadergate.patience import Patience
from leadergate.records import (
    SCHEMA,
    LeaseField,
    Record,
    RecordLost,
    RecordSink,
    RequesterField,
    ResourceField,
    line,
)
from leadergate.review import allowed, decode, denied, failure

# client-go and kubectl show warnings whole up to this length (Kubernetes API: AdmissionResponse.warnings).
MAX_WARNING = 256
# These requesters did not prove to be a pod that may lead: whatever pod they name, it is not that pod which writes.
_UNPROVEN = {Reason.NOT_SERVICE_ACCOUNT, Reason.FOREIGN_NAMESPACE, Reason.NO_POD_IDENTITY}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with a JSON body."""

    code: int
    body: bytes


class LeaseReader(Protocol):
    """Reads a Lease no older than the call."""

    def read(self, key: LeaseKey, deadline: float) -> Awaitable[Reading]:
        """The Lease, read by ``deadline`` (loop time)."""
        ...

    def history(self, key: LeaseKey) -> LeaseHistory:
        """What has been seen of it."""
        ...


class VerdictObserver(Protocol):
    """Who counts verdicts."""

    def review(self, key: LeaseKey, mode: Mode, verdict: str, reason: Reason, seconds: float) -> None:
        """One verdict was reached."""
        ...

    def rejection(self, key: LeaseKey, mode: Mode, standing: Standing) -> None:
        """One denial."""
        ...

    def record_lost(self, mode: Mode) -> None:
        """A record could not be written."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """Answers admission reviews.

    ``wall`` tells the time of day in UTC; ``record_allowed`` also records verdicts that are Allow; ``webhook_pod``
    names this process in records.
    """

    reader: LeaseReader
    records: RecordSink
    observer: VerdictObserver
    wall: Callable[[], datetime]
    webhook_pod: str
    record_allowed: bool = False

    async def review(self, gate: Gate, body: bytes | bytearray, patience: Patience) -> Answer:
        """Answer one review.

        Raises:
            BadCall: the body is no admission review.
        """
        write = decode(body)
        reading: Reading | None = None
        verdict: Verdict | None = beyond_guard(write)
        if verdict is None:
            reading = await self.reader.read(gate.lease, patience.read_by)
            verdict = decide(write, gate, reading)
        seconds = time.perf_counter() - patience.started
        self.observer.review(gate.lease, gate.mode, type(verdict).__name__, verdict.reason, seconds)
        case = _Case(gate, write, reading, verdict, seconds)
        match verdict:
            case Allow():
                return await self._allow(case, patience)
            case Deny() | Indeterminate():
                return await self._reject(case, patience)
        assert_never(verdict)

    async def _allow(self, case: _Case, patience: Patience) -> Answer:
        if case.verdict.reason is Reason.HOLDER:
            self.reader.history(case.gate.lease).admitted(case.write.requester)
        if self.record_allowed:
            await self._record(case, None, None, patience)
        return Answer(200, allowed(case.write.uid, warning=_shortened(case.verdict.message)))

    async def _reject(self, case: _Case, patience: Patience) -> Answer:
        """Record, then answer as the mode says: only ``enforce`` ever stands in a write's way."""
        gate, write, verdict = case.gate, case.write, case.verdict
        standing, until = self._standing(case)
        if standing is not None:
            self.observer.rejection(gate.lease, gate.mode, standing)
        recorded = await self._record(case, standing, until, patience)
        annotations = _annotations(case, standing)
        match gate.mode:
            case Mode.ENFORCE if not recorded:
                return Answer(503, failure(503, "the verdict could not be recorded, so none is given", uid=write.uid))
            case Mode.ENFORCE if isinstance(verdict, Indeterminate):
                return Answer(503, failure(503, verdict.message, uid=write.uid, cause=verdict.reason))
            case Mode.ENFORCE:
                body = denied(write, reason=verdict.reason, message=verdict.message, annotations=annotations)
                return Answer(200, body)
            case Mode.WARN:
                warning = _shortened(f"leadergate would reject this ({verdict.reason}): {verdict.message}")
                return Answer(200, allowed(write.uid, warning=warning, annotations=annotations))
            case Mode.AUDIT:
                return Answer(200, allowed(write.uid, annotations=annotations))
        assert_never(gate.mode)

    def _standing(self, case: _Case) -> tuple[Standing | None, datetime | None]:
        """None while the Lease cannot be read: during an outage even the holder would look like a former one."""
        if isinstance(case.verdict, Indeterminate):
            return None, None
        if case.verdict.reason in _UNPROVEN:
            return Standing.STRANGER, None
        view = case.reading if isinstance(case.reading, LeaseView) else None
        history = self.reader.history(case.gate.lease)
        return history.standing(case.gate, case.write.requester, view, wall=self.wall())

    async def _record(self, case: _Case, standing: Standing | None, until: datetime | None, patience: Patience) -> bool:
        record = _record(case, standing, until, self.wall(), self.webhook_pod)
        try:
            await self.records.write(line(record), patience.record_by)
        except RecordLost:
            self.observer.record_lost(case.gate.mode)
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Case:
    """What one review came to. ``seconds`` is how long its verdict took."""

    gate: Gate
    write: Write
    reading: Reading | None
    verdict: Verdict
    seconds: float


def _annotations(case: _Case, standing: Standing | None) -> dict[str, str]:
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


def _record(case: _Case, standing: Standing | None, until: datetime | None, now: datetime, webhook_pod: str) -> Record:
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


def _shortened(warning: str) -> str:
    return warning if len(warning) <= MAX_WARNING else warning[: MAX_WARNING - 1] + "…"
