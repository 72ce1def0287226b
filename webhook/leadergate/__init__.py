"""leadergate: a Kubernetes admission webhook that lets only the holder of a Lease write ``status``.

What it promises, and what it does not, stands in ``docs/guarantees.md``.
"""

__version__ = "0.1.0"
