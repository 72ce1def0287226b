"""Who serves what is looked at before an authority is dropped."""

from __future__ import annotations

import json
from collections.abc import Callable

from leadergate_certs.state import Phase, Request
from leadergate_lab.certs.stage import CertStage
from leadergate_lab.processes import wait_until

from .test_commands import run

SERVICE = "gate"


def endpoints(stage: CertStage, **ready: bool) -> None:
    """Give the Service these addresses of this machine, at a port where nobody listens.

    EndpointSlices take no loopback address; they take one for a name.
    """
    metadata = {"namespace": stage.namespace, "name": SERVICE}
    stage.cluster.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 443}]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": SERVICE}},
            "addressType": "FQDN",
            "ports": [{"name": "https", "port": 1}],
            "endpoints": [
                {"addresses": [f"127.0.2.{number.removeprefix('n')}"], "conditions": {"ready": so}}
                for number, so in ready.items()
            ],
        },
    )


def test_endpoints_of_a_service_are_found(lasting: CertStage) -> None:
    """By its EndpointSlices; that one cannot be reached is a note."""
    endpoints(lasting, n1=True, n2=False)
    ended = run(lasting, "show", "--service", SERVICE, "--dial-pods", "--output", "json")
    report = json.loads(ended.stdout)
    assert [line["what"] for line in report["endpoints"]] == ["127.0.2.1:1", "127.0.2.2:1 (not ready)"]
    assert "127.0.2.1:1 was not reached from here" in report["notes"]


def test_endpoints_of_a_service_are_waited_for(set_up: Callable[..., CertStage]) -> None:
    """One that is ready and does not answer might still serve the old leaf; one that is not ready is sent nobody."""
    stage = set_up(service=SERVICE)
    endpoints(stage, n1=True, n2=False)
    stage.start()
    stage.gate()
    stage.ask(Request.CA)
    stage.wait_state(lambda state: state.switched and len(state.authorities) == 2, what="the new leaf is issued")
    logs = [replica.process.stderr_path for replica in stage.replicas]
    waiting = "not known to serve the new pair: 127.0.2.1:1"
    wait_until(lambda: any(waiting in log.read_text() for log in logs), what="it is waited for", timeout=30)
    endpoints(stage, n2=False)
    stage.wait_state(lambda state: state.phase is Phase.STEADY, what="the old authority is dropped")


def test_a_replica_that_cannot_be_asked_keeps_the_old_authority(lasting: CertStage) -> None:
    """One that stands still might still serve the old leaf: the rotation waits for it, and goes on when it answers."""
    before = lasting.state()
    assert before is not None
    waiting = f"not known to serve the new pair: 127.0.0.1:{lasting.replicas[1].port}"
    log, frozen = lasting.replicas[0].process.stderr_path, lasting.replicas[1].process
    said = log.read_text().count(waiting)
    frozen.freeze()
    try:
        lasting.ask(Request.CA)
        lasting.wait_state(lambda state: state.switched and len(state.authorities) == 2, what="the new leaf is issued")
        wait_until(lambda: log.read_text().count(waiting) > said, what="it is said who is waited for", timeout=30)
        state = lasting.state()
        assert state is not None
        assert before.newest.fingerprint in [one.fingerprint for one in state.authorities]
    finally:
        frozen.thaw()
    lasting.wait_state(lambda state: len(state.authorities) == 1, what="the old authority is dropped")
