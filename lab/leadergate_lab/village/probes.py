"""Probes of a container, as the kubelet makes them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable

import aiohttp

from leadergate_lab.village.podspec import Probe

# The kubelet verifies no certificate either (core/v1, HTTPGetAction).
_UNVERIFIED = ssl.create_default_context()
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


async def passes(probe: Probe, address: str) -> bool:
    """Try once: any status from 200 to 399 is a success."""
    host = probe.host or address
    try:
        async with asyncio.timeout(probe.timeout):
            if probe.kind == "tcpSocket":
                _, writer = await asyncio.open_connection(host, probe.port)
                writer.close()
                return True
            # The kubelet opens a connection for each try.
            connector = aiohttp.TCPConnector(ssl=_UNVERIFIED, force_close=True)
            async with (
                aiohttp.ClientSession(connector=connector) as session,
                session.get(
                    f"{probe.scheme}://{host}:{probe.port}{probe.path}",
                    headers={"User-Agent": "kube-probe/village", **dict(probe.headers)},
                    allow_redirects=False,
                ) as answer,
            ):
                return 200 <= answer.status < 400
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


async def watch(probe: Probe, address: str, told: Callable[[bool], None]) -> None:
    """Try it every period for ever, and tell each time that the thresholds are reached."""
    await asyncio.sleep(probe.initial_delay)
    passed = failed = 0
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        if await passes(probe, address):
            passed, failed = passed + 1, 0
        else:
            passed, failed = 0, failed + 1
        if passed >= probe.successes:
            told(True)
        elif failed >= probe.failures:
            told(False)
        due = max(due + probe.period, loop.time())
        await asyncio.sleep(due - loop.time())


async def cancel(*tasks: asyncio.Task[None]) -> None:
    """End tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
