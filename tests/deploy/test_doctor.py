"""``leadergate doctor`` and ``gate list`` on an installation that runs: healthy, and with three things broken."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

from leadergate_lab.granted import may
from leadergate_lab.processes import wait_until

from .conftest import ACCOUNT, HELM_WAITS, LEASE, NAMESPACE, PATIENCE, RELEASE, Shop, Town


def leadergate(town: Town, *arguments: str, code: int) -> str:
    """Run the command from outside, as an administrator with this kubeconfig; returns what it printed."""
    argv = [sys.executable, "-m", "leadergate", *arguments, "--kubeconfig", str(town.village.admin_kubeconfig)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def found(town: Town, *, code: int) -> dict[str, dict[str, Any]]:
    """The doctor's findings by check; of several of one name the gravest."""
    findings = json.loads(leadergate(town, "doctor", "--output", "json", code=code))["findings"]
    order = ["right", "note", "unknown", "wrong"]
    return {one["check"]: one for one in sorted(findings, key=lambda one: order.index(one["level"]))}


def wrong(findings: dict[str, dict[str, Any]]) -> set[str]:
    """The checks that say that something is wrong."""
    return {name for name, one in findings.items() if one["level"] == "wrong"}


def test_healthy_and_with_three_things_broken(town: Town, shop: Shop) -> None:
    """Nothing is wrong after an installation by the book; each damage is found, and its remedy mends it."""
    town.install()
    shop.install_gate()
    shop.wait_denied()
    assert shop.leader.status(shop.docs, {"observedGeneration": 1}).ok
    healthy = found(town, code=0)
    assert wrong(healthy) == set()
    assert {healthy[name]["level"] for name in ("service", "tls", "ca-bundle", "rights", "priority", "holder")} == {
        "right"
    }
    table = leadergate(town, "gate", "list", "-o", "wide", code=0)
    assert all(text in table for text in (shop.gate_name, "enforce", "operator-0", "Fail", "ok"))

    town.kubectl("delete", "flowschema", RELEASE)
    town.kubectl("-n", shop.namespace, "delete", "rolebinding", shop.gate_name)
    town.kubectl("-n", NAMESPACE, "delete", "service", RELEASE)

    def may_read() -> bool:
        where = (town.cluster.api, "get", "coordination.k8s.io", "leases")
        return may(*where, user=ACCOUNT, namespace=shop.namespace, name=LEASE)

    wait_until(lambda: not may_read(), what="the API server has heard that this right is gone", timeout=PATIENCE)
    broken = found(town, code=1)
    assert wrong(broken) >= {"priority", "rights", "service"}
    for name in ("priority", "rights"):
        remedy = broken[name]["remedy"]
        shell = {"PATH": f"{sys.prefix}/bin:{town.village.plane.kubectl.parent}:/usr/bin:/bin"}
        shell["KUBECONFIG"], shell["HOME"] = str(town.village.admin_kubeconfig), str(town.village.folder)
        done = subprocess.run(["sh", "-ec", remedy], env=shell, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{shlex.quote(remedy)}: {done.stdout}{done.stderr}"
    town.helm("rollback", RELEASE, "1", "-n", NAMESPACE, *HELM_WAITS)
    town.village.wait_rollout(NAMESPACE, RELEASE)
    shop.wait_denied()
    assert wrong(found(town, code=0)) == set()
