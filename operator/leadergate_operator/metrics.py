"""What a replica counts, in Prometheus form. The queue's metrics have client-go's names, so that dashboards fit."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from leadergate_operator.gating import Failed, Outcome, Rejected, Vanished, Written
from leadergate_operator.workqueue import WorkQueue

QUEUE = "redirect"
SKIPPED = "skipped"
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class OperatorMetrics:
    """The metrics of one replica. Make one for a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._depth = Gauge(
            "workqueue_depth", "Redirects that wait to be worked on.", ["name"], registry=registry
        ).labels(QUEUE)
        self._retries = Counter(
            "workqueue_retries", "Times that a Redirect was put off after a failure.", ["name"], registry=registry
        ).labels(QUEUE)
        self._work_seconds = Histogram(
            "workqueue_work_duration_seconds",
            "Seconds that the work on one Redirect took.",
            ["name"],
            buckets=_SECONDS,
            registry=registry,
        ).labels(QUEUE)
        self._reconciles = Counter(
            "leadergate_operator_reconciles",
            "Times that the table was built anew.",
            registry=registry,
        )
        self._redirects = Gauge(
            "leadergate_operator_redirects",
            "Redirects by what became of them: serving, conflict, invalid.",
            ["outcome"],
            registry=registry,
        )
        self._writes = Counter(
            "leadergate_operator_status_writes",
            "Status writes by outcome (accepted, rejected by the gate, skipped by the own check, vanished, failed)"
            " and the gate's reason.",
            ["outcome", "reason"],
            registry=registry,
        )
        self._takeovers = Counter(
            "leadergate_operator_takeovers",
            "Times that this replica became leader and put every Redirect into the queue.",
            registry=registry,
        )
        self._lists = Counter("leadergate_operator_lists", "Lists of all Redirects that succeeded.", registry=registry)
        self._watch_failures = Counter(
            "leadergate_operator_watch_failures",
            "Lists and watches that failed, by HTTP code; empty when there was no answer.",
            ["code"],
            registry=registry,
        )

    def observe(self, queue: WorkQueue) -> None:
        """Where the queue's depth comes from, whenever it is scraped."""
        self._depth.set_function(lambda: queue.depth)

    def reconciled(self, *, serving: int, conflict: int, invalid: int) -> None:
        """The table was built."""
        self._reconciles.inc()
        for outcome, count in (("serving", serving), ("conflict", conflict), ("invalid", invalid)):
            self._redirects.labels(outcome).set(count)

    def wrote(self, outcome: Outcome, seconds: float) -> None:
        """A status write ended."""
        self._work_seconds.observe(seconds)
        self._writes.labels(label(outcome), outcome.reason if isinstance(outcome, Rejected) else "").inc()

    def skipped(self) -> None:
        """A status write was left out, for this replica does not lead."""
        self._writes.labels(SKIPPED, "").inc()

    def retried(self) -> None:
        """A failed write is put off."""
        self._retries.inc()

    def took_over(self) -> None:
        """This replica leads now."""
        self._takeovers.inc()

    def listed(self) -> None:
        """All Redirects were listed."""
        self._lists.inc()

    def watch_failed(self, code: int | None) -> None:
        """A list or a watch failed."""
        self._watch_failures.labels("" if code is None else str(code)).inc()


def label(outcome: Outcome) -> str:
    """The outcome in one word, for metrics and the log."""
    match outcome:
        case Written():
            return "accepted"
        case Rejected():
            return "rejected"
        case Vanished():
            return "vanished"
        case Failed():
            return "failed"
