"""``matchConditions``, read as far as ``leadergate gate render`` writes them, and by ``==`` and ``!=`` of one user."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadergate.gates.spec import Account
from leadergate.survey.gates import Entry

_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_LIST = rf"\[\s*((?:{_TEXT}\s*,?\s*)*)\]"
_WHO = r"\s*request\.userInfo\.username\s*"
_ONLY = re.compile(rf"{_WHO}\bin\s+{_LIST}\s*|{_WHO}==\s*({_TEXT})\s*")
_USERS = re.compile(rf"\s*!\s*\({_WHO}\bin\s+{_LIST}\s*\)\s*|{_WHO}!=\s*({_TEXT})\s*")
_GROUPS = re.compile(rf".*groups\.exists\(\s*\w+\s*,\s*\w+\s+in\s+{_LIST}\s*\).*", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_ACCOUNT = re.compile(r"system:serviceaccount:([a-z0-9]([-a-z0-9]*[a-z0-9])?):([a-z0-9]([-.a-z0-9]*[a-z0-9])?)")


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom the conditions of one entry speak of.

    ``only`` are the users that are judged, None for everybody; ``users`` and ``groups`` write unjudged. ``never`` are
    conditions that no write meets, and ``unread`` the expressions that say something else.
    """

    only: tuple[str, ...] | None
    users: tuple[str, ...]
    groups: tuple[str, ...]
    never: tuple[str, ...]
    unread: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[Account, ...]:
        """The service accounts among those that alone are judged."""
        return tuple(account for name in self.only or () if (account := _account(name)) is not None)


def subjects(entry: Entry) -> Subjects:
    """Read the conditions. All of them must hold, so that ``only`` is what every such condition names."""
    only: tuple[str, ...] | None = None
    users: list[str] = []
    groups: list[str] = []
    never: list[str] = []
    unread: list[str] = []
    for name, expression in entry.conditions:
        if found := _ONLY.fullmatch(expression):
            names = _texts(found[1] if found[2] is None else found[2])
            only = names if only is None else tuple(one for one in only if one in names)
        elif found := _USERS.fullmatch(expression):
            users += _texts(found[1] if found[2] is None else found[2])
        elif expression.lstrip().startswith("!") and (found := _GROUPS.fullmatch(expression)):
            groups += _texts(found[1])
        elif expression.strip() == "false":
            never.append(name)
        else:
            unread.append(expression)
    return Subjects(only, tuple(users), tuple(groups), tuple(never), tuple(unread))


def _account(username: str) -> Account | None:
    found = _ACCOUNT.fullmatch(username)
    return Account(found[1], found[3]) if found else None


def _texts(listed: str) -> tuple[str, ...]:
    return tuple(_ESCAPE.sub(_sign, text[1:-1]) for text in re.findall(_TEXT, listed))


def _sign(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) > 1 else escape
