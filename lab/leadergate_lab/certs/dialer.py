"""Callers that dial anew each time, as an API server does that has no connection yet.

API servers keep connections for long, so that writes alone would hardly ever meet a changed certificate.
"""

from __future__ import annotations

import base64
import math
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from types import TracebackType
from typing import Any

from leadergate_lab.processes import wait_until

PER_SECOND = 20.0


class Dialer:
    """Makes TLS handshakes with ``port`` of 127.0.0.1, trusting the bundle as it stood ``lag`` seconds ago.

    ``configuration`` reads the webhook configuration, whose first entry's bundle is taken. Handshakes are counted
    from the first one that could trust anything at all. One that fails is a failure only if its bundle was still in
    force ``propagation`` seconds before: later on nobody is promised anything, and on a busy machine a caller may be
    that late. A context manager.
    """

    def __init__(
        self,
        configuration: Callable[[], dict[str, Any]],
        port: int,
        *,
        lag: float = 0.0,
        propagation: float = math.inf,
    ) -> None:
        self._configuration = configuration
        self._port = port
        self._lag = lag
        self._propagation = propagation
        self._bundles: deque[tuple[float, str]] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.succeeded = 0
        self.failures: list[tuple[float, str]] = []
        self.leaves: set[bytes] = set()

    def wait_succeeded(self, count: int, *, timeout: float = 30.0) -> None:
        """Wait until ``count`` more handshakes have succeeded from now on. Raises TimeoutError."""
        begun = self.succeeded
        wait_until(
            lambda: self.succeeded >= begun + count, what=f"{count} more handshakes: {self.told()}", timeout=timeout
        )

    def told(self) -> str:
        """The counts, and the first failures, for a message."""
        shown = "; ".join(message for _, message in self.failures[:3])
        return f"{self.succeeded} handshakes, {len(self.failures)} failed" + (f": {shown}" if shown else "")

    def outage(self) -> float:
        """Seconds from the first failure to the last one; 0 when none or one failed."""
        return self.failures[-1][0] - self.failures[0][0] if self.failures else 0.0

    def __enter__(self) -> Dialer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / PER_SECOND, time.monotonic())
            try:
                bundle = self._bundle()
            except Exception as error:  # the API server did not answer: nothing is known of the webhook
                self.failures.append((time.monotonic(), f"cannot read the bundle: {error!r}"))
                continue
            if bundle is None:
                continue
            try:
                self._dial(bundle)
                self.succeeded += 1
            except (OSError, ValueError) as error:
                now = time.monotonic()
                if now - self._in_force(bundle) <= self._propagation:
                    self.failures.append((now, str(error)))

    def _bundle(self) -> str | None:
        """The bundle as it was, None while there was none yet."""
        now = time.monotonic()
        encoded = self._configuration()["webhooks"][0]["clientConfig"].get("caBundle") or ""
        self._bundles.append((now, base64.b64decode(encoded).decode()))
        while len(self._bundles) > 1 and self._bundles[1][0] <= now - self._lag:
            self._bundles.popleft()
        bundle = self._bundles[0][1]
        return bundle if bundle or self.succeeded else None

    def _in_force(self, bundle: str) -> float:
        """Until when at least the bundle that was taken was in force."""
        return max(at for at, _ in takewhile(lambda one: one[1] == bundle, self._bundles))

    def _dial(self, bundle: str) -> None:
        if not bundle:
            raise ValueError("the bundle is empty")
        context = ssl.create_default_context(cadata=bundle)
        with (
            socket.create_connection(("127.0.0.1", self._port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            self.leaves.add(connection.getpeercert(binary_form=True) or b"")
