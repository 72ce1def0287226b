"""One kube-apiserver of a laboratory."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from leadergate_lab.loopback import answers
from leadergate_lab.processes import ManagedProcess

START_SECONDS = 90.0


class ApiServer:
    """One kube-apiserver process; it keeps its port when started again."""

    def __init__(self, name: str, argv: Sequence[str], *, directory: Path, port: int, ca_file: Path) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.audit_log = directory / f"{name}.audit.jsonl"
        self.process = ManagedProcess(
            name,
            [*argv, f"--secure-port={port}", f"--audit-log-path={self.audit_log}"],
            log_dir=directory,
        )
        self._tls = ssl.create_default_context(cafile=str(ca_file))

    def start(self) -> None:
        """Start it and wait until it is ready. Raises ProcessDied with the end of its log."""
        self.process.start()
        self.wait_ready()

    def wait_ready(self, timeout: float = START_SECONDS) -> None:
        """Wait until ``/readyz`` answers 200."""
        self.process.wait_until(self._is_ready, what=f"{self.url}/readyz answers", timeout=timeout)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered."""
        self.process.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.thaw()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if it lingers."""
        self.process.stop(timeout=15)

    def _is_ready(self) -> bool:
        return answers(f"{self.url}/readyz", tls=self._tls)
