"""A sample operator: every replica serves the redirects that the cluster asks for, and their status is written.

Whose status writes count is decided outside of it, by a gate on the API server, or by a check of its own, or by both:
see ``gating``.
"""
