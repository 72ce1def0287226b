"""The page for who has no mouse: the focus stays where the work is, whatever is made anew meanwhile."""

from __future__ import annotations

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.processes import wait_until

from .visitor import Keys, Visitor


def _focuses(visitor: Visitor, selector: str) -> None:
    visitor.run("document.querySelector(arguments[0]).focus()", selector)


def _changes(visitor: Visitor, key: str) -> None:
    before = visitor.browser.current_url
    visitor.presses(key)
    visitor.until(lambda: visitor.browser.current_url != before, "the page follows")


def test_focus_stays(visitor: Visitor) -> None:
    """What was used has the focus still; a choice, wherever its count puts it."""
    visitor.opens()
    for start, key in (
        ("input[data-field=reason][data-value=NotHolder]", Keys.SPACE),
        ("#sort-pod", Keys.ENTER),
        ("#figures .former-holder button", Keys.ENTER),
        ("input[data-field=standing][data-value=former-holder]", Keys.SPACE),
    ):
        _focuses(visitor, start)
        _changes(visitor, key)
        assert visitor.run("return document.activeElement.matches(arguments[0])", start), start


@pytest.mark.parametrize(
    ("query", "start", "after"),
    [
        ("?standing=stranger&mode=enforce", "#chips button", "#chips button"),
        ("?standing=stranger", "#chips button", "#records"),
        ("?pod=nobody", "#empty button", "#records"),
        ("?since=2026-03-02T01:00:00Z&until=2026-03-02T02:00:00Z", "#zoom-out", "#plot-title"),
    ],
)
def test_focus_moves_on(visitor: Visitor, query: str, start: str, after: str) -> None:
    """What goes away by being used hands the focus to what follows, and not to the top of the page."""
    visitor.opens(query)
    _focuses(visitor, start)
    _changes(visitor, Keys.ENTER)
    assert visitor.run("return document.activeElement.matches(arguments[0])", after)


def test_more_choices(visitor: Visitor) -> None:
    """Those that show up are next."""
    visitor.opens()
    few = len(visitor.texts("input[data-field=object]"))
    _focuses(visitor, "#more-object")
    visitor.presses(Keys.ENTER)
    assert len(visitor.texts("input[data-field=object]")) > few
    assert visitor.focused() == f"choice-object-{few}"


def test_what_is_typed_stays(visitor: Visitor) -> None:
    """An answer that comes in while somebody types a pattern takes nothing of it away, and does not apply it."""
    visitor.opens()
    visitor.find("#add-object").send_keys("shop-1/ord")
    visitor.run("document.getElementById('routine').click()")
    visitor.until(lambda: visitor.query() == {"routine": ["true"]}, "the page changes")
    assert visitor.focused() == "add-object"
    visitor.presses("ers-00*", Keys.ENTER)
    visitor.until(lambda: visitor.query().get("object") == ["shop-1/orders-00*"], "the whole of it applies")
    assert visitor.find("#add-object").get_property("value") == ""


def test_keys_can_be_put_off(visitor: Visitor) -> None:
    """Single letters do nothing once they are off, and still so later; a ticked box does not stop them."""
    visitor.opens()
    _focuses(visitor, "#routine-too")
    _changes(visitor, "r")
    visitor.clicks("#keys-open")
    visitor.clicks("#keys-on")
    visitor.presses(Keys.ESCAPE)
    visitor.opens()
    visitor.presses("r", "j")
    assert visitor.query() == {}
    assert visitor.focused() == "body"


def test_finger_scrolls_the_page(browser: Chrome, visitor: Visitor) -> None:
    """On a touch screen a finger that moves over the plot scrolls; it does not zoom in."""
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    metrics = {"width": 700, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        visitor.opens()
        box = visitor.run(
            "const box = document.querySelector('#plot .nsewdrag').getBoundingClientRect();"
            "return [Math.round(box.x + 60), Math.round(box.y + 10)]"
        )
        for kind, moved in (("touchStart", 0), *(("touchMove", 20 * one) for one in range(1, 11)), ("touchEnd", None)):
            points = [] if moved is None else [{"x": box[0], "y": box[1] - moved}]
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        wait_until(lambda: visitor.run("return scrollY") > 100, what="the page scrolls", timeout=60)
        assert visitor.query() == {}
    finally:
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
