"""What to do next about the Lease, decided from what this process has seen of it. Pure: no clock, no I/O.

The rules are client-go's ``tryAcquireOrRenew``: a Lease may be taken when nobody holds it, or when its record has not
changed for its own duration since this process first saw it. Times are of this process's own clock; those in the record
only tell one record from another. Stricter than client-go in two cases: a held Lease that is deleted, and a record in
our name that we have not written; see :func:`step` and :func:`looked`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from leadergate_election.lease import Lease

REMEMBERED_WRITES = 16


@dataclass(frozen=True, slots=True)
class View:
    """What one process knows of the Lease.

    ``lease`` is the last one seen, kept when it is ``absent`` later, and ``since`` when its spec was first seen, in
    seconds of this process's clock. ``fresh`` says that this still counts as the Lease of now; ``mine`` that this
    process holds it; ``sent`` has the renew times of our latest writes, of which some may have gone unanswered.
    """

    identity: str
    fallback_duration: float
    lease: Lease | None = None
    since: float = 0.0
    absent: bool = False
    fresh: bool = False
    mine: bool = False
    looked: bool = False
    sent: tuple[str, ...] = ()

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as is known; empty for nobody."""
        return "" if self.lease is None or self.absent else self.lease.holder

    @property
    def expires(self) -> float:
        """When the last record seen is no longer good, if nothing renews it. It says nothing of a free Lease."""
        duration = self.lease.duration if self.lease else None
        return self.since + (self.fallback_duration if duration is None else duration)


@dataclass(frozen=True, slots=True)
class Look:
    """Read the Lease: what is known of it may have changed."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make the Lease, which is not there."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Write a new renew time: this process holds the Lease."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Acquire:
    """Take the Lease, which was released, or has not been renewed for ``unrenewed`` seconds."""

    lease: Lease
    unrenewed: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Someone holds the Lease; unless it is renewed it may be taken at ``until``."""

    until: float


@dataclass(frozen=True, slots=True)
class Yield:
    """Stop leading: the Lease is no longer this process's."""


Action = Look | Create | Renew | Acquire | Wait | Yield


def step(view: View, now: float, *, leading: bool) -> Action:
    """The next action of a process that leads, or stands.

    A Lease that is deleted while someone else holds it frees it no earlier than its expiry would have: its holder may
    believe for so long that it leads. (A process that has never seen the Lease cannot know that.)
    """
    if not view.fresh:
        return Look()
    held_by_other = bool(view.lease and view.lease.holder) and not view.mine
    if view.absent:
        return Wait(view.expires) if held_by_other and now < view.expires else Create()
    if view.lease is None:
        return Look()
    if view.mine:
        return Renew(view.lease)
    if leading:
        return Yield()
    if held_by_other and now < view.expires:
        return Wait(view.expires)
    return Acquire(view.lease, now - view.since)


def looked(view: View, lease: Lease | None, now: float) -> View:
    """The view after a read that ended at ``now``; None for a Lease that is not there.

    A record in our name is ours if we sent it, or if it is there at our first look: then it is that of a process before
    us, such as this container before its restart. Any other is somebody's who uses our name, and counts as another's.
    """
    if lease is None:
        return replace(view, absent=True, fresh=True, looked=True)
    same = view.lease is not None and lease.spec == view.lease.spec and not view.absent
    if same:
        return replace(view, lease=lease, fresh=True)
    ours = lease.holder == view.identity and (not view.looked or lease.renew_time in view.sent)
    return replace(view, lease=lease, since=now, absent=False, fresh=True, mine=ours, looked=True)


def sending(view: View, renew_time: str) -> View:
    """The view while a write is under way: nobody knows how the Lease stands until its answer comes."""
    return replace(view, fresh=False, sent=(*view.sent, renew_time)[-REMEMBERED_WRITES:])


def wrote(view: View, lease: Lease, sent_at: float) -> View:
    """The view after a write of ours, sent at ``sent_at``, was committed as ``lease``."""
    mine = lease.holder == view.identity
    return replace(view, lease=lease, since=sent_at, absent=False, fresh=True, mine=mine, looked=True)


def stale(view: View) -> View:
    """The view when time has passed since the last read."""
    return replace(view, fresh=False)
