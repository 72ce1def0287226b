"""What a Pod's volumes hold, as folders of this machine: made once, when the Pod starts, and not kept up after that."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadergate_lab.village.api import Api, ApiFault
from leadergate_lab.village.errors import NotYet, Unsupported
from leadergate_lab.village.podspec import PodPlan, field_value

_TOKEN_SECONDS = 3600
_FILE_MODE = 0o644


class Volumes:
    """The volumes of one Pod, below ``folder``. ``may_own`` tells whether files can be given to other users."""

    def __init__(self, api: Api, pod: Mapping[str, Any], plan: PodPlan, folder: Path, *, may_own: bool) -> None:
        self._api, self._pod, self._plan, self._folder, self._may_own = api, pod, plan, folder, may_own
        self._namespace = pod["metadata"]["namespace"]
        self._known: Mapping[str, str] = {}

    async def make(self, known: Mapping[str, str]) -> None:
        """Make them all. Raises NotYet when an object that they come from is not there."""
        self._known = known
        for volume in self._plan.volumes:
            folder = self.path(volume["name"])
            folder.mkdir(parents=True, exist_ok=True)
            for name, (content, mode, owner) in (await self._files(volume)).items():
                self._write(folder / name, content, mode, owner)
            self._own_folder(folder, writable="emptyDir" in volume)

    def path(self, name: str) -> Path:
        """The folder of a volume."""
        return self._folder / name

    def _write(self, file: Path, content: bytes, mode: int, owner: int | None) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(content)
        group = self._plan.fs_group
        if self._may_own and (owner is not None or group is not None):
            os.chown(file, -1 if owner is None else owner, -1 if group is None else group)
        # The kubelet lets the group of fsGroup read what it makes for it.
        file.chmod(mode | (0o440 if group is not None else 0))

    def _own_folder(self, folder: Path, *, writable: bool) -> None:
        folder.chmod(0o777 if writable else 0o755)
        if self._may_own and self._plan.fs_group is not None:
            os.chown(folder, -1, self._plan.fs_group)
            folder.chmod(0o2777 if writable else 0o2755)

    async def _files(self, volume: Mapping[str, Any]) -> dict[str, tuple[bytes, int, int | None]]:
        if "emptyDir" in volume:
            return {}
        if "projected" in volume:
            projected = volume["projected"]
            mode = int(projected.get("defaultMode", _FILE_MODE))
            files: dict[str, tuple[bytes, int, int | None]] = {}
            for source in projected.get("sources") or ():
                files |= await self._source(source, mode)
            return files
        for kind, name_field in (("secret", "secretName"), ("configMap", "name")):
            if kind in volume:
                given = dict(volume[kind])
                given["name"] = given[name_field]
                return await self._source({kind: given}, int(given.get("defaultMode", _FILE_MODE)))
        given = volume["downwardAPI"]
        return await self._source({"downwardAPI": given}, int(given.get("defaultMode", _FILE_MODE)))

    async def _source(self, source: Mapping[str, Any], mode: int) -> dict[str, tuple[bytes, int, int | None]]:
        if "serviceAccountToken" in source:
            wanted = source["serviceAccountToken"]
            plan = self._plan
            if plan.fs_user is not None or plan.fs_group is not None:
                mode = 0o600
            return {wanted["path"]: ((await self._token(wanted)).encode(), mode, plan.fs_user)}
        if "downwardAPI" in source:
            return {
                item["path"]: (self._field(item).encode(), int(item.get("mode", mode)), None)
                for item in source["downwardAPI"].get("items") or ()
            }
        for kind, plural in (("secret", "secrets"), ("configMap", "configmaps")):
            if kind in source:
                return await self._keys(plural, source[kind], mode)
        raise Unsupported([f"spec.volumes: {', '.join(source)} is no source that the village's node knows"])

    def _field(self, item: Mapping[str, Any]) -> str:
        if "fieldRef" not in item:
            raise Unsupported([f"spec.volumes: downwardAPI {item['path']} is no fieldRef"])
        return field_value(self._pod, item["fieldRef"]["fieldPath"], self._known)

    async def _keys(self, plural: str, given: Mapping[str, Any], mode: int) -> dict[str, tuple[bytes, int, int | None]]:
        optional = bool(given.get("optional"))
        data = await read_data(self._api, self._namespace, plural, given["name"], optional=optional)
        items = given.get("items")
        if items is None:
            return {name: (content, mode, None) for name, content in data.items()}
        missing = [item["key"] for item in items if item["key"] not in data]
        if missing and not optional:
            raise NotYet(f"{plural} {given['name']} has no key {', '.join(missing)}")
        return {
            item["path"]: (data[item["key"]], int(item.get("mode", mode)), None)
            for item in items
            if item["key"] in data
        }

    async def _token(self, wanted: Mapping[str, Any]) -> str:
        """A token bound to the Pod, by the TokenRequest API, as the kubelet asks for it."""
        metadata = self._pod["metadata"]
        account = self._pod["spec"].get("serviceAccountName", "default")
        audience = wanted.get("audience")
        spec = {
            "audiences": [audience] if audience else [],
            "expirationSeconds": int(wanted.get("expirationSeconds", _TOKEN_SECONDS)),
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]},
        }
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        answer = await self._api.call("POST", path, body)
        return str(answer["status"]["token"])


async def read_data(api: Api, namespace: str, plural: str, name: str, *, optional: bool) -> dict[str, bytes]:
    """What a Secret or a ConfigMap holds. Raises NotYet when there is none, unless it is optional."""
    try:
        found = await api.call("GET", f"/api/v1/namespaces/{namespace}/{plural}/{name}")
    except ApiFault as fault:
        if fault.status != 404:
            raise
        if optional:
            return {}
        raise NotYet(f"{plural} {namespace}/{name} is not there") from fault
    encoded = found.get("data") or {}
    if plural == "secrets":
        return {key: base64.b64decode(text) for key, text in encoded.items()}
    binary = {key: base64.b64decode(text) for key, text in (found.get("binaryData") or {}).items()}
    return {key: text.encode() for key, text in encoded.items()} | binary
