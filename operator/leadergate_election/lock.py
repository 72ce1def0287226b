"""Requests for one Lease, each bounded in time, and what became of them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import StrEnum

from leadergate_election.clock import now
from leadergate_election.connection import ApiAnswer, ApiConnection, Unreachable
from leadergate_election.lease import Lease, NoLease
from leadergate_election.metrics import ElectionMetrics
from leadergate_election.settings import ElectionSettings

SAID_CHARACTERS = 300


class Result(StrEnum):
    """What became of a request; also a label of metrics."""

    OK = "ok"
    ABSENT = "absent"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    REFUSED = "refused"
    FAILED = "failed"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


# A write that ended so may have been committed all the same, now or later.
DOUBTFUL = frozenset({Result.FAILED, Result.TIMEOUT, Result.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a request: the Lease when there is one, else a message for people."""

    result: Result
    lease: Lease | None = None
    message: str = ""
    retry_after: float = 0.0


class LeaseLock:
    """The Lease of an election on the API server."""

    def __init__(
        self, connection: ApiConnection, settings: ElectionSettings, metrics: ElectionMetrics | None = None
    ) -> None:
        self._connection = connection
        self._name = settings.name
        self._metrics = metrics
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases"
        self._path = f"{self._collection}/{settings.name}"

    async def get(self, timeout: float) -> Outcome:
        """Read the Lease as it is now: a quorum read."""
        return await self._request("get", "GET", self._path, None, timeout)

    async def create(self, body: bytes, timeout: float) -> Outcome:
        """Make the Lease; CONFLICT when it is there already."""
        return await self._request("create", "POST", self._collection, body, timeout)

    async def update(self, body: bytes, timeout: float) -> Outcome:
        """Write the Lease if it still has the ``resourceVersion`` in ``body``; CONFLICT when it has not."""
        return await self._request("update", "PUT", self._path, body, timeout)

    async def _request(self, verb: str, method: str, path: str, body: bytes | None, timeout: float) -> Outcome:
        began = now()
        outcome = Outcome(Result.TIMEOUT, message=f"no answer from {self._connection.host} in time")
        try:
            async with asyncio.timeout(timeout):
                outcome = _judged(await self._connection.request(method, path, body), method)
        except TimeoutError:
            pass
        except Unreachable as error:
            outcome = Outcome(Result.UNREACHABLE, message=str(error))
        if self._metrics is not None:
            self._metrics.request(self._name, verb, outcome.result, now() - began)
        return outcome


def _judged(answer: ApiAnswer, method: str) -> Outcome:
    retry_after = answer.retry_after or 0.0
    if 200 <= answer.code < 300:
        try:
            return Outcome(Result.OK, Lease.parse(answer.body))
        except NoLease as error:
            return Outcome(Result.FAILED, message=str(error))
    message = f"the API server answered {answer.code}: {_said(answer.body)}"
    match answer.code:
        case 404 if method != "POST":
            return Outcome(Result.ABSENT, message=message)
        case 409:
            return Outcome(Result.CONFLICT, message=message)
        case 429:
            return Outcome(Result.THROTTLED, message=message, retry_after=retry_after)
        case code if 400 <= code < 500:
            return Outcome(Result.REFUSED, message=message, retry_after=retry_after)
    return Outcome(Result.FAILED, message=message, retry_after=retry_after)


def _said(body: bytes) -> str:
    """What an error's body says: the message of a ``metav1.Status``, or the beginning of something else."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace")
    return " ".join(str(said).split())[:SAID_CHARACTERS] or "nothing more"
