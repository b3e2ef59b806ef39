# SPDX-License-Identifier: Apache-2.0
"""Devices that make their keys themselves (SPEC 28.6, 29.1): the station has them certified, measured, listed and logged, and
what leaves it updates and reports with a key that no file has."""
import json
import os
import pwd
import re
import shutil
import sqlite3
import struct
import subprocess
import tempfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives import serialization

import swtpm
from fleet import HARDWARE, PROGRAMS, Device, Fleet, line, run
from registry import Key
from signd import Signd

pytestmark = [pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not shutil.which("swtpm"), reason="swtpm is not here")]

RULES = """
[rule births]
who = me
scope = sensor
role = device-ca
kinds = certificate
[rule logins]
who = me
scope = sensor
role = operational-ca
kinds = certificate
lifetime = 30d
"""


ROWS = """
[rule rows]
who = me
scope = sensor
role = registry
kinds = rows
"""

SERVER = """
[client rotad]
uid = {uid}
[rule renewals]
who = rotad
scope = sensor
role = operational-ca
kinds = certificate
lifetime = 30d
"""


class Line(Fleet):
    """A factory: authority, signing daemon, server; and benches on which devices are made."""

    def begin(self):
        folder = self.dir / "signd"
        folder.mkdir()
        self.image("1.0.0")
        self.release("2.0.0")
        self.rollout("2.0.0", "--retry", "8", "--backoff", "0s")
        self.rota("keys", "make", "--token", "ca", "--label", "station", "--use", "station")
        ini = self.authority / "rota.ini"
        text = ini.read_text().replace("[authority]\n", f"[authority]\nsignd = {folder}/signd.sock\n", 1)
        head, tail = text.split("[token ca]\n", 1)
        text = f"{head}[token ca]\nonline = yes\n{tail.replace('online = no' + chr(10), '', 1) if tail.split('[')[0].count('online') else tail}"
        ini.write_text(text + "\n[keys station]\nsigners = ca:station\n"
                       f"[fleet]\noperators = {self.dir}/serve/desk/operators.sock\n")
        self.serve()  # as root it makes the user that rotad runs as
        rotad = SERVER.format(uid=pwd.getpwnam("rota-ingest").pw_uid) if os.geteuid() == 0 else ""
        key = Key(folder / "registry")
        self.signd = Signd(folder, self.authority, more=RULES + ROWS + rotad + key.ini())
        self.signd.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.signd.__exit__()

    def station(self, device, *options, kind=("soft",), bench=(), status=0, image="1.0.0"):
        """Make `device`; what the station says."""
        words = ["factory", "station", "--hardware", HARDWARE, "--repository-url", f"https://localhost:{self.ports['repo']}/repo",
                 "--server-url", f"https://localhost:{self.ports['device']}", *options, "--", PROGRAMS["rota-agent"], "factory",
                 "--at", device.dir, "--root-of-trust", *kind, *bench]
        if image:
            words += ["--image", self.dir / f"{image}.img", "--slot-size", "1"]
        done = run(PROGRAMS["rota"], "--dir", self.authority, *words, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr

    def enrolled(self):
        path = self.authority / "enrolments"
        return [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module", name="factory")
def make_factory():
    with tempfile.TemporaryDirectory(prefix="rota-factory-") as directory:
        os.chmod(directory, 0o755)
        with Line(directory) as it:
            yield it.begin()


@pytest.fixture(name="tpm")
def start_tpm():
    with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as tpm:
        yield tpm


@pytest.fixture(name="bench")
def make_bench(factory, request):
    """A blank device."""
    return Device(factory.dir / re.sub(r"\W+", "-", request.node.name)[:60])


def private_keys(folder):
    """Files below it that hold one."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size < 1 << 20 and b"PRIVATE KEY" in path.read_bytes():
            found.append(path)
    return found


def test_a_device_with_a_tpm_is_made_updates_and_reports(factory, bench, tpm):
    said = json.loads(factory.station(bench, "--image", factory.dir / "1.0.0.img", "--serial", "SN-1", "--json",
                                      kind=("tpm", "--tpm", tpm.tcti)))
    assert (said["root_of_trust"], said["serial"]) == ("tpm", "SN-1")
    assert private_keys(bench.dir) == [] and re.fullmatch("[0-9a-f]{64}", said["pcrs"])
    ca = x509.load_pem_x509_certificate((factory.authority / "ca/device-ca.pem").read_bytes())
    idevid = x509.load_pem_x509_certificate((bench.dir / "identity/idevid.pem").read_bytes())
    ca.public_key().verify(idevid.signature, idevid.tbs_certificate_bytes, ec.ECDSA(idevid.signature_hash_algorithm))
    rom = (bench.dir / "rom.bin").read_bytes()
    assert said["device"].encode() in rom and struct.pack("<BH", 12, 35) + b"\x01\x00\x0b" in rom
    row = factory.enrolled()[-1]
    assert (row["device"], row["serial"], row["root_of_trust"]) == (said["device"], "SN-1", "tpm")
    assert bytes.fromhex(row["idevid"]) == idevid.public_bytes(serialization.Encoding.DER)
    # its counters are made, and it boots, updates and reports with the key in the TPM
    assert tpm.value(swtpm.STATE) > 0
    assert bench.boot() == "1.0.0"
    bench.once(check=3)
    assert bench.boot() == "2.0.0"
    assert "confirmed" in bench.once()
    assert [e[1] for e in factory.events(said["device"])][-1] == "confirmed"
    doctor = bench.agent("doctor", check=0).stdout
    assert re.search(r"^ok +identity +ends in (29|30) days", doctor, re.M), doctor
    assert re.search(r"^ok +server ", doctor, re.M), doctor
    # without its TPM the folder is worth nothing: it says so, and goes on taking releases
    bench.edit((tpm.tcti, "swtpm:path=/nonexistent"))
    assert "root-of-trust" in bench.agent("--once").stdout or "identity" in bench.agent("--once").stdout


def test_what_was_made_goes_into_the_registry(factory, bench):
    factory.station(bench, "--soft", "--serial", "SN-R")
    device = factory.enrolled()[-1]["device"]
    first = json.loads(factory.rota("factory", "enlist", "--json"))
    assert first["taken"] >= 1 and first["known"] == 0
    with sqlite3.connect(f"file:{factory.dir}/serve/rotad/fleet.sqlite?mode=ro", uri=True) as db:
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert any(device in str(row) or bytes.fromhex(device) in row for t in tables for row in db.execute(f"SELECT * FROM {t}")), tables
    assert json.loads(factory.rota("factory", "enlist", "--json")) == {"known": first["taken"], "taken": 0}


def test_a_token_holds_the_keys(factory, bench, tmp_path):
    from softhsm import Token
    token = Token(tmp_path)
    factory.station(bench, kind=("pkcs11", *token.words()), bench=("--serial", "SN-T"))
    assert private_keys(bench.dir) == []
    assert bench.boot() == "1.0.0"
    bench.once(check=3)
    assert bench.boot() == "2.0.0"
    bench.once()


def test_soft_keys_are_let_through_only_where_that_is_asked_for(factory, bench):
    assert "in the clear" in factory.station(bench, "--serial", "SN-S", status=1)
    assert not (bench.dir / "rom.bin").exists() and not [r for r in factory.enrolled() if r["serial"] == "SN-S"]
    factory.station(bench, "--soft", "--serial", "SN-S")
    bench.boot()
    warned = line(bench.agent("--once").stdout, "warning")
    assert warned["step"] == "root-of-trust" and "in the clear" in warned["reason"]


def test_what_is_installed_is_measured(factory, bench):
    wrong = factory.image("1.5.0")
    says = factory.station(bench, "--soft", "--serial", "SN-M", "--image", wrong, status=1)
    assert "is not the release's" in says
    assert not [r for r in factory.enrolled() if r["serial"] == "SN-M"]
    assert not (bench.dir / "state/born").exists()
    # a thief at the line swaps the image behind the format: its bytes are what is measured
    place = bench.dir / "flash/slot0.bin"
    good = place.read_bytes()
    place.write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
    assert "measured" in factory.station(bench, "--soft", "--serial", "SN-M", status=1)
    place.write_bytes(good)
    factory.station(bench, "--soft", "--serial", "SN-M", "--image", factory.dir / "1.0.0.img")


def test_a_device_is_made_once(factory, bench):
    factory.station(bench, "--soft", "--serial", "SN-1X")
    before = factory.enrolled()
    assert "has left a factory" in factory.station(bench, "--soft", "--serial", "SN-2X", status=1)
    other = Device(factory.dir / "another")
    assert "enrolled already" in factory.station(other, "--soft", "--serial", "SN-1X", status=1)
    # one that was cut off keeps its keys, and no key is born under two serials
    point = x509.load_pem_x509_certificate((bench.dir / "identity/idevid.pem").read_bytes()).public_key().public_numbers()
    (bench.dir / "state/born").unlink()
    assert "replay" in factory.station(bench, "--soft", "--serial", "SN-2X", status=1)
    assert factory.enrolled() == before
    again = x509.load_pem_x509_certificate((bench.dir / "identity/idevid.pem").read_bytes()).public_key().public_numbers()
    assert again == point


def test_batches_have_a_size(factory):
    def one(name, *options, **more):
        return factory.station(Device(factory.dir / name), "--soft", "--batch", "w12", *options, **more)

    assert "has not begun" in one("b0", "--serial", "B-0", status=1)
    one("b1", "--serial", "B-1", "--batch-size", "2")
    assert "has 2 devices, not 3" in one("b2", "--serial", "B-2", "--batch-size", "3", status=1)
    one("b2", "--serial", "B-2", "--batch-size", "2")
    assert "is full" in one("b3", "--serial", "B-3", status=1)
    batches = [json.loads(x) for x in factory.rota("factory", "check", "--json").splitlines()]
    assert batches == [{"batch": "w12", "made": 2, "refused": 1, "size": 2}]


@pytest.mark.parametrize("spoil, says", [
    (lambda lines, rows: (lines[:1] + lines[2:], rows), "does not follow"),
    (lambda lines, rows: ([x.replace('"SN-L"', '"SN-K"') for x in lines], rows), "is not signed|does not follow"),
    (lambda lines, rows: (lines[:-1], rows), "no line of station.log has made"),
    (lambda lines, rows: (lines, rows[:-1]), "has made"),
])
def test_the_station_s_log_shows_what_was_changed(factory, spoil, says):
    device = Device(factory.dir / "logged")
    if not (device.dir / "rom.bin").exists():
        factory.station(device, "--soft", "--serial", "SN-L")
    log, rows = factory.authority / "station.log", factory.authority / "enrolments"
    before = log.read_text(), rows.read_text()
    factory.rota("factory", "check")
    one, other = spoil(before[0].splitlines(True), before[1].splitlines(True))
    log.write_text("".join(one))
    rows.write_text("".join(other))
    try:
        done = run(PROGRAMS["rota"], "--dir", factory.authority, "factory", "check", check=False)
        assert done.returncode == 1 and re.search(says, done.stderr), done.stderr
    finally:
        log.write_text(before[0])
        rows.write_text(before[1])


def frame(kind, *fields):
    body = b"ROTAFAC\x01" + bytes([kind]) + b"".join(struct.pack("<I", len(f)) + f for f in fields)
    return struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("bytes_, says", [
    (b"\xff\xff\xff\xff", "bytes at once"),
    (frame(1, bytes(32), b"sensor"), "does not speak"),
    (frame(7), "does not speak"),
    (frame(9), "does not speak"),
    (frame(8, b"go \x1b[2J away"), r"the other side ends it: go \?\[2J away"),
    (frame(1, bytes(31), b"sensor", b"board-a", b"SN", bytes(4)), "32 bytes"),
    (frame(1, bytes(32), b"sensor", b"board-a", b"SN", b"\0\0\0\1"), "PCRs 0 to 23"),
    (frame(1, bytes(32), b"sensor", b"board-a", b"", bytes(4)), "serial"),
    (frame(1, bytes(32), b"sensor", b"board-a", b"S" * 65, bytes(4)), "request"),
    (b"", "ended"),
], ids=["long", "short", "done", "kind", "no", "nonce", "pcrs", "nobody", "serial", "end"])
def test_a_device_takes_nothing_else(bench, bytes_, says):
    done = subprocess.run([PROGRAMS["rota-agent"], "factory", "--at", bench.dir, "--root-of-trust", "soft"], input=bytes_,
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and re.search(says, done.stderr.decode()), done.stderr
    assert not (bench.dir / "state/born").exists()
