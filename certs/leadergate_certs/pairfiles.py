"""Writes an authority's certificate and a serving pair to a folder, under the names a TLS Secret uses."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from leadergate_certs.issue import Authority, ServingPair

AUTHORITY_FILE = "ca.crt"
CERTIFICATE_FILE = "tls.crt"
KEY_FILE = "tls.key"


def existing(directory: Path) -> list[Path]:
    """Return those of the three files that are there already."""
    files = (directory / name for name in (AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE))
    return [file for file in files if os.path.lexists(file)]


def write(directory: Path, authority: Authority, pair: ServingPair) -> None:
    """Write `ca.crt`, `tls.crt` and `tls.key` (mode 0600), replacing files of those names.

    The authority's own key is not written anywhere. Each file appears whole or not at all; a reader of all
    three may meet a mixture for a moment. Raises `OSError`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _replace(directory / AUTHORITY_FILE, authority.certificate_pem, mode=0o644)
    _replace(directory / KEY_FILE, pair.key_pem, mode=0o600)
    _replace(directory / CERTIFICATE_FILE, pair.certificate_pem, mode=0o644)


def _replace(file: Path, content: bytes, *, mode: int) -> None:
    # mkstemp creates with 0600, so that a key is never readable by others, not even while it is written.
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), mode)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
