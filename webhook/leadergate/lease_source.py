"""Where Leases come from: what the reader asks of the adapter to the API server, and how that may fail."""

from __future__ import annotations

from typing import Protocol

from leadergate.model import Lease, LeaseAbsent, LeaseKey


class ReadFailed(Exception):
    """One attempt to read a Lease failed; ``passing`` says that another attempt may fare better."""

    def __init__(self, why: str, *, passing: bool) -> None:
        super().__init__(why)
        self.why = why
        self.passing = passing


class LeaseSource(Protocol):
    """Where Leases come from."""

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        """One linearizable read. Raises :class:`ReadFailed`; is cancelled when nobody waits any longer."""
        ...
