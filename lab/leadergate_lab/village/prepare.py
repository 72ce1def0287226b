"""A Pod's containers, ready to be started: volumes made, variables looked up, commands resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadergate_lab.village import images
from leadergate_lab.village.api import Api
from leadergate_lab.village.container import Container
from leadergate_lab.village.errors import NotYet
from leadergate_lab.village.images import Image
from leadergate_lab.village.network import NODE_ADDRESS
from leadergate_lab.village.podspec import ContainerPlan, PodPlan, field_value
from leadergate_lab.village.volumes import Volumes, read_data


@dataclass(frozen=True, slots=True)
class Place:
    """What the node gives to every Pod. ``hosts`` is everyone's ``/etc/hosts``; ``may_own``: there are other users."""

    api: Api
    folder: Path
    hosts: Path
    images: Mapping[str, Image]
    base: Mapping[str, str]
    show: Sequence[str]
    may_own: bool


class Preparation:
    """Makes the containers of one Pod, with ``address`` for its own and files below ``folder``."""

    def __init__(self, place: Place, pod: Mapping[str, Any], plan: PodPlan, address: str, folder: Path) -> None:
        self._place, self._pod, self._plan, self._address, self._folder = place, pod, plan, address, folder
        self._known = {"status.podIP": address, "status.podIPs": address, "status.hostIP": NODE_ADDRESS}
        self._volumes = Volumes(place.api, pod, plan, folder / "volumes", may_own=place.may_own)

    async def make(self, changed: Callable[[], None]) -> tuple[list[Container], list[Container]]:
        """Init containers and the others. Raises NotYet when something that they need is not there."""
        await self._volumes.make(self._known)
        inits = [await self._container(one, changed) for one in self._plan.inits]
        return inits, [await self._container(one, changed) for one in self._plan.containers]

    async def _container(self, one: ContainerPlan, changed: Callable[[], None]) -> Container:
        return Container(one, self._address, await self._spec(one), self._folder, changed)

    async def _spec(self, one: ContainerPlan) -> dict[str, Any]:
        """What ``enclose.py`` is told."""
        image = images.find(self._place.images, one.image)
        if image is None:
            raise NotYet(f"image {one.image} is not in the village's table of images")
        uid = image.user if one.uid is None else one.uid
        if one.non_root and uid == 0:
            raise NotYet(f"container {one.name} has runAsNonRoot and would run as root")
        plan = self._plan
        hostname = self._pod["spec"]["nodeName"] if plan.host_network else plan.hostname
        entries = [(entry["name"], await self._value(entry)) for entry in one.env]
        env = images.environment(image, {**self._place.base, "HOSTNAME": hostname}, entries, self._address)
        # An image's user has a group of the same number; a runAsUser without a runAsGroup has group 0.
        gid = one.gid if one.gid is not None else (uid if one.uid is None else 0)
        return {
            "argv": images.command_line(image, one.command, one.args, env, self._address),
            "env": env,
            "cwd": one.working_dir or "/",
            "hostname": hostname,
            "show": list(self._place.show),
            "mounts": self._mounts(one),
            "read_only_root": one.read_only_root,
            "uid": uid if self._place.may_own else None,
            "gid": gid,
            "groups": [gid, *plan.groups, *([] if plan.fs_group is None else [plan.fs_group])],
            "drop": one.drop,
            "no_new_privileges": one.no_new_privileges,
            "grace": plan.grace,
        }

    def _mounts(self, one: ContainerPlan) -> list[dict[str, Any]]:
        mounts = [{"source": str(self._place.hosts), "target": "/etc/hosts", "read_only": True}]
        rooms = {volume["name"] for volume in self._plan.volumes if "emptyDir" in volume}
        for mount in one.mounts:
            source = self._volumes.path(mount["name"]) / (mount.get("subPath") or "")
            # The kubelet mounts all but emptyDir read-only, whatever the Pod says.
            read_only = bool(mount.get("readOnly")) or mount["name"] not in rooms
            mounts.append({"source": str(source), "target": mount["mountPath"], "read_only": read_only})
        return mounts

    async def _value(self, entry: Mapping[str, Any]) -> str:
        source = entry.get("valueFrom")
        if source is None:
            return str(entry.get("value") or "")
        if "fieldRef" in source:
            return field_value(self._pod, source["fieldRef"]["fieldPath"], self._known)
        kind, plural = ("secretKeyRef", "secrets") if "secretKeyRef" in source else ("configMapKeyRef", "configmaps")
        wanted, namespace = source[kind], self._pod["metadata"]["namespace"]
        optional = bool(wanted.get("optional"))
        data = await read_data(self._place.api, namespace, plural, wanted["name"], optional=optional)
        if wanted["key"] not in data and not optional:
            raise NotYet(f"{plural} {namespace}/{wanted['name']} has no key {wanted['key']}")
        return data.get(wanted["key"], b"").decode()
