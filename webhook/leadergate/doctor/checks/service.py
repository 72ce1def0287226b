"""The Service, what stands behind it, and for gates by URL the address itself."""

from __future__ import annotations

from collections.abc import Iterator

from leadergate.doctor.commands import edit
from leadergate.doctor.finding import INSTALLATION, Finding, note, right, unknown, wrong
from leadergate.doctor.reached import asked_at, by_service
from leadergate.gates.spec import Service
from leadergate.survey.gates import PlacedGate
from leadergate.survey.parts import SeenDeployment, SeenEndpoint, SeenService, Unknown
from leadergate.survey.snapshot import Snapshot

SERVICE, PORT, ENDPOINTS, ADDRESS = "service", "service-port", "endpoints", "address"
REPLICAS, BUDGET = "replicas", "disruption-budget"


def service(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether what the gates ask is there."""
    asking = [placed for placed in snapshot.gates if isinstance(placed.entry.target, Service)]
    if asking:
        yield from _service(snapshot, asking)
        yield from _endpoints(snapshot)
    for placed in snapshot.gates:
        if isinstance(placed.entry.target, str):
            yield _address(snapshot, placed)
    yield from _deployment(snapshot, needed=bool(asking))


def _service(snapshot: Snapshot, asking: list[PlacedGate]) -> Iterator[Finding]:
    named = f"{snapshot.service.namespace}/{snapshot.service.name}"
    match snapshot.found_service:
        case Unknown(why):
            yield unknown(SERVICE, INSTALLATION, f"Service {named} could not be looked at: {why}")
            return
        case found if found.value is None:
            says = f"there is no Service {named}: every call of {len(asking)} gate(s) fails"
            yield wrong(SERVICE, INSTALLATION, says, "install leadergate again, or name its Service with --service")
            return
        case found:
            yield right(SERVICE, INSTALLATION, f"Service {named} is there")
            seen = found.value
    for placed in asking:
        if isinstance(placed.entry.target, Service):
            yield _port(placed, placed.entry.target, seen)


def _port(placed: PlacedGate, target: Service, seen: SeenService) -> Finding:
    about = str(placed.entry)
    if (target.namespace, target.name) != (seen.namespace, seen.name):
        says = f"it asks Service {target.namespace}/{target.name}, which was not looked at"
        return unknown(PORT, about, says, f"leadergate doctor --service {target.namespace}/{target.name}")
    offered = [number for _, number in seen.ports]
    if target.port in offered:
        return right(PORT, about, f"the Service has port {target.port}, which it asks")
    says = f"it asks port {target.port} of the Service, which has {', '.join(map(str, offered)) or 'none'}"
    return wrong(PORT, about, says, f"{edit(placed.entry)}  # set clientConfig.service.port")


def _endpoints(snapshot: Snapshot) -> Iterator[Finding]:
    match snapshot.endpoints:
        case Unknown(why):
            yield unknown(ENDPOINTS, INSTALLATION, f"what stands behind the Service could not be looked at: {why}")
            return
        case found:
            behind = by_service(snapshot, found.value)
    ready = [one for one in behind if one.ready]
    see = f"kubectl -n {snapshot.service.namespace} get pods,endpointslices"
    if not ready:
        fate = f"{len(behind)} address(es) are not ready" if behind else "no address stands behind the Service"
        yield wrong(ENDPOINTS, INSTALLATION, f"{fate}: no call of a gate can succeed", see)
        return
    yield right(ENDPOINTS, INSTALLATION, f"{len(ready)} address(es) are ready: {', '.join(map(str, ready))}")
    # A pod has an address of each family that the cluster speaks.
    replicas = len({one.pod or str(one) for one in ready})
    if replicas < 2:
        says = "one replica alone is ready: while it is replaced, gates give no verdict"
        seen = None if isinstance(snapshot.deployment, Unknown) else snapshot.deployment.value
        name = seen.name if seen is not None else snapshot.service.name
        remedy = f"kubectl -n {snapshot.service.namespace} scale deployment {name} --replicas=2"
        yield note(REPLICAS, INSTALLATION, says, remedy)
    else:
        yield right(REPLICAS, INSTALLATION, f"{replicas} replicas are ready")


def _address(snapshot: Snapshot, placed: PlacedGate) -> Finding:
    about, target = str(placed.entry), placed.entry.target
    if isinstance(snapshot.endpoints, Unknown):
        return unknown(ADDRESS, about, f"{target} was not looked at: {snapshot.endpoints.why}")
    found: list[SeenEndpoint] = asked_at(placed.entry, snapshot.endpoints.value)
    if any(one.reached for one in found):
        return right(ADDRESS, about, f"{target} answers")
    # The API server may well reach what this machine does not.
    says = f"{target} does not answer here; only the API server needs to reach it"
    return unknown(ADDRESS, about, says, "run this where the API server's network can be reached")


def _deployment(snapshot: Snapshot, *, needed: bool) -> Iterator[Finding]:
    match snapshot.deployment:
        case Unknown(why):
            yield unknown(BUDGET, INSTALLATION, f"the Deployment could not be looked at: {why}")
        case found if found.value is None:
            if needed:
                says = f"there is no Deployment in namespace {snapshot.service.namespace}: budget not looked at"
                yield note(BUDGET, INSTALLATION, says)
        case found:
            yield _budget(snapshot, found.value)


def _budget(snapshot: Snapshot, seen: SeenDeployment) -> Finding:
    if seen.disruption_budget:
        return right(BUDGET, INSTALLATION, f"a PodDisruptionBudget guards Deployment {seen.name}")
    here = snapshot.service.namespace
    says = f"no PodDisruptionBudget guards Deployment {seen.name}: a drain may end all replicas at once"
    front = snapshot.found_service.value if not isinstance(snapshot.found_service, Unknown) else None
    pods = ",".join(f"{key}={value}" for key, value in (front.selector if front is not None else ()))
    remedy = f"kubectl -n {here} create poddisruptionbudget {seen.name} --max-unavailable=1 --selector={pods}"
    return note(BUDGET, INSTALLATION, says, remedy)
