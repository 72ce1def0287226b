"""What the tests of the nudge share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.processes import wait_until
from leadergate_lab.recorder import Recorder
from leadergate_lab.webhook import ACCOUNT, NAMESPACE, WebhookProcess

from .team import GROUP, Team

ANNOTATION = "leadergate.dev/nudged-for"
PATCHED = (
    {"apiGroups": [GROUP], "resources": ["notes"], "verbs": ["patch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["patch"]},
)


def let_nudge(team: Team) -> None:
    """What docs/takeover.md asks for: 'patch' on these resources alone. In force when this returns."""
    rbac = "rbac.authorization.k8s.io"
    metadata = {"namespace": team.namespace, "name": "leadergate-nudge"}
    team.cluster.apply(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": list(PATCHED),
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "leadergate-nudge"},
            "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": ACCOUNT}],
        },
    )
    wait_granted(team.cluster.api, *PATCHED, user=account(NAMESPACE, ACCOUNT), namespace=team.namespace)


def note(team: Team, name: str) -> str:
    """A Note's path."""
    return f"{team.note.removesuffix('/note')}/{name}"


def reject(team: Team, *names: str) -> None:
    """Make Notes, and have the follower's write to each rejected."""
    for name in names:
        team.make("Note", name, f"{GROUP}/v1", spec={"text": "wanted"})
        assert team.follower.status(note(team, name), {"text": "wanted"}).cause == "NotHolder"


def patches(team: Team, least: int) -> list[dict[str, Any]]:
    """The audit events of the webhook's own patches in this namespace, when there are so many at least.

    An event is written after the answer: who has just heard that a nudge was sent may look too early.
    """
    user = account(NAMESPACE, ACCOUNT)
    found: list[dict[str, Any]] = []

    def written() -> bool:
        found[:] = [event for event in team.audited() if event["user"]["username"] == user and event["verb"] == "patch"]
        return len(found) >= least

    wait_until(written, what=f"the audit log has {least} patches", timeout=30)
    return found


def mark(team: Team, name: str) -> str:
    """For which takeover a Note was nudged last."""
    return str(team.cluster.get(note(team, name))["metadata"].get("annotations", {}).get(ANNOTATION, ""))


def take_over(team: Team, holder: str, transitions: int) -> None:
    """Another pod takes the Lease."""
    team.lead(holder, transitions=transitions)


def until_sent(webhook: WebhookProcess, team: Team, number: int) -> None:
    """Wait until so many nudges of this team came to an end."""
    gate = f"{team.namespace}/lock"
    wait_until(
        lambda: webhook.metric("leadergate_nudges_total", gate=gate) >= number,
        what=f"{number} nudges have ended",
        timeout=30,
    )


@contextmanager
def watching(plane: ControlPlane, team: Team) -> Iterator[Counter[str]]:
    """Counts the changes of each Note meanwhile; complete when the block has ended."""
    path = team.note.removesuffix("/note")
    recorder = Recorder(server=plane.url, ca_file=str(plane.ca_file), token=plane.admin_token, paths=[path])
    counted: Counter[str] = Counter()
    with recorder.running():
        yield counted
        last = team.cluster.call(
            "PATCH", team.note, {"metadata": {"labels": {"last": "one"}}}, content_type="application/merge-patch+json"
        )
        recorder.wait_for(path, int(last["metadata"]["resourceVersion"]))
        counted.update(change.name for change in recorder.changes() if change.kind == "MODIFIED")
        del counted["note"]


def outcomes(webhook: WebhookProcess, team: Team) -> dict[str, int]:
    """How this team's nudges ended."""
    gate = f"{team.namespace}/lock"
    names = ("nudged", "already", "moved-on", "gone", "forbidden", "unanswered", "failed")
    counted = {name: int(webhook.metric("leadergate_nudges_total", gate=gate, outcome=name)) for name in names}
    return {name: number for name, number in counted.items() if number}
