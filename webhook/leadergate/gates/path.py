"""A gate's URL path from its parts, each judged by the very parser that the webhook reads it with."""

from __future__ import annotations

from leadergate.gate import UnknownGate, parse
from leadergate.gates.fields import Fields, name_of
from leadergate.gates.refusals import Fault
from leadergate.model import LeaseKey

_PAIRS = ("from_", "identity", "suffix", "random", "code", "retry_after")
_REMEDIES = {
    "mode": "audit only records, warn warns as well, enforce rejects",
    "from_": "name the namespace whose pods write",
    "identity": "pod is for all but hostNetwork pods",
    "suffix": "give what the holder has after '{pod}-'",
    "random": "give how many random characters the holder has after '{pod}-'",
    "code": "403 is right for most",
    "retry_after": "leave it out, or see code 429 in docs/gates.md",
}


def faults(fields: Fields) -> list[Fault]:
    """What the webhook would not take of the fields that make the path, one by one; the Lease is judged by its own."""
    found = []
    for attribute in ("mode", *_PAIRS):
        value = getattr(fields, attribute)
        if value is not None and (why := _judged(attribute, value, fields)):
            found.append(Fault(name_of(attribute), value, why, _REMEDIES[attribute]))
    if fields.suffix is not None and fields.random is not None:
        found.append(Fault("suffix", fields.suffix, ": excludes random", "leave one of the two out"))
    return found


def lease(text: str) -> tuple[LeaseKey | None, list[Fault]]:
    """The Lease that NAMESPACE/NAME names."""
    remedy = "see the names with kubectl get leases --all-namespaces"
    namespace, _, name = text.partition("/")
    if not namespace or not name or "/" in name:
        return None, [Fault("lease", text, ": expected NAMESPACE/NAME", remedy)]
    try:
        return parse(f"/audit/{namespace}/{name}").lease, []
    except UnknownGate as fault:
        return None, [Fault("lease", text, f": {fault.fault}", remedy)]


def path(mode: str, key: LeaseKey, fields: Fields) -> str:
    """The path; what is not given is left out, and so is ``from`` where it says nothing new.

    Raises:
        UnknownGate: the webhook would not take it.
    """
    pairs = {attribute: getattr(fields, attribute) for attribute in _PAIRS}
    if pairs["from_"] == key.namespace:
        pairs["from_"] = None
    written = f"/{mode}/{key}" + "".join(
        f"/{name_of(attribute)}/{value}" for attribute, value in pairs.items() if value is not None
    )
    parse(written)
    return written


def _judged(attribute: str, value: str, fields: Fields) -> str:
    """Why the parser refuses this value, as if all else were well; empty when it takes it."""
    if "/" in value:
        return ": holds a '/', which would begin another part of the gate's path"
    if attribute == "mode":
        tried = f"/{value}/n/l"
    elif attribute == "retry_after" and fields.code == "429":
        tried = f"/audit/n/l/code/429/retry-after/{value}"
    else:
        tried = f"/audit/n/l/{name_of(attribute)}/{value}"
    try:
        parse(tried)
    except UnknownGate as fault:
        said = fault.fault
        if attribute == "retry_after" and fields.code != "429":
            return ": goes only with code 429"
        return said.removeprefix(f"{name_of(attribute)} {value!r}")
    return ""
