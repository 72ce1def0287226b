"""What a line of the API server's audit log comes to. Times are microseconds since 1970. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Review(msgspec.Struct, frozen=True):
    """A review that the audit log proves. Times are microseconds since 1970.

    ``answered`` is the uid that the client was told: the last review's, where the answer is this webhook's rejection.
    ``code`` is the HTTP code of the answer. ``received`` and ``ended`` are when the request came and was answered.
    """

    uid: str
    webhook: str
    verdict: str
    reason: str
    mode: str
    gate: str
    standing: str | None
    holder: str | None
    lease_resource_version: str | None
    answered: str | None
    answered_reason: str | None
    audit_id: str
    username: str
    pod: str | None
    object: str
    resource: str
    code: int
    received: int
    ended: int
    file: str
    line: int


class Ending(StrEnum):
    """How a call went that left no annotation of ours."""

    FAILED_OPEN = "failed-open"
    """It failed, and with ``Ignore`` the write went on unjudged."""
    REFUSED = "refused"
    """It failed, and with ``Fail`` the write was refused."""
    DENIED = "denied"
    """A webhook, of ours or not, rejected the write: what others answered stands nowhere."""


class Call(msgspec.Struct, frozen=True):
    """A call of a webhook that left no verdict of it."""

    ending: Ending
    webhook: str
    why: str
    audit_id: str
    username: str
    pod: str | None
    object: str
    resource: str
    code: int
    received: int
    ended: int
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Event:
    """An event, and whether it is the last of its request: only that one has annotations. ``at`` is in microseconds."""

    at: int
    final: bool
    reviews: tuple[Review, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Other:
    """A line of something else, or a blank one."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """An event that cannot be read; ``why`` is for people."""

    why: str


OTHER = Other()
