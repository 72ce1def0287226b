"""What the rules ask of a gate is there as 0 from its first review on."""

from __future__ import annotations

from leadergate.metrics import Metrics
from leadergate.model import LeaseKey, Mode, Reason

from .rulefile import rules, uses


def test_the_reasons_of_the_rules_begin_at_0() -> None:
    """Where two of several reviews matter, the first would be lost with a series that begins at 1.

    ``NotHolder`` is asked for by the dozen only.
    """
    metrics = Metrics()
    metrics.review(LeaseKey("shop", "lock"), Mode.ENFORCE, "Deny", Reason.NOT_HOLDER, 0.01)
    named = {
        value
        for rule in rules()
        for use in uses(rule["expr"])
        for label, _, value in use.matchers
        if (use.metric, label) == ("leadergate_reviews_total", "reason")
    }
    assert named == {"Holder", "LeaseUnreadable", "NotHolder"}
    text = metrics.text().decode()
    for reason, verdict in (("Holder", "Allow"), ("LeaseUnreadable", "Indeterminate")):
        labels = f'gate="shop/lock",mode="enforce",reason="{reason}",verdict="{verdict}"'
        assert f"leadergate_reviews_total{{{labels}}} 0.0" in text.splitlines()
