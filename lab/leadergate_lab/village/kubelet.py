"""The part of a kubelet's API that ``kubectl logs`` needs: ``/containerLogs/{namespace}/{pod}/{container}``.

The API server passes ``pods/log`` on to it, with a client certificate (k8s.io/kubernetes ``pkg/kubelet/server``).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import time

from aiohttp import web

from leadergate_lab.keys import LabAuthority, write_private
from leadergate_lab.village.container import Container
from leadergate_lab.village.journal import Journal, Wish, read
from leadergate_lab.village.network import NODE_ADDRESS

Find = Callable[[str, str], Mapping[str, Container] | None]
"""The containers of a Pod by their names, None when there is no such Pod on the node."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Files, all PEM, by which kubelet and API server know each other."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path

    @classmethod
    def make(cls, folder: Path) -> Papers:
        """Write them into a folder."""
        authority = LabAuthority("village-kubelet")
        certificate, key = authority.serving([NODE_ADDRESS])
        client_certificate, client_key = authority.client("kube-apiserver-kubelet-client", ["kubelet-clients"])
        return cls(
            write_private(folder / "kubelet-ca.crt", authority.pem),
            write_private(folder / "kubelet.crt", certificate),
            write_private(folder / "kubelet.key", key),
            write_private(folder / "kubelet-client.crt", client_certificate),
            write_private(folder / "kubelet-client.key", client_key),
        )

    def flags(self) -> list[str]:
        """What the API server is told."""
        return [
            f"--kubelet-certificate-authority={self.authority}",
            f"--kubelet-client-certificate={self.client_certificate}",
            f"--kubelet-client-key={self.client_key}",
            "--kubelet-preferred-address-types=InternalIP",
        ]

    def as_json(self) -> dict[str, str]:
        """What the node is told."""
        return {"authority": str(self.authority), "certificate": str(self.certificate), "key": str(self.key)}


class Kubelet:
    """Serves the logs of the containers that ``find`` finds."""

    def __init__(self, find: Find, papers: Mapping[str, str]) -> None:
        self._find, self._papers = find, papers
        self._runner: web.AppRunner

    async def start(self) -> int:
        """Listen on the node's address, at a port that is free; which one."""
        application = web.Application()
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        # An open log is no reason to linger.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._papers["authority"])
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(self._papers["certificate"], self._papers["key"])
        site = web.TCPSite(self._runner, NODE_ADDRESS, 0, ssl_context=tls)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """End it, and every log that is followed."""
        await self._runner.cleanup()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        pod, name = request.match_info["pod"], request.match_info["container"]
        containers = self._find(request.match_info["namespace"], pod)
        if containers is None:
            raise web.HTTPNotFound(text=f'pod "{pod}" does not exist')
        if name not in containers:
            raise web.HTTPNotFound(text=f'container "{name}" not found in pod "{pod}"')
        wish = _wish(request.query)
        journal = _journal(containers[name], wish, pod)
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        answer.enable_chunked_encoding()
        try:
            async for piece in read(journal, wish):
                # Not before: a kubelet sends no head until there is something to send.
                if not answer.prepared:
                    await answer.prepare(request)
                await answer.write(piece)
            await answer.prepare(request)
            await answer.write_eof()
        except ConnectionError:
            pass  # who followed it has gone
        return answer


def _journal(container: Container, wish: Wish, pod: str) -> Journal:
    """Of the run that is meant (kubelet: validateContainerLogStatus)."""
    name = container.plan.name
    if wish.previous:
        if container.previous is None:
            raise web.HTTPBadRequest(text=f'previous terminated container "{name}" in pod "{pod}" not found')
        return container.previous
    found = container.current or container.previous
    if found is None:
        reason = container.state.waiting
        raise web.HTTPBadRequest(text=f'container "{name}" in pod "{pod}" is waiting to start: {reason}')
    return found


def _wish(query: Mapping[str, str]) -> Wish:
    since = 0.0
    if "sinceSeconds" in query:
        since = time() - float(query["sinceSeconds"])
    elif "sinceTime" in query:
        since = datetime.fromisoformat(query["sinceTime"]).timestamp()
    return Wish(
        follow=query.get("follow") == "true",
        previous=query.get("previous") == "true",
        timestamps=query.get("timestamps") == "true",
        since=since,
        tail_lines=int(query["tailLines"]) if "tailLines" in query else None,
        limit_bytes=int(query["limitBytes"]) if "limitBytes" in query else None,
        stream=query.get("stream", "All"),
    )
