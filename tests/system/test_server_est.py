# SPDX-License-Identifier: Apache-2.0
"""Certificates for devices over EST (RFC 7030; SPEC 29.6): rotad carries, the signing daemon judges. OpenSSL reads what comes."""
import base64
import hashlib
import os
import shutil
import socket
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from asks import make_base, make_scene  # noqa: F401 - fixtures
from authority import made  # noqa: F401 - fixtures
from conftest import PATIENCE
from pki import PEM, escaped
from rotadproc import make  # noqa: F401 - fixtures
from signd import Signd
from test_signd_certificate import RULES, Device, asked, ca_of, signed, verified

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
EST = "/.well-known/est/"


class Est:
    """A daemon that issues, and a rotad that asks it."""

    def __init__(self, scene, rotad):
        ini = scene.dir / "rota.ini"
        head, tail = ini.read_text().split("[token ca]\n", 1)
        tail = tail.replace("online = no\n", "", 1) if "online" in tail.split("[")[0] else tail
        ini.write_text(f"{head}[token ca]\nonline = yes\n{tail}")
        self.signd, self.rotad = Signd(scene.folder, scene.dir, more=RULES), rotad
        self.device_ca, self.operational_ca = ca_of(scene, "device-ca"), ca_of(scene, "operational-ca")
        (rotad.dir / "ca.pem").write_bytes(self.operational_ca.public_bytes(PEM))
        (rotad.dir / "device-ca.pem").write_bytes(self.device_ca.public_bytes(PEM))
        text = rotad.ini.read_text().replace("[identity]\n", f"[identity]\ndevice_ca = {rotad.dir}/device-ca.pem\n")
        rotad.ini.write_text(f"{text}[signd]\nsocket = {self.signd.socket}\nproduct = sensor\n")
        self.signd.start()
        rotad.start()

    def born(self, serial="SN-0001"):
        device = Device(serial)
        status, said, device.idevid = asked(self.signd, device.birth())
        assert status == 200, said
        device.id = device.ident(self.device_ca)
        device.cert = device.idevid.public_bytes(PEM)
        return device

    def get(self, what, cert):
        return self.rotad.get(EST + what, cert=cert)

    def enrol(self, device, verb="simpleenroll", key=None, by=None, cert=None, nonce=None, kind=1, csr=None, headers=""):
        """(status, certificate or sentence)."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        cert = cert or device.cert
        nonce = nonce or bytes.fromhex(self.get("nonce", cert)[1].decode())
        der = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        der = der.public_bytes(serialization.Encoding.DER)
        proof = bytes([kind]) + nonce + signed(by or device.key, b"rota-est-v1" + nonce + hashlib.sha256(der).digest() + device.id)
        body = csr if csr is not None else base64.encodebytes(der)
        head = (f"POST {EST}{verb} HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkcs10\r\nX-Rota-Client-Cert: {escaped(cert)}\r\n"
                f"X-Rota-Endorsement: {proof.hex()}\r\n{headers}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n")
        head, _, rest = self.rotad.raw(head.encode() + body).partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status != 200:
            return status, rest
        assert b"application/pkcs7-mime; smime-type=certs-only" in head and b"Content-Transfer-Encoding: base64" in head
        got, = pkcs7.load_der_pkcs7_certificates(base64.decodebytes(rest))
        assert got.public_key().public_numbers() == key.public_key().public_numbers()
        return status, got


@pytest.fixture(name="est")
def make_est(scene, make):  # noqa: F811
    it = Est(scene, make())
    yield it
    if it.signd.process.poll() is None:
        it.signd.stop()


def test_a_device_enrols_and_renews(est, tmp_path):
    device = est.born()
    key = ec.generate_private_key(ec.SECP256R1())
    status, first = est.enrol(device, key=key)
    assert status == 200
    verified(first, est.operational_ca)
    assert first.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == device.id.hex()
    login = first.public_bytes(PEM)
    assert est.rotad.post('{"events":[{"at":null,"event":"started","seq":1}]}', cert=login)[0] == 200
    idevid = f"X-Rota-IDevID: {device.idevid.public_bytes(serialization.Encoding.DER).hex()}\r\n"
    status, second = est.enrol(device, "simplereenroll", cert=login, by=key, kind=2, headers=idevid)
    assert status == 200, second
    assert verified(second, est.operational_ca).subject == first.subject and second.serial_number != first.serial_number
    assert est.enrol(device, "simplereenroll")[0] == 200  # after expiry: its IDevID may always
    (tmp_path / "c.pem").write_bytes(second.public_bytes(PEM))
    (tmp_path / "ca.pem").write_bytes(est.operational_ca.public_bytes(PEM))
    subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", tmp_path / "ca.pem", tmp_path / "c.pem"],
                   check=True)


def test_openssl_reads_the_cas(est):
    status, body = est.get("cacerts", est.rotad.cert)
    assert status == 200
    text = b"-----BEGIN PKCS7-----\n" + body + b"-----END PKCS7-----\n"
    out = subprocess.run(["openssl", "pkcs7", "-print_certs"], input=text, capture_output=True, check=True).stdout
    assert x509.load_pem_x509_certificate(out[out.index(b"-----BEGIN"):]) == est.operational_ca


def test_who_gets_none(est):
    device, thief = est.born(), est.born("SN-0666")
    rows = {
        "endorsed by another device": est.enrol(device, by=thief.key),
        "another device's nonce": est.enrol(device, nonce=bytes.fromhex(est.get("nonce", thief.cert)[1].decode())),
        "a nonce of one's own": est.enrol(device, nonce=os.urandom(32)),
        "the identity's key again": est.enrol(device, key=device.key),
        "an LDevID that there is not": est.enrol(device, kind=2),
    }
    for why, (status, said) in rows.items():
        assert status == 403, (why, said)
    assert est.enrol(device, cert=est.rotad.cert, nonce=bytes(32))[0] == 403  # of a CA that nobody knows
    assert est.get("nonce", est.rotad.cert)[0] == 403


def test_what_is_no_request(est):
    device = est.born()
    idevid = f"X-Rota-IDevID: {device.idevid.public_bytes(serialization.Encoding.DER).hex()}\r\n"
    for why, more in {"nothing": {"csr": b""}, "no base64": {"csr": b"?" * 40}, "too long": {"csr": b"A" * 9000},
                      "the IDevID twice": {"headers": idevid}}.items():
        assert est.enrol(device, **more)[0] == 400, why
    login = est.enrol(device)[1].public_bytes(PEM)
    assert est.enrol(device, cert=login)[0] == 400  # and the IDevID never
    assert est.get("simpleenroll", device.cert)[0] == 405


def test_a_device_that_asks_too_often_waits_alone(est):
    device, other = est.born(), est.born("SN-0002")
    assert [est.enrol(device)[0] for _ in range(9)] == [200] * 8 + [429]
    assert est.enrol(other)[0] == 200


def test_a_daemon_that_is_busy_refuses_nobody(est):
    """It has 48 connections of one user: to the next one it says a bare status, and nothing about the device."""
    device = est.born()
    nonce = bytes.fromhex(est.get("nonce", device.cert)[1].decode())
    est.rotad.stop()
    est.rotad.start()
    held = []
    try:
        for _ in range(48):
            held.append(socket.socket(socket.AF_UNIX))
            held[-1].connect(str(est.signd.socket))
        time.sleep(0.2)
        assert est.enrol(device, nonce=nonce)[0] == 503
    finally:
        for one in held:
            one.close()
    deadline = time.monotonic() + 30 * PATIENCE
    while (status := est.enrol(device)[0]) == 503 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status == 200


def test_without_a_daemon(est, make):  # noqa: F811
    device = est.born()
    nonce = bytes.fromhex(est.get("nonce", device.cert)[1].decode())
    est.signd.stop()
    assert est.enrol(device, nonce=nonce)[0] == 503
    assert est.get("nonce", device.cert)[0] == 503
    assert (est.rotad.dir / "log").read_text().count("est: ") == 1
    est.signd.start()
    assert est.enrol(device)[0] == 200
    assert make().start().get(EST + "nonce")[0] == 404
