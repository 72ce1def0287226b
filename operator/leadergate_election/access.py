"""What a way to the API server comes to once it is loaded, and the fault of one that cannot be."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


class CredentialsFault(Exception):
    """The way to the API server cannot be set up; the message names the source, the fault and the remedy."""


@dataclass(frozen=True, slots=True)
class Access:
    """One loaded configuration. Never printed: ``authorization`` is a secret."""

    host: str
    tls: ssl.SSLContext
    authorization: str | None
    server_name: str | None
    proxy: str | None

    def __repr__(self) -> str:
        return f"Access(host={self.host!r})"
