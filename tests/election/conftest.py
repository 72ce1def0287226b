"""Electors in the test's own process, on a real API server, each with the rights and the token of its own Pod."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from leadergate_election.clock import now
from leadergate_election.connection import ApiConnection
from leadergate_election.credentials import CredentialsSource
from leadergate_election.elector import Callbacks, Elector
from leadergate_election.events import EventRecorder
from leadergate_election.metrics import ElectionMetrics
from leadergate_election.settings import ElectionSettings
from leadergate_lab.assets import Assets
from leadergate_lab.controlplane import ApiServer, ControlPlane
from leadergate_lab.election.network import Network, Wire
from leadergate_lab.election.stage import ACCOUNT, election_rights
from leadergate_lab.granted import account, may, wait_granted

LEASE = "operator-lock"
CALM: dict[str, Any] = {"lease_duration": 60, "renew_deadline": 40, "retry_period": 0.3}
"""Renewed as often as :data:`BRISK`, and however busy the machine is, nobody loses a Lease by it."""

BRISK: dict[str, Any] = {"lease_duration": 2, "renew_deadline": 1.4, "retry_period": 0.3}
"""For who waits for the end of leadership, or of the Lease."""
PATIENCE = 60.0


async def until(condition: Callable[[], bool], what: str) -> float:
    """Wait until something holds; the moment when it was seen to."""
    end = now() + PATIENCE
    while not condition():
        if now() > end:
            raise TimeoutError(f"not within {PATIENCE:g} s: {what}")
        await asyncio.sleep(0.01)
    return now()


@dataclass(eq=False)
class Member:
    """An elector that runs, and what its callbacks were told, as (what, when)."""

    elector: Elector
    connection: ApiConnection
    told: list[tuple[str, float]] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    run: asyncio.Task[None] | None = None

    def note(self, what: str) -> None:
        """Write down that something was told."""
        self.told.append((what, now()))

    def count(self, what: str) -> int:
        """How often it was told."""
        return sum(said == what for said, _ in self.told)

    def when(self, what: str) -> float:
        """When it was last told."""
        return [at for said, at in self.told if said == what][-1]

    async def leads(self) -> float:
        """Wait until it leads; the moment."""
        return await until(lambda: self.elector.is_leader, f"{self.elector.settings.identity} leads")

    async def follows(self, leader: str) -> None:
        """Wait until it knows that another leads."""
        await until(lambda: self.elector.leader == leader, f"{self.elector.settings.identity} follows {leader}")

    async def over(self) -> None:
        """Wait until it ends by itself. Raises what it raises."""
        assert self.run is not None
        async with asyncio.timeout(PATIENCE):
            await self.run

    async def end(self) -> None:
        """Stop it and wait for its end. Raises what it raised."""
        self.stop.set()
        if self.run is not None:
            await self.run


class Hall:
    """A namespace in which elections are held."""

    def __init__(self, plane: ControlPlane, folder: Path, server: ApiServer | None = None) -> None:
        self.plane = plane
        self.cluster = plane.cluster
        self.server = plane.apiserver if server is None else server
        self.namespace = f"election-{secrets.token_hex(4)}"
        self.leases = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        self.members: list[Member] = []
        self._folder = folder
        self.cluster.namespace(self.namespace)
        self.cluster.service_account(self.namespace, ACCOUNT)
        self.user = account(self.namespace, ACCOUNT)
        self._admin = plane.cluster.client(token=plane.admin_token, server=self.server.url)
        rights = election_rights(self.namespace, ACCOUNT, [LEASE])
        self.cluster.apply(*rights)
        wait_granted(self._admin, *rights[0]["rules"], user=self.user, namespace=self.namespace)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the API server."""
        host, port = self.server.url.removeprefix("https://").split(":")
        return host, int(port)

    async def until_may_not(self, verb: str, group: str, resource: str, name: str = "") -> None:
        """Wait until the API server has heard that the electors may no more do that."""

        def refused() -> bool:
            return not may(self._admin, verb, group, resource, user=self.user, namespace=self.namespace, name=name)

        await until(refused, f"nobody may {verb} {resource}")

    def mount(self, identity: str) -> Path:
        """A folder with a token and the authority, as the kubelet would mount it into that Pod."""
        folder = self._folder / f"{self.namespace}-{identity}-{secrets.token_hex(2)}"
        folder.mkdir()
        pod = self.cluster.pod(self.namespace, identity, ACCOUNT)
        (folder / "token").write_text(self.cluster.pod_token(pod))
        (folder / "ca.crt").write_bytes(self.plane.ca_pem)
        return folder

    def connect(self, folder: Path, wire: Wire | None = None) -> ApiConnection:
        """The way to the API server with these credentials, over a wire if there is one."""
        host, port = self.address
        environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": str(wire.port if wire else port)}
        source = CredentialsSource(None, None, folder, environ)
        return ApiConnection(source, source.load(), user_agent="test", on_reload_fault=lambda _: None)

    async def join(
        self,
        identity: str,
        *,
        work: Callable[[Member], Any] | None = None,
        folder: Path | None = None,
        wire: Wire | None = None,
        metrics: ElectionMetrics | None = None,
        with_events: bool = False,
        start: bool = True,
        **changed: Any,
    ) -> Member:
        """One more elector, which runs unless told otherwise; its times are :data:`CALM` but for those ``changed``."""
        connection = self.connect(folder or self.mount(identity), wire)
        settings = ElectionSettings(self.namespace, identity, **{**CALM, **changed})

        async def lead() -> None:
            member.note("started")
            try:
                await (work(member) if work else asyncio.Event().wait())
            finally:
                member.note("work ended")

        callbacks = Callbacks(
            lead, lambda: member.note("stopped"), lambda identity: member.note(f"new leader {identity}")
        )
        events = EventRecorder(connection, identity) if with_events else None
        member = Member(Elector(connection, settings, callbacks, metrics=metrics, events=events), connection)
        self.members.append(member)
        if start:
            member.run = asyncio.create_task(member.elector.run(member.stop))
        return member

    def lease(self) -> dict[str, Any]:
        """The Lease as stored."""
        found: dict[str, Any] = self.cluster.get(f"{self.leases}/{LEASE}")
        return found

    def spec(self) -> dict[str, Any]:
        """Its spec."""
        found: dict[str, Any] = self.lease()["spec"]
        return found

    def patch(self, **parts: Any) -> None:
        """Change the Lease by hand."""
        path = f"{self.leases}/{LEASE}"
        self.cluster.call("PATCH", path, parts, content_type="application/merge-patch+json")

    def delete(self) -> None:
        """Delete the Lease."""
        self.cluster.call("DELETE", f"{self.leases}/{LEASE}")

    def there(self) -> bool:
        """Whether the Lease exists."""
        try:
            self.lease()
        except ApiException as error:
            if error.status != 404:
                raise
            return False
        return True

    async def end(self) -> None:
        """End all that still runs, without waiting for their graceful end."""
        for member in self.members:
            if member.run is not None and not member.run.done():
                member.run.cancel()
            if member.run is not None:
                await asyncio.wait({member.run})
            await member.connection.close()
        # asyncio keeps a TLS connection that was broken off until the other side has taken its leave, too. What is left
        # of the loop's files then is the pipe by which it is woken.
        files = asyncio.get_running_loop()._selector.get_map()  # type: ignore[attr-defined]
        await until(lambda: len(files) == 1, "all connections are closed")


@pytest.fixture
async def hall(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Hall]:
    """A hall on the shared control plane."""
    hall = Hall(control_plane, tmp_path)
    yield hall
    await hall.end()


@pytest.fixture(scope="package")
def spare_plane(assets: Assets) -> Iterator[ControlPlane]:
    """A second control plane, for tests that freeze, slow down or restart its API server."""
    with ControlPlane.start(assets) as plane:
        yield plane


@pytest.fixture
async def rough_hall(spare_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Hall]:
    """A hall on the spare control plane."""
    hall = Hall(spare_plane, tmp_path)
    yield hall
    await hall.end()


@pytest.fixture
def network() -> Iterator[Network]:
    """Wires that can be slow."""
    with Network() as network:
        yield network


@pytest.fixture
def blocking_hall(control_plane: ControlPlane, tmp_path: Path) -> Hall:
    """A hall whose electors run on another thread's loop, and are ended there."""
    return Hall(control_plane, tmp_path)


@pytest.fixture
def until_logged(capsys: pytest.CaptureFixture[str]) -> Callable[[str], Coroutine[Any, Any, str]]:
    """Waits until the log says something; gives all of the log up to then."""
    log: list[str] = []

    def said(what: str) -> bool:
        log.append(capsys.readouterr().out)
        return what in "".join(log)

    async def wait(what: str) -> str:
        await until(lambda: said(what), f"the log says {what}")
        return "".join(log)

    return wait
