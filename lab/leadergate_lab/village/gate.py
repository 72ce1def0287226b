"""The laboratory's side of the gatehouse: how processes and callers get in."""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from leadergate_lab.processes import ManagedProcess, ProcessDied, python_environment
from leadergate_lab.village import join
from leadergate_lab.village.errors import NoVillage
from leadergate_lab.village.gatehouse import SOCKET

_START_SECONDS = 30.0
_PORTS = 8


class Gate:
    """A network namespace and the gatehouse that keeps it. Raises NoVillage where there can be none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        argv = [sys.executable, "-m", "leadergate_lab.village.gatehouse", str(folder), str(_PORTS)]
        self.process = ManagedProcess("gatehouse", argv, log_dir=folder, env=python_environment())
        self._ports: list[int] = []

    def start(self) -> None:
        """Make the namespace."""
        self.process.start()
        told = self.process.stdout_path
        try:
            self.process.wait_until(
                lambda: told.read_text().endswith("\n"), what="it tells its ports", timeout=_START_SECONDS
            )
        except ProcessDied as fault:
            if self.process.returncode == 2:
                raise NoVillage(self.process.stderr_path.read_text().strip().removeprefix("error: ")) from fault
            raise
        self._ports = json.loads(told.read_text())["ports"]

    def port(self) -> int:
        """One more port of 127.0.0.1 that leads to the same one inside."""
        if not self._ports:
            raise RuntimeError(f"all of the gatehouse's {_PORTS} ports are taken")
        return self._ports.pop(0)

    @property
    def prefix(self) -> Sequence[str]:
        """A command that runs the command behind it inside: for a child of this process alone, with which it ends."""
        script = str(join.__file__)
        return (sys.executable, "-I", "-S", script, str(os.getpid()), str(self.process.pid))

    def connect(self, host: str, port: int, timeout: float = 5.0) -> socket.socket:
        """A connection to an address inside. One that nobody listens on is closed at once."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(str(self._folder / SOCKET))
            connection.sendall(f"{host} {port}\n".encode())
        except BaseException:
            connection.close()
            raise
        return connection

    def get(self, url: str, timeout: float = 5.0) -> tuple[int, str]:
        """GET a plain HTTP address inside: status and text. Raises OSError when nobody answers."""
        parts = urlsplit(url)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        caller = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        caller.sock = self.connect(parts.hostname or "", parts.port or 80, timeout)
        try:
            caller.request("GET", path)
            answer = caller.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as fault:
            raise OSError(f"no HTTP answer from {url}: {fault!r}") from fault
        finally:
            caller.close()

    def stop(self) -> None:
        """End it; the namespace goes with the last process in it."""
        if self.process.running:
            self.process.stop(timeout=5)
