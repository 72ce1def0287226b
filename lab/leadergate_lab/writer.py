"""Status writes as any identity, in each form that the API offers, and what the client gets to see of the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kubernetes.client import ApiClient


class Form(StrEnum):
    """How a write is put; for patches the content type (Kubernetes API concepts, "Patch")."""

    PUT = "application/json"
    MERGE_PATCH = "application/merge-patch+json"
    JSON_PATCH = "application/json-patch+json"
    STRATEGIC_PATCH = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Answer:
    """The API server's answer: HTTP code, the object or ``metav1.Status``, and the texts of its Warning headers."""

    code: int
    body: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return 200 <= self.code < 300

    @property
    def message(self) -> str:
        """The message of a failure."""
        return str(self.body.get("message", ""))

    @property
    def reason(self) -> str:
        """The ``reason`` of a failure, such as Forbidden."""
        return str(self.body.get("reason", ""))

    @property
    def causes(self) -> dict[str, str]:
        """``details.causes`` of a failure: messages by reason."""
        causes = self.body.get("details", {}).get("causes", [])
        return {str(cause.get("reason", "")): str(cause.get("message", "")) for cause in causes}

    @property
    def cause(self) -> str:
        """The reason of a denial by a gate: the first cause."""
        return next(iter(self.causes), "")


class Writer:
    """One client of the API. ``headers`` go with each call, such as those of impersonation."""

    def __init__(self, api: ApiClient, *, headers: Mapping[str, str] | None = None) -> None:
        self._api = api
        self._headers = dict(headers or {})

    def send(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
    ) -> Answer:
        """Call any path of the API; no answer of it raises."""
        headers = {"Accept": "application/json", "Content-Type": content_type, **self._headers}
        response = self._api.call_api(
            *self._api.param_serialize(
                method,
                path,
                query_params=list(query.items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
        )
        content = response.read()
        warnings = tuple(_text(line) for line in response.getheaders().getlist("Warning"))
        return Answer(response.status, _parsed(content), warnings)

    def status(self, path: str, status: Mapping[str, Any], form: Form = Form.MERGE_PATCH, **query: str) -> Answer:
        """Write the status of the object at ``path``; PUT and apply read the object first."""
        at = f"{path}/status"
        match form:
            case Form.PUT:
                return self.send("PUT", at, {**self.send("GET", path).body, "status": status}, **query)
            case Form.MERGE_PATCH | Form.STRATEGIC_PATCH:
                return self.send("PATCH", at, {"status": status}, content_type=form, **query)
            case Form.JSON_PATCH:
                patch = [{"op": "add", "path": "/status", "value": status}]
                return self.send("PATCH", at, patch, content_type=form, **query)
            case Form.APPLY:
                found = self.send("GET", path).body
                applied = {key: found[key] for key in ("apiVersion", "kind")}
                applied |= {"metadata": {"name": found["metadata"]["name"]}, "status": status}
                return self.send("PATCH", at, applied, content_type=form, fieldManager="writer", force="true", **query)

    def merge(self, path: str, change: Mapping[str, Any], **query: str) -> Answer:
        """Merge-patch the object itself."""
        return self.send("PATCH", path, change, content_type=Form.MERGE_PATCH, **query)


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {"message": content.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)}


def _text(warning: str) -> str:
    """The text of a Warning header, ``299 - "text"`` (RFC 7234, section 5.5)."""
    found = re.fullmatch(r'299 \S+ "(.*)"', warning, re.DOTALL)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else warning
