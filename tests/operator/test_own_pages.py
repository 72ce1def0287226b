"""What a replica tells about itself: health, readiness, metrics."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import urllib3

from leadergate_lab.demo.link import Link
from leadergate_operator.server import Listener, bind, build_app
from leadergate_operator.table import Table

from .conftest import CALM, PATIENCE, Fleet


class Told:
    """What the server is told, without a replica."""

    table = Table()

    def __init__(self, *, unready: str = "", unhealthy: str = "") -> None:
        self._unready = unready
        self._unhealthy = unhealthy

    def unready(self) -> str:
        """As it was told."""
        return self._unready

    def unhealthy(self) -> str:
        """As it was told."""
        return self._unhealthy

    def describe(self) -> dict[str, Any]:
        """Nobody leads."""
        return {"pod": "pod-0", "leading": False, "leader": None}

    def exposition(self) -> bytes:
        """Nothing was counted."""
        return b""


async def answer(told: Told, path: str) -> tuple[int, dict[str, Any]]:
    """Status and body of what a server answers that is told this."""
    listening = bind("127.0.0.1", 0)
    serving = asyncio.Event()
    listener = Listener(build_app(told), on_serving=serving.set)
    task = asyncio.create_task(listener.serve(sockets=[listening]))
    try:
        await serving.wait()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}{path}"
        with urllib3.PoolManager() as pool:
            found = await asyncio.to_thread(pool.request, "GET", url, retries=False, timeout=PATIENCE)
        return found.status, found.json()
    finally:
        listener.should_exit = True
        await task


@pytest.mark.parametrize(
    ("path", "told", "code", "status"),
    [
        ("/healthz", Told(), 200, "ok"),
        ("/healthz", Told(unready="not yet"), 200, "ok"),
        ("/healthz", Told(unhealthy="the Lease expired 30 s ago"), 500, "the Lease expired 30 s ago"),
        ("/readyz", Told(), 200, "ok"),
        ("/readyz", Told(unready="this replica is stopping"), 503, "this replica is stopping"),
        ("/readyz", Told(unhealthy="the Lease expired"), 200, "ok"),
    ],
)
async def test_health_and_readiness(path: str, told: Told, code: int, status: str) -> None:
    """Each says why not, in words, with the code that a probe fails by."""
    found, body = await answer(told, path)
    assert (found, body["status"]) == (code, status)


def test_it_is_unready_until_it_has_listed(fleet: Fleet, link: Link) -> None:
    """It serves at once, says that it has no table yet, and stands for no election; then it does all that."""
    link.hold()
    replica = fleet.launch("pod-0", *CALM, server=link.url)
    replica.until(lambda: bool(replica.log("serving")), "it serves")
    unready = replica.get("/readyz")
    assert (unready.status, unready.json()["status"]) == (503, "the Redirects have not been listed yet")
    assert replica.get("/healthz").status == 200
    assert replica.log("standing") == []
    link.release()
    replica.until(replica.is_ready, "ready")
    fleet.leader()


def test_the_metrics_count(fleet: Fleet) -> None:
    """Queue, table, writes, lists, takeovers, and the election under client-go's name."""
    replica = fleet.start(1, *CALM)[0]
    fleet.leader()
    fleet.create("older", "/same", "https://one.example")
    fleet.create("younger", "/same", "https://two.example")
    replica.until(lambda: bool(replica.writes("older", "accepted")), "a write")
    replica.until(lambda: bool(replica.writes("younger", "accepted")), "another")
    assert replica.metric("workqueue_depth", name="redirect") == 0
    assert replica.metric("workqueue_work_duration_seconds_count", name="redirect") >= 2
    assert replica.metric("leadergate_operator_status_writes_total", outcome="accepted") >= 2
    assert replica.metric("leadergate_operator_status_writes_total", outcome="failed") == 0
    assert replica.metric("leadergate_operator_redirects", outcome="serving") == 1
    assert replica.metric("leadergate_operator_redirects", outcome="conflict") == 1
    assert replica.metric("leadergate_operator_reconciles_total") >= 2
    assert replica.metric("leadergate_operator_lists_total") == 1
    assert replica.metric("leadergate_operator_takeovers_total") == 1
    assert replica.metric("leader_election_master_status", name="operator-lock") == 1
