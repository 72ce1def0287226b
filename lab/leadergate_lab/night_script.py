"""What befalls the gates of a night: who holds each Lease when, and who writes although it may not. Pure.

All times here are seconds since the night began, which is eight hours long.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from leadergate.model import Gate, IdentityKind, LeaseKey, Mode, Requester, Resource

LENGTH = 8 * 3600.0
DURATION = 15
RENEWS_EVERY = 2.0
LONG_AGO = -190_000.0
FROZEN, WOKEN = 11_400.0, 11_431.0


class Shows(Enum):
    """What a read of a Lease shows."""

    HELD = "held"
    UNHELD = "unheld"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


class Stretch(NamedTuple):
    """From ``start`` to the next stretch a Lease shows this. ``renewed`` is the last renewal where none follow."""

    start: float
    shows: Shows
    pod: int = 0
    acquired: float = 0.0
    transitions: int = 0
    renewed: float | None = None


class Writer(NamedTuple):
    """Who writes: a replica of the gate by its number, or somebody else."""

    gate: int
    pod: int | None
    requester: Requester
    dry_run: bool = False


class Act(NamedTuple):
    """From ``start`` to ``end`` a writer writes besides the routine; ``share`` is of the night's records."""

    start: float
    end: float
    share: float
    writer: Writer


@dataclass(frozen=True, slots=True)
class Play:
    """One gate of the night: its replicas, how each is named as holder, its objects, and what its Lease shows.

    ``asleep`` has replicas that write nothing for a while: their number, from when, until when.
    """

    gate: Gate
    pods: tuple[Requester, ...]
    holders: tuple[str, ...]
    resource: Resource
    objects: tuple[tuple[str, str], ...]
    stretches: tuple[Stretch, ...]
    acts: tuple[Act, ...]
    asleep: tuple[tuple[int, float, float], ...] = ()


_GATES = (
    (Mode.ENFORCE, "shop", "orders-operator", IdentityKind.POD, Resource("shop.example.com", "v1", "orders")),
    (Mode.WARN, "network", "gateway-controller", IdentityKind.POD, Resource("net.example.com", "v1beta1", "gateways")),
    (Mode.AUDIT, "storage", "volume-agent", IdentityKind.NODE, Resource("storage.example.com", "v1", "volumes")),
    (Mode.AUDIT, "billing", "invoicer", IdentityKind.POD, Resource("billing.example.com", "v1", "invoices")),
)
_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789"
_CLUSTER_SCOPED = 2
_BARE_UUID = 3


def plays(chance: random.Random, gates: int, pods: int) -> list[Play]:
    """The gates of a night. The first has every trouble there is, the others a takeover or two."""
    return [_play(chance, number, pods) for number in range(gates)]


def _play(chance: random.Random, number: int, pods: int) -> Play:
    mode, namespace, name, identity, resource = _GATES[number % len(_GATES)]
    if number >= len(_GATES):
        namespace = f"{namespace}-{number}"
    gate = Gate(mode, LeaseKey(namespace, name), namespace, identity)
    replicas = tuple(_replica(chance, namespace, name, index) for index in range(pods))
    if number % len(_GATES) == _CLUSTER_SCOPED:
        objects = tuple(("", f"vol-{index:04d}") for index in range(40))
    else:
        objects = tuple((f"{namespace}-{index % 3}", f"{resource.resource}-{index:03d}") for index in range(60))
    stretches, acts = _first_night(number, replicas) if number == 0 else _quiet_night(number, replicas)
    holders = tuple(_holder(chance, number, identity, replica) for replica in replicas)
    asleep = ((0, FROZEN, WOKEN),) if number == 0 else ()
    return Play(gate, replicas, holders, resource, objects, stretches, acts, asleep)


def _first_night(number: int, pods: tuple[Requester, ...]) -> tuple[tuple[Stretch, ...], tuple[Act, ...]]:
    """The leader freezes and wakes up; a rollout; an outage; an expired Lease; takeovers unseen; a deleted Lease."""
    count = len(pods)
    a, b, c = 0, 1 % count, 2 % count
    held = Shows.HELD
    stretches = (
        Stretch(0, held, a, LONG_AGO, 4),
        Stretch(FROZEN, held, a, LONG_AGO, 4, renewed=FROZEN - 0.4),
        Stretch(FROZEN + 22.2, held, b, FROZEN + 22.2, 5),
        Stretch(12_600, Shows.UNHELD, 0, FROZEN + 22.2, 5, renewed=12_600),
        Stretch(12_602.6, held, c, 12_602.6, 6),
        Stretch(14_400, Shows.UNREADABLE),
        Stretch(14_446, held, c, 12_602.6, 6),
        Stretch(18_000, held, c, 12_602.6, 6, renewed=17_999.2),
        Stretch(18_052, held, c, 12_602.6, 6),
        Stretch(21_600, held, a, 21_600, 7),
        Stretch(23_000, held, c, 22_999.1, 10),
        Stretch(25_200, Shows.ABSENT),
        Stretch(25_221, held, b, 25_221, 0),
    )
    acts = (
        Act(WOKEN, WOKEN + 141, 0.012, Writer(number, a, pods[a])),
        Act(12_600, 12_602.6, 0.001, Writer(number, b, pods[b])),
        Act(12_603, 12_615, 0.003, Writer(number, b, pods[b])),
        Act(14_400.1, 14_446, 0.002, Writer(number, c, pods[c])),
        Act(16_200, 16_260, 0.002, Writer(number, None, _foreigner(pods[0]))),
        Act(16_500, 16_620, 0.002, Writer(number, None, _unbound(pods[0]))),
        Act(17_000, 17_090, 0.001, Writer(number, None, Requester("kubernetes-admin", ""))),
        Act(17_100, 17_200, 0.001, Writer(number, b, pods[b], dry_run=True)),
        Act(18_016, 18_052, 0.006, Writer(number, c, pods[c])),
        Act(21_603, 21_640, 0.004, Writer(number, c, pods[c])),
        Act(25_201, 25_221, 0.002, Writer(number, c, pods[c])),
    )
    return stretches, acts


def _quiet_night(number: int, pods: tuple[Requester, ...]) -> tuple[tuple[Stretch, ...], tuple[Act, ...]]:
    """One takeover, after which the former holder goes on for some seconds."""
    old, new, moment = 0, 1 % len(pods), 5_000.0 + 2_700 * number % 18_000
    stretches = (
        Stretch(0, Shows.HELD, old, LONG_AGO + number, 1),
        Stretch(moment, Shows.HELD, new, moment, 2),
    )
    return stretches, (Act(moment + 0.2, moment + 20, 0.003, Writer(number, old, pods[old])),)


def _replica(chance: random.Random, namespace: str, name: str, index: int) -> Requester:
    tail = "".join(chance.choices(_CHARACTERS, k=5))
    return Requester(
        username=f"system:serviceaccount:{namespace}:{name}",
        uid=uuid(chance),
        namespace=namespace,
        service_account=name,
        pod=f"{name}-7d9c5b64f8-{tail}",
        pod_uid=uuid(chance),
        node=f"node-{index + 1}",
        credential_id=f"JTI={uuid(chance)}",
    )


def _holder(chance: random.Random, number: int, identity: IdentityKind, replica: Requester) -> str:
    if identity is IdentityKind.NODE:
        return replica.node or ""
    if number % len(_GATES) == _BARE_UUID:
        return uuid(chance)
    return f"{replica.pod}_{uuid(chance)}" if number % 2 == 0 else replica.pod or ""


def _foreigner(of: Requester) -> Requester:
    """A pod of the same name in another namespace."""
    return Requester(
        "system:serviceaccount:staging:default", of.uid, "staging", "default", of.pod, of.pod_uid, of.node, "JTI=other"
    )


def _unbound(of: Requester) -> Requester:
    """The operator's own account with a token that is bound to no pod."""
    return Requester(of.username, of.uid, of.namespace, of.service_account)


def uuid(chance: random.Random) -> str:
    """A version 4 UUID."""
    bits = chance.getrandbits(128)
    return (
        f"{bits >> 96:08x}-{bits >> 80 & 0xFFFF:04x}-4{bits >> 68 & 0xFFF:03x}"
        f"-a{bits >> 56 & 0xFFF:03x}-{bits & 0xFFFFFFFFFFFF:012x}"
    )
