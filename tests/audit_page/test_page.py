"""The page in Chromium: filters, plot, table and drawer, by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from selenium.webdriver import ActionChains

from .chromium import colours, sized
from .served import Page
from .visitor import Keys, Visitor


def test_opens_with_what_matters(visitor: Visitor, page: Page) -> None:
    """The first view says what happened, counts the routine left out, tells takeovers as text, asks nobody else."""
    visitor.opens()
    summary = page.json("/api/summary")
    assert summary["left_out"] > summary["matters"] > summary["former"] > 0
    assert visitor.text("#said") == summary["said"][0]
    assert f"{summary['left_out']:,} routine rejections" in visitor.text("#count")
    assert "routine" not in visitor.texts("#table-body .badge")
    assert len(visitor.texts("#table-body tr")) == 100
    changes = page.json("/api/timeline")["takeovers"]
    assert len(visitor.texts("#takeovers-body tbody tr")) == len(changes) > 0
    assert f"{len(changes)} takeover" in (visitor.find("#plot").get_attribute("aria-label") or "")
    loaded = visitor.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert len(loaded) > 10
    assert {urlsplit(one).netloc for one in loaded} == {f"127.0.0.1:{page.port}"}


def test_filter_becomes_the_url(visitor: Visitor) -> None:
    """A choice stands in the URL, narrows the table, and going back takes it away."""
    visitor.opens()
    before = visitor.text("#count")
    visitor.clicks("input[data-field=standing][data-value=stranger]")
    visitor.until(lambda: visitor.text("#count") != before, "the filter applies")
    assert visitor.query() == {"standing": ["stranger"]}
    assert set(visitor.texts("#table-body .badge")) == {"stranger"}
    visitor.browser.back()
    visitor.until(lambda: visitor.text("#count") == before, "it is gone again")
    ticked = "return document.querySelector('input[data-field=standing][data-value=stranger]').checked"
    assert not visitor.run(ticked)
    visitor.browser.forward()
    visitor.until(lambda: visitor.run(ticked), "it is back")


def test_url_sets_the_filter(visitor: Visitor) -> None:
    """A link shows what it was made of: choices, patterns, chips, and all of them can be taken away."""
    visitor.opens("?standing=former-holder&pod=*-f52jr&object=shop-0/*")
    assert visitor.find("input[data-field=standing][data-value=former-holder]").is_selected()
    assert visitor.find("input[data-field=pod][data-value='*-f52jr']").is_selected()
    assert all(text.startswith("shop-0/") for text in visitor.texts("#table-body .c-object"))
    assert len(visitor.texts("#chips button")) == 4
    visitor.clicks("#clear")
    visitor.until(lambda: not visitor.query(), "nothing is filtered")


def test_pattern_is_added_by_typing(visitor: Visitor) -> None:
    """A pattern that is typed becomes one of the filter's values."""
    visitor.opens()
    visitor.find("#add-object").send_keys("shop-1/orders-00*", Keys.ENTER)
    visitor.until(lambda: visitor.query() == {"object": ["shop-1/orders-00*"]}, "it is in the URL")
    assert all(text.startswith("shop-1/orders-00") for text in visitor.texts("#table-body .c-object"))


def test_sorting_and_pages(visitor: Visitor) -> None:
    """A head sorts, once more the other way round; pages follow, and all of it is the URL."""
    visitor.opens()
    visitor.clicks("#sort-object")
    visitor.until(lambda: visitor.query() == {"sort": ["object"]}, "it is sorted")
    first = visitor.texts("#table-body .c-object")
    assert first == sorted(first)
    assert visitor.find("th.c-object").get_attribute("aria-sort") == "ascending"
    visitor.clicks("#next")
    visitor.until(lambda: visitor.query().get("page") == ["2"], "the next page")
    assert visitor.texts("#table-body .c-object")[0] >= first[-1]
    assert visitor.text("#page").startswith("Page 2 of ")


def test_zoom_by_dragging(visitor: Visitor) -> None:
    """Dragging over the plot narrows everything to that time; a double click goes back."""
    visitor.opens()
    before = visitor.text("#range")
    visitor.drags(0.3, 0.6)
    visitor.until(lambda: set(visitor.query()) == {"since", "until"}, "the time is in the URL")
    assert visitor.text("#range") != before
    (since,), (until,) = visitor.query()["since"], visitor.query()["until"]
    assert "2026-03-02T00:1" < since < "2026-03-02T00:4"
    assert "2026-03-02T02:3" < until < "2026-03-02T03:0"
    times = visitor.run("return [...document.querySelectorAll('#table-body a')].map((one) => one.title)")
    assert times
    assert all(since <= one < until for one in times)

    def widens() -> bool:
        # Again and again: on a busy machine the two clicks may be too far apart for a double click.
        layer = visitor.find("#plot .draglayer .xy .nsewdrag")
        visitor.run("arguments[0].scrollIntoView({block: 'center'})", layer)
        ActionChains(visitor.browser).move_to_element(layer).double_click().perform()
        return not visitor.query()

    visitor.until(widens, "the whole night again")
    assert visitor.text("#range") == before


def test_zoom_out_button(visitor: Visitor) -> None:
    """A link that is narrowed in time can be widened, without a way back in the history."""
    visitor.opens("?since=2026-03-02T01:00:00Z&until=2026-03-02T02:00:00Z")
    visitor.clicks("#zoom-out")
    visitor.until(lambda: not visitor.query(), "the whole night")
    assert not visitor.find("#zoom-out").is_displayed()


def test_mark_narrows_to_itself(visitor: Visitor) -> None:
    """A click on a mark of the plot shows its pod's records of that time."""
    visitor.opens("?standing=former-holder")
    lit = visitor.run(
        "const box = [...document.querySelectorAll('#plot .scatterlayer .point')].at(-1).getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    visitor.points_at(*lit)
    ActionChains(visitor.browser).click().perform()
    visitor.until(lambda: set(visitor.query()) == {"standing", "since", "until", "pod"}, "it is narrowed")
    names = visitor.run("return [...document.querySelectorAll('#table-body .c-pod span')].map((one) => one.title)")
    assert set(names) == set(visitor.query()["pod"])


def test_bad_link_is_a_fault(visitor: Visitor) -> None:
    """What a link asks for and does not exist is told, all of it, and can be taken out."""
    visitor.opens("?standing=leader&since=yesterday&colour=red")
    assert visitor.find("#faults").is_displayed()
    told = visitor.text("#faults")
    assert all(one in told for one in ("'leader'", "'yesterday'", "colour"))
    visitor.forgives("400")
    visitor.clicks("#faults button")
    visitor.until(lambda: not visitor.query(), "the link is mended")
    assert not visitor.find("#faults").is_displayed()


def test_routine_is_offered_where_nothing_else_is(visitor: Visitor) -> None:
    """A quiet time says what was left out, and shows it when asked."""
    visitor.opens("?until=2026-03-01T23:00:00Z")
    assert "Nothing that matters" in visitor.text("#empty")
    visitor.clicks("#empty button")
    visitor.until(lambda: visitor.query().get("routine") == ["true"], "routine is shown")
    assert set(visitor.texts("#table-body .badge")) == {"routine"}
    assert visitor.run("return document.querySelectorAll('#plot .barlayer .bars').length") >= 2


def test_nothing_matches(visitor: Visitor) -> None:
    """Filters that select nothing say so, and offer to clear them."""
    visitor.opens("?pod=nobody")
    assert "Nothing matches" in visitor.text("#empty")
    visitor.clicks("#empty button")
    visitor.until(lambda: not visitor.query(), "filters are cleared")
    assert len(visitor.texts("#table-body tr")) == 100


def test_light_and_dark(visitor: Visitor) -> None:
    """The system's choice holds until the switch is used, which lasts."""
    colours(visitor.browser, "dark")
    visitor.opens()
    shown = "return getComputedStyle(document.documentElement).colorScheme"
    assert visitor.run(shown) == "dark"
    visitor.clicks("#theme")
    assert visitor.run(shown) == "light"
    visitor.opens()
    assert visitor.run(shown) == "light"


def test_text_can_be_read(visitor: Visitor) -> None:
    """Every text has the contrast that WCAG 2.1 asks for at level AA, light and dark."""
    contrasts = Path(__file__).with_name("contrasts.js").read_text()
    visitor.opens("?routine=true&until=2026-03-02T02:00:00Z")
    for scheme in ("light", "dark"):
        colours(visitor.browser, scheme)
        assert visitor.run("return getComputedStyle(document.documentElement).colorScheme") == scheme
        assert visitor.run(contrasts) == []


def test_everything_has_a_name_and_a_place(visitor: Visitor) -> None:
    """Controls have names, the page its landmarks, the count is announced, and at 320 pixels nothing sticks out."""
    visitor.opens()
    nameless = visitor.run(
        "const named = (one) => one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length;"
        "const all = document.querySelectorAll('button, input, select, a[href]');"
        "return [...all].filter((one) => !named(one)).map((one) => one.outerHTML)"
    )
    assert nameless == []
    for landmark in ("header", "main", "aside[aria-label]", "nav[aria-label]", "h1"):
        assert len(visitor.texts(landmark)) == 1, landmark
    assert visitor.find("#count").get_attribute("aria-live") == "polite"
    for width in (800, 320):
        sized(visitor.browser, width, 900)
        fits = "return document.documentElement.scrollWidth <= innerWidth"
        visitor.until(lambda fits=fits: visitor.run(fits), f"it fits {width} pixels")
