"""Back and forward: the drawer is a step, and closing it takes the step back."""

from __future__ import annotations

from .served import Page
from .visitor import Keys, Visitor


def _drawer(visitor: Visitor, *, opened: bool) -> None:
    visitor.until(
        lambda: (
            visitor.find("#drawer").is_displayed() is opened
            and ("record" in visitor.query()) is opened
            and (not opened or visitor.focused() == "drawer-title")
        ),
        f"the drawer and the URL agree: {opened}",
    )


def _length(visitor: Visitor) -> int:
    return int(visitor.run("return history.length"))


def test_closing_goes_back(visitor: Visitor) -> None:
    """However many records were looked at, opening is one step, closing takes it back, and forward opens it again."""
    visitor.opens()
    before = _length(visitor)
    visitor.clicks("#table-body td.c-pod")
    _drawer(visitor, opened=True)
    first = visitor.query()["record"]
    visitor.presses("j")
    visitor.until(lambda: visitor.query()["record"] != first, "the next one")
    second = visitor.query()["record"]
    visitor.presses(Keys.ESCAPE)
    _drawer(visitor, opened=False)
    assert _length(visitor) == before + 1
    assert visitor.run("return document.activeElement.closest('tr').dataset.key") == second[0]
    visitor.browser.forward()
    _drawer(visitor, opened=True)
    assert visitor.query()["record"] == second
    visitor.browser.back()
    _drawer(visitor, opened=False)
    assert _length(visitor) == before + 1


def test_back_closes_and_leads_on(visitor: Visitor) -> None:
    """After the drawer was closed, back leads to what was before it, and not into the drawer again."""
    visitor.opens()
    visitor.clicks("#figures .stranger button")
    visitor.until(lambda: visitor.query() == {"standing": ["stranger"]}, "it is filtered")
    visitor.clicks("#table-body td.c-pod")
    _drawer(visitor, opened=True)
    visitor.clicks("#drawer-close")
    _drawer(visitor, opened=False)
    assert visitor.query() == {"standing": ["stranger"]}
    visitor.browser.back()
    visitor.until(lambda: not visitor.query(), "the filter is gone")
    assert not visitor.find("#drawer").is_displayed()


def test_link_that_opened_it(visitor: Visitor, page: Page) -> None:
    """Closing what a link opened stays on the page, and leaves the record in no step of the history."""
    key = page.json("/api/records")["rows"][0]["key"]
    visitor.opens(f"?record={key}")
    _drawer(visitor, opened=True)
    before = _length(visitor)
    visitor.presses(Keys.ESCAPE)
    _drawer(visitor, opened=False)
    assert visitor.query() == {}
    assert _length(visitor) == before
