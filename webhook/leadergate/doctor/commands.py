"""Commands that mend something, to be copied."""

from __future__ import annotations

import json
import shlex

from leadergate.doctor.conditions import subjects
from leadergate.doctor.rulework import guarded
from leadergate.doctor.selectors import chosen
from leadergate.gates.fields import Fields
from leadergate.gates.path import path
from leadergate.gates.refusals import resource
from leadergate.gates.spec import Account, Service, StatusResource
from leadergate.model import Gate, IdentityKind
from leadergate.survey.gates import Entry, PlacedGate
from leadergate.survey.parts import Known, Right
from leadergate.survey.snapshot import Snapshot
from leadergate.survey.worth import by_others

RENDERED_CONDITIONS = ("only-service-account", "allow-users", "allow-groups")


def gate_path(gate: Gate) -> str:
    """The URL path of a gate, without what says nothing new."""
    fields = Fields(
        from_=gate.from_namespace,
        identity=str(gate.identity) if gate.identity is not IdentityKind.POD else None,
        suffix=gate.suffix,
        random=None if gate.random is None else str(gate.random),
        code=None if gate.code == 403 else str(int(gate.code)),
        retry_after=None if gate.retry_after in (None, 1) else str(gate.retry_after),
    )
    return path(str(gate.mode), gate.lease, fields)


def plural(entry: Entry) -> str:
    """The kind of the entry's configuration, as kubectl takes it."""
    return entry.kind.lower()


def edit(entry: Entry) -> str:
    """Open the configuration in an editor."""
    return f"kubectl edit {plural(entry)} {entry.configuration}"


def see(entry: Entry) -> str:
    """Look at the configuration."""
    return f"kubectl get {plural(entry)} {entry.configuration} -o yaml"


def inject(entry: Entry, snapshot: Snapshot) -> str:
    """Put the authorities of the Secret into the bundle; where cert-manager does that, see why it does not."""
    if entry.inject_from is not None:
        namespace = entry.inject_from.partition("/")[0]
        return f"kubectl -n {namespace} describe certificates.cert-manager.io  # its cainjector keeps the caBundle"
    command = f"leadergate certs inject --name {entry.configuration}"
    if not by_others(snapshot):
        return f"{command} --secret {snapshot.secret}"
    namespace, _, name = snapshot.secret.partition("/")
    stored = snapshot.stored.value.manifest if isinstance(snapshot.stored, Known) else None
    if ((stored or {}).get("data") or {}).get("ca.crt"):
        kept = f"kubectl -n {namespace} get secret {name} -o jsonpath='{{.data.ca\\.crt}}' | base64 -d"
        return f"{kept} | {command} --ca-file /dev/stdin"
    return f"{command} --ca-file AUTHORITY.pem  # of whoever issued what Secret {snapshot.secret} holds"


def renew(snapshot: Snapshot) -> str:
    """Renew certificates: by us, or by whoever else has made the Secret."""
    if by_others(snapshot):
        namespace = snapshot.secret.partition("/")[0]
        return f"kubectl -n {namespace} describe certificates.cert-manager.io  # or renew it where it is made"
    return f"leadergate certs rotate --secret {snapshot.secret}"


def rendered(placed: PlacedGate) -> bool:
    """Whether ``gate render`` can write this gate with nothing lost: it is of a form that it writes."""
    entry = placed.entry
    plain = all(name in RENDERED_CONDITIONS for name, _ in entry.conditions) and not any(entry.object_selector.values())
    fit = not any(resource(StatusResource(one[2], one[1], one[0] or "core")) for one in guarded(entry))
    named = list(guarded(entry))
    return plain and fit and entry.name == entry.configuration and bool(named) and all(one[1] != "*" for one in named)


def render(placed: PlacedGate, account: Account, inject_from: str | None) -> str:
    """Render this very gate anew, with the rights that it needs, and apply it.

    ``inject_from`` is the namespace of the Secret with the webhook's certificates, None when they are not ours.
    """
    gate, entry = placed.gate, placed.entry
    said = subjects(entry)
    words = ["leadergate", "gate", "render", "--lease", str(gate.lease)]
    for group, version, name in guarded(entry):
        words += ["--resource", f"{name}.{version}.{group}"]
    words += ["--mode", str(gate.mode), "--failure-policy", str(entry.failure_policy)]
    words += ["--timeout-seconds", str(entry.timeout_seconds), "--name", entry.configuration]
    pairs = {
        "--from": gate.from_namespace if gate.from_namespace != gate.lease.namespace else None,
        "--identity": None if gate.identity is IdentityKind.POD else str(gate.identity),
        "--suffix": gate.suffix,
        "--random": gate.random,
        "--code": None if gate.code == 403 else int(gate.code),
        "--retry-after": None if gate.retry_after in (None, 1) else gate.retry_after,
    }
    words += [word for flag, value in pairs.items() if value is not None for word in (flag, str(value))]
    named = chosen(entry).among
    if named is None:
        words.append("--all-namespaces")
    elif named != {gate.from_namespace}:
        words += [word for name in sorted(named) for word in ("--namespace", name)]
    words += [word for one in said.judged for word in ("--only-service-account", str(one))]
    words += [word for name in said.users for word in ("--allow", f"user:{name}")]
    words += [word for name in said.groups for word in ("--allow", f"group:{name}")]
    words += _target(entry.target)
    if account != Account("leadergate-system", "leadergate"):
        words += ["--account", str(account)]
    labelled = entry.inject or inject_from
    words += ["--no-inject"] if labelled is None else ["--inject", labelled]
    return f"{shlex.join(words)} | kubectl apply -f -"


def grant(right: Right, account: Account) -> str:
    """Give the account one right, as narrow as it was asked for."""
    scope = "" if right.namespace else "cluster"
    kind = f"{right.resource}.{right.group}" if right.group else right.resource
    name = f"leadergate-{right.verb}-{right.name or right.resource}"
    where = f" -n {right.namespace}" if right.namespace else ""
    only = f" --resource-name={right.name}" if right.name else ""
    return (
        f"kubectl create {scope}role {name}{where} --verb={right.verb} --resource={kind}{only} && "
        f"kubectl create {scope}rolebinding {name}{where} --{scope}role={name} "
        f"--serviceaccount={account.namespace}:{account.name}"
    )


def flow_schema(account: Account) -> str:
    """The FlowSchema that an installation has, in one line."""
    subject = {"kind": "ServiceAccount", "serviceAccount": {"namespace": account.namespace, "name": account.name}}
    rule = {
        "verbs": ["get", "list", "watch"],
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "namespaces": ["*"],
    }
    manifest = {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": "leadergate"},
        "spec": {
            "priorityLevelConfiguration": {"name": "leader-election"},
            "matchingPrecedence": 90,
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [{"subjects": [subject], "resourceRules": [rule]}],
        },
    }
    return f"echo {shlex.quote(json.dumps(manifest, separators=(',', ':')))} | kubectl apply -f -"


def _target(target: Service | str) -> list[str]:
    if isinstance(target, str):
        return ["--url", target]
    if target == Service("leadergate-system", "leadergate"):
        return []
    port = "" if target.port == 443 else f":{target.port}"
    return ["--service", f"{target.namespace}/{target.name}{port}"]
