# SPDX-License-Identifier: Apache-2.0
"""What people and the factory write into the registry, on a socket of its own (SPEC 30.9)."""
import datetime
import hashlib
import json
import os
import socket
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from journalfile import Device, text
from pki import Ca
from rotadproc import EVENT, make  # noqa: F401 - a fixture


class Desk:
    """A rotad with an operators' socket, and a device CA that it knows."""

    def __init__(self, rotad, users=""):
        self.rotad, self.ca = rotad, Ca("Device CA")
        self.socket = str(rotad.dir / "desk")
        (rotad.dir / "device-ca.pem").write_bytes(self.ca.pem())
        ini = rotad.ini.read_text().replace("[identity]\n", f"[identity]\ndevice_ca = {rotad.dir}/device-ca.pem\n")
        rotad.ini.write_text(f"{ini}[operators]\nsocket = {self.socket}\n{users}\n")
        rotad.start()

    def post(self, path, body, method="POST"):
        body = json.dumps(body, sort_keys=True, separators=(",", ":")).encode() if isinstance(body, dict) else body
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.socket)
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = self.rotad.rest(s)
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(rest) if rest else None

    def device(self, number, ca=None):
        """One whose id follows from its certificate (SPEC 1.1)."""
        device, ca = Device(number), ca or self.ca
        name = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, device.serial)])
        cert = (x509.CertificateBuilder().subject_name(name).issuer_name(ca.cert.subject).public_key(device.key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(datetime.datetime(2026, 1, 1))
                .not_valid_after(datetime.datetime(9999, 12, 31)).sign(ca.key, hashes.SHA256()))
        spki = self.ca.cert.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        number = cert.serial_number
        device.id = hashlib.sha256(spki + number.to_bytes(number.bit_length() // 8 + 1, "big")).digest()
        device.birth = device.row() + cert.public_bytes(serialization.Encoding.DER)
        return device

    def enrol(self, device, as_=None):
        return self.post(f"/v1/record/enrol/{(as_ or device).id.hex()}", device.birth)


@pytest.fixture(name="desk")
def make_desk(make):  # noqa: F811
    return Desk(make())


def body(**members):
    return json.loads(text(9, b"", **members)[2])


def test_a_device_is_enrolled_edited_and_goes(desk):
    device = desk.device(1)
    ident = device.id.hex()
    assert desk.enrol(device) == (200, {"record": 1, "result": "taken"})
    assert desk.rotad.rows("SELECT id, state, serial FROM registry") == [(ident, 1, "SN-1")]
    assert desk.enrol(device) == (200, {"record": None, "result": "repeated"})
    assert desk.post(f"/v1/record/edit/{ident}", body(group="lab")) == (200, {"record": 2, "result": "taken"})
    assert desk.rotad.rows('SELECT "group" FROM registry') == [("lab",)]
    assert desk.post(f"/v1/record/owner/{ident}", body(owner="ben"))[0] == 200
    assert desk.post(f"/v1/record/edit/{ident}", body(group="lab"))[0] == 404
    device.counter = 2
    device.birth = device.row() + device.birth[256:]
    assert desk.enrol(device)[0] == 200  # by its new owner
    assert [r["type"] for r in desk.rotad.dump()] == ["enrol", "edit", "owner", "enrol"]


def test_a_campaign_goes_its_way(desk):
    asked = body(campaign="11" * 32, did="requested", name="autumn", product="sensor", purpose="storage", generation=2,
                 activation=1800000000, overlap_s=0, expected=5, emergency=False)
    step = body(campaign="11" * 32, did="approved")
    assert desk.post("/v1/record/campaign", step)[0] == 404
    assert desk.post("/v1/record/campaign", asked)[0] == 200
    assert desk.post("/v1/record/campaign", step | {"did": "sealed"}) == (409, {"result": "stale"})
    assert desk.post("/v1/record/campaign", step)[0] == 200
    assert desk.rotad.rows("SELECT name, state FROM key_campaigns") == [("autumn", 2)]


def test_refused(desk):
    device, other = desk.device(1), desk.device(2)
    foreign = desk.device(3, Ca("Device CA"))
    for why, status, got in [
            ("another device's certificate", 403, desk.enrol(device, other)),
            ("of another CA", 403, desk.enrol(foreign)),
            ("no certificate", 403, desk.post(f"/v1/record/enrol/{device.id.hex()}", device.row())),
            ("no row", 403, desk.post(f"/v1/record/enrol/{device.id.hex()}", b"")),
            ("nobody", 404, desk.post(f"/v1/record/edit/{device.id.hex()}", body(group="lab"))),
            ("no JSON of ours", 400, desk.post("/v1/record/campaign", b"{ }")),
            ("no id", 404, desk.post("/v1/record/edit/12", body(group="lab"))),
            ("no such record", 404, desk.post("/v1/record/row/" + device.id.hex(), device.row())),
            ("a statement", 404, desk.post("/v1/record/statement/" + device.id.hex(), b"")),
            ("a report", 404, desk.post("/api/v1/report", b"{}")),
            ("a look", 405, desk.post("/v1/record/campaign", b"", "GET"))]:
        assert got[0] == status, (why, got)
    assert desk.rotad.dump() == []


def test_nginx_has_no_way_there(desk):
    """The front does not know these paths, whatever certificate comes."""
    device = desk.device(1)
    assert desk.rotad.post(device.birth, target=f"/v1/record/enrol/{device.id.hex()}")[0] == 404
    assert desk.rotad.post(EVENT % ("started", 1))[0] == 200
    assert desk.rotad.rows("SELECT count(*) FROM registry") == [(0,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users")
def test_who_is_not_listed_is_refused(make):  # noqa: F811
    desk = Desk(make(), "users = nobody")
    code = ("import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);"
            "s.sendall(b'GET /v1/record/campaign HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');print(s.recv(99).split()[1].decode())")

    def asked(user):
        done = subprocess.run(["/usr/bin/setpriv", f"--reuid={user}", "--clear-groups", "/usr/bin/python3", "-c", code, desk.socket],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.stdout.strip() or done.stderr

    assert asked("nobody") == "405"
    assert asked("daemon") == "403"


def test_who_does_not_exist_is_told(make):  # noqa: F811
    rotad = make()
    rotad.ini.write_text(rotad.ini.read_text() + f"[operators]\nsocket = {rotad.dir}/desk\nusers = nobody-at-all\n")
    assert "there is no user 'nobody-at-all'" in rotad.run("--check", "--config", rotad.ini).stderr
