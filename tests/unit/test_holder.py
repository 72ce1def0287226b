"""Which holder identities name a pod, in each form that a gate can expect."""

from __future__ import annotations

import pytest

from leadergate.holder import claimed_name, names
from leadergate.model import Gate, IdentityKind, LeaseKey, Mode, Requester

REQUESTER = Requester("u", "uid", "shop", "operator", pod="operator-1", node="node-a")


def gate(suffix: str | None = None, random: int | None = None, identity: IdentityKind = IdentityKind.POD) -> Gate:
    """A gate that expects this form."""
    return Gate(Mode.ENFORCE, LeaseKey("shop", "operator"), "shop", identity, suffix, random)


@pytest.mark.parametrize(
    ("holder", "named"),
    [
        pytest.param("operator-1", True, id="exact"),
        pytest.param("operator-1_1b4e28ba-2fa1-11d2-883f-0016d3cca427", True, id="name_uuid"),
        pytest.param("operator-1_", True, id="empty tail"),
        pytest.param("operator-1_a_b", True, id="cut at the first underscore"),
        pytest.param("", False, id="unheld"),
        pytest.param("_operator-1", False, id="nothing before the underscore"),
        pytest.param("operator-10", False, id="longer name"),
        pytest.param("operator-10_1b4e28ba", False, id="longer name with uuid"),
        pytest.param("operator-", False, id="shorter name"),
        pytest.param("operator", False, id="prefix of the name"),
        pytest.param("Operator-1", False, id="other case"),
        pytest.param("operator-1 ", False, id="blank at the end"),
        pytest.param("operator-1\n", False, id="newline at the end"),
        pytest.param("operator-1-leader", False, id="suffix that the gate does not expect"),
        pytest.param("1b4e28ba-2fa1-11d2-883f-0016d3cca427", False, id="bare uuid"),
        pytest.param("x_operator-1", False, id="name after the underscore"),
    ],
)
def test_plain_form(holder: str, named: bool) -> None:
    """The name itself, or the name up to the first underscore; never a prefix."""
    assert names(gate(), holder, "operator-1") is named


@pytest.mark.parametrize(
    ("holder", "named"),
    [
        pytest.param("operator-1-leader", True, id="exact"),
        pytest.param("operator-1", False, id="suffix missing"),
        pytest.param("operator-1-leader2", False, id="suffix longer"),
        pytest.param("operator-1-LEADER", False, id="other case"),
        pytest.param("operator-1_leader", False, id="other separator"),
        pytest.param("operator-10-leader", False, id="longer name"),
        pytest.param("operator-1-leader_uuid", False, id="uuid besides"),
        pytest.param("-leader", False, id="no name"),
    ],
)
def test_suffix_form(holder: str, named: bool) -> None:
    """The name, a hyphen and the gate's literal, to the letter."""
    assert names(gate(suffix="leader"), holder, "operator-1") is named


@pytest.mark.parametrize(
    ("holder", "named"),
    [
        pytest.param("operator-1-a1b2C", True, id="letters of both cases and digits"),
        pytest.param("operator-1-ABCDE", True, id="upper-case tail"),
        pytest.param("operator-1-a1b2", False, id="too short"),
        pytest.param("operator-1-a1b2c3", False, id="too long"),
        pytest.param("operator-1-a-b2c", False, id="hyphen in the tail"),
        pytest.param("operator-1-a_b2c", False, id="underscore in the tail"),
        pytest.param("operator-1-a1b2\u0663", False, id="a digit of another script"),
        pytest.param("operator-1-a1b2\u00e9", False, id="a letter beyond ASCII"),
        pytest.param("operator-1-a1b2\u00b2", False, id="a superscript digit"),
        pytest.param("operator-1", False, id="no tail"),
        pytest.param("operator-1-", False, id="empty tail"),
        pytest.param("operator-10-a1b2c", False, id="longer name"),
        pytest.param("xoperator-1-a1b2c", False, id="name within"),
    ],
)
def test_random_form(holder: str, named: bool) -> None:
    """The name, a hyphen and exactly so many ASCII letters and digits."""
    assert names(gate(random=5), holder, "operator-1") is named


def test_a_random_tail_is_not_taken_for_a_part_of_the_name() -> None:
    """``operator-abcde`` held by pod ``operator`` does not name a pod of that very name."""
    holder = "operator-abcde"
    assert names(gate(random=5), holder, "operator")
    assert not names(gate(random=5), holder, "operator-abcde")


@pytest.mark.parametrize("form", [gate(), gate(suffix="s"), gate(random=1)], ids=["plain", "suffix", "random"])
@pytest.mark.parametrize("holder", ["", "-s", "-1", "_", "_uuid"])
def test_an_empty_name_is_never_named(form: Gate, holder: str) -> None:
    """A token without a pod matches no holder, however odd."""
    assert not names(form, holder, "")


@pytest.mark.parametrize(
    ("identity", "claimed"), [(IdentityKind.POD, "operator-1"), (IdentityKind.NODE, "node-a")], ids=["pod", "node"]
)
def test_the_gate_says_which_claim_counts(identity: IdentityKind, claimed: str) -> None:
    """A gate knows its requester by the pod's name or by the node's."""
    assert claimed_name(gate(identity=identity), REQUESTER) == claimed
