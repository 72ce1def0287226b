"""An Event's manifest: names that it can have, and texts that a terminal may show."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate_election.event_object import Involved, Reporting, event, plain, shortened

from .rejections import NOON

HOSTILE = "a\x1b[2J\r\n\u202eb\x00"


def made(involved: Involved, message: str = "said") -> dict[str, Any]:
    """One Event about it."""
    return event(
        involved, Reporting("leadergate", "webhook-0"),
        kind="Warning", reason="Because", message=message, unique="ab", first=NOON, last=NOON, count=1,
    )  # fmt: skip


def test_no_text_moves_a_terminal() -> None:
    """Message and names: what cannot be printed becomes a question mark."""
    found = made(Involved(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE), HOSTILE)
    texts = {*found["involvedObject"].values(), found["message"]}
    assert texts == {"a?[2J???b?"}
    assert found["metadata"]["name"] == "object.ab"


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [("abc", 3, "abc"), ("abcdef", 5, "ab…"), ("ééé", 6, "ééé"), ("éééé", 6, "é…"), ("ab" + "é" * 3, 7, "abé…")],
)
def test_a_text_is_cut_between_characters(text: str, most: int, short: str) -> None:
    """Never in more bytes than allowed, and still UTF-8."""
    assert shortened(text, most) == short
    assert len(short.encode()) <= most


def test_other_scripts_stay_as_they_are() -> None:
    """Only what is invisible is replaced."""
    assert plain("Лизинг リース ë 😀") == "Лизинг リース ë 😀"
