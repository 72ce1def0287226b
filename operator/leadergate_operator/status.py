"""The status that a replica writes, after the Kubernetes API conventions ("Typical status properties"). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from leadergate_operator.table import Conflict, Invalid, Outcome, Serving

PROGRAMMED = "Programmed"


def status_for(outcome: Outcome, previous: Mapping[str, Any], *, pod: str, now: datetime) -> dict[str, Any]:
    """The whole status after reconciling.

    ``previous`` is the status as last seen: conditions of other types are kept, and ``lastTransitionTime`` moves only
    when the condition's status does (API conventions). ``now`` must carry a time zone.
    """
    verdict, reason, message = _describe(outcome)
    generation = outcome.redirect.generation
    earlier = [entry for entry in previous.get("conditions") or () if isinstance(entry, Mapping)]
    same = next(
        (entry for entry in earlier if entry.get("type") == PROGRAMMED and entry.get("status") == verdict), None
    )
    condition = {
        "type": PROGRAMMED,
        "status": verdict,
        "observedGeneration": generation,
        "lastTransitionTime": (same or {}).get("lastTransitionTime") or _timestamp(now, "seconds"),
        "reason": reason,
        "message": message,
    }
    return {
        "conditions": [*(entry for entry in earlier if entry.get("type") != PROGRAMMED), condition],
        "observedGeneration": generation,
        "writtenBy": pod,
        "heartbeatTime": _timestamp(now, "microseconds"),
    }


def programmed(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """The condition ``Programmed`` of a status; empty when it has none."""
    conditions = [entry for entry in status.get("conditions") or () if isinstance(entry, Mapping)]
    return next((entry for entry in conditions if entry.get("type") == PROGRAMMED), {})


def _describe(outcome: Outcome) -> tuple[str, str, str]:
    match outcome:
        case Serving(redirect):
            return "True", "Serving", f"GET {redirect.path} answers {redirect.code} to {redirect.target}"
        case Conflict(redirect, winner):
            return "False", "Conflict", f"the older Redirect {winner} has the path {redirect.path}"
        case Invalid(redirect):
            return "False", "Invalid", redirect.fault
        case _:
            assert_never(outcome)


def _timestamp(moment: datetime, precision: str) -> str:
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
