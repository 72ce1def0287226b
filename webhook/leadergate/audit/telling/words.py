"""Times, lengths of time and counts, as commands tell them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(moment: datetime, *, millis: bool = False) -> str:
    """A moment in UTC, RFC 3339, to the second or the millisecond."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if millis else "seconds")
    return text.replace("+00:00", "Z")


def length(span: timedelta) -> str:
    """How long, in its two largest units: ``2m 20s``, ``1.6s``, ``3h 33m``, ``2d 5h``."""
    seconds = span.total_seconds()
    if seconds < 0:
        return f"-{length(-span)}"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size}{unit} {rest}{smaller}" if rest else f"{whole // size}{unit}"
    return f"{whole}s"


def counted(number: int, noun: str) -> str:
    """So many of something; the noun takes an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
