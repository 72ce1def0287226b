"""An elector: it takes part in the election on one Lease, again and again.

Modelled on client-go's ``tools/leaderelection``. It promises what that does, and no more: there is no fencing. A
process that is paused between asking :attr:`Elector.is_leader` and acting on the answer acts as a former leader; only a
gate on the API server can tell. What differs from client-go stands in ``docs/decisions/0006-elector.md``.
"""

from __future__ import annotations

import asyncio
import random

from leadergate_election.claim import Attempt, Claim, Standing
from leadergate_election.clock import now
from leadergate_election.connection import ApiConnection
from leadergate_election.events import EventRecorder
from leadergate_election.leadership import Leadership
from leadergate_election.lock import LeaseLock
from leadergate_election.metrics import ElectionMetrics
from leadergate_election.report import Reporter
from leadergate_election.settings import JITTER, ElectionSettings
from leadergate_election.term import Callbacks, Term

__all__ = ["Callbacks", "Elector"]

NO_CALLBACKS = Callbacks()


class Elector:
    """Takes part in one election, on one event loop. What it tells may be read from any thread.

    ``metrics``, ``events`` and ``leadership`` are made by the caller; the last one is for those who want to write down
    each change of it.
    """

    def __init__(
        self,
        connection: ApiConnection,
        settings: ElectionSettings,
        callbacks: Callbacks = NO_CALLBACKS,
        *,
        metrics: ElectionMetrics | None = None,
        events: EventRecorder | None = None,
        leadership: Leadership | None = None,
    ) -> None:
        self.settings = settings
        self._callbacks = callbacks
        self._leadership = Leadership() if leadership is None else leadership
        self._claim = Claim(LeaseLock(connection, settings, metrics), settings, metrics)
        self._reporter = Reporter(settings, self._claim, metrics, events, callbacks.on_new_leader)
        self._term: Term | None = None
        self._running = False
        if metrics is not None:
            metrics.watch(settings.name, leads=lambda: self.is_leader, left=lambda: self.time_left)

    @property
    def is_leader(self) -> bool:
        """Whether this process leads now. False from the renew deadline on, though the event loop be blocked."""
        return self._leadership.held

    @property
    def time_left(self) -> float:
        """Seconds that it leads on without another renewal; 0 when it does not lead."""
        return self._leadership.left

    @property
    def leader(self) -> str | None:
        """The holder as last seen; None before the first look, and while nobody holds the Lease."""
        return self._claim.holder or None

    @property
    def expired_for(self) -> float | None:
        """Seconds since the Lease expired under a leadership that has not ended here yet; None if there is none.

        A leadership ends when the leader's work has: as long as that goes on, this process acts as leader.
        """
        term = self._term
        return None if term is None or term.over or term.expired_for <= 0 else term.expired_for

    async def run(self, stop: asyncio.Event) -> None:
        """Take part until ``stop`` is set, then end gracefully; so too when cancelled. May be called again.

        Leadership that is lost is stood for again. The graceful end: lead no longer, let ``on_started_leading`` finish
        while the Lease is still held, then release it. It takes at most ``drain_seconds`` and half a renew deadline,
        and a few seconds for an Event.

        Raises:
            RuntimeError: it runs already.
            Exception: whatever ``on_started_leading`` raised while it led.
        """
        if self._running:
            raise RuntimeError(f"the elector of {self.settings} runs already")
        self._running = True
        campaign = asyncio.create_task(self._campaign(), name="campaign")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        failed = False
        try:
            await asyncio.wait({campaign, stopped}, return_when=asyncio.FIRST_COMPLETED)
            failed = campaign.done()
        finally:
            self._leadership.end()
            campaign.cancel()
            stopped.cancel()
            try:
                await asyncio.wait({campaign, stopped})
                await self._end("failed" if failed else "stopped")
            finally:
                self._running = False
        if failed:
            campaign.result()

    async def _campaign(self) -> None:
        """Stand and lead, for ever. Raises what the leader's work raises."""
        while True:
            await self._outlive_work()
            won = await self._stand()
            reason = await self._hold(self._begin(won), won.sent_at)
            self._close(reason)

    async def _stand(self) -> Attempt:
        """Try until this process holds the Lease and has time left to lead."""
        self._reporter.standing()
        while True:
            attempt = await self._claim.attempt(leading=False)
            if attempt.standing is Standing.HELD:
                if now() < attempt.sent_at + self.settings.renew_deadline:
                    return attempt
                continue  # The answer came too late to rest anything on it.
            self._reporter.attempted(attempt)
            await asyncio.sleep(self._candidates_pause(attempt))

    def _candidates_pause(self, attempt: Attempt) -> float:
        jittered = self.settings.retry_period * (1 + random.random() * JITTER)  # noqa: S311 - no secret
        if attempt.standing is Standing.OTHERS:
            return max(0.0, min(jittered, attempt.expires - now()))
        return max(jittered, min(attempt.retry_after, self.settings.renew_deadline))

    def _begin(self, won: Attempt) -> Term:
        self._leadership.begin(won.sent_at + self.settings.renew_deadline)
        self._reporter.leading(won)
        self._term = Term(self._callbacks, won.sent_at + self.settings.lease_duration)
        return self._term

    async def _hold(self, term: Term, sent_at: float) -> str:
        """Renew until leadership is gone; why it is. Raises what the leader's work raises."""
        settings = self.settings
        due = sent_at + settings.retry_period
        while True:
            await term.pause(max(0.0, min(due - now(), self._leadership.left)))
            if not self._leadership.held:
                return "expired"
            if now() < due:
                continue  # The work has ended early, and that changes nothing.
            began = now()
            attempt = await self._claim.attempt(leading=True, patience=self._leadership.left)
            self._reporter.attempted(attempt)
            if attempt.standing is Standing.OTHERS:
                return "lost"
            if attempt.standing is Standing.HELD:
                if not self._leadership.extend(attempt.sent_at + settings.renew_deadline):
                    return "expired"
                term.expires = attempt.sent_at + settings.lease_duration
            # An API server that asks for patience gets some, but not so much that no time is left for a second try.
            due = began + max(settings.retry_period, min(attempt.retry_after, self._leadership.left / 2))

    def _close(self, reason: str) -> None:
        """Lead no longer, in this order: the answer to who asks, the work, those who are told."""
        self._leadership.end()
        if self._term is None or self._term.closed:
            return
        self._term.close()
        self._reporter.stopped_leading(reason)

    async def _outlive_work(self) -> None:
        """Wait for the end of a former term's work: nobody stands anew while he still acts by the old term."""
        if self._term is not None and not await self._term.ended(self.settings.drain_seconds):
            self._reporter.work_outlives_leadership()
            await self._term.ended(None)
        self._term = None

    async def _end(self, reason: str) -> None:
        """The graceful end, when nothing runs but perhaps the leader's work."""
        self._close(reason)
        if self._term is not None and not await self._drained(self._term):
            # Whoever took the Lease now would work beside what still runs here.
            self._reporter.released(f"on_started_leading has not ended within {self.settings.drain_seconds:g} s")
        elif self.settings.release_on_end and self._claim.perhaps_mine:
            self._reporter.released(await self._claim.release(self.settings.request_timeout))
        await self._reporter.flush()

    async def _drained(self, term: Term) -> bool:
        """Let the work end within its bound, and hold the Lease meanwhile; whether it has ended."""
        settings = self.settings
        end = now() + settings.drain_seconds
        due = term.expires - settings.lease_duration + settings.retry_period
        held = self._claim.perhaps_mine
        while not term.over and (left := end - now()) > 0:
            await term.ended(min(left, max(0.0, due - now())) if held else left)
            if held and not term.over and now() >= due:
                due = now() + settings.retry_period
                attempt = await self._claim.attempt(leading=True, patience=max(0.0, end - now()))
                held = attempt.standing is not Standing.OTHERS
                if attempt.standing is Standing.HELD:
                    term.expires = attempt.sent_at + settings.lease_duration
        if term.over:
            self._term = None
        return term.over
