"""Whether discovery serves a resource with a status subresource (Kubernetes API concepts, "API discovery")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadergate.survey.parts import Known, Looked, Right, Unknown
from leadergate.survey.questions import Questions
from leadergate.survey.raw import mappings, text


async def served(questions: Questions, group: str, version: str, resource: str) -> Looked[bool]:
    """Ask for one resource; version ``*`` is any that is served."""
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
        elif found.value is not None and with_status(found.value, resource):
            return Known(value=True)
    return unknown or Known(value=False)


def with_status(listed: Mapping[str, Any], resource: str) -> bool:
    """Whether an APIResourceList has the resource and its status."""
    names = {text(one.get("name")) for one in mappings(listed.get("resources"))}
    return {resource, f"{resource}/status"} <= names


async def _versions(questions: Questions, group: str) -> Looked[list[str]]:
    if not group:
        return Known(["v1"])
    path = f"/apis/{group}"
    found = await questions.object(path, Right("get", "", path))
    if isinstance(found, Unknown):
        return found
    return Known([text(one.get("version")) for one in mappings((found.value or {}).get("versions"))])
