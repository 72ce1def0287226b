"""What is read off the objects of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from leadergate_certs.calls import ClusterFault
from leadergate_certs.cluster import Cluster, Stored
from leadergate_certs.secret import FromLaterVersion
from leadergate_election.connection import ApiAnswer


class Answers:
    """An API server that says the same to everything."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def request(
        self, method: str, path: str, body: bytes | None = None, *, content_type: str = "application/json"
    ) -> ApiAnswer:
        """Answer."""
        return ApiAnswer(200, self.body)


def slices(*ports: str) -> bytes:
    """One EndpointSlice with an address and these ports, 1001 and on; ``-`` is one without a name."""
    named = [
        f'{{"port": {1001 + number}}}' if name == "-" else f'{{"name": "{name}", "port": {1001 + number}}}'
        for number, name in enumerate(ports)
    ]
    endpoints = '[{"addresses": ["192.0.2.1"], "conditions": {"ready": true}}]'
    return f'{{"items": [{{"ports": [{", ".join(named)}], "endpoints": {endpoints}}}]}}'.encode()


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (["-"], ["192.0.2.1:1001"]),
        (["reviews"], ["192.0.2.1:1001"]),
        (["metrics", "https"], ["192.0.2.1:1002"]),
        (["webhook", "metrics"], ["192.0.2.1:1001"]),
        (["metrics", "plain"], []),
        ([], []),
    ],
)
async def test_the_port_of_a_service(ports: list[str], expected: list[str]) -> None:
    """The only one, whatever its name; of several the one without a name, or named https or webhook."""
    found = await Cluster(Answers(slices(*ports)), "system", "tls").addresses("gate")
    assert [str(one) for one in found] == expected


@pytest.mark.parametrize(
    ("manifest", "ours"),
    [
        (None, True),
        ({"metadata": {}}, True),
        ({"metadata": {}, "data": {}}, True),
        ({"metadata": {}, "data": {"tls.crt": "", "tls.key": ""}}, True),
        ({"metadata": {}, "data": {"password": "eA=="}}, False),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "helm"}}, "data": {"tls.crt": "eA=="}}, False),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "leadergate-certs"}}, "data": {"x": "eA=="}}, True),
    ],
)
def test_whose_secret_it_is(manifest: dict[str, Any] | None, ours: bool) -> None:
    """Ours is what is marked, and what holds nothing yet."""
    assert Stored(None, "", manifest).ours is ours


async def test_a_secret_of_a_later_version_is_a_fault_and_no_damage() -> None:
    """Damage would be mended, which would undo what the later version did."""
    body = b'{"metadata": {}, "data": {"tls.crt": "eA=="}}'
    assert (await Cluster(Answers(body), "system", "tls").read()).state is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leadergate_certs.cluster.decode", _later)
        with pytest.raises(ClusterFault, match=r"^secret system/tls: version 2$"):
            await Cluster(Answers(body), "system", "tls").read()


def _later(*_: Any) -> None:
    raise FromLaterVersion("version 2")
