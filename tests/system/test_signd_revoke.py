# SPDX-License-Identifier: Apache-2.0
"""Devices and certificates that are over (SPEC 19.10, 19.11, 29.5, 29.7, 29.8): nothing is issued for them, the authority's list has them, and who answers
OCSP for it gets a certificate for that."""
import datetime
import hashlib
import json
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from asks import make_base, make_scene  # noqa: F401 - fixtures
from authority import made  # noqa: F401 - fixtures
from signd import Signd, request
from test_signd_certificate import Device, asked, born, ca_of, put_online, signed, verified
from test_signd_wait import ANNA, OFFICERS, get

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

ROLES = ("device-ca", "operational-ca")
RULES = "".join(f"""
[rule {role}]
who = me
scope = sensor
role = {role}
kinds = certificate crl ocsp {"revoke" if role == "operational-ca" else ""}
""" for role in ROLES)
REVOKE = "[rule revoke]\nwho = me\nscope = sensor\nrole = device-ca\nkinds = revoke\n"
URLS = "[scope sensor]\nocsp_url = http://ocsp.example.com/ocsp\ncrl_url = http://crl.example.com/sensor.crl\n"


def with_urls(signd):
    signd.config.write_text(signd.config.read_text().replace("[scope sensor]\n", URLS))
    return signd


@pytest.fixture(name="signd")
def run_signd(scene):
    put_online(scene)
    with with_urls(Signd(scene.folder, scene.dir, more=RULES + REVOKE)) as it:
        yield it


def enrolled(signd, scene, serial="SN-0001"):
    device = Device(serial)
    born(signd, scene, device)
    device.id = device.ident(ca_of(scene, "device-ca"))
    return device


def nonce(signd, device):
    return bytes.fromhex(get(signd, f"/v1/nonce/sensor/{device.id.hex()}")[1]["nonce"])


def login(signd, device, **changes):
    """Status, answer, certificate, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    return *asked(signd, device.login(device.id, nonce(signd, device), key=key, **changes)), key


def renewed(signd, device, cert, key):
    """The same, endorsed by the LDevID that it has."""
    fresh = ec.generate_private_key(ec.SECP256R1())
    body = device.login(device.id, n := nonce(signd, device), key=fresh)
    text = b"rota-est-v1" + n + hashlib.sha256(bytes.fromhex(body["csr"])).digest() + device.id
    body |= {"endorsement": (b"\x02" + n + signed(key, text)).hex(), "ldevid": cert.public_bytes(serialization.Encoding.DER).hex()}
    return asked(signd, body)


def ask(signd, kind, role, body):
    with signd.connect() as client:
        status, headers, said = client.post(request(kind=kind, role=role, body=body, reason="it is over"))
    return status, json.loads(said), headers


def serial_of(cert):
    return cert.serial_number.to_bytes(16, "big").hex()


def revoke(signd, role, device, cert):
    return ask(signd, "revoke", role, {"device": device.id.hex(), "serial": serial_of(cert)})[:2]


def crl(signd, scene, role):
    """The numbers of the list, and the serials on it; OpenSSL takes it."""
    status, said, _ = ask(signd, "crl", role, {})
    assert status == 200, said
    got, ca = x509.load_der_x509_crl(bytes.fromhex(said["der"])), ca_of(scene, role)
    assert got.is_signature_valid(ca.public_key()) and got.issuer == ca.subject
    path = scene.folder / "crl.pem"
    path.write_bytes(got.public_bytes(serialization.Encoding.PEM))
    said = subprocess.run(["openssl", "crl", "-in", path, "-noout", "-CAfile", scene.dir / f"ca/{role}.pem"], capture_output=True, text=True, check=True)
    assert "verify OK" in said.stderr
    number = got.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert got.next_update - got.last_update == datetime.timedelta(days=7)
    return number, [one.serial_number for one in got]


def test_a_certificate_is_over(signd, scene):
    device, other = enrolled(signd, scene), enrolled(signd, scene, "SN-0002")
    _, _, cert, key = login(signd, device)
    _, _, theirs, _ = login(signd, other)
    assert cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name[0].value == "http://crl.example.com/sensor.crl"
    access = cert.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value[0]
    assert (access.access_method, access.access_location.value) == (AuthorityInformationAccessOID.OCSP, "http://ocsp.example.com/ocsp")
    assert crl(signd, scene, "operational-ca") == (1, [])
    assert renewed(signd, device, cert, key)[0] == 200
    status, said = revoke(signd, "operational-ca", device, cert)
    assert status == 200, said
    leaf = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
    assert (leaf["kind"], leaf["role"], leaf["digest"]) == ("REVOKED", "operational-ca", device.id.hex())
    assert revoke(signd, "operational-ca", device, cert)[1]["code"] == "replay"
    for _ in range(2):
        assert renewed(signd, device, cert, key)[1]["code"] == "revoked"
        assert login(signd, device)[0] == 200  # its IDevID may
        number, serials = crl(signd, scene, "operational-ca")
        assert serials == [cert.serial_number] != [theirs.serial_number]
        signd.stop()
        signd.start()
    assert number == 3 and crl(signd, scene, "operational-ca")[0] == 4


def test_a_device_is_over(signd, scene):
    device, other = enrolled(signd, scene), enrolled(signd, scene, "SN-0002")
    certs = [login(signd, device)[2] for _ in range(3)]
    _, _, theirs, _ = login(signd, other)
    assert revoke(signd, "device-ca", device, other.idevid)[1]["code"] == "identity"
    assert revoke(signd, "device-ca", device, device.idevid)[0] == 200
    for _ in range(2):
        assert login(signd, device)[1]["code"] == asked(signd, device.birth())[1]["code"] == "revoked"
        assert login(signd, other)[0] == 200
        assert crl(signd, scene, "device-ca")[1] == [device.idevid.serial_number]
        assert crl(signd, scene, "operational-ca")[1] == [cert.serial_number for cert in certs]
        signd.stop()
        signd.start()
    assert revoke(signd, "operational-ca", device, certs[0])[1]["code"] == "replay"
    assert revoke(signd, "operational-ca", other, theirs)[0] == 200
    assert len(crl(signd, scene, "operational-ca")[1]) == 4


def test_revocations_that_are_none(signd, scene):
    device = enrolled(signd, scene)
    good = {"device": device.id.hex(), "serial": serial_of(device.idevid)}
    for change in ({"serial": ""}, {"serial": "00" + good["serial"]}, {"serial": "80"}, {"serial": "00"}, {"serial": "zz"}, {"serial": "01" * 21},
                   {"device": "00"}):
        assert ask(signd, "revoke", "device-ca", good | change)[1]["code"] == "member", change
    assert ask(signd, "revoke", "device-ca", good | {"more": 1})[1]["code"] == "member"
    assert ask(signd, "crl", "device-ca", {"more": 1})[1]["code"] == "member"
    assert ask(signd, "crl", "time", {})[1]["code"] == "kind"


def test_an_officer_approves(scene, tmp_path):
    put_online(scene)
    rule = REVOKE + "approvals = 1\napprovers = anna\n" + OFFICERS
    with Signd(tmp_path, scene.dir, more=RULES + rule) as signd:
        device = enrolled(signd, scene)
        body = request(kind="revoke", role="device-ca", body={"device": device.id.hex(), "serial": serial_of(device.idevid)}, reason="stolen")
        with signd.connect() as client:
            assert client.post(body)[0] == 202
            assert login(signd, device)[0] == 200
            assert client.post(ANNA.approval(hashlib.sha256(body).hexdigest()), "/v1/approve")[0] == 202
            assert client.post(body)[0] == 200
        assert login(signd, device)[1]["code"] == "revoked"
        assert crl(signd, scene, "device-ca")[1] == [device.idevid.serial_number]


def test_a_device_asks_without_end(signd, scene):
    device, other = enrolled(signd, scene), enrolled(signd, scene, "SN-0002")
    day = datetime.datetime.now(datetime.timezone.utc).date()
    for _ in range(8):
        assert login(signd, device)[0] == 200
    signd.stop()
    signd.start()
    status, said = login(signd, device)[:2]
    if datetime.datetime.now(datetime.timezone.utc).date() == day:  # else midnight came in between
        assert (status, said["code"]) == (429, "rate")
    assert login(signd, other)[0] == 200


def test_who_answers_ocsp(signd, scene):
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    der = csr.public_bytes(serialization.Encoding.DER)
    for role in ROLES:
        status, said, _ = ask(signd, "ocsp", role, {"csr": der.hex()})
        assert status == 200, said
        cert = verified(x509.load_der_x509_certificate(bytes.fromhex(said["der"])), ca_of(scene, role))
        assert cert.public_key().public_numbers() == key.public_key().public_numbers()
        assert list(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.OCSP_SIGNING]
        assert cert.extensions.get_extension_for_class(x509.OCSPNoCheck)
        assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert (cert.not_valid_after - cert.not_valid_before).days == 90
        leaf = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
        assert (leaf["kind"], leaf["role"], leaf["digest"]) == ("RESPONDER", role, "00" * 32)
    assert ask(signd, "ocsp", "device-ca", {"csr": (der[:-1] + bytes([der[-1] ^ 1])).hex()})[1]["code"] == "member"
    # it is nobody's birth: another device may have its name
    assert enrolled(signd, scene, "sensor-ocsp")
    signd.stop()
    signd.start()
    assert enrolled(signd, scene, "SN-0009")


@pytest.mark.parametrize("setting", ["ocsp_url = ftp://x", "crl_url = http://a b"])
def test_urls_that_are_none(scene, tmp_path, setting):
    put_online(scene)
    it = Signd(tmp_path, scene.dir, more=RULES)
    it.config.write_text(it.config.read_text().replace("[scope sensor]\n", f"[scope sensor]\n{setting}\n"))
    assert "is no URL" in it.start(status=1)
