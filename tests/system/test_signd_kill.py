# SPDX-License-Identifier: Apache-2.0
"""The signing daemon's log writer is killed, at each durable call and at any moment, again and again on one log: what was
answered is in it, no checkpoint that anybody saw is of another log, and nothing is signed twice in two forms."""
import contextlib
import json
import os
import random
import shutil
import signal
import threading

import pytest
import tlog
from authority import made  # noqa: F401 - a fixture
from paths import BUILD, PATIENCE
from signd import Signd, digest_of_time, request

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

KILLAT = (BUILD / "tests/system/libkillat.so").resolve()
DEVICE = "ab" * 32
ASKS = 40
MOMENTS = 200
BATCH = 25  # of them on one log: each start reads all of it
LATE = 25  # every so many-th moment lies where a checkpoint is being made


class Place:
    """A daemon, what it answered in all its lives, and what it showed."""

    def __init__(self, directory, made):  # noqa: F811
        shutil.copytree(made.dir, directory / "authority")
        self.signd = Signd(directory, directory / "authority", rate="100000000/1h")
        self.answers = []  # entry and digest
        self.shown = set()  # sizes and roots of checkpoints

    def ask(self, client):
        """Whether it was answered; else the daemon is gone."""
        nonce = os.urandom(16).hex()
        try:
            answer = client.post(request(body={"device": DEVICE, "nonce": nonce}))
        except ConnectionError:
            return False
        if answer is None:
            return False
        said = json.loads(answer[2])
        assert answer[0] == 200, said
        self.answers.append((said["entry"], digest_of_time(DEVICE, nonce, said["time"]).hex(), said["signatures"][0]["keyid"]))
        return True

    def live(self, asks=ASKS, **environment):
        """One life, until so many were answered and it ended in order; whether it came to that."""
        self.signd.begin(**environment)
        well = self.signd.is_ready()
        if well:
            try:
                with self.signd.connect() as client:
                    while well and asks > 0:
                        well = self.ask(client)
                        asks -= 1
                        self.look()
            except ConnectionError:
                well = False
        if well:
            self.signd.process.terminate()
        ended = self.signd.process.wait(60 * PATIENCE)
        self.look()
        assert ended in (0, 1), self.signd.said()
        return well and ended == 0

    def look(self):
        for name in ("public/checkpoint", "head"):
            try:
                lines = (self.signd.state / "log" / name).read_text().split("\n")
            except FileNotFoundError:
                continue
            assert len(lines) >= 5, "a checkpoint is whole or not there"
            self.shown.add((int(lines[1]), lines[2]))

    def end(self):
        """All is there."""
        assert self.live(asks=1), self.signd.said()
        leaves = self.signd.leaves()
        for entry, message, key in self.answers:
            assert (leaves[entry]["kind"], leaves[entry]["message"], leaves[entry]["key"]) == ("GRANTED", message, key)
        assert len(set(entry for entry, _, _ in self.answers)) == len(self.answers)
        hashes = [tlog.leaf_hash(data) for data in self.signd.leaf_bytes()]
        assert len(hashes) == len(leaves) == max(self.shown)[0]
        for size, root in self.shown:
            assert tlog.b64(tlog.root(hashes[:size])) == root, size


@pytest.fixture(name="place")
def make_place(made, tmp_path):  # noqa: F811
    it = Place(tmp_path, made)
    yield it
    if it.signd.process and it.signd.process.poll() is None:
        it.signd.process.kill()
        it.signd.process.wait()


def test_killed_at_every_durable_call(place):
    kills = 0
    while not place.live(LD_PRELOAD=str(KILLAT), KILLAT=str(kills + 1), KILLAT_COMM="signd-log"):
        kills += 1
        assert kills < 400, "it never comes to an end"
        assert place.live(asks=1), (kills, place.signd.said())  # so that each life begins with a checkpoint
    assert kills > 2 * ASKS  # a write and a sync for each
    place.end()
    print(f"signd_kills {kills}")


@pytest.mark.parametrize("batch", range(MOMENTS // BATCH))
def test_killed_at_any_moment(place, batch):
    seed = int.from_bytes(os.urandom(4), "big")
    moments = random.Random(seed)
    for n in range(BATCH):
        wait = moments.uniform(0.9, 1.1) if n % LATE == batch % LATE else moments.uniform(0, 0.05)
        place.signd.begin()
        assert place.signd.is_ready(), (seed, n, place.signd.said())
        killer = threading.Timer(wait, os.kill, (place.signd.pids("signd-log")[0], signal.SIGKILL))
        killer.start()
        with contextlib.suppress(ConnectionError, FileNotFoundError), place.signd.connect() as client:
            while place.ask(client):
                place.look()
        killer.join()
        assert place.signd.process.wait(60 * PATIENCE) == 1
        place.look()
    place.end()
    print(f"signd_kills {BATCH}")
