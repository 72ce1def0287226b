"""Rotations in a world where anything may happen in any order: whoever is called is always trusted by who calls.

The loop under test is the real one, one for each replica. What it talks to is a small model of the cluster whose time
moves only when the scenario says so; keys and certificates are real.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadergate_certs.bundle import certificates, pem
from leadergate_certs.calls import ClusterFault
from leadergate_certs.issue import issue_authority, issue_serving_pair
from leadergate_certs.rotation import settled
from leadergate_certs.secret import decode, encode
from leadergate_certs.state import Phase, Request, State, fingerprint

from .rotation_world import POLICY, REPLICAS, THEIRS, World, issued


@dataclass(frozen=True)
class Passes:
    """Time passes."""

    seconds: float

    async def happen(self, world: World) -> None:
        """Let it."""
        world.now += timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Steps:
    """A replica looks, and perhaps makes steps; in the middle of its first write ``rival`` makes one, too."""

    replica: int
    count: int
    rival: int | None

    async def happen(self, world: World) -> None:
        """Let it."""
        if self.rival is not None and self.rival != self.replica:
            world.meddle = world.replicas[self.rival].step
        for _ in range(self.count):
            await world.replicas[self.replica].step()
        world.meddle = None


@dataclass(frozen=True)
class Asks:
    """A person asks for a renewal."""

    request: Request

    async def happen(self, world: World) -> None:
        """Annotate the Secret."""
        if world.state is not None:
            authorities, pair, retired = world.state.authorities, world.state.pair, world.state.retired
            world.put(State(authorities, pair, retired, self.request))


@dataclass(frozen=True)
class Loses:
    """The Secret is deleted or damaged, which somebody still remembers who can be asked.

    Not while a bundle is amiss: where the only one that could mend it does nothing, nothing can be promised.
    """

    there: bool

    async def happen(self, world: World) -> None:
        """Take it away."""
        remembered = any(replica.looked for replica in world.replicas)
        reachable = all(replica.reachable for replica in world.replicas)
        ours = world.state.issuer.certificate if world.state else None
        if remembered and reachable and all(ours in certificates(bundle) for bundle in world.bundles.values()):
            world.put(None, there=self.there)


@dataclass(frozen=True)
class Restores:
    """An older Secret is put back, as from a backup, while everybody serves something good."""

    age: int

    async def happen(self, world: World) -> None:
        """Put it back, if its leaf is still good."""
        backup = world.past[-1 - self.age % len(world.past)] if world.past else None
        good = all(one.held is not None and one.held.not_valid_after_utc > world.now for one in world.replicas)
        if backup is None or not good or world.state is None or world.down:
            return
        if backup.pair.certificate.not_valid_after_utc > world.now + timedelta(days=1):
            world.quiet_until = world.now + 2 * POLICY.propagation
            world.put(backup)


@dataclass(frozen=True)
class Dies:
    """A process ends and another begins in its place; whoever is the last that remembers a lost Secret lives on.

    Not just after a backup was put back: a newcomer has to believe what it says.
    """

    replica: int

    async def happen(self, world: World) -> None:
        """Start it anew."""
        if world.state is not None and world.now >= world.quiet_until:
            world.replicas[self.replica].start()


@dataclass(frozen=True)
class Hides:
    """A replica cannot be asked what it serves, or can be again. Not while a Secret is lost or was just made anew."""

    replica: int

    async def happen(self, world: World) -> None:
        """Turn it."""
        replica, state = world.replicas[self.replica], world.state
        if not replica.reachable or (state is not None and settled(state.issuer, POLICY, world.now)):
            replica.reachable = not replica.reachable


@dataclass(frozen=True)
class Applies:
    """A configuration is applied anew or overwritten, without a bundle or with one of somebody else.

    Not while a leaf is served of which nothing but the bundles is left: nobody could put its authority back.
    """

    name: str
    bundle: bytes

    async def happen(self, world: World) -> None:
        """Apply it."""
        ours = [one.certificate for one in world.state.authorities] if world.state else []
        leaves = [replica.held for replica in world.replicas if replica.held is not None]
        if all(any(issued(authority, leaf) for authority in ours) for leaf in leaves):
            world.set_bundle(self.name, self.bundle)


Event = Passes | Steps | Asks | Loses | Restores | Dies | Hides | Applies
numbers = st.integers(0, REPLICAS - 1)
steps = st.builds(Steps, numbers, st.integers(1, 8), st.none() | numbers)
moments = st.builds(Passes, st.sampled_from([1.0, 5.0, 20.0, 45.0, 61.0, 130.0]))
events = st.lists(
    steps
    | steps
    | steps
    | moments
    | moments
    | st.builds(Passes, st.floats(1, 40).map(lambda days: days * 86400))
    | st.builds(Asks, st.sampled_from(Request))
    | st.builds(Loses, st.booleans())
    | st.builds(Restores, st.integers(0, 8))
    | st.builds(Dies, numbers)
    | st.builds(Hides, numbers)
    | st.builds(Applies, st.sampled_from("ab"), st.sampled_from([b"", pem([THEIRS])])),
    min_size=5,
    max_size=60,
)


@given(events)
@settings(max_examples=60)
def test_no_caller_ever_meets_a_leaf_that_it_does_not_trust(happening: list[Event]) -> None:
    """And when things calm down the rotation comes to its end, everywhere."""

    async def scenario() -> None:
        world = await _installed()
        for event in happening:
            await event.happen(world)
            world.check()
        for replica in world.replicas:
            replica.reachable = True
        await _calm(world)

    asyncio.run(scenario())


def test_the_checker_sees_an_authority_that_is_replaced_at_once() -> None:
    """A rotation that serves the new leaf as soon as it is made fails."""

    async def scenario() -> bool:
        world = await _installed()
        made = issue_serving_pair(issue_authority(world.now), POLICY.names, world.now)
        world.replicas[0].held = made.certificate
        try:
            world.check()
        except AssertionError:
            return True
        return False

    assert asyncio.run(scenario())


@pytest.mark.parametrize("phase", list(Phase))
def test_a_rotation_that_loses_all_its_keys_comes_to_its_end(phase: Phase) -> None:
    """Wherever it was: what is served stays good until another authority has taken over."""

    async def scenario() -> None:
        world = await _installed()
        await Asks(Request.CA).happen(world)
        while world.state is not None and world.state.phase is not phase:
            world.now += timedelta(seconds=20)
            await world.replicas[0].step()
            world.check()
        assert world.state is not None
        world.put(decode({**encode(world.state), "ca.key": b"junk"}))
        for _ in range(8):
            await _calm(world)
            world.now += timedelta(seconds=30)
        assert world.state.newest.key is not None

    asyncio.run(scenario())


def test_a_backup_is_not_served_before_callers_trust_it_again() -> None:
    """Whoever looks after another one has put its authority back into the bundles waits as long as that one."""

    async def scenario() -> None:
        world = await _installed()
        backup = world.state
        await Asks(Request.CA).happen(world)
        await _calm(world)
        world.now += 2 * POLICY.propagation
        world.put(backup)
        for number in (0, 1, 2):
            while await world.replicas[number].step() is None:
                world.check()
            world.check()
        assert world.bundles["a"] != b""
        await _calm(world)
        assert backup is not None
        assert world.replicas[1].held == backup.pair.certificate

    asyncio.run(scenario())


def test_a_backup_that_was_put_back_before_is_as_strange_again() -> None:
    """What was seen of it the first time says nothing of the second."""

    async def scenario() -> None:
        world = await _installed()
        backup = world.state
        await Asks(Request.CA).happen(world)
        await _calm(world)
        current = world.state
        for put in (backup, current, backup):
            world.now += 2 * POLICY.propagation
            world.put(put)
            for replica in world.replicas:
                while await replica.step() is None:
                    world.check()
                world.check()

    asyncio.run(scenario())


def test_a_newcomer_serves_though_configurations_cannot_be_read() -> None:
    """The Secret has all that it takes; what cannot be looked after is told."""

    async def scenario() -> None:
        world = await _installed()
        world.forbidden = True
        newcomer = world.replicas[0]
        newcomer.start()
        with pytest.raises(ClusterFault):
            await newcomer.step()
        assert world.state is not None
        assert newcomer.held == world.state.pair.certificate
        world.check()

    asyncio.run(scenario())


async def _installed() -> World:
    """A world in which everything is set up and steady."""
    world = World()
    world.bundles["a"] = b""
    await _calm(world)
    world.now += POLICY.propagation
    world.check()
    assert not world.down
    return world


async def _calm(world: World) -> None:
    """Let all replicas look now and then, until nothing is left to do; fails if that takes a quarter of an hour."""
    for _ in range(60):
        for replica in world.replicas:
            for _ in range(32):
                if await replica.step() is not None:
                    break
            world.check()
        if _at_its_end(world):
            return
        world.now += timedelta(seconds=15)
    raise AssertionError(f"it does not come to its end: {world.state}")


def _at_its_end(world: World) -> bool:
    state = world.state
    if state is None or state.phase is not Phase.STEADY or state.requested is not None:
        return False
    trusted = [certificates(bundle) for bundle in world.bundles.values()]
    # One that was lost together with its key is nobody's to retire, and stays until it ends.
    retired = {fingerprint(one) for bundle in trusted for one in bundle} & set(state.retired)
    everywhere = all(state.newest.certificate in bundle for bundle in trusted)
    served = all(replica.held == state.pair.certificate for replica in world.replicas)
    return everywhere and served and not retired and state.pair.certificate.not_valid_after_utc > world.now
