"""The review as a page on the engineer's machine: read-only, on loopback, its filters in the URL."""
