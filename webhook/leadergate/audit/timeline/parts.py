"""What a timeline is made of: requesters, counts of their rejections, and the time that is shown. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from leadergate.audit.holders.bands import Shown


class Kind(StrEnum):
    """How much a rejection matters, first those that matter most."""

    FORMER_HOLDER = "former-holder"
    STRANGER = "stranger"
    CANNOT_TELL = "cannot-tell"
    NO_HOLDER = "no-holder"
    OTHER = "other"
    ROUTINE = "routine"


class Who(NamedTuple):
    """A requester: its pod where it proved one, else its account, else its user name."""

    namespace: str | None
    account: str | None
    pod: str | None
    username: str
    node: str | None = None

    @property
    def text(self) -> str:
        """It in words. Not yet fit for a terminal."""
        if self.pod:
            return f"{self.namespace}/{self.pod}"
        if self.account:
            return f"account {self.namespace}/{self.account}"
        return f"user {self.username}"

    def is_named_by(self, holder: str) -> bool:
        """Whether a holder identity is this pod's name, or its node's, up to a ``_``."""
        return holder.partition("_")[0] in (self.pod, self.node)

    def may_be_named_by(self, holder: str) -> bool:
        """The same for gates with a suffix or random characters, which a record does not tell: it may be another's."""
        return any(name and holder.startswith(f"{name}-") for name in (self.pod, self.node))


class Count(NamedTuple):
    """So many rejections of one requester, kind and column of the picture."""

    gate: str
    kind: Kind
    who: Who
    column: int
    rejections: int
    first: datetime
    last: datetime


class Late(NamedTuple):
    """What a former holder wrote under somebody else's reign, or in a gap (``shown`` is not ``held``)."""

    gate: str
    reign: tuple[str, datetime | None, int | None]
    shown: Shown
    who: Who
    writes: int
    first: datetime
    last: datetime
    objects: int
    most: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """The time that is shown, cut into columns."""

    begin: datetime
    end: datetime
    columns: int

    @property
    def step(self) -> timedelta:
        """The time of one column."""
        return (self.end - self.begin) / self.columns

    def column(self, moment: datetime) -> int:
        """In which column a moment stands, the nearest one for those beyond the ends."""
        if self.end <= self.begin:
            return 0
        return max(0, min(self.columns - 1, int((moment - self.begin) / self.step)))


@dataclass(slots=True)
class Row:
    """The rejections of one kind and requester (None: of all routine ones), by column."""

    kind: Kind
    who: Who | None
    first: datetime
    last: datetime
    rejections: int = 0
    columns: dict[int, int] = field(default_factory=dict)
