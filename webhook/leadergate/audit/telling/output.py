"""The forms in which records are printed. Pure."""

from __future__ import annotations

from enum import StrEnum


class Output(StrEnum):
    """How records are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"

    @property
    def raw(self) -> bool:
        """Whether the record's own JSON is printed."""
        return self in (Output.JSON, Output.JSONL)
