"""What an API server has counted of its webhooks since it started, read from its own metrics.

As kube-apiserver 1.37 serves them, each with the labels ``name`` (the entry's; two configurations may use one name,
and are counted as one then), ``operation`` (but for the last) and ``type`` (``validating``, or ``admit`` for mutating
ones):

- ``apiserver_admission_webhook_request_total{code, rejected}``: every call, also those that brought no verdict;
- ``apiserver_admission_webhook_rejection_count{error_type, rejection_code}``: refused writes; ``error_type`` is
  ``no_error`` for a verdict, else ``calling_webhook_error`` or ``apiserver_internal_error``;
- ``apiserver_admission_webhook_fail_open_count``: calls without a verdict that ``failurePolicy: Ignore`` let through.

``apiserver_admission_webhook_admission_duration_seconds`` counts the same calls as the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from leadergate.survey.gates import Traffic

_PREFIX = "apiserver_admission_webhook_"
_CALLS = f"{_PREFIX}request_total"
_REJECTED = f"{_PREFIX}rejection_count"
_OPEN = f"{_PREFIX}fail_open_count"


def traffic(text: str) -> Mapping[str, Traffic]:
    """By the names of validating entries. Raises ValueError when it is no Prometheus text."""
    calls, rejected, failed, opened = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for sample, labels, value in _samples(text):
        name, count = labels.get("name", ""), int(value)
        if sample == _CALLS:
            calls[name] += count
        elif sample == _OPEN:
            opened[name] += count
            failed[name] += count
        elif labels.get("error_type") == "no_error":
            rejected[name] += count
        else:
            failed[name] += count
    names = [*calls, *rejected, *failed]
    return {name: Traffic(calls[name], rejected[name], failed[name], opened[name]) for name in names}


def _samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Of some 20,000 lines a handful is of use; the others are not parsed."""
    wanted = [line for line in text.splitlines() if line.startswith((_CALLS, _REJECTED, _OPEN))]
    for family in text_string_to_metric_families("\n".join(wanted) + "\n"):
        for sample in family.samples:
            if sample.name in (_CALLS, _REJECTED, _OPEN) and sample.labels.get("type") == "validating":
                yield sample.name, sample.labels, sample.value
