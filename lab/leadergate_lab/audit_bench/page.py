"""The page on a file of records: until it listens, and how long its queries take over HTTP."""

from __future__ import annotations

import http.client
import json
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadergate_lab.audit_bench.process import Failed
from leadergate_lab.bench.machine import cpu_seconds, peak_memory
from leadergate_lab.processes import ManagedProcess, ProcessDied, python_environment

QUERIES = {
    "what happened": "/api/summary",
    "plot": "/api/timeline",
    "table, newest": "/api/records",
    "filters' choices": "/api/choices",
    "plot, former holders": "/api/timeline?standing=former-holder",
    "table, former holders": "/api/records?standing=former-holder",
    "table by object, with routine": "/api/records?routine=true&sort=object&page=50",
    "plot with routine": "/api/timeline?routine=true",
}
_ANY_URL = re.compile(r"http://127\.0\.0\.1:(\d+)/")
_PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Page:
    """``listening``: seconds from its start until it answers; ``queries``: by name, the median and longest seconds."""

    listening: float
    cpu: float
    peak: float
    queries: dict[str, tuple[float, float]]


def measured(command: Path, file: Path, folder: Path, asked: int) -> Page:
    """Serve the file, ask each query ``asked`` times, and end it. Raises Failed."""
    argv = [str(command), "audit", "serve", str(file), "--port", "0"]
    page = ManagedProcess("page", argv, log_dir=folder, env=python_environment())
    began = time.monotonic()
    try:
        page.start()
        page.wait_until(lambda: _port(page) is not None, what="it listens", timeout=_PATIENCE)
        listening = time.monotonic() - began
        cpu = cpu_seconds(page.pid)
        connection = http.client.HTTPConnection("127.0.0.1", _port(page) or 0, timeout=_PATIENCE)
        newest = _answer(connection, "/api/records?routine=true")["rows"]
        queries = {**QUERIES, **({"one record": f"/api/record/{newest[0]['key']}"} if newest else {})}
        times = {name: _times(connection, path, asked) for name, path in queries.items()}
        connection.close()
        return Page(listening, cpu, peak_memory(page.pid), times)
    except (ProcessDied, TimeoutError) as fault:
        raise Failed(str(fault)) from None
    finally:
        if page.running:
            page.stop()


def _times(connection: http.client.HTTPConnection, path: str, asked: int) -> tuple[float, float]:
    times = []
    for _ in range(asked):
        began = time.monotonic()
        _answer(connection, path)
        times.append(time.monotonic() - began)
    return statistics.median(times), max(times)


def _answer(connection: http.client.HTTPConnection, path: str) -> Any:
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise Failed(f"the page answers {path} with {answer.status}: {content.decode(errors='replace')}")
    return json.loads(content)


def _port(page: ManagedProcess) -> int | None:
    found = _ANY_URL.search(page.stdout_path.read_text())
    return int(found.group(1)) if found else None
