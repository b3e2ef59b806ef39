# SPDX-License-Identifier: Apache-2.0
"""A device whose ROM record demands it installs a release only with a proof that a log has it and k witnesses saw that.
The log and its witnesses are Python's (tlog.py); `rota audit prove` makes the proof that is served."""
import hashlib
import shutil
import sqlite3
import subprocess

import pytest

import tlog
from fleet import PROGRAMS, line, run

PATH = "releases/sensor/2.0.0/release.json"


class Logged:
    def __init__(self, fleet):
        self.fleet, self.log = fleet, tlog.Log()
        self.witnesses = [tlog.Key(f"w{n}.rota.invalid", True) for n in range(3)]
        self.policy = fleet.dir / "log-policy"
        names = " ".join(f"w{n}" for n in range(3))
        self.policy.write_text(f"log {self.log.key.vkey}\n" + "".join(
            f"witness w{n} {w.vkey}\n" for n, w in enumerate(self.witnesses)) + f"group g 2 {names}\nquorum g\n")
        self.digest = hashlib.sha256(fleet.target("2.0.0", "release.json").read_bytes()).digest()
        self.log.entries = [tlog.leaf(tlog.GRANTED, version=n) for n in range(300)]
        self.log.entries[7] = tlog.leaf(tlog.RELEASE, PATH.encode(), self.digest)
        self.folder = fleet.repository("log")
        self.proof = self.folder / f"proofs/{self.digest.hex()}.tlog-proof"

    def publish(self, size=None):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.log.publish(self.folder)
        (self.folder / "checkpoint").write_text(self.log.checkpoint(witnesses=self.witnesses[:2]))
        subprocess.run([PROGRAMS["rota"], "audit", "prove", "--policy", self.policy, "--target", PATH, self.folder], check=True,
                       capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def logged(fleet):
    fleet.image("1.0.0")
    fleet.release("2.0.0")
    fleet.rollout("2.0.0", "--retry", "8", "--backoff", "0s")
    return Logged(fleet)


@pytest.fixture(scope="module")
def demanding(logged):
    return logged.fleet.device("demanding", "1.0.0", "--log-policy", logged.policy)


def refused(device):
    said = line(device.once(check=1), "refused")
    assert (said["step"], said["clause"]) == ("proof", "SPEC 22.5")
    assert device.boot() == "1.0.0"
    return said


def test_it_installs_with_a_proof_only(logged, demanding):
    done = demanding.agent("--once")
    assert done.returncode == 1 and "proof" in done.stdout, done.stdout
    assert demanding.boot() == "1.0.0"
    logged.publish()
    good = logged.proof.read_text()
    for text in (logged.log.proof(7, logged.witnesses[:1]),  # one witness of two
                 logged.log.proof(7, [logged.witnesses[0]] * 2),
                 logged.log.proof(8, logged.witnesses),  # another entry
                 good.replace("index 7", "index 6"), good[:-1], "nonsense\n"):
        logged.proof.write_text(text)
        refused(demanding)
    logged.proof.write_text(good)
    demanding.once(check=3)
    assert demanding.boot() == "2.0.0"
    demanding.once(check=0)


def test_what_it_saw_of_the_log_is_held_against_the_log(logged, demanding):
    """The device tells the server its checkpoint; where that is of another log than the server's, a person is told."""
    fleet, seen = logged.fleet, f"300 {tlog.root(logged.log.hashes()).hex()}"

    def row():
        fleet.stop()
        with sqlite3.connect(f"file:{fleet.dir}/serve/rotad/fleet.sqlite?mode=ro", uri=True) as db:
            return db.execute("SELECT checkpoint, checkpoints_strange, root FROM devices").fetchall()

    assert row() == [(seen, 0, 1)]
    logged.log.entries[3] = tlog.leaf(tlog.GRANTED, version=9999)
    logged.publish()
    run(PROGRAMS["rotad"], "--rebuild", "--config", fleet.dir / "serve/rotad.ini")
    assert row() == [(seen, 1, 1)]
    fleet.serve()


def test_a_policy_that_no_device_can_hold(logged, tmp_path):
    few = tmp_path / "policy"
    few.write_text(f"log {logged.log.key.vkey}\n")
    done = subprocess.run([PROGRAMS["rota"], "--dir", logged.fleet.authority, "factory", "enrol", "--out", tmp_path / "d",
                           "--hardware", "board-a", "--log-policy", few], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1 and "a quorum" in done.stderr
    assert not (tmp_path / "d").exists()
