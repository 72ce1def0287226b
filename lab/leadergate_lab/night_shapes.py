"""Records of one kind, encoded once, with holes for what differs from one to the next. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from leadergate.case import Case, record
from leadergate.decision import decide
from leadergate.model import LeaseView
from leadergate.records import line
from leadergate_lab.night_reviews import WEBHOOKS, reading, write
from leadergate_lab.night_scenes import Part
from leadergate_lab.night_script import Play, Stretch

# What is filled in, as it stands in an encoded shape. No name of a night looks like one of these.
_TIME = datetime(1999, 1, 1, 0, 0, 1, 111111, tzinfo=UTC)
_RENEWED = datetime(1999, 1, 1, 0, 0, 2, 222222, tzinfo=UTC)
_UID, _VERSION, _AGE, _SECONDS = "the-uid-of-a-review", "987654987654987654", 987654.321, 77.777777
_HOLES = (
    (b"1999-01-01T00:00:01.111111Z", b"%b%06dZ"),
    (_UID.encode(), b"%b"),
    (_VERSION.encode(), b"%d"),
    (b"1999-01-01T00:00:02.222222Z", b"%b"),
    (b"987654.321", b"%.3f"),
    (b"77777.777", b"%.3f"),
)


class Shape(NamedTuple):
    """``text`` takes the time up to its point, its microseconds, the uid, and the latency in ms; where ``lease``, these
    before the latency: the Lease's resourceVersion, its renewTime, and its age in seconds."""

    text: bytes
    lease: bool


def shape(play: Play, stretch: Stretch, part: Part, thing: int, webhook: int, age: float, start: datetime) -> Shape:
    """The shape of records of one part, object, webhook replica, and age of the renewal in seconds."""
    written = write(play, part.writer, thing, _UID)
    shown = reading(play, stretch, start, age)
    verdict = decide(written, play.gate, shown)
    if isinstance(shown, LeaseView):
        holed = replace(shown.lease, resource_version=_VERSION, renew_time=_RENEWED)
        shown = replace(shown, lease=holed, age=_AGE)
    standing, until = part.standings[webhook]
    case = Case(play.gate, written, shown, verdict, _SECONDS)
    text = line(record(case, standing, until, _TIME, WEBHOOKS[webhook])).replace(b"%", b"%%")
    for hole, form in _HOLES:
        text = text.replace(hole, form)
    return Shape(text, isinstance(shown, LeaseView))
