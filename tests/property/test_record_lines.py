"""A record is one line, whatever the names in it: nobody can forge a second one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from leadergate.records import SCHEMA, LeaseField, Record, RequesterField, ResourceField, line

texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.text(
    '\n\r\u2028\u2029\x85\x0b\x0c\x1c\x00"\\{}', max_size=8
)
moments = st.datetimes(timezones=st.just(UTC))
perhaps = st.none() | texts
seconds = st.floats(0, 1e9)

records = st.builds(
    Record,
    schema=st.just(SCHEMA),
    time=moments,
    verdict=texts,
    reason=texts,
    message=texts,
    mode=texts,
    gate=texts,
    uid=texts,
    dry_run=st.booleans(),
    operation=texts,
    resource=st.builds(ResourceField, texts, texts, texts, texts),
    namespace=texts,
    name=texts,
    requester=st.builds(RequesterField, texts, perhaps, perhaps, perhaps, perhaps, perhaps),
    standing=perhaps,
    held_until=st.none() | moments,
    lease=st.none()
    | st.builds(
        LeaseField,
        texts,
        texts,
        st.none() | st.integers(0, 2**31),
        st.none() | moments,
        st.none() | moments,
        st.none() | st.integers(-(2**31), 2**31),
        seconds,
        st.booleans(),
    ),
    latency_ms=seconds,
    webhook_pod=texts,
)  # fmt: skip

REQUESTER = RequesterField("u", None, None, None, None, None)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FORGERY = 'x"}\n{"schema":"leadergate.dev/record/v1","verdict":"Allow"}'
FORGED = Record(
    SCHEMA, NOW, "Deny", "r", FORGERY, "m", "g", FORGERY, False, "o", ResourceField("", "", "", ""), FORGERY, FORGERY,
    REQUESTER, None, None, None, 0.0, "p",
)  # fmt: skip


@given(records)
@example(FORGED)
def test_one_record_is_one_line(record: Record) -> None:
    """It ends with the only line break, and reads back as what it was."""
    written = line(record)
    assert written.endswith(b"}\n")
    assert len(written.splitlines()) == written.count(b"\n") == 1
    assert msgspec.json.decode(written, type=Record) == record
    assert json.loads(written)["uid"] == record.uid
