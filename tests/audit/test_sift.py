"""What one line of a log is, in whatever wrapping it comes."""

from __future__ import annotations

import json

import pytest

from leadergate.audit.reading.sift import Bad, Foreign, RecordLine, sift

from .written import made, written

LINE = written(made())
JSON = LINE.strip()


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        JSON,
        JSON + b"\r\n",
        b"[pod/leadergate-0/webhook] " + LINE,
        b"2026-03-01T02:30:00.123456789Z " + LINE,
        b"[pod/leadergate-0/webhook] 2026-03-01T02:30:00.123456789Z " + LINE,
        b"2026-03-01T02:30:00.123456789Z stdout F " + LINE,
        json.dumps({"log": LINE.decode(), "stream": "stdout", "time": "2026-03-01T02:30:00Z"}).encode() + b"\n",
        b"\xef\xbb\xbf" + LINE,
    ],
    ids=["plain", "no end", "crlf", "prefix", "timestamps", "both", "cri", "docker", "byte order mark"],
)
def test_a_record_is_found_in_its_wrapping(line: bytes) -> None:
    """And comes out as it was written, without what stood around it."""
    assert sift(line) == RecordLine(JSON)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"starting\n",
        b'{"event":"records_lost"}\n',
        b"\xff\xfe\n",
        json.dumps({"says": "see leadergate.dev/record/v1"}).encode(),
        json.dumps({"schema": "other/v1", "says": "leadergate.dev/record/v1"}).encode(),
    ],
)
def test_lines_of_others(line: bytes) -> None:
    """Are foreign, even where they speak of our schema."""
    assert isinstance(sift(line), Foreign)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (JSON[:200], "it is cut off or damaged"),
        (JSON[:200] + b"#torn\n", "only a part of it could be written (#torn), and so its answer was withheld"),
        (JSON + JSON, "it is cut off or damaged"),
        (JSON.replace(b"record/v1", b"record/v9"), "review it with a leadergate as new as the webhook"),
        (JSON.replace(b'"Deny"', b"null"), "$.verdict"),
        (JSON.replace(b'"gate"', b'"gaze"'), "`gate`"),
        (JSON.replace(b"redirect-1", b"\xff"), "cut off or damaged"),
        (b"leadergate.dev/record/v1\n", "is not JSON"),
        (b'{"log":"leadergate.dev/record/v1', "the wrapping of its log driver cannot be read"),
    ],
)
def test_bad_lines_say_why(line: bytes, why: str) -> None:
    """A record of ours that cannot be read is never taken for a foreign line."""
    one = sift(line)
    assert isinstance(one, Bad)
    assert why in one.why
