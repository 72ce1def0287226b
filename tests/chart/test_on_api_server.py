"""On a real API server: every object is admitted, every Pod is "restricted", and releases come and go."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException

from leadergate_lab.helm import CHART

from .conftest import Site
from .rendering import KUSTOMIZE, NAMESPACE, Manifest, by_key, is_hook, kustomized, must_be_same, objects, rendered, the

FOLDERS = ("base", *(f"overlays/{one.name}" for one in sorted((KUSTOMIZE / "overlays").iterdir())))
EVERYTHING = {
    "priorityClass": {"create": True},
    "monitoring": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
    },
    "certificates": {"source": "certManager"},
    "clientAuthority": "callers",
    "networkPolicy": {"plainFrom": [{"namespaceSelector": {}}]},
    "settings": {"logLevel": "debug"},
    "nudge": True,
    "rejectionEvents": {"enabled": True, "namespaces": ["demo"]},
    "gates": [{"lease": "demo/lock", "resources": ["redirects.v1.demo.leadergate.dev"], "allow": ['user:"ë"']}],
}
MONITORED_PODS = {"monitoring": {"podMonitor": {"enabled": True}}}


def dry_run(site: Site, made: list[Manifest]) -> None:
    """Server-side apply of each as a dry run: it is admitted, and there is no warning, unknown field or default."""
    text = yaml.safe_dump_all(made)
    done = site.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("serverside-applied (server dry run)") == len(made)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_object_of_kustomize_is_admitted(site: Site, folder: str) -> None:
    """With validation of fields, in the namespace that the base makes."""
    dry_run(site, kustomized(site.plane.kubectl, folder))


@pytest.mark.parametrize("values", [{}, EVERYTHING, MONITORED_PODS], ids=["defaults", "everything", "pod monitor"])
def test_every_object_of_the_chart_is_admitted(site: Site, values: dict[str, Any]) -> None:
    """With the definitions of cert-manager and of the Prometheus operator; the gate's conditions are compiled too."""
    site.cluster.namespace("demo")
    site.cluster.apply(priority_class(site))
    dry_run(site, rendered(site.helm, values))


def test_what_is_wrong_is_not_admitted(site: Site) -> None:
    """The dry run does look: a misspelt field, and a cert-manager object that its definition does not allow."""
    (account,) = [one for one in rendered(site.helm, {}) if one["kind"] == "ServiceAccount"]
    with pytest.raises(AssertionError, match="field not declared in schema"):
        dry_run(site, [{**account, "automountToken": False}])
    by_others = {"source": "certManager", "certManager": {"issuerRef": {"name": "company"}}}
    certificate = the("Certificate", rendered(site.helm, {"certificates": by_others}))
    certificate["spec"]["privateKey"]["algorithm"] = "DSA"
    with pytest.raises(AssertionError, match="Unsupported value"):
        dry_run(site, [certificate])


def priority_class(site: Site) -> Manifest:
    """The class that the ha overlay's Pods name: admission looks it up."""
    return the("PriorityClass", kustomized(site.plane.kubectl, "overlays/ha"))


@pytest.fixture(scope="module")
def pods(site: Site) -> dict[str, Manifest]:
    """A Pod of each Deployment's template, and those of the tests."""
    found: dict[str, Manifest] = {}
    sources = {folder: kustomized(site.plane.kubectl, folder) for folder in FOLDERS}
    sources |= {one.name: rendered(site.helm, one) for one in sorted((CHART / "ci").iterdir())}
    sources["everything"] = rendered(site.helm, EVERYTHING)
    for source, made in sources.items():
        for one in made:
            if one["kind"] == "Deployment":
                found[source] = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(one["spec"]["template"])}
                found[source]["metadata"]["name"] = "from-deployment"
            elif one["kind"] == "Pod":
                found[f"{source} test"] = one
    return found


def admit(site: Site, pod: Manifest) -> None:
    """Create the Pod, as a dry run. Raises ApiException."""
    site.cluster.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", pod, dryRun="All")


def _no_capabilities(pod: Manifest) -> None:
    del pod["spec"]["containers"][0]["securityContext"]["capabilities"]


def _escalation(pod: Manifest) -> None:
    del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]


def _no_seccomp(pod: Manifest) -> None:
    del pod["spec"]["securityContext"]["seccompProfile"]


def _root(pod: Manifest) -> None:
    del pod["spec"]["securityContext"]["runAsNonRoot"]


def _host_network(pod: Manifest) -> None:
    pod["spec"]["hostNetwork"] = True


LESS: list[tuple[Callable[[Manifest], None], str]] = [
    (_no_capabilities, "unrestricted capabilities"),
    (_escalation, "allowPrivilegeEscalation != false"),
    (_no_seccomp, "seccompProfile"),
    (_root, "runAsNonRoot != true"),
    (_host_network, "host namespaces"),
]


def test_every_pod_is_restricted(site: Site, pods: dict[str, Manifest]) -> None:
    """Pod Security judges Pods, so one of each template is created, as a dry run; none of them runs as root."""
    site.cluster.apply(priority_class(site))
    assert len(pods) == len(FOLDERS) + 2 * len(list((CHART / "ci").iterdir())) + 2
    for pod in pods.values():
        admit(site, pod)
        (container,) = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsUser"] == 65532
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(("weaken", "said"), LESS)
def test_a_pod_with_less_is_refused(
    site: Site, pods: dict[str, Manifest], weaken: Callable[[Manifest], None], said: str
) -> None:
    """The namespace does enforce it: each restriction is needed, in the Deployment and in the test."""
    for source in ("base", "base-values.yaml test"):
        pod = copy.deepcopy(pods[source])
        weaken(pod)
        with pytest.raises(ApiException) as refused:
            admit(site, pod)
        assert refused.value.status == 403
        assert "violates PodSecurity" in json.loads(refused.value.body)["message"]
        assert said in json.loads(refused.value.body)["message"]


RELEASE = "leadergate"
OWN = "helm-made"


@pytest.fixture
def installed(site: Site) -> Iterator[str]:
    """The server, installed into a namespace that Helm makes; what Helm said."""
    done = site.helm.run("install", RELEASE, CHART, "--namespace", OWN, "--create-namespace")
    assert done.returncode == 0, done.stderr
    yield done.stdout
    done = site.helm.run("uninstall", RELEASE, "--namespace", OWN)
    assert done.returncode == 0, done.stderr


def manifest(site: Site, release: str) -> list[Manifest]:
    """What Helm says that the release is made of."""
    done = site.helm.run("get", "manifest", release, "--namespace", OWN)
    assert done.returncode == 0, done.stderr
    return objects(done.stdout)


def there(site: Site, made: list[Manifest]) -> list[Manifest]:
    """Those of the objects that the API server has."""
    names = site.kubectl("get", "--ignore-not-found", "-o", "yaml", "-f", "-", stdin=yaml.safe_dump_all(made))
    assert names.returncode == 0, names.stderr
    found = yaml.safe_load(names.stdout) or {}
    return list(found["items"] if found.get("kind") == "List" else [found] if found else [])


def test_install_and_uninstall(site: Site, installed: str) -> None:
    """What was rendered is what is there, and all of it goes again; the test's Pod is not made."""
    made = manifest(site, RELEASE)
    must_be_same(made, [one for one in rendered(site.helm, {}, namespace=OWN) if not is_hook(one)])
    assert by_key(there(site, made)).keys() == by_key(made).keys()
    assert site.cluster.get(f"/api/v1/namespaces/{OWN}/pods")["items"] == []
    done = site.helm.run("uninstall", RELEASE, "--namespace", OWN)
    assert done.returncode == 0, done.stderr
    assert there(site, made) == []
    assert site.helm.run("install", RELEASE, CHART, "--namespace", OWN).returncode == 0


def test_what_it_tells_to_do_next_works(site: Site, installed: str) -> None:
    """The notes have a gate to copy: installed as they say, it asks this very webhook, and goes away alone."""
    assert f"leadergate doctor --service {OWN}/leadergate\n" in installed
    assert installed.index(f"helm uninstall {RELEASE}-gates") < installed.index(f"helm uninstall {RELEASE} ")
    _, _, rest = installed.partition("cat > gates.yaml <<EOF\n")
    values, _, after = rest.partition("EOF\n")
    assert f"helm install {RELEASE}-gates CHART --namespace {OWN} --values gates.yaml" in after
    site.cluster.namespace("demo")
    done = site.helm.run("install", f"{RELEASE}-gates", CHART, "--namespace", OWN, "--values", "-", stdin=values)
    assert done.returncode == 0, done.stderr
    assert "operator-lock.demo.leadergate.dev: audit, failurePolicy Ignore, Lease demo/operator-lock" in done.stdout
    made = manifest(site, f"{RELEASE}-gates")
    configuration = the("ValidatingWebhookConfiguration", there(site, made))
    (entry,) = configuration["webhooks"]
    service = entry["clientConfig"]["service"]
    assert (service["namespace"], service["name"], service["port"]) == (OWN, "leadergate", 443)
    assert ("Service", OWN, service["name"]) in by_key(there(site, manifest(site, RELEASE)))
    assert {one["subjects"][0]["namespace"] for one in made if "Binding" in one["kind"]} == {OWN}
    done = site.helm.run("uninstall", f"{RELEASE}-gates", "--namespace", OWN)
    assert done.returncode == 0, done.stderr
    assert there(site, made) == []
    assert len(there(site, manifest(site, RELEASE))) == len(manifest(site, RELEASE))
