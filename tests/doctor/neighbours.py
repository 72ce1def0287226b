"""Webhook configurations as widely used products register theirs, in their usual settings.

Facts from their manifests and charts: cert-manager 1.16, Kyverno 1.13 with a policy that takes all kinds, Istio 1.24,
Gatekeeper 3.18, ingress-nginx 1.12, CloudNativePG 1.25, and the image of Amazon's pod identity.
"""

from __future__ import annotations

from typing import Any

from .objects import NAMESPACE, REGISTRATION

VALIDATING, MUTATING = "Validating", "Mutating"
WRITES = ["CREATE", "UPDATE"]
Webhook = dict[str, Any]


def rule(groups: list[str], versions: list[str], resources: list[str], operations: list[str]) -> dict[str, Any]:
    """A rule of any scope."""
    return {"apiGroups": groups, "apiVersions": versions, "resources": resources, "operations": operations}


def webhook(name: str, service: str, path: str, rules: list[dict[str, Any]], **more: Any) -> Webhook:
    """One entry, of a Service as NAMESPACE/NAME; Fail and 10 seconds are the API's own defaults."""
    namespace, _, called = service.partition("/")
    where = {"service": {"namespace": namespace, "name": called, "path": path}}
    usual = {"sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Fail", "timeoutSeconds": 10}
    return {"name": name, "clientConfig": where, "rules": rules, **usual, **more}


def without(**labels: list[str]) -> dict[str, Any]:
    """A selector of all but these values."""
    expressions = [
        {"key": key, "operator": "NotIn", "values": values} if values else {"key": key, "operator": "DoesNotExist"}
        for key, values in labels.items()
    ]
    return {"matchExpressions": expressions}


def having(key: str, *values: str) -> dict[str, Any]:
    """A selector of these values, or of whatever has the label."""
    one = {"key": key, "operator": "In", "values": list(values)} if values else {"key": key, "operator": "Exists"}
    return {"matchExpressions": [one]}


def configuration(kind: str, name: str, *webhooks: Webhook, **annotations: str) -> dict[str, Any]:
    """A whole configuration."""
    metadata = {"name": name, "annotations": annotations}
    manifest = {"apiVersion": f"{REGISTRATION}/v1", "kind": f"{kind}WebhookConfiguration"}
    return {**manifest, "metadata": metadata, "webhooks": list(webhooks)}


CERT_MANAGER = "cert-manager/cert-manager-webhook"
_CERT_MANAGER = [
    configuration(
        VALIDATING,
        "cert-manager-webhook",
        webhook(
            "webhook.cert-manager.io",
            CERT_MANAGER,
            "/validate",
            [rule(["cert-manager.io", "acme.cert-manager.io"], ["v1"], ["*/*"], WRITES)],
            namespaceSelector=without(**{"cert-manager.io/disable-validation": ["true"]}),
            timeoutSeconds=30,
        ),
        **{"cert-manager.io/inject-ca-from-secret": "cert-manager/cert-manager-webhook-ca"},
    ),
    configuration(
        MUTATING,
        "cert-manager-webhook",
        webhook(
            "webhook.cert-manager.io",
            CERT_MANAGER,
            "/mutate",
            [rule(["cert-manager.io"], ["v1"], ["certificaterequests"], ["CREATE"])],
            timeoutSeconds=30,
        ),
        **{"cert-manager.io/inject-ca-from-secret": "cert-manager/cert-manager-webhook-ca"},
    ),
]

KYVERNO = "kyverno/kyverno-svc"
_EVERYTHING = rule(["*"], ["*"], ["*/*"], ["CREATE", "UPDATE", "DELETE", "CONNECT"])
_SPARED = without(**{NAMESPACE: ["kyverno", "kube-system"]})
_KYVERNO = [
    configuration(
        VALIDATING,
        "kyverno-resource-validating-webhook-cfg",
        webhook("validate.kyverno.svc-fail", KYVERNO, "/validate/fail", [_EVERYTHING], namespaceSelector=_SPARED),
        webhook(
            "validate.kyverno.svc-ignore",
            KYVERNO,
            "/validate/ignore",
            [_EVERYTHING],
            namespaceSelector=_SPARED,
            failurePolicy="Ignore",
        ),
    ),
    configuration(
        MUTATING,
        "kyverno-resource-mutating-webhook-cfg",
        webhook(
            "mutate.kyverno.svc-fail",
            KYVERNO,
            "/mutate/fail",
            [rule([""], ["v1"], ["pods"], WRITES), rule(["apps"], ["v1"], ["deployments", "statefulsets"], WRITES)],
            namespaceSelector=_SPARED,
            reinvocationPolicy="IfNeeded",
        ),
    ),
    configuration(
        MUTATING,
        "kyverno-verify-mutating-webhook-cfg",
        webhook(
            "monitor-webhook.kyverno.svc",
            KYVERNO,
            "/verifymutate",
            [rule(["coordination.k8s.io"], ["v1"], ["leases"], ["UPDATE"])],
            objectSelector={"matchLabels": {"app.kubernetes.io/name": "kyverno"}},
            namespaceSelector=having(NAMESPACE, "kyverno"),
            failurePolicy="Ignore",
        ),
    ),
    configuration(
        VALIDATING,
        "kyverno-policy-validating-webhook-cfg",
        webhook(
            "validate-policy.kyverno.svc",
            KYVERNO,
            "/policyvalidate",
            [rule(["kyverno.io"], ["v1", "v2beta1"], ["clusterpolicies/*", "policies/*"], WRITES)],
        ),
    ),
    configuration(
        VALIDATING,
        "kyverno-ttl-validating-webhook-cfg",
        webhook(
            "kyverno-cleanup-controller.kyverno.svc",
            "kyverno/kyverno-cleanup-controller",
            "/verifyttl",
            [rule(["*"], ["*"], ["*/*"], WRITES)],
            objectSelector=having("cleanup.kyverno.io/ttl"),
            failurePolicy="Ignore",
        ),
    ),
]

ISTIOD = "istio-system/istiod"
_PODS = [rule([""], ["v1"], ["pods"], ["CREATE"])]
_ISTIO_KINDS = ["security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"]
_ISTIO = [
    configuration(
        MUTATING,
        "istio-sidecar-injector",
        webhook(
            "namespace.sidecar-injector.istio.io",
            ISTIOD,
            "/inject",
            _PODS,
            namespaceSelector=having("istio-injection", "enabled"),
            objectSelector=without(**{"sidecar.istio.io/inject": ["false"]}),
        ),
        webhook(
            "object.sidecar-injector.istio.io",
            ISTIOD,
            "/inject",
            _PODS,
            namespaceSelector=without(**{"istio-injection": [], "istio.io/rev": []}),
            objectSelector=having("sidecar.istio.io/inject", "true"),
        ),
    ),
    configuration(
        VALIDATING,
        "istio-validator-istio-system",
        webhook(
            "rev.validation.istio.io",
            ISTIOD,
            "/validate",
            [rule(_ISTIO_KINDS, ["*"], ["*"], WRITES)],
            objectSelector=having("istio.io/rev", "default"),
        ),
    ),
    configuration(
        VALIDATING,
        "istiod-default-validator",
        webhook(
            "validation.istio.io",
            ISTIOD,
            "/validate",
            [rule(_ISTIO_KINDS, ["*"], ["*"], WRITES)],
            objectSelector=without(**{"istio.io/rev": []}),
        ),
    ),
]

GATEKEEPER = "gatekeeper-system/gatekeeper-webhook-service"
_GATEKEEPER = [
    configuration(
        VALIDATING,
        "gatekeeper-validating-webhook-configuration",
        webhook(
            "validation.gatekeeper.sh",
            GATEKEEPER,
            "/v1/admit",
            [rule(["*"], ["*"], ["*", "pods/ephemeralcontainers", "pods/exec", "services/status"], WRITES)],
            namespaceSelector=without(**{"admission.gatekeeper.sh/ignore": [], NAMESPACE: ["gatekeeper-system"]}),
            failurePolicy="Ignore",
            timeoutSeconds=3,
            matchPolicy="Exact",
        ),
        webhook(
            "check-ignore-label.gatekeeper.sh",
            GATEKEEPER,
            "/v1/admitlabel",
            [rule([""], ["*"], ["namespaces"], WRITES)],
            namespaceSelector=without(**{NAMESPACE: ["gatekeeper-system"]}),
            timeoutSeconds=3,
            matchPolicy="Exact",
        ),
    ),
    configuration(
        MUTATING,
        "gatekeeper-mutating-webhook-configuration",
        webhook(
            "mutation.gatekeeper.sh",
            GATEKEEPER,
            "/v1/mutate",
            [rule(["*"], ["*"], ["*"], WRITES)],
            namespaceSelector=without(**{"admission.gatekeeper.sh/ignore": [], NAMESPACE: ["gatekeeper-system"]}),
            failurePolicy="Ignore",
            timeoutSeconds=1,
            matchPolicy="Exact",
        ),
    ),
]

_OTHERS = [
    configuration(
        VALIDATING,
        "ingress-nginx-admission",
        webhook(
            "validate.nginx.ingress.kubernetes.io",
            "ingress-nginx/ingress-nginx-controller-admission",
            "/networking/v1/ingresses",
            [rule(["networking.k8s.io"], ["v1"], ["ingresses"], WRITES)],
            matchPolicy="Equivalent",
        ),
    ),
    configuration(
        VALIDATING,
        "cnpg-validating-webhook-configuration",
        webhook(
            "vcluster.cnpg.io",
            "cnpg-system/cnpg-webhook-service",
            "/validate-postgresql-cnpg-io-v1-cluster",
            [rule(["postgresql.cnpg.io"], ["v1"], ["clusters"], WRITES)],
        ),
    ),
    configuration(
        MUTATING,
        "pod-identity-webhook",
        webhook(
            "pod-identity-webhook.amazonaws.com",
            "default/pod-identity-webhook",
            "/mutate",
            _PODS,
            failurePolicy="Ignore",
            objectSelector=without(**{"eks.amazonaws.com/skip-pod-identity-webhook": []}),
        ),
    ),
]

NEIGHBOURS = [*_CERT_MANAGER, *_KYVERNO, *_ISTIO, *_GATEKEEPER, *_OTHERS]
