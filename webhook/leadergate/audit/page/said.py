"""The figures of a range in a sentence or two: what whoever opens the page after a bad night reads first. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from leadergate.audit.page.figures import Figures, Lapse
from leadergate.audit.telling.plain_text import printable


def said(figures: Figures, takeovers: int) -> list[str]:
    """What happened, in sentences, the gravest first. Names in them are printable."""
    if not figures.records and not figures.left_out:
        return ["No record matches."]
    parts = _worst(figures)
    if takeovers:
        parts.append(f"{'Leases' if figures.gates > 1 else 'The Lease'} changed hands {_times(takeovers)}.")
    if figures.through:
        parts.append(f"{_many(figures.through, 'write')} went through, as gates in mode warn or audit let them.")
    return parts


def _worst(figures: Figures) -> list[str]:
    if figures.lapses:
        return _lapsed(figures, figures.lapses[0])
    rest = []
    if figures.strangers:
        rest.append(f"{_many(figures.strangers, 'write')} came from who is none of the Lease's pods")
    if figures.undecided:
        rest.append(f"{_many(figures.undecided, 'review')} could not be decided, as the Lease could not be read")
    if figures.other:
        rest.append(f"{_many(figures.other, 'write')} found no valid holder of the Lease")
    if rest:
        return [f"No former holder wrote; {_listed(rest)}."]
    if figures.routine:
        routine = _many(figures.routine, "rejection")
        return [f"Nothing but routine: {routine} of followers, one for each of their writes."]
    return [f"{_many(figures.allowed, 'write')} allowed, and nothing rejected."]


def _lapsed(figures: Figures, lapse: Lapse) -> list[str]:
    parts = [
        f"{printable(lapse.pod)} tried to write {_times(lapse.count)} after it had lost the Lease.",
        f"That was {_span(lapse.first, lapse.last)}, to {_many(lapse.objects, 'object')}.",
    ]
    if figures.former > lapse.count:
        parts.append(f"Other former holders did so {_times(figures.former - lapse.count)}.")
    return parts


def _span(first: datetime, last: datetime) -> str:
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    if first.date() != last.date():
        day = "%d %b" if first.year == last.year else "%d %b %Y"
        return f"from {first.strftime(day)} {first:%H:%M:%S} to {last.strftime(day)} {last:%H:%M:%S} UTC"
    if last.replace(microsecond=0) == first.replace(microsecond=0):
        return f"at {first:%H:%M:%S} UTC"
    return f"from {first:%H:%M:%S} to {last:%H:%M:%S} UTC"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
