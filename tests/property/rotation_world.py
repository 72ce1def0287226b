"""A small model of a cluster in which replicas rotate, with real keys and a clock that stands until it is moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from leadergate_certs.bundle import certificates
from leadergate_certs.calls import ClusterFault, Conflict
from leadergate_certs.cluster import MARK, MARKED, Address, Cluster, Configuration, Stored
from leadergate_certs.issue import ServingPair, issue_authority
from leadergate_certs.loop import Rotation
from leadergate_certs.names import ServingNames
from leadergate_certs.rotation import Policy, settled
from leadergate_certs.secret import decode, encode
from leadergate_certs.state import State
from leadergate_certs.steps import Change, Wait

BEGIN = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
LAG = timedelta(seconds=30)
"""For how long an API server may go by a bundle that was replaced; less than the propagation time, as it must be."""
SKEW = 10
POLICY = Policy(ServingNames.parse(ips=["127.0.0.1"]), propagation=timedelta(seconds=60))
THEIRS = issue_authority(BEGIN, common_name="their CA").certificate
REPLICAS = 3


class World(Cluster):
    """The cluster, and the replicas in it. ``meddle`` is called once, in the middle of the next write."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.state: State | None = None
        self.there = False
        self.version = 0
        self.bundles: dict[str, bytes] = {}
        self.history: list[tuple[datetime, str, bytes]] = []
        self.meddle: Callable[[], Any] | None = None
        self.down = True
        self.forbidden = False
        self.past: list[State] = []
        self.quiet_until = BEGIN
        self.replicas = [Replica(self, number) for number in range(REPLICAS)]

    def __str__(self) -> str:
        return "the Secret"

    async def read(self) -> Stored:
        """The Secret as it is."""
        metadata = {"labels": {MARK: MARKED}, "resourceVersion": self.version}
        manifest = {"metadata": metadata, "data": {"some": "thing"}} if self.there else None
        return Stored(self.state, "" if self.state else "damaged or gone", manifest)

    async def write(self, stored: Stored, state: State) -> None:
        """Compare and swap."""
        await self._meddled()
        known = stored.manifest["metadata"]["resourceVersion"] if stored.manifest else None
        if known != (self.version if self.there else None):
            raise Conflict("somebody was quicker")
        self.put(state)

    async def configurations(self) -> list[Configuration]:
        """All of them, one entry each."""
        if self.forbidden:
            raise ClusterFault("forbidden", 403)
        return [
            Configuration("validatingwebhookconfigurations", name, str(hash(bundle)), {"gate": bundle})
            for name, bundle in self.bundles.items()
        ]

    async def inject(self, configuration: Configuration, bundles: Mapping[str, bytes]) -> None:
        """Compare and swap."""
        await self._meddled()
        if configuration.resource_version != str(hash(self.bundles[configuration.name])):
            raise Conflict("somebody was quicker")
        self.set_bundle(configuration.name, bundles["gate"])

    def put(self, state: State | None, *, there: bool = True) -> None:
        """Replace the Secret; None is one that is gone, or damaged if it is still there."""
        # As it would be read: what cannot be written and read back is a fault, too.
        self.state = decode(encode(state), state.requested) if state is not None else None
        self.there = there
        self.version += 1
        if self.state is not None:
            self.past = [*self.past[-8:], self.state]

    def set_bundle(self, name: str, bundle: bytes) -> None:
        """Replace a bundle; how it was is still believed for a while."""
        if name in self.bundles:
            self.history.append((self.now, name, self.bundles[name]))
        self.bundles[name] = bundle

    def believed(self) -> list[tuple[str, bytes]]:
        """The bundles that some API server may go by now."""
        late = [(name, bundle) for until, name, bundle in self.history if until > self.now - LAG]
        return [*late, *self.bundles.items()]

    def check(self) -> None:
        """Every API server that trusts anything trusts every leaf that is served.

        Where nobody serves a leaf that has not ended calls fail anyway, until the next authority has got around.
        """
        good = [one for one in self.replicas if one.held is not None and one.held.not_valid_after_utc >= self.now]
        around = self.state is not None and settled(self.state.issuer, POLICY, self.now)
        self.down = not good or (self.down and not around)
        for replica in good if not self.down else ():
            leaf = replica.held
            assert leaf is not None
            for name, bundle in self.believed():
                trusted = certificates(bundle)
                if not any(one != THEIRS for one in trusted):
                    continue  # emptied, or applied just now: nobody could be trusted by it
                assert any(issued(authority, leaf) for authority in trusted), (name, replica.number)

    async def _meddled(self) -> None:
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            await meddle()


class Replica:
    """A process that serves and rotates; its clock is a little wrong."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number = world, number
        self.reachable = True
        self.start()

    def start(self) -> None:
        """Begin with nothing, as a new process does."""
        self.held: x509.Certificate | None = None
        self.looked = False
        self.rotation = Rotation(
            self.world,
            POLICY,
            self,
            _Nobody(),
            look=self._addresses,
            probe=self._probe,
            clock=lambda: self.world.now + timedelta(seconds=SKEW * (self.number - 1)),
        )

    async def take(self, pair: ServingPair) -> None:
        """Serve it."""
        self.held = pair.certificate

    async def step(self) -> Wait | None:
        """One look, and one step at most; it may lose a race."""
        try:
            return await self.rotation._one_step()
        except Conflict:
            return None
        finally:
            self.looked |= self.world.state is not None

    async def _addresses(self) -> Sequence[Address]:
        return [Address(str(one.number), 443, ready=one.held is not None) for one in self.world.replicas]

    async def _probe(self, host: str, _port: int) -> x509.Certificate | None:
        asked = self.world.replicas[int(host)]
        return asked.held if asked.reachable else None


class _Nobody:
    """Hears of everything and does nothing."""

    def stepped(self, change: Change, state: State) -> None:
        """Leave it."""

    def restored(self, fault: str) -> None:
        """Leave it."""

    def injected(self, configuration: str) -> None:
        """Leave it."""

    def contested(self, configuration: str, managers: Sequence[str]) -> None:
        """Leave it."""

    def stands(self, state: State, untrusting: Sequence[str], waiting: str) -> None:
        """Leave it."""

    def fault(self, message: str) -> None:
        """Leave it."""


@lru_cache(maxsize=4096)
def issued(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    """Whether that authority has signed that leaf."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, InvalidSignature):
        return False
    return True
