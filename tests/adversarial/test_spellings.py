# SPDX-License-Identifier: Apache-2.0
"""One meaning of a file: spellings.SIGNED and WHOLE, in a timestamp."""
import json

import pytest

from clients import Client
from spellings import SIGNED, WHOLE
from tufrepo import canonical
from world import RELEASE, World, digest, now, spelled

CONTENT = b"content"


@pytest.fixture(scope="module")
def world():
    return World(now() - 60).release(CONTENT)


def check(net, directory, world, profile, body, verdict):
    client = Client(profile, directory / "client").begin(world)
    before = client.state()
    outcome = client.ask(net.url({**world.files, "metadata/timestamp.json": body}), RELEASE)
    want = verdict[profile] if isinstance(verdict, dict) else verdict
    if want == "honest":
        assert outcome.good and outcome.digest == digest(CONTENT), outcome
        return
    assert not outcome.good and outcome.clause in ({want} if isinstance(want, str) else want), outcome
    assert client.state() == before
    assert client.ask(net.url(world.files), RELEASE).digest == digest(CONTENT)


def file_of(world, signed, by_bytes):
    """by_bytes: as it was signed; a respelled one is signed as what it says."""
    key = world.sets["timestamp"][0]
    signatures = spelled([{"keyid": key.id, "sig": key.sign(by_bytes)}])
    return b'{"signatures":' + signatures + b',"signed":' + signed + b"}"


@pytest.mark.parametrize("profile", ["letter", "device"])
@pytest.mark.parametrize("what,change,verdict", SIGNED, ids=[row[0] for row in SIGNED])
def test_spellings_of_what_is_signed(net, tmp_path, world, profile, what, change, verdict):
    good = canonical(world.md["timestamp"]).encode()
    signed = change(good)
    assert signed != good
    by_bytes = signed
    if isinstance(verdict, dict):
        by_bytes = canonical(json.loads(signed)).encode()
    check(net, tmp_path, world, profile, file_of(world, signed, by_bytes), verdict)


@pytest.mark.parametrize("profile", ["letter", "device"])
@pytest.mark.parametrize("what,change,verdict", WHOLE, ids=[row[0] for row in WHOLE])
def test_spellings_of_the_whole(net, tmp_path, world, profile, what, change, verdict):
    body = change(world.files["metadata/timestamp.json"])
    check(net, tmp_path, world, profile, body, verdict)
