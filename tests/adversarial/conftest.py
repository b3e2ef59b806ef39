# SPDX-License-Identifier: Apache-2.0
"""What the attacks share. ROTA_BUILD names the build directory whose programs are attacked."""
import pathlib
import sys

import pytest

# The python-written repository and the paths are those of the system tests.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from inmemory import pytest_configure  # noqa: E402,F401 - pytest calls it


@pytest.fixture(scope="session")
def net():
    from net import Net

    server = Net()
    yield server
    server.shutdown()
    server.server_close()
