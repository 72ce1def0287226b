"""The redirect table: which Redirect serves which path, and what became of each Redirect. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leadergate_operator.model import Redirect, Unreadable


@dataclass(frozen=True, slots=True)
class Serving:
    """The Redirect is in the table."""

    redirect: Redirect


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another Redirect, named ``winner``, had the path first."""

    redirect: Redirect
    winner: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """The Redirect cannot be understood."""

    redirect: Unreadable


Outcome = Serving | Conflict | Invalid


@dataclass(frozen=True, slots=True)
class Table:
    """``routes`` by path, ``outcomes`` by the Redirect's name."""

    routes: Mapping[str, Redirect] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    def changed_since(self, earlier: Table) -> list[str]:
        """Names whose spec or fate differs from ``earlier``. A status written by anyone changes neither."""
        return [name for name, outcome in self.outcomes.items() if outcome != earlier.outcomes.get(name)]


def build(redirects: Iterable[Redirect | Unreadable]) -> Table:
    """Give each path to the oldest Redirect that asks for it; the name decides between equals.

    Every replica comes to the same table from the same Redirects, in whatever order it learned of them.
    """
    routes: dict[str, Redirect] = {}
    outcomes: dict[str, Outcome] = {}
    readable: list[Redirect] = []
    for redirect in redirects:
        if isinstance(redirect, Unreadable):
            outcomes[redirect.name] = Invalid(redirect)
        else:
            readable.append(redirect)
    for redirect in sorted(readable, key=lambda each: (each.created, each.name)):
        winner = routes.setdefault(redirect.path, redirect)
        outcomes[redirect.name] = Serving(redirect) if winner is redirect else Conflict(redirect, winner=winner.name)
    return Table(routes, outcomes)
