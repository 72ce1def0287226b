"""Names that are too long for their place: whole in the text, cut in their middle, and told on pointing at them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome

from leadergate_lab.nights import night
from leadergate_lab.processes import wait_until

from .chromium import sized
from .served import Page, served
from .visitor import Visitor, visiting

_OVERHANGS = """
const out = [];
for (const one of document.querySelectorAll('.cut')) {
  if (!one.checkVisibility()) continue;
  const box = one.getBoundingClientRect(), end = one.lastElementChild?.getBoundingClientRect();
  if (end && (end.right > box.right + 2 || getComputedStyle(one).textOverflow !== 'clip')) out.push(one.textContent);
}
return out;
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A night of more gates and pods than are drawn."""
    folder = tmp_path_factory.mktemp("many")
    with (folder / "many.jsonl").open("wb") as file:
        file.writelines(night(20_000, gates=12, pods=20))
    with served(folder, folder / "many.jsonl") as page:
        yield page


@pytest.fixture
def reader(browser: Chrome, many: Page) -> Iterator[Visitor]:
    """Somebody who looks at it."""
    with visiting(browser, many.url) as one:
        yield one


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_end_of_a_name_is_seen(reader: Visitor, width: int) -> None:
    """In the table and the filters a name keeps its end in sight, and its whole text for who hears or copies it."""
    sized(reader.browser, width, 900)
    reader.opens()
    if width < 1000:
        reader.clicks("#side summary")
    assert reader.run(_OVERHANGS) == []
    cells = reader.run(
        "return [...document.querySelectorAll('.c-pod .cut')].map((one) => [one.textContent, one.title])"
    )
    assert len(cells) == 100
    # A pod's title has its namespace, too.
    assert all(title.endswith(text) and len(text) > 20 for text, title in cells)
    copied = reader.run(
        "getSelection().selectAllChildren(document.querySelector('td.c-pod')); return String(getSelection())"
    )
    assert copied == cells[0][0]


def test_name_in_the_plot(reader: Visitor) -> None:
    """A name that is cut beside the plot is told whole on pointing at it."""
    sized(reader.browser, 700, 900)
    reader.opens()
    x, y = reader.run(
        "document.getElementById('plot').scrollIntoView();"
        "const all = [...document.querySelectorAll('#plot .annotation-text')];"
        "const cut = all.find((one) => one.textContent.includes('…'));"
        "const box = cut.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    actions = ActionChains(reader.browser, duration=0)
    actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
    actions.perform()
    wait_until(lambda: bool(reader.texts("#plot .hoverlayer text")), what="it tells the name", timeout=20)
    assert "…" not in reader.text("#plot .hoverlayer text")


def test_gates_drawn_are_those_that_matter(many: Page) -> None:
    """Of more gates than are drawn, those are drawn in which most was written without the Lease."""
    plot = many.json("/api/timeline")
    rejected = {one["value"]: one["count"] for one in many.json("/api/choices")["gate"]}
    assert len(rejected) > len(plot["gates"])
    least = min(rejected[gate] for gate in plot["gates"])
    assert all(count <= least for gate, count in rejected.items() if gate not in plot["gates"])


def test_takeovers_are_all_told(reader: Visitor, many: Page) -> None:
    """The table of takeovers has those of gates that are not drawn as well: as many as the figure says."""
    changed = many.json("/api/summary")["takeovers"]
    drawn = many.json("/api/timeline")["gates"]
    reader.opens()
    gates = reader.texts("#takeovers-body td:nth-child(2)")
    assert len(gates) == changed
    assert set(gates) - set(drawn)
    assert f"{changed} takeovers" in reader.text("#takeovers-title")
