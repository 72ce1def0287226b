"""Questions to something that answers late, oddly or not at all."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from leadergate.gates.spec import Account, Service
from leadergate.survey import questions as module
from leadergate.survey.look import CannotLook, look
from leadergate.survey.parts import Known, Looked, Right, Unknown
from leadergate.survey.questions import AT_ONCE, Questions
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import Access, CredentialsSource

PODS = Right("list", "", "pods", "shop")
Answer = Callable[[str], Awaitable[bytes]]


@asynccontextmanager
async def asking(answer: Answer) -> AsyncIterator[ApiConnection]:
    """A connection to a server on loopback that sends, for a request line, what ``answer`` returns."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await answer(head.split(b"\r\n")[0].decode()))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    access = Access(f"http://127.0.0.1:{port}", ssl.create_default_context(), None, None, None)
    source = CredentialsSource(None, None, Path("/nowhere"), {})
    connection = ApiConnection(source, access, user_agent="tests", on_reload_fault=lambda _: None)
    try:
        yield connection
    finally:
        await connection.close()
        server.close()
        await server.wait_closed()


def http(code: int, body: str) -> bytes:
    """An HTTP answer after which the connection ends."""
    return f"HTTP/1.1 {code} x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def always(answer: bytes) -> Answer:
    """The same to everybody."""

    async def answered(_: str) -> bytes:
        return answer

    return answered


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http(200, '{"items": [{"a": 1}, null]}'), Known([{"a": 1}])),
        (http(200, '{"items": null}'), Known([])),
        (http(200, "[]"), Unknown("what answered to list pods -n shop is no API server")),
        (http(200, "<html>"), Unknown("what answered to list pods -n shop is no API server")),
        (http(403, "{}"), Unknown("a right is missing, see: kubectl auth can-i list pods -n shop")),
        (
            http(500, '{"message": "etcd is gone"}'),
            Unknown("the API server answered 500 to list pods -n shop: etcd is gone"),
        ),
        (http(401, "no"), Unknown("the API server answered 401 to list pods -n shop: no reason given")),
        (http(404, "404 page not found"), Unknown("the API server answered 404 to list pods -n shop: no reason given")),
    ],
)
async def test_what_is_answered(answer: bytes, expected: Looked[object]) -> None:
    """Items, or why there are none to see."""
    async with asking(always(answer)) as connection:
        assert await Questions(connection).items("/api/v1/namespaces/shop/pods", PODS) == expected


async def test_a_long_list_comes_in_pages() -> None:
    """Each is asked for with what the one before it said; the path's own query stays."""
    asked = list[str]()

    async def answer(line: str) -> bytes:
        asked.append(line.split(" ")[1])
        if "continue=" not in line:
            return http(200, '{"metadata": {"continue": "a/b="}, "items": [{"n": 1}]}')
        return http(200, '{"metadata": {}, "items": [{"n": 2}]}')

    async with asking(answer) as connection:
        assert await Questions(connection).items("/x?labelSelector=a", PODS) == Known([{"n": 1}, {"n": 2}])
    assert asked == ["/x?labelSelector=a&limit=500", "/x?labelSelector=a&limit=500&continue=a%2Fb%3D"]


async def test_an_object_that_is_not_there() -> None:
    """It is known not to be."""
    async with asking(always(http(404, "{}"))) as connection:
        assert await Questions(connection).object("/x", PODS) == Known(None)


async def test_an_answer_that_breaks_off() -> None:
    """Why is what the connection says."""
    async with asking(always(b"")) as connection:
        found = await Questions(connection).text("/metrics", Right("get", "", "/metrics"))
    assert isinstance(found, Unknown)
    assert "cannot be reached" in found.why


async def test_an_answer_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits only so long, and others are answered meanwhile."""
    held = asyncio.Event()

    async def answer(line: str) -> bytes:
        if "/slow" in line:
            await held.wait()
        return http(200, '{"items": []}')

    async with asking(answer) as connection:
        questions = Questions(connection)
        slow = asyncio.create_task(questions.items("/slow", PODS))
        assert await questions.items("/quick", PODS) == Known([])
        assert not slow.done()
        monkeypatch.setattr(module, "SECONDS", 0.2)
        given_up = await questions.items("/slow", PODS)
        held.set()
        assert await slow == Known([])
    assert given_up == Unknown(f"the API server at {connection.host} gave no answer within 0.2 s to list pods -n shop")


async def test_all_questions_together_take_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that had to wait for others are given up, too; and only a few are asked at once."""
    monkeypatch.setattr(module, "ALL_SECONDS", 0.3)
    held, asked = asyncio.Event(), list[str]()

    async def answer(line: str) -> bytes:
        asked.append(line)
        await held.wait()
        return b""

    async with asking(answer) as connection:
        questions = Questions(connection)
        found = await asyncio.gather(*(questions.items(f"/{number}", PODS) for number in range(3 * AT_ONCE)))
        held.set()
    assert set(found) == {Unknown("no time was left to list pods -n shop")}
    assert len(asked) <= AT_ONCE


ACCOUNT = Account("sys", "gate")
READ = Right("get", "coordination.k8s.io", "leases", "shop", "lock")


@pytest.mark.parametrize(
    ("whoami", "review"),
    [
        ("system:serviceaccount:sys:gate", "selfsubjectaccessreviews"),
        ("system:serviceaccount:other:gate", "subjectaccessreviews"),
        ("somebody", "subjectaccessreviews"),
        ("", "subjectaccessreviews"),
    ],
)
async def test_whoever_is_the_account_asks_of_itself(whoami: str, review: str) -> None:
    """Anybody may ask that. Whoever is somebody else, or is not told who it is, asks of the account."""
    asked = list[str]()

    async def answer(line: str) -> bytes:
        asked.append(line.split(" ")[1].rpartition("/")[2])
        if "selfsubjectreviews" in line:
            user = f'{{"status": {{"userInfo": {{"username": "{whoami}"}}}}}}'
            return http(201, user) if whoami else http(404, "{}")
        return http(201, '{"status": {"allowed": true}}')

    async with asking(answer) as connection:
        questions = Questions(connection)
        assert await asyncio.gather(questions.may(ACCOUNT, READ), questions.may(ACCOUNT, PODS)) == [Known(True)] * 2
    assert sorted(asked) == sorted(["selfsubjectreviews", review, review])


async def test_a_look_at_nobody() -> None:
    """It says whom it could not reach, and what it wanted there."""
    async with asking(always(b"")) as connection:
        with pytest.raises(
            CannotLook, match=r"^validatingwebhookconfigurations cannot be listed: .* cannot be reached"
        ):
            await look(connection, service=Service("a", "b"), account=Account("a", "b"), secret="a/tls")
