"""A rolling restart of the installed Deployment, as it is shipped, under status writes without pause."""

from __future__ import annotations

from leadergate_lab.helm import CHART

from .conftest import HELM_WAITS, NAMESPACE, RELEASE, Shop, Town


def test_no_write_fails(town: Town, shop: Shop) -> None:
    """Both replicas are replaced, one after the other, each leaves in order, and every write is admitted."""
    town.make_namespace()
    town.helm("install", RELEASE, CHART, "-n", NAMESPACE, *HELM_WAITS)
    shop.install_gate()
    shop.wait_denied()
    before = [pod["metadata"]["name"] for pod in town.webhooks()]
    with shop.load(per_second=80.0) as load:
        load.wait_admitted(80)
        town.kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/leadergate")
        town.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/leadergate", "--timeout=100s")
        town.village.wait_rollout(NAMESPACE, "leadergate", timeout=100)
        load.wait_admitted(80)
    assert not load.failures, load.told()
    after = [pod["metadata"]["name"] for pod in town.webhooks()]
    assert len(after) == 2
    assert not set(before) & set(after)
    for name in before:
        logs = town.village.node.pod(NAMESPACE, name)
        assert logs.exit_codes("webhook") == [0]
        assert '"leaving"' in logs.stderr("webhook").read_text()
