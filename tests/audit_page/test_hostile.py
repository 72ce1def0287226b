"""Names that attackers choose: nothing of a record ever runs, and all of it is shown as text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome

from leadergate_lab.nights import night

from .served import Page, served
from .visitor import Visitor, visiting

HOSTILE = (
    "<script>ran.push('script')</script>",
    "<img src=x onerror=\"ran.push('img')\">",
    "<b onmouseover=\"ran.push('b')\">bold</b><a href=\"javascript:ran.push('a')\">link</a><br>&lt;",
    "\x1b]0;owned\x07\x1b[2J",
    "two\r\nlines\u2028three",
    "\u202egnp.exe\u2066 \ufeff",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "%{customdata} ${ran.push('template')} {{7*7}}",
    "'); DROP TABLE page.record; --",
)
_TEXTS = ("message", "gate", "uid", "operation", "namespace", "name", "webhookPod")
_INNER = {
    "resource": ("group", "version", "resource", "subresource"),
    "requester": ("username", "namespace", "serviceAccount", "pod", "podUid", "node"),
    "lease": ("holder", "resourceVersion"),
}


def hostile() -> Iterator[bytes]:
    """Records of which every free text is hostile, some in the holder's place, so that they reach each part."""
    lines = [json.loads(line) for line in night(400) if b'"former-holder"' in line or b'"stranger"' in line]
    assert len(lines) >= len(HOSTILE)
    for record, text in zip(lines, HOSTILE, strict=False):
        filled: dict[str, Any] = {**record, **dict.fromkeys(_TEXTS, text)}
        for part, names in _INNER.items():
            filled[part] = {**(record[part] or {}), **dict.fromkeys(names, text)}
        filled["lease"] = {
            "observedAge": 1.0,
            "expired": False,
            "transitions": 1,
            "durationSeconds": 15,
            **filled["lease"],
        }
        filled["extra"] = {text: [text]}
        yield json.dumps(filled).encode() + b"\n"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of nothing but hostile records, from a file of a hostile name."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "<img src=x onerror=ran.push('file')>.jsonl"
    with path.open("wb") as file:
        file.writelines(hostile())
    with served(folder, path) as page:
        yield page


@pytest.fixture
def victim(browser: Chrome, target: Page) -> Iterator[Visitor]:
    """Somebody who looks at it."""
    with visiting(browser, target.url) as one:
        yield one


def _harmless(victim: Visitor) -> None:
    assert victim.run("return ran") == []
    assert (
        victim.run(
            "return document.querySelectorAll('main b, main img, main script, dialog img, dialog script').length"
        )
        == 0
    )
    assert victim.run("return document.querySelectorAll('#plot a, #plot [onmouseover], #plot [onerror]').length") == 0
    unseen = r"return /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u202e\u2066\ufeff]/.test(document.body.innerText)"
    assert victim.run(unseen) is False


def _escaped(text: str) -> str:
    return text.translate(
        {ord(sign): f"\\x{ord(sign):02x}" for sign in "\x1b\x07\r\n"}
        | {ord(sign): f"\\u{ord(sign):04x}" for sign in "\u2028\u202e\u2066\ufeff"}
    )


def test_nothing_runs_in_the_page(victim: Visitor) -> None:
    """Headline, figures, filters, chips, plot and table show each text, escaped where nobody would see it."""
    victim.opens()
    titles = victim.run("return [...document.querySelectorAll('#table-body .c-gate span')].map((one) => one.title)")
    assert sorted(titles) == sorted(_escaped(text) for text in HOSTILE)
    _harmless(victim)


def test_nothing_runs_in_the_plot(victim: Visitor) -> None:
    """Labels and what is shown on hovering are text: the plot's own kind of HTML finds nothing to make of them."""
    for part, seen in (("'script'", HOSTILE[0]), ("bold", HOSTILE[2]), ("gnp", "\\u202egnp.exe")):
        victim.opens(f"?gate=*{part}*")
        hovered = _hovered(victim)
        assert f"held {seen}" in hovered
        assert "former holder" in hovered or "stranger" in hovered
        _harmless(victim)


def _hovered(victim: Visitor) -> str:
    """What the plot says of each of its marks."""
    points = victim.run(
        "document.getElementById('plot').scrollIntoView();"
        "const all = document.querySelectorAll('#plot .scatterlayer .point, #plot .barlayer .point path');"
        "return [...all].map((one) => one.getBoundingClientRect()).map((box) =>"
        " [box.x + box.width / 2, box.y + box.height / 2])"
    )
    assert points
    return " ".join(text for x, y in points for text in victim.points_at(x, y))


def test_nothing_runs_in_the_drawer(victim: Visitor, target: Page) -> None:
    """Each record whole: explanation, fields and JSON."""
    rows = target.json("/api/records")["rows"]
    assert len(rows) == len(HOSTILE)
    victim.opens(f"?record={rows[0]['key']}")
    for place, row in enumerate(rows):
        if place:
            victim.presses("j")
        victim.until(lambda row=row: _escaped(row["gate"]) in victim.texts("#drawer dd"), "the record is shown")
        assert victim.query()["record"] == [row["key"]]
        _harmless(victim)


def test_hostile_filters(victim: Visitor, target: Page) -> None:
    """Choices made of hostile texts stand in the URL, the chips and the faults, and run nowhere."""
    victim.opens()
    for place in range(3):
        victim.run(
            "document.querySelectorAll('#filters fieldset:nth-child(4) input[type=checkbox]')[arguments[0]].click()",
            place,
        )
        victim.settles()
    assert len(victim.query()["gate"]) == 3
    _harmless(victim)
    victim.opens("?standing=%3Cimg%20src=x%20onerror=ran.push(1)%3E&%3Cb%3E=1")
    assert "<img src=x onerror=ran.push(1)>" in victim.text("#faults")
    _harmless(victim)
    victim.forgives("400")


def test_downloads_are_harmless(target: Page) -> None:
    """No cell of the CSV is a formula or more than a line; JSON holds the very texts."""
    cells = list(csv.reader(io.StringIO(target.asked("/download/records.csv")[2].decode(), newline="")))
    assert len(cells) == 1 + len(HOSTILE)
    column = cells[0].index("gate")
    assert not [cell for row in cells for cell in row if cell.startswith(("=", "@", "+", "\t"))]
    assert not [cell for row in cells for cell in row if any(sign in cell for sign in "\x1b\r\n\u2028\u202e")]
    assert any(cell[column] == "'" + HOSTILE[6] for cell in cells)
    found = target.json("/download/records.json")
    assert sorted(one["gate"] for one in found) == sorted(HOSTILE)
    assert all(one["extra"] == {one["gate"]: [one["gate"]]} for one in found)


def test_hostile_names_on_the_terminal(target: Page) -> None:
    """What the command prints holds no control character but line ends."""
    told = target.process.stderr_path.read_text()
    assert "\x1b" not in told


def test_hostile_file_is_there(tmp_path: Path) -> None:
    """The records are what they are meant to be: one of each text, all of them records."""
    assert [json.loads(line)["gate"] for line in hostile()] == list(HOSTILE)
