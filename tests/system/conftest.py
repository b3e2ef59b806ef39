# SPDX-License-Identifier: Apache-2.0
"""What the system tests share. ROTA_BUILD names the build directory whose programs are tested."""
import os
import pathlib
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ROTA_BUILD", TOP / "build" / "gcc"))


def programs():
    """Every program of the build, by name."""
    return {
        path.name: path
        for path in sorted(BUILD.glob("apps/*/*"))
        if path.is_file() and os.access(path, os.X_OK) and path.suffix == ""
    }


@pytest.fixture
def build():
    """The build directory."""
    return BUILD


@pytest.fixture(scope="module")
def fleet():
    """An authority whose server runs, one for the tests of a file (tests/system/fleet.py)."""
    from fleet import Fleet

    # Not pytest's: as root the servers have users of their own, and pytest keeps others out of its folders.
    with tempfile.TemporaryDirectory(prefix="rota-fleet-") as directory:
        os.chmod(directory, 0o755)
        with Fleet(directory) as it:
            yield it.serve()
