"""What a replica is told at start. Pure: every fault is found before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from leadergate_election.address import Address
from leadergate_election.settings import ElectionSettings
from leadergate_operator.gating import StatusGate

LOG_LEVELS = ("debug", "info", "warning")


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. ``election`` has the namespace and the pod's name as well; ``write_seconds`` bounds a status write.

    ``sidecar`` is the URL of the ``leadergate elect`` beside it, None when the replica stands for election by itself.
    """

    election: ElectionSettings
    kubeconfig: Path | None
    listen: Address
    status_gate: StatusGate
    resync_seconds: float
    workers: int
    write_seconds: float
    sidecar: str | None = None

    @property
    def pod(self) -> str:
        """The Pod that this replica runs in."""
        return self.election.identity

    @property
    def namespace(self) -> str:
        """Where the Redirects and the Lease are."""
        return self.election.namespace


def faults_of(
    *,
    resync_seconds: float,
    workers: int,
    write_seconds: float,
    log_level: str,
    pod_name: str,
    sidecar: str | None = None,
) -> list[str]:
    """Every fault that is not the election's, each with the setting, its value and what was expected."""
    rules = [
        ("--pod-name", pod_name, _is_subdomain(pod_name), "a Pod's name: lower-case letters, digits, '-' and '.'"),
        ("--resync-seconds", resync_seconds, resync_seconds > 0, "more than 0 seconds"),
        ("--workers", workers, workers > 0, "at least 1"),
        ("--write-timeout", write_seconds, write_seconds > 0, "more than 0 seconds"),
        ("--log-level", log_level, log_level in LOG_LEVELS, f"one of {', '.join(LOG_LEVELS)}"),
        (
            "--election-sidecar",
            sidecar,
            sidecar is None or _is_url(sidecar),
            "a URL as in http://127.0.0.1:4040/leader",
        ),
    ]
    return [f"{name}={value!r}: expected {expectation}" for name, value, holds, expectation in rules if not holds]


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_subdomain(value: str) -> bool:
    """RFC 1123 subdomain, as Kubernetes asks of most names."""
    label = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
    return len(value) <= 253 and re.fullmatch(rf"{label}(\.{label})*", value) is not None
