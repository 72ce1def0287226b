"""A decoded record as the explanation looks at it: whatever is missing or of another type is None. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leadergate.audit.reading.columns import BEGIN, END
from leadergate.audit.telling.words import stamp

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class LeaseTold(NamedTuple):
    """What the record tells of the Lease."""

    holder: str
    version: str | None
    transitions: int | None
    acquired: datetime | None
    renewed: datetime | None
    duration: int | None
    observed_age: float | None
    expired: bool


class RecordTold(NamedTuple):
    """One record. Texts are as the record has them: not yet fit for a terminal, or a command."""

    time: datetime | None
    verdict: str
    reason: str
    message: str
    mode: str
    gate: str
    uid: str
    dry_run: bool
    group: str
    version: str
    resource: str
    subresource: str
    namespace: str
    name: str
    username: str
    requester_namespace: str
    account: str
    pod: str
    node: str
    standing: str
    held_until: datetime | None
    lease: LeaseTold | None
    webhook_pod: str

    @property
    def lease_namespace(self) -> str:
        """The namespace of the gate's Lease."""
        return self.gate.partition("/")[0]

    @property
    def lease_name(self) -> str:
        """The name of the gate's Lease."""
        return self.gate.partition("/")[2]

    @property
    def object(self) -> str:
        """The object that was written."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def kind(self) -> str:
        """Its resource, as kubectl takes it."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def who(self) -> str:
        """The requester in words."""
        if self.pod:
            return f"pod {self.requester_namespace}/{self.pod}"
        if self.account:
            return f"service account {self.requester_namespace}/{self.account}"
        return f"user {self.username}"


def record_told(record: Mapping[str, Any]) -> RecordTold:
    """The record, read with forbearance: it may be of a later version, or not quite whole."""
    requester, resource = _inner(record, "requester"), _inner(record, "resource")
    return RecordTold(
        time=_time(record.get("time")),
        verdict=_text(record.get("verdict")),
        reason=_text(record.get("reason")),
        message=_text(record.get("message")),
        mode=_text(record.get("mode")),
        gate=_text(record.get("gate")),
        uid=_text(record.get("uid")),
        dry_run=record.get("dryRun") is True,
        group=_text(resource.get("group")),
        version=_text(resource.get("version")),
        resource=_text(resource.get("resource")),
        subresource=_text(resource.get("subresource")),
        namespace=_text(record.get("namespace")),
        name=_text(record.get("name")),
        username=_text(requester.get("username")),
        requester_namespace=_text(requester.get("namespace")),
        account=_text(requester.get("serviceAccount")),
        pod=_text(requester.get("pod")),
        node=_text(requester.get("node")),
        standing=_text(record.get("standing")),
        held_until=_time(record.get("heldUntil")),
        lease=_lease(record.get("lease")),
        webhook_pod=_text(record.get("webhookPod")),
    )


def is_bare_uuid(holder: str) -> bool:
    """Whether a holder identity names nothing: client-go's example and others elect so."""
    return _UUID.fullmatch(holder) is not None


def _lease(lease: Any) -> LeaseTold | None:
    if not isinstance(lease, Mapping):
        return None
    age = lease.get("observedAge")
    return LeaseTold(
        holder=_text(lease.get("holder")),
        version=_text(lease.get("resourceVersion")) or None,
        transitions=_whole(lease.get("transitions")),
        acquired=_time(lease.get("acquireTime")),
        renewed=_time(lease.get("renewTime")),
        duration=_whole(lease.get("durationSeconds")),
        observed_age=float(age) if isinstance(age, int | float) and not isinstance(age, bool) else None,
        expired=lease.get("expired") is True,
    )


def _inner(record: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = record.get(field)
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if BEGIN <= moment < END else None


def moment(time: datetime | None) -> str:
    """A time in words, to the millisecond."""
    return stamp(time, millis=True) if time is not None else "an unknown time"
