"""Lines and files of the API server's audit log."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from leadergate.audit.reconcile.files import LogTally, log_sources, spooled
from leadergate.audit.reconcile.findings import GAP, Judged, Stretch, judged
from leadergate.audit.reconcile.kinds import Damaged, Event, Other
from leadergate.audit.reconcile.line import parse

from .logs import written
from .made import WEBHOOK, event, record, review

LINE = json.dumps(review(0, "a"), separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "before", [b"", b"  ", b"2026-03-01T02:00:00.1Z stdout F ", b"2026-03-01T02:00:00.1Z stderr P "]
)
def test_an_event(before: bytes) -> None:
    """It begins its line, but for what a container runtime puts before it."""
    one = parse(before + LINE + b"\n", "audit.log", 7)
    assert isinstance(one, Event)
    (found,) = one.reviews
    assert (found.uid, found.webhook, found.gate, found.pod) == ("a", WEBHOOK, "shop/lock", "operator-1")
    assert (found.object, found.resource, found.answered) == ("shop/docs", "redirects.demo", "a")
    assert (found.file, found.line, found.ended - found.received) == ("audit.log", 7, 20_000)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"I0301 02:00:00.1 a line of klog",
        b"I0301 02:00:00.1 uri=" + LINE,
        b'{"kind":"Pod","apiVersion":"v1","metadata":{}}',
        b'{"level":"info","msg":"audit.k8s.io"}',
        b'{"schema":"leadergate.dev/record/v1"}',
        b"{not JSON",
    ],
)
def test_other_lines(line: bytes) -> None:
    """What is no event is passed over, and so is one within the text of another program."""
    assert isinstance(parse(line, "audit.log", 1), Other)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (LINE[:-20], "it is cut off or damaged"),
        (LINE[:500] + LINE, "it is cut off or damaged"),
        (LINE.replace(b'"stage":"ResponseComplete"', b'"stage":7'), "stage"),
        (LINE.replace(b'"2026-03-01T02:00:00.020000Z"', b'"late"'), "stageTimestamp"),
        (b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + LINE + b"]}", "it is a list of events"),
    ],
)
def test_damaged_lines(line: bytes, why: str) -> None:
    """An event that cannot be read is damaged, and why."""
    one = parse(line, "audit.log", 1)
    assert isinstance(one, Damaged)
    assert why in one.why


@pytest.mark.parametrize("key", ["verdict", "reason", "mode", "lease", "uid"])
def test_another_webhooks_annotations(key: str) -> None:
    """A webhook that lacks one of our annotations is none of ours."""
    lacking = review(0, "a")
    del lacking["annotations"][f"{WEBHOOK}/{key}"]
    one = parse(json.dumps(lacking).encode(), "audit.log", 1)
    assert isinstance(one, Event)
    assert one.reviews == ()


def test_webhooks_that_are_named() -> None:
    """Only they are looked at."""
    for name, expected in ((WEBHOOK, 1), ("other.example.com", 0)):
        one = parse(LINE, "audit.log", 1, (name,))
        assert isinstance(one, Event)
        assert len(one.reviews) == expected


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    """What could be read of it counts, and it is told where it ends."""
    whole = gzip.compress(b"".join(LINE + b"\n" for _ in range(2000)), compresslevel=0)
    path = tmp_path / "audit.log.gz"
    path.write_bytes(whole[: len(whole) // 2])
    found, faults = log_sources([str(path)])
    tally = LogTally()
    spooled(found, (), tmp_path, tally, lambda *_: None)
    assert faults == []
    assert 500 < tally.events < 1500
    assert "the file cannot be read any further" in tally.lines()[0]


def test_a_line_that_is_being_written(tmp_path: Path) -> None:
    """The last line of a log may be unfinished: it is told, and is no bad line."""
    path = tmp_path / "audit.log"
    path.write_bytes(LINE + b"\n" + LINE[:300])
    tally = LogTally()
    spooled(log_sources([str(path)])[0], (), tmp_path, tally, lambda *_: None)
    assert (tally.events, tally.bad) == (1, 0)
    assert tally.lines() == [f"{path} ends within a line: it is being written, or was cut off"]


def test_standard_input(tmp_path: Path) -> None:
    """The audit log may come through a pipe."""
    records = written(tmp_path / "r.jsonl", [record(0, "a"), record(2, "b")])
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in (review(0, "a"), event(1), review(2, "b")))
    argv = [sys.executable, "-m", "leadergate", "audit", "reconcile", "--audit-log", "-", str(records), "-o", "jsonl"]
    for stream in (lines, gzip.compress(lines)):
        done = subprocess.run(argv, input=stream, capture_output=True, check=True)
        assert json.loads(done.stdout)["summary"]["counts"]["in-both"] == 2


EVER = Stretch(-(1 << 62), 1 << 62)


@pytest.mark.parametrize(
    ("spans", "recorded", "asked", "expected"),
    [
        ([(0, 100)], (10, 90), (None, None), Judged(EVER, Stretch(15, 85), (Stretch(5, 95),))),
        ([(0, 100)], (10, 90), (20, None), Judged(Stretch(20, 1 << 62), Stretch(20, 85), (Stretch(20, 95),))),
        ([(0, 100)], None, (20, 70), Judged(Stretch(20, 70), Stretch(20, 70), (Stretch(20, 70),))),
        ([(0, 100)], None, (20, None), Judged(Stretch(20, 1 << 62), None, (Stretch(20, 95),))),
        ([(0, 100)], (50, 55), (None, None), Judged(EVER, None, (Stretch(5, 95),))),
        ([(0, 9)], (0, 90), (None, None), Judged(EVER, Stretch(5, 85), ())),
        ([(50, 99), (0, 60)], (0, 90), (None, None), Judged(EVER, Stretch(5, 85), (Stretch(5, 94),))),
        ([(0, 100)], (0, 90), (200, 300), Judged(Stretch(200, 300), Stretch(200, 300), ())),
    ],
)
def test_what_can_be_judged(
    spans: list[tuple[int, int]],
    recorded: tuple[int, int] | None,
    asked: tuple[int | None, int | None],
    expected: Judged,
) -> None:
    """Ends are left out by the tolerance, but for those of the records that are said; files that overlap are one."""
    span = Stretch(*recorded) if recorded else None
    stretches = [Stretch(*one) for one in spans]
    assert judged(stretches, span, since=asked[0], until=asked[1], tolerance=5) == expected


@pytest.mark.parametrize(("gap", "count"), [(GAP, 1), (GAP + 1, 2)])
def test_files_that_follow_each_other(gap: int, count: int) -> None:
    """They are one log when no more than a minute lies between."""
    spans = [Stretch(0, 100), Stretch(100 + gap, 200 + gap)]
    assert len(judged(spans, None, since=None, until=None, tolerance=0).log) == count
