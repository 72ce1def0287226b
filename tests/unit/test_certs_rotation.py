"""What a rotation does next, case by case. Times are given, nothing is awaited, no cluster is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.names import ServingNames
from leadergate_certs.rotation import Endpoint, Policy, Seen, due, may_serve, next_step, perform, settled
from leadergate_certs.state import Phase, Request, State, first_state
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

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
NAMES = ServingNames.parse(services=[("gate", "system")])
POLICY = Policy(NAMES)
NOTHING = Seen()


def after(change: Step, state: State | None, now: datetime = NOW) -> State:
    """The state after a step, which must be a change."""
    assert isinstance(change, Change)
    return perform(change, state, POLICY, now)


def serving(state: State, address: str = "10.0.0.1:8443", *, ready: bool = True) -> Endpoint:
    """An endpoint that serves the state's leaf."""
    return Endpoint(address, ready, state.pair.certificate)


@pytest.fixture(name="steady", scope="module")
def a_steady_state() -> State:
    """One authority, trusted for a day, and a leaf of it."""
    authority = issue_authority(NOW - DAY)
    state = first_state(authority, issue_serving_pair(authority, NAMES, NOW - DAY))
    return state.with_trust(state.newest, NOW - DAY)


@pytest.fixture(name="spreading", scope="module")
def a_spreading_state(steady: State) -> State:
    """A second authority that nobody is known to trust."""
    return after(MakeAuthority("for a test"), steady)


@pytest.fixture(name="settling", scope="module")
def a_settling_state(spreading: State) -> State:
    """A second authority that has just been seen in every bundle."""
    return after(MarkTrusted(NOW), spreading)


@pytest.fixture(name="overlapping", scope="module")
def an_overlapping_state(settling: State) -> State:
    """A leaf of the second authority, just issued."""
    return after(IssueLeaf(settling.newest, NAMES, "for a test"), settling, NOW + MINUTE)


def test_without_a_state_the_first_one_is_made() -> None:
    """An authority nobody trusts yet, and a leaf with the names that are wanted."""
    assert next_step(None, NOTHING, POLICY, NOW) == MakeFirst()
    state = after(MakeFirst(), None)
    assert state.phase is Phase.SPREADING
    assert state.switched
    assert state.pair.certificate.subject.rfc4514_string() == "CN=gate.system.svc"


def test_when_nothing_is_due_it_waits_for_the_next_renewal(steady: State) -> None:
    """The leaf's comes long before the authority's."""
    step = next_step(steady, NOTHING, POLICY, NOW)
    assert step == Wait(due(steady.pair.certificate, POLICY.leaf_lifetime), "nothing is due")


def test_bundles_come_before_everything_else(steady: State) -> None:
    """Even before a renewal that is due."""
    late = NOW + 89 * DAY
    assert next_step(steady, Seen(to_inject=("ValidatingWebhookConfiguration/gate",)), POLICY, late) == Inject(
        ("ValidatingWebhookConfiguration/gate",)
    )


@pytest.mark.parametrize(("request_", "expected"), [(Request.LEAF, IssueLeaf), (Request.CA, MakeAuthority)])
def test_what_is_asked_for_is_made_at_once_and_once(
    steady: State, request_: Request, expected: type[IssueLeaf | MakeAuthority]
) -> None:
    """The request is answered with the change that it asked for."""
    step = next_step(replace(steady, requested=request_), NOTHING, POLICY, NOW)
    assert isinstance(step, expected)
    assert step.why == "it was asked for"
    assert after(step, replace(steady, requested=request_)).requested is None


def test_a_leaf_is_renewed_when_two_thirds_of_its_life_are_over(steady: State) -> None:
    """By the same authority; not a second earlier."""
    moment = due(steady.pair.certificate, POLICY.leaf_lifetime)
    assert NOW - DAY + 53 * DAY < moment <= NOW - DAY + 60 * DAY
    assert isinstance(next_step(steady, NOTHING, POLICY, moment - timedelta(seconds=1)), Wait)
    step = next_step(steady, NOTHING, POLICY, moment)
    assert isinstance(step, IssueLeaf)
    assert step.authority is steady.newest
    assert after(step, steady, moment).pair.certificate.not_valid_after_utc == (moment + 90 * DAY).replace(
        microsecond=0
    )


def test_renewals_are_spread_and_all_replicas_agree_on_them() -> None:
    """The moment follows from the certificate alone, within a fifteenth of its life."""
    authority = issue_authority(NOW)
    pairs = [issue_serving_pair(authority, NAMES, NOW) for _ in range(8)]
    moments = [due(pair.certificate, POLICY.leaf_lifetime) - NOW for pair in pairs]
    assert all(54 * DAY <= moment <= 60 * DAY for moment in moments)
    assert len(set(moments)) == 8
    assert moments == [due(pair.certificate, POLICY.leaf_lifetime) - NOW for pair in pairs]


def test_a_leaf_that_lacks_a_name_is_replaced_and_loses_none(steady: State) -> None:
    """Replicas whose settings differ, as during an upgrade, do not take turns."""
    more = replace(POLICY, names=ServingNames.parse(dns=["gate.example.org"]))
    step = next_step(steady, NOTHING, more, NOW)
    assert isinstance(step, IssueLeaf)
    assert step.names.all == ("gate.system.svc", "gate.system.svc.cluster.local", "gate.example.org")
    assert step.why == "it lacks the name gate.example.org"
    assert isinstance(next_step(after(step, steady), NOTHING, POLICY, NOW), Wait)


def test_an_authority_is_replaced_when_two_thirds_of_its_life_are_over(steady: State) -> None:
    """The leaf was renewed long ago; nobody need ask."""
    moment = due(steady.newest.certificate, POLICY.authority_lifetime)
    renewed = after(IssueLeaf(steady.newest, NAMES, "in time"), steady, moment - DAY)
    assert isinstance(next_step(renewed, NOTHING, POLICY, moment - timedelta(seconds=1)), Wait)
    step = next_step(renewed, NOTHING, POLICY, moment)
    assert step == MakeAuthority("two thirds of the life of the one in use are over")


def test_a_new_authority_is_trusted_when_every_bundle_holds_it(spreading: State) -> None:
    """As long as one lacks it, it is waited for by name."""
    step = next_step(spreading, Seen(untrusting=("ValidatingWebhookConfiguration/b",)), POLICY, NOW)
    assert isinstance(step, Wait)
    assert step.why.endswith(": ValidatingWebhookConfiguration/b")
    assert next_step(spreading, NOTHING, POLICY, NOW) == MarkTrusted(NOW)


def test_no_leaf_of_a_new_authority_before_api_servers_have_heard_of_it(settling: State) -> None:
    """The propagation time is waited for to its end."""
    heard = NOW + POLICY.propagation
    step = next_step(settling, NOTHING, POLICY, heard - timedelta(seconds=1))
    assert step == Wait(heard, "API servers may not have heard of the new bundles yet")
    step = next_step(settling, NOTHING, POLICY, heard)
    assert isinstance(step, IssueLeaf)
    assert step.authority is settling.newest


def test_a_bundle_that_loses_the_new_authority_starts_the_waiting_anew(settling: State) -> None:
    """Overwritten, or applied only now: what was known is no longer true."""
    step = next_step(settling, Seen(untrusting=("ValidatingWebhookConfiguration/late",)), POLICY, NOW + 2 * MINUTE)
    assert step == MarkTrusted(None)
    assert after(step, settling).phase is Phase.SPREADING


def test_a_leaf_due_meanwhile_is_renewed_by_the_authority_in_use(spreading: State) -> None:
    """A rotation that is stuck never lets the leaf end."""
    step = next_step(spreading, Seen(untrusting=("x",)), POLICY, NOW + 70 * DAY)
    assert isinstance(step, IssueLeaf)
    assert step.authority is spreading.issuer
    assert step.authority is not spreading.newest


def test_keys_that_sign_no_more_are_forgotten(overlapping: State) -> None:
    """With the first leaf of the new authority the old one's key goes."""
    assert overlapping.phase is Phase.OVERLAPPING
    assert [one.key is not None for one in overlapping.authorities] == [True, False]


def test_the_old_authority_goes_when_every_endpoint_serves_the_new_leaf(overlapping: State) -> None:
    """Not before replicas may have heard of it, and not unseen."""
    issued = NOW + MINUTE
    heard = issued + POLICY.propagation
    step = next_step(overlapping, NOTHING, POLICY, heard - timedelta(seconds=10))
    assert isinstance(step, Wait)
    assert step.why == "replicas may not have heard of the new pair yet"
    assert next_step(overlapping, NOTHING, POLICY, heard) == Look()
    step = next_step(overlapping, Seen(endpoints=(serving(overlapping),)), POLICY, heard)
    assert isinstance(step, DropAuthority)
    steady = after(step, overlapping, heard)
    assert steady.phase is Phase.STEADY
    assert steady.retired == (overlapping.authorities[1].fingerprint,)


@pytest.mark.parametrize("case", ["behind", "silent", "none"])
def test_whoever_may_serve_the_old_leaf_keeps_its_authority(steady: State, overlapping: State, case: str) -> None:
    """One that serves it, one that is ready and cannot be asked, and no endpoint at all."""
    other = {
        "behind": (Endpoint("10.0.0.2:8443", ready=True, serves=steady.pair.certificate),),
        "silent": (Endpoint("10.0.0.2:8443", ready=True, serves=None),),
        "none": (),
    }[case]
    good = (serving(overlapping),) if other else ()
    step = next_step(overlapping, Seen(endpoints=(*good, *other)), POLICY, NOW + 10 * MINUTE)
    assert isinstance(step, Wait)
    assert ("10.0.0.2:8443" in step.why) is bool(other)


def test_who_is_sent_nobody_is_not_waited_for(overlapping: State) -> None:
    """An endpoint that is not ready and does not answer."""
    silent = Endpoint("10.0.0.2:8443", ready=False, serves=None)
    step = next_step(overlapping, Seen(endpoints=(serving(overlapping), silent)), POLICY, NOW + 10 * MINUTE)
    assert isinstance(step, DropAuthority)


def test_an_authority_whose_leaves_have_all_ended_goes_unseen(overlapping: State) -> None:
    """However little is known of the endpoints."""
    later = overlapping.authorities[1].leaves_end + timedelta(seconds=1)
    fresh = after(IssueLeaf(overlapping.newest, NAMES, "meanwhile"), overlapping, later - DAY)
    step = next_step(fresh, Seen(endpoints=()), POLICY, later)
    assert step == DropAuthority(fresh.authorities[1], "every leaf of it has expired")


def test_an_authority_that_has_lost_its_key_is_replaced(steady: State) -> None:
    """It signs no more; what it has signed stays good meanwhile."""
    keyless = replace(steady, authorities=(replace(steady.newest, key=None),))
    assert next_step(keyless, NOTHING, POLICY, NOW) == MakeAuthority("the one in use cannot sign")


def test_a_new_authority_that_has_lost_its_key_is_given_up(settling: State) -> None:
    """The next one takes its place."""
    keyless = replace(settling, authorities=(replace(settling.newest, key=None), settling.authorities[1]))
    step = next_step(keyless, NOTHING, POLICY, NOW + MINUTE)
    assert step == DropAuthority(keyless.newest, "it cannot sign")
    assert after(step, keyless).phase is Phase.STEADY


def test_what_everybody_trusts_is_taken_by_all(steady: State) -> None:
    """Whatever they and others serve."""
    fresh, old = after(MakeFirst(), None), steady.pair.certificate
    assert may_serve(fresh, old, (), NOW, trusted=True)
    assert may_serve(fresh, None, (serving(steady),), NOW, trusted=True)


def test_a_replica_with_nothing_to_lose_takes_what_there_is(steady: State) -> None:
    """It serves nothing, or something that has ended, and so do all others."""
    fresh, old = after(MakeFirst(), None), steady.pair.certificate
    silent = Endpoint("10.0.0.2:8443", ready=True, serves=None)
    assert may_serve(fresh, None, (), NOW, trusted=False)
    assert may_serve(fresh, None, (serving(fresh), silent), NOW, trusted=False)
    assert may_serve(fresh, None, (serving(steady, ready=False),), NOW, trusted=False)
    assert may_serve(fresh, old, (serving(steady),), NOW + 90 * DAY, trusted=False)


def test_a_newcomer_leaves_callers_to_those_whom_they_trust(steady: State) -> None:
    """While others serve a good leaf of another authority, an untrusted one would only turn callers away."""
    fresh = after(MakeFirst(), None)
    assert not may_serve(fresh, None, (serving(fresh), serving(steady)), NOW, trusted=False)
    assert not may_serve(fresh, issued_long_ago(), (serving(steady),), NOW, trusted=False)


def test_a_replica_with_a_good_leaf_takes_another_of_the_same_authority_alone(steady: State, settling: State) -> None:
    """A Secret that was made anew is served once its authority is trusted everywhere."""
    fresh, old = after(MakeFirst(), None), steady.pair.certificate
    assert not may_serve(fresh, old, (), NOW, trusted=False)
    assert may_serve(after(IssueLeaf(steady.newest, NAMES, "new"), steady), old, (), NOW, trusted=False)
    assert may_serve(settling, old, (), NOW, trusted=False)


def test_an_authority_is_settled_when_the_propagation_time_is_over(settling: State) -> None:
    """Counted from when it was seen in every bundle; never if it was not."""
    assert not settled(settling.newest, POLICY, NOW + timedelta(seconds=59))
    assert settled(settling.newest, POLICY, NOW + MINUTE)
    assert not settled(after(MakeFirst(), None).newest, POLICY, NOW + DAY)


def issued_long_ago() -> x509.Certificate:
    """A leaf that has ended."""
    long_ago = NOW - 400 * DAY
    return issue_serving_pair(issue_authority(long_ago), NAMES, long_ago).certificate
