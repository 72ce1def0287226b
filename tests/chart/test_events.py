"""Events about rejections: the setting and the right for it come and go together."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from leadergate_lab.helm import CHART, Helm

from .rendering import Manifest, attempt, by_key, must_be_same, rendered
from .serving import served

RIGHTS = CHART.parents[1] / "events" / "rbac.yaml"


def added(helm: Helm, values: dict[str, Any]) -> list[Manifest]:
    """The objects that these values add, without the labels of the release."""
    usual = by_key(rendered(helm, {}))
    more = [one for key, one in by_key(rendered(helm, values)).items() if key not in usual]
    for one in more:
        assert one["metadata"].pop("labels")["app.kubernetes.io/name"] == "leadergate"
    return more


def test_by_default_there_is_neither(helm: Helm) -> None:
    """No setting, and no right on Events anywhere."""
    made = rendered(helm, {})
    assert served(made).rejection_events is False
    assert not [one for one in made for rule in one.get("rules") or () if "events" in rule.get("resources", ())]


def test_in_namespaces_that_are_named(helm: Helm) -> None:
    """What the chart grants is what deploy/events ships, in each of them."""
    values = {"rejectionEvents": {"enabled": True, "namespaces": ["demo", "default"]}}
    assert served(rendered(helm, values)).rejection_events is True
    shipped = list(yaml.safe_load_all(RIGHTS.read_text()))
    there = [{**one, "metadata": {**one["metadata"], "namespace": "default"}} for one in shipped]
    must_be_same(added(helm, values), shipped + there)


def test_in_all_namespaces(helm: Helm) -> None:
    """Where none is named: the right to create Events, and no other."""
    role, binding = sorted(added(helm, {"rejectionEvents": {"enabled": True}}), key=lambda one: str(one["kind"]))
    assert (role["kind"], binding["kind"]) == ("ClusterRole", "ClusterRoleBinding")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "leadergate-events"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "namespace": "leadergate-system", "name": "leadergate"}]


def test_a_release_of_gates_alone_grants_nothing(helm: Helm) -> None:
    """The webhook's rights come with the webhook."""
    values = {
        "server": {"enabled": False},
        "rejectionEvents": {"enabled": True},
        "gates": [{"lease": "demo/lock", "resources": ["redirects.v1.demo.leadergate.dev"]}],
    }
    assert not [one for one in rendered(helm, values) if "events" in one["metadata"]["name"]]


@pytest.mark.parametrize("namespaces", [["Demo"], ["demo", "demo"], "demo", [""]])
def test_what_is_no_list_of_namespaces(helm: Helm, namespaces: Any) -> None:
    """It is refused with its name."""
    done = attempt(helm, {"rejectionEvents": {"enabled": True, "namespaces": namespaces}})
    assert done.returncode != 0
    assert "rejectionEvents" in done.stderr
