"""One Pod of an operator with a sidecar: plays the kubelet for it.

Run as a script, ``python -m leadergate_lab.interop.pod SIDECAR-ARGUMENTS… -- OPERATOR-ARGUMENTS…``. Both run in this
process's group, so that a signal to the group kills or freezes the Pod as a whole. On SIGTERM the operator ends first
and the sidecar after it, as Kubernetes ends native sidecars. When the operator ends by itself, so does the Pod.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from leadergate_lab import leash

GRACE = 60.0


def main(arguments: list[str]) -> int:
    """Run both until the operator has ended; its exit code."""
    cut = arguments.index("--")
    leashed = [sys.executable, "-I", "-S", str(leash.__file__), str(os.getpid())]
    sidecar = subprocess.Popen([*leashed, *arguments[:cut]])
    operator = subprocess.Popen([*leashed, *arguments[cut + 1 :]])
    signal.signal(signal.SIGTERM, lambda *_: operator.terminate())
    code = operator.wait()
    sidecar.terminate()
    try:
        sidecar.wait(GRACE)
    except subprocess.TimeoutExpired:
        sidecar.kill()
        sidecar.wait()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
