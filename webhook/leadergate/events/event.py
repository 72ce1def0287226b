"""One Event for rejections: what it tells, and about which object. Pure; names in it are whatever callers chose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from leadergate.model import LeaseKey, Mode, Standing, Write
from leadergate_election.event_object import Involved, Reporting, event, plain, shortened, stamp

COMPONENT = "leadergate"
REJECTED = "StatusWriteRejected"
LET_THROUGH = "StatusWriteNotByHolder"
"""The reason in modes ``warn`` and ``audit``, where the write went through."""
_VERDICT_BYTES = 640
# The bounds of the API itself, so that a forged review cannot make what is remembered large.
_MAX_NAME = 253
_MAX_MESSAGE = 1024


class ObjectName(NamedTuple):
    """The object that was written; ``namespace`` is empty when it is cluster-scoped."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Denial:
    """One rejection. ``at`` is when (UTC), ``held_until`` until when a former holder held the Lease."""

    gate: LeaseKey
    mode: Mode
    standing: Standing
    target: ObjectName
    requester: str
    holder: str
    message: str
    at: datetime
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """An Event that is due: ``count`` rejections like ``denial``, the last of them, the first at ``since``.

    ``count`` is 0 when only others are to be told and ``denial`` stands for its gate. ``others`` counts rejections that
    make no Event of their own, of at least ``objects`` objects (``exact``: of just so many), since ``others_since``.
    ``last`` is when the last of all was. ``uid`` is the object's, empty when the review did not tell it.
    """

    denial: Denial
    uid: str
    count: int
    since: datetime
    last: datetime
    others: int = 0
    objects: int = 0
    exact: bool = True
    others_since: datetime | None = None


def worth_telling(write: Write, standing: Standing | None) -> bool:
    """Whether a rejection may make an Event: a follower's is routine, and of a dry run nothing would have come."""
    return standing in (Standing.FORMER_HOLDER, Standing.STRANGER) and not write.dry_run


def target(write: Write) -> ObjectName:
    """The object of a write. A review of a Namespace names it as its own namespace, yet it is cluster-scoped."""
    resource = write.resource
    scoped = (resource.group, resource.resource) != ("", "namespaces")
    namespace = write.namespace if scoped else ""
    kind = resource.kind or resource.resource
    return ObjectName(*(part[:_MAX_NAME] for part in (resource.group, resource.version, kind, namespace, write.name)))


def denial_of(
    gate: LeaseKey,
    mode: Mode,
    write: Write,
    standing: Standing,
    *,
    holder: str,
    message: str,
    at: datetime,
    held_until: datetime | None,
) -> Denial:
    """A rejection as it is remembered: all of its parts are bounded. ``message`` is the verdict's."""
    requester = write.requester
    who = f"{requester.username}/{requester.pod or ''}"
    return Denial(
        gate,
        mode,
        standing,
        target(write),
        who[: 2 * _MAX_NAME],
        holder[:_MAX_NAME],
        message[:_MAX_MESSAGE],
        at,
        held_until,
    )


class _Metadata(msgspec.Struct):
    uid: str = ""


class _Object(msgspec.Struct):
    metadata: _Metadata


class _Request(msgspec.Struct, rename="camel"):
    old_object: _Object | None = None
    object: _Object | None = None


class _Review(msgspec.Struct):
    request: _Request


_decoder = msgspec.json.Decoder(_Review)
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


def uid_of(body: bytes | bytearray) -> str:
    """The uid of the object that a review is about; empty when it cannot be told.

    It reads the whole body once more: only for the few rejections that make an Event.
    """
    try:
        request = _decoder.decode(body).request
    except _FAULTS:
        return ""
    found = request.old_object or request.object
    return found.metadata.uid[:_MAX_NAME] if found is not None else ""


def text(report: Report) -> str:
    """The Event's message: the last rejection in the verdict's words, and what is folded into it."""
    denial = report.denial
    said = shortened(plain(denial.message), _VERDICT_BYTES)
    how = "rejected" if denial.mode is Mode.ENFORCE else f"not rejected only because of mode {denial.mode}"
    until = f", held the Lease until {stamp(denial.held_until)}" if denial.held_until is not None else ""
    parts = [f"{how}: {said} ({denial.standing}{until})"]
    if report.count > 1:
        parts.append(f"{report.count} times since {stamp(report.since)}")
    if report.count == 0:
        parts.append(f"told before at {stamp(denial.at)}, and here for its gate")
    if report.others:
        parts.append(_others(report))
    return "; ".join(parts)


def _others(report: Report) -> str:
    objects = "objects" if report.objects != 1 else "object"
    of = f" of {'' if report.exact else 'at least '}{report.objects} {objects}" if report.objects else ""
    since = f" since {stamp(report.others_since)}" if report.others_since is not None else ""
    writes = "rejections" if report.others != 1 else "rejection"
    return f"and {report.others} more {writes}{of} under Lease {report.denial.gate}{since}"


def manifest(report: Report, instance: str, unique: str) -> dict[str, Any]:
    """The Event. ``instance`` is this process's pod, ``unique`` a hexadecimal number that no other Event has."""
    denial = report.denial
    group, version, kind, namespace, name = denial.target
    return event(
        Involved(f"{group}/{version}" if group else version, kind, namespace, name, report.uid),
        Reporting(COMPONENT, instance),
        kind="Warning",
        reason=REJECTED if denial.mode is Mode.ENFORCE else LET_THROUGH,
        message=text(report),
        unique=unique,
        first=report.since,
        last=report.last,
        count=max(1, report.count),
    )
