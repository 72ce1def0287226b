"""The decision as a table: every reason, and what a person reads in each message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from leadergate.decision import beyond_guard, decide, holding
from leadergate.model import (
    Allow,
    Deny,
    Gate,
    IdentityKind,
    Indeterminate,
    Lease,
    LeaseAbsent,
    LeaseKey,
    LeaseUnreadable,
    LeaseView,
    Mode,
    Reading,
    Reason,
    Requester,
    Resource,
    Verdict,
    Write,
)

SINCE = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
GATE = Gate(Mode.ENFORCE, LeaseKey("shop", "operator"), from_namespace="shop")
LEADER = Requester(
    username="system:serviceaccount:shop:operator",
    uid="account-uid",
    namespace="shop",
    service_account="operator",
    pod="operator-1",
    pod_uid="pod-uid",
    node="node-a",
    credential_id="JTI=1",
)
WRITE = Write("review-1", "UPDATE", Resource("g", "v1", "things", "Thing"), "status", "shop", "thing", False, LEADER)
LEASE = Lease(holder="operator-1", resource_version="7", transitions=3, duration=15, acquire_time=SINCE)
HELD = LeaseView(LEASE, age=1.0, expired=False)
UNREADABLE = LeaseUnreadable("the API server answered 500: etcd is gone")

PERSON = Requester(username="jane", uid="")
ELSEWHERE = structs.replace(LEADER, username="system:serviceaccount:other:operator", namespace="other")
FOLLOWER = structs.replace(LEADER, pod="operator-2", pod_uid="pod-uid-2")
SUCCESSOR_BY_PREFIX = structs.replace(LEADER, pod="operator-10")
UNBOUND = structs.replace(LEADER, pod=None, pod_uid=None, node=None, credential_id=None)


def judged(requester: Requester, reading: Reading, gate: Gate = GATE) -> Verdict:
    """The verdict on this requester's write."""
    return decide(structs.replace(WRITE, requester=requester), gate, reading)


@pytest.mark.parametrize(
    ("requester", "reading", "expected"),
    [
        pytest.param(LEADER, HELD, Allow(Reason.HOLDER), id="holder"),
        pytest.param(
            FOLLOWER,
            HELD,
            Deny(
                Reason.NOT_HOLDER,
                "pod shop/operator-2 on node node-a may not write status: the holder of Lease shop/operator is"
                " operator-1 since 2026-03-01T12:00:05Z",
            ),
            id="another pod",
        ),
        pytest.param(
            SUCCESSOR_BY_PREFIX,
            replace(HELD, lease=replace(LEASE, acquire_time=None)),
            Deny(
                Reason.NOT_HOLDER,
                "pod shop/operator-10 on node node-a may not write status: the holder of Lease shop/operator is"
                " operator-1",
            ),
            id="a name that begins like the holder's",
        ),
        pytest.param(
            LEADER,
            replace(HELD, lease=replace(LEASE, holder="")),
            Deny(
                Reason.LEASE_UNHELD,
                "pod shop/operator-1 on node node-a may not write status: nobody holds Lease shop/operator;"
                " wait until it leads",
            ),
            id="nobody holds it",
        ),
        pytest.param(
            LEADER,
            replace(HELD, age=31.4, expired=True),
            Deny(
                Reason.LEASE_EXPIRED,
                "pod shop/operator-1 on node node-a may not write status: Lease shop/operator still names it, but was"
                " not renewed for 31 s (leaseDurationSeconds is 15)",
            ),
            id="the holder stopped renewing",
        ),
        pytest.param(
            structs.replace(LEADER, node=None),
            LeaseAbsent(),
            Deny(
                Reason.LEASE_NOT_FOUND,
                "pod shop/operator-1 may not write status: Lease shop/operator does not exist, so nobody holds it",
            ),
            id="no Lease",
        ),
        pytest.param(
            LEADER,
            UNREADABLE,
            Indeterminate(
                Reason.LEASE_UNREADABLE,
                "Lease shop/operator cannot be read: the API server answered 500: etcd is gone",
            ),
            id="unreadable",
        ),
        pytest.param(
            PERSON,
            HELD,
            Deny(
                Reason.NOT_SERVICE_ACCOUNT,
                "user 'jane' is not a service account, and only the pod that holds Lease shop/operator may write"
                " status; the holder of Lease shop/operator is operator-1 since 2026-03-01T12:00:05Z",
            ),
            id="a person",
        ),
        pytest.param(
            ELSEWHERE,
            HELD,
            Deny(
                Reason.FOREIGN_NAMESPACE,
                "pod other/operator-1 on node node-a is not in namespace shop, whose pods write under Lease"
                " shop/operator; the holder of Lease shop/operator is operator-1 since 2026-03-01T12:00:05Z",
            ),
            id="a pod of the same name elsewhere",
        ),
        pytest.param(
            UNBOUND,
            replace(HELD, lease=replace(LEASE, holder="")),
            Deny(
                Reason.NO_POD_IDENTITY,
                "the credentials of service account shop/operator do not prove which pod it is (missing:"
                " authentication.kubernetes.io/pod-name, authentication.kubernetes.io/pod-uid,"
                " authentication.kubernetes.io/credential-id): use the pod's own mounted token, not a Secret token or"
                " an unbound one; nobody holds Lease shop/operator",
            ),
            id="a token of no pod",
        ),
    ],
)
def test_each_reason_and_its_message(requester: Requester, reading: Reading, expected: Verdict) -> None:
    """Who asked, who holds, which Lease, since when: the verdict says it in one sentence."""
    assert judged(requester, reading) == expected


@pytest.mark.parametrize("reading", [UNREADABLE, LeaseAbsent(), HELD], ids=["unreadable", "absent", "held"])
@pytest.mark.parametrize(
    ("requester", "reason"),
    [
        pytest.param(PERSON, Reason.NOT_SERVICE_ACCOUNT, id="person"),
        pytest.param(ELSEWHERE, Reason.FOREIGN_NAMESPACE, id="namespace"),
        pytest.param(UNBOUND, Reason.NO_POD_IDENTITY, id="no pod"),
        pytest.param(structs.replace(UNBOUND, namespace="other"), Reason.FOREIGN_NAMESPACE, id="namespace before pod"),
    ],
)
def test_what_the_token_rules_out_needs_no_lease(requester: Requester, reason: Reason, reading: Reading) -> None:
    """Such a denial holds whatever the Lease says, and also when nobody can read it."""
    verdict = judged(requester, reading)
    assert isinstance(verdict, Deny)
    assert verdict.reason is reason


@pytest.mark.parametrize("claim", ["uid", "pod", "pod_uid", "credential_id"])
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_each_claim_of_a_bound_token_is_asked_for(claim: str, value: str | None) -> None:
    """A requester that names the holder but lacks one claim of a bound token is not believed."""
    changed: dict[str, Any] = {claim: value}
    verdict = judged(structs.replace(LEADER, **changed), HELD)
    assert isinstance(verdict, Deny)
    assert verdict.reason is Reason.NO_POD_IDENTITY


@pytest.mark.parametrize(
    ("requester", "holder", "expected"),
    [
        pytest.param(LEADER, "node-a", Reason.HOLDER, id="its node holds"),
        pytest.param(FOLLOWER, "node-a", Reason.HOLDER, id="another pod of that node passes too"),
        pytest.param(LEADER, "node-a_f00d", Reason.HOLDER, id="node and uuid"),
        pytest.param(LEADER, "operator-1", Reason.NOT_HOLDER, id="a pod's name is no node's"),
        pytest.param(structs.replace(LEADER, node=None), "node-a", Reason.NO_POD_IDENTITY, id="token without a node"),
    ],
)
def test_a_gate_may_know_the_holder_by_its_node(requester: Requester, holder: str, expected: Reason) -> None:
    """With identity node the token's node-name is compared, and asked for."""
    gate = replace(GATE, identity=IdentityKind.NODE)
    assert judged(requester, replace(HELD, lease=replace(LEASE, holder=holder)), gate).reason is expected


def test_pods_may_write_from_another_namespace_than_the_leases() -> None:
    """With from, that namespace counts, and the Lease's own does not."""
    gate = replace(GATE, from_namespace="other")
    assert judged(ELSEWHERE, HELD, gate) == Allow(Reason.HOLDER)
    assert judged(LEADER, HELD, gate).reason is Reason.FOREIGN_NAMESPACE


@pytest.mark.parametrize(
    ("subresource", "named"), [("", "things"), ("scale", "things/scale"), ("STATUS", "things/STATUS")]
)
def test_other_writes_are_allowed_with_a_hint(subresource: str, named: str) -> None:
    """A rule that is too wide stops nobody, but its author is told which part it should not match."""
    write = structs.replace(WRITE, subresource=subresource, requester=PERSON)
    expected = Allow(
        Reason.NOT_STATUS,
        f"leadergate guards status only, but its rule also matches {named}: narrow the rule to '*/status'",
    )
    assert beyond_guard(write) == expected
    assert decide(write, GATE, UNREADABLE) == expected


def test_a_status_write_is_never_beyond_guard() -> None:
    """What must be judged needs the Lease."""
    assert beyond_guard(WRITE) is None


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (UNREADABLE, "the holder of Lease shop/operator is unknown, as it cannot be read"),
        (LeaseAbsent(), "Lease shop/operator does not exist"),
    ],
)
def test_a_stranger_is_told_what_is_known_of_the_holder(reading: Reading, said: str) -> None:
    """The message of a denial by the token ends with what the Lease showed."""
    assert holding(GATE, reading) == said
    verdict = judged(PERSON, reading)
    assert isinstance(verdict, Deny)
    assert verdict.message.endswith(f"; {said}")


def test_the_reasons_are_stable() -> None:
    """Metrics, records and causes carry these very strings."""
    assert [str(reason) for reason in Reason] == [
        "Holder",
        "NotStatus",
        "NotHolder",
        "NotServiceAccount",
        "NoPodIdentity",
        "ForeignNamespace",
        "LeaseNotFound",
        "LeaseUnheld",
        "LeaseExpired",
        "LeaseUnreadable",
    ]
