"""All that the cluster has of the logs, fetched once."""

from __future__ import annotations

from datetime import datetime

import pytest

from leadergate.audit.cluster.logs import LogLine
from leadergate.audit.cluster.replicas import CannotRead, Replicas, behind
from leadergate.audit.cluster.snapshot import Snapshot

from .conftest import SERVICE, Installed, leave, uids


async def fetched(installed: Installed, since: datetime | None = None) -> tuple[list[LogLine], list[str]]:
    """The merged lines, and what was said."""
    connection, said = installed.connect(), list[str]()
    try:
        where = await behind(connection, SERVICE)
        with Snapshot(Replicas(connection, where), since=since, say=said.append) as snapshot:
            await snapshot.fetch()
            return list(snapshot.lines()), said
    finally:
        await leave(connection)


async def test_rejections_of_all_replicas_are_merged_in_order(installed: Installed) -> None:
    """In the order in which they were made; each line tells its Pod and container."""
    first, second = installed.pods()
    made = [uid for _ in range(3) for pod in (first, second) for uid in installed.reject(pod, 2)]
    lines, said = await fetched(installed)
    assert [uid for uid in uids(lines) if uid in made] == made
    assert {(line.pod, line.container) for line in lines} == {(first, "webhook"), (second, "webhook")}
    times = [line.at for line in lines]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
    assert [line for line in said if "started again" not in line] == []


async def test_what_is_older_than_asked_for_is_left_out(installed: Installed) -> None:
    """To the microsecond, though the API knows whole seconds only."""
    pod = installed.pods()[0]
    old = installed.reject(pod, 3)
    lines, _ = await fetched(installed)
    at = {uid: line.at for line in lines for uid in uids([line])}
    since = at[old[1]]
    assert since is not None
    recent, _ = await fetched(installed, since)
    assert [uid for uid in uids(recent) if uid in old] == old[1:]
    assert all(line.at and line.at >= since for line in recent)


async def test_a_node_that_cannot_be_reached_is_said(installed: Installed) -> None:
    """For each replica; where no log can be had at all, there is nothing to review."""
    with installed.node_out_of_reach(), pytest.raises(CannotRead) as refused:
        await fetched(installed)
    told = str(refused.value)
    assert told.startswith("no replica's log can be read: ")
    for pod in installed.pods():
        assert f"{pod}: its log cannot be read to its end: the API server answered 50" in told


async def test_the_log_before_a_restart_is_read_too(installed: Installed) -> None:
    """And nothing twice; after another restart the oldest one is gone, which is said."""
    pod = installed.pods()[0]
    restarts = len(installed.logs(pod).exit_codes("webhook"))
    before = installed.reject(pod, 5)
    installed.kill(pod)
    installed.wait_judging(pod)
    after = installed.reject(pod, 5)
    lines, _ = await fetched(installed)
    assert [uid for uid in uids(lines) if uid in {*before, *after}] == [*before, *after]
    installed.kill(pod)
    installed.wait_judging(pod)
    lines, said = await fetched(installed)
    assert [uid for uid in uids(lines) if uid in {*before, *after}] == after
    assert any(line.startswith(f"{pod}: started again {restarts + 2} times") for line in said)
