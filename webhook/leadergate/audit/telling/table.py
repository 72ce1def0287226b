"""Rows of text as a table that fits a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

GAP = "  "
LEAST = 10
"""Columns that are left of a cell that is shortened."""


@dataclass(frozen=True, slots=True)
class Table:
    """How lines are laid out: which cells are shown, how wide each is, and the heads of those that are not.

    With ``cuts`` what is longer than its column is shortened, else it is left whole.
    """

    shown: Sequence[int]
    sizes: Sequence[int]
    left_out: Sequence[str]
    cuts: bool

    def line(self, cells: Sequence[str]) -> str:
        """One line."""
        return GAP.join(self._cell(cells[at], size) for at, size in zip(self.shown, self.sizes, strict=True)).rstrip()

    def _cell(self, text: str, size: int) -> str:
        if self.cuts:
            text = shortened(text, size)
        return text + " " * (size - cell_len(text))


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    fit: int | None,
    shrink: Sequence[str],
    spare: Sequence[str] = (),
) -> Table:
    """A table of these rows that is no wider than ``fit``, if it can be; None: as wide as it comes.

    Columns named in ``shrink`` give way, the widest first; where that is not enough, those of ``spare`` are left out,
    one after the other.
    """
    full = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    for count in range(len(spare) + 1):
        left_out = spare[:count]
        shown = [at for at, head in enumerate(heads) if head not in left_out]
        sizes = _shrunk([full[at] for at in shown], [heads[at] in shrink for at in shown], fit)
        if fit is None or _wide(sizes) <= fit:
            break
    return Table(shown, sizes, left_out, cuts=fit is not None)


def left_out(made: Table, width: int | None) -> str:
    """Which columns a table lacks, and why; empty where it lacks none."""
    names = ", ".join(made.left_out)
    return f"no room for {names} in {width} columns" if names else ""


def shortened(text: str, cells: int) -> str:
    """The text in no more than so many columns: of what is longer a little of its beginning, and its end, in which the
    names of replicas and objects differ.
    """
    if cell_len(text) <= cells:
        return text
    begin = set_cell_size(text[:cells], max((cells - 1) // 3, 0))
    end = text[-cells:]
    while end and cell_len(begin) + 1 + cell_len(end) > cells:
        end = end[1:]
    return f"{begin}…{end}"


def _shrunk(sizes: list[int], gives: Sequence[bool], fit: int | None) -> list[int]:
    while fit is not None and _wide(sizes) > fit:
        give = [at for at, size in enumerate(sizes) if gives[at] and size > LEAST]
        if not give:
            break
        widest = max(give, key=sizes.__getitem__)
        sizes[widest] -= 1
    return sizes


def _wide(sizes: Sequence[int]) -> int:
    return sum(sizes) + len(GAP) * (len(sizes) - 1)
