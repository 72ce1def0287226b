"""The gates of a cluster as its webhook configurations hold them: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadergate.gates.spec import FailurePolicy, Service
from leadergate.model import Gate


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a webhook (``RuleWithOperations``)."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    resources: tuple[str, ...]
    operations: tuple[str, ...]
    scope: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a webhook configuration, whoever serves it.

    ``kind`` is that of the configuration. ``target`` is the Service or the base URL, and ``path`` what follows it.
    ``inject`` is the value of the label for injection, None without it. ``conditions`` are names and CEL expressions.
    ``inject_from`` is the value of cert-manager's annotation for injection (NAMESPACE/CERTIFICATE), None without it.
    """

    kind: str
    configuration: str
    name: str
    target: Service | str
    path: str
    ca_bundle: bytes
    inject: str | None
    rules: tuple[Rule, ...]
    failure_policy: FailurePolicy
    timeout_seconds: int
    side_effects: str
    match_policy: str
    namespace_selector: Mapping[str, Any]
    object_selector: Mapping[str, Any]
    conditions: tuple[tuple[str, str], ...]
    inject_from: str | None = None

    def __str__(self) -> str:
        """As it is called in findings."""
        return self.configuration if self.name == self.configuration else f"{self.configuration} {self.name}"


@dataclass(frozen=True, slots=True)
class PlacedGate:
    """An entry whose path is a gate's."""

    entry: Entry
    gate: Gate


@dataclass(frozen=True, slots=True)
class BrokenGate:
    """An entry that is sent to our webhook, though its path is no gate's: every call of it is answered 404."""

    entry: Entry
    fault: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the API server that answered counted for one entry since it started (its own metrics).

    ``calls`` are all calls; ``rejected`` those that were denied by a verdict; ``failed`` those that brought no verdict;
    ``failed_open`` those of these that ``Ignore`` let through.
    """

    calls: int
    rejected: int
    failed: int
    failed_open: int
