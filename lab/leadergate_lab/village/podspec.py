"""What the node makes of a Pod's spec: frozen plain values, and the fields that it cannot do refused by name.

Defaults are those that the API server has filled in already; where a field may still be missing its default is named in
the Kubernetes API reference (core/v1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadergate_lab.village.errors import Unsupported

VOLUMES = ("projected", "secret", "configMap", "emptyDir", "downwardAPI")


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe; times are in seconds. ``kind`` is httpGet or tcpSocket."""

    kind: str
    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]
    initial_delay: float
    period: float
    timeout: float
    successes: int
    failures: int


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """A container as the node will run it. ``restart`` is the policy that is in force for it."""

    name: str
    restart: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[Mapping[str, Any], ...]
    working_dir: str
    mounts: tuple[Mapping[str, Any], ...]
    read_only_root: bool
    drop: bool
    no_new_privileges: bool
    non_root: bool
    uid: int | None
    gid: int | None
    pre_stop: float
    startup: Probe | None
    readiness: Probe | None
    liveness: Probe | None


@dataclass(frozen=True, slots=True)
class PodPlan:
    """A Pod as the node will run it. ``fs_user`` is the one user of all its containers, if they have one (kubelet).

    ``inits`` come before ``containers``; those with ``restart`` Always are sidecars (KEP-753).
    """

    containers: tuple[ContainerPlan, ...]
    inits: tuple[ContainerPlan, ...]
    restart: str
    grace: float
    host_network: bool
    hostname: str
    volumes: tuple[Mapping[str, Any], ...]
    fs_group: int | None
    fs_user: int | None
    groups: tuple[int, ...]


def plan(pod: Mapping[str, Any]) -> PodPlan:
    """Read a Pod. Raises Unsupported with every field that the node cannot do."""
    spec = pod["spec"]
    context = spec.get("securityContext") or {}
    faults = [
        f"spec.{field}: the village's node does not know it"
        for field in ("ephemeralContainers", "hostAliases", "dnsConfig")
        if spec.get(field)
    ]
    for volume in spec.get("volumes") or ():
        if not any(kind in volume for kind in VOLUMES):
            kinds = ", ".join(sorted(set(volume) - {"name"}))
            faults.append(f"spec.volumes[{volume['name']}]: {kinds} is not one of {', '.join(VOLUMES)}")
    restart = spec.get("restartPolicy", "Always")
    inits = tuple(
        _container(one, "initContainers", _init_restart(one, restart), context, faults)
        for one in spec.get("initContainers") or ()
    )
    containers = tuple(_container(one, "containers", restart, context, faults) for one in spec["containers"])
    if faults:
        raise Unsupported(faults)
    users = {one.uid for one in (*inits, *containers)}
    return PodPlan(
        containers,
        inits,
        restart,
        float(spec.get("terminationGracePeriodSeconds", 30)),
        bool(spec.get("hostNetwork")),
        spec.get("hostname") or pod["metadata"]["name"][:63],
        tuple(spec.get("volumes") or ()),
        context.get("fsGroup"),
        users.pop() if len(users) == 1 else None,
        tuple(context.get("supplementalGroups") or ()),
    )


def _init_restart(one: Mapping[str, Any], pod: str) -> str:
    if one.get("restartPolicy") == "Always":
        return "Always"
    return "Never" if pod == "Never" else "OnFailure"


def _container(
    one: Mapping[str, Any], field: str, restart: str, pod: Mapping[str, Any], faults: list[str]
) -> ContainerPlan:
    where = f"spec.{field}[{one['name']}]"
    own = {**pod, **(one.get("securityContext") or {})}
    faults.extend(
        f"{where}.{field}: the village's node does not know it"
        for field in ("envFrom", "volumeDevices")
        if one.get(field)
    )
    faults.extend(
        f"{where}.env[{entry['name']}]: resourceFieldRef and fileKeyRef are not known to the village's node"
        for entry in one.get("env") or ()
        if {"resourceFieldRef", "fileKeyRef"} & set(entry.get("valueFrom") or ())
    )
    faults.extend(
        f"{where}.volumeMounts[{mount['mountPath']}].subPathExpr: the village's node does not know it"
        for mount in one.get("volumeMounts") or ()
        if mount.get("subPathExpr")
    )
    ports = {port["name"]: int(port["containerPort"]) for port in one.get("ports") or () if port.get("name")}
    return ContainerPlan(
        name=one["name"],
        restart=restart,
        image=one["image"],
        command=tuple(one.get("command") or ()),
        args=tuple(one.get("args") or ()),
        env=tuple(one.get("env") or ()),
        working_dir=one.get("workingDir") or "",
        mounts=tuple(one.get("volumeMounts") or ()),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        drop="ALL" in ((own.get("capabilities") or {}).get("drop") or ()),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        non_root=bool(own.get("runAsNonRoot")),
        uid=own.get("runAsUser"),
        gid=own.get("runAsGroup"),
        pre_stop=_pre_stop(one.get("lifecycle") or {}, where, faults),
        startup=_probe(one, "startupProbe", ports, where, faults),
        readiness=_probe(one, "readinessProbe", ports, where, faults),
        liveness=_probe(one, "livenessProbe", ports, where, faults),
    )


def _pre_stop(lifecycle: Mapping[str, Any], where: str, faults: list[str]) -> float:
    hook = lifecycle.get("preStop") or {}
    if lifecycle.get("postStart") or (hook and "sleep" not in hook):
        faults.append(f"{where}.lifecycle: the village's node knows preStop.sleep alone")
        return 0.0
    return float(hook["sleep"]["seconds"]) if hook else 0.0


def _probe(
    container: Mapping[str, Any], field: str, ports: Mapping[str, int], where: str, faults: list[str]
) -> Probe | None:
    given = container.get(field)
    if not given:
        return None
    kind = next((kind for kind in ("httpGet", "tcpSocket") if kind in given), None)
    if kind is None:
        faults.append(f"{where}.{field}: the village's node knows httpGet and tcpSocket alone")
        return None
    action = given[kind]
    port = action["port"]
    if isinstance(port, str) and not port.isdigit():
        if port not in ports:
            faults.append(f"{where}.{field}.{kind}.port: {port} is the name of none of its ports")
            return None
        port = ports[port]
    return Probe(
        kind,
        action.get("scheme", "HTTP").lower(),
        action.get("host", ""),
        int(port),
        action.get("path", "/"),
        tuple((header["name"], header["value"]) for header in action.get("httpHeaders") or ()),
        float(given.get("initialDelaySeconds", 0)),
        float(given.get("periodSeconds", 10)),
        float(given.get("timeoutSeconds", 1)),
        int(given.get("successThreshold", 1)),
        int(given.get("failureThreshold", 3)),
    )


def field_value(pod: Mapping[str, Any], path: str, known: Mapping[str, str]) -> str:
    """The value of a fieldRef; ``known`` has what the node itself decides. Raises Unsupported at an unknown path."""
    if path in known:
        return known[path]
    metadata = pod["metadata"]
    for map_name in ("labels", "annotations"):
        if path.startswith(f"metadata.{map_name}['"):
            return str((metadata.get(map_name) or {}).get(path.split("'")[1], ""))
    if path in ("metadata.name", "metadata.namespace", "metadata.uid"):
        return str(metadata[path.removeprefix("metadata.")])
    if path in ("spec.nodeName", "spec.serviceAccountName"):
        return str(pod["spec"].get(path.removeprefix("spec."), ""))
    raise Unsupported([f"fieldRef {path}: not known to the village's node"])
