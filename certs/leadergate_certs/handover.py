"""Handing the Secret's pair over to who serves, as soon as callers are sure to trust it, and not before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from cryptography import x509

from leadergate_certs.bundle import trusts
from leadergate_certs.cluster import Configuration
from leadergate_certs.issue import ServingPair
from leadergate_certs.rotation import Endpoint, Policy, may_serve, settled
from leadergate_certs.state import State


class Serving(Protocol):
    """Who serves the pair."""

    @property
    def held(self) -> x509.Certificate | None:
        """The leaf that is served now."""
        ...

    async def take(self, pair: ServingPair) -> None:
        """Serve this pair from the next handshake on."""
        ...


class Handover:
    """One replica's; ``others`` tells what all replicas serve. ``deferred`` while a pair is held back."""

    def __init__(self, serving: Serving, policy: Policy, others: Callable[[], Awaitable[Sequence[Endpoint]]]) -> None:
        self._serving = serving
        self._policy = policy
        self._others = others
        self._distrusted_until: datetime | None = None
        self._strange: x509.Certificate | None = None
        self.deferred = False

    async def offer(self, state: State, configurations: Sequence[Configuration], now: datetime) -> None:
        """Hand over the pair, unless callers may not trust it yet: :func:`leadergate_certs.rotation.may_serve`."""
        held = self._serving.held
        self.deferred = False
        if held == state.pair.certificate:
            self._strange = None
            return
        serves_good = held is not None and now <= held.not_valid_after_utc
        bundles = [bundle for one in configurations for bundle in one.bundles.values()]
        everywhere = all(trusts(bundle, state.issuer.certificate) for bundle in bundles)
        if not everywhere or (serves_good and self._is_no_rotation(state, held)):
            self._distrusted_until = now + self._policy.propagation
        distrusted = self._distrusted_until is not None and now < self._distrusted_until
        trusted = settled(state.issuer, self._policy, now) and not distrusted
        others = await self._others() if not serves_good and not trusted else ()
        if may_serve(state, held, others, now, trusted=trusted):
            await self._serving.take(state.pair)
        else:
            self.deferred = True

    def _is_no_rotation(self, state: State, held: x509.Certificate | None) -> bool:
        """Whether this is the first sight of a state that knows nothing of the authority of what is served.

        It was put there from outside, a backup perhaps. Since when its own authority is trusted is not to be believed
        then: another replica may have put it back into the bundles a moment ago.
        """
        if held is not None and any(one.issued(held) for one in state.authorities):
            self._strange = None
            return False
        first_sight = self._strange != state.pair.certificate
        self._strange = state.pair.certificate
        return first_sight
