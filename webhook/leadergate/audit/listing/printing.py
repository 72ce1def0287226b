"""Records on standard output, in the form that was asked for, as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Protocol

import typer

from leadergate.audit.listing.rows import COLOURS, COLUMNS, HEADS, SHRINK, SPARE, Row, cells, csv_row
from leadergate.audit.telling.output import Output
from leadergate.audit.telling.plain_text import printable_json
from leadergate.audit.telling.table import Table, left_out, table
from leadergate.survey.command import colour, columns

_MEASURED = 1000
"""Rows by which the table's columns are measured."""


class Printer(Protocol):
    """Prints batches of records. :meth:`end` is called once, after the last one."""

    def show(self, rows: Iterable[Row]) -> None:
        """Print some more records."""
        ...

    def end(self) -> None:
        """Print what closes the form."""
        ...


def printer(output: Output) -> Printer:
    """One for the form; its head goes out with the first batch."""
    made: dict[Output, type[Printer]] = {
        Output.TABLE: _Table,
        Output.JSON: _Json,
        Output.JSONL: _Lines,
        Output.CSV: _Csv,
    }
    return made[output]()


class _Table:
    def __init__(self) -> None:
        self._table: Table | None = None
        self._width = columns(otherwise=0) or None
        self._colour = colour()

    def show(self, rows: Iterable[Row]) -> None:
        lines: Iterator[tuple[Row, tuple[str, ...]]] = ((one, cells(one)) for one in rows)
        made = self._table
        if made is None:
            first = list(islice(lines, _MEASURED))
            if not first:
                return
            measured = [line for _, line in first]
            made = self._table = table(HEADS, measured, fit=self._width, shrink=SHRINK, spare=SPARE)
            typer.secho(made.line(HEADS), bold=True, color=self._colour)
            lines = chain(first, lines)
        for one, line in lines:
            bold = one["standing"] == "former-holder" or None
            typer.secho(made.line(line), fg=COLOURS.get(one["standing"]), bold=bold, color=self._colour)

    def end(self) -> None:
        if self._table is not None and (told := left_out(self._table, self._width)):
            typer.echo(f"{told}: -o csv has all")


class _Lines:
    def show(self, rows: Iterable[Row]) -> None:
        for one in rows:
            typer.echo(printable_json(one["raw"]))

    def end(self) -> None:
        return


class _Json:
    """An array, of which no more than one record is held."""

    def __init__(self) -> None:
        self._before = "[\n"

    def show(self, rows: Iterable[Row]) -> None:
        for one in rows:
            typer.echo(f"{self._before}{printable_json(one['raw'])}", nl=False)
            self._before = ",\n"

    def end(self) -> None:
        typer.echo("[]" if self._before == "[\n" else "\n]")


class _Csv:
    def __init__(self) -> None:
        self._begun = False

    def show(self, rows: Iterable[Row]) -> None:
        if not self._begun:
            self._begun = True
            typer.echo(csv_row(COLUMNS), nl=False)
        for one in rows:
            typer.echo(csv_row(one[name] for name in COLUMNS), nl=False)

    def end(self) -> None:
        if not self._begun:
            self.show(())
