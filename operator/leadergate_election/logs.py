"""A program's own log: one JSON object a line on stderr, and never at the price of waiting for who reads it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import stat
import sys
from os import write as write_to
from select import PIPE_BUF
from typing import Any

import msgspec
import structlog


def set_up(level: str) -> None:
    """Send structlog's and the standard library's messages to stderr, from ``level`` (debug, info, …) upwards."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = to_stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    # uvicorn tells each start and stop at info; this program says the same in its own words.
    logging.getLogger("uvicorn").setLevel(max(number, logging.WARNING))


def to_stderr() -> logging.Handler:
    """What writes lines to stderr. Without stderr, as some starters leave a process, there is nowhere to log to."""
    if sys.stderr is None:
        return logging.NullHandler()
    try:
        return NeverWaits(sys.stderr.fileno())
    except OSError:  # a stream in memory, which has no descriptor and never waits
        return logging.StreamHandler(sys.stderr)


class NeverWaits(logging.Handler):
    """Writes lines to a descriptor, and leaves out those that there is no room for.

    A pipe that nobody reads would otherwise stop the event loop at the next message, and the whole program with it. How
    many lines were left out is said as soon as there is room again. A pipe that polls as writable takes ``PIPE_BUF``
    bytes without waiting (pipe(7)); a longer line of which only a part found room is broken off. A regular file is
    appended to, even if a shell opened it otherwise: with ``> log 2>&1`` this would write over the program's output.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._fd = _own(descriptor)
        self._left_out = 0
        self._broken_off = False
        self._room = select.poll()
        self._room.register(self._fd, select.POLLOUT)

    def close(self) -> None:
        """See :meth:`logging.Handler.close`."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """See :meth:`logging.Handler.emit`."""
        try:
            line = self.format(record).encode(errors="backslashreplace") + b"\n"
        except Exception as fault:
            line = _unformatted(record, fault)
        if self._left_out:
            told = {"event": "log_lines_left_out", "count": self._left_out, "level": "warning"}
            if not self._written(_json(told).encode() + b"\n"):
                self._left_out += 1
                return
            self._left_out = 0
        if not self._written(line):
            self._left_out += 1

    def _written(self, line: bytes) -> bool:
        rest = b"\n" + line if self._broken_off else line
        try:
            while rest and self._has_room():
                taken = write_to(self._fd, rest[:PIPE_BUF])
                rest = rest[taken:]
                self._broken_off = bool(rest)
        except OSError:
            return False
        return not rest

    def _has_room(self) -> bool:
        return any(state & select.POLLOUT for _, state in self._room.poll(0))


def _own(descriptor: int) -> int:
    """A descriptor of our own for the same output, and a file made one to append to, for whoever else writes there.

    Opened anew where the system allows it, so that it can be told not to wait: between a poll and a write another
    thread or process may have taken the room.
    """
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    return os.dup(descriptor)


def _unformatted(record: logging.LogRecord, fault: Exception) -> bytes:
    """What can be told all the same: the standard library would print a trace to stderr, and wait for its reader."""
    message = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
    told = {
        "event": "log_line_failed",
        "fault": f"{type(fault).__name__}: {fault}",
        "logger": record.name,
        "message": message if isinstance(message, str) else type(message).__name__,
        "level": record.levelname.lower(),
    }
    return json.dumps(told).encode() + b"\n"


def _json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
