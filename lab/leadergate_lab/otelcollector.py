"""A real OpenTelemetry Collector: the program in lab/otelcollector, and one that runs and keeps what it is sent."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from leadergate_lab.gotool import tool
from leadergate_lab.processes import ManagedProcess, free_port
from leadergate_lab.progress import Console, Report

MODULE = Path(__file__).parents[1] / "otelcollector"


def binary(report: Report = Console()) -> Path:  # noqa: B008 - it has no state
    """The program, built if the cache lacks it. Raises AssetError."""
    source = hashlib.sha256((MODULE / "main.go").read_bytes()).hexdigest()[:8]
    return tool(f"otelcollector-{source}", ".", MODULE, report=report)


class Collector:
    """A collector on loopback that takes logs from who shows the bearer ``token``, and keeps them in ``folder``."""

    def __init__(self, program: Path, folder: Path, token: str) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._kept = folder / "logs.jsonl"
        http = {"endpoint": f"127.0.0.1:{self.port}", "auth": {"authenticator": "bearertokenauth"}}
        configuration = {
            "extensions": {"bearertokenauth": {"token": token}},
            "receivers": {"otlp": {"protocols": {"http": http}}},
            "exporters": {"file": {"path": str(self._kept), "append": True, "flush_interval": "50ms"}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "extensions": ["bearertokenauth"],
                "pipelines": {"logs": {"receivers": ["otlp"], "exporters": ["file"]}},
            },
        }
        file = folder / "collector.yaml"
        file.write_text(yaml.safe_dump(configuration))
        self.process = ManagedProcess("collector", [str(program), f"--config=file:{file}"], log_dir=folder)

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.process.start()
        self.process.wait_until(self._listens, what="the collector listens", timeout=30)

    def log_records(self) -> list[dict[str, Any]]:
        """Each log record that it was sent: its fields, ``attributes`` and ``resource`` as plain values, ``scope``."""
        text = self._kept.read_text() if self._kept.exists() else ""
        return [found for line in text.splitlines(keepends=True) if line.endswith("\n") for found in _records(line)]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def _records(line: str) -> Iterator[dict[str, Any]]:
    """OTLP's JSON: resources hold scopes, and scopes log records."""
    for resource in json.loads(line)["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                yield record | {
                    "attributes": _plain(record["attributes"]),
                    "resource": _plain(resource["resource"]["attributes"]),
                    "scope": scope["scope"]["name"],
                }


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {attribute["key"]: _value(attribute["value"]) for attribute in attributes}


def _value(value: dict[str, Any]) -> Any:
    ((kind, plain),) = value.items()
    return int(plain) if kind == "intValue" else plain
