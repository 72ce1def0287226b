"""From the fields that were given to a spec, or to everything that is wrong with them, all at once."""

from __future__ import annotations

from dataclasses import dataclass

from leadergate.gate import is_label
from leadergate.gates import parts, path, refusals
from leadergate.gates.fields import Fields
from leadergate.gates.refusals import Fault
from leadergate.gates.spec import Account, Allowed, FailurePolicy, GateSpec, Service, StatusResource
from leadergate.model import LeaseKey, Mode

DEFAULT_MODE = Mode.AUDIT
DEFAULT_SERVICE = Service("leadergate-system", "leadergate")
DEFAULT_ACCOUNT = Account("leadergate-system", "leadergate")
DEFAULT_TIMEOUT = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What the fields come to: ``spec`` is None when there are ``faults``.

    ``resources`` are those that are well-formed and not refused, for discovery to look at, whatever else is wrong.
    """

    faults: tuple[Fault, ...]
    spec: GateSpec | None
    resources: tuple[StatusResource, ...]


def read(fields: Fields) -> Reading:
    """Judge all fields, each by itself and with the others, and make a spec of them if nothing is wrong."""
    faults: list[Fault] = []
    key = _lease(fields, faults)
    resources = _resources(fields, faults)
    faults += path.faults(fields)
    from_namespace = fields.from_ if fields.from_ is not None else key.namespace if key is not None else None
    timeout = parts.timeout(fields.timeout_seconds, DEFAULT_TIMEOUT, faults)
    policy = parts.failure_policy(fields.failure_policy, _usual_policy(fields), faults)
    target = parts.target(fields, DEFAULT_SERVICE, faults)
    account = DEFAULT_ACCOUNT if fields.account is None else parts.account("account", fields.account, faults)
    inject = _inject(fields, account, faults)
    own = _own(account, target, inject)
    namespaces = _namespaces(fields, from_namespace, own, faults)
    only = _only(fields, from_namespace, account, faults)
    allowed = _allowed(fields, only, from_namespace, faults)
    name = _name(fields, key, faults)
    if faults or key is None or target is None or account is None:
        return Reading(tuple(faults), None, resources)
    spec = GateSpec(
        name=name,
        path=path.path(fields.mode or DEFAULT_MODE, key, fields),
        resources=resources,
        failure_policy=policy,
        timeout_seconds=timeout,
        namespaces=namespaces,
        only=only,
        allowed=allowed,
        target=target,
        account=account,
        inject=inject,
        own=own,
    )
    return Reading((), spec, resources)


def _lease(fields: Fields, faults: list[Fault]) -> LeaseKey | None:
    if fields.lease is None:
        why = " is missing: expected NAMESPACE/NAME of the Lease that the writers elect their leader with"
        faults.append(Fault("lease", None, why, "see them with kubectl get leases --all-namespaces"))
        return None
    key, found = path.lease(fields.lease)
    faults += found
    if key is not None:
        faults += refusals.lease(key)
    return key


def _resources(fields: Fields, faults: list[Fault]) -> tuple[StatusResource, ...]:
    if not fields.resource:
        why = " is missing: expected at least one RESOURCE.VERSION.GROUP whose status is gated"
        faults.append(Fault("resource", None, why, "see the names with kubectl api-resources"))
    fit: list[StatusResource] = []
    for text in dict.fromkeys(fields.resource):
        one, found = parts.resource(text)
        found = found or (refusals.resource(one) if one is not None else [])
        faults += found
        if one is not None and not found:
            fit.append(one)
    return tuple(fit)


def _usual_policy(fields: Fields) -> FailurePolicy:
    """A gate that rejects nothing should hold up nothing either."""
    return FailurePolicy.FAIL if fields.mode == Mode.ENFORCE else FailurePolicy.IGNORE


def _inject(fields: Fields, account: Account | None, faults: list[Fault]) -> str | None:
    if fields.inject is None:
        return account.namespace if account is not None and not fields.no_inject else None
    if fields.no_inject:
        faults.append(Fault("inject", fields.inject, ": excludes no-inject", "leave one of the two out"))
    elif not is_label(fields.inject):
        why = ": expected a DNS-1123 label, the namespace of the Secret with the webhook's certificates"
        faults.append(Fault("inject", fields.inject, why, "see --certs-secret of leadergate serve"))
    return fields.inject


def _own(account: Account | None, target: Service | str | None, inject: str | None) -> tuple[str, ...]:
    """The namespaces that the gate is made of: its pods, its Service, its Secret."""
    found = [account.namespace if account else None, target.namespace if isinstance(target, Service) else None, inject]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _namespaces(
    fields: Fields, from_namespace: str | None, own: tuple[str, ...], faults: list[Fault]
) -> tuple[str, ...] | None:
    """Those that were named; else, unless all are meant, the writers' own."""
    if fields.namespace and fields.all_namespaces:
        faults.append(Fault("namespace", fields.namespace[0], ": excludes all-namespaces", "leave one of the two out"))
    if fields.all_namespaces:
        return None
    origin = "namespace" if fields.namespace else "from" if fields.from_ is not None else "lease"
    named = tuple(dict.fromkeys(fields.namespace)) or ((from_namespace,) if from_namespace is not None else ())
    for one in named:
        if is_label(one):
            faults += refusals.namespace(one, origin, own)
        elif origin == "namespace":
            faults.append(Fault("namespace", one, ": expected a DNS-1123 label", "name a namespace of gated objects"))
    return named


def _only(fields: Fields, from_namespace: str | None, own: Account | None, faults: list[Fault]) -> tuple[Account, ...]:
    found: list[Account] = []
    for text in dict.fromkeys(fields.only_service_account):
        one = parts.account("only-service-account", text, faults)
        if one is not None:
            faults += refusals.only(one, from_namespace, own)
            found.append(one)
    return tuple(found)


def _allowed(fields: Fields, only: tuple[Account, ...], from_namespace: str | None, faults: list[Fault]) -> Allowed:
    users: list[str] = []
    groups: list[str] = []
    for text in dict.fromkeys(fields.allow):
        kind, name = parts.subject(text, faults)
        if kind == "user":
            faults += refusals.allowed_user(text, name, only)
            users.append(name)
        elif kind == "group":
            faults += refusals.allowed_group(text, name, from_namespace)
            groups.append(name)
    return Allowed(tuple(dict.fromkeys(users)), tuple(dict.fromkeys(groups)))


def _name(fields: Fields, key: LeaseKey | None, faults: list[Fault]) -> str:
    """By default the Lease's: a gate that goes from audit to enforce stays one object."""
    if fields.name is not None:
        return parts.name(fields.name, "such as redirect-status.example.org", faults)
    if key is None:
        return ""
    return parts.name(f"{key.name}.{key.namespace}.leadergate.dev", "give a shorter one with name", faults)
