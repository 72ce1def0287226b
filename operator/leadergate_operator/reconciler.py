"""Status writes: which are made, what becomes of each, and which are made again.

Every replica reconciles, that is, programs its table; nothing of that is here. What is here can be gated: by the
replica's own check, by the API server, or both (``--status-gate``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog

from leadergate_operator.events import Reporter, news
from leadergate_operator.gating import Failed, Rejected, StatusGate, Vanished, Written
from leadergate_operator.gating import Outcome as WriteOutcome
from leadergate_operator.metrics import OperatorMetrics, label
from leadergate_operator.status import status_for
from leadergate_operator.table import Outcome, Table
from leadergate_operator.workqueue import WorkQueue
from leadergate_operator.writer import StatusWriter

_log = structlog.get_logger()


class View(Protocol):
    """What the statuses are made of."""

    @property
    def table(self) -> Table:
        """The table as programmed now."""

    def status_of(self, name: str) -> dict[str, Any]:
        """The status of one Redirect as last seen."""


class Reconciler:
    """The queue of Redirects whose status is to be written, and those who work on it. Belongs to one event loop.

    ``leads`` tells whether this replica believes that it leads. It decides only where the gate is set to ``client`` or
    ``both``, and what a rejection means: a follower's is expected, a leader's is not.
    """

    def __init__(
        self,
        view: View,
        writer: StatusWriter,
        reporter: Reporter,
        metrics: OperatorMetrics,
        *,
        pod: str,
        gate: StatusGate,
        leads: Callable[[], bool],
    ) -> None:
        self._view = view
        self._writer = writer
        self._reporter = reporter
        self._metrics = metrics
        self._pod = pod
        self._gate = gate
        self._leads = leads
        self._queue = WorkQueue()
        self._rejected: dict[str, tuple[str, int]] = {}
        self._news: set[str] = set()
        metrics.observe(self._queue)

    def changed(self, names: Iterable[str]) -> None:
        """The spec or the fate of these has changed: their status is to be written."""
        for name in names:
            self._news.add(name)
            self._queue.add(name)

    def resync(self) -> None:
        """Write every status again, but for those that the gate rejected: nothing is new for them until a takeover."""
        known = self._view.table.outcomes
        self._rejected = {name: seen for name, seen in self._rejected.items() if name in known}
        for name in known:
            if name not in self._rejected:
                self._queue.add(name)

    def take_over(self) -> None:
        """This replica leads now: write every status, whatever became of it before."""
        names = list(self._view.table.outcomes)
        _log.info("takeover", redirects=len(names), rejected_before=len(self._rejected))
        self._metrics.took_over()
        self._rejected.clear()
        for name in names:
            self._queue.forget(name)
        self.changed(names)

    def close(self) -> None:
        """Begin nothing more. What is under way may finish."""
        self._queue.close()

    async def work(self) -> None:
        """Write statuses until :meth:`close`. Run it as often as there shall be writes at one time."""
        while (name := await self._queue.get()) is not None:
            try:
                await self._write(name)
            finally:
                self._queue.done(name)

    async def _write(self, name: str) -> None:
        is_news = name in self._news
        self._news.discard(name)
        outcome = self._view.table.outcomes.get(name)
        if outcome is None:
            self._drop(name)
            return
        if name in self._rejected and not is_news:
            # A resync asked for it while the write was under way that was then rejected.
            return
        leading = self._leads()
        if self._gate.checks and not leading:
            self._metrics.skipped()
            self._queue.forget(name)
            return
        before = self._view.status_of(name)
        status = status_for(outcome, before, pod=self._pod, now=datetime.now(UTC))
        facts = {"redirect": name, "generation": outcome.redirect.generation}
        _log.debug("status_write_begins", leading=leading, **facts)
        began = time.monotonic()
        written = await self._writer.write(name, status)
        self._metrics.wrote(written, time.monotonic() - began)
        self._settle(name, outcome, written, facts, expected=not (leading and self._leads()))
        if isinstance(written, Written) and (told := news(before, status)) is not None:
            self._reporter.report(outcome.redirect, told)

    def _settle(
        self, name: str, outcome: Outcome, written: WriteOutcome, facts: dict[str, Any], *, expected: bool
    ) -> None:
        facts = {"outcome": label(written), **facts}
        match written:
            case Written():
                self._rejected.pop(name, None)
                self._queue.forget(name)
                _log.info("status_write", code=200, **facts)
            case Vanished():
                self._drop(name)
                _log.info("status_write", code=404, **facts)
            case Rejected(code, reason, message) if expected:
                self._wait(name, outcome, {"code": code, "reason": reason, "message": message, **facts})
            case Rejected(code, reason, message):
                # It leads, and so the gate and the elector do not agree: on the Lease, on the Pod, on its expiry.
                delay = self._retry(name)
                facts = {"code": code, "reason": reason, "message": message, **facts}
                _log.warning("status_write", retry_seconds=delay, **facts)
            case Failed(code, message):
                delay = self._retry(name)
                _log.warning("status_write", code=code, message=message, retry_seconds=delay, **facts)

    def _wait(self, name: str, outcome: Outcome, facts: dict[str, Any]) -> None:
        """Leave it to whoever leads, until this replica does or the Redirect changes."""
        this = (outcome.redirect.uid, outcome.redirect.generation)
        is_news = self._rejected.get(name) != this
        self._rejected[name] = this
        self._queue.forget(name)
        (_log.info if is_news else _log.debug)("status_write", **facts)

    def _retry(self, name: str) -> float:
        self._rejected.pop(name, None)
        self._metrics.retried()
        return self._queue.retry(name)

    def _drop(self, name: str) -> None:
        self._rejected.pop(name, None)
        self._queue.forget(name)
