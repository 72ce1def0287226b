"""Rules that take in too much, or that no status write meets."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import edit
from leadergate.doctor.finding import Finding, note, right, unknown, wrong
from leadergate.doctor.rulework import STATUS, guarded, takes, written
from leadergate.doctor.selectors import chosen
from leadergate.gates import refusals
from leadergate.gates.spec import FailurePolicy, StatusResource
from leadergate.survey.gates import Entry, Rule
from leadergate.survey.naming import NAMESPACE
from leadergate.survey.parts import Unknown
from leadergate.survey.snapshot import Snapshot

WIDE, OPERATIONS, RESOURCES, SERVED, OWN = (
    "rules-too-wide",
    "rule-operations",
    "gated-resources",
    "resources-served",
    "own-namespace",
)


def rules(snapshot: Snapshot) -> Iterator[Finding]:
    """Of each gate."""
    for placed in snapshot.gates:
        entry = placed.entry
        yield from _wide(entry)
        yield from _operations(entry)
        yield from _gated(entry)
        for fault in refusals.lease(placed.gate.lease):
            yield wrong(RESOURCES, str(entry), f"{fault.field} {fault.value}{fault.why}", f"{edit(entry)}  # its path")
        yield from _served(snapshot, entry)
        yield from _own(snapshot, entry)


def _wide(entry: Entry) -> Iterator[Finding]:
    about, remedy = str(entry), f"{edit(entry)}  # mend rules"
    told: list[str] = []
    for rule in entry.rules:
        for group in rule.groups:
            for resource in rule.resources:
                told += _too_wide(entry, group, resource)
    for says in dict.fromkeys(told):
        yield note(WIDE, about, says, remedy) if says.startswith("rule also") else wrong(WIDE, about, says, remedy)
    if not told:
        yield right(WIDE, about, "its rules name each resource, and status alone")


def _too_wide(entry: Entry, group: str, resource: str) -> Iterator[str]:
    what = written(group, resource)
    plural, slash, subresource = resource.partition("/")
    if group == "*" or resource in ("*", "*/*"):
        for fault in refusals.wildcard("*"):
            yield f"rule takes in {what}{fault.why}"
    elif plural == "*":
        yield f"rule also takes in {what}: whatever kind is added to that group is gated, too"
    elif subresource == "*":
        yield f"rule also takes in {what}: the gate judges status alone, and is asked about the rest in vain"
    elif slash + subresource != STATUS:
        if any(STATUS in one for rule in entry.rules for one in rule.resources):
            yield f"rule also takes in {what}: the gate judges status alone, and is asked about the rest in vain"
        else:
            yield f"rules take in {what}, and no status: nothing is guarded"


def _operations(entry: Entry) -> Iterator[Finding]:
    about = str(entry)
    for rule in entry.rules:
        others = sorted(set(rule.operations) - {"UPDATE"})
        if not {"UPDATE", "*"}.intersection(rule.operations):
            says = f"rule for {_named(rule)} takes {', '.join(others) or 'no operation'}: no status write is judged"
            yield wrong(OPERATIONS, about, says, f"{edit(entry)}  # operations: [UPDATE]")
        elif others:
            says = f"rule for {_named(rule)} takes {', '.join(others)}, too: a write of status is UPDATE alone"
            yield note(OPERATIONS, about, says, f"{edit(entry)}  # operations: [UPDATE]")
    if all(rule.operations == ("UPDATE",) for rule in entry.rules):
        yield right(OPERATIONS, about, "it is asked about UPDATE alone, which every write of status is")


def _gated(entry: Entry) -> Iterator[Finding]:
    about, resources = str(entry), list(guarded(entry))
    told = [
        fault
        for group, version, plural in resources
        for fault in refusals.resource(StatusResource(plural, version, group or "core"))
    ]
    for fault in told:
        yield wrong(RESOURCES, about, f"{fault.value}{fault.why}", f"{edit(entry)}  # {fault.remedy}")
    if resources and not told:
        names = ", ".join(str(StatusResource(plural, version, group)) for group, version, plural in resources)
        yield right(RESOURCES, about, f"the cluster can do without: {names}")


def _served(snapshot: Snapshot, entry: Entry) -> Iterator[Finding]:
    about, there = str(entry), []
    for one in guarded(entry):
        group, version, plural = one
        name = f"{plural}.{version}.{group}" if group else f"{plural}.{version}"
        looked = snapshot.served.get(one, Unknown("discovery was not asked"))
        if isinstance(looked, Unknown):
            yield unknown(SERVED, about, f"whether {name} is served is not known: {looked.why}")
        elif looked.value:
            outside = list(_out_of_scope(entry, name, _scopes(entry, one), snapshot.scopes.get(one)))
            yield from outside
            there += [] if outside else [name]
        else:
            says = f"the API server serves no {name} with a status subresource: nothing is guarded"
            remedy = f"kubectl api-resources --api-group={group}  # apply its definition, or {edit(entry)}"
            yield wrong(SERVED, about, says, remedy)
    if there:
        yield right(SERVED, about, f"served with a status subresource: {', '.join(there)}")


def _out_of_scope(entry: Entry, name: str, asked: set[str], scope: str | None) -> Iterator[Finding]:
    if scope is not None and not asked & {scope, "*"}:
        says = f"its rule takes scope {', '.join(asked)}, and {name} is {scope}: no write of it is judged"
        yield wrong(SERVED, str(entry), says, f"{edit(entry)}  # scope: {scope}")


def _scopes(entry: Entry, one: tuple[str, str, str]) -> set[str]:
    """Of the rules that take the status of that resource."""
    return {rule.scope for rule in entry.rules if takes(rule, one[0], f"{one[2]}{STATUS}", "UPDATE")} or {"*"}


def _own(snapshot: Snapshot, entry: Entry) -> Iterator[Finding]:
    """No selector applies to cluster-scoped objects, and whether ``*`` holds any with a namespace is not told.

    Namespaces that nobody named, and that the selector merely does not leave out, seldom hold such objects.
    """
    about, selected = str(entry), chosen(entry)
    own = tuple(
        dict.fromkeys((snapshot.account.namespace, snapshot.service.namespace, snapshot.secret.partition("/")[0]))
    )
    taken = [one for one in dict.fromkeys((*own, *refusals.CLUSTERS_OWN)) if selected.takes(one) is not False]
    hard = entry.failure_policy is FailurePolicy.FAIL and any(rule.scope == "Namespaced" for rule in entry.rules)
    if not taken or _cluster_scoped(snapshot, entry):
        yield right(OWN, about, "its own namespace and the cluster's are left out")
    elif selected.among is not None and selected.certain and hard:
        for name in taken:
            for fault in refusals.namespace(name, "namespace", own):
                says = f"objects of namespace {name} are gated{fault.why}"
                yield wrong(OWN, about, says, _leave_out(entry, name))
    else:
        names = ", ".join(taken)
        yield note(
            OWN,
            about,
            f"objects of {names} may be gated: its selector does not leave them out",
            _leave_out(entry, names),
        )


def _cluster_scoped(snapshot: Snapshot, entry: Entry) -> bool:
    known = [snapshot.scopes.get(one) for one in guarded(entry)]
    return all(rule.scope == "Cluster" for rule in entry.rules) or (bool(known) and set(known) == {"Cluster"})


def _leave_out(entry: Entry, names: str) -> str:
    expression = f"{{key: {NAMESPACE}, operator: NotIn, values: [{names}]}}"
    return f"{edit(entry)}  # namespaceSelector: {{matchExpressions: [{expression}]}}"


def _named(rule: Rule) -> str:
    return ", ".join(rule.resources)
