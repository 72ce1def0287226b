"""One record in plain words: who asked, who held the Lease, how old its renewal was, and why that fell as it did. Pure.

What to do about it stands in ``advice``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from leadergate.audit.explain.advice import advice
from leadergate.audit.explain.record import LeaseTold, RecordTold, is_bare_uuid, moment, record_told
from leadergate.audit.telling.words import length
from leadergate.model import Mode, Reason, Standing


class Explanation(NamedTuple):
    """What happened, and what to do, in sentences.

    In ``todo`` what begins with ``$ `` is a command to be copied: names of the record stand in it only where they are
    names that Kubernetes allows. Sentences quote the record as it is: a terminal needs them made printable.
    """

    said: tuple[str, ...]
    todo: tuple[str, ...]


def explanation(record: Mapping[str, Any]) -> Explanation:
    """The explanation of a decoded record."""
    told = record_told(record)
    said = [_asked(told), _outcome(told), _identity(told), *_lease(told), *_why(told), *_standing(told)]
    return Explanation(tuple(one for one in said if one), tuple(advice(told)))


def _asked(told: RecordTold) -> str:
    on = f" on node {told.node}" if told.node else ""
    account = f" (service account {told.requester_namespace}/{told.account})" if told.pod and told.account else ""
    what = f"{told.kind}/{told.subresource}" if told.subresource else told.kind
    return f"At {moment(told.time)} {told.who}{on}{account} asked to write {what} of {told.object}."


def _outcome(told: RecordTold) -> str:
    """What became of the write."""
    if told.verdict == "Allow":
        return f"Gate {told.gate} let it through ({told.reason})."
    verb = "could not decide" if told.verdict == "Indeterminate" else "denied it"
    if told.verdict == "Deny" and told.mode != Mode.ENFORCE:
        verb = "would have denied it"
    if told.mode == Mode.ENFORCE:
        text = f"Gate {told.gate} {verb} ({told.reason})"
        if told.verdict == "Indeterminate":
            text += (
                " and answered 503, so that the gate's failurePolicy decided: with Fail the write failed, with Ignore"
                " it went through, and the API server's audit log says failed-open"
            )
        else:
            text += ": the write was rejected and nothing was stored"
    else:
        why = "the client was warned" if told.mode == Mode.WARN else "the client was told nothing"
        text = (
            f"Gate {told.gate} {verb} ({told.reason}), but its mode is {told.mode}:"
            f" the {'dry run' if told.dry_run else 'write'} WENT THROUGH, and {why}"
        )
    dry = ". It was a dry run: nothing would have been stored anyway" if told.dry_run else ""
    return f"{text}{dry}."


def _identity(told: RecordTold) -> str:
    """On what the requester's name rests."""
    if told.reason == Reason.NO_POD_IDENTITY:
        return "Its credentials prove the service account, and do not prove a pod."
    if told.pod:
        return "Its pod is what the API server read from its token, which it authenticated: nothing that a client says."
    if told.account:
        return "The API server authenticated its service account; its token names no pod."
    return f"The API server authenticated user {told.username}, which is no service account."


def _lease(told: RecordTold) -> list[str]:
    lease = told.lease
    if lease is None:
        if told.reason == Reason.LEASE_UNREADABLE:
            return [f"Lease {told.gate} could not be read, so nobody knows who held it."]
        if told.reason == Reason.LEASE_NOT_FOUND:
            return [f"There was no Lease {told.gate}: the API server answered 404."]
        return ["The record tells nothing of the Lease: it was not there, not readable, or not needed."]
    if not lease.holder:
        return [f"Nobody held Lease {told.gate}: its holderIdentity was empty, as after a release."]
    since = f" since {moment(lease.acquired)}" if lease.acquired else ""
    if lease.acquired and told.time:
        since += f" ({length(told.time - lease.acquired)} before, by the holder's clock)"
    count = f"; leaseTransitions was {lease.transitions}" if lease.transitions is not None else ""
    named = "named" if lease.expired else "was held by"
    return [f"Lease {told.gate} {named} {lease.holder}{since}{count}.", *_renewal(told, lease)]


def _renewal(told: RecordTold, lease: LeaseTold) -> list[str]:
    """How old the renewal was: by the holder's clock, and by the webhook's own, which alone counts."""
    parts = []
    if lease.renewed is not None and told.time is not None:
        old = (told.time - lease.renewed).total_seconds()
        parts.append(
            f"renewTime said {moment(lease.renewed)}, {old:.1f} s before by the holder's clock"
            if old >= 0
            else f"renewTime said {moment(lease.renewed)}, {-old:.1f} s LATER, as the holder's clock is ahead"
        )
    if lease.observed_age is not None:
        parts.append(f"the webhook had known this renewal for {lease.observed_age:.1f} s by its own clock")
    if not parts:
        return []
    text = " and ".join(parts)
    if lease.duration is None:
        return [f"Of its renewal, {text}. leaseDurationSeconds is not set, so it never runs out."]
    if lease.expired:
        return [f"Of its renewal, {text}: more than leaseDurationSeconds ({lease.duration}), so it had run out."]
    return [f"Of its renewal, {text}: within leaseDurationSeconds ({lease.duration}), so it stood."]


_WHY = {
    Reason.HOLDER: "The requester was the holder, so it may write.",
    Reason.NOT_STATUS: "The gate guards status alone, and this was no write of status: its rule is too wide.",
    Reason.NOT_SERVICE_ACCOUNT: "Only the pod that holds the Lease may write, and this was no service account at all,"
    " whoever holds the Lease.",
    Reason.FOREIGN_NAMESPACE: "Only pods of the gate's own namespace may write. A pod elsewhere is not the holder, even"
    " under the same name.",
    Reason.NO_POD_IDENTITY: "Without a proven pod nobody can be told to be the holder, whoever holds the Lease.",
    Reason.LEASE_NOT_FOUND: "Where there is no Lease, nobody holds it, and nobody may write.",
    Reason.LEASE_UNHELD: "Where nobody holds the Lease, nobody may write, until somebody acquires it.",
    Reason.LEASE_EXPIRED: "The Lease named the requester itself, but it had stopped renewing: from then on anybody may"
    " take over at any moment, so it may write no more.",
    Reason.LEASE_UNREADABLE: "The gate never guesses: it neither allows nor denies without having read the Lease.",
}


def _why(told: RecordTold) -> list[str]:
    """Why that means this verdict."""
    lease = told.lease
    if told.reason == Reason.NOT_HOLDER and lease is not None:
        text = f"The holder is {lease.holder}, and that is not the requester: so it may not write."
        if lease.expired:
            text += " That the Lease had run out gives nobody else a right to write, before it has acquired it."
        return [text]
    for reason, text in _WHY.items():
        if told.reason == reason:
            quoted = told.reason in (Reason.LEASE_UNREADABLE, Reason.NO_POD_IDENTITY, Reason.NOT_STATUS)
            return [text, f"The webhook said: {told.message}"] if quoted and told.message else [text]
    return [f"This leadergate does not know the reason {told.reason}. The webhook said: {told.message}"]


def _standing(told: RecordTold) -> list[str]:
    match told.standing:
        case Standing.FORMER_HOLDER if told.reason == Reason.LEASE_EXPIRED:
            return ["It wrote on as a leader that had lost touch: one half of a split brain, once another takes over."]
        case Standing.FORMER_HOLDER:
            until = f" until {moment(told.held_until)}" if told.held_until else ""
            after = f", and wrote {length(told.time - told.held_until)} later" if told.time and told.held_until else ""
            why = "it was late, and this is the split brain that the gate is there for."
            return [f"It had held the Lease{until}, as this replica of the webhook saw it{after}: {why}"]
        case Standing.STRANGER:
            return ["It is a stranger to this Lease: it cannot come to lead as what it is."]
        case Standing.FOLLOWER if told.lease is not None and is_bare_uuid(told.lease.holder):
            return ["Whether it leads cannot be told: the holder identity is a bare UUID, which names no pod."]
        case Standing.FOLLOWER if told.reason == Reason.NOT_HOLDER and told.mode in (Mode.WARN, Mode.AUDIT):
            text = "It never held the Lease of late: a follower, that writes all the same. Once the gate's mode is"
            return [f"{text} enforce, each such write is rejected, and that is routine."]
        case Standing.FOLLOWER if told.reason == Reason.NOT_HOLDER:
            return [
                "It never held the Lease of late: a follower is rejected at each of its writes, and that is routine."
            ]
        case Standing.FOLLOWER:
            return ["Nobody took the Lease from it of late, as far as this replica saw: it may come to lead."]
    return []
