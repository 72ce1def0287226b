"""Events about rejections, on a real API server: which are made, how many, and that kubectl shows them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.processes import wait_until
from leadergate_lab.webhook import ACCOUNT, NAMESPACE, WebhookProcess, status_rule
from leadergate_lab.writer import Writer

from .team import GROUP, LEASE, Team, gathered, serving

RIGHTS = Path(__file__).parents[2] / "deploy" / "events" / "rbac.yaml"
BURST = 5
"""Events of a gate at once (``leadergate.events.series.Limits``)."""


def start(plane: ControlPlane, name: str) -> AbstractContextManager[WebhookProcess]:
    """A webhook that makes Events."""
    return serving(plane, name, "--rejection-events", "--pod-name", name)


@pytest.fixture(scope="module")
def telling(control_plane: ControlPlane, webhook: WebhookProcess) -> Iterator[WebhookProcess]:
    """One for the tests of this file; the shared webhook, which makes none, has served the CRDs."""
    with start(control_plane, "telling-webhook") as telling:
        yield telling


@pytest.fixture
def told(control_plane: ControlPlane, telling: WebhookProcess) -> Iterator[Team]:
    """A team under its gate, with what deploy/events grants."""
    with gathered(control_plane, telling) as team:
        let_tell(team, team.namespace)
        team.gate()
        yield team


def let_tell(team: Team, namespace: str) -> None:
    """Apply what we ship, for this namespace. In force when this returns."""
    rules: list[dict[str, Any]] = []
    for manifest in yaml.safe_load_all(RIGHTS.read_text()):
        team.cluster.apply({**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}})
        rules += manifest.get("rules", [])
    assert rules
    wait_granted(team.cluster.api, *rules, user=account(NAMESPACE, ACCOUNT), namespace=namespace)


def dethrone(team: Team) -> Writer:
    """The leader writes and loses the Lease, which the webhook sees; returns the former leader's client."""
    assert team.leader.status(team.note, {"text": "mine"}).ok
    team.lead("operator-1", transitions=1)
    assert team.follower.status(team.note, {"text": "mine now"}).ok
    return team.leader


def events(team: Team, namespace: str = "") -> list[dict[str, Any]]:
    """The Events of a namespace, by default the team's, oldest first."""
    found = team.cluster.get(f"/api/v1/namespaces/{namespace or team.namespace}/events")["items"]
    return sorted(found, key=lambda one: int(one["metadata"]["resourceVersion"]))


def until(webhook: WebhookProcess, team: Team, number: int, outcome: str = "sent") -> None:
    """Wait until so many Events of this team have come to that."""
    gate = f"{team.namespace}/{LEASE}"
    wait_until(
        lambda: webhook.metric("leadergate_rejection_events_total", gate=gate, outcome=outcome) >= number,
        what=f"{number} Events are {outcome}",
        timeout=30,
    )


def kubectl(team: Team, *arguments: str) -> str:
    """What the real kubectl prints for an administrator."""
    kubeconfig = team.cluster.kubeconfig(f"{team.namespace}-admin", token=team.plane.admin_token)
    done = subprocess.run(
        [str(team.plane.kubectl), f"--kubeconfig={kubeconfig}", *arguments],
        env={"HOME": str(kubeconfig.parent)}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def test_a_former_holders_rejection_makes_one_event(told: Team, telling: WebhookProcess) -> None:
    """On the object, with who was rejected and who holds; kubectl describe and kubectl events --for show it."""
    former = dethrone(told)
    assert former.status(told.note, {"text": "stale"}).cause == "NotHolder"
    until(telling, told, 1)
    (event,) = events(told)
    assert event["involvedObject"] == {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Note",
        "namespace": told.namespace,
        "name": "note",
        "uid": told.cluster.get(told.note)["metadata"]["uid"],
    }
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "StatusWriteRejected", 1)
    assert event["source"] == {"component": "leadergate", "host": "telling-webhook"}
    said = event["message"]
    assert said.startswith(f"rejected: pod {told.namespace}/operator-0 may not write status: the holder of Lease")
    assert "is operator-1 since" in said
    assert "(former-holder, held the Lease until 2" in said
    for shown in (
        kubectl(told, "events", "--namespace", told.namespace, "--for", f"notes.{GROUP}/note"),
        kubectl(told, "describe", "--namespace", told.namespace, f"notes.{GROUP}", "note"),
    ):
        assert "StatusWriteRejected" in shown
        assert said in shown


def test_followers_make_none(told: Team, telling: WebhookProcess) -> None:
    """However many rejections there are, nor does a dry run of anybody; a person's rejection makes one."""
    for number in range(50):
        assert told.follower.status(told.note, {"text": f"v{number}"}).cause == "NotHolder"
    admin = Writer(told.cluster.api)
    assert admin.status(told.note, {"text": "by hand"}, dryRun="All").cause == "NotServiceAccount"
    assert admin.status(told.note, {"text": "by hand"}).cause == "NotServiceAccount"
    until(telling, told, 1)
    (event,) = events(told)
    assert event["message"].endswith("(stranger)")
    gate = f"{told.namespace}/{LEASE}"
    assert telling.metric("leadergate_rejection_events_total", gate=gate) == 1
    assert telling.metric("leadergate_rejection_events_suppressed_total", gate=gate) == 0
    assert telling.metric("leadergate_rejections_total", gate=gate, standing="follower") == 50


def test_a_storm_makes_a_handful(control_plane: ControlPlane, webhook: WebhookProcess) -> None:
    """Two hundred rejections of dozens of objects: the numbers of the last Event tell those that have none."""
    with start(control_plane, "stormy-webhook") as telling, gathered(control_plane, telling) as team:
        let_tell(team, team.namespace)
        team.gate()
        former = dethrone(team)
        notes = [f"{team.note.removesuffix('/note')}/n{number}" for number in range(40)]
        for path in notes:
            team.make("Note", path.rpartition("/")[2], f"{GROUP}/v1", spec={"text": "wanted"})
        for number in range(200):
            assert former.status(notes[number % 40], {"text": f"v{number}"}).cause == "NotHolder"
        gate = f"{team.namespace}/{LEASE}"
        until(telling, team, BURST - 1)
        sent = telling.metric("leadergate_rejection_events_total", gate=gate, outcome="sent")
        folded = telling.metric("leadergate_rejection_events_suppressed_total", gate=gate)
        assert telling.process.stop() == 0
    made = events(team)
    # The last is for the others' numbers, in a minute or at the end. Another one comes only every five minutes.
    assert (sent, len(made)) == (BURST - 1, BURST)
    assert folded + sent == 200
    last = made.pop()
    assert [event["count"] for event in made] == [1] * (BURST - 1)
    along = re.search(r"and (\d+) more rejections of 39 objects under Lease", last["message"])
    assert along is not None
    assert len(made) + last["count"] + int(along[1]) == 200
    assert "rejections_untold" not in telling.process.stderr_path.read_text()


def test_without_the_right_nothing_else_suffers(control_plane: ControlPlane, telling: WebhookProcess) -> None:
    """The same answers and records; the failure is counted, and the log names the right."""
    with gathered(control_plane, telling) as team:
        team.gate()
        former = dethrone(team)
        team.settle()
        for _ in range(3):
            denied = former.status(team.note, {"text": "stale"})
            assert (denied.code, denied.cause) == (403, "NotHolder")
        until(telling, team, 1, "forbidden")
    assert events(team) == []
    assert len([one for one in team.records(pod="operator-0") if one["standing"] == "former-holder"]) == 3
    log = telling.process.stderr_path.read_text()
    assert "rejection_event_not_written" in log
    assert "grant the webhook's service account 'create' on events" in log
    assert telling.plain("/readyz")[0] == 200


def test_a_namespace_that_is_going_takes_none(told: Team, telling: WebhookProcess) -> None:
    """That is no missing right, and trying again would not help: the log tells what the Event would have told."""
    former = dethrone(told)
    told.cluster.call("DELETE", f"/api/v1/namespaces/{told.namespace}")
    assert former.status(told.note, {"text": "stale"}).cause == "NotHolder"
    until(telling, told, 1, "refused")
    assert "because it is being terminated" in telling.process.stderr_path.read_text()


def test_by_default_there_are_none(team: Team, webhook: WebhookProcess) -> None:
    """Even with the right: nothing is counted, as nothing is there that would."""
    let_tell(team, team.namespace)
    team.gate()
    former = dethrone(team)
    assert former.status(team.note, {"text": "stale"}).cause == "NotHolder"
    assert team.records(pod="operator-0")[-1]["standing"] == "former-holder"
    assert "leadergate_rejection_events" not in webhook.plain("/metrics")[1]
    assert events(team) == []


def test_an_object_of_the_cluster(told: Team, telling: WebhookProcess) -> None:
    """Its Event is in namespace default, where kubectl looks for it."""
    let_tell(told, "default")
    name = f"region-{told.namespace}"
    told.cluster.apply(
        {"apiVersion": f"{GROUP}/v1", "kind": "Region", "metadata": {"name": name, "labels": {"of": told.namespace}}}
    )
    region = f"/apis/{GROUP}/v1/regions/{name}"
    told.gate(
        rules=[status_rule(GROUP, "v1", "regions", scope="Cluster")],
        namespaceSelector={},
        objectSelector={"matchLabels": {"of": told.namespace}},
        probe=lambda: told.follower.status(region, {"text": "probe"}, dryRun="All"),
    )
    former = dethrone(told)
    assert former.status(region, {"text": "stale"}).cause == "NotHolder"
    until(telling, told, 1)
    for shown in (
        kubectl(told, "events", "--namespace", "default", "--for", f"regions.{GROUP}/{name}"),
        kubectl(told, "describe", f"regions.{GROUP}", name),
    ):
        assert "StatusWriteRejected" in shown
