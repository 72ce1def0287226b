"""What an election is made of. Settings that cannot work are refused at construction, all broken rules at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

DEFAULT_NAME = "operator-lock"
JITTER = 1.2
"""A candidate waits between once and ``1 + JITTER`` times its retry period (client-go, ``JitterFactor``)."""

SHORTEST_RETRY = 0.1
LONGEST_LEASE = 2**31 - 1

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class ElectionFault(ValueError):
    """The settings cannot work; the message names every broken rule with the field, its value and what to do."""


@dataclass(frozen=True, slots=True)
class ElectionSettings:
    """One process's part in the election on one Lease. All times in seconds; the rules are client-go's.

    ``identity`` is written as the holder: the pod's name, by which a gate knows it. It must be unique among the
    processes that stand. ``lease_duration`` is how long candidates wait after the last renewal that they saw,
    ``renew_deadline`` how long the leader goes on after the last renewal that succeeded, ``retry_period`` the time
    between two tries. ``drain_seconds`` bounds the end of ``on_started_leading`` before the Lease is released, which
    ``release_on_end`` permits.

    Raises:
        ElectionFault: a rule is broken.
    """

    namespace: str
    identity: str
    name: str = DEFAULT_NAME
    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    drain_seconds: float = 5.0
    release_on_end: bool = True

    def __post_init__(self) -> None:
        faults = [*self._naming_faults(), *self._timing_faults()]
        if faults:
            raise ElectionFault("; ".join(faults))

    @property
    def lease_seconds(self) -> int:
        """``lease_duration`` as the Lease holds it."""
        return int(self.lease_duration)

    @property
    def request_timeout(self) -> float:
        """The bound of a single request: half of the renew deadline, so that one that hangs leaves time for another."""
        return self.renew_deadline / 2

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def _naming_faults(self) -> Iterator[str]:
        if len(self.namespace) > 63 or not _LABEL.fullmatch(self.namespace):
            yield (
                f"namespace is {self.namespace!r}, and must be a DNS-1123 label: at most 63 lower-case letters, digits "
                "and hyphens, a letter or digit at both ends"
            )
        if len(self.name) > 253 or not _SUBDOMAIN.fullmatch(self.name):
            yield (
                f"name is {self.name!r}, and must be a DNS-1123 subdomain: at most 253 lower-case letters, digits, "
                "hyphens and dots, a letter or digit at both ends of each part"
            )
        if not self.identity:
            yield "identity is empty: give the pod's name (downward API, metadata.name)"
        elif self.identity.strip() != self.identity or not self.identity.isprintable():
            yield f"identity is {self.identity!r}, and must be printable, without blanks at its ends"

    def _timing_faults(self) -> Iterator[str]:
        times = {
            "lease_duration": self.lease_duration,
            "renew_deadline": self.renew_deadline,
            "retry_period": self.retry_period,
            "drain_seconds": self.drain_seconds,
        }
        endless = [name for name, value in times.items() if not math.isfinite(value)]
        if endless:
            # Nothing can be compared with what is no number.
            yield from (f"{name} is {times[name]}, and must be a number of seconds" for name in endless)
            return
        if not 1 <= self.lease_duration <= LONGEST_LEASE or self.lease_duration != int(self.lease_duration):
            yield (
                f"lease_duration is {self.lease_duration:g} s, and must be from 1 to {LONGEST_LEASE} and whole: "
                "the Lease holds whole seconds"
            )
        if self.lease_duration <= self.renew_deadline:
            yield (
                f"lease_duration ({self.lease_duration:g} s) must be greater than renew_deadline "
                f"({self.renew_deadline:g} s): else others take the Lease while its holder still leads"
            )
        if self.renew_deadline <= JITTER * self.retry_period:
            yield (
                f"renew_deadline ({self.renew_deadline:g} s) must be greater than {JITTER:g} times retry_period "
                f"({self.retry_period:g} s): else there is no time for a second try"
            )
        if self.retry_period < SHORTEST_RETRY:
            yield (
                f"retry_period is {self.retry_period:g} s, and must be at least {SHORTEST_RETRY:g} s: less floods the "
                "API server"
            )
        if self.drain_seconds < 0:
            yield f"drain_seconds is {self.drain_seconds:g} s, and must not be negative"
