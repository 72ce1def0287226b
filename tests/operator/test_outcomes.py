"""What an answer to a status write means: by its cause, not by its code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leadergate.model import Reason
from leadergate_operator.gating import DENIALS, Failed, Rejected, StatusGate, Vanished, Written, outcome_of


def status(code: int, *reasons: str, name: str = "docs") -> bytes:
    """A ``metav1.Status`` as the API server sends it."""
    causes = [{"reason": reason, "message": "m"} for reason in reasons]
    details = {"name": name, "causes": causes}
    return json.dumps({"kind": "Status", "code": code, "message": "told\nso", "details": details}).encode()


def test_the_operator_knows_every_reason_of_a_denial() -> None:
    """Those of leadergate that deny, and none of those that allow or cannot decide."""
    others = {Reason.HOLDER, Reason.NOT_STATUS, Reason.LEASE_UNREADABLE}
    assert {reason.value for reason in Reason} - {reason.value for reason in others} == DENIALS


@pytest.mark.parametrize("code", [403, 409, 422, 429])
@pytest.mark.parametrize("reason", sorted(DENIALS))
def test_a_denial_is_known_by_its_cause(code: int, reason: str) -> None:
    """Whatever code the gate is set to, and wherever the cause stands among others."""
    assert outcome_of(code, status(code, reason, "ReviewUID")) == Rejected(code, reason, "told so")
    assert outcome_of(code, status(code, "ReviewUID", reason)) == Rejected(code, reason, "told so")


@pytest.mark.parametrize("code", [200, 201])
def test_an_accepted_write(code: int) -> None:
    """Nothing of the body matters."""
    assert outcome_of(code, b"") == Written()


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (403, status(403)),
        (403, status(403, "FieldValueInvalid")),
        (500, status(500, "LeaseUnreadable")),
        (500, b"upstream died"),
        (502, b"[]"),
        (403, b'"text"'),
        (403, json.dumps({"details": None}).encode()),
        (403, json.dumps({"details": {"causes": None}}).encode()),
        (403, json.dumps({"details": {"causes": ["NotHolder"]}}).encode()),
        (429, status(429)),
        (404, json.dumps({"message": "the server could not find the requested resource", "details": {}}).encode()),
        (404, b"404 page not found"),
    ],
)
def test_anything_else_is_a_failure(code: int, body: bytes) -> None:
    """RBAC's 403, a gate that cannot decide, a resource that is not served, and bodies that are no Status."""
    found = outcome_of(code, body)
    assert isinstance(found, Failed)
    assert found.code == code
    assert found.message


def test_an_object_that_is_gone() -> None:
    """Its 404 names it."""
    assert outcome_of(404, status(404)) == Vanished()


@pytest.mark.parametrize(("gate", "checks"), [("server", False), ("client", True), ("both", True)])
def test_who_checks(gate: Any, checks: bool) -> None:
    """Under ``server`` nobody asks whether it leads."""
    assert StatusGate(gate).checks is checks
