"""The composed webhook behind real TLS, as the program serves it: only the Leases come from a source of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
import uvloop

from leadergate.app import Preflight, Webhook, _CertificateObserver, _ReadObserver, build
from leadergate.leases import CoalescingReader, ReadLimits
from leadergate.metrics import Metrics
from leadergate.model import Lease, LeaseAbsent, LeaseKey
from leadergate.records import RecordSink
from leadergate.run import server
from leadergate.settings import Settings
from leadergate.tls import ServingCertificate
from leadergate_certs.issue import ServingPair, issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_election.credentials import Access, CredentialsSource

NOW = datetime.now(UTC)
AUTHORITY = issue_authority(NOW)
PAIR: ServingPair = issue_serving_pair(AUTHORITY, ServingNames.parse(ips=["127.0.0.1"]), NOW)
CLAIM = "authentication.kubernetes.io/"
# Held for a day: no test waits for its expiry, and none may meet it.
LEASE = Lease("operator-1", "7", transitions=3, duration=86400, acquire_time=NOW)


class Run(Protocol):
    """Runs one coroutine to its end, on the loop under test."""

    def __call__(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Run it."""


@pytest.fixture(name="run_uvloop", scope="module")
def run_on_the_loop_that_the_program_uses() -> Iterator[Run]:
    """A scenario that hangs fails."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield lambda scenario: runner.run(asyncio.wait_for(scenario, 30))


@pytest.fixture(name="run", params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run_on_each_loop(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Both loops have a TLS implementation of their own, so that each scenario runs on both."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield lambda scenario: runner.run(asyncio.wait_for(scenario, 60))


class Observed:
    """Keeps what it was told of a serving certificate."""

    def __init__(self) -> None:
        self.reloads: list[datetime] = []
        self.faults: list[str] = []

    def on_reload(self, not_after: datetime) -> None:
        """Keep the expiry."""
        self.reloads.append(not_after)

    def on_fault(self, message: str) -> None:
        """Keep the message."""
        self.faults.append(message)


@dataclass
class Source:
    """Gives one Lease, at once or when ``open`` is set."""

    found: Lease | LeaseAbsent | Exception = LEASE
    reads: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def get(self, key: LeaseKey) -> Lease | LeaseAbsent:
        """One read."""
        self.reads += 1
        self.asked.set()
        await self.open.wait()
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@dataclass
class Records:
    """Keeps records, each when ``open`` is set."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def write(self, line: bytes, deadline: float) -> None:
        """Keep it."""
        self.waiting.set()
        await self.open.wait()
        self.lines.append(json.loads(line))


@dataclass
class Answer:
    """One HTTP answer."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body; it must be one JSON object."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def message(self) -> str:
        """The message of a metav1.Status."""
        assert (self.json["kind"], self.json["code"]) == ("Status", self.code)
        return str(self.json["message"])


class Caller:
    """One connection to the webhook."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(b"".join(parts))
        await self._writer.drain()

    async def answer(self) -> Answer:
        """The next answer. Raises asyncio.IncompleteReadError when the connection ends before."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        return Answer(
            int(head[0].split()[1]), headers, await self._reader.readexactly(int(headers.get("content-length", 0)))
        )

    async def post(self, body: bytes, path: str = "/enforce/shop/operator?timeout=10s") -> Answer:
        """POST a body as the API server does, and await the answer."""
        await self.send(head(path, len(body)), body)
        return await self.answer()

    async def ended(self) -> bool:
        """Await the connection's end; whether nothing more came before it."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            return await self._reader.read() == b""
        return True

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self._writer.transport.abort()


def head(path: str, length: int | None, *headers: str, method: str = "POST") -> bytes:
    """The head of a request; without ``length`` its body comes in chunks."""
    form = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = [f"{method} {path} HTTP/1.1", "host: gate", "content-type: application/json", form, *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def review(pod: str = "operator-1", *, uid: str = "review-1", size: int = 0) -> bytes:
    """A review of a status write by this pod, at least ``size`` bytes long."""
    extra = {CLAIM + "pod-name": [pod], CLAIM + "pod-uid": ["p"], CLAIM + "credential-id": ["JTI=1"]}
    request = {
        "uid": uid,
        "kind": {"group": "g", "version": "v1", "kind": "Thing"},
        "resource": {"group": "g", "version": "v1", "resource": "things"},
        "subResource": "status",
        "name": "thing",
        "namespace": "shop",
        "operation": "UPDATE",
        "userInfo": {"username": "system:serviceaccount:shop:operator", "uid": "a", "extra": extra},
        "object": {"padding": "x" * size},
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    while not condition():  # noqa: ASYNC110 - neither uvicorn nor a gauge sets an event
        await asyncio.sleep(0.005)


@dataclass
class Served:
    """A webhook that serves, and what is behind it."""

    webhook: Webhook
    source: Source
    metrics: Metrics
    port: int
    plain_port: int
    callers: list[Caller] = field(default_factory=list)

    async def call(self) -> Caller:
        """A new connection."""
        context = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port, ssl=context))
        self.callers.append(caller)
        return caller

    async def plain(self, path: str) -> Answer:
        """GET from the plain port."""
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.plain_port))
        self.callers.append(caller)
        await caller.send(head(path, 0, method="GET"))
        return await caller.answer()

    def metric(self, name: str, **labels: str) -> float:
        """One sample, 0 when there is none."""
        return self.metrics.registry.get_sample_value(f"leadergate_{name}", labels) or 0.0

    async def reaches(self, name: str, value: float) -> None:
        """Wait until a gauge shows this value."""
        await until(lambda: self.metric(name) == value)

    async def idle(self) -> None:
        """Wait until nothing is under way and no body is held."""
        await until(lambda: not self.metric("in_flight") and not self.metric("body_bytes"))


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture(name="serve", scope="module")
def a_serve(tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Serves a webhook: ``serve(source, records=..., **settings)``."""
    folder = tmp_path_factory.mktemp("serving")
    certificate, key = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(PAIR.certificate_pem)
    key.write_bytes(PAIR.key_pem)

    @contextlib.asynccontextmanager
    async def serve(source: Source, *, records: RecordSink | None = None, **settings: Any) -> AsyncIterator[Served]:
        metrics = Metrics()
        ready = Preflight(
            Settings(certificate=certificate, key=key, pod_name="leadergate-0", **settings),
            metrics,
            ServingCertificate.load(certificate, key, observer=_CertificateObserver(metrics)),
            CredentialsSource(None, None, folder),
            Access("https://127.0.0.1:1", ssl.create_default_context(), None, None, None),
        )
        reader = CoalescingReader(source, _ReadObserver(metrics), ReadLimits())
        webhook = build(ready, records=records or Records(), read_through=lambda _: reader)
        servers = [
            server(webhook.endpoint, "127.0.0.1", 0, ready.certificate.context, "reviews"),
            server(webhook.plain_app, "127.0.0.1", 0, None, "plain"),
        ]
        serving = [asyncio.create_task(each.serve()) for each in servers]
        await until(lambda: all(each.started for each in servers))
        ports = [each.servers[0].sockets[0].getsockname()[1] for each in servers]
        served = Served(webhook, source, metrics, *ports)
        try:
            yield served
        finally:
            for caller in served.callers:
                caller.hang_up()
            source.open.set()
            for each in servers:
                each.should_exit = True
            await asyncio.gather(*serving)
            await reader.close()
            await webhook.reader.close()
            await webhook.connection.close()

    return serve


@pytest.fixture(name="served", scope="module")
def one_served(run_uvloop: Run, serve: Serve) -> Iterator[Served]:
    """One webhook for all tests of a file that leave it as they found it: pod operator-1 holds the Lease."""
    context = serve(Source())
    begun: list[Served] = []

    async def begin() -> None:
        begun.append(await context.__aenter__())

    async def end() -> None:
        await context.__aexit__(None, None, None)

    run_uvloop(begin())
    yield begun[0]
    run_uvloop(end())
