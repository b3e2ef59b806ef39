# SPDX-License-Identifier: Apache-2.0
"""rota-witness: what it cosigns, and what it refuses, asked as C2SP's tlog-witness says; its signatures are checked in
Python (tlog.py). Each durable call of it is killed at once."""
import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

import tlog
from conftest import BUILD, PATIENCE

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
WITNESS = BUILD / "apps/rota-witness/rota-witness"
MODULE = next(map(str, pathlib.Path("/usr/lib").glob("**/libsofthsm2.so")), "")
PIN = "4711"


class Witness:
    def __init__(self, folder, log):
        self.folder, self.log, self.key = folder, log, tlog.Key("witness-1.rota.invalid", True)
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
        (folder / "pin").write_text(PIN + "\n")
        (folder / "pin").chmod(0o600)
        (folder / "key.pem").write_bytes(self.key.pem())
        (folder / "logs").write_text(f"log {log.key.vkey}\n")
        env = {**os.environ, "SOFTHSM2_CONF": f"{folder}/softhsm2.conf"}
        for words in (["--init-token", "--free", "--label", "witness", "--pin", PIN, "--so-pin", PIN],
                      ["--import", f"{folder}/key.pem", "--token", "witness", "--label", "cosign", "--id", "01", "--pin", PIN]):
            subprocess.run(["softhsm2-util", *words], env=env, check=True, capture_output=True, timeout=60 * PATIENCE)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.ini = folder / "witness.ini"
        self.ini.write_text(f"[witness]\nname = {self.key.name}\nlisten = 127.0.0.1:{self.port}\nlogs = {folder}/logs\n"
                            f"state = {folder}/state\n[token]\nmodule = {MODULE}\nlabel = witness\npin_file = {folder}/pin\n"
                            f"key = cosign\nenvironment = SOFTHSM2_CONF={folder}/softhsm2.conf\n")
        self.process = None

    def run(self, *words):
        return subprocess.run([WITNESS, *words, "--config", self.ini], capture_output=True, text=True, timeout=60 * PATIENCE,
                              stdin=subprocess.DEVNULL, check=False)

    def start(self, **env):
        self.process = subprocess.Popen([WITNESS, "--config", self.ini], stderr=open(self.folder / "said", "a"),
                                        env={**os.environ, **env})
        end = time.monotonic() + 30 * PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, self.said()
                time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(number)
            self.process.wait(timeout=30 * PATIENCE)
            self.process = None

    def said(self):
        return (self.folder / "said").read_text()

    def post(self, body, path="/add-checkpoint", method="POST"):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * PATIENCE)
        c.request(method, path, body.encode())
        answer = c.getresponse()
        return answer.status, answer.read().decode(), answer.getheader("Content-Type")

    def add(self, old, checkpoint, proof=()):
        return self.post(f"old {old}\n" + "".join(tlog.b64(h) + "\n" for h in proof) + "\n" + checkpoint)

    def step(self, old, new):
        """The log grows from old to new, honestly."""
        return self.add(old, self.log.checkpoint(new), tlog.consistency(self.log.hashes(new), old) if old else [])

    def state(self):
        return (self.folder / "state").read_text()


@pytest.fixture
def witness(tmp_path):
    log = tlog.Log()
    log.entries = [tlog.leaf(tlog.GRANTED, version=n) for n in range(40)]
    it = Witness(tmp_path, log)
    yield it.start()
    it.stop()


def test_its_key_is_printed_as_auditors_take_it(witness):
    done = witness.run("--key")
    assert (done.returncode, done.stdout) == (0, witness.key.vkey + "\n"), done.stderr


def test_its_key_is_made_once(witness):
    """With the token, and in a token that is there; never over one that is there."""
    ini = witness.ini.read_text()
    (witness.folder / "so-pin").write_text("0815\n")
    (witness.folder / "so-pin").chmod(0o600)
    witness.ini.write_text(ini.replace("label = witness\n", f"label = anew\nso_pin_file = {witness.folder}/so-pin\n"))
    assert witness.run("--key").returncode == 1
    assert witness.run("--make").stdout == "rota-witness: key cosign is made in token anew\n"
    first = witness.run("--key")
    assert first.returncode == 0 and first.stdout.startswith("witness-1.rota.invalid+") and first.stdout != witness.key.vkey + "\n"
    assert "anew" in witness.run("--make").stderr
    assert witness.run("--key").stdout == first.stdout
    for key, status in (("cosign", 1), ("second", 0), ("second", 1)):
        witness.ini.write_text(ini.replace("key = cosign", f"key = {key}"))
        assert witness.run("--make").returncode == status, key
    assert witness.run("--key").stdout != first.stdout


def test_a_log_that_grows_is_cosigned(witness):
    before = int(time.time())
    for old, new in ((0, 1), (1, 7), (7, 7), (7, 8), (8, 40)):
        status, line, _ = witness.step(old, new)
        assert status == 200, line
        assert before <= witness.key.verifies(witness.log.text(new), line) <= time.time()
        assert witness.state() == f"{witness.log.origin} {new} {tlog.root(witness.log.hashes(new)).hex()}\n"
    witness.stop()
    witness.start()
    assert witness.step(7, 8)[:2] == (409, "40\n")
    assert witness.step(40, 40)[0] == 200


def test_what_is_refused(witness):
    log = witness.log
    assert witness.step(0, 20)[0] == 200
    state = witness.state()
    other = log.hashes(20)
    other[3] = tlog.leaf_hash(b"another")
    longer = other + [tlog.leaf_hash(b"more")]
    stranger, forged = tlog.Log("stranger.rota.invalid/log"), tlog.Log()
    stranger.entries = forged.entries = log.entries
    good = tlog.consistency(log.hashes(30), 20)
    rows = [
        (404, witness.add(20, stranger.checkpoint(30), good)),
        (403, witness.add(20, forged.checkpoint(30), good)),
        (403, witness.add(20, log.text(30) + "\n" + log.key.line(log.text(31)), good)),
        (400, witness.add(31, log.checkpoint(30), good)),
        (400, witness.add(20, "nonsense\n", good)),
        (400, witness.add("020", log.checkpoint(30), good)),
        (400, witness.post("old 20\n")),
        (400, witness.post("old 20\nAAAA\n\n" + log.checkpoint(30))),
        (400, witness.add(20, log.checkpoint(30), [bytes(32)] * 64)),
        (409, witness.step(0, 30)),
        (409, witness.step(19, 30)),
        (409, witness.add(20, log.checkpoint(of=other))),
        (422, witness.add(20, log.checkpoint(30), good[:-1])),
        (422, witness.add(20, log.checkpoint(30), good + [bytes(32)])),
        (422, witness.add(20, log.checkpoint(of=longer), tlog.consistency(longer, 20))),
        (404, witness.post("old 20\n", "/other")),
        (405, witness.post("old 20\n", method="GET")),
        (413, witness.post("old 20\n" + "A" * 17000)),
    ]
    for want, (status, body, kind) in rows:
        assert status == want, (want, status, body)
        if want == 409:
            assert (body, kind) == ("20\n", "text/x.tlog.size")
    assert witness.state() == state
    assert "ALARM: sensor.rota.invalid/log: TWO ROOTS OF ONE SIZE" in witness.said()
    assert "does not lead from 20 entries" in witness.said()
    assert witness.step(20, 30)[0] == 200


def test_two_of_one_state_and_a_state_that_is_none(witness):
    assert "in use" in witness.run("--check").stderr or witness.run("--check").returncode == 1
    witness.stop()
    assert witness.run("--check").returncode == 0
    (witness.folder / "state").write_text("sensor.rota.invalid/log 20\n")
    assert "damaged" in witness.run("--check").stderr
    witness.ini.write_text(witness.ini.read_text().replace("127.0.0.1:", "0.0.0.0:"))
    (witness.folder / "state").unlink()
    assert "nginx stands before it" in witness.run().stderr


@pytest.mark.plain  # a sanitizer wants to be the first library that is loaded
def test_killed_at_each_durable_call_it_never_cosigns_two_histories(witness):
    """What was answered is in the state: after each kill it goes on from there, and takes no other beginning."""
    assert witness.step(0, 10)[0] == 200
    answered = []
    for nth in range(1, 40):
        witness.stop()
        before = witness.state()
        size = int(before.split()[1])
        try:
            witness.start(LD_PRELOAD=str(BUILD / "tests/system/libkillat.so"), KILLAT=str(nth))
            status = witness.step(size, size + 1)[0]
        except (AssertionError, OSError, http.client.HTTPException):
            status = 0
        witness.stop()
        after = witness.state()
        assert after == before or after.split()[1] == str(size + 1)
        assert status != 200 or after != before
        answered.append(status == 200)
        if answered[-5:] == [True] * 5:
            break
    assert not all(answered) and answered[-5:] == [True] * 5, answered
    size = int(witness.state().split()[1])
    assert witness.start().step(size, size)[0] == 200


def cosign(folder, policy):
    return subprocess.run([BUILD / "apps/rota/rota", "audit", "cosign", "--policy", policy, folder], capture_output=True,
                          text=True, timeout=60 * PATIENCE, stdin=subprocess.DEVNULL, check=False)


def test_the_log_asks_its_witnesses(witness, tmp_path):
    """From a witness that knows nothing to one that is some entries behind; one that is away; one that saw a fork."""
    log, folder, away = witness.log, tmp_path / "log", tlog.Key("away.rota.invalid", True)
    policy = tmp_path / "policy"
    lines = (f"log {log.key.vkey}\nwitness a {witness.key.vkey} http://127.0.0.1:{witness.port}\n"
             f"witness b {away.vkey} http://127.0.0.1:1\ngroup g %d a b\nquorum g\n")
    policy.write_text(lines % 1)
    for count in (40, 300, 301):
        log.entries = [tlog.leaf(tlog.GRANTED, version=n) for n in range(count)]
        log.publish(folder)
        done = cosign(folder, policy)
        assert (done.returncode, done.stdout) == (0, "1 witnesses\n"), done.stderr
        assert "witness away.rota.invalid did not cosign" in done.stderr
        line = (folder / "checkpoint").read_text().splitlines(True)[-1]
        assert witness.key.verifies(log.text(), line)
        assert f" {count} " in witness.state()
    assert cosign(folder, policy).stdout == "1 witnesses\n"
    assert (folder / "checkpoint").read_text().count(witness.key.name) == 1
    policy.write_text(lines % 2)
    before = (folder / "checkpoint").read_text()
    done = cosign(folder, policy)
    assert done.returncode == 1 and "1 of the 2 witnesses" in done.stderr
    assert (folder / "checkpoint").read_text() == before
    policy.write_text(lines % 1)
    log.entries = [tlog.leaf(tlog.GRANTED, version=n + 1) for n in range(310)]
    log.publish(folder)
    done = cosign(folder, policy)
    assert done.returncode == 1 and "it has seen another history" in done.stderr
    log.entries = log.entries[:100]
    log.publish(folder)
    done = cosign(folder, policy)
    assert done.returncode == 1 and "it cosigned 301 entries, this checkpoint has 100" in done.stderr
