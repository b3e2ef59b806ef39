# SPDX-License-Identifier: Apache-2.0
"""The signing daemon's log writer is killed, at each durable call and at any moment, again and again on one log: what was
answered is in it, no checkpoint that anybody saw is of another log, and no version is signed twice with other bytes."""
import contextlib
import datetime
import hashlib
import json
import os
import random
import shutil
import signal
import threading

import pytest
import tlog
from asks import successor, when
from authority import canonical, made  # noqa: F401 - a fixture
from paths import BUILD, PATIENCE
from signd import Signd, digest_of_time, request

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

KILLAT = (BUILD / "tests/system/libkillat.so").resolve()
DEVICE = "ab" * 32
ASKS = 40
MOMENTS = 200
BATCH = 25  # of them on one log: each start reads all of it
LATE = 25  # every so many-th moment lies where a checkpoint is being made
ROLES = ["timestamp", "keys-link"]  # of the latter the daemon keeps the text, too
RACE = 4  # every so many-th ask is for a version, by two who do not agree
RULES = "".join(f"[rule {role}]\nwho = me\nscope = sensor\nrole = {role}\nkinds = metadata\nrate = 100000000/1h\n" for role in ROLES)


def other(signed):
    """The same version, of a second less."""
    ends = datetime.datetime.fromisoformat(signed["expires"][:-1])
    return signed | {"expires": when(ends - datetime.timedelta(seconds=1))}


def message(signed):
    return hashlib.sha256(canonical(signed).encode()).hexdigest()


class Place:
    """A daemon, what it answered in all its lives, and what it showed."""

    def __init__(self, directory, made):  # noqa: F811
        shutil.copytree(made.dir, directory / "authority")
        self.signd = Signd(directory, directory / "authority", rate="100000000/1h", more=RULES)
        self.answers = []  # entry, digest, key, role
        self.drafts = {}  # of each role: two files of its next version
        self.asked = 0
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
        self.answers.append((said["entry"], digest_of_time(DEVICE, nonce, said["time"]).hex(), said["signatures"][0]["keyid"], "time"))
        return True

    def race(self, role):
        """Two ask for the next version with other bytes, at once: one gets it. A life later they ask for the same again."""
        if role not in self.drafts:
            signed = successor(self.signd.authority, role)
            signed["version"] += sum(entry[3] == role for entry in self.answers)
            self.drafts[role] = [signed, other(signed)]
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.signd.connect()) for _ in self.drafts[role]]
            for client, signed in zip(clients, self.drafts[role]):
                body = request(kind="metadata", role=role, body={"signed": signed})
                client.send(f"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answers = [client.answer() for client in clients]
        if None in answers:
            return False
        said = [json.loads(answer[2]) for answer in answers]
        good = [n for n, answer in enumerate(answers) if answer[0] == 200]
        assert len(good) == 1 and said[1 - good[0]].get("code") == "replay", said
        signature = said[good[0]]["signatures"][0]
        self.answers.append((said[good[0]]["entry"], message(self.drafts.pop(role)[good[0]]), signature["keyid"], role))
        return True

    def turn(self, client):
        """One ask, or two for one version; whether it was answered."""
        self.asked += 1
        if self.asked % RACE:
            return self.ask(client)
        try:
            return self.race(ROLES[self.asked // RACE % len(ROLES)])
        except (ConnectionError, FileNotFoundError):
            return False

    def live(self, asks=ASKS, **environment):
        """One life, until so many were answered and it ended in order; whether it came to that."""
        self.signd.begin(**environment)
        well = self.signd.is_ready()
        if well:
            try:
                with self.signd.connect() as client:
                    while well and asks > 0:
                        well = self.turn(client)
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
        for entry, digest, key, role in self.answers:
            leaf = leaves[entry]
            assert (leaf["kind"], leaf["message"], leaf["key"], leaf["role"]) == ("GRANTED", digest, key, role)
        assert len(set(entry for entry, *_ in self.answers)) == len(self.answers)
        self.end_versions(leaves)
        hashes = [tlog.leaf_hash(data) for data in self.signd.leaf_bytes()]
        assert len(hashes) == len(leaves) == max(self.shown)[0]
        for size, root in self.shown:
            assert tlog.b64(tlog.root(hashes[:size])) == root, size


    def end_versions(self, leaves):
        """Each version of a role once, one after the other; again only with the same bytes."""
        for role in ROLES:
            signed = [(leaf["version"], leaf["message"]) for leaf in leaves if leaf["role"] == role and leaf["kind"] == "GRANTED"]
            first = list(dict.fromkeys(signed))
            assert [version for version, _ in first] == list(range(first[0][0], first[0][0] + len(first))), (role, first)
            assert len(first) >= sum(entry[3] == role for entry in self.answers) > 0


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
            while place.turn(client):
                place.look()
        killer.join()
        assert place.signd.process.wait(60 * PATIENCE) == 1
        place.look()
    place.end()
    print(f"signd_kills {BATCH}")
