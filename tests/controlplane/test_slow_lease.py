"""A Lease whose reads hang holds up nobody but its own gate."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from leadergate_lab.controlplane import ControlPlane
from leadergate_lab.webhook import WebhookProcess

from .team import gathered, serving


@pytest.fixture
def hanging_authorizer(tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig for an authorization webhook that takes every question and answers none."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        port = server.getsockname()[1]
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "hanging", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "hanging", "context": {"cluster": "hanging", "user": "nobody"}}],
            "current-context": "hanging",
        }
        path = tmp_path / "authorizer.kubeconfig"
        path.write_text(yaml.safe_dump(content))
        yield path


@pytest.fixture
def webhook_with_a_slow_lease(spare_plane: ControlPlane, hanging_authorizer: Path) -> Iterator[WebhookProcess]:
    """Its API server asks the hanging authorizer about every Lease that RBAC does not grant."""
    server = spare_plane.add_apiserver(
        flags=[
            "--authorization-mode=Webhook",  # one more, after the usual ones
            f"--authorization-webhook-config-file={hanging_authorizer}",
            "--authorization-webhook-version=v1",
        ]
    )
    with serving(spare_plane, "slow-webhook", server=server.url) as webhook:
        yield webhook
    server.kill()


def test_one_slow_lease_delays_no_other_gate(
    spare_plane: ControlPlane, webhook_with_a_slow_lease: WebhookProcess
) -> None:
    """While a write waits for a Lease that hangs, those under another Lease are judged; then it fails on its own."""
    webhook = webhook_with_a_slow_lease
    with gathered(spare_plane, webhook) as slow, gathered(spare_plane, webhook) as swift, ThreadPoolExecutor() as pool:
        slow.cluster.set_lease(slow.namespace, "ungranted", "operator-0")
        swift.gate()
        hanging = pool.submit(slow.gate, lease="ungranted", timeoutSeconds=6)
        webhook.process.wait_until(lambda: webhook.metric("leadergate_in_flight") > 0, what="a read hangs", timeout=30)
        for number in range(5):
            assert swift.leader.status(swift.note, {"text": str(number)}).ok
            assert swift.follower.status(swift.note, {"text": "mine"}).cause == "NotHolder"
        assert not hanging.done()
        assert slow.records() == []
        hanging.result()
        assert slow.records()
        assert swift.text() == "4"
