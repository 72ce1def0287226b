"""Kubernetes Events on objects whose status a former holder or a stranger was kept from writing; off by default."""
