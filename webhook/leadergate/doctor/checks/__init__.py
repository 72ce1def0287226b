"""What is judged, a subject a file: pure functions of what was looked at."""
