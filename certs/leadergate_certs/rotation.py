"""What to do next: one pure function from where a rotation stands, and what is seen of the cluster, to one step.

A rotation of the authority goes through four phases, each begun by one compare-and-swap on the Secret:

1. *spreading*: a new authority is made, and put beside the old one into every bundle;
2. *settling*: it was seen in all of them, and API servers are given time to hear of it;
3. *overlapping*: the pair in the Secret is of the new authority, and replicas take it;
4. *steady*: no replica serves a leaf of the old one any more, so that it is dropped.

Whoever reads the Secret can go on from where it stands, so that it does not matter who made the last step, or whether
that process still lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from leadergate_certs.issue import (
    AUTHORITY_LIFETIME,
    SERVING_LIFETIME,
    KeyAlgorithm,
    issue_authority,
    issue_serving_pair,
)
from leadergate_certs.names import ServingNames
from leadergate_certs.state import Request, State, TrustedAuthority, fingerprint, first_state, issued_at, names_of
from leadergate_certs.steps import (
    Change,
    DropAuthority,
    Inject,
    IssueLeaf,
    Look,
    MakeAuthority,
    MakeFirst,
    MarkTrusted,
    Step,
    Wait,
)

PROPAGATION = timedelta(seconds=60)
"""How long an API server may take to hear of a changed bundle, or an endpoint of a changed Secret.

Both come by watches, which mostly take less than a second; but a watch that broke in silence is noticed only when its
connection times out, and API servers of one cluster do not hear of a change at the same moment.
"""

_REST = 1 / 3
_JITTER = 1 / 15


@dataclass(frozen=True)
class Policy:
    """What is wanted. ``names`` are what the serving certificate must bear; ``propagation`` as :data:`PROPAGATION`."""

    names: ServingNames
    propagation: timedelta = PROPAGATION
    leaf_lifetime: timedelta = SERVING_LIFETIME
    authority_lifetime: timedelta = AUTHORITY_LIFETIME
    algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256


@dataclass(frozen=True)
class Endpoint:
    """One address behind the webhook's Service; ``serves`` is its leaf, None when it did not answer."""

    address: str
    ready: bool
    serves: x509.Certificate | None


@dataclass(frozen=True)
class Seen:
    """What is seen of the cluster.

    ``to_inject`` names the configurations whose bundles are to be changed, ``untrusting`` those of which an entry
    lacks the newest authority; the former is the shorter when an attempt has just failed. ``endpoints`` is None while
    nobody has looked.
    """

    to_inject: tuple[str, ...] = ()
    untrusting: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] | None = None


def next_step(state: State | None, seen: Seen, policy: Policy, now: datetime) -> Step:
    """The one step to make now. ``state`` is None when there is no Secret, or none that can be understood."""
    if state is None:
        return MakeFirst()
    for authority in state.authorities[1:]:
        if authority.certificate.not_valid_after_utc < now and authority is not state.issuer:
            return DropAuthority(authority, "it has expired")
    if seen.to_inject:
        return Inject(seen.to_inject)
    return _trust(state, seen, now) or _leaf(state, policy, now) or _authorities(state, seen, policy, now)


def perform(change: Change, state: State | None, policy: Policy, now: datetime) -> State:
    """The state after a change. Makes keys, which takes seconds for large RSA ones. Raises ``IssueError``."""
    if isinstance(change, MakeFirst) or state is None:
        authority = issue_authority(now, lifetime=policy.authority_lifetime, algorithm=policy.algorithm)
        pair = issue_serving_pair(
            authority, policy.names, now, lifetime=policy.leaf_lifetime, algorithm=policy.algorithm
        )
        return first_state(authority, pair)
    match change:
        case MakeAuthority():
            return state.with_authority(
                issue_authority(now, lifetime=policy.authority_lifetime, algorithm=policy.algorithm)
            )
        case MarkTrusted():
            return state.with_trust(state.newest, change.since)
        case IssueLeaf():
            signer = change.authority.signer
            if signer is None:
                raise ValueError("an authority without its key signs nothing")
            return state.with_pair(
                issue_serving_pair(signer, change.names, now, lifetime=policy.leaf_lifetime, algorithm=policy.algorithm)
            )
        case DropAuthority():
            return state.without(change.authority)


def may_serve(
    state: State, held: x509.Certificate | None, others: Sequence[Endpoint], now: datetime, *, trusted: bool
) -> bool:
    """Whether a replica that serves ``held`` may take the state's pair instead.

    It may when the pair's authority is known to be ``trusted`` everywhere. Usually it is before the pair appears, but
    not when the Secret was lost and made from nothing, or put back from a backup, while replicas went on serving what
    they had. Until then one that serves a good leaf of another authority keeps it, and one that serves nothing, or
    something that has expired, leaves callers to such ``others``; without them it has nothing to lose.
    """
    issuer = state.issuer
    if trusted:
        return True
    if held is not None and now <= held.not_valid_after_utc:
        return issuer.issued(held)
    served = [one.serves for one in others if one.ready and one.serves is not None]
    return not any(now <= leaf.not_valid_after_utc and not issuer.issued(leaf) for leaf in served)


def settled(authority: TrustedAuthority, policy: Policy, now: datetime) -> bool:
    """Whether every API server has had the time to hear that it is to be trusted."""
    return authority.trusted_since is not None and authority.trusted_since + policy.propagation <= now


def due(certificate: x509.Certificate, lifetime: timedelta) -> datetime:
    """When a certificate is to be renewed: after two thirds of its life, or up to a fifteenth of it earlier.

    How much earlier follows from its fingerprint: all replicas agree on it, and many installations do not renew at the
    same moment. ``lifetime`` is what new ones get; a certificate made for longer is renewed as if it had that.
    """
    end = certificate.not_valid_after_utc
    life = min(lifetime, end - issued_at(certificate))
    jitter = _JITTER * int(fingerprint(certificate)[:8], 16) / 0xFFFFFFFF
    return end - life * (_REST + jitter)


def _trust(state: State, seen: Seen, now: datetime) -> Step | None:
    newest = state.newest
    if newest.trusted_since is None and not seen.untrusting:
        return MarkTrusted(now)
    if newest.trusted_since is not None and not state.switched and seen.untrusting:
        # A configuration came, or was overwritten, while the others settled: the waiting begins anew.
        return MarkTrusted(None)
    return None


def _leaf(state: State, policy: Policy, now: datetime) -> Step | None:
    signer = _signer(state, policy, now)
    if signer is None:
        return None
    leaf = state.pair.certificate
    if signer is state.newest and not state.switched:
        return IssueLeaf(signer, policy.names, "the new authority is trusted everywhere")
    if due(leaf, policy.leaf_lifetime) <= now:
        return IssueLeaf(signer, policy.names, "two thirds of its life are over")
    if state.requested is Request.LEAF:
        return IssueLeaf(signer, policy.names, "it was asked for")
    names = names_of(leaf)
    if missing := [name for name in policy.names.all if name not in names.all]:
        # Together with those that it has: replicas whose settings differ would otherwise take turns.
        return IssueLeaf(signer, names.joined(policy.names), f"it lacks the name {missing[0]}")
    return None


def _signer(state: State, policy: Policy, now: datetime) -> TrustedAuthority | None:
    """Who may sign the next leaf: the newest authority once it is trusted, the one in use before that."""
    newest, issuer = state.newest, state.issuer
    leaf_lost = state.pair.certificate.not_valid_after_utc <= now
    if state.switched or settled(newest, policy, now) or (leaf_lost and not _signs(issuer, now)):
        return newest if _signs(newest, now) else None
    return issuer if _signs(issuer, now) else None


def _authorities(state: State, seen: Seen, policy: Policy, now: datetime) -> Step:
    newest = state.newest
    if not state.switched:
        if not _signs(newest, now):
            return DropAuthority(newest, "it cannot sign")
        why = "a configuration does not trust the new authority yet"
        if newest.trusted_since is None:
            return Wait(_renewal(state, policy), f"{why}: {', '.join(seen.untrusting)}")
        return Wait(newest.trusted_since + policy.propagation, "API servers may not have heard of the new bundles yet")
    if len(state.authorities) > 1:
        return _drop(state, seen, policy, now)
    if not _signs(newest, now):
        return MakeAuthority("the one in use cannot sign")
    if state.requested is Request.CA:
        return MakeAuthority("it was asked for")
    if due(newest.certificate, policy.authority_lifetime) <= now:
        return MakeAuthority("two thirds of the life of the one in use are over")
    return Wait(_renewal(state, policy), "nothing is due")


def _drop(state: State, seen: Seen, policy: Policy, now: datetime) -> Step:
    old = state.authorities[-1]
    if old.leaves_end < now:
        return DropAuthority(old, "every leaf of it has expired")
    heard = issued_at(state.pair.certificate) + policy.propagation
    if now < heard:
        return Wait(heard, "replicas may not have heard of the new pair yet")
    if seen.endpoints is None:
        return Look()
    behind = [one.address for one in seen.endpoints if not _serves_newest(one, state.newest)]
    if seen.endpoints and not behind:
        return DropAuthority(old, "no endpoint serves a leaf of it any more")
    what = f"not known to serve the new pair: {', '.join(behind)}" if behind else "no endpoint is known"
    return Wait(min(old.leaves_end, _renewal(state, policy)), what)


def _serves_newest(endpoint: Endpoint, newest: TrustedAuthority) -> bool:
    if endpoint.serves is None:
        # Not ready and not answering: nobody is sent there, and what comes up there reads the Secret first.
        return not endpoint.ready
    return newest.issued(endpoint.serves)


def _signs(authority: TrustedAuthority, now: datetime) -> bool:
    certificate = authority.certificate
    return authority.key is not None and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _renewal(state: State, policy: Policy) -> datetime:
    leaf = due(state.pair.certificate, policy.leaf_lifetime)
    return min(leaf, due(state.newest.certificate, policy.authority_lifetime))
