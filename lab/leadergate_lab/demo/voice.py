"""How the story is told: on a terminal with colour and what moves, elsewhere in plain lines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 1000
"""Nobody knows how wide the reader of a pipe is, so lines stay whole."""

INDENT = 11
"""Where the text of a line begins, after its time."""


class Voice:
    """Writes to standard output. Every line of the story carries the seconds since the start."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, emoji=False, markup=False)
        self.live = self.console.is_terminal and not self.console.is_dumb_terminal
        if not self.console.is_terminal:
            self.console = Console(highlight=False, emoji=False, markup=False, width=PLAIN_WIDTH)
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def step(self, number: int, title: str, why: str) -> None:
        """Begin a step: what is done, and why."""
        self.blank()
        self._print(Text(f"{number}. {title}", style="bold cyan"))
        self._print(Padding(Text(why, style="italic"), (0, 0, 0, 3), expand=False))

    def say(self, text: str, style: str = "") -> None:
        """One thing that happened, with the time."""
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=INDENT - 2, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text(f"{self.elapsed:7.1f} s", style="dim"), Text(text, style=style))
        self._print(line)

    def blank(self) -> None:
        """An empty line."""
        self._print(Text())

    @contextmanager
    def doing(self, text: str, done: str) -> Iterator[None]:
        """Something that takes a while: ``text`` meanwhile, on a terminal; then ``done`` with the time it took."""
        began = time.monotonic()
        if self.live:
            with self.console.status(Text(f"{text} …"), spinner="line"):
                yield
        else:
            yield
        self.say(f"{done} ({time.monotonic() - began:.1f} s)")

    def show(self, what: RenderableType) -> None:
        """Something of several lines, below the line that was said last."""
        self._print(Padding(what, (0, 0, 0, INDENT), expand=False))

    def quote(self, text: str, style: str = "bold") -> None:
        """The very words of a program."""
        self.show(Text(text, style=style, overflow="fold"))

    def verbatim(self, line: str) -> None:
        """A line to be copied: it is neither broken nor indented far."""
        self.console.print(f"  {line}", soft_wrap=True)

    def json(self, content: Mapping[str, Any], marked: Iterable[str]) -> None:
        """Pretty JSON; the lines of the fields in ``marked``, given by name, are set off."""
        keys = tuple(f'"{name}":' for name in marked)
        told = Table.grid(padding=(0, 1, 0, 0))
        told.add_column(width=1)
        told.add_column(overflow="fold")
        for line in json.dumps(content, indent=2, ensure_ascii=False).splitlines():
            is_marked = line.lstrip().startswith(keys)
            told.add_row(Text(">" if is_marked else "", "bold yellow"), Text(line, "bold" if is_marked else "dim"))
        self.show(told)

    def _print(self, what: RenderableType) -> None:
        if self.console.is_terminal:
            self.console.print(what)
            return
        with self.console.capture() as captured:
            self.console.print(what)
        for line in captured.get().splitlines():
            print(line.rstrip(), flush=True)


def table(*columns: str, numbers: Iterable[str] = ()) -> Table:
    """An empty table with these columns; those in ``numbers`` are set to the right."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    right = set(numbers)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made
