"""What a check has to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from leadergate.model import Gate, Mode

INSTALLATION = "installation"
"""What a finding is about that is of no single gate."""


NAMED = 5


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


def some(names: Sequence[str]) -> str:
    """Names in a sentence: of many the first, and how many more there are."""
    rest = len(names) - NAMED
    return ", ".join(names) if rest < 2 else f"{', '.join(names[:NAMED])} and {rest} others"


def denied(gate: Gate, whose: str) -> str:
    """Whose writes the gate turns away, or would if it enforced: ``every write is denied``."""
    enforces = gate.mode is Mode.ENFORCE
    return f"{whose} {('are' if whose == 'all' else 'is') if enforces else 'would be'} denied"


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
