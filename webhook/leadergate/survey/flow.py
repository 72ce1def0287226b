"""Which FlowSchema takes an account's reads of Leases (Kubernetes documentation, "API Priority and Fairness")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadergate.gates.spec import Account
from leadergate.survey.parts import SeenFlow
from leadergate.survey.raw import mapping, mappings, metadata, number, text, texts

_GROUP, _RESOURCE, _VERB = "coordination.k8s.io", "leases", "get"
_PRECEDENCE = 1000
"""Of a FlowSchema that names none."""


def groups(account: Account) -> tuple[str, ...]:
    """The groups that the API server puts a service account in (apiserver: serviceaccount.MakeGroupNames)."""
    return "system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated"


def flow(schemas: Iterable[Mapping[str, Any]], account: Account, namespaces: Iterable[str]) -> SeenFlow | None:
    """What takes the account's ``get`` of a Lease: by lowest precedence, then by name. None when nothing does.

    Leases of several ``namespaces`` may be ranked differently: what is told is the last in the API server's order.
    """
    ordered = sorted((one for one in schemas if not _dangling(one)), key=_order)
    taken = [next((one for one in ordered if _takes(one, account, namespace)), None) for namespace in namespaces]
    found = [one for one in taken if one is not None]
    if not found or len(found) < len(taken):
        return None
    last = max(found, key=_order)
    level = text(mapping(mapping(last.get("spec")).get("priorityLevelConfiguration")).get("name"))
    return SeenFlow(text(metadata(last).get("name")), level)


def _order(schema: Mapping[str, Any]) -> tuple[int, str]:
    precedence = number(mapping(schema.get("spec")).get("matchingPrecedence"), _PRECEDENCE)
    return precedence, text(metadata(schema).get("name"))


def _dangling(schema: Mapping[str, Any]) -> bool:
    """Whether its priority level does not exist: the API server passes over it then."""
    conditions = mappings(mapping(schema.get("status")).get("conditions"))
    return any(one.get("type") == "Dangling" and one.get("status") == "True" for one in conditions)


def _takes(schema: Mapping[str, Any], account: Account, namespace: str) -> bool:
    return any(
        any(_is(subject, account) for subject in mappings(rule.get("subjects")))
        and any(_covers(one, namespace) for one in mappings(rule.get("resourceRules")))
        for rule in mappings(mapping(schema.get("spec")).get("rules"))
    )


def _is(subject: Mapping[str, Any], account: Account) -> bool:
    match subject.get("kind"):
        case "ServiceAccount":
            named = mapping(subject.get("serviceAccount"))
            return named.get("namespace") == account.namespace and named.get("name") in (account.name, "*")
        case "User":
            return mapping(subject.get("user")).get("name") in (account.username, "*")
        case "Group":
            return mapping(subject.get("group")).get("name") in (*groups(account), "*")
    return False


def _covers(rule: Mapping[str, Any], namespace: str) -> bool:
    wanted = {"verbs": _VERB, "apiGroups": _GROUP, "resources": _RESOURCE, "namespaces": namespace}
    return all({value, "*"} & set(texts(rule.get(field))) for field, value in wanted.items())
