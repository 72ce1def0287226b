"""One admission review, from its bytes to its answer: decode, read the Lease, decide, record, encode."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, assert_never

from leadergate.case import UNPROVEN, Case, audit_annotations, denial, record
from leadergate.change import change_of
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
)
from leadergate.patience import Patience
from leadergate.records import RecordLost, RecordSink, line
from leadergate.review import allowed, decode, failure
from leadergate.stuck import StuckObjects

# client-go and kubectl show warnings whole up to this length (Kubernetes API: AdmissionResponse.warnings).
MAX_WARNING = 256


class Answer(NamedTuple):
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


class RejectionListener(Protocol):
    """Who is told of rejections, at once and without a word back."""

    def rejected(self, case: Case, standing: Standing, until: datetime | None, body: bytes) -> None:
        """A rejection was recorded; ``until`` is when a former holder held the Lease. Never raises."""
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
    names this process in records; ``stuck`` remembers what was rejected; ``events`` makes Events of it.
    """

    reader: LeaseReader
    records: RecordSink
    observer: VerdictObserver
    wall: Callable[[], datetime]
    webhook_pod: str
    record_allowed: bool = False
    stuck: StuckObjects | None = None
    events: RejectionListener | None = None

    async def review(self, gate: Gate, body: bytes, patience: Patience) -> Answer:
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
        case = Case(gate, write, reading, verdict, seconds)
        match verdict:
            case Allow():
                return await self._allow(case, patience)
            case Deny() | Indeterminate():
                return await self._reject(case, body, patience)
        assert_never(verdict)

    async def _allow(self, case: Case, patience: Patience) -> Answer:
        if case.verdict.reason is Reason.HOLDER:
            self.reader.history(case.gate.lease).admitted(case.write.requester)
            if self.stuck is not None and not case.write.dry_run:
                self.stuck.admitted(case.gate.lease, case.write, case.holder, time.monotonic())
        if self.record_allowed:
            await self._record(case, None, None, patience)
        return Answer(200, allowed(case.write.uid, warning=_shortened(case.verdict.message)))

    async def _reject(self, case: Case, body: bytes, patience: Patience) -> Answer:
        """Record, then answer as the mode says: only ``enforce`` ever stands in a write's way."""
        gate, write, verdict = case.gate, case.write, case.verdict
        standing, until = self._standing(case)
        if standing is not None:
            self.observer.rejection(gate.lease, gate.mode, standing)
            if self.stuck is not None and standing is not Standing.STRANGER:
                self._remember(self.stuck, case, body)
        recorded = await self._record(case, standing, until, patience)
        if self.events is not None and recorded and standing is not None:
            self.events.rejected(case, standing, until, body)
        annotations = audit_annotations(case, standing)
        match gate.mode:
            case Mode.ENFORCE if not recorded:
                return Answer(503, failure(503, "the verdict could not be recorded, so none is given", uid=write.uid))
            case Mode.ENFORCE if isinstance(verdict, Indeterminate):
                return Answer(503, failure(503, verdict.message, uid=write.uid, cause=verdict.reason))
            case Mode.ENFORCE:
                return Answer(200, denial(case, annotations))
            case Mode.WARN:
                warning = _shortened(f"leadergate would reject this ({verdict.reason}): {verdict.message}")
                return Answer(200, allowed(write.uid, warning=warning, annotations=annotations))
            case Mode.AUDIT:
                return Answer(200, allowed(write.uid, annotations=annotations))
        assert_never(gate.mode)

    def _remember(self, stuck: StuckObjects, case: Case, body: bytes) -> None:
        """Remember a write that is now kept from an object, unless nothing would have come of it anyway."""
        if case.gate.mode is not Mode.ENFORCE or case.write.dry_run:
            return
        change = change_of(body)
        if change is None:
            return
        stuck.rejected(case.gate.lease, case.write, change, case.holder, time.monotonic())

    def _standing(self, case: Case) -> tuple[Standing | None, datetime | None]:
        """None while the Lease cannot be read: during an outage even the holder would look like a former one."""
        if isinstance(case.verdict, Indeterminate):
            return None, None
        if case.verdict.reason in UNPROVEN:
            return Standing.STRANGER, None
        view = case.reading if isinstance(case.reading, LeaseView) else None
        history = self.reader.history(case.gate.lease)
        return history.standing(case.gate, case.write.requester, view, wall=self.wall())

    async def _record(self, case: Case, standing: Standing | None, until: datetime | None, patience: Patience) -> bool:
        told = record(case, standing, until, self.wall(), self.webhook_pod)
        try:
            await self.records.write(line(told), patience.record_by)
        except RecordLost:
            self.observer.record_lost(case.gate.mode)
            return False
        return True


def _shortened(warning: str) -> str:
    return warning if len(warning) <= MAX_WARNING else warning[: MAX_WARNING - 1] + "…"
