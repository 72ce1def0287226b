"""``leadergate audit timeline``."""
