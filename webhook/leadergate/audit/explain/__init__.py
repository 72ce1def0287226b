"""``leadergate audit explain``."""
