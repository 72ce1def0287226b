"""Rendered and applied again and again, as a GitOps tool does it: the second time there is nothing to do."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import pytest
import yaml

from leadergate_lab.helm import CHART

from .conftest import Site

HERE, NAME = "gitops", "gitops-leadergate"
LEASE = {"lease": "demo/gitops", "resources": ["redirects.v1.demo.leadergate.dev"]}
GATES = {
    "server": {"enabled": False},
    "webhookRef": {"namespace": HERE, "service": NAME, "serviceAccount": NAME},
    "gates": [LEASE],
}


def template(site: Site, name: str, values: dict[str, object]) -> str:
    """What ``helm template`` prints, without the Pod of ``helm test``, which is not to be applied."""
    argv = ("template", name, CHART, "--namespace", HERE, "--skip-tests", "--values", "-")
    done = site.helm.run(*argv, stdin=yaml.safe_dump(values))
    assert done.returncode == 0, done.stderr
    assert "kind: Pod\n" not in done.stdout
    return done.stdout


@cache
def render() -> str:
    """What ``leadergate gate render`` prints for a gate of its own."""
    argv = [sys.executable, "-m", "leadergate", "gate", "render", "--offline", "--lease", "demo/rendered"]
    argv += ["--resource", LEASE["resources"][0], "--service", f"{HERE}/{NAME}", "--account", f"{HERE}/{NAME}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout


def inject(site: Site) -> None:
    """Put caBundles in, as the webhook does it."""
    argv = [sys.executable, "-m", "leadergate", "certs", "inject", "--ca-file", str(site.plane.ca_file)]
    argv += ["--kubeconfig", str(site.plane.admin_kubeconfig)]
    for name in ("gitops.demo.leadergate.dev", "rendered.demo.leadergate.dev"):
        subprocess.run([*argv, "--name", name], capture_output=True, check=True, timeout=60)


@pytest.mark.parametrize(
    ("flags", "server"), [(["--server-side"], True), ([], False)], ids=["server-side", "client-side"]
)
def test_there_is_nothing_to_do_the_second_time(site: Site, flags: list[str], server: bool) -> None:
    """Neither for the server nor for gates of the chart or of the command, also when caBundles are there."""
    for namespace in (HERE, "demo"):
        site.cluster.namespace(namespace)
    parts = [template(site, "gates", GATES), render(), *([template(site, HERE, {})] if server else [])]
    whole = "\n---\n".join(parts)
    for time in ("first", "second"):
        applied = site.kubectl("apply", *flags, "-f", "-", stdin=whole)
        assert (applied.returncode, applied.stderr) == (0, ""), time
        if time == "first":
            inject(site)
    diff = site.kubectl("diff", *flags, "-f", "-", stdin=whole)
    assert (diff.returncode, diff.stdout) == (0, ""), diff.stderr
    assert site.kubectl("diff", *flags, "-f", "-", stdin=parts[1].replace("/audit/", "/warn/")).returncode == 1
    assert "caBundle" in site.kubectl("get", "validatingwebhookconfigurations", "-o", "yaml").stdout
    gone = site.kubectl("delete", "-f", "-", stdin=whole)
    assert gone.returncode == 0, gone.stderr
