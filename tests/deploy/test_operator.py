"""The sample operator in its sidecar form, as it is shipped, under an installed gate."""

from __future__ import annotations

from leadergate_lab.processes import wait_until

from .conftest import CONFIGURATIONS, DEPLOY, PATIENCE, Town

DEMO = "/apis/demo.leadergate.dev/v1/namespaces/demo/redirects/docs"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/demo/leases/operator-lock"
GATE = "redirect-status.leadergate.dev"


def test_it_runs_as_shipped(town: Town) -> None:
    """Three replicas become ready; the holder's status is kept, and after its Pod is deleted another one's is."""
    town.install("--set", "replicas=1")
    operator = DEPLOY / "operator"
    for name in ("rbac.yaml", "gate.yaml", "sidecar.yaml"):
        town.kubectl("apply", "--server-side", "-f", operator / name)

    def holder() -> str:
        return str(town.cluster.get(LEASE)["spec"].get("holderIdentity") or "")

    town.village.wait_rollout("demo", "redirect-operator")
    # Who is rejected before there is a holder may become it.
    wait_until(lambda: town.cluster.exists(LEASE) and holder() != "", what="a leader", timeout=PATIENCE)
    spec = {"path": "/docs", "target": "https://example.org/docs"}
    metadata = {"namespace": "demo", "name": "docs"}
    town.cluster.apply({"apiVersion": "demo.leadergate.dev/v1", "kind": "Redirect", "metadata": metadata, "spec": spec})

    def writer() -> str:
        return str(town.cluster.get(DEMO).get("status", {}).get("writtenBy", ""))

    def denied() -> set[str]:
        denials = [record for record in town.records() if record["verdict"] == "Deny"]
        return {record["requester"]["pod"] for record in denials if record["gate"] == "demo/operator-lock"}

    wait_until(lambda: writer() not in ("", None), what="a status is written", timeout=PATIENCE)
    wait_until(
        lambda: len(denied()) == 2, what=f"both followers were rejected\n{town.logs()[-2000:]}", timeout=PATIENCE
    )
    first = holder()
    assert writer() == first
    assert first not in denied()
    town.kubectl("-n", "demo", "delete", "pod", first)
    wait_until(lambda: holder() not in ("", first) and writer() == holder(), what="a takeover", timeout=PATIENCE)
    town.village.wait_rollout("demo", "redirect-operator")  # one that is still starting ends by SIGTERM itself
    pods = [pod["metadata"]["name"] for pod in town.village.pods("demo")]
    town.kubectl("-n", "demo", "scale", "deployment", "redirect-operator", "--replicas=0")
    wait_until(lambda: not town.village.pods("demo"), what="its Pods are gone", timeout=PATIENCE)
    for name in ("operator", "elect"):
        ends = {pod: town.village.node.pod("demo", pod).exit_codes(name)[-1:] for pod in pods}
        assert set(map(tuple, ends.values())) == {(0,)}, f"{name} ended otherwise than in order: {ends}"
    town.cluster.call("DELETE", f"{CONFIGURATIONS}/{GATE}")
    town.kubectl("delete", "namespace", "demo", "--wait=false")
