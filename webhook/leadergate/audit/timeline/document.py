"""The timeline for programs: one JSON document. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from leadergate.audit.holders.bands import Band, Held
from leadergate.audit.holders.takeovers import Takeover
from leadergate.audit.telling.words import stamp
from leadergate.audit.timeline.parts import Axis, Late, Row
from leadergate.audit.timeline.picture import Story
from leadergate.audit.timeline.query import Drawn


def document(drawn: Drawn) -> str:
    """What was drawn, with names as the records have them. Times are RFC 3339 in UTC, spans in seconds."""
    timeline = drawn.timeline
    content: dict[str, Any] = {
        "sources": {
            "records": drawn.sources.records,
            "first": _time(drawn.sources.first),
            "last": _time(drawn.sources.last),
        },
        "first": _time(timeline.axis.begin) if timeline else None,
        "last": _time(timeline.axis.end) if timeline else None,
        "bucketSeconds": timeline.axis.step.total_seconds() if timeline else None,
        "gates": [_story(story, timeline.axis) for story in timeline.stories] if timeline else [],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _story(story: Story, axis: Axis) -> dict[str, Any]:
    return {
        "gate": story.gate,
        "modes": list(story.modes),
        "routine": story.routine,
        "lease": [_band(band, story) for band in story.bands],
        "takeovers": [_takeover(change, story) for change in story.takeovers],
        "late": [_late(one) for one in story.late.get(None, ())],
        "rejections": [_row(row, axis) for row in story.rows],
    }


def _band(band: Band, story: Story) -> dict[str, Any]:
    told: dict[str, Any] = {
        "shown": "held" if isinstance(band, Held) else band.why.value,
        "holder": band.holder or None,
        "since": _time(band.since),
        "until": _time(band.until),
        "records": band.records,
    }
    if isinstance(band, Held):
        told |= {
            "transitions": band.transitions,
            "acquireTime": _time(band.acquired),
            "lastRenewTime": _time(band.renewed),
            "lastSeen": _time(band.seen),
        }
    else:
        told["late"] = [_late(one) for one in story.late.get(band, ())]
    return told


def _takeover(change: Takeover, story: Story) -> dict[str, Any]:
    return {
        "at": _time(change.at),
        "from": change.of,
        "to": change.to,
        "transitions": change.transitions,
        "unseen": change.unseen,
        "why": change.why,
        "late": [_late(one) for one in story.late.get(change, ())],
    }


def _late(late: Late) -> dict[str, Any]:
    return {
        "requester": late.who._asdict(),
        "writes": late.writes,
        "first": _time(late.first),
        "last": _time(late.last),
        "objects": late.objects,
        "most": [{"object": thing, "writes": writes} for thing, writes in late.most],
    }


def _row(row: Row, axis: Axis) -> dict[str, Any]:
    return {
        "kind": row.kind.value,
        "requester": row.who._asdict() if row.who is not None else None,
        "rejections": row.rejections,
        "first": _time(row.first),
        "last": _time(row.last),
        "buckets": [
            {"at": _time(axis.begin + column * axis.step), "rejections": count}
            for column, count in sorted(row.columns.items())
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return stamp(moment, millis=True) if moment is not None else None
