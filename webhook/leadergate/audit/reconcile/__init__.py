"""``leadergate audit reconcile``: records held against the API server's own audit log."""
