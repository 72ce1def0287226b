"""Records that are unlike a night's: names with the signs of patterns, Leases that are not there, times years off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.nights import night

from .served import Page, served
from .visitor import Visitor, visiting

STARRED = ("a*b", "axb", "a?b", "a\\*b")
LONG = "x" * 120 + "-" + "y" * 130


def _odd() -> Iterator[dict[str, Any]]:
    lines = [json.loads(line) for line in night(2_000) if b'"former-holder"' in line]
    for one, pod in zip(lines, [*STARRED, LONG, ""], strict=False):
        yield {**one, "requester": {**one["requester"], "pod": pod}}
    yield from islice(lines, 10, 40)
    yield {**lines[40], "standing": None, "reason": "LeaseNotFound", "lease": None}
    yield {**lines[41], "standing": None, "reason": "LeaseUnreadable", "verdict": "Indeterminate", "lease": None}
    yield {**lines[42], "reason": "LeaseUnheld", "lease": {**lines[42]["lease"], "holder": ""}}
    yield {**lines[43], "standing": "stranger", "reason": "NoPodIdentity", "lease": None}
    yield {**lines[44], "time": "1970-01-01T00:00:00Z"}
    yield {**lines[45], "time": "2999-12-31T23:59:59.999Z"}


@pytest.fixture(scope="module")
def oddities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of them."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in _odd()))
    with served(folder, folder / "odd.jsonl") as page:
        yield page


@pytest.fixture
def visitor(browser: Chrome, oddities: Page) -> Iterator[Visitor]:
    """Somebody who looks at them."""
    with visiting(browser, oddities.url) as one:
        yield one


def test_who_held_the_lease(visitor: Visitor) -> None:
    """Nobody, no Lease, a Lease that could not be read, and what is not known are four things."""
    visitor.opens("?reason=LeaseNotFound&reason=LeaseUnreadable&reason=LeaseUnheld&reason=NoPodIdentity")
    reasons, holders = visitor.texts("#table-body .c-reason"), visitor.texts("#table-body .c-holder")
    assert dict(zip(reasons, holders, strict=True)) == {
        "LeaseNotFound": "no Lease",
        "LeaseUnreadable": "not readable",
        "LeaseUnheld": "nobody",
        "NoPodIdentity": "unknown",
    }


@pytest.mark.parametrize("pod", STARRED)
def test_choice_is_the_name_itself(oddities: Page, pod: str) -> None:
    """A name with the signs of a pattern in it, picked as a choice, is asked for as it is."""
    (choice,) = (one for one in oddities.json("/api/choices")["pod"] if one["value"] == pod)
    rows = oddities.json(f"/api/records?pod={_quoted(choice['pattern'])}")["rows"]
    assert [one["pod"] for one in rows] == [pod]
    assert choice["count"] == 1


def test_choice_with_a_star_is_ticked(visitor: Visitor) -> None:
    """In the page it is picked, shown as picked, and taken away, as any other."""
    visitor.opens("?since=2026-01-01&until=2027-01-01")
    visitor.run("document.querySelector('#more-pod')?.click()")
    visitor.run(
        "[...document.querySelectorAll('input[data-field=pod]')].find((one) => one.dataset.value === 'a\\\\*b').click()"
    )
    visitor.until(lambda: visitor.texts("#table-body .c-pod") == ["a*b"], "it alone is shown")
    (place,) = visitor.run(
        "return [...document.querySelectorAll('input[data-field=pod]')].filter((one) => one.checked)"
    )
    assert place.get_attribute("data-value") == "a\\*b"
    assert len(visitor.texts("#chips li")) == 4


def test_empty_name_is_no_choice(oddities: Page) -> None:
    """What cannot be asked for is not offered."""
    assert "" not in [one["value"] for one in oddities.json("/api/choices")["pod"]]


def test_times_years_off(visitor: Visitor, oddities: Page) -> None:
    """The plot draws the night, says what it leaves out, and goes there; years are told where they differ."""
    plot = oddities.json("/api/timeline")
    assert plot["until"] - plot["since"] < 86_400_000
    assert plot["marks"]
    assert [one["count"] for one in plot["far"]] == [1, 1]
    visitor.opens()
    assert "2 records far from the others" in visitor.text("#plot-note")
    assert visitor.texts("#table-body a")[0] == "2999-12-31 23:59:59.999"
    assert visitor.text("#range").startswith("1970-01-01 00:00:00 to 2999-12-31")
    visitor.clicks("#plot-note button")
    visitor.until(lambda: visitor.text("#count") == "1 record", "the first of them alone")
    assert visitor.query()["since"] == ["1970-01-01T00:00:00.000Z"]


def test_long_names_keep_the_page_in_shape(visitor: Visitor, oddities: Page) -> None:
    """The drawer's title is short, and says all of the name on pointing at it."""
    (row,) = oddities.json("/api/records?pod=x*y")["rows"]
    visitor.opens(f"?record={row['key']}")
    visitor.until(lambda: visitor.find("#drawer").is_displayed(), "the drawer is open")
    assert len(visitor.text("#drawer-title")) < 80
    assert visitor.find("#drawer-title [title]").get_attribute("title") == LONG
    assert visitor.run("return document.getElementById('drawer').scrollWidth <= innerWidth")


def _quoted(text: str) -> str:
    return text.replace("\\", "%5C").replace("?", "%3F")


def test_records_are_as_meant(tmp_path: Path) -> None:
    """They stand in one file, each of another kind."""
    assert len(list(_odd())) == len(STARRED) + 2 + 30 + 6
