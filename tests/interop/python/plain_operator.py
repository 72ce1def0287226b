"""An operator as people write it with the client library and nothing else: a loop over all objects, and a health page.

It takes the port of that page, and knows nothing of elections or gates. A status that cannot be written is logged, and
tried again in the next round.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from kubernetes import client, config

log = logging.getLogger("plain")
GROUP, VERSION, PLURAL = "demo.leadergate.dev", "v1", "redirects"


class Health(BaseHTTPRequestHandler):
    """Says that the process is there."""

    def do_GET(self) -> None:
        """Answer 200."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not of interest."""


def reconcile(api: client.CustomObjectsApi, namespace: str, pod: str) -> None:
    """Bring every status up to date."""
    listed = api.list_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL)
    for item in listed["items"]:
        name, generation = item["metadata"]["name"], item["metadata"]["generation"]
        if item.get("status", {}).get("observedGeneration") == generation:
            continue
        status = {"observedGeneration": generation, "writtenBy": pod}
        try:
            api.patch_namespaced_custom_object_status(GROUP, VERSION, namespace, PLURAL, name, {"status": status})
        except client.ApiException as error:
            log.warning("%s: %s %s", name, error.status, " ".join((error.body or "").split()))


def main() -> None:
    """Reconcile for ever."""
    logging.basicConfig(level=logging.INFO)
    threading.Thread(target=HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever, daemon=True).start()
    config.load_kube_config()
    api = client.CustomObjectsApi()
    while True:
        try:
            reconcile(api, os.environ["POD_NAMESPACE"], os.environ["POD_NAME"])
        except Exception:
            log.exception("this round failed")
        time.sleep(float(os.environ.get("RESYNC_SECONDS", "2")))


if __name__ == "__main__":
    main()
