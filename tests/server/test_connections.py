"""Connections: kept alive as the API server keeps them, and moved away when the process leaves."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from tests.server.conftest import Run, Serve, Served, Source, head, review

from leadergate.connection import MAX_HEAD
from leadergate.run import KEEP_ALIVE_SECONDS, server

GATE = "/enforce/shop/operator"


def test_one_connection_serves_many_reviews(run_uvloop: Run, served: Served) -> None:
    """In order, each with its own uid."""

    async def scenario() -> None:
        caller = await served.call()
        for number in range(50):
            answer = await caller.post(review(uid=f"review-{number}"))
            assert answer.json["response"]["uid"] == f"review-{number}"
            assert "connection" not in answer.headers

    run_uvloop(scenario())


def test_idle_connections_outlive_the_api_servers_own_patience() -> None:
    """It keeps them for 90 s: a server that closes first may reset a request on its way."""
    config = server(lambda scope, receive, send: asyncio.sleep(0), "127.0.0.1", 0, None, "test").config
    assert config.timeout_keep_alive == KEEP_ALIVE_SECONDS > 90


def test_requests_in_a_row_without_waiting(run_uvloop: Run, served: Served) -> None:
    """Pipelined requests are answered in their order."""

    async def scenario() -> None:
        caller = await served.call()
        bodies = [review(uid=f"review-{number}", size=number * 1000) for number in range(10)]
        await caller.send(*(head(GATE, len(body)) + body for body in bodies))
        for number in range(10):
            assert (await caller.answer()).json["response"]["uid"] == f"review-{number}"

    run_uvloop(scenario())


def test_a_caller_that_asks_before_it_sends(run_uvloop: Run, served: Served) -> None:
    """``Expect: 100-continue`` is answered, and then the review."""

    async def scenario() -> None:
        caller = await served.call()
        body = review()
        await caller.send(head(GATE, len(body), "expect: 100-continue"))
        assert (await caller.answer()).code == 100
        await caller.send(body)
        assert (await caller.answer()).code == 200

    run_uvloop(scenario())


def test_a_caller_that_asks_before_it_sends_too_much(run_uvloop: Run, served: Served) -> None:
    """It learns of the limit without sending anything."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(head(GATE, 2**30, "expect: 100-continue"))
        assert (await caller.answer()).code == 413

    run_uvloop(scenario())


@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_no_other_protocol_is_spoken(run_uvloop: Run, served: Served, upgrade: str) -> None:
    """An offer to change it is a bad call, since no body can follow it."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(head(GATE, len(review()), "connection: upgrade", f"upgrade: {upgrade}"), review())
        assert (await caller.answer()).code == 400
        assert (await (await served.call()).post(review())).code == 200

    run_uvloop(scenario())


def test_http_1_0(run_uvloop: Run, served: Served) -> None:
    """Answered, and the connection closed."""

    async def scenario() -> None:
        caller = await served.call()
        body = review()
        await caller.send(head(GATE, len(body)).replace(b"HTTP/1.1", b"HTTP/1.0"), body)
        assert (await caller.answer()).code == 200
        assert await caller.ended()

    run_uvloop(scenario())


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        pytest.param(f"POST {GATE} HTTP/1.1\r\nx: ".encode(), b"x" * 1000, id="endless header"),
        pytest.param(f"POST {GATE} HTTP/1.1\r\n".encode(), b"x: y\r\n" * 100, id="endless headers"),
        pytest.param(b"POST /", b"x" * 1000, id="endless path"),
        pytest.param(head(GATE, None) + b"1\r\n{\r\n0\r\n", b"x: y\r\n" * 100, id="endless trailers"),
        pytest.param(head(GATE, None) + b"1;", b"x" * 1000, id="endless chunk extension"),
    ],
)
def test_a_head_without_end(run_uvloop: Run, served: Served, begun: bytes, more: bytes) -> None:
    """What precedes and follows a body is bounded too: such a connection ends, and others are served."""

    async def scenario() -> None:
        caller = await served.call()
        await caller.send(begun)
        answer = asyncio.create_task(caller.answer())
        sent = 0
        with contextlib.suppress(ConnectionError):
            while not answer.done() and sent < 100 * MAX_HEAD:
                await caller.send(more)
                await asyncio.sleep(0)
                sent += len(more)
        assert sent < 100 * MAX_HEAD
        assert ((await answer).code, (await answer).body) == (
            400,
            b"The request's head or trailer exceeds 65536 bytes.",
        )
        await served.idle()
        assert (await (await served.call()).post(review())).code == 200

    run_uvloop(scenario())


def test_a_long_head_within_the_bound(run_uvloop: Run, served: Served) -> None:
    """Proxies add much, and large bodies that follow in small pieces do not count."""

    async def scenario() -> None:
        caller = await served.call()
        body = review(size=10 * MAX_HEAD)
        for _ in range(3):
            await caller.send(head(GATE, len(body), "x-long: " + "x" * (MAX_HEAD // 2)))
            for at in range(0, len(body), 5000):
                await caller.send(body[at : at + 5000])
            assert (await caller.answer()).code == 200

    run_uvloop(scenario())


def test_leaving(run_uvloop: Run, serve: Serve) -> None:
    """Not ready at once; still serving, but each answer asks its caller to open the next connection elsewhere."""

    async def scenario() -> None:
        async with serve(Source()) as served:
            served.webhook.api_server.answered = True
            assert (await served.plain("/readyz")).code == 200
            old = await served.call()
            assert "connection" not in (await old.post(review())).headers
            served.webhook.leave()
            readiness = await served.plain("/readyz")
            assert readiness.code == 503
            assert b"[-] shutdown: this process is about to end" in readiness.body
            assert (await served.plain("/livez")).code == 200
            for caller, body, code in ((old, review(), 200), (await served.call(), b"{", 400)):
                answer = await caller.post(body)
                assert (answer.code, answer.headers["connection"]) == (code, "close")
                assert await caller.ended()

    run_uvloop(scenario())


def test_not_ready_before_the_api_server_answered(run_uvloop: Run, served: Served) -> None:
    """Each condition is listed; being alive hangs on none."""

    async def scenario() -> None:
        readiness = await served.plain("/readyz")
        assert (readiness.code, readiness.body.decode().splitlines()) == (
            503,
            ["[+] shutdown", "[+] certificate", "[-] api-server: the API server has not answered yet"],
        )
        assert (await served.plain("/livez")).code == 200
        assert b"leadergate_reviews_total" in (await served.plain("/metrics")).body

    run_uvloop(scenario())
