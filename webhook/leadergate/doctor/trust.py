"""Whether a certificate should have been renewed by now."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

_LATE = 0.8
"""The part of its life after which a certificate should have been renewed: ours are after two thirds."""


def ends_soon(leaf: x509.Certificate, now: datetime) -> timedelta | None:
    """How long it still lasts, once it should have been renewed; None before."""
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return end - now if now > begin + (end - begin) * _LATE else None
