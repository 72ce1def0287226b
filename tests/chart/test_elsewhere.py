"""Kustomizations of a user's own, with another namespace or a prefix: every name that means another object follows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from leadergate_lab.assets import Assets

from .rendering import KUSTOMIZE, Manifest, by_key, key, objects, the

FOLDERS = ("base", *(f"overlays/{one.name}" for one in sorted((KUSTOMIZE / "overlays").iterdir())))
NAMES = {"overlays/cert-manager": "overlays/cert-manager/names"}
"""The transformer that goes with a folder; ``names`` with all others."""


def built(assets: Assets, folder: Path, resources: str, *, names: bool = True, **more: str) -> list[Manifest]:
    """What kubectl makes of a kustomization with one of our folders and these fields."""
    made = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **more}

    def there(one: str) -> list[str]:
        return [os.path.relpath(KUSTOMIZE / one, folder)]

    made |= {"resources": there(resources)}
    if names:
        made |= {"transformers": there(NAMES.get(resources, "names"))}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(made))
    done = subprocess.run([str(assets.kubectl), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return objects(done.stdout)


def arguments(made: list[Manifest]) -> list[str]:
    """The webhook's."""
    found: list[str] = the("Deployment", made)["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_another_namespace_and_a_prefix(assets: Assets, tmp_path: Path, folder: str) -> None:
    """Accounts, arguments and certificates are those of the new names, in every folder."""
    made = built(assets, tmp_path, folder, namespace="gatekeeping", namePrefix="blue-")
    account = {"namespace": "gatekeeping", "name": "blue-leadergate"}
    assert ("ServiceAccount", *account.values()) in by_key(made)
    (subject,) = the("FlowSchema", made)["spec"]["rules"][0]["subjects"]
    assert subject["serviceAccount"] == account
    for binding in [one for one in made if one["kind"].endswith("Binding")]:
        assert binding["subjects"] == [{"kind": "ServiceAccount", **account}]
        role = (binding["roleRef"]["kind"], binding["metadata"].get("namespace", ""), binding["roleRef"]["name"])
        assert role in [key(one) for one in made]
    assert the("Service", made)["metadata"]["name"] == "blue-leadergate"
    assert ("--certs-service=blue-leadergate" in arguments(made)) is (folder != "overlays/cert-manager")
    assert "leadergate-system" not in yaml.safe_dump(
        [{**one, "metadata": {}} for one in made if key(one)[2] != AUTHORITY]
    )


AUTHORITY = "blue-leadergate-authority"
"""Its commonName is a text that nothing compares."""


def test_certificates_are_for_the_service_and_by_its_issuers(assets: Assets, tmp_path: Path) -> None:
    """What cert-manager makes is what API servers look for."""
    made = by_key(built(assets, tmp_path, "overlays/cert-manager", namespace="gatekeeping", namePrefix="blue-"))
    spec = made["Certificate", "gatekeeping", "blue-leadergate"]["spec"]
    service = "blue-leadergate.gatekeeping.svc"
    assert spec["dnsNames"] == [service, f"{service}.cluster.local"]
    for name in ("blue-leadergate", AUTHORITY):
        issuer = made["Certificate", "gatekeeping", name]["spec"]["issuerRef"]["name"]
        assert ("Issuer", "gatekeeping", issuer) in made


@pytest.mark.parametrize("folder", [one for one in FOLDERS if one not in NAMES])
def test_a_namespace_alone_needs_no_transformer(assets: Assets, tmp_path: Path, folder: str) -> None:
    """It is the commonest change, and one line."""
    plain = built(assets, tmp_path, folder, names=False, namespace="gatekeeping")
    assert plain == built(assets, tmp_path, folder, namespace="gatekeeping")
    assert "leadergate-system" not in yaml.safe_dump(plain)
    assert "--certs-secret=$(POD_NAMESPACE)/leadergate-tls" in arguments(plain)
