"""Pods of one name in several namespaces, as those of StatefulSets are, or of an operator's copy for trials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.nights import night

from .served import Page, served
from .visitor import visiting

POD = "operator-0"


def _records() -> Iterator[dict[str, Any]]:
    for line in islice((json.loads(line) for line in night(2_000) if b'"former-holder"' in line), 6):
        own, other = ({**line["requester"], "namespace": one, "pod": POD} for one in ("shop", "staging"))
        stranger = {"standing": "stranger", "reason": "ForeignNamespace", "requester": other}
        yield {**line, "gate": "shop/operator", "requester": own}
        yield {**line, "gate": "shop/operator", "uid": f"{line['uid']}-2", **stranger}


@pytest.fixture(scope="module")
def namesakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of them."""
    folder = tmp_path_factory.mktemp("namesakes")
    (folder / "a.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in _records()))
    with served(folder, folder / "a.jsonl") as page:
        yield page


def test_each_has_a_lane(namesakes: Page) -> None:
    """They are two writers, told apart by their namespaces."""
    drawn = namesakes.json("/api/timeline")
    assert [lane["name"] for lane in drawn["lanes"]] == [f"shop/{POD}", f"staging/{POD}"]
    assert {(lane, kind) for lane, kind, _, _ in drawn["marks"]} == {(0, "former-holder"), (1, "stranger")}
    assert namesakes.json("/api/summary")["pods"] == 2


def test_pattern_of_one(namesakes: Page) -> None:
    """What a lane's mark narrows the page to is that pod alone; a name without a namespace is that of both."""
    for lane in namesakes.json("/api/timeline")["lanes"]:
        rows = namesakes.json(f"/api/records?pod={lane['pod'].replace('/', '%2F')}")["rows"]
        assert {row["who"] for row in rows} == {lane["who"]}
        assert len(rows) == 6
    assert len(namesakes.json(f"/api/records?pod={POD}")["rows"]) == 12


def test_table(browser: Chrome, namesakes: Page) -> None:
    """A pod of another namespace than the Lease's has it before its name."""
    with visiting(browser, namesakes.url) as visitor:
        visitor.opens()
        assert set(visitor.texts("#table-body .c-pod")) == {POD, f"staging/{POD}"}
