"""``make bench-audit``: the commands of ``leadergate audit`` on a night of records, and ``jq`` on the same file.

Each figure is of a whole process, its start included. That the summary and jq counted the same is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from rich.console import Console as Screen

from leadergate_lab.audit_bench import files, machine
from leadergate_lab.audit_bench.cases import Bench
from leadergate_lab.audit_bench.process import Failed
from leadergate_lab.audit_bench.show import as_json, show
from leadergate_lab.progress import Console
from leadergate_lab.scratch import Scratch

RECORDS = 10_000_000
SMALL = 1_000_000
_OTHER_FORMS = 3
"""The smaller file, its log and what is spooled of that, and the rest, in sizes of the smaller file."""
_WIDTH = 120
"""Of tables where there is no terminal."""


def main() -> None:
    """Run the benchmark and print its figures."""
    given = _given()
    jq = shutil.which("jq")
    if jq is None:
        _refuse("jq is not on PATH, and the summary is measured against it: install it (Debian: apt-get install jq)")
    folder = given.folder or (given.file.parent if given.file else Path(tempfile.gettempdir()))
    if not folder.is_dir():
        _refuse(f"--folder {str(folder)!r} is no folder; make it, or name another")
    made = 0 if given.file else given.records
    small = given.small if given.file else min(given.small, given.records)
    needed = (made + (given.jq_records or 0) + _OTHER_FORMS * small) * files.RECORD_BYTES
    if (why := files.lacking(folder, needed)) is not None:
        _refuse(why)
    # What is measured puts its temporary files there as well.
    os.environ["TMPDIR"] = str(folder.absolute())
    tempfile.tempdir = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    scratch = Scratch()
    try:
        _measure(given, jq, scratch.path)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Failed as fault:
        sys.exit(f"bench-audit: {fault}")
    except OSError as fault:
        sys.exit(f"bench-audit: {fault.filename or folder}: {fault.strerror or fault}")
    finally:
        scratch.remove()


def _measure(given: argparse.Namespace, jq: str, folder: Path) -> None:
    report = Console()
    seen_on = machine.described(jq)
    report(machine.told(seen_on))
    whole = given.file
    if whole is None:
        kept = Path(tempfile.mkdtemp(prefix="records-", dir=folder.parent)) if given.keep else folder
        whole = files.write_night(kept / "records.jsonl", given.records, report)
    small = folder / "small.jsonl"
    if given.file:
        files.write_beginning(small, whole, given.small, report)
    else:
        files.write_night(small, min(given.small, given.records), report)
    outcome = Bench(folder, jq, given.rounds, given.queries, report).run(whole, small, given.jq_records)
    if given.output == "json":
        print(json.dumps(as_json(outcome, seen_on), indent=2))
    else:
        screen = Screen(width=None if sys.stdout.isatty() else _WIDTH)
        screen.print(machine.told(seen_on), highlight=False, soft_wrap=True)
        show(screen, outcome)
    if given.keep:
        report(f"kept: {whole}")


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-audit", description=__doc__)
    parser.add_argument("--records", type=_count, default=RECORDS, help="records of the night (default: %(default)s)")
    parser.add_argument(
        "--small", type=_count, default=SMALL, help="records for other forms and the page (default: %(default)s)"
    )
    parser.add_argument("--file", type=Path, help="measure on this file of records instead of making one")
    parser.add_argument("--folder", type=Path, help="where files are made (default: temporary files, or beside --file)")
    parser.add_argument("--keep", action="store_true", help="leave the file of records there")
    parser.add_argument(
        "--jq-records", type=_count, metavar="N", help="let jq read the first N records alone, and extrapolate"
    )
    parser.add_argument("--rounds", type=_count, default=1, help="runs of jq, between summaries (default: %(default)s)")
    parser.add_argument(
        "--queries", type=_count, default=20, help="how often the page is asked each of its (default: %(default)s)"
    )
    parser.add_argument("--output", choices=("text", "json"), default="text")
    given = parser.parse_args()
    if given.file is not None and not given.file.is_file():
        parser.error(f"--file {str(given.file)!r} is no file")
    if given.file is not None and given.keep:
        parser.error("--keep: what --file names is left alone anyway; leave one of them out")
    return given


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def _refuse(why: str) -> NoReturn:
    print(f"bench-audit: {why}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
