# SPDX-License-Identifier: Apache-2.0
"""Files by somebody who may sign, made to be taken for more than they are: keys and thresholds, names, delegations."""
import functools

import pytest

from clients import Client
from delegations import CONTENT as TARGET
from delegations import LETTER, NAMES, named
from insider import CONTENT, KEYS, LISTED, ONE_KEY, world_of
from world import RELEASE, digest

PROFILES = ("letter", "plain", "device")


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


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("what,change,verdict", LISTED, ids=[row[0] for row in LISTED])
def test_what_is_listed_is_checked(net, tmp_path, profile, what, change, verdict):
    check(net, tmp_path, world_of(change), profile, verdict)


@functools.cache
def forest_of(build):
    return build()


@pytest.mark.parametrize("profile", ["letter", "plain"])
@pytest.mark.parametrize("what,build,path,verdict", LETTER, ids=[row[0] for row in LETTER])
def test_names_and_delegations(net, tmp_path, profile, what, build, path, verdict):
    client = check(net, tmp_path, forest_of(build), profile, verdict, path, content=TARGET)
    assert all("/" not in name.removeprefix("metadata/") for name in client.state())


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name[:24]!r} of {len(name)}")
def test_names_of_a_device_s_roles(net, tmp_path, name):
    """As long as a name can be an argument, a device can ask for a path from that role."""
    verdict = NAMES[name]
    role = name.replace("\0", "") or "role"
    client = check(net, tmp_path, named(name)(), "device", verdict, "x/file", role, content=TARGET)
    assert all(file == "journal.bin" or file.startswith("metadata/") for file in client.state())
