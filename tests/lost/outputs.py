"""Webhooks whose standard output is a pipe that is read or not, or a file on a disk that is full or not."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import WebhookProcess

from .ledger import whole

PAGE = os.sysconf("SC_PAGE_SIZE")
FLAGS = ("--drain-seconds", "0")


class FiledWebhook(WebhookProcess):
    """Its standard output is a file, which stays the same when it is started again."""

    def __init__(self, plane: ControlPlane, name: str, flags: Sequence[str] = FLAGS) -> None:
        super().__init__(plane, name=name, flags=flags)

    def log(self) -> bytes:
        """All that it has written to standard output."""
        path = self.process.stdout_path
        return path.read_bytes() if path.exists() else b""

    def records(self) -> list[dict[str, Any]]:
        """Its records; torn lines are none."""
        return whole(self.log())

    def lost(self, mode: str = "enforce") -> float:
        """How many records it counts as lost."""
        return self.metric("leadergate_records_lost_total", mode=mode)


class PipedWebhook(FiledWebhook):
    """Its standard output is a pipe of one page; ``pause`` and ``resume`` reading it, or ``hang_up`` for good."""

    def __init__(self, plane: ControlPlane, name: str, flags: Sequence[str] = FLAGS) -> None:
        super().__init__(plane, name, flags)
        fifo = plane.directory / name / "pipe"
        os.mkfifo(fifo)
        self.process.argv = ["sh", "-c", 'exec "$@" >"$0"', str(fifo), *self.process.argv]
        self._end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, PAGE)
        self._taken = b""
        self._state = Condition()
        self._reading, self._over = True, False
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def log(self) -> bytes:
        """All that was read so far."""
        with self._state:
            return self._taken

    def pause(self) -> None:
        """Read nothing from now on."""
        with self._state:
            self._reading = False

    def resume(self) -> None:
        """Read again; returns when what was waiting is read, so that there is room for what comes next."""
        with self._state:
            self._reading = True
            self._state.notify()
        wait_until(lambda: not self._unread(), what="the pipe is read again", timeout=30)

    def hang_up(self) -> None:
        """Close the reading end."""
        with self._state:
            self._over = True
            self._state.notify()
        self._thread.join()

    def end(self) -> None:
        """End the process, and read the rest."""
        self.process.stop()
        if not self._over:
            self.hang_up()

    def _unread(self) -> int:
        """How many bytes wait in the pipe."""
        return int.from_bytes(fcntl.ioctl(self._end, termios.FIONREAD, bytes(4)), sys.byteorder)

    def _read(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._reading or self._over)
                if self._over:
                    os.close(self._end)
                    return
                came = os.read(self._end, 65536) if select.select([self._end], [], [], 0.01)[0] else b""
                self._taken += came
                if not came:
                    # Others get the lock; and without a writer there is an end to read, for which one never waits.
                    self._state.wait(0.01)


class CrampedWebhook(FiledWebhook):
    """Its standard output is a file on a disk of its own of a few pages, which goes when the process ends."""

    PAGES = 16

    def __init__(self, plane: ControlPlane, name: str) -> None:
        super().__init__(plane, name)
        self._disk = plane.directory / name / "disk"
        self._disk.mkdir()
        # Whoever is not root becomes it in a namespace of users, which allows to mount.
        enter = ["unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--propagation", "private"]
        mount = f'mount -t tmpfs -o size={self.PAGES * PAGE} tmpfs "$0" && exec "$@" >>"$0/records"'
        self.process.argv = [*enter, "sh", "-c", mount, str(self._disk), *self.process.argv]

    def log(self) -> bytes:
        """What is in the file."""
        return (self._seen / "records").read_bytes()

    def fill(self) -> None:
        """Leave no free page on the disk."""
        ballast = os.open(self._seen / "ballast", os.O_WRONLY | os.O_CREAT)
        try:
            while os.statvfs(ballast).f_bavail:
                os.write(ballast, bytes(PAGE))
        finally:
            os.close(ballast)

    def make_room(self) -> None:
        """Take away what filled it."""
        (self._seen / "ballast").unlink()

    @property
    def _seen(self) -> Path:
        """The disk, as seen from outside of the process's mount namespace."""
        return Path(f"/proc/{self.process.pid}/root{self._disk}")
