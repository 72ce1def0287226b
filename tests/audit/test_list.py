"""``leadergate audit list``: which records, in which form."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leadergate.audit.listing import rows as listing
from leadergate.audit.listing.rows import COLUMNS

from .conftest import Run
from .written import late, made, without, written

GATE, THING = "shop/operator", "shop/redirect-1"
NIGHT = (
    made(0),
    late(1, requester_pod="operator-7"),
    made(2, standing="stranger", reason="NoPodIdentity", requester_pod=None, requester_username="jane"),
    made(3, verdict="Indeterminate", reason="LeaseUnreadable", standing=None, lease=None),
    late(4, mode="warn"),
    late(5, dry_run=True, namespace="", name="wide"),
    late(6, lease_holder=""),
)


def test_the_table(run: Run) -> None:
    """Oldest first, with what became of each write; routine is one line."""
    Path("a.jsonl").write_bytes(written(*reversed(NIGHT)))
    ended = run("list", "a.jsonl")
    assert (ended.exit_code, ended.stderr) == (0, "")
    *lines, last = ended.stdout.splitlines()
    assert [re.split("  +", line.removeprefix("2026-03-01T02:30:0")) for line in lines] == [
        ["TIME", "UID", "RESULT", "STANDING", "REASON", "GATE", "WHO", "OBJECT", "HOLDER"],
        ["1.000Z", "uid-1", "denied", "former-holder", "NotHolder", GATE, "shop/operator-7", THING, "operator-0"],
        ["2.000Z", "uid-2", "denied", "stranger", "NoPodIdentity", GATE, "user jane", THING, "operator-0"],
        ["3.000Z", "uid-3", "undecided", "-", "LeaseUnreadable", GATE, "shop/operator-1", THING, "-"],
        ["4.000Z", "uid-4", "let through", "former-holder", "NotHolder", GATE, "shop/operator-1", THING, "operator-0"],
        ["5.000Z", "uid-5", "dry run", "former-holder", "NotHolder", GATE, "shop/operator-1", "wide", "operator-0"],
        ["6.000Z", "uid-6", "denied", "former-holder", "NotHolder", GATE, "shop/operator-1", THING, "nobody"],
    ]
    assert len({line.find("former-holder") for line in lines if "former-holder" in line}) == 1
    assert last == "and 1 routine rejection of a follower; --routine shows them"


def test_routine_and_filters(run: Run) -> None:
    """--routine, a standing that is asked for, or a uid bring routine back; its count keeps to the filter."""
    Path("a.jsonl").write_bytes(written(*NIGHT, made(9, gate="other/gate")))
    assert len(run("list", "a.jsonl", "--routine", "-o", "jsonl").stdout.splitlines()) == 8
    assert len(run("list", "a.jsonl", "--standing", "follower", "-o", "jsonl").stdout.splitlines()) == 2
    assert json.loads(run("list", "a.jsonl", "--uid", "uid-0", "-o", "jsonl").stdout)["uid"] == "uid-0"
    ended = run("list", "a.jsonl", "--gate", "other/*")
    assert ended.stdout == "and 1 routine rejection of a follower; --routine shows them\n"


def test_json_gives_records_whole(run: Run) -> None:
    """Fields that this version does not know are kept, those that an older one lacked stay away."""
    newer = written(late(1)).replace(b'"mode"', b'"later":{"x":[1,2]},"mode"')
    Path("a.jsonl").write_bytes(newer + without(late(2), "webhookPod"))
    lines = run("list", "a.jsonl", "-o", "jsonl").stdout.splitlines()
    assert lines[0].encode() == newer.strip()
    assert "webhookPod" not in json.loads(lines[1])
    assert json.loads(run("list", "a.jsonl", "-o", "json").stdout) == [json.loads(line) for line in lines]
    assert run("list", "a.jsonl", "-o", "json", "--pod", "nobody").stdout == "[]\n"


def test_csv(run: Run) -> None:
    """A head of the columns' names; times to the microsecond, truths as in JSON, null empty."""
    Path("a.jsonl").write_bytes(written(late(0.000001, lease=None), late(2)))
    rows = list(csv.DictReader(io.StringIO(run("list", "a.jsonl", "-o", "csv").stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["time"] == "2026-03-01T02:30:00.000001Z"
    assert (rows[0]["holder"], rows[0]["dry_run"], rows[1]["transitions"]) == ("", "false", "3")
    assert run("list", "a.jsonl", "-o", "csv", "--pod", "nobody").stdout.strip() == ",".join(COLUMNS)


def test_the_limit(run: Run) -> None:
    """The newest are shown, and it is told how many are not; but for a table there is none unless asked for."""
    Path("a.jsonl").write_bytes(written(*(late(at) for at in range(250))))
    ended = run("list", "a.jsonl")
    lines = ended.stdout.splitlines()
    assert (len(lines), lines[1][:24], lines[200][:24]) == (202, "2026-03-01T02:30:50.000Z", "2026-03-01T02:34:09.000Z")
    assert lines[-1] == "these are the newest; 50 older ones are not shown: --limit all shows all"
    assert len(run("list", "a.jsonl", "-o", "csv").stdout.splitlines()) == 251
    ended = run("list", "a.jsonl", "-o", "jsonl", "--limit", "2")
    assert [json.loads(line)["uid"] for line in ended.stdout.splitlines()] == ["uid-248", "uid-249"]
    assert "248 older ones are not shown" in ended.stderr
    assert run("list", "a.jsonl", "--limit", "x").exit_code == 2


def test_more_than_is_held(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is streamed is the same as what is held."""
    Path("a.jsonl").write_bytes(written(*(late(at) for at in range(30))))
    held = run("list", "a.jsonl", "-o", "csv", "--limit", "20").stdout
    monkeypatch.setattr(listing, "_KEPT", 5)
    assert run("list", "a.jsonl", "-o", "csv", "--limit", "20").stdout == held
    assert len(held.splitlines()) == 21


def test_colours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By standing, where it goes to a terminal; never with NO_COLOR."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    assert "\x1b[31m\x1b[1m2026-03-01T02:30:01" in run("list", "a.jsonl", color=True).stdout
    assert "\x1b" not in run("list", "a.jsonl").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("list", "a.jsonl", color=True).stdout


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """Ends the command quietly, and its folder is gone."""
    (tmp_path / "a.log").write_bytes(b"x\n" + written(*(late(at) for at in range(3000))))
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "leadergate", "audit", "list", str(tmp_path / "a.log"), "-o", "jsonl"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert not list((tmp_path / "tmp").iterdir())
