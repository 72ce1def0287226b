"""What a gate names: accounts in CEL, namespaces in selectors, resources in rules."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate.gates.cel import conditions
from leadergate.gates.spec import Account, Allowed
from leadergate.survey.gates import Entry, Rule
from leadergate.survey.naming import accounts, namespaces, resources
from leadergate.survey.reading import VALIDATING, entries


def entry(**hook: Any) -> Entry:
    """An entry with these fields."""
    return entries(VALIDATING, {"webhooks": [hook]})[0]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('request.userInfo.username == "system:serviceaccount:shop:operator"', ["shop/operator"]),
        ("request.userInfo.username == 'system:serviceaccount:shop:operator.v1'", ["shop/operator.v1"]),
        ('u in ["system:serviceaccount:a:b", "system:serviceaccount:c:d"]', ["a/b", "c/d"]),
        (r'u == "system\u003aserviceaccount\x3aa\072b"', ["a/b"]),
        (r'u == "\U00000073ystem:serviceaccount:a:b"', ["a/b"]),
        (r'u != "a\"b" && u == "system:serviceaccount:a:b"', ["a/b"]),
        ('u == r"system:serviceaccount:a:b"', ["a/b"]),
        (r'u == r"system\u003aserviceaccount:a:b"', []),
        ('u == """system:serviceaccount:a:b"""', ["a/b"]),
        ("u == '''system:serviceaccount:a:b'''", ["a/b"]),
        ('u.startsWith("system:serviceaccount:a:")', []),
        ('u.startsWith("system:serviceaccount:a:oper")', []),
        ('u.matches( "system:serviceaccount:a:b")', []),
        ('u == "system:serviceaccount:A:b"', []),
        ('u == "system:serviceaccount:a:b c"', []),
        ('"not system:serviceaccount:a:b" == u', []),
        ('u == "system:serviceaccounts"', []),
        ("u == 'never closed", []),
        ("", []),
    ],
)
def test_accounts_in_conditions(expression: str, found: list[str]) -> None:
    """Whole user names in string literals, escaped or not; no parts of names."""
    named = accounts(entry(matchConditions=[{"name": "x", "expression": expression}]))
    assert [str(one) for one in named] == found


def test_accounts_of_rendered_conditions() -> None:
    """Those who are judged and those who are let through, each once."""
    made = conditions((Account("a", "b"),), Allowed((Account("c", "d").username, "ann", Account("a", "b").username)))
    assert accounts(entry(matchConditions=made)) == (Account("a", "b"), Account("c", "d"))


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        (None, ()),
        ({"matchLabels": {"kubernetes.io/metadata.name": "a"}}, ("a",)),
        ({"matchLabels": {"team": "a"}}, ()),
        (
            {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b", "a"]}]},
            ("a", "b"),
        ),
        ({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["a"]}]}, ()),
        ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]}, ()),
        ({"matchExpressions": [None, {"key": "kubernetes.io/metadata.name", "operator": "In"}]}, ()),
    ],
)
def test_namespaces_in_selectors(selector: Any, found: tuple[str, ...]) -> None:
    """Those that are asked for by name, not those left out."""
    assert namespaces(entry(namespaceSelector=selector)) == found


def test_resources_in_rules() -> None:
    """Each once, without subresource; wildcards but of the version name nothing."""
    one = Rule(("apps", ""), ("v1", "*"), ("deployments/status", "deployments", "*/status", "*"), ("UPDATE",), "*")
    every = Rule(("*",), ("v1",), ("pods/status",), ("UPDATE",), "*")
    rules = [
        {"apiGroups": list(rule.groups), "apiVersions": list(rule.versions), "resources": list(rule.resources)}
        for rule in (one, every)
    ]
    assert resources([entry(rules=rules), entry(rules=rules[:1])]) == (
        ("apps", "v1", "deployments"),
        ("apps", "*", "deployments"),
        ("", "v1", "deployments"),
        ("", "*", "deployments"),
    )
