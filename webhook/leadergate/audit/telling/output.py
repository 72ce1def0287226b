"""The forms in which records are printed. Pure."""

from __future__ import annotations

from enum import StrEnum


class Output(StrEnum):
    """How records are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
