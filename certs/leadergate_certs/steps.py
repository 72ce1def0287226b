"""The steps of a rotation, as values: what :func:`leadergate_certs.rotation.next_step` names, and the loop makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadergate_certs.names import ServingNames
from leadergate_certs.state import TrustedAuthority


@dataclass(frozen=True)
class MakeFirst:
    """Make an authority and a pair from nothing."""


@dataclass(frozen=True)
class MakeAuthority:
    """Make the next authority."""

    why: str


@dataclass(frozen=True)
class MarkTrusted:
    """Write down that the newest authority is in every bundle ``since`` now, or is not any more (None)."""

    since: datetime | None


@dataclass(frozen=True)
class IssueLeaf:
    """Issue a new pair, signed by ``authority``."""

    authority: TrustedAuthority
    names: ServingNames
    why: str


@dataclass(frozen=True)
class DropAuthority:
    """Trust this authority no longer."""

    authority: TrustedAuthority
    why: str


@dataclass(frozen=True)
class Inject:
    """Write the bundles of these configurations."""

    configurations: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """Look at what the endpoints serve, and ask again."""


@dataclass(frozen=True)
class Wait:
    """Nothing can be done before ``until``, or before something changes."""

    until: datetime
    why: str


Change = MakeFirst | MakeAuthority | MarkTrusted | IssueLeaf | DropAuthority
Step = Change | Inject | Look | Wait
