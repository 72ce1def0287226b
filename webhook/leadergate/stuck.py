"""The bounded memory of objects whose last rejection is newer than their last admitted write.

Nothing replays a status write that was rejected: after a takeover it waits for the operator's own back-off or for the
object's next event (``docs/takeover.md``). So each rejection by an enforcing gate is remembered until a write of that
object is admitted, and once the holder has changed, the object is due for a nudge. Pure: the caller tells the time.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from leadergate.change import Change
from leadergate.model import LeaseKey, Write

# Beyond the longest back-off of an unmodified operator (controller-runtime: 16.7 minutes): whoever still wants to write
# has been rejected again by then, or admitted by way of another replica of the webhook.
FORGET_SECONDS = 3600.0
MAX_LEASES = 256


class ObjectKey(NamedTuple):
    """An object under a gate's Lease; ``namespace`` is empty when it is cluster-scoped. Versions are one object."""

    lease: LeaseKey
    group: str
    resource: str
    namespace: str
    name: str


@dataclass(slots=True)
class Stuck:
    """A rejected write that no admitted one has followed yet.

    ``resource_version`` is the object's when it was last rejected, or nudged, and ``status`` stands for its status then
    (:class:`leadergate.change.Change`). ``pod`` is who was rejected last.
    ``since`` and ``last`` are when the first and the last of these rejections came, in seconds of the caller's clock.
    ``holder`` held the Lease at the first of them, or when the object was nudged last (empty: nobody); another holder
    is a takeover that the object knows nothing of. ``takeovers`` counts those for which it was due.
    """

    version: str
    resource_version: str
    status: int
    pod: str
    holder: str
    since: float
    last: float
    takeovers: int = 0


class StuckCount(NamedTuple):
    """How many objects of a Lease are stuck, and for how many seconds the oldest of them has been.

    ``orphaned`` tells those apart that were rejected before the last takeover that was seen.
    """

    lease: LeaseKey
    orphaned: bool
    objects: int
    age: float


@dataclass(slots=True)
class _Lease:
    """What is stuck under a Lease, the latest rejection last; ``led_since`` is when its holder was first seen."""

    holder: str
    led_since: float = -math.inf
    objects: OrderedDict[ObjectKey, Stuck] = field(default_factory=OrderedDict)

    def held_by(self, holder: str, now: float) -> None:
        if holder and holder != self.holder:
            self.holder, self.led_since = holder, now


class StuckObjects:
    """Remembers at most ``most`` objects; ``forgotten`` counts those that it forgot for want of room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._leases: OrderedDict[LeaseKey, _Lease] = OrderedDict()
        self.forgotten = 0

    def __len__(self) -> int:
        return self._held

    def admitted(self, lease: LeaseKey, write: Write, holder: str, now: float) -> None:
        """The holder's write went through: nothing of what was rejected before matters any more."""
        known = self._leases.get(lease)
        if known is not None:
            known.held_by(holder, now)
            self._drop(_key(lease, write))

    def rejected(self, lease: LeaseKey, write: Write, change: Change, holder: str, now: float) -> None:
        """A write was rejected while ``holder`` (empty: nobody) held the Lease.

        One that would have changed nothing shows that its pod is content with the status as it is.
        """
        key, pod = _key(lease, write), write.requester.pod or ""
        before = self._find(key)
        if not change.differs:
            if before is not None and before.pod == pod:
                self._drop(key)
            return
        known = self._latest(lease, holder)
        known.held_by(holder, now)
        if before is not None:
            before.version, before.pod, before.last = write.resource.version, pod, now
            before.resource_version, before.status = change.resource_version, change.status
            known.objects.move_to_end(key)
            return
        known.objects[key] = Stuck(
            write.resource.version, change.resource_version, change.status, pod, holder, since=now, last=now
        )
        self._held += 1
        self._make_room()

    def due(self, lease: LeaseKey, holder: str, now: float) -> list[tuple[ObjectKey, Stuck]]:
        """The objects to nudge now that ``holder`` holds the Lease, those rejected last first.

        They are the likeliest to be wrong: what was rejected long before the takeover the former holder has seen to, by
        way of another replica of the webhook. Each object is returned once for a takeover.
        """
        known = self._leases.get(lease)
        if known is None:
            return []
        self._forget_old(known, now)
        known.held_by(holder, now)
        found = [(key, stuck) for key, stuck in reversed(known.objects.items()) if stuck.holder != holder]
        for _, stuck in found:
            stuck.holder = holder
            stuck.takeovers += 1
        return found

    def still(self, key: ObjectKey, stuck: Stuck) -> bool:
        """Whether no write of the object has been admitted since ``stuck`` was found."""
        return self._find(key) is stuck

    def moved_on(self, key: ObjectKey, stuck: Stuck) -> None:
        """The object is gone, or somebody has written it since: its rejection is history."""
        if self.still(key, stuck):
            self._drop(key)

    def put_back(self, key: ObjectKey, stuck: Stuck) -> None:
        """Nothing came of the nudge: make the object due again, whoever holds the Lease."""
        if self.still(key, stuck):
            stuck.holder = ""

    def leases(self) -> list[LeaseKey]:
        """The Leases that have stuck objects."""
        return list(self._leases)

    def counts(self, now: float) -> list[StuckCount]:
        """What there is to say of each Lease that has stuck objects."""
        found = []
        for lease, known in list(self._leases.items()):
            self._forget_old(known, now)
            for orphaned in (False, True):
                since = [at for stuck in known.objects.values() if ((at := stuck.since) < known.led_since) is orphaned]
                if since:
                    found.append(StuckCount(lease, orphaned, len(since), now - min(since)))
        return found

    def _find(self, key: ObjectKey) -> Stuck | None:
        known = self._leases.get(key.lease)
        return known.objects.get(key) if known is not None else None

    def _latest(self, lease: LeaseKey, holder: str) -> _Lease:
        """The Lease, as the one with the latest rejection."""
        known = self._leases.get(lease)
        if known is None:
            known = self._leases[lease] = _Lease(holder)
            if len(self._leases) > MAX_LEASES:
                _, lost = self._leases.popitem(last=False)
                self._held -= len(lost.objects)
                self.forgotten += len(lost.objects)
        else:
            self._leases.move_to_end(lease)
        return known

    def _drop(self, key: ObjectKey) -> None:
        known = self._leases[key.lease]
        if known.objects.pop(key, None) is not None:
            self._held -= 1
            if not known.objects:
                del self._leases[key.lease]

    def _make_room(self) -> None:
        """Forget the longest unheard of object of the Lease that has most of them, so that none crowds out the rest."""
        while self._held > self._most:
            fullest = max(self._leases.values(), key=lambda known: len(known.objects))
            self._drop(next(iter(fullest.objects)))
            self.forgotten += 1

    def _forget_old(self, known: _Lease, now: float) -> None:
        while known.objects:
            key, stuck = next(iter(known.objects.items()))
            if stuck.last > now - FORGET_SECONDS:
                return
            self._drop(key)


def _key(lease: LeaseKey, write: Write) -> ObjectKey:
    return ObjectKey(lease, write.resource.group, write.resource.resource, write.namespace, write.name)
