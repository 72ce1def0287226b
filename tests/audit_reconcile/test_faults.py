"""What stands in one only is named, and so is what failed open: on a real API server."""

from __future__ import annotations

import json
import ssl
import urllib.request
from pathlib import Path

from leadergate_lab.writer import Writer

from ..controlplane.team import GROUP, Team
from .logs import counts, final, found, probe, run, written


def test_a_lost_record(gated: Team, tmp_path: Path) -> None:
    """A record that was removed from the file is named as one that only the audit log has."""
    for _ in range(3):
        probe(gated)
    records = gated.records()
    lost = records.pop(-2)
    log = written(tmp_path / "audit.log", gated.audited())
    result = run(log, written(tmp_path / "records.jsonl", records))
    assert (result.exit_code, counts(result)) == (1, {"in-both": len(records), "only-in-the-audit-log": 1})
    (one,) = found(result, "only-in-the-audit-log")
    assert (one["uid"], one["pod"], one["object"]) == (lost["uid"], "operator-1", f"{gated.namespace}/note")
    line = int(one["source"].removeprefix(f"{log}:"))
    assert lost["uid"] in log.read_text().splitlines()[line - 1]
    table = run(log, tmp_path / "records.jsonl", form="table").output
    assert "They do not agree: 1 only in the audit log." in table
    assert lost["uid"] in table


def test_a_forged_record(gated: Team, tmp_path: Path) -> None:
    """Whoever reaches the webhook's port can make records, and none of them can be in the audit log."""
    probe(gated)
    true = gated.records(pod="operator-1")[-1]
    uid = "0b5cf7a8-0000-4000-8000-000000000000"
    review = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "operation": "UPDATE",
            "resource": true["resource"],
            "subResource": "status",
            "namespace": true["namespace"],
            "name": true["name"],
            "userInfo": {"username": true["requester"]["username"]},
        },
    }
    url = f"{gated.webhook.url}/enforce/{gated.namespace}/lock"
    call = urllib.request.Request(url, json.dumps(review).encode(), {"Content-Type": "application/json"})  # noqa: S310
    trust = ssl.create_default_context(cafile=str(gated.webhook.ca_file))
    with urllib.request.urlopen(call, timeout=60, context=trust) as answer:  # noqa: S310 - loopback
        assert answer.status == 200
    probe(gated)
    records = gated.records()
    result = run(written(tmp_path / "audit.log", gated.audited()), written(tmp_path / "records.jsonl", records))
    assert (result.exit_code, counts(result)) == (1, {"in-both": len(records) - 1, "only-in-the-records": 1})
    (one,) = found(result, "only-in-the-records")
    assert (one["uid"], one["reason"]) == (uid, "NoPodIdentity")
    assert one["source"] == str(tmp_path / "records.jsonl")


def test_what_the_audit_policy_leaves_out(team: Team, tmp_path: Path) -> None:
    """A rejection at level None stands in the records only."""
    team.gate(timeoutSeconds=30)
    team.make("Note", "none", f"{GROUP}/v1", spec={"text": "wanted"})
    assert team.follower.status(team.note.removesuffix("note") + "none", {"text": "x"}).cause == "NotHolder"
    probe(team)
    log, told = written(tmp_path / "audit.log", team.audited()), written(tmp_path / "r.jsonl", team.records())
    result = run(log, told)
    (one,) = found(result, "only-in-the-records")
    assert (result.exit_code, one["object"]) == (1, f"{team.namespace}/none")


def test_a_changed_record(gated: Team, tmp_path: Path) -> None:
    """A record that says otherwise than its audit line is named, and in what."""
    for _ in range(3):
        probe(gated)
    records = gated.records()
    records[-2]["lease"]["holder"] = "somebody"
    records[-2]["reason"] = "LeaseExpired"
    result = run(written(tmp_path / "audit.log", gated.audited()), written(tmp_path / "records.jsonl", records))
    assert (result.exit_code, counts(result)["differing"]) == (1, 1)
    (one,) = found(result, "differing")
    assert one["uid"] == records[-2]["uid"]
    assert one["what"] == (
        "reason: record LeaseExpired, audit log NotHolder; holder: record somebody, audit log operator-0"
    )


def test_a_webhook_that_is_gone_with_ignore(mortal: Team, tmp_path: Path) -> None:
    """A write that nobody judged is named: who wrote what, and when."""
    name = mortal.gate(failurePolicy="Ignore", timeoutSeconds=30)
    probe(mortal)
    mortal.webhook.process.stop()
    assert mortal.follower.status(mortal.note, {"text": "unjudged"}).ok
    log, told = written(tmp_path / "audit.log", mortal.audited()), written(tmp_path / "r.jsonl", mortal.records())
    result = run(log, told)
    assert (result.exit_code, counts(result)) == (1, {"in-both": len(mortal.records()), "failed-open": 1})
    (one,) = found(result, "failed-open")
    assert (one["webhook"], one["gate"], one["pod"]) == (name, f"{mortal.namespace}/lock", "operator-1")
    assert (one["object"], one["code"]) == (f"{mortal.namespace}/note", 200)
    assert one["username"] == f"system:serviceaccount:{mortal.namespace}:operator"
    # Without a single annotation it is not known to be a gate, unless it is named.
    unjudged = written(tmp_path / "unjudged.log", final(mortal.audited())[-1:])
    never = ["--since", "2000-01-01", "--until", "2100-01-01", told]
    assert f"1 call failed open for {name}, which no annotation shows to be a gate" in run(unjudged, *never).stderr
    assert counts(run(unjudged, "--webhook", name, *never))["failed-open"] == 1


def test_a_webhook_that_is_gone_with_fail(mortal: Team, tmp_path: Path) -> None:
    """A write that was refused since the webhook could not be called is told, and no fault."""
    mortal.gate(timeoutSeconds=30)
    probe(mortal)
    mortal.webhook.process.stop()
    assert mortal.follower.status(mortal.note, {"text": "refused"}).code == 500
    log, told = written(tmp_path / "audit.log", mortal.audited()), written(tmp_path / "r.jsonl", mortal.records())
    result = run(log, told)
    assert (result.exit_code, counts(result)) == (0, {"in-both": len(mortal.records()), "refused": 1})
    (one,) = found(result, "refused")
    assert (one["pod"], one["code"]) == ("operator-1", 500)
    assert "connection refused" in one["what"]


def test_what_could_not_be_decided(team: Team, tmp_path: Path) -> None:
    """An Indeterminate record belongs to a call that failed for the API server, in one way or the other."""
    team.gate()
    for policy in ("Fail", "Ignore"):
        # The webhook may not read this Lease.
        team.gate(lease="secret", failurePolicy=policy)
        answer = team.leader.status(team.note, {"text": policy})
        assert answer.code == (500 if policy == "Fail" else 200)
        team.ungate()
        team.gate()
    probe(team)
    result = run(written(tmp_path / "a.log", team.audited()), written(tmp_path / "r.jsonl", team.records()))
    told = {one["uid"]: one["what"] for one in found(result, "unheard")}
    unsure = {record["uid"] for record in team.records() if record["verdict"] == "Indeterminate"}
    assert told.keys() == unsure
    assert set(told.values()) == {"the call failed, and the write was refused", "the call failed open"}
    assert (result.exit_code, set(counts(result))) == (1, {"in-both", "unheard", "refused", "failed-open"})


def test_another_user_than_the_one_who_called(gated: Team, tmp_path: Path) -> None:
    """Where somebody impersonates, the record names whom, and so does the audit log."""
    headers = {"Impersonate-User": "somebody", "Impersonate-Group": "system:masters"}
    assert Writer(gated.cluster.api, headers=headers).status(gated.note, {"text": "x"}).cause == "NotServiceAccount"
    probe(gated)
    result = run(written(tmp_path / "a.log", gated.audited()), written(tmp_path / "r.jsonl", gated.records()))
    assert "differing" not in counts(result)
    assert gated.records()[-2]["requester"]["username"] == "somebody"
