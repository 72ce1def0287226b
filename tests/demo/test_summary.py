"""The summary counts what the history, the gate's records and the audit log say, and finds what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadergate_lab.demo.lines import JsonLines
from leadergate_lab.demo.place import MAIN
from leadergate_lab.demo.summary import Summary, goes_back, summarize, writer
from leadergate_lab.recorder import Change

WEBHOOK = "gate.example"


def lease(revision: int, holder: str | None) -> Change:
    """The Lease as committed."""
    item = {"metadata": {"name": "operator-lock", "resourceVersion": str(revision)}, "spec": {"holderIdentity": holder}}
    return Change(MAIN.leases, "MODIFIED", revision, item, None)


def written(revision: int, pod: str, generation: int, before: Change | None) -> Change:
    """A Redirect as committed by a status write."""
    item: dict[str, Any] = {
        "metadata": {"name": "docs", "resourceVersion": str(revision)},
        "status": {"writtenBy": pod, "observedGeneration": generation, "heartbeatTime": str(revision)},
    }
    return Change(MAIN.redirects, "MODIFIED", revision, item, before.now if before else None)


def made(revision: int) -> Change:
    """The Redirect as created."""
    return Change(
        MAIN.redirects, "ADDED", revision, {"metadata": {"name": "docs", "resourceVersion": str(revision)}}, None
    )


def record(uid: str, pod: str | None = "a", standing: str = "follower", *, dry_run: bool = False) -> dict[str, Any]:
    """The gate's record of a denial."""
    return {"uid": uid, "requester": {"pod": pod}, "standing": standing, "dryRun": dry_run}


def audited(uid: str | None, *, code: int = 403, subresource: str = "status") -> dict[str, Any]:
    """The API server's line of the request."""
    return {
        "objectRef": {"resource": "redirects", "subresource": subresource},
        "responseStatus": {"code": code},
        "annotations": {} if uid is None else {f"{WEBHOOK}/uid": uid},
    }


def summed(denials: list[dict[str, Any]], audit: list[dict[str, Any]]) -> Summary:
    """A summary of a history in which one pod leads and writes."""
    first = made(2)
    return summarize([lease(1, "a")], [first, written(3, "a", 1, first)], denials, audit, webhook=WEBHOOK)


def test_rejections_are_counted_by_pod_and_standing() -> None:
    """Each one that the audit log and a record have, and no dry run."""
    denials = [record("1"), record("2"), record("3", "b", "former-holder"), record("4", None, "stranger", dry_run=True)]
    summary = summed(denials, [audited(item["uid"]) for item in denials])
    assert summary.rejected == {("a", "follower"): 2, ("b", "former-holder"): 1}
    assert (summary.rejections, summary.rejected_as("former-holder"), summary.rejected_as("stranger")) == (3, 1, 0)
    assert (summary.again, summary.unrecorded) == (0, 0)
    assert summary.kept


def test_a_second_review_of_one_write_is_no_second_rejection() -> None:
    """The audit log has the first review of a write; a record of a further one is counted apart."""
    summary = summed([record("1"), record("2")], [audited("1")])
    assert (summary.rejections, summary.again) == (1, 1)
    assert summary.kept


@pytest.mark.parametrize("event", [audited("unknown"), audited(None)], ids=["other uid", "no uid"])
def test_a_rejection_without_a_record_breaks_the_promise(event: dict[str, Any]) -> None:
    """Whether its review is unknown to the gate or somebody else rejected it."""
    summary = summed([record("1")], [audited("1"), event])
    assert summary.unrecorded == 1
    assert not summary.kept


def test_other_lines_of_the_audit_log_are_left_out() -> None:
    """A write that succeeded, and one that is none of a status."""
    summary = summed([], [audited("1", code=200), audited("2", subresource="")])
    assert (summary.rejections, summary.unrecorded) == (0, 0)


def test_a_status_that_goes_back_breaks_the_promise() -> None:
    """An older generation in the place of a newer one; so does a stale overwrite."""
    first = made(2)
    newer = written(5, "b", 2, first)
    older = written(6, "a", 1, newer)
    summary = summarize([lease(1, "a"), lease(4, "b")], [first, newer, older], [], [], webhook=WEBHOOK)
    assert goes_back(older)
    assert not goes_back(newer)
    assert (summary.went_back, summary.verdict.count("G1"), summary.verdict.count("G2")) == (1, 1, 1)
    assert summary.verdict.by_pod == {"a": 1, "b": 1}
    assert not summary.kept


def test_only_a_change_of_the_status_is_a_status_write() -> None:
    """A change of anything else has no writer, nor has what was listed at the start."""
    first = written(3, "a", 1, None)
    assert writer(first) is None
    assert writer(Change(MAIN.redirects, "MODIFIED", 4, {**first.now, "spec": {}}, first.now)) is None
    assert writer(written(5, "b", 1, first)) == "b"


def test_a_half_written_line_is_taken_when_it_is_whole(tmp_path: Path) -> None:
    """Whole lines are read once each; what is no JSON object is left out."""
    path = tmp_path / "log"
    lines = JsonLines(path)
    assert lines.all() == []
    path.write_text('{"n": 1}\nTraceback\n[2]\n{"n": ')
    assert lines.all() == [{"n": 1}]
    with path.open("a") as file:
        file.write("2}\n")
    assert lines.all() == [{"n": 1}, {"n": 2}]
