"""A real TLS server whose certificate changes as a mounted Secret does, under connections that never rest."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding
from tests.server.conftest import Run

from leadergate.tls import ServingCertificate
from leadergate_certs.issue import (
    Authority,
    KeyAlgorithm,
    ServingPair,
    issue_authority,
    issue_serving_pair,
)
from leadergate_certs.names import ServingNames

NOW = datetime.now(UTC)
NAMES = ServingNames.parse(services=[("gate", "system")], ips=["127.0.0.1"])
WITH_SNI = "gate.system.svc"
WITHOUT_SNI = "127.0.0.1"  # a client sends no server name when it calls an address
REQUEST = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"


class Secret:
    """A folder that changes as the kubelet changes a mounted Secret: a symbolic link moves at once."""

    def __init__(self, folder: Path, pair: ServingPair) -> None:
        self.folder = folder
        self.cert, self.key = folder / "tls.crt", folder / "tls.key"
        self.versions = 0
        self.swap(pair)
        for name in ("tls.crt", "tls.key"):
            (folder / name).symlink_to(Path("..data") / name)

    def swap(self, pair: ServingPair) -> None:
        """Put another pair in place."""
        self.swap_bytes(pair.certificate_pem, pair.key_pem)

    def swap_bytes(self, certificate: bytes, key: bytes | None) -> None:
        """Put other contents in place; without a key there is no key file."""
        self.versions += 1
        version = self.folder / f"..{self.versions}"
        version.mkdir()
        (version / "tls.crt").write_bytes(certificate)
        if key is not None:
            (version / "tls.key").write_bytes(key)
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self.folder / "..data")


@dataclass
class Observed:
    """Keeps what it was told, to be awaited."""

    reloaded: asyncio.Queue[datetime] = field(default_factory=asyncio.Queue)
    faults: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def on_reload(self, not_after: datetime) -> None:
        """Keep the expiry."""
        self.reloaded.put_nowait(not_after)

    def on_fault(self, message: str) -> None:
        """Keep the message."""
        self.faults.put_nowait(message)


class Announced(uvicorn.Server):
    """A server that says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.ready.set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer 204."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def serve(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Run uvicorn with this context on a free port; yield the port."""
    factory = lambda config, default: context  # noqa: E731  (the form in which uvicorn takes a context)
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, ssl_context_factory=factory)
    server = Announced(config)
    serving = asyncio.create_task(server.serve())
    try:
        await server.ready.wait()
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


def trust(*authorities: Authority, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client's context that trusts these authorities alone and checks names, in one TLS version or any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata="".join(one.certificate_pem.decode() for one in authorities))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class Connection:
    """A client's connection, kept alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, port: int, client: ssl.SSLContext, name: str) -> AsyncIterator[Connection]:
        """Connect and shake hands; raises what the handshake raises."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=name)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    @property
    def tls(self) -> ssl.SSLObject:
        """The TLS side of it."""
        tls: ssl.SSLObject = self.writer.get_extra_info("ssl_object")
        return tls

    @property
    def certificate(self) -> bytes:
        """The certificate that the server showed, as DER."""
        return self.tls.getpeercert(binary_form=True) or b""

    async def call(self) -> bytes:
        """Send a request and return the answer's status line."""
        self.writer.write(REQUEST)
        head = await self.reader.readuntil(b"\r\n\r\n")
        return head.split(b"\r\n")[0]


def der(pair: ServingPair) -> bytes:
    """A pair's certificate as a client sees it."""
    return pair.certificate.public_bytes(Encoding.DER)


@pytest.fixture(scope="module", name="authority")
def one_authority() -> Authority:
    """The authority that clients trust."""
    return issue_authority(NOW)


def pairs(authority: Authority, count: int) -> list[ServingPair]:
    """Pairs of both kinds of key in turn, so that a handshake that mixed two would fail; no two expire together."""
    kinds = [KeyAlgorithm.ECDSA_P256, KeyAlgorithm.RSA_2048]
    return [
        issue_serving_pair(authority, NAMES, NOW, algorithm=kinds[turn % 2], lifetime=timedelta(days=30 + turn))
        for turn in range(count)
    ]


each_client = pytest.mark.parametrize("name", [WITH_SNI, WITHOUT_SNI], ids=["sni", "no-sni"])
each_version = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def load(secret: Secret) -> tuple[ServingCertificate, Observed]:
    """Load a Secret as a starting server does."""
    observed = Observed()
    return ServingCertificate.load(secret.cert, secret.key, observer=observed), observed


@each_client
@each_version
def test_no_handshake_fails_while_secrets_change(
    tmp_path: Path, run: Run, authority: Authority, name: str, version: ssl.TLSVersion
) -> None:
    """Under constant handshakes and a kept connection, each change shows at once and nothing ever fails."""

    async def scenario() -> None:
        issued = pairs(authority, 6)
        secret = Secret(tmp_path, issued[0])
        serving, observed = load(secret)
        client = trust(authority, version=version)
        seen: list[bytes] = []
        arrived, done = asyncio.Condition(), asyncio.Event()

        async def shake_hands_without_pause() -> None:
            while not done.is_set():
                async with Connection.open(port, client, name) as connection:
                    assert await connection.call() == b"HTTP/1.1 204 No Content"
                    seen.append(connection.certificate)
                async with arrived:
                    arrived.notify_all()

        async with serve(serving.context) as port, Connection.open(port, client, name) as kept:
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(shake_hands_without_pause())
                for pair in issued[1:]:
                    secret.swap(pair)
                    assert await serving.refresh() is True
                    async with Connection.open(port, client, name) as fresh:
                        assert fresh.certificate == der(pair)
                    assert await kept.call() == b"HTTP/1.1 204 No Content"
                    async with arrived:
                        await arrived.wait_for(lambda pair=pair: der(pair) in seen)  # type: ignore[misc]
                done.set()
            assert kept.certificate == der(issued[0])
        assert set(seen) <= {der(pair) for pair in issued}
        assert observed.faults.empty()

    run(scenario())


@each_client
def test_bad_pairs_never_reach_a_client(tmp_path: Path, run: Run, authority: Authority, name: str) -> None:
    """Through every kind of bad pair, new handshakes get the last good one; the next good one is taken."""

    async def scenario() -> None:
        good, other, recovered = pairs(authority, 3)
        old = issue_authority(NOW - timedelta(days=30))
        past = issue_serving_pair(old, NAMES, NOW - timedelta(days=30), lifetime=timedelta(days=7))
        secret = Secret(tmp_path, good)
        serving, observed = load(secret)
        client = trust(authority)
        async with serve(serving.context) as port, Connection.open(port, client, name) as kept:
            for certificate, key in [
                (good.certificate_pem, other.key_pem),
                (other.certificate_pem, b"corrupt"),
                (other.certificate_pem[:-40], other.key_pem),
                (past.certificate_pem, past.key_pem),
                (other.certificate_pem, None),
            ]:
                secret.swap_bytes(certificate, key)
                assert await serving.refresh() is False
                async with Connection.open(port, client, name) as fresh:
                    assert fresh.certificate == der(good)
                    assert await fresh.call() == b"HTTP/1.1 204 No Content"
                assert await kept.call() == b"HTTP/1.1 204 No Content"
            assert observed.faults.qsize() == 5
            secret.swap(recovered)
            assert await serving.refresh() is True
            async with Connection.open(port, client, name) as fresh:
                assert fresh.certificate == der(recovered)

    run(scenario())


def test_watch_takes_a_changed_secret(tmp_path: Path, run: Run, authority: Authority) -> None:
    """The watch sees changes by itself, goes on after a fault, and ends when cancelled."""

    async def scenario() -> None:
        first, second, third = pairs(authority, 3)
        secret = Secret(tmp_path, first)
        serving, observed = load(secret)
        watching = asyncio.create_task(serving.watch(interval=0.001))
        for pair in (second, third):
            secret.swap_bytes(first.certificate_pem, None)
            assert "tls.key: cannot be read" in await observed.faults.get()
            secret.swap(pair)
            assert await observed.reloaded.get() == pair.certificate.not_valid_after_utc
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    run(scenario())


def test_clients_refuse_wrong_names_and_strangers(tmp_path: Path, run: Run, authority: Authority) -> None:
    """A client that calls another name or address, or trusts another authority, ends the handshake."""

    async def scenario() -> None:
        serving, _ = load(Secret(tmp_path, pairs(authority, 1)[0]))
        async with serve(serving.context) as port:
            for client, name, reason in [
                (trust(authority), "other.system.svc", "Hostname mismatch"),
                (trust(authority), "127.0.0.2", "IP address mismatch"),
                (trust(issue_authority(NOW)), WITH_SNI, "unable to get local issuer"),
            ]:
                with pytest.raises(ssl.SSLCertVerificationError, match=reason):
                    async with Connection.open(port, client, name):
                        pass
            async with Connection.open(port, trust(authority, issue_authority(NOW)), WITH_SNI) as good:
                assert await good.call() == b"HTTP/1.1 204 No Content"

    run(scenario())


def test_protocol_is_negotiated(tmp_path: Path, run: Run, authority: Authority) -> None:
    """A client that offers HTTP/2 first is held to HTTP/1.1."""

    async def scenario() -> None:
        serving, _ = load(Secret(tmp_path, pairs(authority, 1)[0]))
        client = trust(authority)
        client.set_alpn_protocols(["h2", "http/1.1"])
        async with serve(serving.context) as port, Connection.open(port, client, WITH_SNI) as connection:
            assert connection.tls.selected_alpn_protocol() == "http/1.1"

    run(scenario())
