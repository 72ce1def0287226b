"""A nudge: one metadata annotation, so that every replica's watch fires and the new holder writes what it could not.

What to send, what the answer means, how fast and how often: pure. :mod:`leadergate.nudger` does the sending.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

import msgspec

from leadergate.model import Lease
from leadergate.stuck import ObjectKey, Stuck

ANNOTATION = "leadergate.dev/nudged-for"
FIELD_MANAGER = "leadergate-nudge"
MAX_TRIES = 6
_LONGEST_PAUSE = 10.0
_AHEAD = 0.2


class Outcome(StrEnum):
    """What became of one nudge. The strings are stable: metric labels."""

    NUDGED = "nudged"
    ALREADY = "already"
    """Another replica of the webhook has nudged it for this takeover."""
    MOVED_ON = "moved-on"
    """Its status was written since, or it is being deleted."""
    GONE = "gone"
    FORBIDDEN = "forbidden"
    UNANSWERED = "unanswered"
    """The API server is out of reach: it is due again as soon as the Lease can be read."""
    FAILED = "failed"


def mark(lease: Lease) -> str:
    """The annotation's value: one and the same for a takeover, whichever replica of the webhook writes it."""
    acquired = lease.acquire_time.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if lease.acquire_time else ""
    return f"{lease.holder}/{lease.transitions or 0}/{acquired}"


def path(key: ObjectKey, version: str) -> str:
    """Where the object is served, with the field manager; its names are percent-encoded.

    Raises:
        ValueError: a part is no path segment. The API server would not have asked about such an object.
    """
    root = ["apis", key.group] if key.group else ["api"]
    # A review of a Namespace names it as its own namespace, yet it is cluster-scoped.
    scoped = bool(key.namespace) and (key.group, key.resource) != ("", "namespaces")
    within = ["namespaces", key.namespace] if scoped else []
    parts = [*root, version, *within, key.resource, key.name]
    if any(part in ("", ".", "..") or "/" in part for part in parts):
        raise ValueError(f"no object can be at {'/'.join(parts)!r}")
    encoded = "/".join(quote(part, safe="") for part in parts)
    return f"/{encoded}?{urlencode({'fieldManager': FIELD_MANAGER})}"


def patch(resource_version: str, value: str) -> bytes:
    """A merge patch that holds for this revision of the object alone: at any other the API server answers 409."""
    metadata = {"resourceVersion": resource_version, "annotations": {ANNOTATION: value}}
    return msgspec.json.encode({"metadata": metadata})


# Changes nothing, so that nothing is written, and is answered with the object: 'patch' is all that a nudge may do.
LOOK = b"{}"


def passing(code: int) -> bool:
    """Whether another attempt may fare better."""
    return code in {401, 429} or code >= 500


def pause(tries: int, retry_after: float | None) -> float:
    """Seconds until the next attempt, after so many that failed."""
    return min(_LONGEST_PAUSE, max(0.5 * 2.0 ** (tries - 1), retry_after or 0.0))


@dataclass(slots=True)
class Pace:
    """At most ``per_second`` on average, and as many at once as a fifth of a second allows.

    Times are seconds of the caller's clock.
    """

    per_second: float
    _next: float = -math.inf

    def wait(self, now: float) -> float:
        """Take the next turn: the seconds until it comes."""
        turn = max(self._next, now - _AHEAD)
        self._next = turn + 1.0 / self.per_second
        return max(0.0, turn - now)


@dataclass(frozen=True, slots=True)
class Nudge:
    """One object to nudge for a takeover; ``value`` is the annotation's, ``takeover`` the object's count of them."""

    key: ObjectKey
    stuck: Stuck
    takeover: int
    value: str
