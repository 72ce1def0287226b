"""The plain, frozen values that the gate reasons about. Nothing here does I/O or reads a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec


class Mode(StrEnum):
    """What a gate does with a verdict that is not Allow."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"


class IdentityKind(StrEnum):
    """What the holder of the gate's Lease names: a Pod, or the node that a hostNetwork Pod runs on."""

    POD = "pod"
    NODE = "node"


class DenialCode(IntEnum):
    """The HTTP code that a gate's denial carries in ``status.code``."""

    FORBIDDEN = 403
    CONFLICT = 409
    INVALID = 422
    TOO_MANY_REQUESTS = 429


class Reason(StrEnum):
    """Why a verdict fell as it did. The strings are stable: metric labels, records and causes carry them."""

    HOLDER = "Holder"
    NOT_STATUS = "NotStatus"
    NOT_HOLDER = "NotHolder"
    NOT_SERVICE_ACCOUNT = "NotServiceAccount"
    NO_POD_IDENTITY = "NoPodIdentity"
    FOREIGN_NAMESPACE = "ForeignNamespace"
    LEASE_NOT_FOUND = "LeaseNotFound"
    LEASE_UNHELD = "LeaseUnheld"
    LEASE_EXPIRED = "LeaseExpired"
    LEASE_UNREADABLE = "LeaseUnreadable"


class Standing(StrEnum):
    """How a rejected requester stands to the Lease, by the takeovers that this process has seen."""

    FOLLOWER = "follower"
    FORMER_HOLDER = "former-holder"
    STRANGER = "stranger"


class LeaseKey(NamedTuple):
    """A Lease's namespace and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Gate:
    """A webhook entry bound to a Lease, as its URL path says.

    ``from_namespace`` is the namespace whose pods write; ``suffix`` is the literal after ``{pod}-`` in the
    holder identity; ``random`` is the count of random characters after ``{pod}-``. ``code`` is what a denial carries;
    ``retry_after`` is in seconds, and None unless ``code`` is 429.
    """

    mode: Mode
    lease: LeaseKey
    from_namespace: str
    identity: IdentityKind = IdentityKind.POD
    suffix: str | None = None
    random: int | None = None
    code: DenialCode = DenialCode.FORBIDDEN
    retry_after: int | None = None


class Requester(msgspec.Struct, frozen=True):
    """Who asked, as the API server authenticated it (``userInfo`` of the admission review).

    ``namespace`` and ``service_account`` are None unless the user name is a service account's. ``pod``, ``pod_uid``,
    ``node`` and ``credential_id`` come from the token's claims (KEP-4193) and are None where the token has none,
    or names several.
    """

    username: str
    uid: str
    namespace: str | None = None
    service_account: str | None = None
    pod: str | None = None
    pod_uid: str | None = None
    node: str | None = None
    credential_id: str | None = None


class Resource(msgspec.Struct, frozen=True):
    """The resource that a write addresses; ``kind`` is its kind, for ``status.details`` of a denial."""

    group: str
    version: str
    resource: str
    kind: str = ""


class Write(msgspec.Struct, frozen=True):
    """One write that the API server asks about. ``uid`` is the admission review's own."""

    uid: str
    operation: str
    resource: Resource
    subresource: str
    namespace: str
    name: str
    dry_run: bool
    requester: Requester


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease's ``spec`` as the API server gave it (``coordination.k8s.io/v1``), and its resourceVersion.

    ``holder`` is empty when nobody holds it; ``duration`` is ``leaseDurationSeconds``.
    """

    holder: str
    resource_version: str
    transitions: int | None = None
    duration: int | None = None
    acquire_time: datetime | None = None
    renew_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeaseView:
    """A Lease as one read showed it to this process.

    ``age`` is the seconds for which this process has known this very renewal: a lower bound of the true age that rests
    on no other machine's clock. ``expired`` says that it has outlived ``leaseDurationSeconds``.
    """

    lease: Lease
    age: float
    expired: bool


@dataclass(frozen=True, slots=True)
class LeaseAbsent:
    """The API server answered that there is no such Lease."""


@dataclass(frozen=True, slots=True)
class LeaseUnreadable:
    """The Lease could not be read; ``why`` is a sentence for people."""

    why: str


Reading = LeaseView | LeaseAbsent | LeaseUnreadable


@dataclass(frozen=True, slots=True)
class Allow:
    """The write may go through."""

    reason: Reason
    message: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """The write must not go through; ``message`` says who asked, who holds, which Lease and since when."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Indeterminate:
    """The gate cannot tell, so that the user's ``failurePolicy`` decides."""

    reason: Reason
    message: str


Verdict = Allow | Deny | Indeterminate
