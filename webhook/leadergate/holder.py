"""Does a holder identity name this pod, or this node?

What election libraries write into ``spec.holderIdentity``: the pod's name (client-go's documentation), the
name and a UUID joined by ``_`` (controller-runtime, kube-controller-manager), the name with a fixed tail (cert-manager)
or with random characters (Cilium). Names of pods and nodes are DNS-1123 subdomains and so hold no ``_``: cutting there
is exact. Nothing is ever matched by a bare prefix, since ``operator-1`` is a prefix of ``operator-10``.
"""

from __future__ import annotations

from leadergate.model import Gate, IdentityKind, Requester


def claimed_name(gate: Gate, requester: Requester) -> str | None:
    """The name by which the gate knows this requester: its pod, or its node; None when its token names none."""
    return requester.pod if gate.identity is IdentityKind.POD else requester.node


def names(gate: Gate, holder: str, name: str) -> bool:
    """Whether the holder identity ``holder`` names ``name`` in the form that the gate expects."""
    if not holder or not name:
        return False
    if gate.suffix is not None:
        return holder == f"{name}-{gate.suffix}"
    if gate.random is not None:
        tail = holder.removeprefix(f"{name}-")
        return tail != holder and len(tail) == gate.random and tail.isascii() and tail.isalnum()
    return holder.partition("_")[0] == name
