"""The pure parts: what a Redirect is, who wins a path, what the status says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadergate_operator.model import Redirect, Unreadable, parse
from leadergate_operator.status import status_for
from leadergate_operator.table import Conflict, Invalid, Serving, Table, build

MINIMAL = Redirect(
    name="docs",
    uid="u1",
    generation=1,
    created="2026-01-01T00:00:00+00:00",
    path="/docs",
    target="https://one.example",
    code=302,
)
NOW = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)


def manifest(**spec: object) -> dict[str, Any]:
    """A Redirect as the API server sends it."""
    return {
        "metadata": {
            "name": "docs",
            "namespace": "demo",
            "uid": "u1",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"path": "/docs", "target": "https://one.example", **spec},
    }


def test_parse_reads_what_matters() -> None:
    """The code defaults to 302; a given one is kept."""
    assert parse(manifest()) == MINIMAL
    assert parse(manifest(code=308)) == replace(MINIMAL, code=308)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"path": "docs"}, "spec.path is 'docs'"),
        ({"path": "/a b"}, "spec.path is '/a b'"),
        ({"target": "javascript:alert(1)"}, "spec.target is 'javascript:alert(1)'"),
        ({"target": "https://one.example\r\nx: y"}, "spec.target is"),
        ({"code": 200}, "spec.code is 200"),
        ({"path": None}, "spec.path is None"),
    ],
)
def test_parse_names_the_fault(spec: dict[str, object], words: str) -> None:
    """What the schema would refuse is told with its field and value."""
    found = parse(manifest(**spec))
    assert isinstance(found, Unreadable)
    assert words in found.fault


def test_parse_survives_a_missing_spec() -> None:
    """An object without a spec is unreadable, not a crash."""
    assert isinstance(parse({**manifest(), "spec": None}), Unreadable)


def redirect(name: str, *, day: int = 1, path: str = "/docs", generation: int = 1) -> Redirect:
    """A Redirect that differs from the minimal one in what decides a conflict."""
    created = f"2026-01-{day:02}T00:00:00+00:00"
    return replace(MINIMAL, name=name, uid=f"u-{name}", created=created, path=path, generation=generation)


@pytest.mark.parametrize(
    ("redirects", "winner", "losers"),
    [
        ([redirect("a")], "a", []),
        ([redirect("a", day=2), redirect("b", day=1)], "b", ["a"]),
        ([redirect("b", day=1), redirect("a", day=2)], "b", ["a"]),
        ([redirect("b"), redirect("a")], "a", ["b"]),
        ([redirect("c", day=3), redirect("b", day=2), redirect("a", day=2)], "a", ["b", "c"]),
    ],
)
def test_the_older_wins_then_the_name(redirects: list[Redirect], winner: str, losers: list[str]) -> None:
    """One serves the path; the others learn who."""
    table = build(redirects)
    assert table.routes["/docs"].name == winner
    assert isinstance(table.outcomes[winner], Serving)
    assert sorted(name for name in table.outcomes if name != winner) == losers
    for name in losers:
        outcome = table.outcomes[name]
        assert isinstance(outcome, Conflict)
        assert outcome.winner == winner


redirects_in_any_number = st.lists(
    st.builds(
        redirect,
        st.sampled_from("abcdefgh"),
        day=st.integers(1, 3),
        path=st.sampled_from(["/x", "/y"]),
    ),
    unique_by=lambda each: each.name,
)


@given(redirects_in_any_number, st.randoms())
def test_the_order_of_arrival_does_not_matter(redirects: list[Redirect], random: Any) -> None:
    """Replicas that learned of the Redirects in different order program the same table."""
    shuffled = list(redirects)
    random.shuffle(shuffled)
    assert build(shuffled) == build(redirects)


@given(redirects_in_any_number)
def test_every_path_is_served_by_its_oldest(redirects: list[Redirect]) -> None:
    """Every Redirect has an outcome, every path asked for is served, and by none younger than another who asks."""
    table = build(redirects)
    assert set(table.outcomes) == {each.name for each in redirects}
    for each in redirects:
        serving = table.routes[each.path]
        assert (serving.created, serving.name) <= (each.created, each.name)


def test_an_unreadable_one_serves_nothing() -> None:
    """It has an outcome, but no path."""
    broken = Unreadable("broken", "u2", 3, "spec.path is 'x'")
    table = build([broken, MINIMAL])
    assert set(table.routes) == {"/docs"}
    assert table.outcomes["broken"] == Invalid(broken)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([], [redirect("a")], ["a"]),
        ([redirect("a")], [redirect("a")], []),
        ([redirect("a")], [redirect("a", generation=2)], ["a"]),
        ([redirect("a")], [replace(redirect("a"), uid="another")], ["a"]),
        ([redirect("a"), redirect("b")], [redirect("b")], ["b"]),
        ([redirect("a")], [], []),
        ([redirect("a"), redirect("c", path="/c")], [redirect("a"), redirect("c")], ["c"]),
    ],
    ids=["new", "same", "generation", "recreated", "heir", "deleted", "moved into a conflict"],
)
def test_changes_between_tables(before: list[Redirect], after: list[Redirect], changed: list[str]) -> None:
    """Those whose spec or fate changed are named, and no others."""
    assert build(after).changed_since(build(before)) == changed


def test_a_fresh_table_is_empty() -> None:
    """Before the first list nothing is served."""
    assert Table().routes == {}


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "message"),
    [
        (Serving(MINIMAL), "True", "Serving", "GET /docs answers 302 to https://one.example"),
        (Conflict(MINIMAL, "older"), "False", "Conflict", "the older Redirect older has the path /docs"),
        (Invalid(Unreadable("docs", "u1", 1, "spec.path is 'x'")), "False", "Invalid", "spec.path is 'x'"),
    ],
)
def test_status_in_full(outcome: Serving | Conflict | Invalid, status: str, reason: str, message: str) -> None:
    """The first status of a Redirect, field by field."""
    assert status_for(outcome, {}, pod="pod-0", now=NOW) == {
        "conditions": [
            {
                "type": "Programmed",
                "status": status,
                "observedGeneration": 1,
                "lastTransitionTime": "2026-02-03T04:05:06Z",
                "reason": reason,
                "message": message,
            }
        ],
        "observedGeneration": 1,
        "writtenBy": "pod-0",
        "heartbeatTime": "2026-02-03T04:05:06.000789Z",
    }


def test_transition_time_moves_with_the_status_only() -> None:
    """A new reason or generation keeps it; a change between True and False moves it."""
    earlier = "2025-12-31T00:00:00Z"
    condition = {"type": "Programmed", "status": "True", "lastTransitionTime": earlier, "reason": "Other"}
    kept = status_for(Serving(MINIMAL), {"conditions": [condition]}, pod="p", now=NOW)
    assert kept["conditions"][0]["lastTransitionTime"] == earlier
    moved = status_for(Conflict(MINIMAL, "older"), {"conditions": [condition]}, pod="p", now=NOW)
    assert moved["conditions"][0]["lastTransitionTime"] == "2026-02-03T04:05:06Z"


def test_conditions_of_others_are_kept() -> None:
    """Our own is replaced, another type's stays as it was."""
    other = {"type": "Approved", "status": "True", "reason": "Yes"}
    found = status_for(Serving(MINIMAL), {"conditions": [other]}, pod="p", now=NOW)
    assert [entry["type"] for entry in found["conditions"]] == ["Approved", "Programmed"]
    assert found["conditions"][0] == other


@pytest.mark.parametrize("previous", [{"conditions": None}, {"conditions": []}, {"observedGeneration": 7}])
def test_an_odd_earlier_status_is_no_obstacle(previous: dict[str, Any]) -> None:
    """What others wrote, or left out, does not keep the status from being built."""
    assert len(status_for(Serving(MINIMAL), previous, pod="p", now=NOW)["conditions"]) == 1
