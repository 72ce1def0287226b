"""Bodies over the wire: bounded in size, in time and all together, and given back whatever becomes of the caller."""

from __future__ import annotations

import asyncio

import pytest
from tests.server.conftest import Run, Serve, Served, Source, head, review

GATE = "/enforce/shop/operator"
LIMIT = 256 * 1024
LONG = b"x" * 65536


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_body_as_large_as_the_limit(run_uvloop: Run, served: Served) -> None:
    """7 MiB: more than the API server's own store takes of one object."""

    async def scenario() -> None:
        body = review(size=7 * 2**20 - len(review()))
        assert len(body) == 7 * 2**20
        caller = await served.call()
        assert (await caller.post(body)).json["response"]["allowed"] is True
        answer = await caller.post(body + b" ")
        assert (answer.code, answer.message) == (413, "the body exceeds 7340032 bytes (--max-body-bytes)")

    run_uvloop(scenario())


def test_a_length_beyond_the_limit_is_refused_before_the_body(run_uvloop: Run, served: Served) -> None:
    """Nothing of it is awaited, and the connection ends, as the rest is not worth reading."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(head(GATE, 7 * 2**20 + 1))
        answer = await caller.answer()
        assert (answer.code, answer.headers["connection"]) == (413, "close")
        assert await caller.ended()

    run_uvloop(scenario())


def test_chunks_beyond_the_limit_are_refused_as_they_come(run_uvloop: Run, serve: Serve) -> None:
    """An endless body is cut off at the limit, and no more than that is ever held."""

    async def scenario() -> None:
        async with serve(Source(), max_body_bytes=LIMIT) as served:
            caller = await served.call()
            await caller.send(head(GATE, None))

            async def endless() -> None:
                while True:
                    await caller.send(chunk(LONG))

            sending = asyncio.create_task(endless())
            answer = await caller.answer()
            assert (answer.code, answer.headers["connection"]) == (413, "close")
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await served.idle()
            assert served.metric("bad_calls_total", code="413") == 1

    run_uvloop(scenario())


def test_a_body_is_held_piece_by_piece(run_uvloop: Run, serve: Serve) -> None:
    """What has arrived counts, and not what was announced."""

    async def scenario() -> None:
        async with serve(Source(), max_body_bytes=LIMIT) as served:
            caller = await served.call()
            body = review(size=LIMIT // 2)
            await caller.send(head(GATE, len(body)), body[:1000])
            await served.reaches("body_bytes", 1000)
            assert served.metric("in_flight") == 1
            await caller.send(body[1000:1500])
            await served.reaches("body_bytes", 1500)
            await caller.send(body[1500:])
            assert (await caller.answer()).code == 200
            await served.idle()

    run_uvloop(scenario())


@pytest.mark.parametrize("timeout", ["200ms", "0.3s"])
def test_a_body_that_stalls(run_uvloop: Run, served: Served, timeout: str) -> None:
    """408 while the API server still waits, and the end of that connection."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(head(f"{GATE}?timeout={timeout}", 100), b"{")
        answer = await caller.answer()
        assert (answer.code, answer.headers["connection"]) == (408, "close")
        assert answer.message == "the body did not arrive in time"
        assert await caller.ended()
        await served.idle()

    run_uvloop(scenario())


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(head(GATE, 100), id="before the body"),
        pytest.param(head(GATE, 100) + b"{", id="within the body"),
        pytest.param(head(GATE, None) + chunk(LONG), id="between chunks"),
    ],
)
def test_a_caller_that_hangs_up_leaves_nothing_behind(run_uvloop: Run, served: Served, said: bytes) -> None:
    """Neither is it counted as under way, nor does its body stay held."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(said)
        await served.reaches("in_flight", 1)
        caller.hang_up()
        await served.idle()

    run_uvloop(scenario())


def test_a_caller_that_hangs_up_while_its_lease_is_read(run_uvloop: Run, serve: Serve) -> None:
    """The read ends, and then nothing is left of it."""

    async def scenario() -> None:
        source = Source()
        source.open.clear()
        async with serve(source) as served:
            caller = await served.call()
            body = review(size=LIMIT)
            await caller.send(head(GATE, len(body)), body)
            await source.asked.wait()
            caller.hang_up()
            source.open.set()
            await served.idle()
            assert (await (await served.call()).post(review())).code == 200

    run_uvloop(scenario())


def test_more_reviews_than_may_be_under_way(run_uvloop: Run, serve: Serve) -> None:
    """503 with Retry-After, counted; as soon as one ends there is room again."""

    async def scenario() -> None:
        source = Source()
        source.open.clear()
        async with serve(source, max_in_flight=2) as served:
            waiting = [await served.call() for _ in range(2)]
            for caller in waiting:
                await caller.send(head(GATE, len(review())), review())
            await served.reaches("in_flight", 2)
            surplus = await served.call()
            answer = await surplus.post(review())
            assert (answer.code, answer.headers["retry-after"]) == (503, "1")
            assert answer.message == "2 reviews are under way (--max-in-flight 2)"
            assert served.metric("overload_rejections_total") == 1
            source.open.set()
            assert [(await caller.answer()).code for caller in waiting] == [200, 200]
            await served.idle()
            assert (await surplus.post(review())).code == 200
            assert served.metric("overload_rejections_total") == 1

    run_uvloop(scenario())


def test_more_bytes_than_may_be_held_together(run_uvloop: Run, serve: Serve) -> None:
    """503 with Retry-After, counted; what was turned away holds nothing, and there is room again afterwards."""

    async def scenario() -> None:
        source = Source()
        source.open.clear()
        async with serve(source, max_body_bytes=LIMIT, max_body_bytes_in_flight=LIMIT) as served:
            large = review(size=LIMIT * 3 // 4)
            first, second = await served.call(), await served.call()
            await first.send(head(GATE, len(large)), large)
            await source.asked.wait()
            held = served.metric("body_bytes")
            assert held == len(large)
            answer = await second.post(large)
            assert (answer.code, answer.headers["retry-after"]) == (503, "1")
            assert "--max-body-bytes-in-flight 262144" in answer.message
            assert served.metric("body_bytes") == held
            assert served.metric("overload_rejections_total") == 1
            source.open.set()
            assert (await first.answer()).code == 200
            await served.idle()
            assert (await second.post(large)).code == 200

    run_uvloop(scenario())


def test_bad_calls_need_no_room(run_uvloop: Run, serve: Serve) -> None:
    """A wrong path is told so under load too: it is not load that is at fault."""

    async def scenario() -> None:
        source = Source()
        source.open.clear()
        async with serve(source, max_in_flight=1) as served:
            await (await served.call()).send(head(GATE, len(review())), review())
            await served.reaches("in_flight", 1)
            assert (await (await served.call()).post(b"", "/enforce")).code == 404

    run_uvloop(scenario())
