"""Standard output is a file on a disk that fills up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadergate_lab.controlplane import ControlPlane

from .conftest import MakeTeam, agree, rejected_writes
from .ledger import denied, torn, unrecorded, withheld
from .outputs import PAGE, CrampedWebhook


@pytest.fixture(name="webhook")
def a_cramped_webhook(plane: ControlPlane) -> Iterator[CrampedWebhook]:
    """Its disk has a few pages."""
    webhook = CrampedWebhook(plane, "cramped")
    webhook.start()
    yield webhook
    webhook.process.stop()


def test_a_disk_that_is_full_for_a_while(webhook: CrampedWebhook, team_of: MakeTeam) -> None:
    """No rejection is answered without its record; a line that the disk took in part is marked, all else is whole."""
    team = team_of(webhook)
    name = team.gate(timeoutSeconds=30)
    answers = []
    for round_ in range(2):
        webhook.fill()
        lost = webhook.lost()
        refused = rejected_writes(team, 16)
        assert withheld(refused)
        assert len(denied(refused)) + withheld(refused) == 16, "there is no third kind of answer"
        assert webhook.lost() - lost == withheld(refused)
        assert len(webhook.log()) % PAGE == 0, "the last page is used up, be it by a part of a record"
        assert webhook.plain("/readyz")[0] == 200
        assert team.leader.status(team.note, {"text": "x"}, dryRun="All").ok
        webhook.make_room()
        answers += refused + rejected_writes(team, 4)
        assert withheld(answers[-4:]) == 0, f"there is room again, in round {round_}"
    told = denied(answers)
    assert unrecorded(told, team.records()) == {}
    agree(team, name, told)
    assert torn(webhook.log())
    assert not any(uid.encode() in line for line in torn(webhook.log()) for uid in told)
    assert '"fault":"the log cannot be written: No space left on device"' in webhook.process.stderr_path.read_text()
