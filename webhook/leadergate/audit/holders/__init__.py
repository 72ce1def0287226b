"""Who held each Lease when, and the takeovers between, told by the records alone."""
