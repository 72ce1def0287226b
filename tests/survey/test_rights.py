"""What the webhook's account must be allowed."""

from __future__ import annotations

from typing import Any

from leadergate.model import LeaseKey
from leadergate.survey.gates import Entry
from leadergate.survey.parts import Right
from leadergate.survey.reading import MUTATING, VALIDATING, entries
from leadergate.survey.rights import needed
from leadergate_certs.cluster import LABEL
from leadergate_lab.certs.rights import rights


def entry(kind: str, name: str, inject: str | None) -> Entry:
    """An entry of a configuration of that name."""
    about: dict[str, Any] = {"name": name, "labels": {LABEL: inject} if inject else {}}
    return entries(kind, {"metadata": about, "webhooks": [{}]})[0]


ENTRIES = [
    entry(VALIDATING, "a", "sys"),
    entry(VALIDATING, "a", "sys"),
    entry(MUTATING, "b", "sys"),
    entry(VALIDATING, "c", "elsewhere"),
    entry(VALIDATING, "d", None),
]


def test_without_a_secret() -> None:
    """Only the gates' Leases are read."""
    found = needed([LeaseKey("shop", "lock")], ENTRIES, "", "")
    assert [str(right) for right in found] == ["get leases.coordination.k8s.io/lock -n shop"]


def test_with_a_secret() -> None:
    """Just what the shipped manifests grant, and ``leadergate gate render``."""
    granted = {
        Right(verb, group, resource, manifest["metadata"].get("namespace", ""), name)
        for manifest in rights("sys", ["a"])
        for rule in manifest.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }
    assert set(needed([], ENTRIES[:1], "sys", "tls")) == granted


def test_each_labelled_configuration_is_patched() -> None:
    """Once, by its kind; those of other namespaces, and those without the label, are not."""
    found = needed([], ENTRIES, "sys", "tls")
    assert [str(right) for right in found if right.verb == "patch"] == [
        "patch validatingwebhookconfigurations.admissionregistration.k8s.io/a",
        "patch mutatingwebhookconfigurations.admissionregistration.k8s.io/b",
    ]
