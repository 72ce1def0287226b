"""Who may call, by the names in the certificate that a caller has shown.

That it is of a trusted authority was settled in the handshake. Names are looked at just after it, before anything is
read, since OpenSSL leaves no say to Python while it lasts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog

from leadergate.connection import BoundedConnection

log: structlog.stdlib.BoundLogger = structlog.get_logger("leadergate")

SAID_EVERY = 60.0


def names_of(shown: Mapping[str, Any]) -> frozenset[str]:
    """Common names and DNS names of a certificate, as ``ssl.SSLObject.getpeercert`` gives it."""
    subject = (part for parts in shown.get("subject", ()) for part in parts)
    common = {value for key, value in subject if key == "commonName"}
    return frozenset(common | {value for kind, value in shown.get("subjectAltName", ()) if kind == "DNS"})


def admitting(names: Iterable[str], on_refusal: Callable[[], None]) -> type[BoundedConnection]:
    """The connections of a server that lets in callers of these names alone; without names, everybody.

    A refusal is logged once a minute at most.
    """
    allowed = frozenset(names)
    if not allowed:
        return BoundedConnection
    said = -SAID_EVERY

    class AdmittedConnection(BoundedConnection):
        """Closes at once when its caller bears another name."""

        def connection_made(self, transport: Any) -> None:
            """The caller has connected, and shown its certificate."""
            nonlocal said
            super().connection_made(transport)
            connection = transport.get_extra_info("ssl_object")
            shown = names_of((connection.getpeercert() if connection is not None else None) or {})
            if shown & allowed:
                return
            on_refusal()
            if time.monotonic() - said >= SAID_EVERY:
                said = time.monotonic()
                log.warning("caller_refused", names=sorted(shown), expected=sorted(allowed), setting="--client-names")
            transport.abort()

    return AdmittedConnection
