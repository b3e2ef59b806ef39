# SPDX-License-Identifier: Apache-2.0
"""Rows of the registry from the signing daemon (SPEC 19.9, 20.6, 30.2): what follows from what a device said, and nothing else."""
import hashlib
import json
import os
import shutil
import signal
import struct
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from asks import make_base, make_scene  # noqa: F401 - fixtures
from authority import made  # noqa: F401 - fixtures
from paths import PATIENCE
from registry import Device, Key, Row, anew, gone, point, proved, statement
from signd import Signd, request
from test_signd_certificate import RULES, ca_of, put_online, born

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

ROWS = """
[rule rows]
who = me
scope = sensor
role = registry
kinds = rows
rate = {rate}
"""


def agree():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(name="key", scope="module")
def make_key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("registry") / "key")


@pytest.fixture(name="signd")
def run_signd(scene, key):
    put_online(scene)
    with Signd(scene.folder, scene.dir, more=RULES + key.ini() + ROWS.format(rate="100000/1h")) as it:
        yield it


def enrolled(signd, scene, serial="SN-0001"):
    """A device that was born, and its certificate."""
    device = Device(serial)
    born(signd, scene, device)
    device.id = device.ident(ca_of(scene, "device-ca"))
    device.der = device.idevid.public_bytes(serialization.Encoding.DER)
    return device


def foreign(device):
    """A certificate of its key and name, by an authority of the thief's."""
    ca = ec.generate_private_key(ec.SECP256R1())
    was = device.idevid
    builder = x509.CertificateBuilder().subject_name(was.subject).issuer_name(was.issuer).public_key(device.key.public_key())
    builder = builder.serial_number(was.serial_number).not_valid_before(was.not_valid_before).not_valid_after(was.not_valid_after)
    return builder.sign(ca, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def ask(signd, *items, **changes):
    with signd.connect() as client:
        status, headers, said = client.post(request(**({"kind": "rows", "role": "registry", "reason": "statements",
                                                        "body": {"items": [item.hex() for item in items]}} | changes)))
    return status, json.loads(said), headers


def rows(signd, key, *items):
    """A row, or the word, of each."""
    status, said, _ = ask(signd, *items)
    assert status == 200 and len(said["rows"]) == len(items), said
    return [Row(bytes.fromhex(it), key.plain()) if len(it) == 512 else it for it in said["rows"]]


def test_the_life_of_a_device(signd, scene, key):
    device = enrolled(signd, scene)
    first, second, third = agree(), agree(), agree()
    row, = rows(signd, key, anew(device, 1, first) + device.der)
    assert (row.id, row.identity, row.agree) == (device.id, point(device.key), point(first))
    assert (row.counter, row.flags, row.proved) == (1, 0, (0,) * 8)
    # the next key with a proof; the same key proves more; the same item gives the same row
    item = row.data + proved(device, 2, second, 3, 7)
    row, again = rows(signd, key, item, item)
    assert row.data == again.data and (row.counter, row.agree, row.proved) == (2, point(second), (0, 0, 7, 0, 0, 0, 0, 0))
    row, = rows(signd, key, row.data + proved(device, 2, second, 1, 2))
    assert (row.counter, row.proved) == (2, (2, 0, 7, 0, 0, 0, 0, 0))
    old = row.data
    # its keys are lost
    row, = rows(signd, key, row.data + anew(device, 3, third))
    assert (row.counter, row.agree, row.proved) == (3, point(third), (0,) * 8)
    row, = rows(signd, key, row.data + gone(device, 9))
    assert row.flags == 1
    assert rows(signd, key, row.data + proved(device, 4, first, 1, 9), old + anew(device, 3, second)) != ["gone", "gone"]
    assert rows(signd, key, row.data + proved(device, 4, first, 1, 9)) == ["gone"]


def test_the_log_has_it_first(signd, scene, key):
    device = enrolled(signd, scene)
    item = anew(device, 1, agree()) + device.der
    status, said, _ = ask(signd, item, item)
    assert status == 200
    leaf = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
    batch = b"ROTAITM\x01" + struct.pack("<I", 2) + 2 * (struct.pack("<I", len(item)) + item)
    assert (leaf["kind"], leaf["role"], leaf["version"], leaf["message"]) == ("ROWS", "registry", 2, hashlib.sha256(batch).hexdigest())
    assert not key.plain() in b"".join(path.read_bytes() for path in signd.state.rglob("*") if path.is_file())


def test_who_has_the_server(signd, scene, key):
    """All rows, statements and certificates, and no key of a device."""
    device, other = enrolled(signd, scene), enrolled(signd, scene, "SN-0002")
    mine, theirs, new = agree(), agree(), agree()
    thief = Device("SN-0666")
    thief.id = device.id
    a, b = rows(signd, key, anew(device, 1, mine) + device.der, anew(other, 1, theirs) + other.der)
    mixed = a.data[:113] + b.data[113:178] + a.data[178:]
    product = a.data[:8] + hashlib.sha256(b"motor").digest()[:8] + a.data[16:]
    second, = rows(signd, key, a.data + proved(device, 2, new, 3, 7))
    cases = {
        "signature": [
            a.data + proved(device, 2, new, 3, 7, by=thief.key),  # a statement that the device never made
            anew(thief, 1, mine) + device.der,  # or of its first key
            b.data + proved(device, 2, new, 3, 7),
            mixed + proved(device, 2, new, 3, 7),
            product + proved(device, 2, new, 3, 7),
            bytes([*a.data[:-1], a.data[-1] ^ 1]) + proved(device, 2, new, 3, 7),
            anew(device, 1, mine) + foreign(device),  # a certificate of another authority
        ],
        "device": [b.data + proved(device, 2, new, 3, 7, by=other.key), anew(device, 1, mine) + other.der],
        "counter": [
            second.data + proved(device, 3, new, 3, 8),  # the point that it has under the next number
            second.data + proved(device, 2, mine, 3, 8),  # another one under its number
            a.data + proved(device, 3, new, 3, 7),
            second.data + anew(device, 1, mine),  # a replay
            anew(device, 2, mine) + device.der,
        ],
        "generation": [second.data + proved(device, 3, theirs, 3, 6)],
        "kind": [a.data + statement(device, 2, 5, b"\0")],
        "format": [a.data + proved(device, 2, device.key, 3, 7), a.data + b"nonsense", b"x", a.data + proved(device, 2, new, 3, 7) + b"\0"],
    }
    for word, items in cases.items():
        assert rows(signd, key, *items) == [word] * len(items)
    for at in range(0, 256, 5):
        bad = bytearray(a.data)
        bad[at] ^= 1
        assert isinstance(rows(signd, key, bytes(bad) + proved(device, 2, new, 3, 7))[0], str)


def test_who_may_ask(signd, scene):
    device = enrolled(signd, scene)
    item = anew(device, 1, agree()) + device.der
    assert ask(signd, item, role="time")[1]["code"] == "kind"
    assert ask(signd, item, scope="motor")[1]["code"] == "role"
    assert ask(signd, item, files={"a": "b"})[1]["code"] == "member"
    assert ask(signd)[1]["code"] == "member"
    assert ask(signd, *[b"x"] * 1025)[1]["code"] == "member"
    assert ask(signd, bytes(2817))[1]["code"] == "member"


def test_a_thousand_at_once_and_the_rate_counts_them(scene, key, tmp_path):
    put_online(scene)
    with Signd(tmp_path, scene.dir, more=RULES + key.ini() + ROWS.format(rate="1500/24h")) as signd:
        device = enrolled(signd, scene)
        items = [anew(device, 1, agree()) + device.der] * 1024
        assert all(isinstance(row, Row) for row in rows(signd, key, *items))
        status, said, headers = ask(signd, *items)
        assert (status, said["code"]) == (429, "rate") and int(headers["Retry-After"]) > 0
        assert len(rows(signd, key, *items[:400])) == 400


def test_the_registrar_ends_and_is_started_anew(signd, scene, key):
    device = enrolled(signd, scene)
    item = anew(device, 1, agree()) + device.der
    was, = signd.pids("signd-rows")
    os.kill(was, signal.SIGKILL)
    while was in signd.pids("signd-rows"):  # what it takes while it dies is lost, and its client comes again
        time.sleep(0.005)
    assert isinstance(rows(signd, key, item)[0], Row)  # it waits for the next one
    signd.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60 * PATIENCE
    while signd.said().count("ready on") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert isinstance(rows(signd, key, item)[0], Row)


@pytest.mark.parametrize("change, said", [
    (lambda ini, folder: ini.replace("label = seald", "label = other"), "other"),
    (lambda ini, folder: ini.replace("state/registry.key", "state/book.key"), "sealed here"),
    (lambda ini, folder: ini.replace("state/registry.key", "state/none.key"), "none.key"),
])
def test_without_its_key_nothing_starts(scene, key, tmp_path, change, said):
    put_online(scene)
    assert said in Signd(tmp_path, scene.dir, more=RULES + change(key.ini(), key.folder) + ROWS.format(rate="1/1s")).start(status=1)


def test_a_pin_that_is_refused_is_not_tried_again(scene, key, tmp_path):
    put_online(scene)
    (tmp_path / "pin").write_text("31415926\n", encoding="ascii")
    (tmp_path / "pin").chmod(0o600)
    ini = key.ini().replace(f"{key.folder}/pin", f"{tmp_path}/pin")
    assert "PIN" in Signd(tmp_path, scene.dir, more=RULES + ini + ROWS.format(rate="1/1s")).start(status=3)
