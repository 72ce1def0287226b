"""Certificates under load: two webhook replicas behind a balancer, writers, and callers that always dial anew."""
