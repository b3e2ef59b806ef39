# SPDX-License-Identifier: Apache-2.0
"""A device for each test of rota-agent as it left the factory, and a release that waits for it."""
import pytest

from fleet import Device


@pytest.fixture(scope="module")
def releases(fleet):
    """Version 2 is there for everyone of the channel `production`; each test has a device on version 1."""
    fleet.image("1.0.0")
    fleet.release("2.0.0")
    fleet.rollout("2.0.0", "--retry", "8", "--backoff", "0s")
    return fleet


@pytest.fixture(scope="module")
def factory(releases):
    device = releases.device("factory")
    return device.snapshot(releases.dir / "factory-new")


@pytest.fixture
def device(releases, factory):
    """A device as it left the factory, on version 1. All tests use the same one, anew."""
    it = Device(releases.dir / "factory")
    it.restore(factory)
    return it
