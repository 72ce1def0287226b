"""``leadergate audit explain``: one rejection in plain words."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from leadergate.audit.options import Asked, asks
from leadergate.audit.telling.forms import Telling

_LEAST = 8


@asks(routine=True, whole=True)
def explain(
    asked: Asked,
    uid: Annotated[
        str, typer.Argument(metavar="UID", help="The review's uid, or how it begins (8 characters or more).")
    ],
    output: Annotated[Telling, typer.Option("--output", "-o", help="text or json.")] = Telling.TEXT,
) -> None:
    """Tell one rejection in plain words: who asked, who held the Lease, why it was rejected, and what to do.

    The uid stands in each record, in what the client was told (cause ReviewUID), and in the API server's audit log;
    leadergate audit list shows how it begins.
    Without FILE it is looked for in the logs of the webhook in the cluster.

    A review that was asked for more than once has several records: all are told, and the last one is explained.

    \b
    Examples
      leadergate audit explain 5f0c1c1e
      leadergate audit explain 5f0c1c1e-8f53-4b42-a6a3-8f2f5f0c6f5b webhook.log
      leadergate audit explain 5f0c1c1e '/var/log/leadergate/*.jsonl*' -o json
    """
    from leadergate.gates.inputs import refuse

    if os.path.isfile(uid):  # noqa: PTH113 - a text that can be no path is none
        why = f"UID {uid!r} is a file; name the UID before it: leadergate audit list shows how each begins"
        refuse("nothing is explained", [why])
    if len(uid) < _LEAST:
        why = f"UID {uid!r} is too short to tell reviews apart; give {_LEAST} characters or more"
        refuse("nothing is explained", [why])
    # Imported here: what shows help has no use for the engine.
    from leadergate.audit.explain.show import explained

    explained(asked, uid, output)
