"""A gate as it shall be written, and the names that it is made of: frozen, and read by the parsers that judge it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from leadergate.gate import parse
from leadergate.model import Gate


class FailurePolicy(StrEnum):
    """What becomes of a write when the webhook gives no verdict (``failurePolicy``)."""

    FAIL = "Fail"
    IGNORE = "Ignore"


class Account(NamedTuple):
    """A service account's namespace and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def username(self) -> str:
        """What the API server calls it (apiserver: serviceaccount.MakeUsername)."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


class Service(NamedTuple):
    """The Service in front of the webhook; ``port`` is the Service's own."""

    namespace: str
    name: str
    port: int = 443


class StatusResource(NamedTuple):
    """A resource whose status is gated, as kubectl writes it: ``redirects.v1.demo.leadergate.dev``."""

    resource: str
    version: str
    group: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.version}.{self.group}"


class Allowed(NamedTuple):
    """Users, service accounts among them, and groups that may write unjudged."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GateSpec:
    """A gate to be written.

    ``path`` is its URL path; ``namespaces`` are those of the objects it guards, None for all but those that no gate may
    guard; ``only`` are the accounts that are judged, none for everybody; ``target`` is the Service or the base URL at
    which the API server finds the webhook; ``account`` is the webhook's own; ``inject`` is the namespace of the Secret
    with its certificates, None when nobody injects them; ``own`` are the namespaces that it is made of itself.

    Raises:
        UnknownGate: the webhook would not take ``path``.
    """

    name: str
    path: str
    resources: tuple[StatusResource, ...]
    failure_policy: FailurePolicy
    timeout_seconds: int
    namespaces: tuple[str, ...] | None
    only: tuple[Account, ...]
    allowed: Allowed
    target: Service | str
    account: Account
    inject: str | None
    own: tuple[str, ...]

    def __post_init__(self) -> None:
        parse(self.path)

    @property
    def gate(self) -> Gate:
        """What the webhook will read from the path."""
        return parse(self.path)
