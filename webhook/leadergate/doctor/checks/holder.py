"""Whether the gate understands whom the Lease names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from leadergate.doctor.commands import edit, gate_path
from leadergate.doctor.finding import Finding, denied, note, right, some, unknown, wrong
from leadergate.gate import MAX_RANDOM, is_subdomain
from leadergate.model import Gate, IdentityKind
from leadergate.survey.gates import PlacedGate
from leadergate.survey.named import claimed, named_by
from leadergate.survey.parts import Known, SeenLease, SeenPod, Unknown
from leadergate.survey.snapshot import Snapshot

HOLDER = "holder"

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_HOSTNAME = 63
"""Longer names of pods are cut for the hostname (kubelet: truncatePodHostnameIfNeeded)."""
_SHORT_TAIL = 5
"""Random characters at least: a tail of fewer is more likely a number or a word."""

POD_NAME = (
    "let the operator elect with its pod's name: env POD_NAME from fieldRef metadata.name, "
    "given to its elector as identity (client-go's example: -id=$(POD_NAME))"
)


def holder(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate whose Lease is held."""
    for placed in snapshot.gates:
        seen = snapshot.leases.get(placed.gate.lease)
        if isinstance(seen, Known) and isinstance(seen.value, SeenLease) and seen.value.lease.holder:
            yield _judged(snapshot, placed, seen.value.lease.holder)


def _judged(snapshot: Snapshot, placed: PlacedGate, identity: str) -> Finding:
    gate, about = placed.gate, str(placed.entry)
    if _UUID.fullmatch(identity):
        says = (
            f"the holder is a bare UUID, {identity}: no pod can ever prove that it is meant, and {denied(gate, 'all')}"
        )
        return wrong(HOLDER, about, says, POD_NAME)
    known = snapshot.pods.get(gate.from_namespace, Unknown("they were not asked for"))
    if isinstance(known, Unknown):
        says = f"whether holder {identity} is a pod of {gate.from_namespace} is not known: {known.why}"
        return unknown(HOLDER, about, says)
    found = named_by(gate, identity, known.value)
    alive = [pod for pod in found if not pod.ended]
    if alive:
        return _named(about, gate, identity, alive)
    if found:
        says = f"holder {identity} names pod {found[0].name}, which has ended"
        return wrong(HOLDER, about, says, f"kubectl -n {gate.from_namespace} get pods")
    return _stranger(snapshot, placed, identity, known.value)


def _named(about: str, gate: Gate, identity: str, pods: list[SeenPod]) -> Finding:
    if gate.identity is IdentityKind.NODE:
        says = f"holder {identity} names node {pods[0].node}, where {some([pod.name for pod in pods])} runs"
        if len(pods) > 1:
            return note(HOLDER, about, f"{says}: each of them passes", "spread the operator's pods over nodes")
        return right(HOLDER, about, says)
    return right(HOLDER, about, f"holder {identity} names pod {pods[0].namespace}/{pods[0].name}")


def _stranger(snapshot: Snapshot, placed: PlacedGate, identity: str, pods: tuple[SeenPod, ...]) -> Finding:
    """The holder names nobody in the gate's form: look for the form in which it would."""
    gate, about = placed.gate, str(placed.entry)
    for fit, why in _forms(gate, identity, pods):
        says = f"holder {identity} is not understood by this gate: {why}"
        return wrong(HOLDER, about, says, f"{edit(placed.entry)}  # path {gate_path(fit)}")
    elsewhere = snapshot.pods.get(gate.lease.namespace)
    if gate.lease.namespace != gate.from_namespace and isinstance(elsewhere, Known):
        moved = replace(gate, from_namespace=gate.lease.namespace)
        if named_by(moved, identity, elsewhere.value):
            says = f"holder {identity} is a pod of {gate.lease.namespace}, and the gate expects {gate.from_namespace}"
            return wrong(HOLDER, about, says, f"{edit(placed.entry)}  # path {gate_path(moved)}")
    own = identity.partition("_")[0]
    for pod in pods:
        if pod.hostname is not None and pod.hostname == own:
            says = f"holder {identity} is the spec.hostname of pod {pod.name}, which no token carries"
            return wrong(HOLDER, about, says, f"take spec.hostname away, or {POD_NAME}")
        if len(pod.name) > MAX_HOSTNAME and own == pod.name[:MAX_HOSTNAME].rstrip("-."):
            says = f"holder {identity} is the first {MAX_HOSTNAME} characters of pod {pod.name}, as its hostname is"
            return wrong(HOLDER, about, says, POD_NAME)
        if pod.host_network and pod.node is not None and pod.node.partition(".")[0] == own.partition(".")[0]:
            says = f"holder {identity} is the host of pod {pod.name} (hostNetwork), and no name that its token carries"
            return wrong(HOLDER, about, says, POD_NAME)
    what = "node with a pod" if gate.identity is IdentityKind.NODE else "pod"
    says = f"holder {identity} names no {what} of namespace {gate.from_namespace}: {denied(gate, 'every write')}"
    return wrong(HOLDER, about, says, f"kubectl -n {gate.from_namespace} get pods  # else {POD_NAME}")


def _forms(gate: Gate, identity: str, pods: tuple[SeenPod, ...]) -> Iterator[tuple[Gate, str]]:
    """Gates that would understand the holder, the surest first."""
    plain = replace(gate, suffix=None, random=None, identity=IdentityKind.POD)
    if found := named_by(plain, identity, pods):
        yield plain, f"it is the plain name of pod {found[0].name}"
    node = replace(plain, identity=IdentityKind.NODE)
    if found := named_by(node, identity, pods):
        yield node, f"it is the node of pod {found[0].name}"
    for kind in (gate.identity, *(one for one in IdentityKind if one is not gate.identity)):
        yield from _tails(replace(plain, identity=kind), identity, pods)


def _tails(plain: Gate, identity: str, pods: tuple[SeenPod, ...]) -> Iterator[tuple[Gate, str]]:
    """The longest name that the holder begins with and a ``-`` follows; what is left is a suffix or is random."""
    for pod in sorted(pods, key=lambda pod: len(claimed(plain, pod)), reverse=True):
        name = claimed(plain, pod)
        tail = identity.removeprefix(f"{name}-")
        if not name or tail == identity or not tail:
            continue
        mixed = any(sign.isdigit() or sign.isupper() for sign in tail) or not tail.islower()
        if tail.isascii() and tail.isalnum() and _SHORT_TAIL <= len(tail) <= MAX_RANDOM and mixed:
            yield replace(plain, random=len(tail)), f"it is {name}- and {len(tail)} random characters"
        elif is_subdomain(tail):
            yield replace(plain, suffix=tail), f"it is {name} with the tail -{tail}"
