"""The logs of the webhook's replicas, through the API."""
