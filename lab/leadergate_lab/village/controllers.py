"""kube-controller-manager, for the controllers that stand between a Deployment and its ready endpoints."""

from __future__ import annotations

from pathlib import Path

from leadergate_lab.gotool import tool
from leadergate_lab.progress import Console, Report
from leadergate_lab.recipe import Recipe

MODULE = Path(__file__).parent / "controllermanager"
"""Where the go.mod stands that pins it: at the versions of the control plane's, with what else it needs."""

CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "endpointslice-controller",
    "disruption-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
)


def binary(report: Report = Console()) -> Path:  # noqa: B008 - it has no state
    """The program; it is built once, which takes minutes. Raises AssetError."""
    package = "k8s.io/kubernetes/cmd/kube-controller-manager"
    return tool("kube-controller-manager", package, MODULE, ldflags=Recipe.read().ldflags, report=report)


def flags(kubeconfig: Path, authority: Path) -> list[str]:
    """How it is run: alone, so without an election, and quicker than a large cluster would bear."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--root-ca-file={authority}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]
