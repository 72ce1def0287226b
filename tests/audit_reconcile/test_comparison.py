"""What each pair of logs comes to: made-up lines, one case each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .logs import counts, found, run, written
from .made import USER, WEBHOOK, event, record, review, undecided

Lines = list[dict[str, Any]]
# Two rejections around all others, so that both logs cover what lies between.
AROUND = ((0, "first"), (100, "last"))
EVENTS: Lines = [review(second, uid) for second, uid in AROUND]
RECORDS: Lines = [record(second, uid) for second, uid in AROUND]
OPEN = {"failed-open.validating.webhook.admission.k8s.io/round_0_index_0": WEBHOOK}
REFUSED = f'Internal error occurred: failed calling webhook "{WEBHOOK}": failed to call webhook: refused'
ELSEWHERE = 'admission webhook "other.example.com" denied the request: no'

CASES: dict[str, tuple[Lines, Lines, dict[str, int]]] = {
    "nothing more": ([], [], {}),
    "in both": ([review(50, "a")], [record(50, "a")], {"in-both": 1}),
    "without a record": ([review(50, "a")], [], {"only-in-the-audit-log": 1}),
    "without an audit line": ([], [record(50, "a")], {"only-in-the-records": 1}),
    "a stage before the last": ([review(50, "a", stage="ResponseStarted")], [], {}),
    "a panic": ([review(50, "a", stage="Panic")], [record(50, "a")], {"in-both": 1}),
    "the same event twice": ([review(50, "a")] * 2, [record(50, "a")], {"in-both": 1}),
    "the same event twice, without a record": ([review(50, "a")] * 2, [], {"only-in-the-audit-log": 1}),
    "the same record twice": ([review(50, "a")], [record(50, "a")] * 2, {"in-both": 1}),
    "events of one audit ID": (
        [review(50, "a", auditID="mine"), review(51, "b", auditID="mine")],
        [record(50, "a")],
        {"in-both": 1, "only-in-the-audit-log": 1},
    ),
    "two webhooks": (
        [
            {
                **review(50, "a"),
                "annotations": {
                    **review(50, "a")["annotations"],
                    **review(50, "b", mode="audit", webhook="more.example.com")["annotations"],
                },
            }
        ],
        [record(50, "a"), record(50, "b", mode="audit")],
        {"in-both": 2},
    ),
    "a last review at one of two webhooks": (
        [
            {
                **review(50, "a"),
                "annotations": {
                    **review(50, "a")["annotations"],
                    **review(50, "b", webhook="more.example.com")["annotations"],
                },
            }
        ],
        [record(50, "a"), record(50, "b"), record(50.001, "c")],
        {"in-both": 2, "again": 1},
    ),
    "a last review": ([review(50, "a", last="b")], [record(50, "a"), record(50, "b")], {"in-both": 1, "again": 1}),
    "a last review that is lost": (
        [review(50, "a", last="b")],
        [record(50, "a")],
        {"in-both": 1, "only-in-the-audit-log": 1},
    ),
    "a last review by another pod": (
        [review(50, "a", last="b")],
        [record(50, "a"), record(50, "b", name="other")],
        {"in-both": 1, "differing": 1},
    ),
    "a review that no answer names, where the write was let through": (
        [review(50, "a", mode="warn")],
        [record(50, "a", mode="warn"), record(50.001, "b", mode="warn")],
        {"in-both": 1, "again": 1},
    ),
    "a review that no answer names, where one is named": (
        [review(50, "a")],
        [record(50, "a"), record(50.001, "b")],
        {"in-both": 1, "only-in-the-records": 1},
    ),
    "a review at another time": (
        [review(50, "a", mode="warn")],
        [record(50, "a", mode="warn"), record(52, "b", mode="warn")],
        {"in-both": 1, "only-in-the-records": 1},
    ),
    "one uid, asked twice": (
        [review(50, "a")],
        [undecided(49.999, "a"), record(50, "a")],
        {"in-both": 1, "unheard": 1},
    ),
    "one uid, recorded twice": ([review(50, "a")], [record(50, "a"), record(50.001, "a")], {"in-both": 1, "again": 1}),
    "one uid, and a forged record of it": (
        [review(50, "a")],
        [record(50, "a"), record(50.001, "a", reason="LeaseExpired")],
        {"in-both": 1, "differing": 1},
    ),
    "failed open, undecided": ([event(50, annotations=OPEN)], [undecided(50, "a")], {"failed-open": 1, "unheard": 1}),
    "failed open, answered too late": (
        [event(50, annotations=OPEN)],
        [record(50, "a")],
        {"failed-open": 1, "unheard": 1},
    ),
    "failed open, not reached": ([event(50, annotations=OPEN)], [], {"failed-open": 1}),
    "failed open, of another object": (
        [event(50, annotations=OPEN, objectRef={"resource": "redirects", "namespace": "shop", "name": "other"})],
        [undecided(50, "a")],
        {"failed-open": 1, "only-in-the-records": 1},
    ),
    "failed open, of a webhook that is none of ours": (
        [event(50, annotations=dict.fromkeys(OPEN, "other.example.com"))],
        [],
        {},
    ),
    "refused": ([event(50, code=500, message=REFUSED)], [undecided(50, "a")], {"refused": 1, "unheard": 1}),
    "refused, in the words of an object": ([event(50, code=500, message=f"x {REFUSED}")], [], {}),
    "rejected by another webhook, undecided": (
        [event(50, code=403, message=ELSEWHERE)],
        [undecided(50, "a")],
        {"unheard": 1},
    ),
    "rejected by another webhook, a record": (
        [event(50, code=403, message=ELSEWHERE)],
        [record(50, "a")],
        {"only-in-the-records": 1},
    ),
    "a Lease that could not be read in mode audit": (
        [
            event(
                50,
                annotations={
                    f"{WEBHOOK}/{key}": value
                    for key, value in {
                        "verdict": "Indeterminate",
                        "reason": "LeaseUnreadable",
                        "mode": "audit",
                        "lease": "shop/lock",
                        "uid": "a",
                    }.items()
                },
            )
        ],
        [undecided(50, "a", mode="audit")],
        {"in-both": 1},
    ),
    "impersonated": (
        [review(50, "a", user={"username": "admin"}, impersonatedUser={"username": USER})],
        [record(50, "a")],
        {"in-both": 1},
    ),
    "an allowed write": ([event(50)], [record(50, "a", verdict="Allow", reason="Holder")], {}),
    "newer than the audit log": ([], [record(200, "a")], {"not-yet": 1}),
    "older than the audit log": ([], [record(-100, "a")], {"outside-the-audit-log": 1}),
    "older than the records": ([review(-100, "a")], [], {"outside-the-records": 1}),
    "newer than the records": ([review(200, "a")], [], {"outside-the-records": 1}),
}
FAULTS = {"only-in-the-audit-log", "only-in-the-records", "differing", "failed-open"}


@pytest.mark.parametrize("case", CASES)
def test_cases(case: str, tmp_path: Path) -> None:
    """Each is counted as what it is, and only faults make the logs disagree."""
    events, records, expected = CASES[case]
    log = written(tmp_path / "audit.log", [*EVENTS, *events])
    result = run(log, written(tmp_path / "records.jsonl", [*RECORDS, *records]))
    both = expected.get("in-both", 0) + len(AROUND)
    assert counts(result) == {**expected, "in-both": both}
    assert result.exit_code == int(bool(FAULTS & expected.keys()))


def test_tolerance(tmp_path: Path) -> None:
    """At the ends of both logs nothing is judged for so long; clocks that differ by more are told."""
    log = written(tmp_path / "a.log", [*EVENTS, review(4, "log")])
    told = written(tmp_path / "r.jsonl", [*RECORDS, record(97, "record")])
    assert set(counts(run(log, told))) == {"in-both", "only-in-the-audit-log", "only-in-the-records"}
    result = run(log, told, tolerance="5s")
    assert (result.exit_code, set(counts(result))) == (0, {"in-both", "not-yet", "outside-the-records"})
    ahead = written(tmp_path / "ahead.jsonl", [record(second + 3, uid) for second, uid in AROUND])
    assert "clocks differ; give --tolerance 3s" in run(written(log, EVENTS), ahead).stderr


def test_times_that_are_said(tmp_path: Path) -> None:
    """With --since and --until records are believed to be whole, though there is none; the rest is left out."""
    log = written(tmp_path / "a.log", [*EVENTS, review(50, "a"), review(60, "b")])
    none = written(tmp_path / "r.jsonl", [])
    bare = run(log, none)
    assert bare.exit_code == 2
    assert "nothing can be compared" in bare.stderr
    result = run(log, none, "--since", "2026-03-01T02:00:50Z", "--until", "2026-03-01T02:01:00Z")
    assert (result.exit_code, counts(result)) == (1, {"only-in-the-audit-log": 1})
    assert found(result, "only-in-the-audit-log")[0]["uid"] == "a"
    both = written(tmp_path / "both.jsonl", [record(50, "a", reason="LeaseExpired"), record(60, "b", reason="x")])
    narrow = run(log, both, "--since", "2026-03-01T02:00:50Z", "--until", "2026-03-01T02:01:00Z")
    assert counts(narrow) == {"differing": 1}
    outside = run(log, none, "--since", "2027-01-01", "--until", "2027-01-02")
    assert outside.exit_code == 2


def test_a_gap_between_audit_logs(tmp_path: Path) -> None:
    """What was recorded between two files that are far apart is not judged."""
    log = written(tmp_path / "a-1.log", EVENTS)
    written(tmp_path / "a-2.log", [review(1000, "c"), review(1100, "d")])
    more = [record(1000, "c"), record(1100, "d"), record(500, "gap"), record(1050, "within")]
    result = run(str(log).replace("a-1", "a-*"), written(tmp_path / "r.jsonl", [*RECORDS, *more]))
    assert counts(result) == {"in-both": 4, "outside-the-audit-log": 1, "only-in-the-records": 1}
    assert found(result, "only-in-the-records")[0]["uid"] == "within"


@pytest.mark.parametrize("asked", ["shop/lock", "shop/other"])
def test_a_record_with_another_gate(tmp_path: Path, asked: str) -> None:
    """Differs, whichever of the two gates is asked for: asking hides no change."""
    log = written(tmp_path / "a.log", [*EVENTS, review(50, "a")])
    told = written(tmp_path / "r.jsonl", [*RECORDS, record(50, "a", gate="shop/other")])
    assert counts(run(log, told, "--gate", asked))["differing"] == 1
    assert counts(run(log, told, "--webhook", WEBHOOK))["differing"] == 1


def test_named_webhooks_and_gates(tmp_path: Path) -> None:
    """--webhook and --gate leave out the others on both sides."""
    other = review(50, "a", webhook="other.example.com")
    other["annotations"]["other.example.com/lease"] = "shop/other"
    log = written(tmp_path / "a.log", [*EVENTS, other])
    told = written(tmp_path / "r.jsonl", [*RECORDS, record(55, "b", gate="shop/other")])
    assert set(counts(run(log, told))) == {"in-both", "only-in-the-audit-log", "only-in-the-records"}
    result = run(log, told, "--webhook", WEBHOOK)
    assert (result.exit_code, counts(result)) == (0, {"in-both": 2})
    assert "note: records of gates of other webhooks left out: 1" in result.stderr
    assert counts(run(log, told, "--gate", "shop/lock")) == {"in-both": 2}
    assert counts(run(log, told, "--gate", "*/other")) == {"only-in-the-audit-log": 1, "only-in-the-records": 1}


def test_forms(tmp_path: Path) -> None:
    """jsonl ends with the summary; the table tells what each finding means, and makes text harmless."""
    log = written(tmp_path / "a.log", EVENTS)
    told = written(tmp_path / "r.jsonl", [*RECORDS, record(50, "a", name="\x1b[2Jx")])
    lines = [json.loads(line) for line in run(log, told, form="jsonl").stdout.splitlines()]
    assert [line.get("kind") for line in lines] == ["only-in-the-records", None]
    assert lines[-1]["summary"]["agree"] is False
    table = run(log, told, form="table").stdout
    assert "1  only in the records: recorded, and the API server's audit log knows nothing of it" in table
    assert "shop/\\x1b[2Jx" in table
    assert "\x1b[2J" not in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "few"], "--limit 'few' is no number"),
        (["--tolerance", "soon"], "--tolerance 'soon' is no duration"),
        (["--output", "csv"], "--output 'csv' is not made of this"),
        (["--audit-log", "/nowhere"], "--audit-log '/nowhere' cannot be read"),
        (["--audit-log", "-", "-"], "- is both the audit log and the records"),
    ],
)
def test_bad_flags(arguments: list[str], words: str, tmp_path: Path) -> None:
    """They end the command with 2, and are named."""
    log = written(tmp_path / "a.log", EVENTS)
    result = run(log, written(tmp_path / "r.jsonl", RECORDS), *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_no_audit_log(tmp_path: Path) -> None:
    """Where there is no audit event nothing agrees."""
    records = written(tmp_path / "r.jsonl", RECORDS)
    result = run(records, records)
    assert result.exit_code == 2
    assert "no audit event in it" in result.stderr
