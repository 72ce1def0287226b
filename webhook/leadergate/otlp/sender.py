"""Records to an OpenTelemetry collector: OTLP over HTTP, by OpenTelemetry's own exporter.

Needs the extra ``otlp`` and is imported only when --otlp-endpoint is set.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import requests
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from leadergate import __version__
from leadergate.otlp.copies import ExportFailed
from leadergate.otlp.entry import EVENT, entry

# OpenTelemetry: OTLP exporter configuration. A base endpoint gets this path.
PATH = "/v1/logs"
_FILES = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SCOPE = InstrumentationScope("leadergate.records", __version__)


class OtlpFault(Exception):
    """The environment's OTEL_EXPORTER_OTLP variables cannot be used; ``faults`` names each of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class OtlpSender:
    """Sends lines of records as log records. One call at a time."""

    def __init__(self, endpoint: str, exporter: LogRecordExporter, resource: Resource) -> None:
        self._endpoint = endpoint
        self._exporter = exporter
        self._resource = resource
        self._said = _Said()

    @classmethod
    def connect(cls, endpoint: str, pod: str, environ: Mapping[str, str] = os.environ) -> OtlpSender:
        """A sender to a collector's base ``endpoint``; nothing is sent yet. ``pod`` is this process's own.

        Headers, authorities, client certificate, compression and timeout come from the environment, as OpenTelemetry
        specifies them. Raises :class:`OtlpFault`.
        """
        faults = _missing_files(environ) + _bad_headers(environ)
        exporter: LogRecordExporter | None = None
        # It keeps back the reason of a failure that comes soon after another; what is said here goes to no exporter.
        logging.getLogger(OTLPLogExporter.__module__).filters.clear()
        with _Said() as said:
            try:
                exporter = OTLPLogExporter(endpoint=endpoint.rstrip("/") + PATH, session=_session())
            except (ValueError, RuntimeError) as fault:  # some releases raise what others warn of
                said.texts.append(str(fault))
            resource = Resource.create(
                {
                    "service.name": "leadergate",
                    "service.version": __version__,
                    # The SDK would make up another one at each start, and Loki makes a stream of each.
                    "service.instance.id": pod,
                    "k8s.pod.name": pod,
                }
            )
        faults += [f"OTEL_EXPORTER_OTLP_*, as the OpenTelemetry SDK reads it: {text}" for text in said.texts]
        if faults or exporter is None:
            raise OtlpFault(faults)
        return cls(endpoint, exporter, resource)

    def __call__(self, lines: Sequence[bytes]) -> None:
        """Send them in one request. Raises :class:`ExportFailed` when the collector did not say that it took them."""
        records = [self._log_record(line) for line in lines]
        with self._said as said:
            try:
                result = self._exporter.export(records)
            except Exception as fault:  # an exporter may raise (LogRecordExporter.export), and some releases do
                raise ExportFailed(f"{self._endpoint}: {fault}") from fault
        if result is not LogRecordExportResult.SUCCESS:
            # The first message has the cause, the last one that it was given up.
            why = said.texts[0] if said.texts else "the collector did not take the records"
            raise ExportFailed(f"{self._endpoint}: {why}")

    def _log_record(self, line: bytes) -> ReadableLogRecord:
        found = entry(msgspec.json.decode(line))
        log_record = LogRecord(
            timestamp=found.timestamp,
            severity_number=SeverityNumber(found.severity),
            severity_text=found.severity.name,
            body=found.body,
            attributes=found.attributes,
            event_name=EVENT,
        )
        return ReadableLogRecord(log_record, self._resource, _SCOPE)


class _Said(logging.Handler):
    """Keeps what the SDK logs within a ``with``, away from our own log, which would get the same at each attempt."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self._logger = logging.getLogger("opentelemetry")

    def __enter__(self) -> _Said:
        self.texts.clear()
        self._logger.addHandler(self)
        self._before = self._logger.propagate, self._logger.level
        self._logger.propagate = False
        self._logger.setLevel(logging.WARNING)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate, level = self._before
        self._logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message; of the one about headers only the words, since headers are credentials."""
        about_headers = record.name.startswith("opentelemetry.util.")
        self.texts.append(str(record.msg).replace("%s", "…") if about_headers else record.getMessage())


def _session() -> requests.Session:
    """One for which a redirect is a failure: the exporter takes it, or the page that it leads to, for success."""
    session = requests.Session()
    session.hooks["response"].append(_no_redirect)
    return session


def _no_redirect(answer: requests.Response, *_: Any, **__: Any) -> None:
    if 300 <= answer.status_code < 400:
        where = repr(answer.headers.get("location", "")[:200])
        answer.close()
        raise requests.RequestException(
            f"answered {answer.status_code} with {where} as its place; name the collector itself"
        )


def _bad_headers(environ: Mapping[str, str]) -> list[str]:
    """Each export would fail, and the reason would have the value."""
    faults = []
    for variable in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"):
        for part in environ.get(variable, "").split(","):
            name, _, value = part.partition("=")
            if not _HEADER_VALUE.fullmatch(unquote(value).strip()):
                expected = "expected printable characters of Latin-1, URL-encoded, without a line's end"
                faults.append(f"{variable}: the value of {name.strip()!r}: {expected}")
    return faults


def _missing_files(environ: Mapping[str, str]) -> list[str]:
    """The SDK would find them missing at each export only."""
    faults = []
    for name in (f"OTEL_EXPORTER_OTLP_{signal}{kind}" for kind in _FILES for signal in ("", "LOGS_")):
        path = environ.get(name)
        if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
            faults.append(f"{name}: {path!r}: expected a PEM file that can be read; mount it, or unset the variable")
    return faults
