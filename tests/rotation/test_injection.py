"""Bundles: put in wherever the label is, kept in, and merged with what others have put there."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from leadergate_certs.bundle import certificates
from leadergate_certs.cluster import FIELD_MANAGER
from leadergate_certs.contest import BURST
from leadergate_certs.issue import issue_authority
from leadergate_certs.state import Phase, Request
from leadergate_lab.apicall import call
from leadergate_lab.certs.rights import rights
from leadergate_lab.certs.stage import CONFIGURATIONS, CertStage
from leadergate_lab.processes import wait_until

MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
APPLY = "application/apply-patch+yaml"


def entry(stage: CertStage, name: str) -> dict[str, Any]:
    """One more entry for the gate's configuration, which matches nothing."""
    found: dict[str, Any] = stage.gate_manifest()["webhooks"][0]
    return {**found, "name": name, "rules": [{**found["rules"][0], "apiGroups": ["nobody.leadergate.dev"]}]}


def bundles(stage: CertStage, path: str) -> list[bytes]:
    """The bundles of all entries."""
    entries = stage.cluster.get(path)["webhooks"]
    return [base64.b64decode(one["clientConfig"].get("caBundle") or "") for one in entries]


def trusted(stage: CertStage, path: str | None = None) -> Callable[[], bool]:
    """Whether each entry trusts what the Secret says."""

    def so() -> bool:
        state = stage.state()
        assert state is not None
        found = bundles(stage, path or f"{CONFIGURATIONS}/{stage.configuration}")
        return bool(found) and all(bundle == state.bundle for bundle in found)

    return so


def test_every_entry_of_every_kind_is_injected(stage: CertStage) -> None:
    """Several entries, and mutating configurations as well, also those applied later."""
    manifest = stage.gate_manifest()
    manifest["webhooks"].append(entry(stage, "second.leadergate.dev"))
    stage.cluster.apply(manifest)
    mutating = stage.gate_manifest()
    mutating |= {"kind": "MutatingWebhookConfiguration", "webhooks": [entry(stage, "mutating.leadergate.dev")]}
    for manifest in rights(stage.namespace, [stage.configuration]):
        if manifest["metadata"]["name"].startswith("leadergate-inject") and "rules" in manifest:
            manifest["rules"][0]["resources"].append("mutatingwebhookconfigurations")
            stage.cluster.apply(manifest)
    stage.cluster.apply(mutating)
    path = f"{MUTATING}/{stage.configuration}"
    wait_until(trusted(stage), what="both entries trust it", timeout=30)
    wait_until(trusted(stage, path), what="the mutating one trusts it", timeout=60)
    stage.rotate_ca()
    wait_until(trusted(stage, path), what="the mutating one trusts the new one alone", timeout=30)
    assert len(bundles(stage, f"{CONFIGURATIONS}/{stage.configuration}")) == 2
    stage.cluster.call("DELETE", path)


def test_what_has_no_label_is_left_alone(lasting: CertStage) -> None:
    """And so is one labelled for another installation."""
    manifest = lasting.gate_manifest()
    manifest["metadata"] = {"name": f"other-{lasting.configuration}", "labels": {}}
    manifest["webhooks"] = [entry(lasting, "other.leadergate.dev")]
    lasting.cluster.apply(manifest)
    lasting.rotate_ca()
    path = f"{CONFIGURATIONS}/{manifest['metadata']['name']}"
    assert bundles(lasting, path) == [b""]
    lasting.cluster.call("DELETE", path)


def test_nothing_but_the_bundle_is_ours(lasting: CertStage) -> None:
    """A GitOps tool that applies its manifest again, without force, meets no conflict and changes no bundle."""
    bundle = lasting.bundle()
    owned = [one for one in lasting.read_gate()["metadata"]["managedFields"] if one["manager"] == FIELD_MANAGER]
    (ours,) = owned
    fields = ours["fieldsV1"]["f:webhooks"]
    assert [sorted(one["f:clientConfig"]) for one in fields.values()] == [["f:caBundle"]]
    path = f"{CONFIGURATIONS}/{lasting.configuration}"
    before = lasting.read_gate()["metadata"]["resourceVersion"]
    call(
        lasting.cluster.api,
        "PATCH",
        path,
        lasting.gate_manifest(),
        content_type=APPLY,
        fieldManager="leadergate-lab",
        force="false",
    )
    assert lasting.read_gate()["metadata"]["resourceVersion"] == before
    assert lasting.bundle() == bundle


def test_a_certificate_of_others_stays(lasting: CertStage) -> None:
    """Through a whole rotation; ours are added to it and taken away beside it."""
    theirs = issue_authority(datetime.now(UTC), common_name="theirs")
    both = theirs.certificate_pem + lasting.bundle()
    _put(lasting, both)
    after = lasting.rotate_ca()
    found = certificates(lasting.bundle())
    _put(lasting, after.bundle)
    assert theirs.certificate in found
    assert {one.subject for one in found} == {theirs.certificate.subject, after.newest.certificate.subject}


def test_a_retired_authority_does_not_come_back(lasting: CertStage) -> None:
    """An old manifest with the bundle of then is applied: what it lacks is put in, what is retired is taken out."""
    old = lasting.bundle()
    after = lasting.rotate_ca()
    _put(lasting, old)
    wait_until(lambda: lasting.bundle() == after.bundle, what="the bundle is what it was", timeout=30)


def test_a_placeholder_is_replaced(lasting: CertStage) -> None:
    """The new line that some charts put there is no certificate."""
    state = lasting.state()
    assert state is not None
    _put(lasting, b"\n")
    wait_until(lambda: lasting.bundle() == state.bundle, what="the bundle is back", timeout=30)


def test_a_fight_is_told_and_not_lost(stage: CertStage) -> None:
    """Who overwrites the bundle again and again is named, and it is still put back."""
    good = stage.bundle()
    for _ in range(2 * BURST + 2):  # each replica counts what it has put back itself
        _put(stage, b"\n")
        wait_until(lambda: stage.bundle() == good, what="the bundle is back", timeout=30)
    assert stage.metric("leadergate_certificate_contested_total") >= 1
    logs = "".join(replica.process.stderr_path.read_text() for replica in stage.replicas)
    (line,) = [one for one in logs.splitlines() if "ca_bundle_contested" in one][:1]
    assert "the-rival" in line


def test_a_configuration_that_may_not_be_written_holds_up_nothing_else(lasting: CertStage) -> None:
    """It is named with the remedy; leaves are renewed, and the next authority waits for it."""
    manifest = lasting.gate_manifest()
    manifest["metadata"]["name"] = f"forbidden-{lasting.configuration}"
    manifest["webhooks"] = [entry(lasting, "forbidden.leadergate.dev")]
    lasting.cluster.apply(manifest)
    path = f"{CONFIGURATIONS}/{manifest['metadata']['name']}"
    before = lasting.state()
    assert before is not None
    lasting.ask(Request.CA)
    lasting.wait_state(lambda state: state.phase is Phase.SPREADING, what="the next authority is made")
    wait_until(lambda: len(certificates(lasting.bundle())) == 2, what="the other configuration has it", timeout=30)
    lasting.ask(Request.LEAF)
    state = lasting.wait_state(lambda state: state.pair.certificate != before.pair.certificate, what="a new leaf")
    assert state.phase is Phase.SPREADING
    assert lasting.metric("leadergate_certificate_untrusting_configurations") >= 1
    logs = lasting.replicas[0].process.stderr_path.read_text() + lasting.replicas[1].process.stderr_path.read_text()
    assert f"cannot inject ValidatingWebhookConfiguration/{manifest['metadata']['name']}" in logs
    assert "docs/certificates.md" in logs
    lasting.cluster.call("DELETE", path)
    lasting.wait_state(lambda state: state.phase is Phase.STEADY, what="the rotation comes to its end")


def test_taking_one_of_several_entries_out_by_apply_is_refused(stage: CertStage) -> None:
    """A limit of shared ownership that docs/certificates.md tells of: should it end, the docs are to be mended."""
    manifest = stage.gate_manifest()
    manifest["webhooks"].append(entry(stage, "second.leadergate.dev"))
    stage.cluster.apply(manifest)
    wait_until(trusted(stage), what="both entries trust it", timeout=30)
    with pytest.raises(ApiException) as refused:
        stage.apply_gate()
    assert refused.value.status == 422


def _put(stage: CertStage, bundle: bytes) -> None:
    """Set the bundle of the first entry, as somebody else."""
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": base64.b64encode(bundle).decode()}]
    stage.cluster.call(
        "PATCH",
        f"{CONFIGURATIONS}/{stage.configuration}",
        patch,
        content_type="application/json-patch+json",
        fieldManager="the-rival",
    )
