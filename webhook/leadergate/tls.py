"""The serving certificate: loaded from files or handed over, and replaced while connections run.

What was validated as bytes is what is served: files are not opened a second time. A fresh context is built
for every pair, because loading into a live one breaks it when the pair does not match. The server keeps one
outer context, without a certificate, whose SNI callback hands each new handshake the newest context; OpenSSL
runs that callback for clients that send no server name, too.

Not promised: a connection that stands keeps the certificate of its handshake.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

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
    """A validated pair, as it was read, and the context built from it."""

    pair: PairBytes
    context: ssl.SSLContext
    not_after: datetime


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class ServingCertificate:
    """The certificate in service. Make one with `load`, kept in step with two files, or with `awaited`."""

    def __init__(
        self, cert_file: Path, key_file: Path, served: _Served | None, observer: ReloadObserver, clock: Clock
    ) -> None:
        """Take a pair that was loaded already, or none yet."""
        self._cert_file = cert_file
        self._key_file = key_file
        self._served = served
        self._observer = observer
        self._clock = clock
        self._reported: str | None = None
        self._context = _new_context()
        self._context.sni_callback = self._hand_over

    @classmethod
    def load(
        cls, cert_file: Path, key_file: Path, *, observer: ReloadObserver, clock: Clock = _wall_clock
    ) -> ServingCertificate:
        """Load the first pair: PEM, the leaf first in `cert_file`, its unencrypted key in `key_file`.

        `clock` tells the time of day, with its zone. Raises `CertificateFault` for a pair not to be served.
        """
        served = _load(_read(cert_file, key_file), cert_file, key_file, clock())
        return cls(cert_file, key_file, served, observer, clock)

    @classmethod
    def awaited(
        cls, cert_name: str, key_name: str, *, observer: ReloadObserver, clock: Clock = _wall_clock
    ) -> ServingCertificate:
        """Serve nothing until `take` is called: handshakes fail before that. The names serve messages alone."""
        return cls(Path(cert_name), Path(key_name), None, observer, clock)

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

        A bad pair is reported and the last good one goes on; so is a served pair that has expired.
        """
        return await self._change(self._load_if_changed)

    async def take(self, pair: PairBytes) -> bool:
        """Serve this pair, if it is good and another one; return whether another one is served.

        A bad pair is reported and the last good one goes on.
        """
        return await self._change(lambda: self._built_if_changed(pair))

    async def _change(self, build: Callable[[], _Served | None]) -> bool:
        try:
            served = await asyncio.to_thread(build)
        except CertificateFault as fault:
            if str(fault) != self._reported:
                self._reported = str(fault)
                self._observer.on_fault(self._reported)
            return False
        self._reported = None
        if served is None:
            return False
        self._served = served
        self._observer.on_reload(served.not_after)
        return True

    def _load_if_changed(self) -> _Served | None:
        return self._built_if_changed(_read(self._cert_file, self._key_file))

    def _built_if_changed(self, pair: PairBytes) -> _Served | None:
        if pair == self.pair and self.served:
            return None
        return _load(pair, self._cert_file, self._key_file, self._clock())

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


def _load(pair: PairBytes, cert_file: Path, key_file: Path, now: datetime) -> _Served:
    valid = validate(pair, now, cert_file=cert_file, key_file=key_file)
    context = _new_context()
    try:
        with _private_file(valid.pem) as name:
            context.load_cert_chain(name)
    except ssl.SSLError as error:
        raise CertificateFault(
            cert_file, f"is refused by OpenSSL ({error.reason})", "issue an ECDSA P-256 or RSA 2048 pair"
        ) from None
    except OSError as error:
        raise CertificateFault(
            cert_file,
            f"cannot be handed to OpenSSL ({error.strerror})",
            "raise the limit of open files, or give the process a temporary folder",
        ) from None
    return _Served(pair, context, valid.not_after)


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # A resumed session skips the certificate, so that a client might go on with one that was replaced.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    return context


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """Yield the name of a file with this content that no other user can read, gone afterwards.

    It lies in memory where the system offers that: a container's root is often read-only.
    """
    try:
        descriptor = os.memfd_create("serving-pair")
    except (AttributeError, OSError):
        descriptor = None
    if descriptor is None:
        with tempfile.NamedTemporaryFile() as temporary:  # made with mode 0600
            temporary.write(content)
            temporary.flush()
            yield temporary.name
    else:
        with os.fdopen(descriptor, "wb") as memory:
            memory.write(content)
            memory.flush()
            yield f"/proc/self/fd/{descriptor}"
