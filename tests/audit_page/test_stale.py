"""What has become old: links, answers, and the page itself when the command has ended."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.nights import night
from leadergate_lab.processes import free_port, wait_until

from .served import served
from .visitor import Visitor


@pytest.fixture
def some(tmp_path: Path) -> Iterator[Path]:
    """A log of a few records."""
    path = tmp_path / "some.jsonl"
    path.write_bytes(b"".join(islice((line for line in night(2_000) if b'"former-holder"' in line), 20)))
    return path


def test_link_to_no_record(visitor: Visitor) -> None:
    """It says that there is no such record, whatever stands there."""
    for key in ("a/b", "..", "%3Cimg%3E", "00000000000001", "1"):
        visitor.opens(f"?record={key}")
        visitor.until(lambda: visitor.find("#drawer").is_displayed(), "the drawer is open")
        assert visitor.text("#drawer-title") == "No such record"
    visitor.forgives("/api/record/00000000000001")


def test_page_beyond_the_last(visitor: Visitor) -> None:
    """It is told, and one step leads back to the last page."""
    visitor.opens("?standing=stranger&page=4000")
    assert "there is no such page" in visitor.text("#page")
    visitor.clicks("#previous")
    visitor.until(lambda: visitor.texts("#table-body tr"), "records are shown")
    assert visitor.find("#next").get_attribute("disabled")


def test_command_that_has_ended(some: Path, tmp_path: Path, browser: Chrome) -> None:
    """The page says so by itself, keeps what it shows, says so where more is asked for, and goes on once it is back."""
    port = str(free_port())
    with served(tmp_path, some, "--port", port) as page:
        visitor = Visitor(browser, page.url)
        visitor.opens()
        page.process.stop()
        visitor.until(lambda: visitor.find("#gone").is_displayed(), "it is told")
        assert len(visitor.texts("#table-body tr")) == 20
        visitor.clicks("#sort-pod")
        visitor.settles()
        visitor.clicks("#table-body tr")
        visitor.until(lambda: visitor.find("#drawer").is_displayed(), "the drawer is open")
        assert "no longer answers" in visitor.text("#drawer-body")
        assert visitor.find("main").is_displayed()
    some.write_bytes(b"".join(some.read_bytes().splitlines(keepends=True)[:7]))
    with served(tmp_path, some, "--port", port):
        visitor.until(lambda: len(visitor.texts("#table-body tr")) == 7, "it shows what there is now")
        assert visitor.query()["sort"] == ["pod"]
        assert not visitor.find("#gone").is_displayed()
        # Refused, reset or empty, by what was under way as it ended.
        visitor.forgives("net::ERR_")
        visitor.forgives("/api/record/")
        assert visitor.complaints() == []


def test_older_answer_comes_last(visitor: Visitor) -> None:
    """An answer that is slow does not overwrite that of a newer question, nor do its faults."""
    visitor.opens()
    visitor.run(
        "const real = window.fetch; window.held = []; window.late = 0;"
        "window.fetch = async (path, more) => {"
        "  if (!path.includes('standing=')) return real(path, more);"
        "  await new Promise((go) => held.push(go));"
        "  try { return await real(path, more); } finally { setTimeout(() => { late += 1; }); } };"
    )
    before = visitor.text("#count")
    for query in ("?standing=stranger", "?standing=leader"):
        visitor.run("history.pushState(null, '', arguments[0]); dispatchEvent(new PopStateEvent('popstate'))", query)
        wait_until(lambda: visitor.run("return held.length") >= 4, what="questions wait", timeout=60)
        visitor.browser.back()
        visitor.settles()
        count = visitor.run("const count = held.length; held.splice(0).forEach((go) => go()); return count")
        wait_until(lambda count=count: visitor.run("return late") >= count, what="answers have come", timeout=60)
        visitor.settles()
        assert visitor.text("#count") == before
        assert not visitor.find("#faults").is_displayed()
        visitor.run("late = 0")
