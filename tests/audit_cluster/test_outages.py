"""Following while API server or node cannot be reached: what was written meanwhile comes, or its loss is said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from .conftest import IDLE, Installed, by_pod, heard, listening


@contextmanager
def cut_off(installed: Installed) -> Iterator[None]:
    """While the API server is down: whoever follows sees nothing."""
    server = installed.village.plane.apiserver
    server.kill()
    try:
        yield
    finally:
        server.start()


async def test_an_api_server_that_was_down_costs_nothing(installed: Installed) -> None:
    """What was written meanwhile comes when it is back, nothing comes twice, and it is said once."""
    first, second = installed.pods()
    async with listening(installed) as listener:
        made = [uid for pod in (first, second) for uid in await asyncio.to_thread(installed.reject, pod, 20)]
        with cut_off(installed):
            unseen = await asyncio.gather(*(asyncio.to_thread(installed.review, pod, 2) for pod in (first, second)))
        made += [uid for one in unseen for uid in one]
        for pod in (first, second):
            made += await asyncio.to_thread(installed.review, pod, 20)
        await listener.came(made)
        assert by_pod(heard(listener, made)) == by_pod(made)
        lost, back = listener.said
        assert lost.endswith("trying again")
        assert back.startswith("the API server answers again")


async def test_a_restart_that_nobody_saw_is_made_good(installed: Installed) -> None:
    """While the API server was down: what the old container still wrote comes, then the new one's."""
    pod = installed.pods()[0]
    async with listening(installed) as listener:
        made = await asyncio.to_thread(installed.reject, pod, 5)
        await listener.came(made)
        with cut_off(installed):
            made += await asyncio.to_thread(installed.review, pod, 2)
            await asyncio.to_thread(installed.kill, pod)
        await asyncio.to_thread(installed.wait_judging, pod)
        made += await asyncio.to_thread(installed.reject, pod, 5)
        await listener.came(made)
        assert heard(listener, made) == made
        assert not any("missing" in said for said in listener.said)


async def test_two_restarts_that_nobody_saw_leave_a_gap_that_is_said(installed: Installed) -> None:
    """A node keeps one container's log before the last."""
    pod = installed.pods()[0]
    async with listening(installed) as listener:
        seen = await asyncio.to_thread(installed.reject, pod, 5)
        await listener.came(seen)
        with cut_off(installed):
            lost = await asyncio.to_thread(installed.review, pod, 2)
            await asyncio.to_thread(installed.kill, pod)
            between = installed.logs(pod).log("webhook", len(installed.logs(pod).exit_codes("webhook")))
            await asyncio.to_thread(installed.kill, pod)
        await asyncio.to_thread(installed.wait_judging, pod)
        kept = await asyncio.to_thread(installed.reject, pod, 5)
        await listener.came(kept)
        assert heard(listener, [*seen, *lost, *kept]) == [*seen, *kept]
        assert any("started again 2 times" in said and "missing" in said for said in listener.said)
        assert (
            between.read_bytes()
            .splitlines()[0]
            .endswith(tuple(line.text for line in listener.lines if line.pod == pod))
        )


async def test_a_log_that_was_rotated_unseen_leaves_a_gap_that_is_said(installed: Installed) -> None:
    """What is in the new file comes."""
    pod = installed.pods()[0]
    logs = installed.logs(pod)
    async with listening(installed) as listener:
        seen = await asyncio.to_thread(installed.reject, pod, 5)
        await listener.came(seen)
        with cut_off(installed):
            lost = list(await asyncio.to_thread(installed.review, pod, 2))
            current = max(logs.folder.glob("webhook.*.log"), key=lambda path: path.stat().st_mtime)
            current.rename(current.with_suffix(".rotated"))
            kept = await asyncio.to_thread(installed.review, pod, 2)
        await listener.came(list(kept))
        assert heard(listener, [*seen, *lost, *kept]) == [*seen, *kept]
        assert any("cut (rotated)" in said and "missing" in said for said in listener.said)


async def test_a_node_that_cannot_be_reached_costs_nothing(installed: Installed) -> None:
    """It is said, once for each replica, and reading goes on after the last line."""
    first, second = installed.pods()
    async with listening(installed, idle=IDLE) as listener:
        made = [uid for pod in (first, second) for uid in await asyncio.to_thread(installed.reject, pod, 3)]
        await listener.came(made)
        with installed.node_out_of_reach():
            await listener.until(lambda: len(listener.said) == 2, "it is said of both")
            made += [uid for pod in (first, second) for uid in await asyncio.to_thread(installed.reject, pod, 3)]
        await listener.came(made)
        assert by_pod(heard(listener, made)) == by_pod(made)
        await listener.until(lambda: len(listener.said) == 4, "and that they are read again")
    assert sorted(said.split(": ")[1] for said in listener.said) == [
        "its log can be had again; reading goes on after the last line",
        "its log can be had again; reading goes on after the last line",
        "its log cannot be had now",
        "its log cannot be had now",
    ]
