"""What an address really serves: a TLS handshake that trusts anything, to look at the certificate alone."""

from __future__ import annotations

import asyncio
import ssl

from cryptography import x509

HANDSHAKE_SECONDS = 3.0


async def served(host: str, port: int, *, seconds: float = HANDSHAKE_SECONDS) -> x509.Certificate | None:
    """The leaf that is served there, None when no handshake comes about within ``seconds``."""
    # TLS 1.3 shows the server's certificate before it asks for ours: a server that demands one is seen, too.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError, ValueError):
        return None
    try:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        leaf = connection.getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(leaf) if leaf else None
    finally:
        writer.transport.abort()
