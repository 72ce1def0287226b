"""An Event on the Lease for each change of leader that this process makes. Best effort: it never harms the election."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime

import structlog

from leadergate_election.connection import ApiConnection, Unreachable
from leadergate_election.event_object import Involved, Reporting, event
from leadergate_election.lease import Lease

EVENT_SECONDS = 5.0
AT_ONCE = 16
COMPONENT = "leadergate-elector"
REASON = "LeaderElection"

_log = structlog.get_logger()


class EventRecorder:
    """Writes core/v1 Events in the background, each within ``timeout`` seconds; what fails is logged and forgotten.

    ``instance`` is the reporting process, its pod's name; ``component`` names the program. Belongs to one event loop.
    """

    def __init__(
        self,
        connection: ApiConnection,
        instance: str = "",
        *,
        component: str = COMPONENT,
        timeout: float = EVENT_SECONDS,
    ) -> None:
        self._connection = connection
        self._instance = instance
        self._component = component
        self._timeout = timeout
        self._sending: set[asyncio.Task[None]] = set()

    def record(self, lease: Lease, message: str) -> None:
        """Begin to write an Event; returns at once. Dropped when too many are under way."""
        if len(self._sending) >= AT_ONCE:
            _log.warning("event_dropped", message=message)
            return
        task = asyncio.create_task(self._send(lease, message), name="event")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def flush(self) -> None:
        """Wait for the Events under way, each of which ends within its timeout."""
        if self._sending:
            await asyncio.wait(set(self._sending))

    async def _send(self, lease: Lease, message: str) -> None:
        body = json.dumps(self._event(lease, message)).encode()
        path = f"/api/v1/namespaces/{lease.metadata['namespace']}/events"
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._connection.request("POST", path, body)
            fault = "" if answer.code < 300 else f"the API server answered {answer.code}"
        except (TimeoutError, Unreachable) as error:
            fault = str(error) or "no answer in time"
        if fault:
            _log.warning(
                "event_not_written", message=message, fault=fault, remedy="grant create on events, if it is 403"
            )

    def _event(self, lease: Lease, message: str) -> dict[str, object]:
        """As client-go's lock words it: reason ``LeaderElection``, ``{identity} became leader``."""
        at, about = datetime.now(UTC), lease.metadata
        involved = Involved(
            lease.manifest["apiVersion"],
            "Lease",
            about["namespace"],
            about["name"],
            about.get("uid", ""),
            about.get("resourceVersion", ""),
        )
        return event(
            involved,
            Reporting(self._component, self._instance),
            kind="Normal",
            reason=REASON,
            message=message,
            unique=f"{time.time_ns():x}",
            first=at,
            last=at,
            count=1,
        )
