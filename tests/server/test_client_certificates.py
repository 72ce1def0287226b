"""Callers that must show a certificate: without one of the right authority no handshake comes about."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import Observed, Run

from leadergate.callers import admitting, names_of
from leadergate.run import Server, server
from leadergate.settings import SettingsFault, load
from leadergate.tls import CertificateFault, ServingCertificate
from leadergate.tls_pair import PairBytes
from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.probe import served
from leadergate_lab.keys import LabAuthority

NOW = datetime.now(UTC)
AUTHORITY = issue_authority(NOW)
PAIR = issue_serving_pair(AUTHORITY, ServingNames.parse(dns=["gate.example.org"], ips=["127.0.0.1"]), NOW)
CLIENTS, OTHERS = LabAuthority("clients"), LabAuthority("others")
WITH_SNI, WITHOUT_SNI = "gate.example.org", "127.0.0.1"
REQUEST = b"GET / HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n"


class Place:
    """A folder with the pair and the clients' authority, and what serves from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "clients.crt"
        self.ca.write_bytes(CLIENTS.pem)
        (folder / "tls.crt").write_bytes(PAIR.certificate_pem)
        (folder / "tls.key").write_bytes(PAIR.key_pem)
        self.observed = Observed()
        self.certificate = ServingCertificate.load(
            folder / "tls.crt", folder / "tls.key", observer=self.observed, client_ca=self.ca
        )
        self._numbers = 0

    def client(self, shown: tuple[bytes, bytes] | None, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """A caller's context that trusts the server and shows that certificate."""
        context = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if shown is not None:
            self._numbers += 1
            file = self.folder / f"client-{self._numbers}.pem"
            file.write_bytes(shown[0] + shown[1])
            context.load_cert_chain(file)
        return context


@pytest.fixture(name="place")
def a_place(tmp_path: Path) -> Place:
    """With a certificate that asks callers for theirs."""
    return Place(tmp_path)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer 200."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def serving(place: Place, *names: str, turned_away: list[int] | None = None) -> AsyncIterator[int]:
    """Serve as the program does; yields the port."""
    counted = [] if turned_away is None else turned_away
    connection = admitting(names, lambda: counted.append(1))
    running: Server = server(app, "127.0.0.1", 0, place.certificate.context, "reviews", connection=connection)
    task = asyncio.create_task(running.serve())
    try:
        async with asyncio.timeout(30):
            while not running.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0)
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = True
        await task


async def call(port: int, context: ssl.SSLContext, name: str = WITHOUT_SNI) -> bytes:
    """The status line of one request by a plain client, in a thread. Raises what the handshake does."""

    def ask() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(REQUEST)
            return connection.recv(4096).partition(b"\r\n")[0]

    return await asyncio.to_thread(ask)


async def refused(port: int, context: ssl.SSLContext, name: str = WITHOUT_SNI) -> bool:
    """Whether no answer comes. With TLS 1.3 a caller learns of a refusal only when it reads: as the end of it all."""
    try:
        return await call(port, context, name) == b""
    except (ssl.SSLError, ConnectionError):
        return True


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("name", [WITH_SNI, WITHOUT_SNI])
@pytest.mark.parametrize("version", VERSIONS, ids=["1.2", "1.3"])
def test_only_a_certificate_of_the_authority_gets_in(
    run: Run, place: Place, version: ssl.TLSVersion, name: str
) -> None:
    """Nobody without one, and nobody with another's: the refusal is TLS's own."""

    async def scenario() -> None:
        async with serving(place) as port:
            good = place.client(CLIENTS.client("kube-apiserver", []), version)
            assert await call(port, good, name) == b"HTTP/1.1 200 OK"
            for shown in (None, OTHERS.client("kube-apiserver", []), CLIENTS.serving(["127.0.0.1"])):
                # The last one is a server's, which is no client's although the authority is the right one.
                assert await refused(port, place.client(shown, version), name)

    run(scenario())


def test_names_are_looked_at_before_anything_is_read(run: Run, place: Place) -> None:
    """A caller of another name is cut off without an answer, and counted."""
    turned_away: list[int] = []

    async def scenario() -> None:
        async with serving(place, "kube-apiserver", "other-apiserver", turned_away=turned_away) as port:
            good = place.client(CLIENTS.client("kube-apiserver", []))
            assert await call(port, good) == b"HTTP/1.1 200 OK"
            assert not turned_away
            kubelet = place.client(CLIENTS.client("system:node:n1", ["system:nodes"]))
            assert await refused(port, kubelet)
            assert turned_away
            assert await call(port, good) == b"HTTP/1.1 200 OK"

    run(scenario())


def test_a_changed_authority_is_taken_while_serving(run: Run, place: Place) -> None:
    """First both, then the new one alone; a bad file keeps the last good one and is told once."""

    async def scenario() -> None:
        old, new = place.client(CLIENTS.client("a", [])), place.client(OTHERS.client("a", []))
        async with serving(place) as port:
            place.ca.write_bytes(CLIENTS.pem + OTHERS.pem)
            assert await place.certificate.refresh()
            assert await call(port, old) == await call(port, new) == b"HTTP/1.1 200 OK"
            place.ca.write_bytes(OTHERS.pem)
            assert await place.certificate.refresh()
            assert await call(port, new) == b"HTTP/1.1 200 OK"
            assert await refused(port, old)
            for content in (b"", b"junk", PAIR.key_pem):
                place.ca.write_bytes(content)
                assert not await place.certificate.refresh()
            place.ca.unlink()
            assert not await place.certificate.refresh()
            assert await call(port, new) == b"HTTP/1.1 200 OK"
            assert len(place.observed.faults) == 2
            assert "holds no certificate that can be read" in place.observed.faults[0]
            assert "PRIVATE KEY" not in "".join(place.observed.faults)

    run(scenario())


def test_a_pair_that_is_handed_over_asks_for_certificates_too(run: Run, place: Place) -> None:
    """Before there is one, nobody gets in; afterwards those of the authority alone."""
    place.certificate = ServingCertificate.awaited("tls.crt", "tls.key", observer=place.observed, client_ca=place.ca)

    async def scenario() -> None:
        good = place.client(CLIENTS.client("a", []))
        async with serving(place) as port:
            assert await refused(port, good)
            assert await place.certificate.take(PairBytes(PAIR.certificate_pem, PAIR.key_pem))
            assert await call(port, good) == b"HTTP/1.1 200 OK"
            assert await refused(port, place.client(None))

    run(scenario())


def test_what_is_served_can_be_seen_without_a_certificate(run: Run, place: Place) -> None:
    """A rotation looks at replicas by a handshake, and holds no client's certificate."""

    async def scenario() -> None:
        async with serving(place) as port:
            assert await served("127.0.0.1", port) == PAIR.certificate

    run(scenario())


@pytest.mark.parametrize(("content", "said"), [(b"junk", "holds no certificate"), (None, "cannot be read")])
def test_a_bad_authority_is_refused_at_start(tmp_path: Path, content: bytes | None, said: str) -> None:
    """Naming the file."""
    file = tmp_path / "clients.crt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CertificateFault, match=said) as refused:
        ServingCertificate.awaited("c", "k", observer=Observed(), client_ca=file)
    assert str(file) in str(refused.value)


def test_names_without_an_authority_are_refused() -> None:
    """They could not be told from what anybody claims."""
    with pytest.raises(SettingsFault, match="set client_ca as well"):
        load(["--client-names", "kube-apiserver"], {})


def test_names_are_common_names_and_dns_names() -> None:
    """As ``getpeercert`` tells them."""
    shown = {
        "subject": ((("organizationName", "o"),), (("commonName", "kube-apiserver"),)),
        "subjectAltName": (("DNS", "a.example"), ("IP Address", "192.0.2.1")),
    }
    assert names_of(shown) == {"kube-apiserver", "a.example"}
    assert names_of(json.loads("{}")) == frozenset()
