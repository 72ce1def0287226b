"""Webhook configurations as the API server lists them, read into entries, and gates told from all others."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from leadergate.gate import UnknownGate, parse
from leadergate.gates.manifest import INJECT
from leadergate.gates.spec import FailurePolicy, Service
from leadergate.survey.gates import BrokenGate, Entry, PlacedGate, Rule
from leadergate.survey.raw import labels, mapping, mappings, metadata, number, text, texts

VALIDATING = "ValidatingWebhookConfiguration"
MUTATING = "MutatingWebhookConfiguration"
INJECT_FROM = "cert-manager.io/inject-ca-from"
"""Annotation of cert-manager's injector: NAMESPACE/CERTIFICATE whose authority is put into caBundle."""

# Defaults of admissionregistration.k8s.io/v1. The API server fills them in; other sources may not.
_PORT = 443
_TIMEOUT = 10


@dataclass(frozen=True, slots=True)
class Sorted:
    """The entries of a cluster: those that are gates, those that would be, and all others."""

    gates: tuple[PlacedGate, ...]
    broken: tuple[BrokenGate, ...]
    others: tuple[Entry, ...]


def entries(kind: str, item: Mapping[str, Any]) -> list[Entry]:
    """The entries of one configuration of that kind."""
    about = metadata(item)
    name = text(about.get("name"))
    inject = labels(about.get("labels")).get(INJECT)
    inject_from = labels(about.get("annotations")).get(INJECT_FROM)
    return [_entry(kind, name, inject, inject_from, hook) for hook in mappings(item.get("webhooks"))]


def told_apart(found: Iterable[Entry], service: Service, namespaces: frozenset[str]) -> Sorted:
    """Which entries ask our webhook, behind ``service``; ``namespaces`` are ours, as labels name them.

    A gate is a validating entry that is sent to our Service, or whose configuration carries the label of one of our
    namespaces; or one with a gate's path that is sent to a URL, or whose bundle cert-manager takes from our namespace.
    An entry that is ours by its target or its label, and is none for its path or kind, is broken.
    """
    gates, broken, others = [], [], []
    for entry in found:
        path = _gate(entry)
        if not _ours(entry, service, namespaces, parses=isinstance(path, PlacedGate)):
            others.append(entry)
        elif entry.kind != VALIDATING:
            fault = f"is an entry of a {entry.kind}, and the webhook answers none: make it a {VALIDATING}"
            broken.append(BrokenGate(entry, fault))
        elif isinstance(path, PlacedGate):
            gates.append(path)
        else:
            broken.append(path)
    return Sorted(tuple(gates), tuple(broken), tuple(others))


def _ours(entry: Entry, service: Service, namespaces: frozenset[str], *, parses: bool) -> bool:
    if isinstance(entry.target, Service) and entry.target[:2] == service[:2]:
        return True
    if entry.inject in namespaces:
        return True
    from_ours = (entry.inject_from or "").partition("/")[0] in namespaces
    return parses and (from_ours or isinstance(entry.target, str))


def _gate(entry: Entry) -> PlacedGate | BrokenGate:
    try:
        return PlacedGate(entry, parse(entry.path))
    except UnknownGate as fault:
        return BrokenGate(entry, fault.fault)


def _entry(
    kind: str, configuration: str, inject: str | None, inject_from: str | None, hook: Mapping[str, Any]
) -> Entry:
    client = mapping(hook.get("clientConfig"))
    target, path = _target(client)
    ignored = hook.get("failurePolicy") == FailurePolicy.IGNORE
    return Entry(
        kind=kind,
        configuration=configuration,
        name=text(hook.get("name")),
        target=target,
        path=path,
        ca_bundle=_decoded(text(client.get("caBundle"))),
        inject=inject,
        rules=tuple(_rule(rule) for rule in mappings(hook.get("rules"))),
        failure_policy=FailurePolicy.IGNORE if ignored else FailurePolicy.FAIL,
        timeout_seconds=number(hook.get("timeoutSeconds"), _TIMEOUT),
        side_effects=text(hook.get("sideEffects")),
        match_policy=text(hook.get("matchPolicy")) or "Equivalent",
        namespace_selector=mapping(hook.get("namespaceSelector")),
        object_selector=mapping(hook.get("objectSelector")),
        conditions=tuple(
            (text(one.get("name")), text(one.get("expression"))) for one in mappings(hook.get("matchConditions"))
        ),
        inject_from=inject_from,
    )


def _target(client: Mapping[str, Any]) -> tuple[Service | str, str]:
    service = client.get("service")
    if isinstance(service, dict):
        where = Service(text(service.get("namespace")), text(service.get("name")), number(service.get("port"), _PORT))
        return where, text(service.get("path")) or "/"
    url = text(client.get("url"))
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that is never closed
        return url, ""
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return base, url.removeprefix(base) or "/"


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        groups=texts(rule.get("apiGroups")),
        versions=texts(rule.get("apiVersions")),
        resources=texts(rule.get("resources")),
        operations=texts(rule.get("operations")),
        scope=text(rule.get("scope")) or "*",
    )


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        return b""
