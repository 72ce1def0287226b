"""The CustomResourceDefinitions of cert-manager and of the Prometheus operator, from the Go modules that pin them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from leadergate_lab import toolchain
from leadergate_lab.assets import cache_folder
from leadergate_lab.progress import Report

MODULE = Path(__file__).parents[2] / "lab" / "crds"
WANTED = {
    "github.com/cert-manager/cert-manager": (
        "deploy/crds/cert-manager.io_certificates.yaml",
        "deploy/crds/cert-manager.io_issuers.yaml",
    ),
    "github.com/prometheus-operator/prometheus-operator": (
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
    ),
}
NAMES = (
    "certificates.cert-manager.io",
    "issuers.cert-manager.io",
    "podmonitors.monitoring.coreos.com",
    "prometheusrules.monitoring.coreos.com",
    "servicemonitors.monitoring.coreos.com",
)


def definitions(report: Report) -> list[Path]:
    """Their files. Go downloads the modules once, and refuses what is not what go.sum says.

    Raises AssetError when there is no Go.
    """
    text = (MODULE / "go.mod").read_text()
    go = toolchain.find(_found(r"^go (\S+)$", text), cache_folder(), report)
    files: list[Path] = []
    for module, paths in WANTED.items():
        version = _found(rf"^\s*{re.escape(module)} (v\S+)", text)
        argv = [str(go.command), "mod", "download", "-json", f"{module}@{version}"]
        done = subprocess.run(argv, cwd=MODULE, env=go.env, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        folder = Path(json.loads(done.stdout)["Dir"])
        files += [folder / path for path in paths]
    return files


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    assert found is not None, f"{MODULE / 'go.mod'} has no {pattern}"
    return found.group(1)
