"""The API server's patience over the wire: an answer always comes before it ends."""

from __future__ import annotations

import asyncio

import pytest
from tests.server.conftest import LEASE, Answer, Run, Serve, Served, Source, head, review

from leadergate.lease_source import ReadFailed
from leadergate.model import Lease, LeaseAbsent, LeaseKey


def test_a_lease_that_nobody_answers_for(run_uvloop: Run, serve: Serve) -> None:
    """503 LeaseUnreadable with the uid, while the API server still waits."""

    async def in_time(served: Served) -> Answer | None:
        """The answer, unless it was late."""
        caller = await served.call()
        try:
            async with asyncio.timeout(0.3):
                return await caller.post(review(), "/enforce/shop/operator?timeout=300ms")
        except TimeoutError:
            return None

    async def scenario() -> None:
        source = Source()
        source.open.clear()
        async with serve(source) as served:
            # On a busy machine one or another may be late, though none is meant to.
            while (answer := await in_time(served)) is None:
                pass
            assert answer.code == 503
            assert answer.message == (
                "Lease shop/operator cannot be read: the API server did not answer the read in time"
            )
            assert answer.json["details"]["causes"][0]["reason"] == "LeaseUnreadable"
            assert answer.json["details"]["uid"] == "review-1"
            assert "retry-after" not in answer.headers

    run_uvloop(scenario())


def test_each_caller_has_its_own_patience(run_uvloop: Run, serve: Serve) -> None:
    """One that shares a read with more patient ones is answered first, and they get the Lease when it comes."""

    async def scenario() -> None:
        source = Source()
        source.open.clear()
        async with serve(source) as served:
            patient, hasty = await served.call(), await served.call()
            for caller, timeout in ((patient, "20s"), (hasty, "200ms")):
                await caller.send(head(f"/enforce/shop/operator?timeout={timeout}", len(review())), review())
            assert (await hasty.answer()).code == 503
            source.open.set()
            assert (await patient.answer()).json["response"]["allowed"] is True

    run_uvloop(scenario())


class OneHangs(Source):
    """Answers at once for every Lease but one."""

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        """One read."""
        if key.name == "operator":
            return await super().get(key)
        return LEASE


def test_a_slow_lease_delays_no_other(run_uvloop: Run, serve: Serve) -> None:
    """While one gate's reads hang, another gate is answered."""

    async def scenario() -> None:
        source = OneHangs()
        source.open.clear()
        async with serve(source) as served:
            hung = [await served.call() for _ in range(20)]
            for caller in hung:
                await caller.send(head("/enforce/shop/operator?timeout=30s", len(review())), review())
            await served.reaches("in_flight", 20)
            await source.asked.wait()
            answer = await (await served.call()).post(review(), "/enforce/shop/other?timeout=30s")
            assert answer.json["response"]["allowed"] is True
            assert served.metric("in_flight") == 20

    run_uvloop(scenario())


def test_a_short_outage_is_ridden_out(run_uvloop: Run, serve: Serve) -> None:
    """Within its patience a review waits for an API server that is back soon."""

    async def scenario() -> None:
        source = Source(ReadFailed("the API server answered 500: restarting", passing=True))
        async with serve(source) as served:
            caller = await served.call()
            await caller.send(head("/enforce/shop/operator?timeout=20s", len(review())), review())
            await source.asked.wait()
            source.found = Source().found
            assert (await caller.answer()).json["response"]["allowed"] is True
            assert source.reads > 1

    run_uvloop(scenario())


@pytest.mark.parametrize("mode", ["warn", "audit"])
def test_the_gentle_modes_never_stand_in_the_way(run_uvloop: Run, serve: Serve, mode: str) -> None:
    """What enforce answers with 503 they let through, annotated with the reason."""

    async def scenario() -> None:
        source = Source(ReadFailed("forbidden", passing=False))
        async with serve(source) as served:
            caller = await served.call()
            response = (await caller.post(review(), f"/{mode}/shop/operator")).json["response"]
            assert response["allowed"] is True
            assert response["auditAnnotations"]["reason"] == "LeaseUnreadable"

    run_uvloop(scenario())
