"""The laboratory: a real control plane on loopback for demo, tests and benchmarks. Not part of the wheel."""
