"""``leadergate audit list``."""
