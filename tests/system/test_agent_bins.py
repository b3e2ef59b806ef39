# SPDX-License-Identifier: Apache-2.0
"""An agent updates from a repository whose release signers have hash bins (SPEC 3.7, 4.4), and across their coming,
their change and their going."""
import json

import pytest

from fleet import line

pytestmark = pytest.mark.plain


def update(fleet, device, version):
    fleet.release(version)
    device.once(check=3)
    assert device.boot() == version
    assert line(device.once(), "confirmed")["version"] == version


def test_an_agent_follows_the_bins(fleet):
    device = fleet.device()
    for version, bits in (("2.0.0", 4), ("3.0.0", 9), ("4.0.0", 0), ("5.0.0", 3)):
        fleet.rota("repo", "bins", "releases", bits)
        update(fleet, device, version)
    # all bins anew, and nothing else: nothing to install, nothing refused
    fleet.rota("repo", "bins", "--resign", "releases")
    fleet.rota("publish")
    device.once(check=0)
    assert json.loads(device.agent("status", "--json", check=0).stdout)["installed"] == "5.0.0"
    update(fleet, device, "6.0.0")
    fleet.rota("repo", "gc", "--grace", "0s")
    update(fleet, device, "7.0.0")
