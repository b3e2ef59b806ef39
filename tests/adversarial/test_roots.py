# SPDX-License-Identifier: Apache-2.0
"""Chains of roots under attack: hints that lie, roots that are forged, withheld or early, slots that are over."""
import pytest

from attacks import EVIL
from clients import PROFILES, Client
from roots import CONTENT, HINTS, SLOTS, chain, series
from world import RELEASE, digest


def verdict_of(outcome):
    if not outcome.good:
        return outcome.clause
    return {digest(CONTENT): "honest", digest(EVIL): "wins"}.get(outcome.digest, "stale")


def play(net, directory, profile, world, change, verdict, recovers=True):
    """A client of the first root meets the changed chain, then, unless it was lost, the honest one."""
    honest = dict(world.files)
    change(world)
    client = Client(profile, directory / "client").begin(world.old)
    url = net.url(world.files)
    outcome = client.ask(url, RELEASE)
    want = verdict[profile] if isinstance(verdict, dict) else verdict
    assert verdict_of(outcome) == want, (outcome, net.asked_of(url))
    assert len(net.asked_of(url)) < 24, net.asked_of(url)
    if recovers and want not in ("wins", "stale"):
        url = net.url(honest)
        again = client.ask(url, RELEASE)
        assert verdict_of(again) == "honest", (again, net.asked_of(url))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("what,change,verdict", HINTS, ids=[row[0] for row in HINTS])
def test_hints_and_skips(net, tmp_path, profile, what, change, verdict):
    play(net, tmp_path, profile, chain(), change, verdict)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("what,change,verdict", SLOTS, ids=[row[0] for row in SLOTS])
def test_slots(net, tmp_path, profile, what, change, verdict):
    """By the specification a root that was early stays, and with it the keys of a slot that is not due."""
    play(net, tmp_path, profile, series(), change, verdict, recovers=profile not in ("letter", "plain"))
