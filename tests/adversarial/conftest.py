# SPDX-License-Identifier: Apache-2.0
"""What the attacks share. ROTA_BUILD names the build directory whose programs are attacked."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

# The python-written repository and the paths are those of the system tests.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))


def pytest_configure(config):
    """Thousands of small directories, each synced many times: in memory, where there is such a place."""
    config.in_memory = None
    if config.option.basetemp is None and os.access("/dev/shm", os.W_OK):
        config.in_memory = config.option.basetemp = tempfile.mkdtemp(prefix="rota-attacks-", dir="/dev/shm")


def pytest_unconfigure(config):
    if config.in_memory:
        shutil.rmtree(config.in_memory, ignore_errors=True)


@pytest.fixture(scope="session")
def net():
    from net import Net

    server = Net()
    yield server
    server.shutdown()
    server.server_close()
