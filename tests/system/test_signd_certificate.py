# SPDX-License-Identifier: Apache-2.0
"""Certificates of devices from the signing daemon (SPEC 19.8, 29): a device is born, gets a certificate for its logins, and nobody gets
one in its name."""
import hashlib
import json
import os
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from asks import make_base, make_scene  # noqa: F401 - fixtures
from authority import made  # noqa: F401 - fixtures
from signd import Signd, request
from test_signd_wait import get

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

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


def point(key):
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def signed(key, data):
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Device:
    def __init__(self, serial="SN-0001"):
        self.serial, self.key = serial, ec.generate_private_key(ec.SECP256R1())
        self.agree = point(ec.generate_private_key(ec.SECP256R1()))
        self.idevid = None

    def birth(self, **changes):
        """What it answers to MAKE, as a request."""
        nonce = os.urandom(32)
        body = point(self.key) + self.agree + bytes([len(self.serial)]) + self.serial.encode()
        body += signed(self.key, b"rota-factory-v1" + nonce + body)
        return {"csr": body.hex(), "endorsement": nonce.hex(), "identity": "", "ldevid": "", "party": "device-ca"} | changes

    def ident(self, ca):
        number = self.idevid.serial_number.to_bytes(16, "big")
        spki = ca.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki + number).digest()

    def login(self, ident, nonce, key=None, by=None, **changes):
        key = key or ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
        csr = csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        endorsement = b"\x01" + nonce + signed(by or self.key, b"rota-est-v1" + nonce + hashlib.sha256(csr).digest() + ident)
        der = self.idevid.public_bytes(serialization.Encoding.DER)
        return {"csr": csr.hex(), "endorsement": endorsement.hex(), "identity": der.hex(), "ldevid": "",
                "party": "operational-ca"} | changes


def asked(signd, body, role=None):
    with signd.connect() as client:
        status, _, said = client.post(request(kind="certificate", role=role or body["party"], body=body, reason="a device asks"))
    said = json.loads(said)
    return status, said, x509.load_der_x509_certificate(bytes.fromhex(said["der"])) if "der" in said else None


def ca_of(scene, name):
    return x509.load_pem_x509_certificate((scene.dir / f"ca/{name}.pem").read_bytes())


def verified(cert, ca):
    ca.public_key().verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    assert cert.issuer == ca.subject
    return cert


def put_online(scene):
    """The token of its authorities."""
    ini = scene.dir / "rota.ini"
    head, tail = ini.read_text().split("[token ca]\n", 1)
    ini.write_text(f"{head}[token ca]\nonline = yes\n{tail.replace('online = no' + chr(10), '', 1) if tail.split('[')[0].count('online') else tail}")


@pytest.fixture(name="signd")
def run_signd(scene):
    put_online(scene)
    with Signd(scene.folder, scene.dir, more=RULES) as it:
        yield it


def born(signd, scene, device):
    status, said, cert = asked(signd, device.birth())
    assert status == 200, said
    device.idevid = verified(cert, ca_of(scene, "device-ca"))
    return said


def test_a_device_is_born_and_logs_in(signd, scene, tmp_path):
    device = Device()
    said = born(signd, scene, device)
    assert device.idevid.subject.rfc4514_string().endswith("SN-0001")
    ident = device.ident(ca_of(scene, "device-ca"))
    leaf = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
    assert (leaf["kind"], leaf["role"], leaf["digest"]) == ("ISSUED", "device-ca", ident.hex())
    # an answer that was lost: the same certificate, but for its signature
    assert asked(signd, device.birth())[2].tbs_certificate_bytes == device.idevid.tbs_certificate_bytes
    nonce = bytes.fromhex(get(signd, f"/v1/nonce/sensor/{ident.hex()}")[1]["nonce"])
    status, said, cert = asked(signd, device.login(ident, nonce))
    assert status == 200, said
    verified(cert, ca_of(scene, "operational-ca"))
    assert cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == ident.hex()
    assert (cert.not_valid_after - cert.not_valid_before).days == 30
    (tmp_path / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", scene.dir / "ca/operational-ca.pem",
                    tmp_path / "cert.pem"], check=True)


def test_nobody_is_born_twice(signd, scene):
    device = Device()
    born(signd, scene, device)
    assert asked(signd, Device().birth())[1]["code"] == "replay"
    device.serial = "SN-0002"
    assert asked(signd, device.birth())[1]["code"] == "replay"
    signd.stop()
    signd.start()
    assert asked(signd, device.birth())[1]["code"] == "replay"
    device.serial = "SN-0001"
    assert asked(signd, device.birth())[0] == 200


def test_refused(signd, scene):
    device, thief = Device(), Device("SN-0666")
    born(signd, scene, device)
    born(signd, scene, thief)
    ident = device.ident(ca_of(scene, "device-ca"))
    nonce = bytes.fromhex(get(signd, f"/v1/nonce/sensor/{ident.hex()}")[1]["nonce"])
    good = device.login(ident, nonce)
    for code, body in [("identity", device.login(ident, nonce, by=thief.key)), ("identity", device.login(ident, bytes(32))),
                       ("identity", good | {"csr": thief.login(ident, nonce)["csr"]}), ("member", good | {"csr": "00"}),
                       ("identity", good | {"identity": thief.login(ident, nonce)["identity"]})]:
        status, said, _ = asked(signd, body)
        assert (status, said["code"]) == (403, code), said
    assert asked(signd, good, role="device-ca")[1]["code"] == "member"
    assert get(signd, "/v1/nonce/sensor/xyz")[0] == get(signd, f"/v1/nonce/motor/{ident.hex()}")[0] == 404
    signd.stop()
    signd.start()  # with another secret
    assert asked(signd, good)[1]["code"] == "identity"
