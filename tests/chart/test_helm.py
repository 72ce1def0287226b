"""The Helm that these tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadergate_lab.helm import MODULE, MODULE_PATH, Helm


def test_it_is_the_pinned_one(helm: Helm) -> None:
    """And says so, to whoever reads its output."""
    told = helm.run("version", "--template", "{{ .Version }}")
    assert f"{MODULE_PATH} {told.stdout}" in (MODULE / "go.mod").read_text().replace(" // indirect", "").split("\n\t")


def test_it_knows_nothing_of_the_users_own(helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither their repositories nor their cluster."""
    monkeypatch.setenv("HELM_NAMESPACE", "theirs")
    monkeypatch.setenv("KUBECONFIG", "/theirs")
    other = Helm(helm.program, tmp_path)
    told = dict(line.split("=", 1) for line in other.run("env").stdout.splitlines())
    assert told["HELM_NAMESPACE"] == '"default"'
    assert told["HELM_CACHE_HOME"] == f'"{tmp_path / "cache"}"'
    assert told["HELM_DATA_HOME"] == f'"{tmp_path / "data"}"'
