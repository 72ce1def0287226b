"""The page in a browser that is not in UTC: every time on it is UTC all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from .visitor import Visitor


@pytest.fixture(params=["Asia/Kolkata", "America/St_Johns"])
def traveller(request: pytest.FixtureRequest, browser: Chrome, visitor: Visitor) -> Iterator[Visitor]:
    """Somebody some hours away."""
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": request.param})
    yield visitor
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_times_are_utc(traveller: Visitor) -> None:
    """The plot's axis and what is dragged over it mean the same times as the table and the sentence."""
    traveller.opens()
    assert traveller.run("return new Date(0).getTimezoneOffset()") != 0
    assert traveller.text("#plot .xtick text").startswith("22:00")
    traveller.drags(0.3, 0.6)
    traveller.until(lambda: set(traveller.query()) == {"since", "until"}, "the time is in the URL")
    (since,), (until,) = traveller.query()["since"], traveller.query()["until"]
    assert "2026-03-02T00:1" < since < "2026-03-02T00:4"
    assert "2026-03-02T02:3" < until < "2026-03-02T03:0"
    assert traveller.run("return document.querySelectorAll('#plot .scatterlayer .point').length") > 0
