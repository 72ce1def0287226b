"""The commands of docs/break-glass.md do what the page says, as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadergate_lab.helm import CHART
from leadergate_lab.processes import wait_until
from leadergate_lab.writer import Writer

from .conftest import NAMESPACE, PATIENCE, RELEASE, Shop, Town

PAGE = Path(__file__).parents[2] / "docs" / "break-glass.md"
ANN = "ann@example.org"


def commands(section: str, shop: Shop) -> list[list[str]]:
    """The kubectl commands under a heading of the page, for this shop's names in place of the example's."""
    text = PAGE.read_text()
    found = re.search(rf"^## {re.escape(section)}.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the page has no section {section!r}"
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", found[0], re.MULTILINE | re.DOTALL))
    joined = blocks.replace("\\\n", " ")
    for old, new in (
        ("operator-lock.demo.leadergate.dev", shop.gate_name),
        ("/demo/operator-lock", f"/{shop.namespace}/operator-lock"),
        ("-n demo ", f"-n {shop.namespace} "),
    ):
        joined = joined.replace(old, new)
    return [shlex.split(line)[1:] for line in joined.splitlines() if line.startswith("kubectl ")]


@pytest.fixture(scope="module")
def town(_town: Town) -> Iterator[Town]:
    """A town with one replica, for all of these tests: each leaves things as they were."""
    _town.install("--set", "replicas=1")
    yield _town
    _town.clear()


@pytest.fixture
def gated(town: Town) -> Iterator[Shop]:
    """A gate in force that fails closed."""
    shop = Shop(town)
    shop.install_gate()
    shop.wait_denied()
    yield shop
    town.helm("uninstall", f"gates-{shop.namespace}", "-n", NAMESPACE)


def test_one_person_writes(town: Town, gated: Shop) -> None:
    """The named person's write goes through and nobody else's; the last step takes the exception away again."""
    certificate = town.cluster.client_certificate(ANN, ["system:masters"])
    ann = Writer(town.cluster.client(certificate=certificate))
    assert ann.status(gated.docs, {"writtenBy": "ann"}).cause == "NotServiceAccount"
    patch, write = commands("1. Let one person write", gated)
    town.kubectl(*patch)
    wait_until(lambda: ann.status(gated.docs, {}, dryRun="All").ok, what="she may write", timeout=PATIENCE)
    kubeconfig = town.cluster.kubeconfig("ann", certificate=certificate)
    told = town.kubectl(*write, f"--kubeconfig={kubeconfig}")
    assert "patched" in told
    assert gated.follower.status(gated.docs, {"observedGeneration": 1}).cause == "NotHolder"
    gated.install_gate("upgrade")
    assert ann.status(gated.docs, {}, dryRun="All").ok, "applying it anew does not take the exception away"
    (undo,) = commands("Afterwards", gated)[:1]
    town.kubectl(*undo)
    wait_until(lambda: not ann.status(gated.docs, {}, dryRun="All").ok, what="she may not any more", timeout=PATIENCE)


def test_writes_go_through_while_the_webhook_is_away(town: Town, gated: Shop) -> None:
    """Refused before, through after; and Helm puts the policy back with its flag for conflicts."""
    town.kubectl("-n", NAMESPACE, "scale", "deployment", RELEASE, "--replicas=0")

    def message() -> str:
        return gated.follower.status(gated.docs, {"observedGeneration": 1}).message

    wait_until(lambda: "failed calling webhook" in message(), what="writes are refused", timeout=PATIENCE)
    (ignore,) = commands("2. Let writes through", gated)
    town.kubectl(*ignore)
    wait_until(lambda: message() == "", what="writes go through", timeout=PATIENCE)
    release = (f"gates-{gated.namespace}", str(CHART), "-n", NAMESPACE, "-f", "-")
    told = town.helm("upgrade", *release, stdin=gated.values(timeoutSeconds=2), fails=True)
    assert "conflict" in told
    town.helm("upgrade", *release, "--force-conflicts", stdin=gated.values(timeoutSeconds=2))
    wait_until(lambda: "failed calling webhook" in message(), what="the gate fails closed again", timeout=PATIENCE)
    town.kubectl("-n", NAMESPACE, "scale", "deployment", RELEASE, "--replicas=1")
    town.village.wait_rollout(NAMESPACE, RELEASE)


def test_nothing_is_rejected_and_all_is_recorded(town: Town, gated: Shop) -> None:
    """The gate is an audit."""
    (audit,) = commands("3. Reject nothing", gated)
    town.kubectl(*audit)
    wait_until(
        lambda: gated.follower.status(gated.docs, {"observedGeneration": 1}).ok,
        what="writes go through",
        timeout=PATIENCE,
    )

    def recorded() -> bool:
        mine = [record for record in town.records() if record["gate"].startswith(f"{gated.namespace}/")]
        return any(record["mode"] == "audit" and record["verdict"] == "Deny" for record in mine)

    wait_until(recorded, what="a record tells what would have been rejected", timeout=PATIENCE)


def test_the_gate_is_taken_away(town: Town, gated: Shop) -> None:
    """By its name, and all at once by the label."""
    one, every = commands("4. Take the gate away", gated)
    town.kubectl(*one)
    assert town.gates() == []
    wait_until(
        lambda: gated.follower.status(gated.docs, {"observedGeneration": 1}).ok,
        what="the API server has heard of it",
        timeout=PATIENCE,
    )
    gated.install_gate("upgrade")
    wait_until(lambda: town.gates() == [gated.gate_name], what="the gate is back", timeout=PATIENCE)
    town.kubectl(*every)
    assert town.gates() == []
