"""The village's node: in place of a scheduler and a kubelet, it runs Pods as processes.

Run as ``python -m leadergate_lab.village.node CONFIGURATION``, inside the village. Every Pod that waits for a node is
bound to this one: constraints on where a Pod may run are not looked at, nor requests and limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from leadergate_lab.village import images
from leadergate_lab.village.api import MERGE, Api, ApiFault
from leadergate_lab.village.container import Container
from leadergate_lab.village.kubelet import Kubelet
from leadergate_lab.village.network import NODE_ADDRESS
from leadergate_lab.village.pod import PodRun
from leadergate_lab.village.prepare import Place
from leadergate_lab.village.services import Services

NAME = "village"
READY = "the node is ready"
_PER_BLOCK = 254
_OVER = ("Succeeded", "Failed")


class Node:
    """Binds Pods and runs them, and serves their logs by ``papers`` (see ``kubelet.py``)."""

    def __init__(self, place: Place, papers: Mapping[str, str]) -> None:
        self._place, self._api = place, place.api
        self._kubelet = Kubelet(self._containers, papers)
        self._runs: dict[str, PodRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bound: set[str] = set()
        self._addresses = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        await self._register(await self._kubelet.start())
        print(READY, flush=True)
        self._spawn(Services(self._api, self._place.hosts).run())
        try:
            await self._api.follow("/api/v1/pods", self._pods)
        finally:
            for run in self._runs.values():
                run.kill()
            for task in self._tasks:
                task.cancel()
            await self._kubelet.stop()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _containers(self, namespace: str, pod: str) -> Mapping[str, Container] | None:
        """Those of the newest Pod of that name; of one that is being deleted until its object is gone."""
        found = [run for run in self._runs.values() if (run.namespace, run.name) == (namespace, pod)]
        return found[-1].containers if found else None

    async def _register(self, port: int) -> None:
        labels = {"kubernetes.io/hostname": NAME, "kubernetes.io/os": "linux"}
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME, "labels": labels}}
        await self._api.call("POST", "/api/v1/nodes", body)
        room = {"cpu": "64", "memory": "64Gi", "pods": "1000"}
        status = {
            "addresses": [{"type": "InternalIP", "address": NODE_ADDRESS}, {"type": "Hostname", "address": NAME}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "it runs Pods"}],
        }
        await self._api.call("PATCH", f"/api/v1/nodes/{NAME}/status", {"status": status}, content_type=MERGE)

    def _pods(self, pods: list[dict[str, Any]]) -> None:
        there = {pod["metadata"]["uid"] for pod in pods}
        for uid in self._runs.keys() - there:
            self._runs.pop(uid).kill()
        for pod in pods:
            uid, node = pod["metadata"]["uid"], pod["spec"].get("nodeName")
            if uid in self._runs:
                self._runs[uid].update(pod)
            elif node == NAME and (pod.get("status") or {}).get("phase") not in _OVER:
                self._take(pod)
            elif not node and uid not in self._bound and not pod["metadata"].get("deletionTimestamp"):
                self._bound.add(uid)
                self._spawn(self._bind(pod))

    def _take(self, pod: Mapping[str, Any]) -> None:
        number, self._addresses = self._addresses, self._addresses + 1
        run = PodRun(self._place, pod, number, f"10.244.{1 + number // _PER_BLOCK}.{1 + number % _PER_BLOCK}")
        run.update(pod)
        # It stays there when it is over, until the object is seen to be gone: an old view of it must not run it again.
        self._runs[run.uid] = run
        self._spawn(run.run())

    async def _bind(self, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding"
        target = {"apiVersion": "v1", "kind": "Node", "name": NAME}
        own = {"name": metadata["name"], "uid": metadata["uid"]}
        try:
            await self._api.call(
                "POST", path, {"apiVersion": "v1", "kind": "Binding", "metadata": own, "target": target}
            )
        except ApiFault as fault:
            # It is gone, or bound already.
            if fault.status not in (404, 409):
                raise
        except BaseException:
            self._bound.discard(metadata["uid"])
            raise

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            traceback.print_exception(fault)


async def serve(configuration: Mapping[str, Any], token: str) -> None:
    """Be the node until SIGTERM."""
    server = urlsplit(configuration["server"])
    base = {
        "PATH": configuration["path"],
        "HOME": "/",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "KUBERNETES_SERVICE_PORT_HTTPS": str(server.port),
    }
    async with Api(configuration["server"], Path(configuration["ca_file"]), token) as api:
        place = Place(
            api,
            Path(configuration["folder"]),
            Path(configuration["folder"]) / "hosts",
            images.from_json(configuration["images"]),
            base,
            configuration["show"],
            configuration["may_own"],
        )
        running = asyncio.create_task(Node(place, configuration["kubelet"]).run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running


def main(arguments: Sequence[str]) -> int:
    """Run it."""
    configuration = json.loads(Path(arguments[0]).read_text())
    asyncio.run(serve(configuration, Path(configuration["token_file"]).read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
