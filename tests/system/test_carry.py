# SPDX-License-Identifier: Apache-2.0
"""rota publish with a signing log (SPEC 22.6): tiles, cosignatures and proofs come into the repository before the snapshot
that lists what they prove; a release that the log or its witnesses do not have is held back, and nothing else is. The log
is Python's (tlog.py), the witness rota-witness."""
import hashlib
import os
import shutil
import signal
import subprocess

import pytest

import tlog
from authority import made, rota  # noqa: F401 - fixtures
from conftest import BUILD, PATIENCE
from test_repo_bins import listed, signed, snapshot
from test_repo_gc import release
from test_witness import Witness

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


class Place:
    """An authority whose rota.ini names a log, and one witness that its policy needs."""

    def __init__(self, rota, folder):
        self.rota, self.log, self.public, self.folder = rota, tlog.Log(), folder / "public", rota.dir / "repo/log"
        (folder / "witness").mkdir()
        self.witness = Witness(folder / "witness", self.log)
        away = tlog.Key("away.rota.invalid", True)
        (rota.dir / "trust/log-policy").write_text(
            f"log {self.log.key.vkey}\nwitness a {self.witness.key.vkey} http://127.0.0.1:{self.witness.port}\n"
            f"witness b {away.vkey} http://127.0.0.1:1\nquorum a\n")
        with (rota.dir / "rota.ini").open("a") as ini:
            ini.write(f"\n[log]\npublic = {self.public}\n")
        self.log.entries = [tlog.leaf(tlog.GRANTED, version=n) for n in range(20)]
        self.log.publish(self.public)
        self.witness.start()

    def digest(self, version):
        (path,) = (self.rota.dir / f"repo/targets/releases/sensor/{version}").glob("*.release.json")
        return hashlib.sha256(path.read_bytes()).digest()

    def enter(self, version, more=0):
        """The log takes the release, and `more` other entries."""
        path = f"releases/sensor/{version}/release.json".encode()
        self.log.entries.append(tlog.leaf(tlog.RELEASE, path, self.digest(version)))
        self.log.entries += [tlog.leaf(tlog.GRANTED, version=n) for n in range(more)]
        self.log.publish(self.public)

    def publish(self, **environment):
        return subprocess.run([self.rota.program, "--dir", self.rota.dir, "publish"], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, **environment}, timeout=120 * PATIENCE)

    def held(self, *said):
        """The publish goes on without the release, and says why."""
        before = signed(self.rota, "timestamp.json")["version"], snapshot(self.rota)["releases.json"]["version"]
        done = self.publish()
        assert done.returncode == 1
        assert "rota: role releases is held back: " in done.stderr and all(s in done.stderr for s in said), done.stderr
        assert [line for line in done.stdout.splitlines() if line.startswith("releases ")][0].endswith(", held back")
        assert signed(self.rota, "timestamp.json")["version"] == before[0] + 1
        assert snapshot(self.rota)["releases.json"]["version"] == before[1]

    def proof(self, version):
        return self.folder / f"proofs/{self.digest(version).hex()}.tlog-proof"

    def good(self, *versions):
        """What is published is the log, whole, and the releases are proved by it and listed."""
        text, lines = (self.folder / "checkpoint").read_text().split("\n\n")
        assert text + "\n" == self.log.text()
        assert self.log.key.verifies(text + "\n", lines.splitlines()[0])
        assert self.witness.key.verifies(text + "\n", lines.splitlines()[1])
        verified = subprocess.run([self.rota.program, "--dir", self.rota.dir, "audit", "verify"], capture_output=True, text=True,
                                  check=False, timeout=60 * PATIENCE)
        assert verified.stdout == f"good: {len(self.log.entries)} entries, 1 witnesses\n", verified.stderr
        for version in versions:
            path = f"releases/sensor/{version}/release.json"
            assert self.check(self.proof(version).read_text(), path, self.digest(version))

    def check(self, proof, path, digest):
        """The proof by the texts of C2SP alone."""
        head, text, lines = proof.split("\n\n")
        head = head.splitlines()
        leaf = tlog.base64.b64decode(head[1].removeprefix("extra "))
        assert head[0] == "c2sp.org/tlog-proof@v1" and leaf == tlog.leaf(tlog.RELEASE, path.encode(), digest)
        index, size = int(head[2].removeprefix("index ")), int(text.splitlines()[1])
        assert self.log.entries[index] == leaf
        assert [tlog.base64.b64decode(h) for h in head[3:]] == tlog.inclusion(self.log.hashes(size), index)
        text += "\n"
        return text == self.log.text(size) and self.log.key.verifies(text, lines.splitlines()[0]) and \
            self.witness.key.verifies(text, lines.splitlines()[1])


@pytest.fixture
def place(rota, tmp_path):  # noqa: F811
    it = Place(rota, tmp_path)
    yield it
    it.witness.stop()


def test_a_release_counts_when_the_log_and_the_witness_have_it(place):
    assert place.rota("status").endswith("log: nothing of it is published\n")
    done = place.publish()
    assert done.returncode == 0 and "witness away.rota.invalid did not cosign" in done.stderr
    place.good()
    release(place.rota, "1.0.0")
    place.held("releases/sensor/1.0.0/release.json: the log has no entry of it among its first 20")
    place.held("has no entry")
    assert place.rota("status").endswith("log: 20 entries published, cosigned by 1 of the 1 witnesses wanted\n"
                                         "log: 1 release without a proof\n")
    place.enter("1.0.0", more=300)
    place.witness.stop()
    checkpoint = (place.folder / "checkpoint").read_bytes()
    place.held("0 of the 1 witnesses wanted cosigned")
    assert (place.folder / "checkpoint").read_bytes() == checkpoint
    assert not (place.folder / "proofs").exists()
    place.witness.start()
    assert place.publish().returncode == 0
    place.good("1.0.0")
    assert "releases/sensor/1.0.0/release.json" in listed(place.rota, "releases")["targets"]
    # nothing new: a witness that is away holds nobody up
    place.witness.stop()
    place.log.entries += [tlog.leaf(tlog.GRANTED, version=n) for n in range(300)]
    place.log.publish(place.public)
    done = place.publish()
    assert done.returncode == 0 and "rota: the log is not brought along: 0 of the 1 witnesses" in done.stderr
    place.witness.start()
    assert place.publish().returncode == 0
    place.good("1.0.0")
    # of no use to anybody: the full tile is there, and the one after it
    assert not (place.folder / "tile/0/000.p").exists() and (place.folder / "tile/0/001.p").exists()


def test_a_log_that_is_another_one_stays_where_it_is(place):
    assert place.publish().returncode == 0
    before = {p: p.read_bytes() for p in place.folder.rglob("*") if p.is_file()}
    entries = place.log.entries
    for other in ([*entries[:5], tlog.leaf(tlog.GRANTED, version=77), *entries[6:]], entries[:-1],
                  [*entries[:5], tlog.leaf(tlog.GRANTED, version=77), *entries[6:], entries[0]]):
        place.log.entries = other
        place.log.publish(place.public)
        place.held("the log went back or forked, which is an incident")
        assert {p: p.read_bytes() for p in place.folder.rglob("*") if p.is_file()} == before
    (place.public / "checkpoint").write_text(tlog.Log().checkpoint())
    assert "no log that is known signed it" in place.publish().stderr
    shutil.rmtree(place.public)
    assert "does rota-signd run" in place.publish().stderr


def test_releases_in_bins(place):
    place.rota("repo", "bins", "releases", 3)
    place.publish()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        release(place.rota, version)
    place.enter("1.0.0")
    place.enter("1.1.0")
    bins = {name: entry["version"] for name, entry in snapshot(place.rota).items() if "-" in name}
    place.held("releases/sensor/1.2.0/release.json: the log has no entry")
    assert {name: entry["version"] for name, entry in snapshot(place.rota).items() if "-" in name} == bins
    place.enter("1.2.0")
    assert place.publish().returncode == 0
    place.good("1.0.0", "1.1.0", "1.2.0")
    now = {name: entry["version"] for name, entry in snapshot(place.rota).items() if "-" in name}
    assert now != bins


@pytest.mark.plain  # a sanitizer wants to be the first library that is loaded
def test_killed_at_each_durable_call_no_release_counts_without_its_proof(place, tmp_path):
    place.publish()
    release(place.rota, "1.0.0")
    place.enter("1.0.0", more=240)
    ready = shutil.copytree(place.rota.dir, tmp_path / "ready")
    preload = {"LD_PRELOAD": str(BUILD / "tests/system/libkillat.so")}
    count = tmp_path / "count"
    assert place.publish(**preload, KILLAT="0", KILLAT_COUNT=str(count)).returncode == 0
    total, cut = int(count.read_text()), 0
    for n in range(1, total + 1, 2):
        shutil.rmtree(place.rota.dir)
        shutil.copytree(ready, place.rota.dir)
        cut += place.publish(**preload, KILLAT=str(n)).returncode == -signal.SIGKILL
        if "releases/sensor/1.0.0/release.json" in listed(place.rota, "releases").get("targets", {}):
            place.good("1.0.0")
        assert place.publish().returncode == 0
        place.good("1.0.0")
    assert cut > 10
