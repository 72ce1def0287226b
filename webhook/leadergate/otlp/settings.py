"""What can be set of the copies of records that go out as OpenTelemetry logs."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

EXPECTED = "expected a base URL such as http://otel-collector.observability:4318"


def _collector_url(value: str) -> str:
    if value and (fault := _fault(value)):
        raise ValueError(fault)
    return value


def _fault(value: str) -> str:
    """What is wrong with a base URL; empty when nothing is."""
    try:
        url = urlsplit(value)
        sound = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its end
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f]", value):
        return EXPECTED
    if url.username is not None:
        return f"{EXPECTED}, without credentials: give them as OTEL_EXPORTER_OTLP_HEADERS"
    if url.query or url.fragment:
        return f"{EXPECTED}, without query and fragment"
    if url.path.rstrip("/").endswith("/v1/logs"):
        return f"{EXPECTED}: /v1/logs is added to it, so leave that out"
    return ""


CollectorUrl = Annotated[str, AfterValidator(_collector_url)]
"""The base URL of a collector, or empty for none."""
