"""Who counts as the holder's pod, with every kind of credentials that the API server takes."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate_lab.cluster import PodIdentity
from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.granted import account, wait_granted
from leadergate_lab.writer import Answer, Writer

from .team import Team

NAME_CLAIM = "authentication.kubernetes.io/pod-name"


def _write(team: Team, writer: Writer, text: str = "mine") -> Answer:
    return writer.status(team.note, {"text": text})


def _stranger(team: Team, answer: Answer, reason: str) -> dict[str, Any]:
    """Assert a rejection with this reason as a stranger's, and return its record."""
    assert (answer.code, answer.reason, answer.cause) == (403, "Forbidden", reason)
    (record,) = [record for record in team.records() if record["uid"] == answer.causes["ReviewUID"]]
    assert (record["reason"], record["standing"]) == (reason, "stranger")
    return record


@pytest.fixture
def elsewhere(control_plane: ControlPlane, team: Team) -> PodIdentity:
    """A pod with the holder's name and account name in another namespace, which may write the team's objects."""
    namespace = f"{team.namespace}-elsewhere"
    team.cluster.namespace(namespace)
    team.cluster.service_account(namespace, "operator")
    team.let_write("Group", f"system:serviceaccounts:{namespace}")
    return control_plane.cluster.pod(namespace, "operator-0", "operator")


def test_a_namesake_in_another_namespace(team: Team, elsewhere: PodIdentity) -> None:
    """The same pod name elsewhere is not the holder."""
    team.gate()
    answer = _write(team, team.writer(elsewhere))
    record = _stranger(team, answer, "ForeignNamespace")
    assert f"pod {elsewhere.namespace}/operator-0 is not in namespace {team.namespace}" in answer.message
    assert record["requester"]["namespace"] == elsewhere.namespace
    assert _write(team, team.leader).ok


def test_pods_of_a_named_namespace(team: Team, elsewhere: PodIdentity) -> None:
    """With ``/from/`` the pods of that namespace write, and those beside the Lease do not."""
    team.gate(f"/from/{elsewhere.namespace}")
    assert _write(team, team.writer(elsewhere)).ok
    _stranger(team, _write(team, team.leader), "ForeignNamespace")


def test_a_holder_that_names_its_node(team: Team) -> None:
    """With ``/identity/node`` the pod on the node that holds the Lease writes; others, or pods on no node, do not."""
    here, there = (team.pod(f"agent-{name}", node=f"{team.namespace}-{name}") for name in ("here", "there"))
    team.lead(here.node_name)
    team.gate("/identity/node")
    assert _write(team, team.writer(here)).ok
    answer = _write(team, team.writer(there))
    assert answer.cause == "NotHolder"
    assert f"pod {team.namespace}/agent-there on node {there.node_name} may not" in answer.message
    assert NAME_CLAIM.replace("pod-name", "node-name") in _write(team, team.leader).causes["NoPodIdentity"]


@pytest.mark.parametrize(
    ("options", "holder"),
    [
        ("", "operator-1_5f0f8d2e-3c1c-4a6f-9c3e-0d9f6f0a1b2c"),
        ("/suffix/external-controller", "operator-1-external-controller"),
        ("/random/10", "operator-1-Ab3dE5gH7j"),
    ],
    ids=["podname_uuid", "suffix", "random"],
)
def test_forms_of_holder_identity(team: Team, options: str, holder: str) -> None:
    """A Lease whose holder carries more than the pod's name lets just that pod write, however alike another's name."""
    team.lead(holder)
    namesake = team.pod("operator")
    team.gate(options)
    assert _write(team, team.follower, "the holder's").ok
    for pod in (team.leader, team.writer(namesake)):
        answer = _write(team, pod)
        assert answer.cause == "NotHolder"
        assert f"the holder of Lease {team.namespace}/lock is {holder}" in answer.message
    assert team.text() == "the holder's"


def test_the_bare_name_where_more_is_asked(team: Team) -> None:
    """A gate that asks for a suffix takes no holder without one."""
    team.gate("/suffix/external-controller")
    assert _write(team, team.leader).cause == "NotHolder"


def test_tokens_that_prove_no_pod(gated: Team) -> None:
    """A Secret's token and an unbound one, of the holder's own account, do not tell which pod writes: denied."""
    for token in (
        gated.cluster.legacy_token(gated.namespace, "operator"),
        gated.cluster.service_account_token(gated.namespace, "operator"),
    ):
        answer = _write(gated, Writer(gated.cluster.client(token=token)))
        record = _stranger(gated, answer, "NoPodIdentity")
        assert f"service account {gated.namespace}/operator" in answer.message
        assert NAME_CLAIM in answer.message
        assert record["requester"]["serviceAccount"] == "operator"
        assert record["requester"]["pod"] is None


def test_a_client_certificate(gated: Team) -> None:
    """A person with a certificate is no service account, even one that is called like the holder."""
    gated.let_write("User", "operator-0")
    writer = Writer(gated.cluster.client(certificate=gated.cluster.client_certificate("operator-0", ["people"])))
    answer = _write(gated, writer)
    _stranger(gated, answer, "NotServiceAccount")
    assert "user 'operator-0' is not a service account" in answer.message


def test_an_administrator(gated: Team) -> None:
    """No group lifts anyone over a gate, system:masters neither."""
    answer = _write(gated, Writer(gated.cluster.api))
    record = _stranger(gated, answer, "NotServiceAccount")
    assert record["requester"]["username"] == "admin"


def test_an_exempt_administrator(team: Team) -> None:
    """``matchConditions`` leave out whom the user wants to: the administrator writes, another pod still does not."""
    condition = {"name": "not-admins", "expression": "!('system:masters' in request.userInfo.groups)"}
    team.gate(matchConditions=[condition], probe=lambda: _write(team, team.follower))
    assert _write(team, Writer(team.cluster.api), "by hand").ok
    assert _write(team, team.follower).cause == "NotHolder"
    assert team.text() == "by hand"


def test_a_forged_pod_name(gated: Team) -> None:
    """Who may impersonate the holder's account and the claim ``pod-name`` lacks what a real token proves: denied."""
    namespace = gated.namespace
    rules = [
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]},
        {"apiGroups": ["authentication.k8s.io"], "resources": [f"userextras/{NAME_CLAIM}"], "verbs": ["impersonate"]},
    ]
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": "forger"}
    gated.cluster.service_account(namespace, "forger")
    gated.cluster.apply(
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": namespace}, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": namespace},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": namespace},
            "subjects": [subject],
        },
    )
    wait_granted(gated.cluster.api, *rules, user=account(namespace, "forger"))
    forged = {
        "Impersonate-User": f"system:serviceaccount:{namespace}:operator",
        f"Impersonate-Extra-{NAME_CLAIM.replace('/', '%2f')}": "operator-0",
    }
    token = gated.cluster.pod_token(gated.pod("forger", account="forger"))
    answer = _write(gated, Writer(gated.cluster.client(token=token), headers=forged))
    record = _stranger(gated, answer, "NoPodIdentity")
    assert record["requester"]["pod"] == "operator-0"
    for missing in ("user uid", "pod-uid", "credential-id"):
        assert missing in answer.message
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    seen = Writer(gated.cluster.client(token=token), headers=forged).send(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review
    )
    assert seen.body["status"]["userInfo"]["extra"] == {NAME_CLAIM: ["operator-0"]}
