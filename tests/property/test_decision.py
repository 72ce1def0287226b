"""Whatever the names: no write is allowed as the holder's unless the Lease names its requester.

The oracle works the other way round than the gate: from the holder identity it derives the one name
that it can stand for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, example, find, given, settings
from hypothesis import strategies as st
from msgspec import structs

from leadergate.decision import decide
from leadergate.holder import claimed_name, names
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
    Write,
)

LETTERS_AND_DIGITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# Few and alike, so that names meet by chance, as prefixes, with tails and with separators of every kind.
names_of_pods = st.text("ab1-.", min_size=1, max_size=6)
odd_texts = st.text("ab1-._ \n\u0663\u00e9A", max_size=8) | st.text(max_size=8)
literals = st.text("ab1-.", min_size=1, max_size=4)


def oracle(gate: Gate, holder: str) -> str | None:
    """The name for which the identity ``holder`` stands in the gate's form, None when for none."""
    if gate.suffix is not None:
        ending = "-" + gate.suffix
        return holder[: len(holder) - len(ending)] if holder.endswith(ending) else None
    if gate.random is not None:
        at = len(holder) - gate.random - 1
        fits = at > 0 and holder[at] == "-" and set(holder[at + 1 :]) <= set(LETTERS_AND_DIGITS)
        return holder[:at] if fits else None
    for at, letter in enumerate(holder):
        if letter == "_":
            return holder[:at]
    return holder


@st.composite
def gates(draw: st.DrawFn) -> Gate:
    """Gates of every form."""
    suffix, random = draw(
        st.one_of(
            st.just((None, None)),
            st.tuples(literals, st.none()),
            st.tuples(st.none(), st.integers(1, 4)),
        )
    )
    return Gate(
        draw(st.sampled_from(Mode)),
        LeaseKey("shop", "operator"),
        draw(st.sampled_from(["shop", "other"])),
        draw(st.sampled_from(IdentityKind)),
        suffix,
        random,
    )


def right(name: str, gate: Gate) -> st.SearchStrategy[str]:
    """Identities that name ``name`` in the gate's form."""
    if gate.suffix is not None:
        return st.just(f"{name}-{gate.suffix}")
    if gate.random is not None:
        tails = st.text(LETTERS_AND_DIGITS, min_size=gate.random, max_size=gate.random)
        return tails.map(lambda tail: f"{name}-{tail}")
    return st.sampled_from([name, name + "_", name + "_uuid", name + "_a_b"])


def holders(name: str, gate: Gate) -> st.SearchStrategy[str]:
    """Identities of which many name ``name`` in the gate's form, many nearly do, and some are odd."""
    endings = ["", "_uuid", "-a1B", "-a", "0", f"-{gate.suffix}", "-" + "1" * ((gate.random or 1) - 1)]
    nearly = st.tuples(right(name, gate) | st.just(name), st.sampled_from(endings)).map("".join)
    tails = st.text(LETTERS_AND_DIGITS, max_size=(gate.random or 0) + 1).map(lambda tail: f"{name}-{tail}")
    return right(name, gate) | nearly | tails | names_of_pods | odd_texts


# What may be amiss with a requester that is the holder's pod otherwise: one thing, or several.
faults: dict[str, st.SearchStrategy[Any]] = {
    "uid": st.just(""),
    "namespace": st.none() | st.sampled_from(["shop", "other"]),
    "service_account": st.none(),
    "pod": st.none() | st.just("") | names_of_pods | odd_texts,
    "node": st.none() | st.just("") | names_of_pods | odd_texts,
    "pod_uid": st.none() | st.just(""),
    "credential_id": st.none() | st.just(""),
}
amiss = st.one_of(*(st.fixed_dictionaries({name: fault}) for name, fault in faults.items())) | st.fixed_dictionaries(
    {}, optional=faults
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Write, Gate, Reading]:
    """A write, a gate and a reading that have much to do with each other."""
    gate = draw(gates())
    name = draw(names_of_pods)
    requester = Requester("u", "uid", gate.from_namespace, "operator", name, "pod-uid", name, "JTI=1")
    if draw(st.booleans()):
        requester = structs.replace(requester, **draw(amiss))
    lease = Lease(draw(right(name, gate) | holders(name, gate)), "1", duration=15)
    held = LeaseView(lease, 1.0, expired=False)
    readings: list[Reading] = [held, held, held, replace(held, expired=True), LeaseAbsent(), LeaseUnreadable("x")]
    subresource = draw(st.sampled_from(["status", "status", "status", "", "scale"]))
    resource = Resource("g", "v1", "things", "Thing")
    write = Write("uid", "UPDATE", resource, subresource, "shop", "thing", False, requester)
    return write, gate, draw(st.sampled_from(readings))


LEADER = Requester("u", "uid", "shop", "operator", "a", "pod-uid", "n", "JTI=1")
WRITE = Write("uid", "UPDATE", Resource("g", "v1", "things"), "status", "shop", "thing", False, LEADER)
GATE = Gate(Mode.ENFORCE, LeaseKey("shop", "operator"), "shop")


@settings(max_examples=300)
@given(cases())
@example((WRITE, GATE, LeaseView(Lease("a", "1"), 0.0, expired=False)))
def test_none_but_the_holder_is_allowed_as_such(case: tuple[Write, Gate, Reading]) -> None:
    """Allow(Holder) if and only if a readable, unexpired Lease names the pod that the whole token proves."""
    write, gate, reading = case
    requester = write.requester
    claimed = requester.pod if gate.identity is IdentityKind.POD else requester.node
    is_holder = (
        isinstance(reading, LeaseView)
        and not reading.expired
        and bool(claimed)
        and oracle(gate, reading.lease.holder) == claimed
        and requester.namespace == gate.from_namespace
        and all((requester.service_account, requester.uid, requester.pod, requester.pod_uid, requester.credential_id))
    )
    verdict = decide(write, gate, reading)
    if write.subresource != "status":
        assert isinstance(verdict, Allow)
        assert verdict.reason is Reason.NOT_STATUS
    else:
        assert (verdict == Allow(Reason.HOLDER)) is is_holder
        assert isinstance(verdict, Deny | Indeterminate) is not is_holder


@pytest.mark.parametrize("identity", IdentityKind)
@pytest.mark.parametrize(
    "form",
    [lambda gate: gate.suffix, lambda gate: gate.random, lambda gate: not (gate.suffix or gate.random)],
    ids=["suffix", "random", "plain"],
)
def test_the_cases_have_holders_of_every_form(form: Callable[[Gate], object], identity: IdentityKind) -> None:
    """So that the tests above and below do not hold for want of anything to allow."""

    def wanted(case: tuple[Write, Gate, Reading]) -> bool:
        return bool(form(case[1])) and case[1].identity is identity and decide(*case) == Allow(Reason.HOLDER)

    write, gate, _ = find(
        cases(), wanted, settings=settings(max_examples=10_000, phases=[Phase.generate], database=None)
    )
    assert claimed_name(gate, write.requester)


@given(cases())
def test_unknown_is_never_allowed(case: tuple[Write, Gate, Reading]) -> None:
    """An unreadable Lease makes no Allow, and a readable one no Indeterminate."""
    write, gate, reading = case
    status = structs.replace(write, subresource="status")
    assert not isinstance(decide(status, gate, LeaseUnreadable("x")), Allow)
    if not isinstance(reading, LeaseUnreadable):
        assert not isinstance(decide(status, gate, reading), Indeterminate)


@given(gates(), st.data())
def test_an_identity_names_one_at_most(gate: Gate, data: st.DataObject) -> None:
    """No two pods are the holder at once, however their names begin and end."""
    one = data.draw(names_of_pods)
    other = data.draw(names_of_pods.filter(lambda name: name != one))
    holder = data.draw(holders(one, gate))
    assert not (names(gate, holder, one) and names(gate, holder, other))


@given(cases())
def test_every_verdict_but_allow_explains_itself(case: tuple[Write, Gate, Reading]) -> None:
    """The message names the Lease, whatever the case."""
    verdict = decide(*case)
    if not isinstance(verdict, Allow):
        assert "shop/operator" in verdict.message
