"""Writing a gate's manifests: ``leadergate gate``. Nothing that serves imports it."""
