"""What a nudge sends, how fast, and what is made of failures."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from leadergate.model import Lease, LeaseKey
from leadergate.nudge import ANNOTATION, Pace, mark, passing, patch, path, pause
from leadergate.stuck import ObjectKey

LEASE = LeaseKey("shop", "operator")
ACQUIRED = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


def test_a_takeover_has_one_mark() -> None:
    """Holder, transitions and when it was acquired: what every replica of the webhook reads alike."""
    assert mark(Lease("b_1", "9", 7, 15, ACQUIRED, ACQUIRED)) == "b_1/7/2026-03-01T12:00:00.000005Z"
    assert mark(Lease("b", "10")) == "b/0/"


@pytest.mark.parametrize(
    ("key", "where"),
    [
        (ObjectKey(LEASE, "g.io", "things", "shop", "a"), "/apis/g.io/v1/namespaces/shop/things/a"),
        (ObjectKey(LEASE, "g.io", "things", "", "a"), "/apis/g.io/v1/things/a"),
        (ObjectKey(LEASE, "", "nodes", "", "a:b c?d#"), "/api/v1/nodes/a%3Ab%20c%3Fd%23"),
        (ObjectKey(LEASE, "", "namespaces", "shop", "shop"), "/api/v1/namespaces/shop"),
        (ObjectKey(LEASE, "", "pods", "shop", "100%"), "/api/v1/namespaces/shop/pods/100%25"),
    ],
)
def test_where_an_object_is(key: ObjectKey, where: str) -> None:
    """Percent-encoded, with or without group and namespace."""
    assert path(key, "v1") == f"{where}?fieldManager=leadergate-nudge"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../secrets/x"])
def test_no_name_leads_elsewhere(name: str) -> None:
    """Whoever reaches the port can forge a name; such a one no API server would have sent."""
    with pytest.raises(ValueError, match="no object can be at"):
        path(ObjectKey(LEASE, "g.io", "things", "shop", name), "v1")
    with pytest.raises(ValueError, match="no object can be at"):
        path(ObjectKey(LEASE, "g.io", name or "/", "shop", "a"), "v1")


def test_what_is_sent() -> None:
    """One annotation, for one revision of the object."""
    assert json.loads(patch("7", "b/1/")) == {"metadata": {"resourceVersion": "7", "annotations": {ANNOTATION: "b/1/"}}}


def test_which_failures_pass() -> None:
    """Those that come of load, of an outage or of a token that has just expired."""
    assert [code for code in (400, 401, 403, 404, 409, 422, 429, 500, 503) if passing(code)] == [401, 429, 500, 503]


def test_back_off() -> None:
    """It doubles, heeds what the API server asks for, and has a bound."""
    assert [pause(tries, None) for tries in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause(1, 3.0) == 3.0
    assert pause(1, 3600.0) == pause(9, None) == 10.0


def test_pace() -> None:
    """A fifth of a second's turns come at once, the others one by one; what was not used is not saved up."""
    pace = Pace(10.0)
    waits = [round(pace.wait(100.0), 3) for _ in range(6)]
    assert waits == [0.0, 0.0, 0.0, 0.1, 0.2, 0.3]
    assert [round(pace.wait(200.0), 3) for _ in range(4)] == [0.0, 0.0, 0.0, 0.1]
