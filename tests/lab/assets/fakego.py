"""What the tests put on PATH as `go`: it answers as Go does, and what it builds are small shell scripts.

FAKE_GO names a folder: `calls` there gets one line for each call, and these files steer it: `version` (what it says it
is), `fail` (a package, then the output with which its build fails), `hang` (a package whose build writes its
process id into `hanging`, then waits to be ended), `says` (what the built binaries say of their version).
"""

import os
import signal
import sys
from pathlib import Path

folder = Path(os.environ["FAKE_GO"])
arguments = sys.argv[1:]
package = arguments[-1]


def told(name: str, otherwise: str) -> str:
    """Return what the test wrote into the file `name`."""
    file = folder / name
    return file.read_text() if file.exists() else otherwise


def say(text: str) -> None:
    """Write a line of output at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


with (folder / "calls").open("a") as calls:
    calls.write(f"{arguments[0]} {package.rpartition('/')[2]}\n")
match arguments[0]:
    case "version":
        say(f"go version go{told('version', '1.26.0')} linux/amd64")
    case "mod":
        say("# get https://proxy.example/one/@v/v1.0.0.zip: 200 OK (0.001s)")
    case "list":
        say(f"fmt\nerrors\n{package}")
    case "build":
        (Path(os.environ["GOTMPDIR"]) / "go-build1").touch()
        say("fmt")
        if told("hang", "") == package:
            (folder / "hanging").write_text(str(os.getpid()))
            signal.pause()
        failing, _, output = told("fail", "").partition("\n")
        if failing == package:
            sys.exit(output)
        say(package)
        binary = Path(arguments[arguments.index("-o") + 1])
        binary.write_text(f"#!/bin/sh\necho '{told('says', 'Kubernetes v1.37.2, etcd Version: 3.7.0')}'\n")
        binary.chmod(0o755)
