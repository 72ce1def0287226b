"""The command as a process, and plain questions to it."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadergate_lab.processes import ManagedProcess, python_environment

COMMAND = (sys.executable, "-m", "leadergate", "audit", "serve")


class Page:
    """One that is being served."""

    def __init__(self, process: ManagedProcess) -> None:
        self.process = process
        self.url = process.stdout_path.read_text().split()[0].partition("?")[0]
        self.port = int(urlsplit(self.url).port or 0)

    def asked(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their lower-case names, and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """The decoded body of an answer that went well."""
        status, _, body = self.asked(path)
        assert status == 200, body
        return json.loads(body)


@contextmanager
def served(log_dir: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> Iterator[Page]:
    """The page of some files on a free port, from when it answers."""
    argv = [*COMMAND, "--port", "0", *map(str, arguments)]
    process = ManagedProcess("page", argv, log_dir=log_dir, env=python_environment(**(env or {})))
    process.start()
    try:
        # The last that it says. The URL comes before, on the other stream.
        process.wait_until(lambda: "Ctrl-C" in process.stderr_path.read_text(), what="the page is served", timeout=120)
        yield Page(process)
    finally:
        process.stop()
