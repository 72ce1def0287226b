"""Electors as processes of the laboratory: the race that they must not lose, and how long a takeover takes."""
