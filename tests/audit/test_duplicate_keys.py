"""A line in which a key stands twice, which no webhook writes: its first value counts, whichever way it is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadergate.audit.reading.sift import Bad, Foreign, RecordLine, sift

from .conftest import Run
from .written import late, made, written

LINE = written(late(9, uid="twice-uid"))
# By what stands second: a value that would do, one that would make it a bad line, and one that would make it foreign.
SECOND = {
    "uid": b'"uid":"twice-uid","uid":"other-uid"',
    "time": b'"time":"2026-03-01T02:30:09Z","time":"never"',
    "name": b'"name":"redirect-1","name":null',
    "schema": b'"schema":"leadergate.dev/record/v1","schema":"other/v1"',
    "version": b'"schema":"leadergate.dev/record/v1","schema":"leadergate.dev/record/v9"',
    "holder": b'"holder":"operator-0","holder":"operator-9"',
}


def twice(name: str) -> bytes:
    """The line with that key doubled."""
    first, _, _ = SECOND[name].partition(b",")
    assert LINE.count(first) == 1
    return LINE.replace(first, SECOND[name])


@pytest.mark.parametrize("name", SECOND)
def test_both_ways_of_reading_tell_the_same(run: Run, name: str) -> None:
    """The table, CSV and what is explained, in place and line by line."""
    told = {}
    for prefix in (b"", b"hello\n"):
        Path("a.log").write_bytes(prefix + written(made(0), late(1)) + twice(name))
        csv, explained = run("list", "a.log", "-o", "csv"), run("explain", "twice-uid", "a.log", "-o", "json")
        assert explained.exit_code == 0, explained.stderr
        document = json.loads(explained.stdout)
        told[prefix] = (csv.stdout, document["records"][0]["lease"]["holder"], document["said"])
        assert (csv.stderr.count("could not be read"), csv.stdout.count("twice-uid")) == (0, 1)
    assert told[b""] == told[b"hello\n"]
    assert told[b""][1] == "operator-0"


@pytest.mark.parametrize("name", ["time", "name", "schema", "version"])
def test_a_first_value_that_is_bad(run: Run, name: str) -> None:
    """Makes a line that is told, or another program's, both ways."""
    first, _, second = SECOND[name].partition(b",")
    line = LINE.replace(first, second + b"," + first)
    told = []
    for prefix in (b"", b"hello\n"):
        Path("a.log").write_bytes(prefix + written(late(1)) + line)
        ended = json.loads(run("summary", "a.log", "-o", "json").stdout)
        told.append((ended["records"], ended["badLines"]))
    assert told[0] == told[1] == (1, 1)


def test_a_line_that_is_bad_by_either_value() -> None:
    """Stays bad, and one of another program stays that."""
    assert isinstance(sift(LINE.replace(b'"uid":"twice-uid"', b'"uid":null,"uid":null')), Bad)
    assert isinstance(sift(LINE), RecordLine)
    assert isinstance(sift(b'{"schema":"x","schema":"y","m":"leadergate.dev/record/v1"}'), Foreign)
