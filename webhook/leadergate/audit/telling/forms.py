"""The forms in which the timeline and an explanation are told. Pure."""

from __future__ import annotations

from enum import StrEnum


class Telling(StrEnum):
    """For people, or for programs."""

    TEXT = "text"
    JSON = "json"
