"""The laboratory: a real control plane on loopback for the demo, the tests and the benchmarks. Not part of the wheel."""
