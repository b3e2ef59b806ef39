# SPDX-License-Identifier: Apache-2.0
"""A factory secret's whole way (SPEC 28.7, 37.13): drawn in a device with a TPM, sealed past station and desk to rota-seald's token, into
its book; then the first bundle of that device opens for nobody who does not have it, and the device takes no other."""
import hmac
import json
import os
import re
import shutil
import tempfile
import time

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import swtpm
from fleet import PROGRAMS, Device, line, run
from keyworks import TELEMETRY, Works, held
from paths import PATIENCE
from sealfiles import expand, order, unwrap
from softhsm import secret_keys

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not shutil.which("swtpm"), reason="swtpm is not here")]


class Desk(Works):
    def gone(self, ident):
        """Its row says that it is over (30.2)."""
        deadline = time.monotonic() + 60 * PATIENCE
        while not self.rows('SELECT "row" FROM registry WHERE id = ?', ident)[0][0][182] & 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture(scope="module", name="works")
def make_works():
    with tempfile.TemporaryDirectory(prefix="rota-works-") as directory:
        os.chmod(directory, 0o755)
        with Desk(directory) as it:
            yield it.begin()


@pytest.fixture(name="tpm")
def start_tpm():
    with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as tpm:
        yield tpm


def take(works, enrolments, status=0):
    """`rota-seald secrets` of such a list."""
    done = run(PROGRAMS["rota-seald"], "secrets", "--enrolments", enrolments, "--device-ca", works.authority / "ca/device-ca.pem", "--json",
               "--config", works.sealed / "seald.ini", check=False)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


def bundle(works, ident, export, device):
    """(mode, id of the psk) of a device's bundle in tree 0."""
    data = (works.sealed / f"outbox/{ident}.0.keys").read_bytes()
    at = 262276 + 151 * order(export, ident).index(bytes.fromhex(device.id))
    return data[at + 1], data[at + 30:at + 38]


def in_book(data, book_key, device):
    """The psk that the factory's book has of a device (37.4)."""
    head, salt = data[:40], data[20:36]
    cipher = AESGCM(expand(book_key, b"rota-book-v1" + salt + b"\0", 32))
    rows = [cipher.decrypt(n.to_bytes(12, "big"), data[40 + 160 * n:200 + 160 * n], head) for n in range((len(data) - 40) // 160)]
    found, = (row for row in rows if row[:32] == device)
    return found[80:112]


def test_from_the_station_to_the_first_bundle(works, tpm, tmp_path):
    point = re.search("sealed to ([0-9a-f]{130})", works.seald("make"))[1]
    other = works.make("without")
    device = Device(works.dir / "with")
    works.station(device, "--serial", "F-1", "--secrets", point, kind=("tpm", "--tpm", tpm.tcti))
    device.id = works.enrolled()[-1]["device"]
    works.rota("factory", "enlist")
    device.boot()
    device.once()
    enrolments = works.authority / "enrolments"
    book = works.sealed / "state/book.factory"
    # before its secret is there a bundle for it is in base mode, as a thief of the signing key could make one
    first = works.campaign()
    export = (works.authority / f"campaigns/{first}.export").read_bytes()
    assert bundle(works, first, export, device)[0] == 0
    assert "step=keys" in device.once() and held(device) == {}
    assert line(other.once(), "keys")["active"] == "1"
    # a secret that somebody changed is not taken
    spoilt = tmp_path / "enrolments"
    rows = [json.loads(x) for x in enrolments.read_text().splitlines()]
    for row in rows:
        if "secret" in row:
            row["secret"] = row["secret"][:-2] + f"{int(row['secret'][-2:], 16) ^ 1:02x}"
    spoilt.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "did not seal" in take(works, spoilt, status=1)
    assert take(works, enrolments) == {"added": 1, "changed": 0, "passed": 0, "same": 0, "without": 1}
    assert book.stat().st_mode & 0o777 == 0o600
    assert take(works, enrolments) == {"added": 0, "changed": 0, "passed": 0, "same": 1, "without": 1}
    # the next campaign is sealed under what the two share, and it opens in the TPM
    second = works.campaign()
    mode, psk_id = bundle(works, second, export, device)
    keys = secret_keys(works.sealed / "tokens", (works.sealed / "pin").read_bytes().strip())
    book_key = unwrap(keys["book"], (works.sealed / "state/book.key").read_bytes(), b"rota-bookkey-v1")
    psk = in_book(book.read_bytes(), book_key, bytes.fromhex(device.id))
    assert (mode, psk_id) == (1, hmac.digest(psk, b"rota-pskid-v1", "sha256")[:8])
    said = device.once()
    assert "step=keys" not in said and line(said, "keys")["active"] == "2", said
    works.settled(device.id, TELEMETRY, 2)
    # the psk lies nowhere else on the way
    for folder in (works.authority, works.dir / "serve", device.dir):
        for path in folder.rglob("*"):
            assert not path.is_file() or path.stat().st_size > 1 << 22 or psk not in path.read_bytes(), path


def test_a_wiped_device_comes_back(works):
    """Wiped without a word and made anew by its own authority: its registry learns the new key, and the next bundle is sealed to it."""
    device = works.make("back")
    works.campaign()
    device.once()
    counter, proved = works.row(device.id)
    assert counter == 2 and proved[TELEMETRY - 1] > 0
    device.agent("wipe", "--offline", "--yes", check=0)
    works.station(device, "--soft", "--serial", "back")
    assert works.enrolled()[-1]["device"] == device.id
    works.rota("factory", "enlist")
    assert device.boot() == "1.0.0"
    said = device.once()  # the bundle of before is for a key that it has no more
    assert 'clause="SPEC 33.7"' in said and "SPEC 35" not in said, said
    deadline = time.monotonic() + 60 * PATIENCE
    while works.row(device.id) != (counter + 1, 8 * (0,)):  # all data keys were lost
        assert time.monotonic() < deadline, works.row(device.id)
        time.sleep(0.05)
    works.campaign()
    said = device.once()
    assert "step=keys" not in said and int(line(said, "keys")["active"]) > proved[TELEMETRY - 1], said
    assert not (device.dir / "state/former").exists()


def test_a_device_that_ends_says_so_first(works):
    """What it says ends it at the server; only then it destroys, and what it said is there for good."""
    device = works.make("ending")
    works.campaign()
    device.once()
    port = works.ports["device"]
    device.edit((f"localhost:{port}", "localhost:9"))
    assert "nothing is destroyed" in device.agent("wipe", "--yes", check=1).stderr
    assert held(device)["active"] >= 1 and list((device.dir / "identity").glob("ldevid-*"))
    device.edit(("localhost:9", f"localhost:{port}"))
    assert "told=\"the server\"" in device.agent("wipe", "--yes", check=0).stdout
    assert device.status()["keys"] == "all are destroyed" and not list((device.dir / "identity").glob("ldevid-*"))
    works.gone(device.id)
    # it is in no campaign any more, and comes to nothing at the server that it left
    ident = works.ask()
    assert bytes.fromhex(device.id) not in (works.authority / f"campaigns/{ident}.export").read_bytes()
    before = works.rows("SELECT count(*) FROM registry")
    works.station(device, "--soft", "--serial", "ending")
    works.rota("factory", "enlist")
    assert works.rows("SELECT count(*) FROM registry") == before
    works.gone(device.id)
