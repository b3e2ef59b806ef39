# SPDX-License-Identifier: Apache-2.0
"""What rotad makes of device logs: heads that do not go on, and heads that devices signed."""
import json
import sqlite3
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tlog
from conftest import PATIENCE
from pki import DEVICE, Ca, der
from rotadproc import EVENT, make, rotad  # noqa: F401 - fixtures


# --- device logs (SPEC 11.4) ---

LOGGED = '{"events":[{"at":null,"event":"checked","log":"%d %s","seq":%d}]}'


def test_a_device_log_that_does_not_go_on_is_said(rotad):
    for count, head, seq in ((1, "aa", 1), (2, "bb", 2), (2, "bb", 2), (3, "cc", 3)):
        assert rotad.post(LOGGED % (count, head, seq))[0] == 200
    assert rotad.post(LOGGED % (2, "ff", 2))[0] == 200  # its flash was put back: it lives that time again
    assert rotad.stop() == 0
    assert rotad.rows("SELECT log_count, log_forks FROM devices") == [(3, 1)]
    assert rotad.rows("SELECT log FROM events ORDER BY seq") == [("1 aa",), ("2 bb",), ("3 cc",)]
    said = [line for line in (rotad.dir / "log").read_text().splitlines() if "does not follow" in line]
    assert len(said) == 1 and DEVICE in said[0] and "event 2" in said[0]


def test_a_database_of_the_release_before_goes_on(rotad):
    assert rotad.post(EVENT % ("started", 1))[0] == 200
    rotad.stop()
    with sqlite3.connect(rotad.dir / "fleet.sqlite") as db:  # as it was
        db.execute("DROP TABLE proofs")
        for table, column in (("devices", "log_count"), ("devices", "log_forks"), ("devices", "log_unsigned"),
                              ("devices", "checkpoint"), ("devices", "checkpoints_strange"), ("devices", "root"),
                              ("events", "log")):
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("UPDATE meta SET value = 1 WHERE name = 'schema'")
    rotad.start()
    assert rotad.post(LOGGED % (1, "aa", 2))[0] == 200
    rotad.stop()
    assert rotad.rows("SELECT value FROM meta WHERE name = 'schema'") == [(6,)]
    assert rotad.rows("SELECT events, log_count, log_forks, checkpoint FROM devices") == [(2, 1, 0, "")]
    with sqlite3.connect(rotad.dir / "fleet.sqlite") as db:  # and of the one after it
        db.execute("DROP TABLE proofs")
        for column in ("log_unsigned", "checkpoint", "checkpoints_strange", "root"):
            db.execute(f"ALTER TABLE devices DROP COLUMN {column}")
        db.execute("UPDATE meta SET value = 2 WHERE name = 'schema'")
    rotad.start()
    assert rotad.post(signed(rotad.key, 2, "bb" * 32, 3))[0] == 200
    rotad.stop()
    assert rotad.rows("SELECT value FROM meta WHERE name = 'schema'") == [(6,)]
    assert rotad.rows("SELECT count, log_unsigned FROM proofs, devices") == [(2, 0)]


# --- the signing log, as devices saw it (SPEC 22.5) ---

SEEN = '{"events":[{"at":null,"event":"checked","checkpoint":"%d %s","seq":%d}]}'


def test_a_checkpoint_that_the_signing_log_does_not_have_is_said(rotad):
    log, folder = tlog.Log(), rotad.dir / "log-files"
    log.entries = [tlog.leaf(tlog.GRANTED, version=n) for n in range(600)]
    other = log.hashes(300)
    other[7] = tlog.leaf_hash(b"another")
    log.publish(folder)
    rotad.stop()
    with rotad.ini.open("a") as ini:
        ini.write(f"[log]\ndirectory = {folder}\n")
    rotad.start()
    good = [(size, tlog.root(log.hashes(size)).hex()) for size in (1, 255, 256, 300, 600)]
    for seq, (size, root) in enumerate(good + [(300, tlog.root(other).hex()), (601, "ab" * 32), good[-1]], 1):
        assert rotad.post(SEEN % (size, root, seq))[0] == 200
        assert rotad.post(SEEN % (size, root, seq))[0] == 200  # a repeat says nothing
    end, metrics = time.monotonic() + 30 * PATIENCE, b""
    while b"rota_projection_sequence 16\n" not in metrics:  # it follows the journal
        assert time.monotonic() < end
        metrics = rotad.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"rota_checkpoints_strange_total 2\n" in metrics
    rotad.stop()
    assert rotad.rows("SELECT checkpoint, checkpoints_strange FROM devices") == [("%d %s" % good[-1], 2)]
    said = [line for line in (rotad.dir / "log").read_text().splitlines() if "it has seen checkpoint" in line]
    assert len(said) == 2 and all(DEVICE in line for line in said)
    assert f"300 {tlog.root(other).hex()}, and it is another at that size" in said[0]
    assert "the log here has not so many entries" in said[1]
    told = json.loads(rotad.run("--log-heads", DEVICE, "--json", "--config", rotad.ini).stdout)
    assert (told["checkpoint"], told["checkpoints_strange"]) == ("%d %s" % good[-1], 2)
    # made again from the journal it says the same
    assert rotad.run("--rebuild", "--config", rotad.ini).returncode == 0
    assert rotad.rows("SELECT checkpoints_strange FROM devices") == [(2,)]


# --- signed heads (SPEC 13.6) ---


def message(count, head, device=DEVICE):
    return b"rota-log-v1" + device.encode() + count.to_bytes(8, "little") + bytes.fromhex(head)


def signed(key, count, head, seq, over=None):
    """A report whose signature is over `over`, else over what it says."""
    key = serialization.load_pem_private_key(key, None)
    sig = key.sign(over or message(count, head), ec.ECDSA(hashes.SHA256()))
    return (f'{{"events":[{{"at":null,"event":"checked","log":"{count} {head}","seq":{seq}}}],'
            f'"signature":"{sig.hex()}"}}')


def heads(rotad, status, *options):
    done = rotad.run("--log-heads", DEVICE, "--config", str(rotad.ini), *options)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout


def test_a_signed_head_can_be_shown_later(rotad):
    """With nothing but the row, by another program; and anew from the journal alone."""
    assert rotad.post(signed(rotad.key, 1, "aa" * 32, 1))[0] == 200
    assert rotad.post(signed(rotad.key, 4, "bb" * 32, 4))[0] == 200
    rotad.stop()
    (first, newest) = (told := json.loads(heads(rotad, 0, "--json")))["heads"]
    assert told["good"] and told["log_count"] == 4 and told["log_unsigned"] == 0
    assert (first["count"], newest["count"], newest["head"]) == (1, 4, "bb" * 32)
    cert = x509.load_der_x509_certificate(bytes.fromhex(newest["certificate"]))
    cert.public_key().verify(bytes.fromhex(newest["signature"]), message(4, "bb" * 32), ec.ECDSA(hashes.SHA256()))
    assert int(newest["serial"], 16) == cert.serial_number
    text = heads(rotad, 0)
    assert f"4 entries, head {'bb' * 32}" in text and text.count(": good") == 4 and "FORK" not in text
    assert "certificate" in rotad.dump()[0] and rotad.dump()[0]["payload"]["signature"] == first["signature"]
    before = rotad.rows("SELECT * FROM proofs")
    (rotad.dir / "fleet.sqlite").unlink()
    assert rotad.run("--rebuild", "--config", str(rotad.ini)).returncode == 0
    assert rotad.rows("SELECT * FROM proofs") == before


@pytest.mark.parametrize("kind", ["missing", "no hex", "a number", "replayed", "swapped", "forged"])
def test_a_head_that_is_not_signed_is_told_and_no_event_is_lost(rotad, kind):
    good = signed(rotad.key, 1, "aa" * 32, 1)
    assert rotad.post(good)[0] == 200
    other = rotad.ca.issue("cd" * 32)[0]
    plain = json.loads(LOGGED % (2, "bb" * 32, 2))
    body = {"missing": plain, "no hex": plain | {"signature": "xyz"}, "a number": plain | {"signature": 7},
            "replayed": plain | {"signature": json.loads(good)["signature"]},
            "swapped": json.loads(signed(other, 2, "bb" * 32, 2)),
            "forged": json.loads(signed(rotad.key, 2, "bb" * 32, 2, over=message(2, "bc" * 32)))}[kind]
    assert rotad.post(json.dumps(body)) == (200, b'{"acknowledged":2}\n')
    rotad.stop()
    assert rotad.rows("SELECT events, log_count, log_unsigned FROM devices") == [(2, 2, 1)]
    assert rotad.rows("SELECT count, head FROM proofs") == [(1, "aa" * 32)]  # the last one that is
    assert "1 reports not signed" in heads(rotad, 0)
    said = [line for line in (rotad.dir / "log").read_text().splitlines() if "is not signed by its key" in line]
    assert len(said) == 1 and DEVICE in said[0]


def test_a_fork_is_proven_by_two_signatures(rotad):
    assert rotad.post(signed(rotad.key, 3, "aa" * 32, 3))[0] == 200
    assert rotad.post(signed(rotad.key, 3, "bb" * 32, 7))[0] == 200
    assert rotad.post(signed(rotad.key, 4, "cc" * 32, 8))[0] == 200
    told = json.loads(heads(rotad, 1, "--json"))  # rotad runs
    assert [(h["count"], h["head"][:2], h["forked"], h["verdict"]) for h in told["heads"]] == [
        (3, "aa", True, "good"), (3, "bb", True, "good"), (4, "cc", False, "good")]
    assert heads(rotad, 1).count("FORK") == 2
    assert "it has signed two log heads of 3 entries" in (rotad.dir / "log").read_text()


def test_what_was_changed_in_the_database_is_seen(rotad):
    assert "no report of device" in rotad.run("--log-heads", DEVICE, "--config", str(rotad.ini)).stderr
    assert rotad.post(signed(rotad.key, 3, "aa" * 32, 3))[0] == 200
    rotad.stop()
    with sqlite3.connect(rotad.dir / "fleet.sqlite") as db:
        db.execute("UPDATE proofs SET head = ?", ("ab" * 32,))
    assert "does not verify" in heads(rotad, 1)
    stranger = Ca("Operational")
    with sqlite3.connect(rotad.dir / "fleet.sqlite") as db:
        key, cert = stranger.issue(DEVICE)
        sig = json.loads(signed(key, 3, "ab" * 32, 3))["signature"]
        db.execute("UPDATE proofs SET signature = ?, certificate = ?", (bytes.fromhex(sig), der(cert)))
    assert "not of this CA" in heads(rotad, 1)
    assert rotad.run("--json").returncode == 2
