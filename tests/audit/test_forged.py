"""Lines that no webhook writes, among those of one: they are told or shown, and keep nobody from reading the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leadergate.audit.reading.sift import Bad, RecordLine, sift

from .conftest import Run
from .test_gather import read
from .written import late, made, written

LEASE: dict[str, dict[str, Any]] = {
    "acquired-never": {"acquireTime": "infinity"},
    "acquired-before-time": {"acquireTime": "-infinity"},
    "acquired-late": {"acquireTime": "9999-12-31T23:59:59.999999-12:00"},
    "renewed-late": {"renewTime": "9999-12-31T23:59:59.999999-12:00"},
    "renewed-early": {"renewTime": "0001-01-01T00:00:00+12:00"},
    "age-huge": {"observedAge": 1e300, "expired": True},
    "age-nan": {"observedAge": "nan", "expired": True},
    "duration-huge": {"durationSeconds": 2**62, "expired": True},
}
WHOLE: dict[str, dict[str, Any]] = {
    "held-early": {"heldUntil": "0001-01-01T00:00:00Z"},
    "held-late": {"heldUntil": "9999-12-31T23:59:59Z"},
    "held-never": {"heldUntil": "infinity"},
    "no-requester": {"requester": "nobody"},
    "numbers": {"verdict": 5, "reason": 6, "mode": True, "gate": 7, "name": {"a": 1}, "uid": "numbers-uid"},
}
UNDECODED = {"deep-uid", "long-uid"}


def forged() -> dict[str, bytes]:
    """Lines by uid."""
    lines = {}
    for number, (name, change) in enumerate((LEASE | WHOLE).items()):
        record = json.loads(written(late(number)))
        record["uid"] = f"{name}-uid"
        (record["lease"] if name in LEASE else record).update(change)
        lines[f"{name}-uid"] = json.dumps(record).encode() + b"\n"
    head = written(late(50, uid="deep-uid")).rstrip()[:-1]
    lines["deep-uid"] = head + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}\n"
    lines["long-uid"] = head.replace(b"deep-uid", b"long-uid") + b',"x":' + b"9" * 5000 + b"}\n"
    return lines


@pytest.mark.parametrize(
    "command",
    [
        ("summary",), ("summary", "-o", "json"), ("timeline",), ("timeline", "-o", "json"), ("list", "--routine"),
        ("list", "-o", "csv"), ("export", "--to", "a.parquet"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_reads_on(run: Run, command: tuple[str, ...]) -> None:
    """One line of somebody who can write to a log keeps no night from being read."""
    Path("a.jsonl").write_bytes(written(late(1), made(2)) + b"".join(forged().values()))
    ended = run(command[0], "a.jsonl", *command[1:])
    assert ended.exit_code == 0, ended.stderr


@pytest.mark.parametrize("uid", sorted(forged().keys() - UNDECODED))
def test_each_is_explained(run: Run, uid: str) -> None:
    """As far as it goes."""
    Path("a.jsonl").write_bytes(written(late(1), made(2)) + forged()[uid])
    ended = run("explain", uid, "a.jsonl")
    assert ended.exit_code == 0, ended.stderr
    assert "  At 2026-03-01T02:30:" in ended.stdout


@pytest.mark.parametrize("uid", sorted(UNDECODED))
def test_some_cannot_be(run: Run, uid: str) -> None:
    """And that is said, with what shows them all the same."""
    Path("a.jsonl").write_bytes(written(late(1), made(2)) + forged()[uid])
    ended = run("explain", uid, "a.jsonl")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert f"UID '{uid}': it was found, and cannot be decoded: " in ended.stderr
    assert uid in run("list", "a.jsonl", "-o", "jsonl", "--uid", uid).stdout


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "infinity", "+12026-03-01T02:30:00Z", 5], ids=str
)
def test_a_time_beyond_all_measure(run: Run, tmp_path: Path, time: Any) -> None:
    """Is no record's, in a file that is read in place and in one that is gone through: nothing could be drawn of it."""
    record = json.loads(written(late(9))) | {"time": time}
    line = json.dumps(record).encode() + b"\n"
    assert isinstance(sift(line), Bad)
    Path("a.jsonl").write_bytes(written(late(1)) + line)
    for command in ("timeline", "summary"):
        ended = run(command, "a.jsonl")
        assert (ended.exit_code, ended.stderr.count("note: a.jsonl:2: ")) == (0, 1)


@pytest.mark.parametrize("value", [b"5", b"true", b'{"a":1}', b"[1]", b"1.5"])
@pytest.mark.parametrize("field", [b'"verdict":"Deny"', b'"name":"redirect-1"'])
def test_a_value_of_another_type(tmp_path: Path, field: bytes, value: bytes) -> None:
    """Is taken for its text, whichever way the file is read."""
    line = written(late(1)).replace(field, field.partition(b":")[0] + b":" + value)
    (tmp_path / "plain").write_bytes(written(made(0)) + line)
    (tmp_path / "mixed").write_bytes(b"hello\n" + written(made(0)) + line)
    assert [read(tmp_path / name)[0] for name in ("plain", "mixed")] == [["uid-0", "uid-1"]] * 2


def test_nesting_beyond_all_measure() -> None:
    """Is a bad line where it cannot be looked through, and no fault of the program."""
    line = written(late(1)).rstrip()
    assert isinstance(sift(line), RecordLine)
    assert isinstance(sift(line[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), Bad)
