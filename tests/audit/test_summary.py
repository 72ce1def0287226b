"""``leadergate audit summary``: the figures, for people and for programs."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from .conftest import Run
from .written import START, late, made, written

NIGHT = (
    *(made(at) for at in range(5)),
    *(late(60 + at, requester_pod="operator-0", lease_holder="operator-1", lease_transitions=4,
           lease_acquire_time=START + timedelta(seconds=30), lease_resource_version="1001") for at in range(4)),
    late(200, mode="warn", name="redirect-2"),
    late(201, dry_run=True),
    made(202, standing="stranger", reason="NoPodIdentity", requester_pod=None, requester_username="jane"),
    made(203, verdict="Indeterminate", reason="LeaseUnreadable", standing=None, lease=None),
    made(204, verdict="Allow", reason="Holder", standing=None),
    made(205, gate="other/quiet"),
)  # fmt: skip


def test_the_figures(run: Run) -> None:
    """As docs/review.md has them."""
    Path("a.jsonl").write_bytes(written(*NIGHT) + b"foreign\n")
    ended = run("summary", "a.jsonl", "-o", "json")
    assert ended.exit_code == 0
    told = json.loads(ended.stdout)
    gate, quiet = told.pop("gates")
    assert told == {
        "schema": "leadergate.dev/audit-summary/v1",
        "first": "2026-03-01T02:30:00.000000Z",
        "last": "2026-03-01T02:33:25.000000Z",
        "records": 15,
        "badLines": 0,
        "foreignLines": 1,
        "rejections": 8,
        "routine": 6,
    }
    assert (quiet["gate"], quiet["rejections"], quiet["routine"], quiet["perMinute"]) == ("other/quiet", 0, 1, None)
    assert (gate["rejections"], gate["routine"], gate["allowed"]) == (8, 5, 1)
    assert gate["standings"] == {"former-holder": 6, "": 1, "stranger": 1}
    assert gate["results"] == {"denied": 5, "dry run": 1, "let through": 1, "undecided": 1}
    assert (gate["first"], gate["last"]) == ("2026-03-01T02:31:00.000000Z", "2026-03-01T02:33:23.000000Z")
    assert gate["perMinute"] == {
        "average": round(8 / (143 / 60), 3), "peak": 4, "peakAt": "2026-03-01T02:31:00.000000Z"
    }  # fmt: skip
    assert gate["takeovers"][0] | {"at": ""} == {"at": "", "from": "operator-0", "to": "operator-1"}
    assert [(one["who"], one["standing"], one["reason"], one["writes"]) for one in gate["writers"]] == [
        ("shop/operator-0", "former-holder", "NotHolder", 4),
        ("shop/operator-1", "former-holder", "NotHolder", 2),
        ("shop/operator-1", None, "LeaseUnreadable", 1),
        ("user jane", "stranger", "NoPodIdentity", 1),
    ]
    assert gate["objects"] == [
        {"object": "shop/redirect-1", "writes": 7, "writers": 3},
        {"object": "shop/redirect-2", "writes": 1, "writers": 1},
    ]


def test_for_people(run: Run) -> None:
    """What matters first; gates with routine alone in one line, and the records' text on lines of its own."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    lines = run("summary", "a.jsonl", "--top", "1").stdout.splitlines()
    assert lines[:3] == [
        "2026-03-01T02:30:00Z to 2026-03-01T02:33:25Z",
        "8 rejections, 6 of them of pods that had led before; 1 allowed",
        "and 6 routine rejections of followers; --routine shows them",
    ]
    assert "  rejections  8: 6 former-holder, 1 stranger, 1 none told; 5 routine" in lines
    assert "  and 3 more; --top shows more" in lines
    assert lines[-1] == "nothing but routine: other/quiet"


def test_routine_that_is_asked_for(run: Run) -> None:
    """Is counted like all else, and nothing is left out."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    told = json.loads(run("summary", "a.jsonl", "--routine", "-o", "json").stdout)
    assert (told["rejections"], told["routine"]) == (14, 0)
    assert told["gates"][0]["standings"]["follower"] == 5


def test_filters_leave_takeovers_whole(run: Run) -> None:
    """A takeover is told by all records of the gate, whatever else is asked for."""
    Path("a.jsonl").write_bytes(written(*NIGHT))
    told = json.loads(run("summary", "a.jsonl", "--standing", "stranger", "-o", "json").stdout)
    assert told["rejections"] == 1
    assert told["gates"][0]["takeoversInAll"] >= 1


def test_nothing_there(run: Run) -> None:
    """Is said, with what there is instead, and is no fault: the webhook may have had a quiet night."""
    Path("a.jsonl").write_bytes(written(made()))
    ended = run("summary", "a.jsonl", "--gate", "no/such")
    there = "none of 1 record from 2026-03-01T02:30:00Z to 2026-03-01T02:30:00Z is what was asked for\n"
    assert (ended.exit_code, ended.stdout) == (0, there)
    Path("b.log").write_bytes(b"starting\n")
    assert "there is no record: are these logs of leadergate serve" in run("summary", "b.log").stderr
