"""What webhook rules take in (admissionregistration.k8s.io/v1, RuleWithOperations)."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.survey.gates import Entry, Rule

STATUS = "/status"


def takes(rule: Rule, group: str, resource: str, operation: str) -> bool:
    """Whether the rule takes that operation on ``resource``, which may be ``plural/subresource``, in any version.

    Versions are left out: with ``matchPolicy: Equivalent`` a write through one is asked about by a rule of another.
    """
    if not {"*", operation}.intersection(rule.operations) or not {"*", group}.intersection(rule.groups):
        return False
    return any(_names(pattern, resource) for pattern in rule.resources)


def entry_takes(entry: Entry, group: str, resource: str, operation: str) -> bool:
    """Whether one of the entry's rules does."""
    return any(takes(rule, group, resource, operation) for rule in entry.rules)


def guarded(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """The resources whose status the rules name, as (group, version, plural), each once; a version may be ``*``."""
    seen = {
        (group, version, plural.removesuffix(STATUS)): None
        for rule in entry.rules
        for group in rule.groups
        for version in rule.versions
        for plural in rule.resources
        if plural.endswith(STATUS) and "*" not in group + plural
    }
    yield from seen


def written(rule_group: str, resource: str) -> str:
    """As ``redirects/status of demo.leadergate.dev``; the core group has no name."""
    return f"{resource} of {rule_group or 'the core group'}"


def _names(pattern: str, resource: str) -> bool:
    """``*`` takes all resources and no subresource, ``*/*`` both (see the API's reference)."""
    if pattern in ("*/*", resource):
        return True
    if pattern == "*":
        return "/" not in resource
    plural, slash, subresource = pattern.partition("/")
    wanted, has, part = resource.partition("/")
    return bool(slash and has) and plural in ("*", wanted) and subresource in ("*", part)
