"""The status write, as the pod that the credentials stand for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from leadergate_election.connection import ApiConnection, Unreachable
from leadergate_operator.gating import Failed, Outcome, outcome_of
from leadergate_operator.model import GROUP, PLURAL, VERSION

MERGE = "application/merge-patch+json"


class StatusWriter:
    """Writes the status of the Redirects of one namespace, each write within ``seconds``."""

    def __init__(self, connection: ApiConnection, namespace: str, seconds: float) -> None:
        self._connection = connection
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"
        self._seconds = seconds

    async def write(self, name: str, status: Mapping[str, Any]) -> Outcome:
        """Replace the status' fields by a merge patch. Never raises for what the API server does.

        The patch carries no ``resourceVersion``, as with many operators: it lands on whatever is stored by then.
        """
        body = json.dumps({"status": dict(status)}).encode()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._connection.request(
                    "PATCH", f"{self._path}/{name}/status", body, content_type=MERGE
                )
        except TimeoutError:
            return Failed(None, f"the API server at {self._connection.host} did not answer within {self._seconds:g} s")
        except Unreachable as error:
            return Failed(None, str(error))
        return outcome_of(answer.code, answer.body)
