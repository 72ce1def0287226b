"""What no gate may do, and why: pure functions of values that were read, each returning the faults it finds.

Who writes the status of the built-in resources is to be read in kubernetes/kubernetes: the kubelet
(``pkg/kubelet/status``), kube-controller-manager (``pkg/controller``), kube-scheduler, and kube-apiserver for what it
extends itself with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from leadergate.gates.spec import Account, StatusResource
from leadergate.model import LeaseKey

CLUSTERS_OWN = ("kube-system", "kube-public", "kube-node-lease")

_MANAGER = "kube-controller-manager"
_SERVER = "kube-apiserver"
_WRITERS = {
    "apps": _MANAGER,
    "batch": _MANAGER,
    "autoscaling": _MANAGER,
    "policy": _MANAGER,
    "certificates.k8s.io": _MANAGER,
    "resource.k8s.io": "kube-scheduler, the kubelet and kube-controller-manager",
    "storagemigration.k8s.io": _MANAGER,
    "apiextensions.k8s.io": _SERVER,
    "apiregistration.k8s.io": _SERVER,
    "flowcontrol.apiserver.k8s.io": _SERVER,
    "internal.apiserver.k8s.io": _SERVER,
}
"""Built-in API groups whose status belongs to the control plane. ``networking.k8s.io`` and ``storage.k8s.io`` are left
out: ingress controllers and CSI sidecars write there, and elect leaders."""

_CONTROL_PLANE = ("kube-controller-manager", "kube-scheduler", "cloud-controller-manager")
_CORE = "is of the core group, whose status the kubelet and kube-controller-manager write"
_ELSEWHERE = "gate the status of your own resources"


class Fault(NamedTuple):
    """What is wrong with one field. ``value`` is None when none was given; ``why`` follows it in a sentence."""

    field: str
    value: str | None
    why: str
    remedy: str

    def __str__(self) -> str:
        shown = self.field if self.value is None else f"{self.field} {self.value!r}"
        return f"{shown}{self.why}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Found:
    """What discovery says of a resource that is served."""

    namespaced: bool
    status: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """The resource is not served: ``why``, and what to do about it."""

    why: str
    remedy: str


def wildcard(text: str) -> list[Fault]:
    """Rules with ``*`` match Leases, nodes and pods too, now or after the next definition is installed."""
    if "*" not in text:
        return []
    why = ": a wildcard would take in what the cluster lives on, Leases and nodes among it"
    return [Fault("resource", text, why, "name each resource")]


def core(text: str) -> list[Fault]:
    """``pods.v1`` and ``pods.v1.core``: what has no group, or the name that people give to none."""
    return [Fault("resource", text, f": {_CORE}: nodes and pods would fail", _ELSEWHERE)]


def resource(one: StatusResource) -> list[Fault]:
    """Resources that the cluster cannot do without."""
    if one.group == "coordination.k8s.io":
        why = ": this is how leaders are elected and nodes tell that they live: the gate would hold up its own Lease"
    elif one.group == "admissionregistration.k8s.io":
        why = ": the API server asks no webhook about these, for they could lock it out"
    elif one.group == "core":
        return core(str(one))
    elif one.group in _WRITERS:
        why = f": its status is written by {_WRITERS[one.group]}, which would be turned away"
    elif (one.group, one.resource) == ("networking.k8s.io", "servicecidrs"):
        why = f": its status is written by {_MANAGER}, which would be turned away"
    else:
        return []
    return [Fault("resource", str(one), why, _ELSEWHERE)]


def lease(key: LeaseKey) -> list[Fault]:
    """Leases that no operator elects its leader with."""
    if key.namespace == "kube-node-lease":
        return [
            Fault("lease", str(key), ": is a node's heartbeat, which no pod holds", "name the operator's own Lease")
        ]
    if key.namespace == "kube-system" and (key.name in _CONTROL_PLANE or key.name.startswith("apiserver-")):
        why = ": is the control plane's, whose processes have no pod in their credentials"
        return [Fault("lease", str(key), why, "name the operator's own Lease")]
    return []


def namespace(name: str, origin: str, own: Iterable[str]) -> list[Fault]:
    """Namespaces whose objects no gate may guard; ``origin`` says which field the name comes from."""
    taken = "" if origin == "namespace" else f" (taken from {origin})"
    remedy = "name others with namespace, or all others with all-namespaces"
    if name in CLUSTERS_OWN:
        return [Fault("namespace", name, f"{taken}: the cluster's own components live there", remedy)]
    if name in own:
        return [Fault("namespace", name, f"{taken}: the gate itself runs there, and must not wait for itself", remedy)]
    return []


def only(account: Account, from_namespace: str | None, own: Account | None) -> list[Fault]:
    """Accounts of which no pod can ever be the holder. What is None could not be read."""
    field = "only-service-account"
    if account == own:
        return [Fault(field, str(account), ": is the gate's own account", "name the operator's")]
    if from_namespace is not None and account.namespace != from_namespace:
        why = f": its pods are of another namespace than {from_namespace!r}, and each of their writes would be denied"
        return [Fault(field, str(account), why, f"name its namespace with from: {account.namespace}")]
    return []


def allowed_user(text: str, username: str, judged: Iterable[Account]) -> list[Fault]:
    """Users that nothing would be left to judge without; ``text`` is what was given."""
    if username == "system:anonymous":
        return [_nobody(text)]
    if username in [account.username for account in judged]:
        why = ": is named by only-service-account as well, so that nobody would be judged for it"
        return [Fault("allow", text, why, "leave one of the two out")]
    return []


def allowed_group(text: str, group: str, from_namespace: str | None) -> list[Fault]:
    """Groups that hold all writers (Kubernetes documentation, "Default roles and role bindings")."""
    if group == "system:unauthenticated":
        return [_nobody(text)]
    holds = {
        "system:authenticated": "everybody is in this group",
        "system:serviceaccounts": "every pod is in this group",
        f"system:serviceaccounts:{from_namespace}": "the writers to be judged are in this group",
    }
    if group not in holds:
        return []
    return [Fault("allow", text, f": {holds[group]}, so that nobody would be judged", "name fewer")]


def discovered(found: Mapping[StatusResource, Found | Missing], namespaces: tuple[str, ...]) -> list[Fault]:
    """What discovery speaks against; ``namespaces`` are those that were asked for by name."""
    faults = []
    for one, what in found.items():
        match what:
            case Missing(why, remedy):
                faults.append(Fault("resource", str(one), f": {why}", remedy))
            case Found(status=False):
                why = ": has no status subresource: its status is written with the rest of the object"
                faults.append(Fault("resource", str(one), why, "add 'subresources: {status: {}}' to its definition"))
            case Found(namespaced=False) if namespaces:
                why = f": {one} is cluster-scoped, and no namespace selects among its objects"
                faults.append(Fault("namespace", ", ".join(namespaces), why, "leave namespace out, or the resource"))
    return faults


def _nobody(text: str) -> Fault:
    return Fault("allow", text, ": nobody has shown who they are", "name users or groups that are authenticated")
