# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are. ROTA_BUILD names the build directory."""
import os
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]
# How many times as long a program may take: under valgrind, beside others.
PATIENCE = int(os.environ.get("ROTA_PATIENCE", "1"))
BUILD = pathlib.Path(os.environ.get("ROTA_BUILD", TOP / "build" / "gcc"))


def programs():
    """Every program of the build, by name."""
    return {
        path.name: path
        for path in sorted(BUILD.glob("apps/*/*"))
        if path.is_file() and os.access(path, os.X_OK) and path.suffix == ""
    }
