"""Following: each record once and in order, whatever happens to containers and Pods."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from .conftest import IDLE, Installed, by_pod, heard, listening


async def test_replicas_are_merged_live_from_now_on(installed: Installed) -> None:
    """Nothing of before comes, and what comes is in order across replicas."""
    first, second = installed.pods()
    await asyncio.to_thread(installed.reject, first, 5)
    old = await asyncio.to_thread(installed.reject, second, 5)
    await asyncio.sleep(1.1)  # the API knows whole seconds: the last one may come again
    # However late a line comes on a busy machine.
    async with listening(installed, hold=5) as listener:
        made = []
        for pod in (first, second) * 5:
            made += await asyncio.to_thread(installed.reject, pod, 2)
        await listener.came(made)
        assert heard(listener, made) == made
        assert heard(listener, old) == []


async def test_history_comes_first_and_once(installed: Installed) -> None:
    """What the cluster has since a moment, in order, and then what is new, without a seam."""
    first, second = installed.pods()
    since = datetime.now(UTC)
    made = [uid for pod in (first, second) * 3 for uid in installed.reject(pod, 3)]
    async with listening(installed, since=since) as listener:
        old = len(made)
        for pod in (first, second) * 3:
            made += await asyncio.to_thread(installed.reject, pod, 3)
        await listener.came(made)
        assert heard(listener, made)[:old] == made[:old]
        assert by_pod(heard(listener, made)) == by_pod(made)
        assert all(line.at is not None and line.at >= since for line in listener.lines)


async def test_a_restarted_container_is_followed(installed: Installed) -> None:
    """Up to its last line, and from the first line of the new one; it is said."""
    pod = installed.pods()[0]
    async with listening(installed) as listener:
        made = await asyncio.to_thread(installed.reject, pod, 50)
        await asyncio.to_thread(installed.kill, pod)
        await asyncio.to_thread(installed.wait_judging, pod)
        made += await asyncio.to_thread(installed.reject, pod, 5)
        await listener.came(made)
        assert heard(listener, made) == made
        assert listener.said == [f"{pod}: its container was started again; reading goes on with the new one"]


async def test_replicas_that_a_rollout_replaces_are_followed(installed: Installed) -> None:
    """Old ones to their last line, new ones from their first, each once."""
    before = installed.pods()
    async with listening(installed) as listener:
        made = [uid for pod in before for uid in await asyncio.to_thread(installed.reject, pod, 5)]
        await asyncio.to_thread(installed.renew)
        after = installed.pods()
        assert not set(before) & set(after)
        made += [uid for pod in after for uid in await asyncio.to_thread(installed.reject, pod, 5)]
        await listener.came(made)
        assert by_pod(heard(listener, made)) == by_pod(made)
        await listener.until(lambda: len(listener.said) >= 4, "what happened is said")
        assert sorted(listener.said) == sorted(
            [f"{pod}: its pod is gone; its log was read to the end" for pod in before]
            + [f"{pod}: a new replica; its log is followed from its first line on" for pod in after]
        )
        written = {pod: installed.logs(pod).stderr("webhook").read_bytes().splitlines() for pod in (*before, *after)}
        ends = {(pod, written[pod][-1]) for pod in before} | {(pod, written[pod][0]) for pod in after}
        await listener.until(
            lambda: ends <= {(line.pod, line.text) for line in listener.lines}, "the last lines and the first ones come"
        )


async def test_a_log_that_is_asked_for_again_and_again_comes_once(installed: Installed) -> None:
    """A connection that is silent is given up, since it may be dead, and lines of the same second are told apart."""
    first, second = installed.pods()
    async with listening(installed, idle=IDLE) as listener:
        made = []
        for _ in range(3):
            for pod in (first, second):
                made += await asyncio.to_thread(installed.reject, pod, 3)
            await asyncio.sleep(1.2 * IDLE)  # longer than a connection may be silent
        await listener.came(made)
        assert by_pod(heard(listener, made)) == by_pod(made)
        assert listener.said == []
