"""A program's own log: one JSON object a line on stderr, and never at the price of waiting for who reads it."""

from __future__ import annotations

import logging
import select
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
    # Without stderr, as some starters leave a process, there is nowhere to log to.
    handler = logging.NullHandler() if sys.stderr is None else NeverWaits(sys.stderr.fileno())
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


class NeverWaits(logging.Handler):
    """Writes lines to a descriptor, and leaves out those that there is no room for.

    A pipe that nobody reads would otherwise stop the event loop at the next message, and the whole program with it. How
    many lines were left out is said as soon as there is room again. A pipe that polls as writable takes ``PIPE_BUF``
    bytes without waiting (pipe(7)); a longer line of which only a part found room is broken off.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._fd = descriptor
        self._left_out = 0
        self._broken_off = False
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """See :meth:`logging.Handler.emit`."""
        try:
            line = self.format(record).encode(errors="backslashreplace") + b"\n"
        except Exception:
            self.handleError(record)
            return
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


def _json(event: Any, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
