"""A core/v1 Event as a plain value: about which object, by whom, what and how often. No I/O, no clock.

Of the two APIs for one kind of object, core/v1 is the one whose ``count`` may rise and whose times are the caller's to
give; ``kubectl describe`` and ``kubectl events --for`` read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NOTE_BYTES = 1024
"""The API server's own limit for an Event's message (core/v1 validation)."""
CLUSTER_NAMESPACE = "default"
"""Where Events on cluster-scoped objects belong (core/v1 validation)."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Involved:
    """The object that an Event is about; ``namespace`` is empty when it is cluster-scoped.

    ``kubectl describe`` finds an Event by ``uid``, ``kubectl events --for`` by kind and name.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str = ""

    @property
    def events_namespace(self) -> str:
        """The namespace that its Events are in."""
        return self.namespace or CLUSTER_NAMESPACE


@dataclass(frozen=True, slots=True)
class Reporting:
    """Who reports: the program, and its process by its pod's name."""

    component: str
    instance: str


def event(
    involved: Involved,
    reporting: Reporting,
    *,
    kind: str,
    reason: str,
    message: str,
    unique: str,
    first: datetime,
    last: datetime,
    count: int,
) -> dict[str, Any]:
    """The manifest. ``kind`` is ``Normal`` or ``Warning``; ``unique`` ends its name and is a name's part itself.

    All texts are made safe for a terminal, and ``message`` is cut to :data:`NOTE_BYTES`. The times are UTC.
    """
    name = involved.name
    about = name if len(name) <= _MAX_NAME and _NAME.fullmatch(name) else "object"
    version = {"resourceVersion": involved.resource_version} if involved.resource_version else {}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": involved.events_namespace, "name": f"{about}.{unique}"},
        "involvedObject": {
            "apiVersion": plain(involved.api_version),
            "kind": plain(involved.kind),
            "namespace": plain(involved.namespace),
            "name": plain(name),
            "uid": plain(involved.uid),
            **version,
        },
        "type": kind,
        "reason": reason,
        "message": shortened(plain(message), NOTE_BYTES),
        "source": {"component": reporting.component, "host": reporting.instance},
        "reportingComponent": reporting.component,
        "reportingInstance": reporting.instance,
        "firstTimestamp": stamp(first),
        "lastTimestamp": stamp(last),
        "count": count,
    }


def stamp(moment: datetime) -> str:
    """A UTC time as the API writes it, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(text: str) -> str:
    """The text without what a terminal would act on: control, direction and other invisible characters become ``?``."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)


def shortened(text: str, most: int) -> str:
    """The text in at most ``most`` bytes of UTF-8; an ellipsis says that it was cut."""
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"
