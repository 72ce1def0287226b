"""Namespace selectors, as far as they can be judged from here: by the names of namespaces.

The one label that every namespace is known to have is ``kubernetes.io/metadata.name``, which the API server keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadergate.survey.gates import Entry
from leadergate.survey.naming import NAMESPACE


@dataclass(frozen=True, slots=True)
class Chosen:
    """The namespaces that a selector takes: of ``among`` (None for all), none of ``without``.

    ``certain`` is False when other labels have a say as well, so that it may take fewer.
    """

    among: frozenset[str] | None
    without: frozenset[str]
    certain: bool

    def takes(self, namespace: str) -> bool | None:
        """Whether it takes that namespace; None when it may."""
        if namespace in self.without or (self.among is not None and namespace not in self.among):
            return False
        return True if self.certain else None

    def meets(self, other: Chosen) -> bool | None:
        """Whether some namespace is taken by both; None when one may be."""
        without = self.without | other.without
        if self.among is not None or other.among is not None:
            sets = [one.among for one in (self, other) if one.among is not None]
            if not frozenset.intersection(*sets) - without:
                return False
        return True if self.certain and other.certain else None


def chosen(entry: Entry) -> Chosen:
    """The namespaces whose objects the entry is asked about. Objects' own labels leave it uncertain."""
    found = _chosen(entry.namespace_selector)
    if any(entry.object_selector.values()):
        return Chosen(found.among, found.without, certain=False)
    return found


def _chosen(selector: Mapping[str, Any]) -> Chosen:
    among: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    certain = True
    for key, operator, values in _requirements(selector):
        if key != NAMESPACE:
            certain = False
        elif operator == "In":
            among = values if among is None else among & values
        elif operator == "NotIn":
            without |= values
        elif operator == "DoesNotExist":
            among = frozenset()
    return Chosen(among, without, certain)


def _requirements(selector: Mapping[str, Any]) -> list[tuple[str, str, frozenset[str]]]:
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return [
        *((key, "In", frozenset([value])) for key, value in labels.items()),
        *((one["key"], one["operator"], frozenset(one.get("values") or ())) for one in expressions),
    ]
