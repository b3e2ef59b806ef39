# SPDX-License-Identifier: Apache-2.0
"""The time for devices, signed by the signing daemon, through rotad (SPEC 13.5, 5.5)."""
import json
import os
import shutil
import struct
import threading

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from authority import made  # noqa: F401 - fixtures
from pki import DEVICE
from rotadproc import make  # noqa: F401 - fixtures
from signd import Signd, digest_of_time

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

NONCE = "0f" * 16


@pytest.fixture(name="pair")
def make_pair(made, make, tmp_path):  # noqa: F811
    """A daemon, not started, and a rotad that asks it."""
    shutil.copytree(made.dir, tmp_path / "authority")
    rotad = make()
    signd = Signd(rotad.dir, tmp_path / "authority", rate="5/1h")
    rotad.ini.write_text(rotad.ini.read_text() + f"[time]\nsignd = {signd.socket}\nproduct = sensor\n")
    rotad.start()
    yield signd, rotad
    if signd.process and signd.process.poll() is None:
        signd.stop()


def ask(rotad, body=json.dumps({"nonce": NONCE}), **more):
    return rotad.post(body, target="/api/v1/time", **more)


def verified(authority, told, device, nonce):
    """By a key that targets gives to the role `time`."""
    seconds, = struct.unpack("<Q", told[:8])
    alg, key_len = struct.unpack("<BH", told[8:11])
    point, rest = told[11:11 + key_len], told[11 + key_len:]
    sig_len, = struct.unpack("<H", rest[:2])
    assert len(rest) == 2 + sig_len and sig_len == 64 and key_len == 65 and alg == 1
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    targets = json.loads((authority / "repo/metadata/1.targets.json").read_text())["signed"]["delegations"]
    ids = next(role["keyids"] for role in targets["roles"] if role["name"] == "time")
    pems = [targets["keys"][one]["keyval"]["public"] for one in ids]
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    assert key.public_bytes(serialization.Encoding.PEM, form).decode().strip() in [pem.strip() for pem in pems]
    r, s = (int.from_bytes(part, "big") for part in (rest[2:34], rest[34:66]))
    try:
        key.verify(utils.encode_dss_signature(r, s), digest_of_time(device, nonce, seconds),
                   ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return True
    except InvalidSignature:
        return False


def test_a_device_is_told_the_time(pair):
    signd, rotad = pair
    signd.start()
    status, told = ask(rotad)
    assert status == 200 and verified(signd.authority, told, DEVICE, NONCE)
    assert not verified(signd.authority, told, "cd" * 32, NONCE)
    assert rotad.metric("times_total") == 1


def test_without_a_daemon_the_device_comes_again(pair):
    signd, rotad = pair
    assert ask(rotad)[0] == 503
    signd.start()
    assert ask(rotad)[0] == 200
    signd.stop()
    assert ask(rotad)[0] == 503
    assert (rotad.dir / "log").read_text().count("no signing daemon") in (1, 2)  # each worker says it once


def test_a_refusal_is_said_once(pair):
    signd, rotad = pair
    signd.start()
    assert [ask(rotad)[0] for _ in range(8)] == [200] * 5 + [503] * 3
    assert (rotad.dir / "log").read_text().count("refuses it: rate") <= 2  # each worker says it once


def test_many_at_once(pair):
    signd, rotad = pair
    signd.config.write_text(signd.config.read_text().replace("5/1h", "36000/1h"))
    signd.start()
    got = []
    threads = [threading.Thread(target=lambda: got.append(ask(rotad)[0])) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(got) <= {200, 503} and 200 in got
    assert rotad.stop() == 0


BAD = [
    (400, {"body": "{}"}),
    (400, {"body": ""}),
    (400, {"body": json.dumps({"nonce": NONCE[2:]})}),
    (400, {"body": json.dumps({"nonce": "xx" * 16})}),
    (400, {"body": json.dumps({"nonce": NONCE, "device": DEVICE})}),
]


@pytest.mark.parametrize("status, more", BAD)
def test_what_is_no_question(pair, status, more):
    assert ask(pair[1], **more)[0] == status


def test_a_stranger_is_told_nothing(pair):
    signd, rotad = pair
    signd.start()
    assert ask(rotad, cert=rotad.ca.issue("x" * 64)[1])[0] == 403


def test_where_no_time_is_signed(make):  # noqa: F811
    assert ask(make().start())[0] == 404


def test_a_daemon_that_does_not_answer_is_cut(pair):
    """It listens, and says nothing."""
    import socket
    signd, rotad = pair
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(signd.socket))
        deaf.listen()
        assert ask(rotad)[0] == 503
    assert "does not answer" in (rotad.dir / "log").read_text()
    os.unlink(signd.socket)
