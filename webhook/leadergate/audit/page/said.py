"""The figures of a range in a sentence or two: what whoever opens the page after a bad night reads first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from leadergate.audit.page.figures import Figures, Lapse
from leadergate.audit.reading.filters import Filter
from leadergate.audit.telling.plain_text import printable


def said(figures: Figures, changed: Sequence[str], flt: Filter) -> list[str]:
    """What happened, in sentences, the gravest first. Names in them are printable.

    ``changed`` has the gate of each takeover. What ``flt`` leaves out is not said to be absent.
    """
    if not figures.records and not figures.left_out:
        return ["There is no record." if flt == Filter() else "No record matches."]
    narrowed = replace(flt, since=None, until=None, gate=(), routine=False) != Filter()
    parts = _worst(figures, narrowed=narrowed)
    gates = sorted(set(changed))
    if len(gates) == 1:
        parts.append(f"Lease {printable(gates[0])} changed hands {_times(len(changed))}.")
    elif gates:
        parts.append(f"{len(gates):,} Leases changed hands, {_times(len(changed))} in all.")
    return parts + _through(figures)


def _worst(figures: Figures, *, narrowed: bool) -> list[str]:
    if figures.lapses:
        return _lapsed(figures, figures.lapses[0])
    rest = []
    if figures.strangers:
        rest.append(f"{_many(figures.strangers, 'write')} came from strangers, who never had a right to write")
    if figures.undecided:
        rest.append(f"{_many(figures.undecided, 'review')} could not be decided, as the Lease could not be read")
    if figures.other:
        rest.append(f"{_many(figures.other, 'write')} found no valid holder of the Lease")
    if rest:
        return [f"{'' if narrowed else 'No former holder wrote; '}{_listed(rest)}."]
    if figures.routine:
        routine = f"{_many(figures.routine, 'rejection')} of followers, one for each of their writes."
        return [routine if narrowed else f"Nothing but routine: {routine}"]
    return [f"{_many(figures.allowed, 'write')} allowed{'' if narrowed else ', and nothing rejected'}."]


def _lapsed(figures: Figures, lapse: Lapse) -> list[str]:
    verb = "wrote" if lapse.through == lapse.count else "tried to write"
    lost = f"after it had lost Lease {printable(lapse.gate)}"
    parts = [
        f"{printable(lapse.pod)} {verb} {_times(lapse.count)} {lost}.",
        f"That was {_span(lapse.first, lapse.last)}, to {_many(lapse.objects, 'object')}.",
    ]
    if figures.former > lapse.count:
        parts.append(f"Other former holders did so {_times(figures.former - lapse.count)}.")
    return parts


def _through(figures: Figures) -> list[str]:
    """What was stored all the same, and what would not have been in any case."""
    parts = []
    why = "as gates in mode warn or audit let them"
    if figures.through:
        which = f"{figures.through:,} of these writes"
        if figures.through == figures.matters:
            which = "This write" if figures.matters == 1 else "All of these writes"
        also = f", and so did {_many(figures.routine_through, 'routine one')}" if figures.routine_through else ""
        parts.append(f"{which} went through, {why}{also}.")
    elif figures.routine_through:
        parts.append(f"{_many(figures.routine_through, 'routine write')} of followers went through, {why}.")
    if figures.dry:
        parts.append(f"{figures.dry:,} of these {'was a dry run' if figures.dry == 1 else 'were dry runs'}.")
    return parts


def _span(first: datetime, last: datetime) -> str:
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    if first.date() != last.date():
        day = "%d %b" if first.year == last.year else "%d %b %Y"
        return f"between {first.strftime(day)} {first:%H:%M:%S} and {last.strftime(day)} {last:%H:%M:%S} UTC"
    if last.replace(microsecond=0) == first.replace(microsecond=0):
        return f"at {first:%H:%M:%S} UTC"
    return f"between {first:%H:%M:%S} and {last:%H:%M:%S} UTC"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
