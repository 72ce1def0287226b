"""The structured log: one JSON object a line on stderr, the libraries' own messages included; it never waits there."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from leadergate_election.logs import to_stderr


def configure(pod: str, level: str = "info") -> None:
    """Send all log records of the process to stderr, each with ``time``, ``level``, ``event`` and ``pod``.

    ``level`` bounds the records of leadergate's packages; those of libraries begin at info.
    """

    def name_the_pod(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["pod"] = pod
        return event

    common: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        name_the_pod,
    ]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = to_stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                _error_in_one_line,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for package in ("leadergate_operator", "leadergate_election"):
        logging.getLogger(package).setLevel(level.upper())
    # The informer tells each error with a stack, and we have told it already.
    logging.getLogger("kubernetes.informer.informer").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


def _error_in_one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = event.pop("exc_info", None)
    if isinstance(found, tuple) and found[1] is not None:
        event["error"] = f"{type(found[1]).__name__}: {found[1]}"
    return event
