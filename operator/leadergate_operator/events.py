"""Events on a Redirect whose condition has changed. Never one for a rejection: that is routine, not news."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from leadergate_election.connection import ApiConnection, Unreachable
from leadergate_election.event_object import Involved, Reporting, event
from leadergate_operator.model import GROUP, VERSION, Redirect, Unreadable
from leadergate_operator.status import programmed

COMPONENT = "redirect-operator"
MOST_PENDING = 100

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class News:
    """What an Event tells: ``kind`` is ``Normal`` or ``Warning``."""

    kind: str
    reason: str
    message: str


def news(before: Mapping[str, Any], after: Mapping[str, Any]) -> News | None:
    """What is worth an Event in a status that replaced another: that it is not served, and that it is again.

    None while the condition's status and reason stay, and for a Redirect that is served from its start.
    """
    was, now = programmed(before), programmed(after)
    if (was.get("status"), was.get("reason")) == (now.get("status"), now.get("reason")):
        return None
    if now.get("status") == "True":
        return News("Normal", str(now["reason"]), str(now["message"])) if was else None
    return News("Warning", str(now.get("reason")), str(now.get("message")))


class Reporter:
    """Writes core/v1 Events in the background, in the name of ``pod``. Best effort: what fails is logged, no more."""

    def __init__(self, connection: ApiConnection, namespace: str, pod: str, seconds: float) -> None:
        self._connection = connection
        self._namespace = namespace
        self._pod = pod
        self._seconds = seconds
        self._pending: set[asyncio.Task[None]] = set()

    def report(self, about: Redirect | Unreadable, what: News) -> None:
        """Write an Event. Returns at once; when too many are under way it is left out, for a status tells it too."""
        if len(self._pending) >= MOST_PENDING:
            return
        task = asyncio.create_task(self._send(self._event(about, what)))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def finish(self) -> None:
        """Wait for those under way, each of which is bounded."""
        await asyncio.gather(*self._pending)

    def _event(self, about: Redirect | Unreadable, what: News) -> dict[str, Any]:
        moment = datetime.now(UTC)
        return event(
            Involved(f"{GROUP}/{VERSION}", "Redirect", self._namespace, about.name, about.uid),
            Reporting(COMPONENT, self._pod),
            kind=what.kind,
            reason=what.reason,
            message=what.message,
            unique=secrets.token_hex(8),
            first=moment,
            last=moment,
            count=1,
        )

    async def _send(self, event: Mapping[str, Any]) -> None:
        path = f"/api/v1/namespaces/{self._namespace}/events"
        fault = ""
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._connection.request("POST", path, json.dumps(event).encode())
            if not 200 <= answer.code < 300:
                fault = f"the API server answered {answer.code}"
        except TimeoutError:
            fault = f"no answer within {self._seconds:g} s"
        except Unreachable as error:
            fault = str(error)
        if fault:
            _log.warning("event_lost", redirect=event["involvedObject"]["name"], reason=event["reason"], message=fault)
