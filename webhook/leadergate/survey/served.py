"""Whether discovery serves a resource with a status subresource (Kubernetes API concepts, "API discovery")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadergate.survey.parts import Known, Looked, Right, Unknown
from leadergate.survey.questions import Questions
from leadergate.survey.raw import mappings, text


async def served(questions: Questions, group: str, version: str, resource: str) -> Looked[str | None]:
    """The scope of one resource, as rules name it, None when it is not served; version ``*`` is any that is served."""
    versions = [version]
    if version == "*":
        listed = await _versions(questions, group)
        if isinstance(listed, Unknown):
            return listed
        versions = listed.value
    unknown: Unknown | None = None
    for one in versions:
        path = f"/apis/{group}/{one}" if group else f"/api/{one}"
        found = await questions.object(path, Right("get", "", path))
        if isinstance(found, Unknown):
            unknown = found
        elif found.value is not None and (scope := _scope(found.value, resource)) is not None:
            return Known(scope)
    return unknown or Known(None)


def _scope(listed: Mapping[str, Any], resource: str) -> str | None:
    """What an APIResourceList says of the resource, None when it or its status is not there."""
    named = {text(one.get("name")): one for one in mappings(listed.get("resources"))}
    if not {resource, f"{resource}/status"} <= set(named):
        return None
    return "Namespaced" if named[resource].get("namespaced") is True else "Cluster"


async def _versions(questions: Questions, group: str) -> Looked[list[str]]:
    if not group:
        return Known(["v1"])
    path = f"/apis/{group}"
    found = await questions.object(path, Right("get", "", path))
    if isinstance(found, Unknown):
        return found
    return Known([text(one.get("version")) for one in mappings((found.value or {}).get("versions"))])
