"""Lines that are longer than what is looked into: one piece of code reads on after them, for records and audit logs."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from leadergate.audit.reading.lines import lines
from leadergate.audit.reading.sources import Kind, Source
from leadergate.audit.reading.tally import BadLine

WIDEST = 10
CASES: dict[str, tuple[bytes, list[bytes]]] = {
    "short": (b"a\nbc\n", [b"a\n", b"bc\n"]),
    "just as long": (b"123456789\nx\n", [b"123456789\n", b"x\n"]),
    "too long by its end": (b"1234567890\nx\n", [b"1234567890", b"x\n"]),
    "too long": (b"1" * 25 + b"\nx\n", [b"1" * 10, b"x\n"]),
    "too long by whole pieces": (b"1" * 29 + b"\nx\n", [b"1" * 10, b"x\n"]),
    "cut off": (b"x\n" + b"1" * 33, [b"x\n", b"1" * 10]),
    "blank after it": (b"1" * 30 + b"\n\nx", [b"1" * 10, b"\n", b"x"]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("packed", [False, True])
def test_reading_on(tmp_path: Path, case: str, *, packed: bool) -> None:
    """The next line is the next line, and has its number."""
    content, expected = CASES[case]
    path = tmp_path / "a.log"
    path.write_bytes(gzip.compress(content) if packed else content)
    found = list(lines(Source("a", path, Kind.MIXED), WIDEST, pytest.fail, lambda *_: None))
    assert found == list(enumerate(expected, 1))


def test_a_source_that_cannot_be_read_to_its_end(tmp_path: Path) -> None:
    """Has a bad line there; what came before is told."""
    path = tmp_path / "a.log"
    path.write_bytes(gzip.compress(b"a\nb\n")[:-4])
    noted: list[BadLine] = []
    found = list(lines(Source("a", path, Kind.MIXED), WIDEST, noted.append, lambda *_: None))
    assert [line for _, line in found] in ([], [b"a\n", b"b\n"])
    assert [(one.file, one.line) for one in noted] == [("a", len(found) + 1)]
    assert "cannot be read any further" in noted[0].why
