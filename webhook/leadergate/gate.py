"""A gate is its webhook's URL path: reading one, and saying how it should look."""

from __future__ import annotations

import re

from leadergate.model import DenialCode, Gate, IdentityKind, LeaseKey, Mode

FORM = (
    "/{enforce|warn|audit}/{lease-namespace}/{lease-name}"
    "[/from/{namespace}][/identity/{pod|node}][/suffix/{literal}|/random/{count}]"
    "[/code/{403|409|422|429}][/retry-after/{seconds}]"
)
MAX_RANDOM = 63
MAX_RETRY_AFTER = 60
MAX_NAME = 253

# RFC 1123 names as Kubernetes restricts them: a label (namespaces) and a subdomain (names of Leases).
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_label(text: str) -> bool:
    """Whether it is a DNS-1123 label, as namespaces are."""
    return _LABEL.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """Whether it is a DNS-1123 subdomain, as most names are."""
    return len(text) <= MAX_NAME and _SUBDOMAIN.fullmatch(text) is not None


class UnknownGate(ValueError):
    """The path is not a gate's; the message names the faulty part, what was expected and the whole form.

    ``fault`` is the message without that form.
    """

    def __init__(self, fault: str) -> None:
        self.fault = fault
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
    if not is_subdomain(name):
        raise UnknownGate(f"lease name {name!r} is not a DNS-1123 subdomain of at most {MAX_NAME} characters")
    options = _pairs(rest)
    from_namespace = options.get("from", namespace)
    _require_namespace("from", from_namespace)
    if "suffix" in options and "random" in options:
        raise UnknownGate("'suffix' and 'random' exclude each other")
    code = _code(options.get("code", "403"))
    return Gate(
        mode=mode,
        lease=LeaseKey(namespace, name),
        from_namespace=from_namespace,
        identity=_identity(options.get("identity", "pod")),
        suffix=_suffix(options.get("suffix")),
        random=_random(options.get("random")),
        code=code,
        retry_after=_retry_after(options.get("retry-after"), code),
    )


_OPTIONS = ("from", "identity", "suffix", "random", "code", "retry-after")


def _pairs(rest: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for at in range(0, len(rest), 2):
        key = rest[at]
        if key not in _OPTIONS:
            raise UnknownGate(f"option {key!r} is not one of {', '.join(_OPTIONS)}")
        if at + 1 == len(rest):
            raise UnknownGate(f"option {key!r} has no value")
        if key in pairs:
            raise UnknownGate(f"option {key!r} is given twice")
        pairs[key] = rest[at + 1]
    return pairs


def _require_namespace(part: str, value: str) -> None:
    if not is_label(value):
        raise UnknownGate(f"{part} {value!r} is not a DNS-1123 label of at most 63 characters")


def _identity(value: str) -> IdentityKind:
    try:
        return IdentityKind(value)
    except ValueError:
        raise UnknownGate(f"identity {value!r} is not one of pod, node") from None


def _suffix(value: str | None) -> str | None:
    if value is not None and not is_subdomain(value):
        raise UnknownGate(f"suffix {value!r} is not made of at most {MAX_NAME} lower-case letters, digits, '-' and '.'")
    return value


def _random(value: str | None) -> int | None:
    if value is None:
        return None
    if not _counts(value, MAX_RANDOM):
        raise UnknownGate(f"random {value!r} is not a count from 1 to {MAX_RANDOM}")
    return int(value)


def _code(value: str) -> DenialCode:
    for code in DenialCode:
        if value == str(code.value):
            return code
    raise UnknownGate(f"code {value!r} is not one of {', '.join(str(code.value) for code in DenialCode)}")


def _retry_after(value: str | None, code: DenialCode) -> int | None:
    """Seconds; the API server passes them on with any code, but clients heed them with 429 alone."""
    if code is not DenialCode.TOO_MANY_REQUESTS:
        if value is not None:
            raise UnknownGate("'retry-after' goes only with code 429")
        return None
    if value is None:
        return 1
    if not _counts(value, MAX_RETRY_AFTER):
        raise UnknownGate(f"retry-after {value!r} is not a number of seconds from 1 to {MAX_RETRY_AFTER}")
    return int(value)


def _counts(value: str, most: int) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 2 and 1 <= int(value) <= most
