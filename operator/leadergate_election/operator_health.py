"""The health of the operator that a sidecar stands for, judged as the kubelet judges a probe."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp


@dataclass(frozen=True, slots=True)
class Probe:
    """An HTTP probe. Times in seconds; ``failures`` in a row make the operator unhealthy, one success healthy again.

    Raises:
        ValueError: it cannot work; the message names what is wrong.
    """

    url: str
    period: float = 1.0
    timeout: float = 1.0
    failures: int = 3

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        faults = []
        if parts.scheme not in ("http", "https") or not parts.hostname:
            faults.append(
                f"--while-healthy: {self.url!r}: expected a URL of the operator, as in http://127.0.0.1:8080/healthz"
            )
        if not self.period > 0:
            faults.append(f"--health-period: {self.period:g}: expected more than 0 seconds")
        if not self.timeout > 0:
            faults.append(f"--health-timeout: {self.timeout:g}: expected more than 0 seconds")
        if self.failures < 1:
            faults.append(f"--health-failures: {self.failures}: expected at least 1")
        if faults:
            raise ValueError("; ".join(faults))


@dataclass(slots=True)
class Judgement:
    """What the answers so far come to. Pure. Unhealthy until the first success: who is not up cannot lead."""

    tolerated: int
    healthy: bool = False
    failed: int = 0

    def take(self, fault: str) -> bool:
        """Take in one answer, ``fault`` empty for a success; whether the judgement changed."""
        before = self.healthy
        self.failed = self.failed + 1 if fault else 0
        self.healthy = not fault or (before and self.failed < self.tolerated)
        return self.healthy != before


async def ask(session: aiohttp.ClientSession, probe: Probe) -> str:
    """One question. Empty when the operator is well, else why not.

    As with a kubelet's ``httpGet`` any code from 200 to 399 is well, and a certificate is not verified.
    """
    try:
        async with asyncio.timeout(probe.timeout):
            async with session.get(probe.url, allow_redirects=False, ssl=False) as answer:
                return "" if 200 <= answer.status < 400 else f"it answered {answer.status}"
    except TimeoutError:
        return f"it did not answer within {probe.timeout:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"it cannot be asked: {error or type(error).__name__}"
