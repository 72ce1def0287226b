"""``leadergate audit summary``."""
