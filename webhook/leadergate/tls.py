"""The serving certificate: loaded from files or handed over, and replaced while connections run.

What was validated as bytes is what is served: files are not opened a second time. A fresh context is built
for every pair, because loading into a live one breaks it when the pair does not match. The server keeps one
outer context, without a certificate, whose SNI callback hands each new handshake the newest context; OpenSSL
runs that callback for clients that send no server name, too.

Not promised: a connection that stands keeps the certificate of its handshake.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from leadergate.tls_context import client_authorities, new_context, serving_context
from leadergate.tls_pair import CertificateFault, PairBytes, validate

__all__ = ["CertificateFault", "ReloadObserver", "ServingCertificate"]

Clock = Callable[[], datetime]

_READS = 3


class ReloadObserver(Protocol):
    """Learns what becomes of the files after the first load; metrics and logs hang on it."""

    def on_reload(self, not_after: datetime) -> None:
        """Take note that new handshakes get another certificate, valid until `not_after`."""

    def on_fault(self, message: str) -> None:
        """Take note that the files cannot be served and the last good pair goes on. Told once per fault."""


@dataclass(frozen=True)
class _Served:
    """A validated pair and the clients' authorities, as they were read, and the context built from them."""

    pair: PairBytes
    clients: bytes | None
    context: ssl.SSLContext
    not_after: datetime


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class ServingCertificate:
    """The certificate in service. Make one with `load`, kept in step with two files, or with `awaited`.

    With a `client_ca`, a file of PEM certificates, callers must show a certificate of one of these authorities.
    """

    def __init__(
        self,
        cert_file: Path,
        key_file: Path,
        observer: ReloadObserver,
        clock: Clock,
        client_ca: Path | None,
        *,
        reads_pair: bool,
    ) -> None:
        """Serve nothing yet. Raises `CertificateFault` when the file of authorities cannot be used."""
        self._cert_file = cert_file
        self._key_file = key_file
        self._client_ca = client_ca
        self._reads_pair = reads_pair
        self._clients = client_authorities(client_ca, _read_file(client_ca)) if client_ca else None
        self._served: _Served | None = None
        self._observer = observer
        self._clock = clock
        self._reported: dict[str, str] = {}
        self._changing = asyncio.Lock()
        # Whether callers must show a certificate is settled by this context; by whom it was issued, by the inner one.
        self._context = new_context(self._clients)
        self._context.sni_callback = self._hand_over

    @classmethod
    def load(
        cls,
        cert_file: Path,
        key_file: Path,
        *,
        observer: ReloadObserver,
        clock: Clock = _wall_clock,
        client_ca: Path | None = None,
    ) -> ServingCertificate:
        """Load the first pair: PEM, the leaf first in `cert_file`, its unencrypted key in `key_file`.

        `clock` tells the time of day, with its zone. Raises `CertificateFault` for a pair not to be served.
        """
        certificate = cls(cert_file, key_file, observer, clock, client_ca, reads_pair=True)
        certificate._served = certificate._load_if_changed()
        return certificate

    @classmethod
    def awaited(
        cls,
        cert_name: str,
        key_name: str,
        *,
        observer: ReloadObserver,
        clock: Clock = _wall_clock,
        client_ca: Path | None = None,
    ) -> ServingCertificate:
        """Serve nothing until `take` is called: handshakes fail before that. The names serve messages alone.

        Raises `CertificateFault` when the file of authorities cannot be used.
        """
        return cls(Path(cert_name), Path(key_name), observer, clock, client_ca, reads_pair=False)

    @property
    def context(self) -> ssl.SSLContext:
        """The context to serve with. It stays the same for the life of the server."""
        return self._context

    @property
    def pair(self) -> PairBytes | None:
        """What is in service, as it was read or handed over."""
        return self._served.pair if self._served else None

    @property
    def not_after(self) -> datetime | None:
        """When the served certificate expires; None while there is none."""
        return self._served.not_after if self._served else None

    @property
    def served(self) -> bool:
        """Whether a certificate is in service that has not expired."""
        return not self.fault

    @property
    def fault(self) -> str:
        """Why nothing that callers could accept is served; empty when all is well."""
        if self._served is None:
            return "there is no serving certificate yet"
        return "" if self._clock() <= self._served.not_after else "the served certificate has expired"

    async def watch(self, interval: float = 10.0) -> None:
        """Call `refresh` every `interval` seconds until cancelled.

        Contents are compared, not times or file events: a mounted Secret changes by a symbolic link that
        moves, and no event on the files themselves tells of that.
        """
        while True:
            await asyncio.sleep(interval)
            await self.refresh()

    async def refresh(self) -> bool:
        """Read the files once and serve a changed pair, if it is good; return whether another one is served.

        A bad file is reported and the last good one goes on; so is a served pair that has expired.
        """
        changed = False
        if self._client_ca is not None:
            changed = await self._change("clients", self._clients_if_changed)
        if self._reads_pair:
            changed |= await self._change("pair", self._load_if_changed)
        return changed

    async def take(self, pair: PairBytes) -> bool:
        """Serve this pair, if it is good and another one; return whether another one is served.

        A bad pair is reported and the last good one goes on.
        """
        return await self._change("pair", lambda: self._built_if_changed(pair))

    async def _change(self, what: str, build: Callable[[], _Served | None]) -> bool:
        # One at a time: each builds upon what is served, and would else undo what another has just put there.
        async with self._changing:
            try:
                served = await asyncio.to_thread(build)
            except CertificateFault as fault:
                self._report(what, str(fault))
                return False
            except Exception as error:
                # Nothing is known to come here. The watch must outlive it, and its text might hold a key.
                self._report(what, f"{self._cert_file}: cannot be taken: unexpected {type(error).__name__}")
                return False
            self._reported.pop(what, None)
            if served is None:
                return False
            self._served = served
        self._observer.on_reload(served.not_after)
        return True

    def _report(self, what: str, message: str) -> None:
        if message != self._reported.get(what):
            self._reported[what] = message
            self._observer.on_fault(message)

    def _load_if_changed(self) -> _Served | None:
        return self._built_if_changed(_read(self._cert_file, self._key_file))

    def _built_if_changed(self, pair: PairBytes) -> _Served | None:
        if pair == self.pair and self.served:
            return None
        return self._build(pair, self._clients)

    def _clients_if_changed(self) -> _Served | None:
        if self._client_ca is None:
            return None
        clients = client_authorities(self._client_ca, _read_file(self._client_ca))
        if clients == self._clients:
            return None
        served = self._build(self._served.pair, clients) if self._served else None
        self._clients = clients
        return served

    def _build(self, pair: PairBytes, clients: bytes | None) -> _Served:
        valid = validate(pair, self._clock(), cert_file=self._cert_file, key_file=self._key_file)
        return _Served(pair, clients, serving_context(valid.pem, clients, self._cert_file), valid.not_after)

    def _hand_over(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _outer: ssl.SSLContext) -> None:
        if self._served is not None:
            connection.context = self._served.context


def _read(cert_file: Path, key_file: Path) -> PairBytes:
    """Read both files as one pair, again when the certificate changes while the key is read."""
    certificate = _read_file(cert_file)
    for _ in range(_READS):
        key = _read_file(key_file)
        before, certificate = certificate, _read_file(cert_file)
        if certificate == before:
            break
    return PairBytes(certificate, key)


def _read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateFault(
            file, f"cannot be read ({error.strerror})", "mount the TLS Secret there, or correct the path"
        ) from None
