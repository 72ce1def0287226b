"""One HTTP connection, with a bound on what precedes and follows a body.

The body itself is bounded where it is read (:mod:`leadergate.body`). With httptools, uvicorn keeps heads and trailers
of any length: one caller could fill the memory before a request is there that anyone could turn away.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# The API server's heads are below 1 KiB.
MAX_HEAD = 64 << 10


class BoundedConnection(HttpToolsProtocol):
    """Answers 400 and closes once ``MAX_HEAD`` bytes came that neither completed a head nor were part of a body."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0

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
