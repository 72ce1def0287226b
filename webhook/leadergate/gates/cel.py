"""``matchConditions`` in CEL: whose writes the API server asks the webhook about."""

from __future__ import annotations

from collections.abc import Iterable

from leadergate.gates.spec import Account, Allowed


def conditions(only: tuple[Account, ...], allowed: Allowed) -> list[dict[str, str]]:
    """The API server asks about a write when every condition holds (admissionregistration.k8s.io/v1).

    An expression that fails is a refusal under ``failurePolicy: Fail``, so that none may stumble over what a review
    lacks: groups are optional.
    """
    found = []
    if only:
        names = _list(account.username for account in only)
        found.append({"name": "only-service-account", "expression": f"request.userInfo.username in {names}"})
    if allowed.users:
        expression = f"!(request.userInfo.username in {_list(allowed.users)})"
        found.append({"name": "allow-users", "expression": expression})
    if allowed.groups:
        named = f"request.userInfo.groups.exists(group, group in {_list(allowed.groups)})"
        found.append({"name": "allow-groups", "expression": f"!(has(request.userInfo.groups) && {named})"})
    return found


def literal(text: str) -> str:
    """A CEL string literal of any text, in printable ASCII alone (CEL language definition, "String and Bytes Values").

    ``text`` has no lone surrogates: CEL has no escape for them.
    """
    return f'"{"".join(map(_escaped, text))}"'


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if " " <= sign <= "~":
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"
