"""The record of a verdict is handed on before its answer leaves, or no verdict is given."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator

import pytest
from tests.server.conftest import Records, Run, Serve, Source, head, review

from leadergate.lease_source import ReadFailed
from leadergate.records import DescriptorSink


@pytest.fixture(name="pipe")
def a_full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe that takes no more, until somebody reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"\n" * 4096)
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
def test_no_answer_before_its_record(run_uvloop: Run, serve: Serve, mode: str) -> None:
    """In every mode the answer waits for the record."""

    async def scenario() -> None:
        records = Records()
        records.open.clear()
        async with serve(Source(), records=records) as served:
            caller = await served.call()
            await caller.send(head(f"/{mode}/shop/operator", len(review())), review("operator-2"))
            await records.waiting.wait()
            answer = asyncio.create_task(caller.answer())
            holder = await (await served.call()).post(review())
            assert holder.json["response"]["allowed"] is True, "who needs no record does not wait"
            assert not answer.done()
            assert records.lines == []
            records.open.set()
            assert (await answer).code == 200
            assert [line["reason"] for line in records.lines] == ["NotHolder"]

    run_uvloop(scenario())


@pytest.mark.parametrize(("mode", "code"), [("enforce", 503), ("warn", 200), ("audit", 200)])
def test_a_log_that_takes_no_more(run_uvloop: Run, serve: Serve, pipe: tuple[int, int], mode: str, code: int) -> None:
    """Enforce answers 503 in time; the others let the write through; either way the loss is counted."""

    async def scenario() -> None:
        async with serve(Source(), records=DescriptorSink(pipe[1])) as served:
            caller = await served.call()
            answer = await caller.post(review("operator-2"), f"/{mode}/shop/operator?timeout=300ms")
            assert answer.code == code
            assert served.metric("records_lost_total", mode=mode) == 1
            if mode == "enforce":
                assert answer.message == "the verdict could not be recorded, so none is given"
                assert answer.json["details"]["uid"] == "review-1"
            else:
                assert answer.json["response"]["allowed"] is True
            os.read(pipe[0], 4096)
            again = await caller.post(review("operator-2", uid="again"), f"/{mode}/shop/operator?timeout=10s")
            assert again.code == 200
            lines = [json.loads(line) for line in os.read(pipe[0], 65536).splitlines() if line]
            assert [line["uid"] for line in lines] == ["again"]

    run_uvloop(scenario())


def test_the_record_of_a_denial(run_uvloop: Run, serve: Serve) -> None:
    """Who, what, which Lease and why; never what was written."""

    async def scenario() -> None:
        records = Records()
        async with serve(Source(), records=records) as served:
            await (await served.call()).post(review("operator-2", size=10))
            (line,) = records.lines
            assert {name: line[name] for name in ("verdict", "reason", "mode", "gate", "uid", "standing")} == {
                "verdict": "Deny",
                "reason": "NotHolder",
                "mode": "enforce",
                "gate": "shop/operator",
                "uid": "review-1",
                "standing": "follower",
            }
            assert line["requester"]["pod"] == "operator-2"
            assert (line["lease"]["holder"], line["lease"]["resourceVersion"]) == ("operator-1", "7")
            assert line["webhookPod"] == "leadergate-0"
            assert "padding" not in json.dumps(line)

    run_uvloop(scenario())


def test_a_lease_that_could_not_be_read_is_recorded_as_unknown(run_uvloop: Run, serve: Serve) -> None:
    """The record says why, and names no holder."""

    async def scenario() -> None:
        records = Records()
        async with serve(Source(ReadFailed("forbidden", passing=False)), records=records) as served:
            assert (await (await served.call()).post(review())).code == 503
            (line,) = records.lines
            assert (line["verdict"], line["reason"], line["lease"]) == ("Indeterminate", "LeaseUnreadable", None)
            assert "forbidden" in line["message"]

    run_uvloop(scenario())


@pytest.mark.parametrize(("record_allowed", "reasons"), [(False, []), (True, ["Holder"])])
def test_allowed_writes_are_recorded_by_setting(
    run_uvloop: Run, serve: Serve, record_allowed: bool, reasons: list[str]
) -> None:
    """They are many, so only on request."""

    async def scenario() -> None:
        records = Records()
        async with serve(Source(), records=records, record_allowed=record_allowed) as served:
            assert (await (await served.call()).post(review())).code == 200
            assert [line["reason"] for line in records.lines] == reasons

    run_uvloop(scenario())
