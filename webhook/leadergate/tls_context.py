"""Builds TLS contexts: one for each pair that is served, since loading into a live one can break it."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from leadergate.tls_pair import CertificateFault


def serving_context(pem: bytes, clients: bytes | None, cert_file: Path) -> ssl.SSLContext:
    """The context that serves the pair in `pem`: its key, the leaf, the rest of the chain.

    `clients` as `new_context` takes them; `cert_file` serves messages alone. Raises `CertificateFault`.
    """
    context = new_context(clients)
    try:
        with _private_file(pem) as name:
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
    return context


def client_authorities(file: Path, content: bytes) -> bytes:
    """The authorities of clients, as PEM and nothing but certificates. Raises `CertificateFault`."""
    remedy = "write the authorities of clients there, as PEM"
    try:
        found = x509.load_pem_x509_certificates(content)
    except (ValueError, x509.InvalidVersion):
        raise CertificateFault(file, "holds no certificate that can be read", remedy) from None
    authorities = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in found)
    try:
        new_context(authorities)
    except ssl.SSLError as error:
        raise CertificateFault(file, f"is refused by OpenSSL ({error.reason})", remedy) from None
    return authorities


def new_context(clients: bytes | None) -> ssl.SSLContext:
    """A server's context without a pair; with `clients` (PEM) callers must show a certificate of one of these."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # A resumed session skips the certificate, so that a client might go on with one that was replaced.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.decode())
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
