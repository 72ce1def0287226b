"""What the operator knows of a Redirect, parsed once from what the API server sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

GROUP = "demo.leadergate.dev"
VERSION = "v1"
PLURAL = "redirects"


@dataclass(frozen=True, slots=True)
class Redirect:
    """One path and where it leads. ``created`` is ISO 8601 in UTC, to the second, as the API server writes it."""

    name: str
    uid: str
    generation: int
    created: str
    path: str
    target: str
    code: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A Redirect that does not fit the schema, for example one stored before the schema was tightened."""

    name: str
    uid: str
    generation: int
    fault: str


class _Metadata(BaseModel):
    name: str
    uid: str
    generation: int = 0
    creationTimestamp: AwareDatetime  # noqa: N815 - the API's own spelling


class _Spec(BaseModel):
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9\-._~/]*$")]
    target: Annotated[str, Field(pattern=r"^https?://\S+$")]
    code: Literal[301, 302, 307, 308] = 302


def parse(manifest: Mapping[str, Any]) -> Redirect | Unreadable:
    """Read one object as listed or watched.

    Raises:
        ValidationError: the metadata is not that of a Kubernetes object; no API server sends such a thing.
    """
    metadata = _Metadata.model_validate(manifest.get("metadata"))
    try:
        spec = _Spec.model_validate(manifest.get("spec"))
    except ValidationError as error:
        return Unreadable(metadata.name, metadata.uid, metadata.generation, _first_fault(error))
    return Redirect(
        name=metadata.name,
        uid=metadata.uid,
        generation=metadata.generation,
        created=metadata.creationTimestamp.isoformat(timespec="seconds"),
        path=spec.path,
        target=spec.target,
        code=spec.code,
    )


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    field = ".".join(["spec", *(str(part) for part in fault["loc"])])
    return f"{field} is {fault['input']!r}: {fault['msg']}"
