"""A sample operator: every replica serves the redirects that the cluster asks for and writes their status.

It knows nothing of any gate. Which replica's status writes count is decided outside of it, by the API server.
"""
