"""What tests need beside the control plane: Helm, kube-controller-manager, a collector, promtool; built and kept."""

from __future__ import annotations

import sys

from leadergate_lab import helm, otelcollector, promtool
from leadergate_lab.errors import AssetError
from leadergate_lab.village import controllers


def main() -> int:
    """Build them and print where they are."""
    try:
        found = [helm.binary(), controllers.binary(), otelcollector.binary(), promtool.binary()]
    except AssetError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what is compiled is kept, the next run resumes", file=sys.stderr)
        return 130
    for path in found:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
