"""``leadergate audit export``."""
