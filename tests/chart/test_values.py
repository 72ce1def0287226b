"""What values become: the parts of the installation that can be chosen."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from leadergate.events.reporter import END_SECONDS
from leadergate.run import COPIES_SECONDS, FINISH_SECONDS
from leadergate.settings import Settings
from leadergate_lab.helm import CHART, Helm

from .rendering import KUSTOMIZE, attempt, by_key, rendered, the
from .serving import container, served

ALERTS = KUSTOMIZE.parent / "alerts"
DASHBOARDS = KUSTOMIZE.parent / "dashboards"
EXIT_SECONDS = 3.0
"""For closing connections and for the interpreter's own end, which took up to 2 s where others had the processors."""


@pytest.mark.parametrize(("drain", "grace"), [(None, 48), (0, 38), (12.5, 51), (300, 338)])
def test_the_pod_is_given_the_time_to_end(helm: Helm, drain: float | None, grace: int) -> None:
    """The drain, 31 s for what is under way, and 7 s for what comes after."""
    values = {} if drain is None else {"settings": {"drainSeconds": drain}}
    pod = the("Deployment", rendered(helm, values))["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == grace


def test_the_pod_is_given_enough_time_to_end(helm: Helm) -> None:
    """What the process may take after SIGTERM, added up, in the chart and in kustomize: it is never killed before."""
    drain = Settings.model_fields["drain_seconds"].default
    ending = {"the reviews under way": FINISH_SECONDS, "Events": END_SECONDS, "copies of records": COPIES_SECONDS}
    most = drain + sum(ending.values()) + EXIT_SECONDS
    chart = the("Deployment", rendered(helm, {}))["spec"]["template"]["spec"]
    (base,) = yaml.safe_load_all((KUSTOMIZE / "base" / "deployment.yaml").read_text())
    assert chart["terminationGracePeriodSeconds"] >= most
    assert base["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= most


@pytest.mark.parametrize(
    ("image", "written"),
    [
        ({}, "leadergate:0.1.0"),
        ({"repository": "example.org:5000/a/leadergate", "tag": "1.2"}, "example.org:5000/a/leadergate:1.2"),
        ({"tag": "1.2", "digest": f"sha256:{'a' * 64}"}, f"leadergate@sha256:{'a' * 64}"),
    ],
)  # fmt: skip
def test_the_image(helm: Helm, image: dict[str, str], written: str) -> None:
    """By default of the chart's version; a digest is what counts. The test runs the same."""
    made = rendered(helm, {"image": image})
    assert container(made)["image"] == written
    assert the("Pod", made)["spec"]["containers"][0]["image"] == written


def test_host_network(helm: Helm) -> None:
    """On a port that is not the kubelet's; names of Services still resolve."""
    pod = the("Deployment", rendered(helm, {"webhook": {"hostNetwork": True, "port": 10260}}))["spec"]["template"][
        "spec"
    ]
    assert pod["hostNetwork"] is True
    assert pod["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert pod["containers"][0]["ports"][0] == {"name": "https", "containerPort": 10260, "protocol": "TCP"}


def test_a_secret_of_yours(helm: Helm) -> None:
    """It is mounted where the webhook looks; no certificates are made, and no rights given for it."""
    made = rendered(helm, {"certificates": {"source": "secret", "secretName": "mine"}})
    assert not [one for one in made if "Role" in one["kind"]]
    pod = the("Deployment", made)["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "tls", "secret": {"secretName": "mine", "defaultMode": 0o440}}]
    found = served(made)
    assert found.certs_secret == ""
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert mount["mountPath"] == str(found.certificate.parent) == str(found.key.parent)


def test_an_issuer_of_yours(helm: Helm) -> None:
    """Then the chart makes none."""
    issuer = {"name": "company", "kind": "ClusterIssuer"}
    made = rendered(helm, {"certificates": {"source": "certManager", "certManager": {"issuerRef": issuer}}})
    assert the("Certificate", made)["spec"]["issuerRef"] == issuer
    assert not [one for one in made if one["kind"] == "Issuer"]


def test_callers_certificates(helm: Helm) -> None:
    """The ConfigMap is mounted where the argument says."""
    made = rendered(helm, {"clientAuthority": "callers"})
    (mount,) = container(made)["volumeMounts"]
    assert str(served(made).client_ca) == f"{mount['mountPath']}/ca.crt"
    (volume,) = the("Deployment", made)["spec"]["template"]["spec"]["volumes"]
    assert volume == {"name": mount["name"], "configMap": {"name": "callers"}}


@pytest.mark.parametrize(
    "url", ["http://me:word@h:4318", "http://h?token=1", "http://h#x", "grpc://h", "h:4318", "http://h h"]
)
def test_a_collector_that_the_webhook_would_refuse_is_refused(helm: Helm, url: str) -> None:
    """Before a pod ends with it, again and again."""
    done = attempt(helm, {"settings": {"otlpEndpoint": url}})
    assert done.returncode != 0
    assert "/settings/otlpEndpoint" in done.stderr


@pytest.mark.parametrize("url", ["", "https://h", "http://[::1]:4318/", "https://h/otlp"])
def test_a_collector_that_the_webhook_takes_is_taken(helm: Helm, url: str) -> None:
    """With a path, and by address."""
    assert served(rendered(helm, {"settings": {"otlpEndpoint": url}})).otlp_endpoint == url


def test_variables_from_a_secret(helm: Helm) -> None:
    """They come after the settings, so that they may refer to POD_NAMESPACE, and change none of these."""
    secret = {"secretKeyRef": {"name": "otlp", "key": "headers"}}
    given = [
        {"name": "OTEL_RESOURCE_ATTRIBUTES", "value": "k8s.namespace.name=$(POD_NAMESPACE)"},
        {"name": "OTEL_EXPORTER_OTLP_HEADERS", "valueFrom": secret},
    ]
    made = rendered(helm, {"settings": {"otlpEndpoint": "http://collector:4318"}, "extraEnv": given})
    assert container(made)["env"][-2:] == given
    assert (
        container(made)["env"][:-2]
        == container(rendered(helm, {"settings": {"otlpEndpoint": "http://collector:4318"}}))["env"]
    )
    assert served(made).otlp_endpoint == "http://collector:4318"


@pytest.mark.parametrize(
    "one",
    [
        {"name": "LEADERGATE_NUDGE", "value": "true"},
        {"name": "POD_NAMESPACE", "value": "other"},
        {"name": "A B", "value": ""},
        {"name": "A"},
        {"name": "A", "value": "", "valueFrom": {"secretKeyRef": {"name": "n", "key": "k"}}},
        {"value": "v"},
    ],
    ids=str,
)
def test_variables_that_are_none_or_settings_are_refused(helm: Helm, one: dict[str, Any]) -> None:
    """A setting has its own place; a variable has a name, and a value or where it comes from."""
    done = attempt(helm, {"extraEnv": [one]})
    assert done.returncode != 0
    assert "extraEnv" in done.stderr


def test_who_may_read_metrics(helm: Helm) -> None:
    """The plain port can be narrowed down, and helm test still gets in; the webhook's port never is."""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    made = rendered(helm, {"networkPolicy": {"plainFrom": [peer]}})
    webhook, plain = the("NetworkPolicy", made)["spec"]["ingress"]
    assert webhook == {"ports": [{"port": "https", "protocol": "TCP"}]}
    assert plain["from"][0] == peer
    selected = plain["from"][1]["podSelector"]["matchLabels"]
    assert selected.items() <= the("Pod", made)["metadata"]["labels"].items()


def test_no_selector_finds_the_test(helm: Helm) -> None:
    """Else its Pod would be an endpoint of the Service, or counted by the budget."""
    made = rendered(helm, {})
    labels = the("Pod", made)["metadata"]["labels"].items()
    pods = the("Deployment", made)["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        the("Service", made)["spec"]["selector"],
        the("Deployment", made)["spec"]["selector"]["matchLabels"],
        the("PodDisruptionBudget", made)["spec"]["selector"]["matchLabels"],
        the("NetworkPolicy", made)["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= pods
        assert not selector.items() <= labels


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor"])
def test_monitors_find_what_they_scrape(helm: Helm, kind: str) -> None:
    """By labels of the Service or of the pods, on a port that is there."""
    name = kind[0].lower() + kind[1:]
    made = rendered(helm, {"monitoring": {name: {"enabled": True, "interval": "15s", "labels": {"release": "prom"}}}})
    monitor = the(kind, made)
    assert monitor["metadata"]["labels"]["release"] == "prom"
    template = the("Deployment", made)["spec"]["template"]
    found = the("Service", made) if kind == "ServiceMonitor" else template
    assert monitor["spec"]["selector"]["matchLabels"].items() <= found["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "plain", "path": "/metrics", "interval": "15s"}
    ports = the("Service", made)["spec"]["ports"] if kind == "ServiceMonitor" else container(made)["ports"]
    assert endpoint["port"] in [port["name"] for port in ports]


def test_alerts_come_as_they_are(helm: Helm) -> None:
    """What the chart brings is the file that promtool tests, Prometheus's own templates and all."""
    on = {"enabled": True, "labels": {"release": "prom"}}
    rule = the("PrometheusRule", rendered(helm, {"monitoring": {"prometheusRule": on}}))
    assert rule["metadata"]["labels"]["release"] == "prom"
    assert rule["spec"] == yaml.safe_load((ALERTS / "leadergate.rules.yaml").read_text())


def test_the_dashboard_comes_as_it_is(helm: Helm) -> None:
    """In a ConfigMap that Grafana's sidecar finds by its label, or by one of yours."""
    made = rendered(helm, {"monitoring": {"dashboard": {"enabled": True}}})
    config = the("ConfigMap", made)
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["data"]["leadergate.json"] == (DASHBOARDS / "leadergate.json").read_text()
    yours = {"enabled": True, "labels": {"dashboards": "yes"}}
    labels = the("ConfigMap", rendered(helm, {"monitoring": {"dashboard": yours}}))["metadata"]["labels"]
    assert labels["dashboards"] == "yes"


def test_alerts_and_dashboard_are_off(helm: Helm) -> None:
    """By default, and in a release of gates alone, which would bring them a second time."""
    on = {"monitoring": {"prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}}
    gates = [{"lease": "demo/lock", "resources": ["redirects.v1.demo.leadergate.dev"]}]
    for values in ({}, {**on, "server": {"enabled": False}, "gates": gates}):
        assert not {"PrometheusRule", "ConfigMap"} & {one["kind"] for one in rendered(helm, values)}


def test_what_can_be_left_out(helm: Helm) -> None:
    """Each object that is a choice; the account is then one that is there."""
    off = {"enabled": False}
    values = {"podDisruptionBudget": off, "networkPolicy": off, "flowSchema": off}
    values["serviceAccount"] = {"create": False, "name": "there"}
    made = rendered(helm, values)
    assert not {"PodDisruptionBudget", "NetworkPolicy", "FlowSchema", "ServiceAccount"} & {one["kind"] for one in made}
    assert the("Deployment", made)["spec"]["template"]["spec"]["serviceAccountName"] == "there"
    assert the("RoleBinding", made)["subjects"][0]["name"] == "there"


def test_what_pods_are_given(helm: Helm) -> None:
    """Scheduling, labels and annotations, as they are written."""
    values = {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClass": {"name": "system-cluster-critical"},
        "topologySpreadConstraints": [],
    }
    made = rendered(
        helm,
        {
            **values,
            "podLabels": {"team": "a"},
            "podAnnotations": {"note": "1"},
            "commonLabels": {"team": "b", "cost": "shared"},
        },
    )
    template = the("Deployment", made)["spec"]["template"]
    assert template["metadata"]["labels"].items() >= {"team": "a", "cost": "shared"}.items()
    assert template["metadata"]["annotations"] == {"note": "1"}
    for name in ("nodeSelector", "tolerations", "affinity", "imagePullSecrets"):
        assert template["spec"][name] == values[name]
    assert template["spec"]["priorityClassName"] == "system-cluster-critical"
    assert "topologySpreadConstraints" not in template["spec"]
    assert not [one for one in made if one["kind"] == "PriorityClass"]
    assert all(one["metadata"]["labels"]["cost"] == "shared" for one in made)


def test_everything_is_named_after_the_release(helm: Helm) -> None:
    """Two releases are no two owners of one object; names that say it already are not doubled."""
    here, there = (by_key(rendered(helm, {}, name=name)) for name in ("blue", "leadergate-green"))
    assert not here.keys() & there.keys()
    assert ("Deployment", "leadergate-system", "blue-leadergate") in here
    assert ("Deployment", "leadergate-system", "leadergate-green") in there
    assert all(len(name) <= 63 for _, _, name in by_key(rendered(helm, {}, name="l" * 53)))


def test_lint_is_content(helm: Helm) -> None:
    """With the defaults, and with each file of values beside it."""
    done = helm.run("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout + done.stderr
    for values in (CHART / "ci").iterdir():
        done = helm.run("lint", "--strict", CHART, "--values", values)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_value_is_in_the_schema() -> None:
    """And the other way round, at all levels: neither is forgotten when one is added."""

    def compare(values: dict[str, Any], known: dict[str, Any], at: str) -> None:
        if "$ref" in known:
            known = whole["definitions"][known["$ref"].rpartition("/")[2]]
        if "properties" not in known or not values:
            return
        assert values.keys() == known["properties"].keys() - {"global"}, at
        # Whoever sets one to null takes the default away, and is told so.
        assert known["required"] == list(values), at
        for name, value in values.items():
            if isinstance(value, dict):
                compare(value, known["properties"][name], f"{at}.{name}")

    whole = json.loads((CHART / "values.schema.json").read_text())
    compare(yaml.safe_load((CHART / "values.yaml").read_text()), whole, "values")


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    """matchConditions would be dropped in silence."""
    done = helm.run("template", "leadergate", CHART, "--kube-version", "1.29.9")
    assert done.returncode != 0
    assert "chart requires kubeVersion: >=1.30.0-0" in done.stderr
    assert attempt(helm, {}).returncode == 0
