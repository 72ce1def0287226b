"""Makes the certificates that the webhook serves with."""
