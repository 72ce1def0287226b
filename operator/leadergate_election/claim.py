"""One process's claim to the Lease: its view, and the requests by which it looks, takes, renews and releases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from leadergate_election import lease as leases
from leadergate_election.clock import now
from leadergate_election.lock import DOUBTFUL, LeaseLock, Outcome, Result
from leadergate_election.metrics import ElectionMetrics
from leadergate_election.settings import ElectionSettings
from leadergate_election.step import (
    Acquire,
    Create,
    Look,
    Renew,
    View,
    Wait,
    Yield,
    looked,
    sending,
    stale,
    step,
    wrote,
)

REQUESTS_AT_MOST = 6
"""Of one attempt: a leader meets two conflicts, as after labels were changed, and still renews."""

# The Lease answered, so that the next step can be decided.
SEEN = frozenset({Result.OK, Result.ABSENT, Result.CONFLICT})


class Standing(Enum):
    """How an attempt left this process."""

    HELD = auto()
    OTHERS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The end of one attempt.

    HELD: the write that was sent at ``sent_at`` was committed; ``how`` is created, released, expired or kept. OTHERS:
    another process holds the Lease, until ``expires`` if nothing renews it. UNKNOWN: ``message`` says what went wrong,
    and the API server may ask for ``retry_after`` seconds.
    """

    standing: Standing
    sent_at: float = 0.0
    how: str = ""
    unrenewed: float = 0.0
    expires: float = 0.0
    message: str = ""
    retry_after: float = 0.0


class Claim:
    """Belongs to one event loop; its properties may be read from any thread."""

    def __init__(self, lock: LeaseLock, settings: ElectionSettings, metrics: ElectionMetrics | None) -> None:
        self._lock = lock
        self._settings = settings
        self._metrics = metrics
        self._view = View(settings.identity, settings.lease_duration)
        self._doubtful = False

    @property
    def lease(self) -> leases.Lease | None:
        """The Lease as last seen, if it was there."""
        return None if self._view.absent else self._view.lease

    @property
    def holder(self) -> str:
        """Who holds the Lease, as last seen; empty for nobody."""
        return self._view.holder

    @property
    def perhaps_mine(self) -> bool:
        """Whether this process holds the Lease, or may hold it by a write whose answer never came."""
        return self._view.mine or self._doubtful

    async def attempt(self, *, leading: bool, patience: float | None = None) -> Attempt:
        """Try once to hold the Lease: look, and take or renew it if that is allowed.

        ``patience`` bounds the whole attempt, in seconds; each request is bounded anyway. A leader's first request is a
        write, as nobody else should have touched the Lease.
        """
        end = now() + (self._settings.request_timeout * REQUESTS_AT_MOST if patience is None else patience)
        if not leading:
            self._view = stale(self._view)
        message = "the Lease was not to be had in time"
        for _ in range(REQUESTS_AT_MOST):
            action = step(self._view, now(), leading=leading)
            timeout = min(self._settings.request_timeout, end - now())
            if timeout <= 0:
                break
            match action:
                case Wait(until):
                    return Attempt(Standing.OTHERS, expires=until)
                case Yield():
                    return Attempt(Standing.OTHERS)
                case Look():
                    if leading and self._metrics is not None:
                        self._metrics.slowpath(self._settings.name)
                    outcome = await self._look(timeout)
                case Create() | Renew() | Acquire():
                    sent_at = now()
                    outcome = await self._write(action, timeout, sent_at)
                    if outcome.result is Result.OK:
                        return _held(action, sent_at)
            if outcome.result not in SEEN:
                return Attempt(Standing.UNKNOWN, message=outcome.message, retry_after=outcome.retry_after)
            if outcome.message:
                message = outcome.message
        return Attempt(Standing.UNKNOWN, message=message)

    async def release(self, patience: float) -> str:
        """Give the Lease back if this process holds it, within ``patience`` seconds; why not, or empty."""
        message = "no time was left"
        end = now() + patience
        while (left := end - now()) > 0:
            timeout, view = min(self._settings.request_timeout, left), self._view
            if not view.fresh:
                outcome = await self._look(timeout)
            elif view.lease is None or view.absent or not view.mine:
                return ""
            else:
                at = leases.microtime(datetime.now(UTC))
                outcome = await self._send(at, leases.released(view.lease, at), timeout, now(), create=False)
            if outcome.result in SEEN:
                continue
            message = outcome.message
            await asyncio.sleep(min(self._settings.retry_period / 4, max(0.0, end - now())))
        return message

    async def _look(self, timeout: float) -> Outcome:
        outcome = await self._lock.get(timeout)
        if outcome.result in (Result.OK, Result.ABSENT):
            self._view = looked(self._view, outcome.lease, now())
            self._doubtful = False
        return outcome

    async def _write(self, action: Create | Renew | Acquire, timeout: float, sent_at: float) -> Outcome:
        settings, seconds = self._settings, self._settings.lease_seconds
        at = leases.microtime(datetime.now(UTC))
        match action:
            case Create():
                body = leases.created(settings.namespace, settings.name, settings.identity, seconds, at)
            case Renew(lease):
                body = leases.renewed(lease, seconds, at)
            case Acquire(lease):
                body = leases.acquired(lease, settings.identity, seconds, at)
        return await self._send(at, body, timeout, sent_at, create=isinstance(action, Create))

    async def _send(self, at: str, body: bytes, timeout: float, sent_at: float, *, create: bool) -> Outcome:
        # Before the answer: whoever is cancelled while waiting for it must not take the old view for the truth.
        self._view, self._doubtful = sending(self._view, at), True
        outcome = await (self._lock.create if create else self._lock.update)(body, timeout)
        if outcome.lease is not None:
            self._view = wrote(self._view, outcome.lease, sent_at)
        self._doubtful = outcome.result in DOUBTFUL
        return outcome


def _held(action: Create | Renew | Acquire, sent_at: float) -> Attempt:
    match action:
        case Create():
            return Attempt(Standing.HELD, sent_at, "created")
        case Renew():
            return Attempt(Standing.HELD, sent_at, "kept")
        case Acquire(lease, unrenewed):
            if lease.holder:
                return Attempt(Standing.HELD, sent_at, "expired", unrenewed)
            return Attempt(Standing.HELD, sent_at, "released")
