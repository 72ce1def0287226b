"""Services: in place of kube-proxy and cluster DNS.

Every TCP port of a Service's cluster IP is listened on, and connections go to ready endpoints by turns. Names stand in
a file that every container has as its ``/etc/hosts``: ``{name}.{namespace}``, and that with ``.svc`` or
``.svc.cluster.local`` behind it; not the bare name.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from leadergate_lab.village.api import Api
from leadergate_lab.village.pipes import join_streams

Address = tuple[str, int]


def routes(services: list[dict[str, Any]], slices: list[dict[str, Any]]) -> dict[Address, tuple[Address, ...]]:
    """For each cluster IP and port, the endpoints that are ready. Pure."""
    found: dict[Address, tuple[Address, ...]] = {}
    for service in services:
        ip = service["spec"].get("clusterIP")
        if not ip or ip == "None":
            continue
        own = [one for one in slices if _owner(one) == _name(service)]
        for port in service["spec"].get("ports") or ():
            if port.get("protocol", "TCP") == "TCP":
                ready = {end for one in own for end in _ready(one, port.get("name", ""))}
                found[ip, int(port["port"])] = tuple(sorted(ready))
    return found


def hosts(services: list[dict[str, Any]]) -> str:
    """The text of ``/etc/hosts``. Pure."""
    lines = ["127.0.0.1 localhost"]
    for service in services:
        ip, (namespace, name) = service["spec"].get("clusterIP"), _name(service)
        if ip and ip != "None":
            stem = f"{name}.{namespace}"
            lines.append(f"{ip} {stem}.svc {stem}.svc.cluster.local {stem}")
    return "\n".join(lines) + "\n"


def _name(service: Mapping[str, Any]) -> tuple[str, str]:
    return service["metadata"]["namespace"], service["metadata"]["name"]


def _owner(one: Mapping[str, Any]) -> tuple[str, str]:
    metadata = one["metadata"]
    return metadata["namespace"], (metadata.get("labels") or {}).get("kubernetes.io/service-name", "")


def _ready(one: Mapping[str, Any], port_name: str) -> Iterator[Address]:
    numbers = [int(port["port"]) for port in one.get("ports") or () if (port.get("name") or "") == port_name]
    for endpoint in one.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is not False:
            yield from itertools.product(endpoint["addresses"], numbers)


class Services:
    """Keeps listeners and the file of names as the API server's objects are."""

    def __init__(self, api: Api, file: Path) -> None:
        self._api, self._file = api, file
        self._services: list[dict[str, Any]] = []
        self._slices: list[dict[str, Any]] = []
        self._routes: dict[Address, tuple[Address, ...]] = {}
        self._listeners: dict[Address, asyncio.Server] = {}
        self._turns: dict[Address, int] = {}
        self._changed = asyncio.Event()
        self._names = ""
        self._file.touch()
        self._write_names()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._api.follow("/api/v1/services", self._set_services))
            group.create_task(self._api.follow("/apis/discovery.k8s.io/v1/endpointslices", self._set_slices))
            group.create_task(self._keep_up())

    def _set_services(self, services: list[dict[str, Any]]) -> None:
        self._services = services
        self._write_names()
        self._changed.set()

    def _write_names(self) -> None:
        """In place, since containers have this very file mounted, and at one stroke, since they may be reading it."""
        names = hosts(sorted(self._services, key=_name))
        if names != self._names:
            content = names.encode()
            with self._file.open("r+b", buffering=0) as file:
                file.write(content)
                file.truncate(len(content))
            self._names = names

    def _set_slices(self, slices: list[dict[str, Any]]) -> None:
        self._slices = slices
        self._changed.set()

    async def _keep_up(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._routes = routes(self._services, self._slices)
            for gone in self._listeners.keys() - self._routes.keys():
                self._listeners.pop(gone).close()
            for address in self._routes.keys() - self._listeners.keys():
                try:
                    self._listeners[address] = await asyncio.start_server(self._take(address), *address)
                except OSError as fault:
                    # Something in the village listens on all addresses; it is tried again at the next change.
                    print(f"cannot listen for a Service on {address[0]}:{address[1]}: {fault}", file=sys.stderr)

    def _take(self, address: Address) -> Any:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends = self._routes.get(address, ())
            if not ends:
                # As kube-proxy rejects calls of a Service without endpoints.
                writer.transport.abort()
                return
            turn = self._turns[address] = self._turns.get(address, -1) + 1
            await join_streams(reader, writer, *ends[turn % len(ends)])

        return take
