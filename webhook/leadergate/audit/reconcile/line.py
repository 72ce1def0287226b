"""One line of the API server's audit log: what it says of gates. Pure.

The format is ``audit.k8s.io/v1`` (k8s.io/apiserver ``pkg/apis/audit/v1``). Only ``annotations`` and ``responseStatus``
are believed: the API server alone fills them in, while names, user agents and objects are what callers chose. An
annotation is taken once (``pkg/audit/context.go``), so that a write which is reviewed again keeps its first review's;
the last review's uid is the ``ReviewUID`` cause of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from leadergate.audit.reconcile.kinds import OTHER, Call, Damaged, Ending, Event, Other, Review

FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/"
"""What the keys of its annotations begin with; their values are names of webhooks."""
KEYS = ("verdict", "reason", "mode", "lease", "uid")
"""What each of our reviews is annotated with (``leadergate.case``)."""
# Unescaped, so that no text that somebody chose looks like it: JSON escapes its quotes. It only saves work.
_HINTS = (b'/verdict"', b"failed-open.validating", b"failed calling webhook", b"denied the request")
_DENIED = re.compile(r'admission webhook "([^"]+)" denied the request')
_FAILED = re.compile(r'Internal error occurred: failed calling webhook "([^"]+)": ')
# What a container runtime puts before a line (Kubernetes CRI logging).
_CRI = re.compile(rb"\S+ std(?:out|err) [FP] (?=\{)")
_GROUP = "audit.k8s.io/"
_FINAL = ("ResponseComplete", "Panic")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


class _User(msgspec.Struct):
    username: str = ""
    extra: dict[str, list[str]] | None = None


class _Object(msgspec.Struct, rename="camel"):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    api_group: str = ""


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""
    details: _Details | None = None


class _Plain(msgspec.Struct, rename="camel"):
    kind: str
    api_version: str
    stage: str
    stage_timestamp: datetime


class _Full(_Plain, rename="camel"):
    audit_id: str = msgspec.field(name="auditID")
    request_received_timestamp: datetime
    user: _User
    impersonated_user: _User | None = None
    object_ref: _Object | None = None
    response_status: _Status | None = None
    annotations: dict[str, str] | None = None


class _Kind(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""


_plain = msgspec.json.Decoder(_Plain)
_full = msgspec.json.Decoder(_Full)
_kind = msgspec.json.Decoder(_Kind)


def parse(line: bytes, file: str, number: int, webhooks: Collection[str] = ()) -> Event | Other | Damaged:
    """What one line is; ``file`` and ``number`` say where it stands. ``webhooks`` are ours; none named: all that have
    annotations as ours have.
    """
    text = line.strip()
    if not text.startswith(b"{"):
        # An event begins its line: what stands within the text of another program proves nothing.
        if (prefix := _CRI.match(text)) is None:
            return OTHER
        text = text[prefix.end() :]
    hinted = any(hint in text for hint in _HINTS)
    try:
        if not hinted:
            plain = _plain.decode(text)
            return _event(plain) or OTHER
        full = _full.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as fault:
        return _misfit(text, str(fault))
    event = _event(full)
    if event is None or not event.final:
        return event or OTHER
    reviews = tuple(_reviews(full, file, number, webhooks))
    return Event(event.at, event.final, reviews, tuple(_calls(full, file, number, reviewed=bool(reviews))))


def micros(moment: datetime) -> int:
    """Microseconds since 1970. A time without a zone is none that an API server writes, and is taken for UTC."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICRO


def _event(event: _Plain) -> Event | None:
    if event.kind != "Event" or not event.api_version.startswith(_GROUP):
        return None
    return Event(micros(event.stage_timestamp), event.stage in _FINAL)


def _misfit(text: bytes, why: str) -> Other | Damaged:
    try:
        kind = _kind.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        cut = b'"' + _GROUP.encode() in text[:4096] or text.startswith(b'{"kind":"Event"')
        return Damaged(f"it is cut off or damaged: {why}") if cut else OTHER
    if not kind.api_version.startswith(_GROUP):
        return OTHER
    if kind.kind == "EventList":
        return Damaged("it is a list of events: give one event a line (jq -c '.items[]')")
    return Damaged(why)


def _reviews(event: _Full, file: str, number: int, webhooks: Collection[str]) -> Iterator[Review]:
    notes = _by_webhook(event.annotations or {})
    status = event.response_status or _Status()
    denied = _DENIED.match(status.message)
    causes = (status.details and status.details.causes) or []
    uid = next((cause.message for cause in causes if cause.reason == "ReviewUID"), None)
    for webhook, note in notes.items():
        if (webhooks and webhook not in webhooks) or any(key not in note for key in KEYS):
            continue
        answers = uid is not None and denied is not None and denied[1] == webhook
        yield Review(
            uid=note["uid"],
            webhook=webhook,
            verdict=note["verdict"],
            reason=note["reason"],
            mode=note["mode"],
            gate=note["lease"],
            standing=note.get("standing"),
            holder=note.get("holder"),
            lease_resource_version=note.get("lease-resource-version"),
            answered=uid if answers else None,
            answered_reason=causes[0].reason if answers else None,
            file=file,
            line=number,
            **_request(event),
        )


def _calls(event: _Full, file: str, number: int, *, reviewed: bool) -> Iterator[Call]:
    place = {"file": file, "line": number, **_request(event)}
    for key, webhook in (event.annotations or {}).items():
        if key.startswith(FAILED_OPEN):
            yield Call(ending=Ending.FAILED_OPEN, webhook=webhook, why="", **place)
    message = event.response_status.message if event.response_status else ""
    if failed := _FAILED.match(message):
        yield Call(ending=Ending.REFUSED, webhook=failed[1], why=message[failed.end() :], **place)
    elif (denied := _DENIED.match(message)) and not reviewed:
        yield Call(ending=Ending.DENIED, webhook=denied[1], why="", **place)


def _by_webhook(annotations: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Annotations of webhooks by their keys; a webhook's name holds no slash."""
    found: dict[str, dict[str, str]] = {}
    for key, value in annotations.items():
        webhook, slash, name = key.partition("/")
        if slash:
            found.setdefault(webhook, {})[name] = value
    return found


def _request(event: _Full) -> dict[str, Any]:
    """Who asked, as the review names them, and for what."""
    user = event.impersonated_user or event.user
    pods = (user.extra or {}).get("authentication.kubernetes.io/pod-name", [])
    ref = event.object_ref or _Object()
    return {
        "audit_id": event.audit_id,
        "username": user.username,
        "pod": pods[0] if len(pods) == 1 else None,
        "object": f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name,
        "resource": f"{ref.resource}.{ref.api_group}" if ref.api_group else ref.resource,
        "code": event.response_status.code if event.response_status else 0,
        "received": micros(event.request_received_timestamp),
        "ended": micros(event.stage_timestamp),
    }
