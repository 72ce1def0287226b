"""A gate is its webhook's URL path: reading one, and saying how it should look."""

from __future__ import annotations

import re

from leadergate.model import Gate, IdentityKind, LeaseKey, Mode

FORM = (
    "/{enforce|warn|audit}/{lease-namespace}/{lease-name}"
    "[/from/{namespace}][/identity/{pod|node}][/suffix/{literal}|/random/{count}]"
)
MAX_RANDOM = 63
MAX_NAME = 253

# RFC 1123 names as Kubernetes restricts them: a label (namespaces) and a subdomain (names of Leases).
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class UnknownGate(ValueError):
    """The path is not a gate's; the message names the faulty part, what was expected and the whole form."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; a gate's path has the form {FORM}")


def parse(path: str) -> Gate:
    """The gate that ``path`` names.

    Raises:
        UnknownGate: a part is missing, unknown, given twice or not a name that Kubernetes would accept.
    """
    parts = path.removeprefix("/").split("/")
    if not path.startswith("/") or len(parts) < 3:
        raise UnknownGate(f"path {path!r} lacks a mode, a Lease's namespace or a Lease's name")
    mode_part, namespace, name, *rest = parts
    try:
        mode = Mode(mode_part)
    except ValueError:
        raise UnknownGate(f"mode {mode_part!r} is not one of enforce, warn, audit") from None
    _require_namespace("lease namespace", namespace)
    if len(name) > MAX_NAME or not _SUBDOMAIN.fullmatch(name):
        raise UnknownGate(f"lease name {name!r} is not a DNS-1123 subdomain of at most {MAX_NAME} characters")
    options = _pairs(rest)
    from_namespace = options.get("from", namespace)
    _require_namespace("from", from_namespace)
    if "suffix" in options and "random" in options:
        raise UnknownGate("'suffix' and 'random' exclude each other")
    return Gate(
        mode=mode,
        lease=LeaseKey(namespace, name),
        from_namespace=from_namespace,
        identity=_identity(options.get("identity", "pod")),
        suffix=_suffix(options.get("suffix")),
        random=_random(options.get("random")),
    )


def _pairs(rest: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for at in range(0, len(rest), 2):
        key = rest[at]
        if key not in {"from", "identity", "suffix", "random"}:
            raise UnknownGate(f"option {key!r} is not one of from, identity, suffix, random")
        if at + 1 == len(rest):
            raise UnknownGate(f"option {key!r} has no value")
        if key in pairs:
            raise UnknownGate(f"option {key!r} is given twice")
        pairs[key] = rest[at + 1]
    return pairs


def _require_namespace(part: str, value: str) -> None:
    if not _LABEL.fullmatch(value):
        raise UnknownGate(f"{part} {value!r} is not a DNS-1123 label of at most 63 characters")


def _identity(value: str) -> IdentityKind:
    try:
        return IdentityKind(value)
    except ValueError:
        raise UnknownGate(f"identity {value!r} is not one of pod, node") from None


def _suffix(value: str | None) -> str | None:
    if value is not None and (len(value) > MAX_NAME or not _SUBDOMAIN.fullmatch(value)):
        raise UnknownGate(f"suffix {value!r} is not made of at most {MAX_NAME} lower-case letters, digits, '-' and '.'")
    return value


def _random(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 2 and 1 <= int(value) <= MAX_RANDOM):
        raise UnknownGate(f"random {value!r} is not a count from 1 to {MAX_RANDOM}")
    return int(value)
