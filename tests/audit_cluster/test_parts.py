"""The pure parts, in tables: lines and their times, what has been seen, Pods' statuses, and the live order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadergate.audit.cluster.logs import LONGEST, Begin, Stamped, nanoseconds, split, stamped
from leadergate.audit.cluster.merge import Merge
from leadergate.audit.cluster.replicas import CannotRead, Replica, replica
from leadergate.audit.cluster.rights import lacking
from leadergate.audit.cluster.seen import Seen
from leadergate.survey.parts import Right

NOON = nanoseconds(datetime(2026, 1, 1, 12, tzinfo=UTC))
POD = Replica("ns", "pod-0", "uid-0", "webhook", "c1", "", True, 0, None, None)


@pytest.mark.parametrize(
    ("raw", "nanos", "text"),
    [
        (b'2026-01-01T12:00:00.000000001Z {"a":1}', NOON + 1, b'{"a":1}'),
        (b"2026-01-01T14:00:00.5+02:00 x", NOON + 500_000_000, b"x"),
        (b"2026-01-01T12:00:00Z ", NOON, b""),
        (b"2026-01-01T12:00:00.123456789Z  two spaces", NOON + 123_456_789, b" two spaces"),
        (b"2026-01-01T12:00:00.1234567890Z x", None, b"2026-01-01T12:00:00.1234567890Z x"),
        (b"2026-13-01T12:00:00Z x", None, b"2026-13-01T12:00:00Z x"),
        (b"unable to retrieve container logs", None, b"unable to retrieve container logs"),
        (b"", None, b""),
    ],
)
def test_a_line_begins_with_its_time(raw: bytes, nanos: int | None, text: bytes) -> None:
    """To the nanosecond, in any zone; what does not is handed on whole."""
    found = stamped(raw)
    line = found.line(POD)
    assert (found.nanos, line.text) == (nanos, text)
    assert line.at == (None if nanos is None else datetime.fromtimestamp(nanos // 1000 / 10**6, UTC))


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b"a\nb\n"], [(b"a", True), (b"b", True)]),
        ([b"a", b"b\n", b"\nc"], [(b"ab", True), (b"", True), (b"c", False)]),
        ([], []),
        ([b"x" * LONGEST, b"y" * 10, b"\nz\n"], [(b"x" * LONGEST, True), (b"z", True)]),
    ],
)
async def test_chunks_become_lines(chunks: list[bytes], expected: list[tuple[bytes, bool]]) -> None:
    """Wherever they are cut; a line beyond the bound is cut off, and the next one is whole."""

    async def come() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    assert [line async for line in split(come())] == expected


def lines(*seconds: float) -> list[Stamped]:
    """Lines so many seconds after noon; equal times make equal lines."""
    return [Stamped(NOON + int(second * 10**9), f"{second}".encode(), True) for second in seconds]


def again(seen: list[Stamped], come: list[Stamped]) -> tuple[list[bytes], bool]:
    """What is new of a second reading, and whether it is sure to go on from the first."""
    known = Seen()
    for line in seen:
        known.add(line)
    resumption = known.resume()
    begin = known.begin().nanos or 0
    asked = [line for line in come if line.nanos is None or line.nanos >= begin]
    return [line.raw for line in asked if resumption.is_new(line)], resumption.anchored


@pytest.mark.parametrize(
    ("seen", "more", "new", "anchored"),
    [
        ((), (1, 2), [b"1", b"2"], True),
        ((1, 2, 2.5), (3,), [b"3"], True),
        ((1.5, 1.5, 1.5), (1.5,), [b"1.5"], True),  # the same line at the same nanosecond, and one more of it
        ((1, 5, 4.5), (4.9,), [b"4.9"], True),  # two streams, a little out of order
        ((1, 5, 6, 9, 3), (4,), [b"4"], True),  # the clock was set back
        ((100, 101), (71,), [b"71"], True),  # it was, while nobody read
    ],
)
def test_lines_that_are_known_are_left_out(
    seen: tuple[float, ...], more: tuple[float, ...], new: list[bytes], anchored: bool
) -> None:
    """Exactly those, though the API begins at a whole second."""
    assert again(lines(*seen), lines(*seen, *more)) == (new, anchored)


@example(steps=[0, -30 * 10**9], readings=[1])
@given(
    steps=st.lists(st.integers(-5 * 10**9, 5 * 10**9) | st.just(0), max_size=40),
    readings=st.lists(st.integers(0, 8), max_size=40),
)
def test_readings_in_pieces_are_the_whole(steps: list[int], readings: list[int]) -> None:
    """Whatever the node's clock does, and wherever a reading breaks off: each line once, in the log's order."""
    log, at = [], NOON
    for step in steps:
        at += step
        log.append(Stamped(at, b"%d" % at, True))
    seen, came, end = Seen(), [], 0
    for more in [*readings, len(log)]:
        end = min(end + more, len(log))
        resumption, begin = seen.resume(), seen.begin()
        for line in log[:end]:
            if not begin.before(line) and resumption.is_new(line):
                came.append(line)
                seen.add(line)
        assert resumption.anchored
    assert came == log


def test_a_log_without_the_last_line_is_cut() -> None:
    """Then nobody can tell what was between. That shows as soon as a line comes that is later than all."""
    assert again(lines(1, 2, 2.5), lines(2, 3)) == ([], False)
    known = Seen()
    for line in lines(1, 2, 2.5):
        known.add(line)
    resumption = known.resume()
    assert [resumption.is_new(line) for line in lines(2, 3, 5)] == [False] * 3
    assert (resumption.unsure, resumption.cut) == (True, True)
    known.let_go()
    resumption = known.resume()
    assert [resumption.is_new(line) for line in lines(2, 3, 5)] == [False, True, True]


def test_little_is_kept() -> None:
    """Seconds of lines, not all."""
    seen = Seen()
    for number in range(100_000):
        seen.add(Stamped(NOON + number * 10**6, b"%d" % number, True))
    assert len(seen._recent) <= 3001


def pod(state: dict[str, Any], last: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    """A Pod with such a container."""
    found = {"name": "webhook", "restartCount": 1, "containerID": "c2", "state": state, "lastState": last or {}}
    return {
        "metadata": {"namespace": "ns", "name": "pod-0", "uid": "uid-0"},
        "spec": {"containers": [{"name": "proxy"}, {"name": "webhook"}]},
        "status": {"containerStatuses": [{"name": "proxy"}, {**found, **status}]},
    }


BEFORE = {"terminated": {"containerID": "c1", "startedAt": "2026-01-01T12:00:00Z"}}


@pytest.mark.parametrize(
    ("item", "current", "previous", "running"),
    [
        (pod({"running": {}}, BEFORE), "c2", "c1", True),
        (pod({"running": {}}), "c2", "", True),
        (pod({"terminated": {"exitCode": 0}}, BEFORE), "c2", "c1", False),
        (pod({"waiting": {"reason": "CrashLoopBackOff"}}, BEFORE, containerID="c1"), "c1", "", False),
        (pod({"waiting": {"reason": "ContainerCreating"}}, containerID=""), "", "", False),
        (pod({"running": {}}, containerID=""), "#1", "", True),
    ],
)
def test_a_status_tells_whose_log_is_the_pods(item: dict[str, Any], current: str, previous: str, running: bool) -> None:
    """While a container waits to be started again, it is the last one's, and there is none before it."""
    found = replica(item)
    assert (found.current, found.previous, found.running) == (current, previous, running)


@pytest.mark.parametrize(
    ("names", "asked", "annotation", "expected"),
    [
        (["webhook", "mesh"], "", "", "webhook"),
        (["server"], "", "", "server"),
        (["mesh", "server"], "", "server", "server"),
        (["mesh", "server"], "server", "", "server"),
        (["mesh", "server"], "", "", None),
        (["mesh", "webhook"], "server", "", None),
    ],
)
def test_the_container_that_serves_is_found(
    names: list[str], asked: str, annotation: str, expected: str | None
) -> None:
    """Beside sidecars; where it cannot be told, the names are."""
    about = {"name": "pod-0", "annotations": {"kubectl.kubernetes.io/default-container": annotation}}
    item = {"metadata": about, "spec": {"containers": [{"name": name} for name in names]}}
    if expected is None:
        with pytest.raises(CannotRead, match=", ".join(names)):
            replica(item, asked)
    else:
        assert replica(item, asked).container == expected


@pytest.mark.parametrize(
    ("user", "who", "subject"),
    [
        ("jane", "user jane", "--user=jane"),
        ("system:serviceaccount:a:b", "user system:serviceaccount:a:b", "--serviceaccount=a:b"),
        ("", "your user", "--user=NAME"),
    ],
)
def test_a_missing_right_is_told_for_whoever_asks(user: str, who: str, subject: str) -> None:
    """People and service accounts are bound differently."""
    told = lacking(Right("get", "", "pods/log", "ns"), user)
    assert told.startswith(
        f"{who} may not get pods/log in namespace ns; check: kubectl auth can-i get pods/log -n ns\n"
    )
    assert f" {subject} -n ns" in told


async def test_lines_that_come_late_are_put_in_order() -> None:
    """Within the time for which they are held back; one without a time stays behind the one before it."""
    merge = Merge(hold=0.05)
    other = Replica("ns", "pod-1", "uid-1", "webhook", "c1", "", True, 0, None, None)
    for line in (*lines(2), Stamped(None, b"foreign", True), *lines(4)):
        await merge.put(POD, line)
    for line in lines(1, 3):
        await merge.put(other, line)
    merge.fail(LookupError())
    came: list[str] = []

    async def read() -> None:
        async for line in merge:
            came.append(line.pod[-1] + ("" if line.at else "?"))  # noqa: PERF401 - it ends by an exception

    with pytest.raises(LookupError):
        await read()
    assert came == ["1", "0", "0?", "1", "0"]


async def test_a_slow_reader_holds_back_those_who_bring_lines() -> None:
    """Memory stays bounded, and nothing is dropped."""
    merge = Merge(hold=60, room=10)
    bringing = asyncio.create_task(_bring(merge, 100))
    await asyncio.sleep(0)
    assert len(merge._held) <= 10
    came = []
    async for line in merge:
        came.append(line)
        assert len(merge._held) <= 10
        if len(came) == 91:
            break
    await bringing
    assert [line.at for line in came] == sorted(line.at for line in came if line.at)


async def _bring(merge: Merge, count: int) -> None:
    for line in lines(*range(count)):
        await merge.put(POD, line)


def test_a_moment_is_asked_for_in_whole_seconds() -> None:
    """Cut down, never up."""
    assert Begin(nanos=NOON + 999_999_999).parameters == {"sinceTime": "2026-01-01T12:00:00Z"}
    assert Begin(seconds=0).parameters == {"sinceSeconds": "1"}
    assert Begin().parameters == {}
