"""The container image: built for real, run as a cluster would run it, and compared with a second build."""
