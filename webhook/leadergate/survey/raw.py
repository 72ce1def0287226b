"""Parsed JSON as whoever it was may have sent it: what is missing or odd is empty, and nothing is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> dict[str, Any]:
    """An object; empty when it is none."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """A string; empty when it is none."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    """The strings in a list; none when it is no list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def number(value: Any, default: int) -> int:
    """A whole number, or the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def labels(value: Any) -> dict[str, str]:
    """Labels, annotations or the like: strings by strings."""
    return {key: item for key, item in mapping(value).items() if isinstance(item, str)}


def metadata(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object's metadata."""
    return mapping(item.get("metadata"))


def selects(selector: Any, found: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels (apimachinery: meta/v1 LabelSelectorAsSelector).

    One that is missing takes nothing, an empty one everything.
    """
    if not isinstance(selector, dict):
        return False
    wanted = labels(selector.get("matchLabels"))
    if any(found.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(one, found) for one in mappings(selector.get("matchExpressions")))


def _holds(expression: Mapping[str, Any], found: Mapping[str, str]) -> bool:
    key, values = text(expression.get("key")), texts(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return found.get(key) in values
        case "NotIn":
            return found.get(key) not in values
        case "Exists":
            return key in found
        case "DoesNotExist":
            return key not in found
    return False
