"""Leader election on a Kubernetes Lease, and the way to the API server that it and its neighbours share."""
