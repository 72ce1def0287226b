"""The decision: a pure function of the write, the gate and what one Lease read showed."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from leadergate.holder import claimed_name, names
from leadergate.model import (
    Allow,
    Deny,
    Gate,
    IdentityKind,
    Indeterminate,
    Lease,
    LeaseAbsent,
    LeaseUnreadable,
    LeaseView,
    Reading,
    Reason,
    Requester,
    Verdict,
    Write,
)

_HOLDER = Allow(Reason.HOLDER)


def decide(write: Write, gate: Gate, reading: Reading) -> Verdict:
    """Judge one write.

    What the requester's own token rules out is denied whatever the Lease says, even when it cannot be read. Everything
    else rests on ``reading``, which must come from a read that began after the review arrived: then a requester that
    is allowed was the holder at a revision no older than the object that it writes (``docs/guarantees.md``).
    """
    unguarded = beyond_guard(write)
    if unguarded is not None:
        return unguarded
    unfit = _unfit(write.requester, gate, reading)
    if unfit is not None:
        return unfit
    match reading:
        case LeaseUnreadable(why):
            return Indeterminate(Reason.LEASE_UNREADABLE, f"Lease {gate.lease} cannot be read: {why}")
        case LeaseAbsent():
            return Deny(
                Reason.LEASE_NOT_FOUND,
                f"{_who(write.requester)} may not write status: Lease {gate.lease} does not exist, so nobody holds it",
            )
        case LeaseView():
            return _by_lease(write.requester, gate, reading)
    assert_never(reading)


def beyond_guard(write: Write) -> Allow | None:
    """Allow for a write that is none of ``status``, which needs no Lease read; None for one that must be judged."""
    if write.subresource == "status":
        return None
    written = f"{write.resource.resource}/{write.subresource}" if write.subresource else write.resource.resource
    return Allow(
        Reason.NOT_STATUS,
        f"leadergate guards status only, but its rule also matches {written}: narrow the rule to '*/status'",
    )


def _unfit(requester: Requester, gate: Gate, reading: Reading) -> Deny | None:
    """The denials that rest on the requester alone."""
    if requester.service_account is None:
        reason = Reason.NOT_SERVICE_ACCOUNT
        why = (
            f"{_who(requester)} is not a service account, and only the pod that holds Lease {gate.lease}"
            " may write status"
        )
    elif requester.namespace != gate.from_namespace:
        reason = Reason.FOREIGN_NAMESPACE
        why = f"{_who(requester)} is not in namespace {gate.from_namespace}, whose pods write under Lease {gate.lease}"
    elif missing := _missing_claims(requester, gate):
        reason = Reason.NO_POD_IDENTITY
        why = (
            f"the credentials of {_who(requester)} do not prove which pod it is (missing: {', '.join(missing)}):"
            " use the pod's own mounted token, not a Secret token or an unbound one"
        )
    else:
        return None
    return Deny(reason, f"{why}; {holding(gate, reading)}")


def _missing_claims(requester: Requester, gate: Gate) -> list[str]:
    """What a pod-bound token proves and this requester lacks.

    The API server sets all of them for a pod-bound token (kubernetes/apiserver ``pkg/authentication/serviceaccount``).
    Asking for all makes it harder to forge a pod: who may impersonate ``userextras/pod-name`` alone has no uid, no
    ``pod-uid`` and no ``credential-id``.
    """
    node = gate.identity is IdentityKind.NODE
    proofs = (requester.uid, requester.pod, requester.pod_uid, requester.credential_id)
    if all(proofs) and (requester.node or not node):
        return []
    needed: list[tuple[str, str | None]] = [
        ("user uid", requester.uid),
        ("authentication.kubernetes.io/pod-name", requester.pod),
        ("authentication.kubernetes.io/pod-uid", requester.pod_uid),
        ("authentication.kubernetes.io/credential-id", requester.credential_id),
    ]
    if node:
        needed.append(("authentication.kubernetes.io/node-name", requester.node))
    return [name for name, value in needed if not value]


def _by_lease(requester: Requester, gate: Gate, view: LeaseView) -> Verdict:
    lease = view.lease
    if not lease.holder:
        return Deny(
            Reason.LEASE_UNHELD, f"{_who(requester)} may not write status: {holding(gate, view)}; wait until it leads"
        )
    name = claimed_name(gate, requester)
    if name is None or not names(gate, lease.holder, name):
        return Deny(Reason.NOT_HOLDER, f"{_who(requester)} may not write status: {holding(gate, view)}")
    if view.expired:
        return Deny(
            Reason.LEASE_EXPIRED,
            f"{_who(requester)} may not write status: Lease {gate.lease} still names it, but was not renewed"
            f" for {view.age:.0f} s (leaseDurationSeconds is {lease.duration})",
        )
    return _HOLDER


def holding(gate: Gate, reading: Reading) -> str:
    """Who holds the gate's Lease, and since when, in words."""
    match reading:
        case LeaseUnreadable():
            return f"the holder of Lease {gate.lease} is unknown, as it cannot be read"
        case LeaseAbsent():
            return f"Lease {gate.lease} does not exist"
        case LeaseView(lease=Lease(holder="")):
            return f"nobody holds Lease {gate.lease}"
        case LeaseView(lease=lease):
            since = f" since {_stamp(lease.acquire_time)}" if lease.acquire_time else ""
            return f"the holder of Lease {gate.lease} is {lease.holder}{since}"
    assert_never(reading)


def _who(requester: Requester) -> str:
    """The requester in words: as exactly as its token names it."""
    if requester.service_account is None:
        return f"user {requester.username!r}"
    if requester.pod is None:
        return f"service account {requester.namespace}/{requester.service_account}"
    if requester.node is None:
        return f"pod {requester.namespace}/{requester.pod}"
    return f"pod {requester.namespace}/{requester.pod} on node {requester.node}"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
