"""How long the API server waits for us, and what that leaves for each part of the work."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs

# The API server's default and upper bound (AdmissionRegistration v1, timeoutSeconds).
DEFAULT_SECONDS = 10.0
MAX_SECONDS = 30.0

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(h|ms|m|s|us|µs|ns)")


class Patience(NamedTuple):
    """Until when what must be done, in loop time: the read first, the record next, the answer at last.

    ``started`` is the arrival on the performance counter, which is finer than the loop's clock, for latencies.
    """

    started: float
    read_by: float
    record_by: float

    @classmethod
    def of(cls, arrived: float, seconds: float, started: float) -> Patience:
        """Split the API server's patience of ``seconds``, counted from ``arrived``: our answer comes before its end."""
        margin = min(max(0.1, seconds * 0.1), 1.0, seconds / 2)
        return cls(started, arrived + seconds - margin, arrived + seconds - margin / 2)


@lru_cache(maxsize=64)
def asked_for(query: bytes) -> float:
    """The seconds that the API server says it will wait: ``?timeout=5s``, a Go duration.

    Without one, the API server's own default. More than its upper bound counts as that bound.

    Raises:
        ValueError: ``timeout`` is no positive Go duration.
    """
    if not query:
        return DEFAULT_SECONDS
    values = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=16).get("timeout")
    if not values:
        return DEFAULT_SECONDS
    seconds = _go_duration(values[-1])
    if seconds <= 0:
        raise ValueError(f"timeout {values[-1]!r} is not a positive Go duration such as 5s")
    return min(seconds, MAX_SECONDS)


def _go_duration(text: str) -> float:
    """Seconds of a Go duration (``time.ParseDuration``), without a sign; 0 for whatever is none."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return 0.0
    return float(sum(float(number) * _UNITS[unit] for number, unit in parts))
