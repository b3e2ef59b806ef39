# SPDX-License-Identifier: Apache-2.0
"""Files by somebody who may sign, made to be taken for more than they are: keys and thresholds, names, delegations."""
import pytest

from clients import Client
from insider import CONTENT, KEYS, ONE_KEY, world_of
from world import RELEASE, digest

PROFILES = ("letter", "device")


def check(net, directory, world, profile, verdict, path=RELEASE, role="releases", content=CONTENT):
    """A client that knows the root alone; what it says, and that it keeps nothing outside its directory."""
    client = Client(profile, directory / profile)
    begun = client.try_to_begin(world)
    outcome = client.outcome(begun, begun.stderr, "")
    if outcome.good:
        outcome = client.ask(net.url(world.files), path, role)
    want = verdict[profile] if isinstance(verdict, dict) else verdict
    if want == "honest":
        assert outcome.good and outcome.digest == digest(content), outcome
    else:
        assert not outcome.good and outcome.clause in ({want} if isinstance(want, str) else want), outcome
    assert {name.name for name in directory.iterdir()} == {profile, profile + ".root"}
    return client


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("spelling", ONE_KEY)
def test_one_key_counts_once(net, tmp_path, profile, spelling):
    check(net, tmp_path, world_of(ONE_KEY[spelling]), profile, {"TUF 5.6.3", "SPEC 3"})


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("what,change,verdict", KEYS, ids=[row[0] for row in KEYS])
def test_keys_and_thresholds(net, tmp_path, profile, what, change, verdict):
    check(net, tmp_path, world_of(change), profile, verdict)
