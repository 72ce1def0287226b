"""A web server for Pods: it tells its Pod's name, can be made unready, and says in its output how it was ended."""

from __future__ import annotations

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

ready = True


class Handler(BaseHTTPRequestHandler):
    """``/ready`` is the probe, ``/unready`` makes it fail, anything else tells the host's name."""

    def do_GET(self) -> None:
        """Answer."""
        global ready
        if self.path == "/unready":
            ready = False
        self.send_response(503 if self.path == "/ready" and not ready else 200)
        self.end_headers()
        self.wfile.write(socket.gethostname().encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Probes are no news."""


def end(number: int, _frame: FrameType | None) -> None:
    """Say so, and end."""
    sys.stdout.write(f"ended by {signal.Signals(number).name}\n")
    sys.stdout.flush()
    os._exit(0)


signal.signal(signal.SIGTERM, end)
ThreadingHTTPServer((os.environ["ADDRESS"], 8080), Handler).serve_forever()
