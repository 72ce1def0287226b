"""What a cluster shows of leadergate's gates and installation: read once, and held as plain values."""
