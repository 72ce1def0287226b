"""As many rejections as come: through the API server, and at the webhook's own port.

``pytest -o log_cli=true --log-cli-level=info`` shows how many that was a second.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
import uuid
from collections.abc import Iterator

import aiohttp
import pytest
import uvloop
from tests.controlplane.team import LEASE, Team
from tests.server.conftest import Caller, head

from leadergate_lab.bench.reviews import review
from leadergate_lab.cluster import PodIdentity
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.writer import Answer, Form

from .conftest import MakeTeam, agree
from .ledger import Told, denied, unrecorded
from .outputs import FiledWebhook

log = logging.getLogger(__name__)

WRITES = 1500
CALLS = 8000
CONNECTIONS = 64
HOLDERS = 10


@pytest.fixture(name="webhook", scope="module")
def a_webhook(plane: ControlPlane) -> Iterator[FiledWebhook]:
    """Its standard output is a file."""
    webhook = FiledWebhook(plane, "stormed")
    webhook.start()
    yield webhook
    webhook.process.stop()


def test_a_storm_of_writes(webhook: FiledWebhook, team_of: MakeTeam) -> None:
    """Each rejection that a client was told has one record and one line of the audit log, all with one reason."""
    team = team_of(webhook)
    name = team.gate(timeoutSeconds=30)
    began = time.monotonic()
    told = asyncio.run(_writes(team))
    log.info("%.0f rejected writes a second", WRITES / (time.monotonic() - began))
    assert len(told) == WRITES
    assert unrecorded(told, team.records()) == {}
    agree(team, name, told)
    assert webhook.lost() == 0


async def _writes(team: Team) -> Told:
    """Send them from a client that is quicker than the official one; what was told."""
    url = f"{team.plane.url}{team.note}/status"
    headers = {"Authorization": f"Bearer {team.cluster.pod_token(team.other)}", "Content-Type": Form.MERGE_PATCH}
    context = ssl.create_default_context(cadata=team.plane.ca_pem.decode())
    answers: list[Answer] = []
    left = iter(range(WRITES))

    async def write(session: aiohttp.ClientSession) -> None:
        for number in left:
            async with session.patch(url, json={"status": {"text": str(number)}}) as answer:
                answers.append(Answer(answer.status, await answer.json()))

    connector = aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        await asyncio.gather(*(write(session) for _ in range(CONNECTIONS)))
    return denied(answers)


def test_a_storm_of_reviews(webhook: FiledWebhook, team_of: MakeTeam) -> None:
    """Each rejection that a caller was told has one record with its reason; what was allowed has none."""
    team = team_of(webhook)
    storm = Storm(webhook, team)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(storm.run())
    log.info("%.0f rejections a second of %.0f reviews", len(storm.told) / storm.seconds, CALLS / storm.seconds)
    assert len(storm.told) + len(storm.allowed) == CALLS
    assert len(storm.allowed) == CALLS // HOLDERS
    assert unrecorded(storm.told, team.records()) == {}
    assert {record["uid"] for record in team.records()} == storm.told.keys()
    assert webhook.lost() == 0


class Storm:
    """Reviews over many connections, each sent as soon as the last one is answered; one in some is the holder's."""

    def __init__(self, webhook: FiledWebhook, team: Team) -> None:
        self.told: Told = {}
        self.allowed: set[str] = set()
        self.seconds = 0.0
        self._webhook = webhook
        self._path = f"/enforce/{team.namespace}/{LEASE}?timeout=30s"
        self._bodies = {pod: _around_the_uid(pod) for pod in (team.holder, team.other)}
        self._pods = iter(team.other if number % HOLDERS else team.holder for number in range(CALLS))

    async def run(self) -> None:
        """Send them all."""
        context = ssl.create_default_context(cadata=self._webhook.ca_pem.decode())
        address = ("127.0.0.1", self._webhook.port)
        callers = [Caller(*await asyncio.open_connection(*address, ssl=context)) for _ in range(CONNECTIONS)]
        began = time.monotonic()
        await asyncio.gather(*(self._call(caller) for caller in callers))
        self.seconds = time.monotonic() - began
        for caller in callers:
            caller.hang_up()

    async def _call(self, caller: Caller) -> None:
        told = dict(self.told)
        for pod in self._pods:
            uid = str(uuid.uuid4())
            before, after = self._bodies[pod]
            body = uid.encode().join((before, after))
            await caller.send(head(self._path, len(body)), body)
            answer = await caller.answer()
            response = answer.json["response"]
            assert response["uid"] == uid
            if response["allowed"]:
                self.allowed.add(uid)
            else:
                told[uid] = response["status"]["details"]["causes"][0]["reason"]
        self.told = {**self.told, **told}


def _around_the_uid(pod: PodIdentity) -> tuple[bytes, bytes]:
    body = review(pod, 2048)
    before, _, after = body.partition(json.loads(body)["request"]["uid"].encode())
    return before, after
