"""What a replica is told at start. Pure: every fault is found before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

JITTER = 1.2
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on; port 0 is any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ElectionSettings:
    """The Lease and the times, in whole seconds, that the elector works by."""

    lease_name: str
    lease_duration: int
    renew_deadline: int
    retry_period: int


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it, checked by :func:`check`."""

    pod_name: str
    namespace: str
    kubeconfig: Path | None
    listen: Address
    election: ElectionSettings
    resync_seconds: float
    workers: int


def parse_address(value: str) -> Address:
    """``host:port``, with an IPv6 host in brackets.

    Raises:
        ValueError: it is not of that form; the message says what is wrong.
    """
    match = re.fullmatch(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^:\s]+)):(?P<port>\d{1,5})", value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("expected host:port with a port of 0 to 65535, as in 0.0.0.0:8080 or [::]:8080")
    return Address(match["v6"] or match["host"], int(match["port"]))


def check(settings: Settings) -> list[str]:
    """Every fault, each with the setting, its value and what was expected."""
    election = settings.election
    rules = [
        (
            "--pod-name",
            settings.pod_name,
            _is_subdomain(settings.pod_name),
            "a Pod's name: lower-case letters, digits, '-' and '.'",
        ),
        (
            "--namespace",
            settings.namespace,
            re.fullmatch(_LABEL, settings.namespace) is not None,
            "a namespace's name: at most 63 lower-case letters, digits and '-'",
        ),
        (
            "--lease-name",
            election.lease_name,
            _is_subdomain(election.lease_name),
            "a Lease's name: lower-case letters, digits, '-' and '.'",
        ),
        ("--resync-seconds", settings.resync_seconds, settings.resync_seconds > 0, "more than 0 seconds"),
        ("--workers", settings.workers, settings.workers > 0, "at least 1"),
        ("--retry-period", election.retry_period, election.retry_period >= 1, "at least 1 second"),
        (
            "--renew-deadline",
            election.renew_deadline,
            election.renew_deadline > JITTER * election.retry_period,
            f"more than {JITTER} times --retry-period, which is {election.retry_period}",
        ),
        (
            "--lease-duration",
            election.lease_duration,
            election.lease_duration > election.renew_deadline,
            f"more than --renew-deadline, which is {election.renew_deadline}",
        ),
    ]
    return [f"{name}={value!r}: expected {expectation}" for name, value, holds, expectation in rules if not holds]


def _is_subdomain(value: str) -> bool:
    """RFC 1123 subdomain, as Kubernetes asks of most names."""
    return len(value) <= 253 and re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", value) is not None
