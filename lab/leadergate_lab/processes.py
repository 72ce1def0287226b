"""Processes that the laboratory starts, and never leaves behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from leadergate_lab import leash
from leadergate_lab.loopback import PAST_PROXIES
from leadergate_lab.starter import in_lasting_thread


class ProcessDied(RuntimeError):
    """A process ended that should run; the message has the tail of its log."""


class ManagedProcess:
    """A child process with its output in two files of ``log_dir``.

    It has a session of its own, so that Ctrl-C reaches the laboratory alone, which then ends its processes in order. On
    Linux the kernel kills it when the laboratory dies by itself, however that comes about.
    """

    def __init__(self, name: str, argv: Sequence[str], *, log_dir: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.argv = [str(part) for part in argv]
        self.stdout_path = log_dir / f"{name}.stdout"
        self.stderr_path = log_dir / f"{name}.stderr"
        self._env = dict(env) if env is not None else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError when it was never started."""
        return self._started.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended; a frozen process is running."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._started.poll()

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def start(self) -> None:
        """Start it, again if it has ended; the logs go on in the same files.

        Raises RuntimeError when it runs already, FileNotFoundError when there is no such executable.
        """
        if self.running:
            raise RuntimeError(f"{self.name} runs already, as process {self.pid}")
        executable = shutil.which(self.argv[0])
        if executable is None:
            raise FileNotFoundError(f"{self.name}: there is no executable {self.argv[0]}")
        command = [str(Path(executable).absolute()), *self.argv[1:]]
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", str(leash.__file__), str(os.getpid()), *command]

        environment = {**(os.environ if self._env is None else self._env), **PAST_PROXIES}

        def spawn() -> None:
            with self.stdout_path.open("ab") as stdout, self.stderr_path.open("ab") as stderr:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=environment,
                    start_new_session=True,
                )

        in_lasting_thread(spawn)

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.running:
            self._started.send_signal(number)

    def freeze(self) -> None:
        """SIGSTOP, and wait until it stands still: it keeps its memory and its connections, and does nothing."""
        self.signal(signal.SIGSTOP)
        if self.running:
            # The end is left for Popen to collect, in case it came first.
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM and, after ``timeout`` seconds, SIGKILL. Returns the exit code; a frozen process is thawed."""
        process = self._started
        self.signal(signal.SIGTERM)
        self.thaw()
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return process.wait()

    def tail(self, lines: int = 20) -> str:
        """The last lines of both logs."""
        parts = []
        for path in (self.stdout_path, self.stderr_path):
            with contextlib.suppress(FileNotFoundError):
                text = path.read_text(errors="replace").splitlines()[-lines:]
                if text:
                    parts.append(f"--- end of {path}\n" + "\n".join(text))
        return "\n".join(parts)

    def wait_until(self, condition: Callable[[], bool], *, what: str, timeout: float) -> None:
        """Wait until ``condition`` holds while the process runs.

        Raises:
            ProcessDied: it ended before.
            TimeoutError: not within ``timeout`` seconds; the message has the tail of the log too.
        """

        def holds() -> bool:
            if not self.running:
                raise ProcessDied(f"{self.name} ended with {self.returncode} before {what}\n{self.tail()}")
            return condition()

        try:
            wait_until(holds, what=what, timeout=timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{self.name}: {error}\n{self.tail()}") from None


def wait_until(condition: Callable[[], bool], *, what: str, timeout: float, interval: float = 0.05) -> None:
    """Look at ``condition`` every ``interval`` seconds until it holds. Raises TimeoutError, naming ``what``."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout:g} s: {what}")
        time.sleep(interval)


_FIRST_PORT = 12_000
_handed_out: set[int] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now and was not handed out before, by this process or one beside it.

    Where Linux leaves any, none of those that it hands out by itself: a server that takes any port, or a connection,
    could get it between this answer and the start of the server that it is for. Of the others, test processes that run
    side by side (pytest-xdist) each have a share.
    """
    share, shares = _share()
    ephemeral = _first_ephemeral_port()
    end = ephemeral if ephemeral > _FIRST_PORT + 1_000 else 65_536
    while True:
        port = _FIRST_PORT + secrets.randbelow(end - _FIRST_PORT)
        if port // 2 % shares == share and port not in _handed_out and _can_be_bound(port):
            _handed_out.add(port)
            return port


def _first_ephemeral_port() -> int:
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def _can_be_bound(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _share() -> tuple[int, int]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return int(worker), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def python_environment(**extra: str) -> dict[str, str]:
    """The environment for a Python child whose output is wanted at once: this process's, with ``extra`` on top.

    Settings of the webhook that happen to be in the user's environment are none of the laboratory's, and it refuses
    those that it does not know.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEADERGATE_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **extra}
