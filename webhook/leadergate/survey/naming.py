"""What gates name beside their Leases: service accounts in CEL, namespaces in selectors, resources in rules."""

from __future__ import annotations

import re
from collections.abc import Iterable

from leadergate.gate import is_label, is_subdomain
from leadergate.gates.spec import Account
from leadergate.survey.gates import Entry
from leadergate.survey.raw import labels, mappings, text, texts

NAMESPACE = "kubernetes.io/metadata.name"
"""The label that the API server itself keeps on every namespace."""

# A string literal of CEL (language definition, "String and Bytes Values"); the forms with three quotes come first.
_LITERAL = re.compile(
    r'(?P<raw>[rR]?)(?:"""(?P<a>(?:[^\\]|\\.)*?)"""|'
    r"'''(?P<b>(?:[^\\]|\\.)*?)'''|"
    r'"(?P<c>(?:[^"\\\n]|\\.)*)"|'
    r"'(?P<d>(?:[^'\\\n]|\\.)*)')",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[xX]([0-9a-fA-F]{2})|([0-3][0-7]{2})|(.))", re.DOTALL)
_SIGNS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PREFIX = "system:serviceaccount:"
# What such a call is given is a part of a name, not a name.
_PARTIAL = re.compile(r"\.(startsWith|endsWith|contains|matches)\(\s*$")


def accounts(entry: Entry) -> tuple[Account, ...]:
    """The service accounts whose user names stand whole in the entry's conditions, each once, in their order."""
    found = (_account(literal) for _, expression in entry.conditions for literal in _literals(expression))
    return tuple(dict.fromkeys(account for account in found if account is not None))


def namespaces(entry: Entry) -> tuple[str, ...]:
    """The namespaces that the entry's selector asks for by name.

    One that is only left out is not among them: it need not exist.
    """
    selector = entry.namespace_selector
    found = [labels(selector.get("matchLabels")).get(NAMESPACE, "")]
    for one in mappings(selector.get("matchExpressions")):
        if one.get("key") == NAMESPACE and one.get("operator") == "In":
            found += texts(one.get("values"))
    return tuple(dict.fromkeys(filter(None, map(text, found))))


def resources(found: Iterable[Entry]) -> tuple[tuple[str, str, str], ...]:
    """What the entries' rules name, as (group, version, resource) without subresource; the version may be ``*``.

    A rule with any other wildcard names nothing that could be asked about.
    """
    named = (
        (group, version, resource.partition("/")[0])
        for entry in found
        for rule in entry.rules
        for group in rule.groups
        for version in rule.versions
        for resource in rule.resources
    )
    return tuple(dict.fromkeys(one for one in named if "*" not in (one[0], one[2])))


def _account(literal: str) -> Account | None:
    if not literal.startswith(_PREFIX):
        return None
    namespace, _, name = literal.removeprefix(_PREFIX).partition(":")
    return Account(namespace, name) if is_label(namespace) and is_subdomain(name) else None


def _literals(expression: str) -> list[str]:
    found = []
    for match in _LITERAL.finditer(expression):
        if _PARTIAL.search(expression[: match.start()]):
            continue
        content = next(part for part in match.group("a", "b", "c", "d") if part is not None)
        found.append(content if match["raw"] else _ESCAPE.sub(_sign, content))
    return found


def _sign(match: re.Match[str]) -> str:
    short, long, byte, octal, other = match.groups()
    if other is not None:
        return _SIGNS.get(other, other)
    code = int(octal, 8) if octal is not None else int(short or long or byte, 16)
    return chr(code) if code <= 0x10FFFF else ""
