"""What a check has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INSTALLATION = "installation"
"""What a finding is about that is of no single gate."""


class Level(StrEnum):
    """How much it matters.

    ``right`` was looked at and is so; ``note`` works, and somebody should know; ``wrong`` does not do what the gate is
    there for, or soon will not; ``unknown`` could not be looked at.
    """

    RIGHT = "right"
    NOTE = "note"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what was found.

    ``check`` is the stable name of the check (docs/doctor.md lists them), ``about`` is a gate's name or
    ``INSTALLATION``, ``says`` a sentence for people, ``remedy`` what to do about it: a command where there is one.
    """

    level: Level
    check: str
    about: str
    says: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Refuse what would leave people alone with it."""
        if self.level is Level.WRONG and not self.remedy:
            raise ValueError(f"{self.check}: what is wrong needs a remedy")


def right(check: str, about: str, says: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.RIGHT, check, about, says)


def note(check: str, about: str, says: str, remedy: str = "") -> Finding:
    """It works, and somebody should know."""
    return Finding(Level.NOTE, check, about, says, remedy)


def wrong(check: str, about: str, says: str, remedy: str) -> Finding:
    """It must be mended."""
    return Finding(Level.WRONG, check, about, says, remedy)


def unknown(check: str, about: str, says: str, remedy: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(Level.UNKNOWN, check, about, says, remedy)
