"""Who keeps a stale status from being written: the one who commits, the replica itself, or both. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class StatusGate(StrEnum):
    """Where status writes are gated.

    ``SERVER``: every replica writes, and the API server rejects what is not the holder's. ``CLIENT``: a replica asks
    its elector before it writes, as operators have always done; nothing protects the time between the check and the
    commit. ``BOTH``: the check spares requests, the API server protects.
    """

    SERVER = "server"
    CLIENT = "client"
    BOTH = "both"

    @property
    def checks(self) -> bool:
        """Whether a replica asks itself whether it leads before it writes."""
        return self is not StatusGate.SERVER


DENIALS = frozenset(
    {
        "NotHolder",
        "NotServiceAccount",
        "NoPodIdentity",
        "ForeignNamespace",
        "LeaseNotFound",
        "LeaseUnheld",
        "LeaseExpired",
    }
)
"""What leadergate writes into ``details.causes[].reason`` of a denial; no other part of Kubernetes uses these words.

``LeaseUnreadable`` is none of them: it says that the gate could not decide, and so the write is worth another try.
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The write was committed."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The gate said no, with the HTTP ``code`` that it is set to. ``reason`` is one of ``DENIALS``."""

    code: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """There is no such object any more."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Anything else went wrong. ``code`` is the HTTP status, None when there was no answer."""

    code: int | None
    message: str


Outcome = Written | Rejected | Vanished | Failed


def outcome_of(code: int, body: bytes) -> Outcome:
    """What an answer of the API server to a status write says."""
    if 200 <= code < 300:
        return Written()
    status = _status(body)
    message = " ".join(str(status.get("message") or f"the API server answered {code}").split())
    # By its cause, not by its code: a gate may be set to deny with 403, 409, 422 or 429.
    reason = next((found for found in _causes(status) if found in DENIALS), None)
    if reason is not None:
        return Rejected(code, reason, message)
    if code == 404 and _is_about_an_object(status):
        return Vanished()
    return Failed(code, message)


def _status(body: bytes) -> Mapping[str, Any]:
    """The ``metav1.Status`` in an answer; empty when it is none, as from a proxy on the way."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _causes(status: Mapping[str, Any]) -> list[str]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return [str(cause.get("reason")) for cause in causes or () if isinstance(cause, dict)]


def _is_about_an_object(status: Mapping[str, Any]) -> bool:
    """A resource that is not served, as while its definition is renewed, is 404 as well, but names no object."""
    details = status.get("details")
    return isinstance(details, dict) and bool(details.get("name"))
