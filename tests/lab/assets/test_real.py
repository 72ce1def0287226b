"""The binaries of this machine, whichever way they came here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from leadergate_lab.assets import ensure
from leadergate_lab.recipe import Recipe


@pytest.mark.timeout(3600)  # the first run on a machine builds them
def test_they_run_and_are_of_the_pinned_version() -> None:
    """Each starts and tells its version; those that we built tell the pinned one."""
    assets, recipe = ensure(), Recipe.read()
    calls: dict[str, list[str | Path]] = {
        recipe.etcd.removeprefix("v"): [assets.etcd, "--version"],
        f"Kubernetes {recipe.kubernetes}": [assets.kube_apiserver, "--version"],
        f"Client Version: {recipe.kubernetes}": [assets.kubectl, "version", "--client"],
    }
    for pinned, call in calls.items():
        told = subprocess.run(call, check=True, capture_output=True, text=True)
        assert "ersion" in told.stdout or "Kubernetes" in told.stdout
        if assets.source.startswith("the cache"):
            assert pinned in told.stdout
            assert told.stderr == ""
