"""What the webhook is asked in a night, and what its reads of the Leases show. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from leadergate.model import Lease, LeaseAbsent, LeaseUnreadable, LeaseView, Reading, Write
from leadergate_lab.night_script import DURATION, Play, Shows, Stretch, Writer

WEBHOOKS = ("leadergate-5f6d8b7c4d-9vqmz", "leadergate-5f6d8b7c4d-t4xk2")
"""Its replicas."""

_UNREADABLE = "the API server did not answer in time"


def lease(play: Play, stretch: Stretch, start: datetime) -> Lease:
    """The Lease as it stands in a stretch, renewed when that began unless it says otherwise."""
    renewed = stretch.renewed if stretch.renewed is not None else stretch.start
    return Lease(
        holder=play.holders[stretch.pod] if stretch.shows is Shows.HELD else "",
        resource_version="1",
        transitions=stretch.transitions,
        duration=DURATION,
        acquire_time=start + timedelta(seconds=stretch.acquired),
        renew_time=start + timedelta(seconds=renewed),
    )


def reading(play: Play, stretch: Stretch, start: datetime, age: float) -> Reading:
    """What a read shows in a stretch, ``age`` seconds after the renewal."""
    match stretch.shows:
        case Shows.ABSENT:
            return LeaseAbsent()
        case Shows.UNREADABLE:
            return LeaseUnreadable(_UNREADABLE)
    held = stretch.shows is Shows.HELD
    return LeaseView(lease(play, stretch, start), age, expired=held and age > DURATION)


def write(play: Play, writer: Writer, thing: int, uid: str) -> Write:
    """A write of the status of the object number ``thing``."""
    namespace, name = play.objects[thing]
    return Write(uid, "UPDATE", play.resource, "status", namespace, name, writer.dry_run, writer.requester)
