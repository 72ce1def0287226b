"""Copies of records as OpenTelemetry log records, by a setting. Standard output stays where records go."""
