# SPDX-License-Identifier: Apache-2.0
"""What the system tests share. ROTA_BUILD names the build directory whose programs are tested."""
import os
import tempfile

import pytest

pytest.register_assert_rewrite("authority", "rescue", "tufclient")  # so that what they assert is shown

import inmemory  # noqa: E402
import template  # noqa: E402
from paths import BUILD, PATIENCE, TOP, programs  # noqa: E402,F401 - the tests import them from here


def pytest_configure(config):
    """Where the tests write, and what they share."""
    inmemory.pytest_configure(config)
    template.begin()


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
