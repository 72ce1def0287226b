"""Makes Events of rejections: takes them from the reviews, and posts what is due in the background.

A review never waits for it and never fails through it: it hands a rejection over and goes on.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote

import msgspec
import structlog

from leadergate.case import Case
from leadergate.events.event import Report, denial_of, manifest, uid_of, worth_telling
from leadergate.events.metrics import EventOutcome
from leadergate.events.series import RejectionSeries
from leadergate.model import LeaseKey, Standing
from leadergate.nudge import passing
from leadergate_election.connection import ApiAnswer, Unreachable

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

POST_SECONDS = 5.0
POLL_SECONDS = 1.0
# Once the last review is answered. The chart's grace period has 7 s for all that comes then.
END_SECONDS = 1.5
MOST_QUEUED = 32
# The cause that the API server gives when a namespace is being deleted (core/v1 NamespaceTerminatingCause); its code is
# that of a missing right.
_GOING = "NamespaceTerminating"
_REMEDY = (
    "grant the webhook's service account 'create' on events (deploy/events/rbac.yaml), or leave --rejection-events out"
)


class Connection(Protocol):
    """Sends requests to the API server."""

    def request(self, method: str, path: str, body: bytes | None = None) -> Awaitable[ApiAnswer]:
        """Send one request. Raises Unreachable."""
        ...


class EventObserver(Protocol):
    """Who counts Events."""

    def event(self, gate: LeaseKey, outcome: EventOutcome) -> None:
        """One Event has come to its end."""
        ...

    def suppressed(self, gate: LeaseKey) -> None:
        """One rejection was folded into a later Event."""
        ...


class EventReporter:
    """Posts the Events of ``series`` over ``connection``, in the name of ``pod``. Belongs to one event loop."""

    def __init__(
        self,
        series: RejectionSeries,
        connection: Connection,
        observer: EventObserver,
        *,
        pod: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._series = series
        self._connection = connection
        self._observer = observer
        self._pod = pod
        self._clock = clock
        self._queue: asyncio.Queue[Report] = asyncio.Queue(MOST_QUEUED)
        self._under_way = 0

    def rejected(self, case: Case, standing: Standing, until: datetime | None, body: bytes | bytearray) -> None:
        """Take in one rejection, and let its Event go out if one is due. Never raises, never waits."""
        if not worth_telling(case.write, standing):
            return
        gate = case.gate
        try:
            denial = denial_of(
                gate.lease,
                gate.mode,
                case.write,
                standing,
                holder=case.holder,
                message=case.verdict.message,
                at=datetime.now(UTC),
                held_until=until,
            )
            report = self._series.rejected(denial, lambda: uid_of(body), self._clock())
        except Exception:
            # The verdict stands, whatever becomes of an Event about it.
            log.exception("rejection_event_failed", lease=str(gate.lease))
            self._observer.event(gate.lease, EventOutcome.FAILED)
            return
        if report is None:
            self._observer.suppressed(gate.lease)
        else:
            self._put(report)

    async def run(self) -> None:
        """Post what is due until cancelled."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    report = await self._queue.get()
            except TimeoutError:
                self._put_due()
                continue
            self._under_way = _told(report)
            try:
                await self._post(report)
            finally:
                self._under_way = 0
                self._queue.task_done()

    async def end(self) -> None:
        """Let :meth:`run` post what is left, as far as the limits allow, for at most ``END_SECONDS``.

        What no Event told is told in the log.
        """
        if not self._series.waiting() and not self._under_way and self._queue.empty():
            return
        self._put_due(wait=0.0)
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._queue.join()
        except TimeoutError:
            while not self._queue.empty():
                self._fail(self._queue.get_nowait(), EventOutcome.DROPPED)
        if untold := self._series.waiting() + self._under_way:
            log.warning("rejections_untold", rejections=untold, remedy="their records tell each of them")

    def _put_due(self, wait: float | None = None) -> None:
        for report in self._series.due(self._clock(), wait=wait):
            self._put(report)

    def _put(self, report: Report) -> None:
        try:
            self._queue.put_nowait(report)
        except asyncio.QueueFull:
            self._fail(report, EventOutcome.DROPPED)

    async def _post(self, report: Report) -> None:
        lease, outcome = report.denial.gate, EventOutcome.FAILED
        try:
            event = manifest(report, self._pod, secrets.token_hex(8))
            path = f"/api/v1/namespaces/{quote(event['metadata']['namespace'], safe='')}/events"
            async with asyncio.timeout(POST_SECONDS):
                answer = await self._connection.request("POST", path, msgspec.json.encode(event))
            if answer.code < 300:
                self._observer.event(lease, EventOutcome.SENT)
                return
            status = _status(answer.body)
            fault = f"the API server answered {answer.code}: {status.message}"
            if status.details is not None and _GOING in [cause.reason for cause in status.details.causes]:
                outcome = EventOutcome.REFUSED
            elif answer.code == 403:
                outcome = EventOutcome.FORBIDDEN
                fault = f"{fault}; {_REMEDY}"
            elif not passing(answer.code):
                outcome = EventOutcome.REFUSED
        except TimeoutError:
            fault = f"no answer within {POST_SECONDS:g} s"
        except Unreachable as error:
            fault = str(error)
        except Exception as error:
            # Nobody awaits this: what nobody foresaw costs one Event, not all that follow.
            log.exception("rejection_event_failed", lease=str(lease))
            fault = repr(error)
        # Bounded as the Events are.
        log.warning("rejection_event_not_written", lease=str(lease), rejections=_told(report), fault=fault)
        self._fail(report, outcome)

    def _fail(self, report: Report, outcome: EventOutcome) -> None:
        self._observer.event(report.denial.gate, outcome)
        if outcome is not EventOutcome.REFUSED:
            self._series.put_back(report, self._clock())


def _told(report: Report) -> int:
    return report.count + report.others


class _Cause(msgspec.Struct):
    reason: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details | None = None


def _status(body: bytes) -> _Status:
    try:
        return msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        return _Status(repr(body[:200]))
