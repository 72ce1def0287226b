"""Which FlowSchema takes the webhook's reads of Leases."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate.gates.spec import Account
from leadergate.survey.flow import flow
from leadergate.survey.parts import SeenFlow

ACCOUNT = Account("leadergate-system", "leadergate")


def account(namespace: str, name: str) -> dict[str, Any]:
    """A subject."""
    return {"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": name}}


def group(name: str) -> dict[str, Any]:
    """A subject."""
    return {"kind": "Group", "group": {"name": name}}


def user(name: str) -> dict[str, Any]:
    """A subject."""
    return {"kind": "User", "user": {"name": name}}


def schema(name: str, precedence: int, subject: dict[str, Any], **rule: list[str]) -> dict[str, Any]:
    """A FlowSchema whose priority level is named after it."""
    every = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    return {
        "metadata": {"name": name},
        "spec": {
            "matchingPrecedence": precedence,
            "priorityLevelConfiguration": {"name": f"level-{name}"},
            "rules": [{"subjects": [subject], "resourceRules": [{**every, **rule}]}],
        },
    }


USUAL = schema("service-accounts", 9000, group("system:serviceaccounts"))
OURS = account("leadergate-system", "leadergate")


def taken(*schemas: dict[str, Any], namespaces: tuple[str, ...] = ("shop",)) -> str | None:
    """The name of what takes the read."""
    found = flow(schemas, ACCOUNT, namespaces)
    return found.schema if found else None


@pytest.mark.parametrize(
    "subject",
    [
        OURS,
        account("leadergate-system", "*"),
        user("system:serviceaccount:leadergate-system:leadergate"),
        user("*"),
        group("system:serviceaccounts:leadergate-system"),
        group("system:authenticated"),
        group("*"),
    ],
)
def test_subjects_that_are_the_account(subject: dict[str, Any]) -> None:
    """By its name, its groups, or everybody."""
    assert flow([USUAL, schema("x", 90, subject)], ACCOUNT, ["shop"]) == SeenFlow("x", "level-x")


@pytest.mark.parametrize(
    "subject",
    [
        account("leadergate-system", "other"),
        account("other", "leadergate"),
        account("other", "*"),
        user("leadergate"),
        group("system:unauthenticated"),
        {"kind": "ServiceAccount"},
        {"kind": "Other"},
        {},
    ],
)
def test_subjects_that_are_somebody_else(subject: dict[str, Any]) -> None:
    """They take nothing from what is usual."""
    assert taken(USUAL, schema("x", 90, subject)) == "service-accounts"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            {"verbs": ["get"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "namespaces": ["shop"]},
            "x",
        ),
        ({"verbs": ["list"]}, "service-accounts"),
        ({"apiGroups": [""]}, "service-accounts"),
        ({"resources": ["leases/status"]}, "service-accounts"),
        ({"namespaces": ["other"]}, "service-accounts"),
        ({"namespaces": []}, "service-accounts"),
    ],
)
def test_rules_that_cover_a_read_of_a_lease(rule: dict[str, list[str]], expected: str) -> None:
    """Verb, group, resource and namespace all count."""
    assert taken(USUAL, schema("x", 90, OURS, **rule)) == expected


def test_the_api_servers_order() -> None:
    """The lowest precedence first, then by name; 1000 when there is none."""
    a, b, first = schema("a", 90, OURS), schema("b", 90, OURS), schema("z", 89, OURS)
    assert taken(USUAL, b, a) == "a"
    assert taken(b, a, first) == "z"
    del a["spec"]["matchingPrecedence"]
    assert taken(a, schema("c", 999, OURS)) == "c"
    assert taken(a, schema("c", 1001, OURS)) == "a"


def test_a_schema_without_its_level_is_passed_over() -> None:
    """The API server does so, too, and says Dangling."""
    dangling = {**schema("x", 90, OURS), "status": {"conditions": [{"type": "Dangling", "status": "True"}]}}
    assert taken(USUAL, dangling) == "service-accounts"
    dangling["status"]["conditions"][0]["status"] = "False"
    assert taken(USUAL, dangling) == "x"


def test_leases_of_several_namespaces() -> None:
    """What is told is what comes last among them, and nothing if one of them is taken by nothing."""
    one = schema("one", 90, OURS, namespaces=["a"])
    assert taken(USUAL, one, namespaces=("a",)) == "one"
    assert taken(USUAL, one, namespaces=("a", "b")) == "service-accounts"
    assert taken(one, namespaces=("a", "b")) is None
    assert taken({}, {"spec": {"rules": [None, {}]}}) is None
