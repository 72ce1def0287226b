"""Times, lengths of time and counts, as commands tell them. Pure."""

from __future__ import annotations

import textwrap
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


def holder_named(identity: str) -> str:
    """A holder's identity without its random tail, which says nothing; an empty one is nobody's."""
    pod, cut, _ = identity.partition("_")
    return f"{pod}_…" if cut else pod or "nobody"


def none_asked_for(records: int, first: datetime | None, last: datetime | None) -> str:
    """That no record is what was asked for, and from when until when there are any: the usual cause is a wrong time."""
    span = f" from {stamp(first)} to {stamp(last)}" if first is not None and last is not None else ""
    return f"none of {counted(records, 'record')}{span} is what was asked for" if records else "no records"


def wrapped(text: str, width: int | None, *, indent: int) -> list[str]:
    """The text in lines of ``width`` columns (None: one line), broken between words; the second and later indented."""
    if width is None:
        return [text]
    return textwrap.wrap(
        text,
        max(width, 2 * indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
