"""What an elector tells: log lines, metrics, Events, and who leads."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from leadergate_election.claim import Attempt, Claim
from leadergate_election.events import EventRecorder
from leadergate_election.metrics import ElectionMetrics
from leadergate_election.settings import ElectionSettings
from leadergate_election.term import call


class Reporter:
    """Tells changes once: of leaders, and of trouble with the API server when it begins, changes and ends."""

    def __init__(
        self,
        settings: ElectionSettings,
        claim: Claim,
        metrics: ElectionMetrics | None,
        events: EventRecorder | None,
        on_new_leader: Callable[[str], None] | None,
    ) -> None:
        self._settings = settings
        self._claim = claim
        self._metrics = metrics
        self._events = events
        self._on_new_leader = on_new_leader
        self._holder = ""
        self._trouble = ""
        self._log = structlog.get_logger().bind(lease=str(settings), identity=settings.identity)

    def standing(self) -> None:
        """This process stands for election."""
        self._log.info("standing")

    def attempted(self, attempt: Attempt) -> None:
        """An attempt to get or keep the Lease ended."""
        if attempt.message != self._trouble:
            if attempt.message:
                self._log.warning("lease_request_failed", message=attempt.message)
            else:
                self._log.info("lease_requests_succeed_again")
            self._trouble = attempt.message
        holder = self._claim.holder
        if holder != self._holder:
            self._holder = holder
            if holder:
                self._log.info("new_leader", holder=holder)
                if self._metrics is not None:
                    self._metrics.leader_seen(self._settings.name)
                call(self._on_new_leader, holder)

    def leading(self, won: Attempt) -> None:
        """This process leads from now on."""
        lease = self._claim.lease
        facts: dict[str, object] = {"how": won.how, "transitions": lease.transitions if lease else None}
        if won.how == "expired":
            facts["unrenewed_seconds"] = round(won.unrenewed, 3)
        self._log.info("leading", **facts)
        self.attempted(won)
        self._record("became leader")

    def stopped_leading(self, reason: str) -> None:
        """This process leads no longer."""
        holder = self._claim.holder
        self._log.info("stopped_leading", reason=reason, holder=holder)
        if reason == "lost" and holder == self._settings.identity:
            self._log.warning("identity_in_use", message="another process writes the Lease in this one's name")
        if self._metrics is not None:
            self._metrics.term_ended(self._settings.name, reason)
        self._record("stopped leading")

    def work_outlives_leadership(self) -> None:
        """The leader's work does not end, though it was asked to ``drain_seconds`` ago."""
        self._log.warning("work_outlives_leadership", seconds=self._settings.drain_seconds)

    def released(self, fault: str) -> None:
        """The Lease was released at the end, or was not because of ``fault``."""
        if fault:
            self._log.warning("not_released", message=fault)
        else:
            self._log.info("released")

    async def flush(self) -> None:
        """Wait for the Events under way; each is bounded in time."""
        if self._events is not None:
            await self._events.flush()

    def _record(self, what: str) -> None:
        if self._events is not None and (lease := self._claim.lease) is not None:
            self._events.record(lease, f"{self._settings.identity} {what}")
