"""``leadergate audit timeline``: who held each Lease when, and who wrote although it did not."""

from __future__ import annotations

from typing import Annotated

import typer

from leadergate.audit.options import Asked, asks
from leadergate.audit.telling.forms import Telling

LEAST, WIDEST = 46, 400


@asks()
def timeline(
    asked: Asked,
    width: Annotated[
        int | None, typer.Option(metavar="N", help="Columns of the picture. Default: as wide as the terminal.")
    ] = None,
    buckets: Annotated[bool, typer.Option("--buckets", help="Print the counts behind the marks as well.")] = False,
    output: Annotated[Telling, typer.Option("--output", "-o", help="text or json.")] = Telling.TEXT,
) -> None:
    """Draw who held each Lease when and who was rejected; tell each takeover, and who wrote on after it.

    Without FILE: of the webhook in the cluster.

    A letter is a holder, in the order in which they held; a digit is somebody who never did. Marks grow with the number
    of rejections by factors, so that one write is seen beside thousands. Routine ones of followers are one row;
    --routine gives each follower its own.

    \b
    !  former holder: led before, and wrote on
    x  stranger: another namespace or account, or no proven pod
    ?  cannot tell: the Lease could not be read
    -  no holder: nobody held the Lease then
    *  another reason
    .  routine

    Who held the Lease is told by all records of the time and the gates that are asked for, whatever else is filtered.

    \b
    Examples
      leadergate audit timeline --since 2h
      leadergate audit timeline webhook.log
      leadergate audit timeline '/var/log/leadergate/*.jsonl*' --since 2026-03-02T01:00:00Z --until 2026-03-02T02:00:00Z
      leadergate audit timeline night.jsonl.gz --gate shop/orders-operator --width 80
    """
    from leadergate.gates.inputs import refuse

    if width is not None and not LEAST <= width <= WIDEST:
        refuse("nothing is drawn", [f"--width {width} is out of range; expected {LEAST} to {WIDEST}"])
    # Imported here: what shows help has no use for the engine.
    from leadergate.audit.timeline.show import drawing

    drawing(asked, width, output, least=LEAST, widest=WIDEST, buckets=buckets)
