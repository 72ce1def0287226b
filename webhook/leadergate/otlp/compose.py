"""Copies of records as OpenTelemetry logs, composed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from leadergate.otlp.copies import Copies, CopyingSink
from leadergate.otlp.metrics import OtlpMetrics
from leadergate.records import RecordSink
from leadergate.settings import SettingsFault

SWITCH_SECONDS = 0.0005
"""How long the thread that encodes copies may hold the interpreter while a review wants it. With Python's own 5 ms, a
loop under 2,000 rejections a second was held up by 10 ms or more one time in a hundred; with this, by half as much."""


def copies_for(endpoint: str, pod: str, environ: Mapping[str, str] = os.environ) -> Copies | None:
    """What sends copies to a collector's base ``endpoint``, not begun yet; None without one.

    Raises:
        SettingsFault: the extra ``otlp`` is not installed, or OTEL_EXPORTER_OTLP variables cannot be used.
    """
    if not endpoint:
        return None
    try:
        # Imported here: who exports nothing needs none of it installed, nor should wait for it.
        from leadergate.otlp.sender import OtlpFault, OtlpSender
    except ImportError as fault:
        remedy = "install what it needs: pip install 'leadergate[otlp]', or leave it out"
        raise SettingsFault([f"--otlp-endpoint or LEADERGATE_OTLP_ENDPOINT: {fault}; {remedy}"]) from fault
    try:
        return Copies(OtlpSender.connect(endpoint, pod, environ))
    except OtlpFault as fault:
        raise SettingsFault(fault.faults) from fault


def copying(first: RecordSink, copies: Copies | None, registry: CollectorRegistry) -> RecordSink:
    """``first``, and a copy of each line that it took, whose outcome is counted in ``registry``."""
    if copies is None:
        return first
    sys.setswitchinterval(SWITCH_SECONDS)
    copies.start(OtlpMetrics(registry, copies.waiting))
    return CopyingSink(first, copies)
