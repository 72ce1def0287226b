"""Rows of text as a table that fits a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

GAP = "  "
LEAST = 10
"""Columns that are left of a cell that is shortened."""


def widths(heads: Sequence[str], rows: Sequence[Sequence[str]], *, fit: int | None, shrink: Sequence[str]) -> list[int]:
    """How wide each column is. Those named in ``shrink`` give way, the widest first, until a line fits ``fit``."""
    found = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    give = [at for at, head in enumerate(heads) if head in shrink]
    while fit is not None and sum(found) + len(GAP) * (len(found) - 1) > fit:
        widest = max((at for at in give if found[at] > LEAST), key=lambda at: found[at], default=None)
        if widest is None:
            break
        found[widest] -= 1
    return found


def row(cells: Sequence[str], sizes: Sequence[int], *, cut: bool = True) -> str:
    """One line. What is longer than its column is cut, and an ellipsis says so; without ``cut`` it is left whole."""
    return GAP.join(_cell(cell, size, cut=cut) for cell, size in zip(cells, sizes, strict=True)).rstrip()


def _cell(text: str, size: int, *, cut: bool) -> str:
    width = cell_len(text)
    if width <= size:
        return text + " " * (size - width)
    return set_cell_size(text, max(size - 1, 0)) + "…" if cut else text
