"""What an API server counted of its webhooks, from its metrics."""

from __future__ import annotations

import pytest

from leadergate.survey.gates import Traffic
from leadergate.survey.traffic import traffic

# As kube-apiserver 1.37.2 wrote it, after verdicts and calls that failed under Fail and under Ignore. ~ stands for the
# prefix of all names.
METRICS = """\
# HELP ~admission_duration_seconds [STABLE] Admission webhook latency histogram in seconds.
# TYPE ~admission_duration_seconds histogram
~admission_duration_seconds_count{name="a",operation="UPDATE",rejected="true",type="validating"} 4
# HELP ~fail_open_count [ALPHA] Admission webhook fail open count.
# TYPE ~fail_open_count counter
~fail_open_count{name="a",type="validating"} 1
# TYPE ~rejection_count counter
~rejection_count{error_type="calling_webhook_error",name="a",rejection_code="503",type="validating"} 2
~rejection_count{error_type="no_error",name="a",operation="UPDATE",rejection_code="403",type="validating"} 3
~rejection_count{error_type="no_error",name="a",operation="UPDATE",rejection_code="409",type="validating"} 4
# TYPE ~request_total counter
~request_total{code="200",name="a",operation="UPDATE",rejected="false",type="validating"} 1e+06
~request_total{code="403",name="a",operation="UPDATE",rejected="true",type="validating"} 7
~request_total{code="503",name="a",operation="UPDATE",rejected="false",type="validating"} 1
~request_total{code="503",name="a",operation="UPDATE",rejected="true",type="validating"} 2
~request_total{code="200",name="b",operation="CREATE",rejected="false",type="validating"} 5
~request_total{code="200",name="b",operation="UPDATE",rejected="false",type="validating"} 6
~request_total{code="200",name="c",operation="UPDATE",rejected="false",type="admit"} 9
~request_total{code="200",name="\\"validating\\"",operation="UPDATE",rejected="false",type="admit"} 9
apiserver_request_total{code="200",verb="GET",what="validating"} 12
""".replace("~", "apiserver_admission_webhook_")


def test_calls_are_told_apart() -> None:
    """Verdicts that reject, calls without a verdict, those of these that went through; of validating entries alone."""
    assert traffic(METRICS) == {"a": Traffic(1000010, 7, 3, 1), "b": Traffic(11, 0, 0, 0)}


@pytest.mark.parametrize("text", ["", "# nothing\n", "<html>what is this</html>"])
def test_nothing_was_counted(text: str) -> None:
    """There is no entry then."""
    assert traffic(text) == {}


def test_what_cannot_be_read_is_refused() -> None:
    """By an error that callers expect."""
    with pytest.raises(ValueError, match="could not convert"):
        traffic('apiserver_admission_webhook_request_total{name="a",type="validating"} many\n')
