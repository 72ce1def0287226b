"""What this process has seen of one Lease: when its renewal was first seen, and who held it before.

Clocks of other machines are never trusted: a Lease has expired when *this* process has known the same record for
longer than ``leaseDurationSeconds``, by its own monotonic clock (the rule of client-go ``tools/leaderelection``). Only
the very first record that a process sees may already be old: for that one, wall clocks are compared once, with an
allowance for skew.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from leadergate.holder import claimed_name, names
from leadergate.model import Gate, Lease, LeaseView, Requester, Standing

MAX_FORMER_HOLDERS = 64
# A leaseDurationSeconds beyond a day is no promise to renew; client-go's default is 15 s.
MAX_DURATION = 86_400


def expires(lease: Lease) -> bool:
    """Whether the Lease's duration is one that expiry can rest on."""
    return lease.duration is not None and 0 < lease.duration <= MAX_DURATION


def newer(version: str, known: str) -> bool:
    """Whether one resourceVersion is newer than another (KEP-5504: they compare as numbers); False when none can tell.

    Which of two overlapping reads began first says nothing of which saw the newer Lease.
    """
    return all(text.isascii() and text.isdigit() for text in (version, known)) and int(version) > int(known)


@dataclass(slots=True)
class LeaseHistory:
    """Observations of one Lease by this process.

    ``skew`` is the allowance, in seconds, for the difference of two machines' wall clocks. ``of_late`` is for how many
    seconds a former holder is remembered as such.
    """

    skew: float
    of_late: float
    takeovers: int = 0
    _lease: Lease | None = None
    _seen_at: float = 0.0
    _looked: datetime | None = None
    _last_holder: str = ""
    _former: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _account: str | None = None

    def observe(self, lease: Lease, *, now: float, wall: datetime) -> LeaseView:
        """Take in what the newest read showed and say how old it is.

        ``now`` is the monotonic clock in seconds, ``wall`` the time of day (UTC), both at the end of the read.
        """
        previous = self._lease
        if previous is None:
            self._seen_at = now - self._first_age(lease, wall)
        elif not _same_record(previous, lease):
            self._seen_at = now
            if previous.holder and previous.holder != lease.holder:
                self._remember(previous.holder, wall)
        if lease.holder:
            self.takeovers += self._last_holder not in ("", lease.holder)
            self._last_holder = lease.holder
        self._lease = lease
        self._looked = wall
        return self.view(lease, now=now)

    def view(self, lease: Lease, *, now: float) -> LeaseView:
        """The Lease with its age, without taking it in: for a read that a newer one has overtaken."""
        if self._lease is None or not _same_record(self._lease, lease):
            return LeaseView(lease, 0.0, expired=False)
        age = max(0.0, now - self._seen_at)
        return LeaseView(lease, age, expired=expires(lease) and bool(lease.holder) and age > (lease.duration or 0))

    def admitted(self, requester: Requester) -> None:
        """Remember the account under which the holder writes."""
        self._account = requester.service_account

    def standing(
        self, gate: Gate, requester: Requester, view: LeaseView | None, *, wall: datetime
    ) -> tuple[Standing, datetime | None]:
        """How a denied requester stands to the Lease, and until when it held it, if it did.

        ``view`` is what the denial rests on, None when there is no such Lease. A requester that it names was denied
        because the Lease has expired.
        """
        name = claimed_name(gate, requester)
        if name is None or requester.namespace != gate.from_namespace:
            return Standing.STRANGER, None
        if self._account is not None and requester.service_account != self._account:
            return Standing.STRANGER, None
        if view is not None and names(gate, view.lease.holder, name):
            return Standing.FORMER_HOLDER, wall - timedelta(seconds=view.age - (view.lease.duration or 0))
        oldest = wall - timedelta(seconds=self.of_late)
        if view is None and self._held_last(gate, name, since=oldest):
            return Standing.FORMER_HOLDER, self._looked
        for holder, until in reversed(self._former.items()):
            if until < oldest:
                break
            if names(gate, holder, name):
                return Standing.FORMER_HOLDER, until
        return Standing.FOLLOWER, None

    def _held_last(self, gate: Gate, name: str, *, since: datetime) -> bool:
        """Whether a Lease that is gone by now named this requester when it was last seen, if that was of late."""
        if self._lease is None or self._looked is None or self._looked < since:
            return False
        return names(gate, self._lease.holder, name)

    def _first_age(self, lease: Lease, wall: datetime) -> float:
        """The age to presume for the first record seen: none, unless even a skewed clock makes it too old."""
        if lease.renew_time is None or not expires(lease):
            return 0.0
        age = (wall - lease.renew_time).total_seconds()
        return age if age > (lease.duration or 0) + self.skew else 0.0

    def _remember(self, holder: str, until: datetime) -> None:
        self._former[holder] = until
        self._former.move_to_end(holder)
        while len(self._former) > MAX_FORMER_HOLDERS:
            self._former.popitem(last=False)


def _same_record(one: Lease, other: Lease) -> bool:
    """The election record is unchanged; ``resource_version`` also moves with labels, which renew nothing."""
    return (one.holder, one.renew_time, one.acquire_time, one.transitions, one.duration) == (
        other.holder,
        other.renew_time,
        other.acquire_time,
        other.transitions,
        other.duration,
    )
