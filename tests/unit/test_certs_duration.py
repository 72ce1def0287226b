"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leadergate_certs.duration import in_words, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", timedelta(days=90)),
        ("2160h", timedelta(days=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("0s", timedelta(0)),
    ],
)
def test_is_read(text: str, expected: timedelta) -> None:
    """Units of Go's durations, and days."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "90", "d", "90 d", "1y", "-1s", "1h junk", "99999999999999d"])
def test_is_refused(text: str) -> None:
    """The message shows the value and what is expected."""
    with pytest.raises(ValueError, match="expected") as refused:
        parse_duration(text)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(days=89, hours=23, minutes=5), "89d 23h"),
        (timedelta(seconds=61), "1m 1s"),
        (timedelta(0), "0s"),
        (timedelta(hours=-2), "-2h"),
    ],
)
def test_is_told_in_its_largest_units(span: timedelta, expected: str) -> None:
    """Two units are enough for a person."""
    assert in_words(span) == expected
