"""The drawer in Chromium: one record whole, by mouse, keyboard and link."""

from __future__ import annotations

import json

from .served import Page
from .visitor import Keys, Visitor


def test_drawer_by_keyboard(visitor: Visitor) -> None:
    """j and Enter open a record, j and k go on in the drawer, Esc closes it, and the focus is where it was."""
    visitor.opens()
    visitor.presses("j", "j", "j")
    keys = visitor.run("return [...document.querySelectorAll('#table-body tr')].map((one) => one.dataset.key)")
    visitor.presses(Keys.ENTER)
    visitor.until(lambda: visitor.find("#drawer").is_displayed(), "the drawer is open")
    assert visitor.query()["record"] == [keys[2]]
    assert visitor.focused() == "drawer-title"
    visitor.presses("j")
    visitor.until(lambda: visitor.query()["record"] == [keys[3]], "the next one")
    visitor.presses("k")
    visitor.until(lambda: visitor.query()["record"] == [keys[2]], "and back")
    visitor.presses(Keys.ESCAPE)
    visitor.until(lambda: not visitor.find("#drawer").is_displayed(), "it is closed")
    assert "record" not in visitor.query()
    assert visitor.run("return document.activeElement.closest('tr')?.dataset.key") == keys[2]


def test_drawer_tells_the_whole_record(visitor: Visitor, page: Page) -> None:
    """A link to a record opens it: its explanation, each of its fields, and its JSON as it was written."""
    key = page.json("/api/records?standing=former-holder")["rows"][0]["key"]
    visitor.opens(f"?record={key}")
    visitor.until(lambda: visitor.find("#drawer").is_displayed(), "the drawer is open")
    told = page.json(f"/api/record/{key}")
    assert visitor.texts("#drawer .said")[: len(told["explanation"]["said"])] == told["explanation"]["said"]
    fields = dict(zip(visitor.texts("#drawer dt"), visitor.texts("#drawer dd"), strict=True))
    assert fields["requester.pod"] == told["record"]["requester"]["pod"]
    assert fields["lease.observedAge"] == str(told["record"]["lease"]["observedAge"])
    assert visitor.run("return JSON.parse(document.getElementById('raw').textContent)") == told["record"]


def test_copying_says_what_came_of_it(visitor: Visitor, page: Page) -> None:
    """JSON is copied, or selected where the browser does not let the page copy."""
    key = page.json("/api/records")["rows"][0]["key"]
    visitor.opens(f"?record={key}")
    visitor.until(lambda: visitor.find("#drawer").is_displayed(), "the drawer is open")
    visitor.clicks("#copy")
    visitor.until(lambda: visitor.text("#drawer [role=status]"), "it says so")
    told, selected = visitor.text("#drawer [role=status]"), visitor.run("return String(getSelection())")
    assert told == "Copied" or json.loads(selected) == page.json(f"/api/record/{key}")["record"]
