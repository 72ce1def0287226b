"""The way to the API server: what is taken from a kubeconfig or a Pod's mount, and what is said of a broken one."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import kube_config
from tests.unit.conftest import WALL

from leadergate_certs.issue import issue_authority
from leadergate_election.credentials import Access, CredentialsFault, CredentialsSource

SECRET = "the-token"
CLIENT_API = "client.authentication.k8s.io"
HOST = "https://127.0.0.1:6443"


class Kubeconfig:
    """A kubeconfig whose parts a test changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cluster: dict[str, Any] = {"server": HOST}
        self.user: Any = {"token": SECRET}
        self.whole: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": self.cluster}],
            "contexts": [{"name": n, "context": {"cluster": "c", "user": n}} for n in ("c", "other")],
        }

    def load(self, context: str | None = None) -> Access:
        """Write it and load it."""
        users = [{"name": "c", "user": self.user}, {"name": "other", "user": {"token": "other-token"}}]
        self.path.write_text(yaml.safe_dump({"users": users, **self.whole}))
        return self.source(context).load()

    def source(self, context: str | None = None) -> CredentialsSource:
        """Where it is."""
        return CredentialsSource(self.path, context, Path("/nowhere"), {})


@pytest.fixture(name="kubeconfig")
def a_kubeconfig(tmp_path: Path) -> Kubeconfig:
    """A sound one."""
    return Kubeconfig(tmp_path / "kubeconfig")


def test_a_kubeconfig(kubeconfig: Kubeconfig) -> None:
    """Its current context, or the one that is named; its secret is never printed."""
    access = kubeconfig.load()
    assert (access.host, access.authorization) == (HOST, f"Bearer {SECRET}")
    assert SECRET not in repr(access)
    assert kubeconfig.load("other").authorization == "Bearer other-token"


def test_a_token_file_is_read_anew_each_time(kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    """And its last newline is no part of the token."""
    token = tmp_path / "token"
    kubeconfig.user.clear()
    kubeconfig.user["tokenFile"] = str(token)
    for secret in ("first", "second"):
        token.write_text(f"{secret}\n")
        assert kubeconfig.load().authorization == f"Bearer {secret}"


def test_a_plain_proxy_needs_no_credentials(kubeconfig: Kubeconfig) -> None:
    """``kubectl proxy`` adds its own."""
    kubeconfig.user = {}
    kubeconfig.cluster["server"] = "http://127.0.0.1:8001/"
    access = kubeconfig.load()
    assert (access.host, access.authorization) == ("http://127.0.0.1:8001", None)


Break = Callable[[Kubeconfig], object]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(lambda k: k.whole.pop("contexts"), "Expected object with name c in", id="no contexts"),
        pytest.param(lambda k: k.whole.pop("current-context"), "Expected key current-context", id="no current context"),
        pytest.param(lambda k: k.whole.update({"clusters": "c"}), "kubeconfig", id="clusters of another type"),
        pytest.param(lambda k: k.whole.update({"users": []}), "neither a token nor a client certificate", id="no user"),
        pytest.param(lambda k: k.user.clear(), "neither a token nor a client certificate", id="empty user"),
        pytest.param(lambda k: setattr(k, "user", None), "Expected key user", id="null user"),
        pytest.param(lambda k: k.cluster.clear(), "the cluster's server '' is no URL", id="no server"),
        pytest.param(lambda k: k.cluster.update(server=7), "kubeconfig", id="server of another type"),
        pytest.param(lambda k: k.cluster.update(server="127.0.0.1"), "'127.0.0.1' is no URL", id="server is no URL"),
        pytest.param(lambda k: k.cluster.update({"certificate-authority": "/no"}), "/no", id="no CA file"),
        pytest.param(lambda k: k.cluster.update({"certificate-authority-data": "eA=="}), "no certificate", id="bad CA"),
        pytest.param(lambda k: setattr(k, "user", {"tokenFile": "/no"}), "/no", id="no token file"),
        pytest.param(
            lambda k: setattr(k, "user", {"exec": {"apiVersion": f"{CLIENT_API}/v1", "command": "false"}}),
            "or the exec plugin gave none",
            id="exec plugin that fails",
        ),
    ],
)
def test_a_broken_kubeconfig(kubeconfig: Kubeconfig, harm: Break, said: str) -> None:
    """The fault names the file, what is wrong and what to do, in one line and without the secret."""
    harm(kubeconfig)
    with pytest.raises(CredentialsFault) as caught:
        kubeconfig.load()
    fault = str(caught.value)
    assert fault.startswith(f"kubeconfig {kubeconfig.path}: ")
    assert said in fault
    assert fault.endswith("; check the file, its context and the files that it names")
    assert "\n" not in fault
    assert SECRET not in fault


@pytest.mark.parametrize("content", [b"", b"null", b"text", b"- a", b"a: [", b"\tx", b"\x00\xff", b"{" * 3000])
def test_a_file_that_is_no_kubeconfig(kubeconfig: Kubeconfig, content: bytes) -> None:
    """Whatever its bytes are, it is a fault of the file."""
    kubeconfig.path.write_bytes(content)
    with pytest.raises(CredentialsFault, match="kubeconfig"):
        kubeconfig.source().load()


def test_no_file(kubeconfig: Kubeconfig) -> None:
    """Nor is a folder one."""
    for path in (kubeconfig.path, kubeconfig.path.parent):
        with pytest.raises(CredentialsFault, match="there is no such file"):
            CredentialsSource(path, None, Path("/nowhere"), {}).load()


def test_a_context_that_does_not_exist(kubeconfig: Kubeconfig) -> None:
    """It is named."""
    with pytest.raises(CredentialsFault, match="name missing in"):
        kubeconfig.load("missing")


INLINE = {"certificate-authority-data": base64.b64encode(issue_authority(WALL).certificate_pem).decode()}


@pytest.fixture
def nowhere_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder for temporary files, as with a read-only root file system."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nowhere"])
    # The client library keeps the files that it has made, by their content.
    monkeypatch.setattr(kube_config, "_temp_files", {})


@pytest.mark.usefixtures("nowhere_to_write")
def test_data_in_a_kubeconfig_needs_a_folder_to_write_to(kubeconfig: Kubeconfig) -> None:
    """The fault says so, and what to do in a Pod; the file is sound, and is not suspected."""
    kubeconfig.cluster.update(INLINE)
    with pytest.raises(CredentialsFault) as caught:
        kubeconfig.load()
    assert str(caught.value) == (
        f"kubeconfig {kubeconfig.path}: holds certificates or keys itself (…-data), for which files have to be made, "
        "and no temporary folder can be written to; mount an emptyDir at /tmp, or name files in the kubeconfig"
    )


@pytest.mark.usefixtures("nowhere_to_write")
def test_a_missing_file_is_told_where_nothing_can_be_written(kubeconfig: Kubeconfig) -> None:
    """Another fault keeps its own words there, and a kubeconfig that names files needs no folder."""
    for cluster, user in (({"certificate-authority": "/no"}, {"token": SECRET}), ({}, {"tokenFile": "/no"})):
        kubeconfig.cluster.update(cluster)
        kubeconfig.user = user
        with pytest.raises(CredentialsFault, match=r"/no.*check the file, its context"):
            kubeconfig.load()
        kubeconfig.cluster.pop("certificate-authority", None)
    kubeconfig.user = {"token": SECRET}
    assert kubeconfig.load().host == HOST


@pytest.fixture(name="mount")
def a_mount(tmp_path: Path) -> Path:
    """What the kubelet mounts into a Pod."""
    (tmp_path / "ca.crt").write_bytes(issue_authority(WALL).certificate_pem)
    (tmp_path / "token").write_text(SECRET + "\n")
    return tmp_path


IN_A_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def test_a_pods_own_account(mount: Path) -> None:
    """The API server's address comes from the environment; a rotated token is taken at the next load."""
    source = CredentialsSource(None, None, mount, IN_A_POD)
    assert (source.load().host, source.load().authorization) == ("https://10.0.0.1:443", f"Bearer {SECRET}")
    (mount / "token").write_text("rotated")
    assert source.load().authorization == "Bearer rotated"


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_a_mount_that_lacks_a_file(mount: Path, missing: str) -> None:
    """It says what to do about it."""
    (mount / missing).unlink()
    with pytest.raises(CredentialsFault, match="automountServiceAccountToken"):
        CredentialsSource(None, None, mount, IN_A_POD).load()


def test_outside_a_pod(mount: Path) -> None:
    """There is no API server to be found, unless a kubeconfig names one."""
    with pytest.raises(CredentialsFault, match="--kubeconfig"):
        CredentialsSource(None, None, mount, {}).load()
