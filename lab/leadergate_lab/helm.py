"""A real Helm: the program that lab/helm pins, and calls of it that know nothing of the user's own Helm."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from leadergate_lab.errors import AssetError
from leadergate_lab.gotool import tool
from leadergate_lab.progress import Console, Report

MODULE = Path(__file__).parents[1] / "helm"
CHART = Path(__file__).parents[2] / "deploy" / "helm" / "leadergate"
MODULE_PATH = "helm.sh/helm/v4"


def binary(report: Report = Console()) -> Path:  # noqa: B008 - it has no state
    """The program, built if the cache lacks it. Raises AssetError."""
    pinned = re.search(rf"^\s*{re.escape(MODULE_PATH)} (v\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if pinned is None:
        raise AssetError(f"{MODULE / 'go.mod'} pins no {MODULE_PATH}. Restore it with git.")
    # Without it the program calls itself v4 and no more, in its output and to the API server.
    version = f"-X {MODULE_PATH}/internal/version.version={pinned.group(1)}"
    return tool("helm", f"{MODULE_PATH}/cmd/helm", MODULE, ldflags=f"-s -w {version}", report=report)


@dataclass(frozen=True, slots=True)
class Helm:
    """Helm as one user: ``home`` is where it keeps its files, ``kubeconfig`` the cluster, None for none."""

    program: Path
    home: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str | Path, stdin: str = "", timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run it with these arguments to its end, whatever that is. Raises TimeoutExpired after ``timeout`` seconds."""
        where = [] if self.kubeconfig is None else [f"--kubeconfig={self.kubeconfig}"]
        folders = {f"HELM_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return subprocess.run(
            [str(self.program), *map(str, arguments), *where],
            input=stdin,
            env={"HOME": str(self.home), **folders},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
