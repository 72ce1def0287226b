"""One HTTP connection, with a bound on what precedes and follows a body, and answers sent in one piece.

The body itself is bounded where it is read (:mod:`leadergate.body`). With httptools, uvicorn keeps heads and trailers
of any length: one caller could fill the memory before a request is there that anyone could turn away.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The API server's heads are below 1 KiB.
MAX_HEAD = 64 << 10


class JoinedWrites:
    """A transport that sends two pieces written within one turn of the loop as one.

    uvicorn writes an answer's head and its body apart. Joined, they cost one TLS record and one system call.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        """All that is not about writing is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Hold a first piece back until a second comes or this turn of the loop ends."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held + data)
            return
        self._held = data
        self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)


class BoundedConnection(HttpToolsProtocol):
    """Answers 400 and closes once ``MAX_HEAD`` bytes came that neither completed a head nor were part of a body."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0

    def connection_made(self, transport: Any) -> None:
        """The caller has connected."""
        joined: Any = JoinedWrites(transport, self.loop)
        super().connection_made(joined)

    def data_received(self, data: bytes) -> None:
        """Take what the caller sent."""
        if self.transport.is_closing():
            return
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The request's head or trailer exceeds {MAX_HEAD} bytes.")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body is there."""
        self._head = 0
        super().on_body(body)
