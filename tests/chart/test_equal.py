"""The chart and the kustomize folders apply the same: whoever mends one must mend the other."""

from __future__ import annotations

import copy

import pytest

from leadergate_lab.assets import Assets
from leadergate_lab.helm import CHART, Helm

from .rendering import HELMS_OWN, Manifest, by_key, differences, is_hook, kustomized, must_be_same, rendered

PAIRS = {
    "base": "base",
    "dev": "overlays/dev",
    "ha": "overlays/ha",
    "cert-manager": "overlays/cert-manager",
}


def of_helm(helm: Helm, values: str) -> list[Manifest]:
    """The chart's objects, less what only Helm has: its hooks, and labels that name it."""
    made = [one for one in rendered(helm, CHART / "ci" / f"{values}-values.yaml") if not is_hook(one)]
    for one in made:
        for label in HELMS_OWN:
            one["metadata"]["labels"].pop(label)
    return made


def of_kustomize(assets: Assets, folder: str) -> list[Manifest]:
    """The folder's objects but its Namespace: Helm makes one itself, with --create-namespace."""
    made = kustomized(assets.kubectl, folder)
    assert any(one["kind"] == "Namespace" for one in made)
    return [one for one in made if one["kind"] != "Namespace"]


@pytest.mark.parametrize(("values", "folder"), PAIRS.items())
def test_chart_and_kustomize_apply_the_same(helm: Helm, assets: Assets, values: str, folder: str) -> None:
    """Object by object, the whole of each; Helm's are on the left."""
    left, right = of_helm(helm, values), of_kustomize(assets, folder)
    assert len(left) >= 8
    must_be_same(left, right)


def test_every_folder_and_values_file_has_its_other(helm: Helm) -> None:
    """None was added to one side alone."""
    overlays = CHART.parents[1] / "kustomize" / "overlays"
    assert {f"overlays/{one.name}" for one in overlays.iterdir()} | {"base"} == set(PAIRS.values())
    assert {one.name.removesuffix("-values.yaml") for one in (CHART / "ci").iterdir()} == set(PAIRS)


def test_a_difference_is_shown_with_its_place(helm: Helm) -> None:
    """A value that differs, and an object that one side lacks: the object is named, and the lines."""
    left = of_helm(helm, "base")
    right = copy.deepcopy(left)
    by_key(right)["Deployment", "leadergate-system", "leadergate"]["spec"]["replicas"] = 3
    right = [one for one in right if one["kind"] != "FlowSchema"]
    found = differences(left, right).splitlines()
    assert "--- Deployment/leadergate-system/leadergate (left)" in found
    assert "-  replicas: 2" in found
    assert "+  replicas: 3" in found
    assert "-  matchingPrecedence: 90" in found
    assert differences(left, copy.deepcopy(left)) == ""
