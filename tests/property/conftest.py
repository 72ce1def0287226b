"""How Hypothesis runs here: a machine that is busy makes no test fail."""

from hypothesis import HealthCheck, settings

settings.register_profile("leadergate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leadergate")
