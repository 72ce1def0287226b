"""How long the API server waits: Go durations, and what they leave for the read and the record."""

from __future__ import annotations

import pytest

from leadergate.patience import DEFAULT_SECONDS, MAX_SECONDS, Patience, asked_for


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"", DEFAULT_SECONDS),
        (b"other=1", DEFAULT_SECONDS),
        (b"timeout=5s", 5.0),
        (b"timeout=1.5s", 1.5),
        (b"timeout=500ms", 0.5),
        (b"timeout=250000us", 0.25),
        (b"timeout=250000%C2%B5s", 0.25),
        (b"timeout=100000000ns", 0.1),
        (b"timeout=1s500ms", 1.5),
        (b"timeout=10s&x=y", 10.0),
        (b"timeout=2s&timeout=7s", 7.0),
        (b"timeout=30s", MAX_SECONDS),
        (b"timeout=31s", MAX_SECONDS),
        (b"timeout=1m0s", MAX_SECONDS),
        (b"timeout=999999999h", MAX_SECONDS),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else None,
)
def test_durations(query: bytes, seconds: float) -> None:
    """What the API server sends is understood; more than its own upper bound is never believed."""
    assert asked_for(query) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0s",
        "-5s",
        "5",
        "s",
        "5 s",
        "5s ",
        "5d",
        "1e3s",
        "infs",
        "nans",
        "5s5",
        "x5s",
        "0ms",
        "%D9%A5s",
        "9" * 400 + "s",
    ],
)
def test_what_is_no_positive_duration_is_refused(value: str) -> None:
    """The message shows the value and the right form."""
    query = f"timeout={value}".encode()
    with pytest.raises(ValueError, match=r"is not a positive Go duration such as 5s"):
        asked_for(query)


def test_a_flood_of_parameters_is_refused() -> None:
    """Parsing a query is bounded."""
    with pytest.raises(ValueError, match="fields"):
        asked_for(b"&".join(b"a=%d" % number for number in range(100)))


@pytest.mark.parametrize("query", [b"\xff\xfe", b"%", b"%zz", b"&&&", b"=", b"Timeout=1s", b"%ff=1"])
def test_an_odd_query_without_a_timeout_means_the_default(query: bytes) -> None:
    """Bytes that say nothing of a timeout are no fault."""
    assert asked_for(query) == DEFAULT_SECONDS


@pytest.mark.parametrize(
    ("seconds", "read_by", "record_by"),
    [(30.0, 29.0, 29.5), (10.0, 9.0, 9.5), (3.0, 2.7, 2.85), (1.0, 0.9, 0.95), (0.5, 0.4, 0.45), (0.1, 0.05, 0.075)],
)
def test_the_answer_comes_before_the_end(seconds: float, read_by: float, record_by: float) -> None:
    """The read ends first, then the record; what is left is for the answer's way back."""
    patience = Patience.of(100.0, seconds, 7.0)
    assert patience.started == 7.0
    assert patience.read_by == pytest.approx(100.0 + read_by)
    assert patience.record_by == pytest.approx(100.0 + record_by)
