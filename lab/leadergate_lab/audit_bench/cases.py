"""What is measured, in its order."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadergate_lab.audit_bench import files, page
from leadergate_lab.audit_bench.counts import PROGRAM, differences, groups
from leadergate_lab.audit_bench.page import Page
from leadergate_lab.audit_bench.process import Failed, Ran, run
from leadergate_lab.progress import Report, ticking

LEADERGATE = Path(sys.executable).with_name("leadergate")
"""The command of the environment that this runs in."""


@dataclass(frozen=True, slots=True)
class Row:
    """The runs of one case over ``records`` records in a file of ``size`` bytes."""

    case: str
    records: int
    size: int
    runs: tuple[Ran, ...]

    @property
    def seconds(self) -> float:
        """The median of the wall clock."""
        return statistics.median(one.seconds for one in self.runs)

    @property
    def cpu(self) -> float:
        """The median of the processor time, in seconds."""
        return statistics.median(one.cpu for one in self.runs)

    @property
    def peak(self) -> float:
        """The most memory of any run, in MiB."""
        return max(one.peak for one in self.runs)

    @property
    def from_disk(self) -> float:
        """The most that a run read from the disk, in MiB; the rest came out of the page cache."""
        return max(one.from_disk for one in self.runs)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that was measured of ``records`` records. ``summary`` and ``jq`` are those of one and the same file."""

    records: int
    rows: tuple[Row, ...]
    summary: Row
    jq: Row
    page: Page


class Bench:
    """The cases, with their files and answers in ``folder``."""

    def __init__(self, folder: Path, jq: str, rounds: int, asked: int, report: Report) -> None:
        self._folder, self._jq, self._rounds, self._asked, self._report = folder, jq, rounds, asked, report

    def run(self, whole: Path, small: Path, jq_records: int | None) -> Outcome:
        """Measure all; ``small`` is the file for what need not be large. Raises Failed, OSError."""
        self._warm_up(small)
        rows = []
        same = whole
        if jq_records is not None:
            (first, answer), (second, _) = self._summary(whole), self._summary(whole)
            rows.append(Row("summary", answer["records"], whole.stat().st_size, (first, second)))
            same = files.write_beginning(self._folder / "beginning.jsonl", whole, jq_records, self._report)
        summary, jq = self._against_jq(same, "" if same is whole else ", beginning of the file")
        rows += [summary, jq]
        large, size = rows[0].records, whole.stat().st_size
        others = {
            "timeline": self._review("timeline", whole),
            "list --standing former-holder": self._review("list", whole, "--standing", "former-holder"),
            "explain UID": self._review("explain", files.last_uid(whole), whole),
        }
        rows += [Row(case, large, size, (ran,)) for case, (ran, _) in others.items()]
        rows += self._small(small)
        with self._telling("serve"):
            served = page.measured(LEADERGATE, small, self._folder, self._asked)
        return Outcome(large, tuple(rows), summary, jq, served)

    def _warm_up(self, small: Path) -> None:
        """Bring programs and libraries into memory."""
        few = files.write_beginning(self._folder / "few.jsonl", small, 1_000, self._report)
        self._review("summary", few)
        run([self._jq, "-n", PROGRAM, few], self._folder / "few.out")

    def _against_jq(self, same: Path, part: str) -> tuple[Row, Row]:
        """The summary and jq in turns, which ends as it began: with a summary."""
        run_of_summary, answer = self._summary(same)
        others = answer["foreignLines"] + answer["badLines"]
        if others or not answer["records"]:
            held = f"{answer['records']:,} records and {others:,} other lines"
            raise Failed(f"{same} has {held}: jq can be compared only on records and nothing else")
        summaries, counts = [run_of_summary], []
        for _ in range(self._rounds):
            run_of_jq, counted = self._count(same)
            counts.append(run_of_jq)
            summaries.append(self._summary(same)[0])
        if told := differences(groups(counted), answer):
            raise Failed("the summary and jq do not say the same:\n" + "\n".join(f"  - {one}" for one in told))
        records, size = answer["records"], same.stat().st_size
        return (
            Row(f"summary{part}", records, size, tuple(summaries)),
            Row(f"jq{part}", records, size, tuple(counts)),
        )

    def _small(self, small: Path) -> Iterator[Row]:
        """The same records in other forms; each has to be summarised alike."""
        ran, plain = self._summary(small)
        records = plain["records"]
        yield Row("summary", records, small.stat().st_size, (ran,))
        stored = self._folder / "small.parquet"
        with self._telling("forms of the smaller file"):
            packed = files.write_gzip(self._folder / "small.jsonl.gz", small)
        log = files.write_log(self._folder / "small.log", small, self._report)
        export, _ = self._review("export", small, "--to", stored)
        yield Row("export to Parquet", records, small.stat().st_size, (export,))
        for case, file in (
            ("summary of .gz", packed),
            ("summary of kubectl logs --prefix", log),
            ("summary of Parquet", stored),
        ):
            ran, answer = self._summary(file)
            if _same(answer) != _same(plain):
                raise Failed(f"{case} does not say the same as that of the records themselves")
            yield Row(case, records, file.stat().st_size, (ran,))

    def _summary(self, file: Path) -> tuple[Ran, Any]:
        ran, out = self._review("summary", file, "--output", "json")
        return ran, json.loads(out.read_bytes())

    def _count(self, file: Path) -> tuple[Ran, Any]:
        out = self._folder / "jq.out"
        with self._telling(f"jq {file.name}"):
            ran = run([self._jq, "-n", PROGRAM, file], out)
        return ran, json.loads(out.read_bytes())

    def _review(self, command: str, *arguments: str | Path) -> tuple[Ran, Path]:
        out = self._folder / f"{command}.out"
        with self._telling(" ".join([command, *(str(one) for one in arguments)])):
            return run([LEADERGATE, "audit", command, *arguments], out), out

    def _telling(self, what: str) -> AbstractContextManager[None]:
        self._report(f"  {what}")
        return ticking(self._report, lambda: f"  {what}")


def _same(answer: Any) -> Any:
    """What every form of the same records has to say."""
    return {name: value for name, value in answer.items() if name not in ("foreignLines", "badLines")}
