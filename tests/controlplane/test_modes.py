"""The two modes that never stand in a write's way, and rules that are too wide."""

from __future__ import annotations

from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import status_rule

from .team import GROUP, LEASE, NOTES, Team


def test_warn(team: Team) -> None:
    """The write goes through, the client sees why it would be rejected, and the record says Deny in mode warn."""
    name = team.gate(mode="warn")
    answer = team.follower.status(team.note, {"text": "mine"})
    assert answer.ok
    (warning,) = answer.warnings
    assert warning.startswith("leadergate would reject this (NotHolder): pod ")
    assert "operator-0" in warning
    assert team.text() == "mine"
    (record,) = team.records(pod="operator-1")
    assert (record["verdict"], record["reason"], record["mode"]) == ("Deny", "NotHolder", "warn")
    assert team.leader.status(team.note, {"text": "leader's"}).warnings == ()
    _await_annotation(team, f"{name}/uid", record["uid"])


def test_audit(team: Team) -> None:
    """The write goes through in silence; the record and the API server's audit log tell."""
    name = team.gate(mode="audit")
    answer = team.follower.status(team.note, {"text": "mine"})
    assert answer.ok
    assert answer.warnings == ()
    assert team.text() == "mine"
    (record,) = team.records(pod="operator-1")
    assert (record["verdict"], record["reason"], record["mode"]) == ("Deny", "NotHolder", "audit")
    annotations = _await_annotation(team, f"{name}/uid", record["uid"])
    told = {key.removeprefix(f"{name}/"): text for key, text in annotations.items() if key.startswith(name)}
    assert told == {
        "uid": record["uid"],
        "verdict": "Deny",
        "reason": "NotHolder",
        "mode": "audit",
        "lease": f"{team.namespace}/lock",
        "standing": "follower",
        "holder": "operator-0",
        "lease-resource-version": record["lease"]["resourceVersion"],
    }


def test_unreadable_lease_in_the_modes_that_only_watch(team: Team) -> None:
    """A Lease that may not be read stops no write in mode warn or audit, though ``failurePolicy`` is Fail."""
    team.gate(mode="warn", lease="secret")
    team.gate(mode="audit", lease="secret")
    answer = team.leader.status(team.note, {"text": "mine"})
    assert answer.ok
    (warning,) = answer.warnings
    assert warning.startswith("leadergate would reject this (LeaseUnreadable): ")
    records = team.records(pod="operator-0")
    assert {record["mode"]: record["verdict"] for record in records} == {
        "warn": "Indeterminate",
        "audit": "Indeterminate",
    }


def test_from_watching_to_enforcing(team: Team) -> None:
    """One Lease may be watched for one set of rules and enforced for another at the same time."""
    team.make("Ingress", "web", "networking.k8s.io/v1", spec={"defaultBackend": {"resource": BACKEND}})
    ingress = f"/apis/networking.k8s.io/v1/namespaces/{team.namespace}/ingresses/web"
    team.gate(rules=[NOTES])
    team.gate(
        mode="audit",
        rules=[status_rule("networking.k8s.io", "v1", "ingresses")],
        probe=lambda: team.follower.status(ingress, {"loadBalancer": {}}, dryRun="All"),
    )
    assert team.follower.status(team.note, {"text": "mine"}).cause == "NotHolder"
    assert team.follower.status(ingress, {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}).ok


def test_a_rule_that_is_too_wide(team: Team) -> None:
    """A rule that takes in the main resource: its writes go through with a warning, the status stays guarded."""
    wide = {**NOTES, "resources": ["notes", "notes/status"], "operations": ["CREATE", "UPDATE"]}
    team.gate(rules=[wide], lease=LEASE)
    answer = team.follower.merge(team.note, {"spec": {"text": "wish"}})
    assert answer.ok
    (warning,) = answer.warnings
    assert "leadergate guards status only, but its rule also matches notes: narrow the rule" in warning
    body = {"apiVersion": f"{GROUP}/v1", "kind": "Note", "metadata": {"name": "second"}}
    assert team.follower.send("POST", team.note.removesuffix("/note"), body).warnings == (warning,)
    assert team.follower.status(team.note, {"text": "mine"}).cause == "NotHolder"


BACKEND = {"apiGroup": GROUP, "kind": "Note", "name": "note"}


def _await_annotation(team: Team, key: str, value: str) -> dict[str, str]:
    """The annotations of the audit event that has this one; it is written after the client's answer."""
    found: list[dict[str, str]] = []

    def written() -> bool:
        annotations = [event.get("annotations", {}) for event in team.audited()]
        found.extend(item for item in annotations if item.get(key) == value)
        return bool(found)

    wait_until(written, what=f"the audit log has {key} = {value}", timeout=30)
    return found[0]
