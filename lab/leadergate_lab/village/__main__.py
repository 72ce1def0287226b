"""``python -m leadergate_lab.village``: a village to try things in, until Ctrl-C."""

from __future__ import annotations

import signal
import sys

from leadergate_lab.assets import ensure
from leadergate_lab.errors import AssetError
from leadergate_lab.scratch import Scratch
from leadergate_lab.village.images import leadergate
from leadergate_lab.village.village import Village


def main() -> int:
    """Start it, say how to use it, and wait."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        assets = ensure()
        scratch = Scratch()
        try:
            with Village.start(assets, scratch.path, leadergate()) as village:
                print(f"export KUBECONFIG={village.admin_kubeconfig}")
                print(f"kubectl is {assets.kubectl}; what containers print is below {village.node.folder}")
                print("Ctrl-C ends it", flush=True)
                signal.pause()
        finally:
            scratch.remove()
    except (AssetError, RuntimeError, TimeoutError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
