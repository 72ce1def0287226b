"""Reviewing records: from lines in a log to who wrote what, when, and without holding the Lease."""
