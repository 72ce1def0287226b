"""Records as the webhook writes them, and a collector that does as it is told."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.unit.test_records import RECORD

from leadergate.records import line


def written(**changes: Any) -> bytes:
    """The line of a record that has these fields changed."""
    return line(msgspec.structs.replace(RECORD, **changes))


def read(**changes: Any) -> dict[str, Any]:
    """The same, as whoever reads the line has it."""
    return dict(json.loads(written(**changes)))


@dataclass
class Asked:
    """One request: its path, its headers with names in lower case, and the OTLP message."""

    path: str
    headers: dict[str, str]
    message: ExportLogsServiceRequest


@dataclass
class Collected:
    """A collector's answers to come, 200 after those, and what it was asked."""

    endpoint: str = ""
    answers: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)


@contextlib.contextmanager
def collecting() -> Iterator[Collected]:
    """A collector on loopback."""
    collected = Collected()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            collected.asked.append(Asked(self.path, headers, ExportLogsServiceRequest.FromString(body)))
            self.send_response(collected.answers.pop(0) if collected.answers else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    collected.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collected
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
