# SPDX-License-Identifier: Apache-2.0
"""What OpenSSL hears of certificates from rotad (RFC 6960; SPEC 29.10): by key and certificate of its own, out of the revocation list."""
import base64
import datetime
import re
import subprocess
import threading
import time
import http.server
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki import PEM, Ca, build, key_pem
from rotadproc import make  # noqa: F401 - a fixture


class Scene:
    """A rotad that answers, and a front of HTTP before its socket, as `openssl ocsp` wants one."""

    def __init__(self, rotad):
        self.rotad, self.ca = rotad, rotad.ca
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.write("ocsp.pem", self.certificate())
        self.write("ocsp.key", key_pem(self.key))
        (rotad.dir / "ocsp.key").chmod(0o600)
        self.good, self.over = self.ca.issue("ab" * 32)[1], self.ca.issue("cd" * 32)[1]
        self.write("good.pem", self.good)
        self.write("over.pem", self.over)
        self.write("crl.pem", self.ca.crl([self.over]))
        text = rotad.ini.read_text().replace("[identity]\n", f"workers = 1\n[identity]\ncrl = {rotad.dir}/crl.pem\n")
        rotad.ini.write_text(f"{text}[ocsp]\nkey = {rotad.dir}/ocsp.key\ncertificate = {rotad.dir}/ocsp.pem\n"
                             f"issuer = {rotad.dir}/ca.pem\n")
        rotad.start()

    def certificate(self, key=None, days=30):
        """For who answers, PEM."""
        cert = build(self.ca, "sensor-ocsp", key or self.key, end=days)
        cert = cert.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False).add_extension(x509.OCSPNoCheck(), False)
        return cert.sign(self.ca.key, hashes.SHA256()).public_bytes(PEM)

    def write(self, name, data):
        path = self.rotad.dir / (name + ".new")
        path.write_bytes(data)
        path.rename(self.rotad.dir / name)

    def question(self, cert, issuer=None, md=hashes.SHA1()):
        builder = ocsp.OCSPRequestBuilder().add_certificate(x509.load_pem_x509_certificate(cert), (issuer or self.ca).cert, md)
        return builder.build().public_bytes(x509.base.serialization.Encoding.DER)

    def ask(self, der, get=False):
        if get:
            status, body = self.rotad.get("/ocsp/" + urllib.parse.quote(base64.b64encode(der).decode(), safe=""))
        else:
            status, body = self.rotad.post(der, target="/ocsp")
        assert status == 200
        return ocsp.load_der_ocsp_response(body)

    def openssl(self, cert):
        """Of `openssl ocsp`, with a nonce, over HTTP."""
        scene = self

        class Front(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                status, body = scene.rotad.post(self.rfile.read(int(self.headers["Content-Length"])), target="/ocsp")
                self.send_response(status)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Front)
        threading.Thread(target=server.handle_request, daemon=True).start()
        where = self.rotad.dir
        done = subprocess.run(["openssl", "ocsp", "-issuer", where / "ca.pem", "-CAfile", where / "ca.pem", "-cert", where / cert,
                               "-url", f"http://127.0.0.1:{server.server_address[1]}/ocsp"],
                              capture_output=True, text=True, timeout=60, check=False)
        server.server_close()
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="scene")
def make_scene(make):  # noqa: F811
    return Scene(make())


def test_openssl_believes_what_it_hears(scene):
    code, said = scene.openssl("good.pem")
    assert code == 0 and "Response verify OK" in said and "good.pem: good" in said and "WARNING" not in said, said
    code, said = scene.openssl("over.pem")
    assert code == 0 and "Response verify OK" in said and "over.pem: revoked" in said and "Revocation Time" in said, said


@pytest.mark.parametrize("get", [False, True])
@pytest.mark.parametrize("md", [hashes.SHA1(), hashes.SHA256()])
def test_by_both_ways_and_hashes(scene, get, md):
    answer = scene.ask(scene.question(scene.over, md=md), get)
    assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert abs(answer.revocation_time - datetime.datetime.utcnow()) < datetime.timedelta(minutes=10)
    answer = scene.ask(scene.question(scene.good, md=md), get)
    assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD
    assert answer.next_update - answer.this_update == datetime.timedelta(hours=1)
    assert scene.rotad.metric("ocsp_total") == 2


def test_a_new_list_counts_at_once(scene):
    assert scene.ask(scene.question(scene.good)).certificate_status == ocsp.OCSPCertStatus.GOOD
    scene.write("crl.pem", scene.ca.crl([scene.good, scene.over]))
    assert scene.ask(scene.question(scene.good)).certificate_status == ocsp.OCSPCertStatus.REVOKED
    scene.write("crl.pem", Ca("Operational").crl([]))  # of somebody else: what was known stays
    assert scene.ask(scene.question(scene.good)).certificate_status == ocsp.OCSPCertStatus.REVOKED


def test_a_list_that_is_over_says_nothing(scene):
    """What was revoked since is not on it, and whoever keeps the next one back would have it called good."""
    hour = datetime.timedelta(hours=1)
    scene.write("crl.pem", scene.ca.crl([scene.over], -hour))
    for cert in (scene.good, scene.over):
        assert scene.ask(scene.question(cert)).response_status == ocsp.OCSPResponseStatus.TRY_LATER
    scene.write("crl.pem", scene.ca.crl([scene.over], hour / 4))
    answer = scene.ask(scene.question(scene.good))
    assert answer.certificate_status == ocsp.OCSPCertStatus.GOOD
    assert answer.next_update - answer.this_update <= hour / 4


def test_a_new_certificate_counts_at_once(scene):
    def serial():
        one, = scene.ask(scene.question(scene.good)).certificates
        return one.serial_number

    first = serial()
    scene.write("ocsp.pem", scene.certificate())
    second = serial()
    assert second == x509.load_pem_x509_certificate((scene.rotad.dir / "ocsp.pem").read_bytes()).serial_number != first
    scene.write("ocsp.pem", scene.certificate(ec.generate_private_key(ec.SECP256R1())))  # of another key
    assert serial() == second
    assert "ocsp: the change is ignored" in (scene.rotad.dir / "log").read_text()


def test_a_new_certificate_brings_no_older_list(scene):
    """What is known of revocations does not go with the certificate."""
    scene.write("crl.pem", scene.ca.crl([scene.good, scene.over]))
    assert scene.ask(scene.question(scene.good)).certificate_status == ocsp.OCSPCertStatus.REVOKED
    (scene.rotad.dir / "crl.pem").unlink()
    scene.write("ocsp.pem", scene.certificate())
    answer = scene.ask(scene.question(scene.good))
    assert answer.certificate_status == ocsp.OCSPCertStatus.REVOKED
    assert answer.certificates[0].serial_number == x509.load_pem_x509_certificate((scene.rotad.dir / "ocsp.pem").read_bytes()).serial_number


def test_it_starts_when_its_certificate_is_over(scene):
    """Reports and statements go on; of certificates nobody says anything until the next one is there."""
    scene.rotad.stop()
    scene.write("ocsp.pem", scene.certificate(days=-1))
    scene.rotad.start()
    assert scene.ask(scene.question(scene.good)).response_status == ocsp.OCSPResponseStatus.TRY_LATER
    assert scene.rotad.metric("ending") == 2  # the list is of a day
    assert "nobody answers until there is another certificate" in (scene.rotad.dir / "log").read_text()
    time.sleep(1)  # a file that is none is looked at once a second
    scene.write("ocsp.pem", scene.certificate())
    assert scene.ask(scene.question(scene.good)).certificate_status == ocsp.OCSPCertStatus.GOOD


def test_metrics_say_what_ends(scene):
    def metrics():
        return scene.rotad.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").decode()

    days = datetime.timedelta(days=1)
    scene.write("crl.pem", scene.ca.crl([], 6 * days))
    list_, = re.findall(r'rota_crl_ends_seconds{issuer="Operational"} (\d+)', metrics())
    assert abs(int(list_) - time.time() - 6 * 86400) < 600
    cert = scene.rotad.metric("ocsp_certificate_ends_seconds")
    assert abs(cert - time.time() - 30 * 86400) < 600
    assert scene.rotad.metric("ending") == 0
    scene.write("crl.pem", scene.ca.crl([], 1 * days))
    assert scene.rotad.metric("ending") == 1
    scene.write("ocsp.pem", scene.certificate(days=3))
    assert scene.rotad.metric("ending") == 2
    scene.write("crl.pem", scene.ca.crl([], -1 * days))
    assert scene.rotad.metric("ending") == 2
    for nothing in (b"", b"no list"):
        scene.write("crl.pem", nothing)
        assert scene.rotad.metric("ending") == 2 and "rota_crl_ends_seconds{" not in metrics()
    (scene.rotad.dir / "crl.pem").unlink()
    assert scene.rotad.metric("ending") == 2
    scene.write("crl.pem", scene.ca.crl([], 6 * days))
    assert scene.rotad.metric("ending") == 1


def test_what_gets_no_verdict(scene):
    assert scene.ask(b"no question").response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    assert scene.ask(b"", get=True).response_status == ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    other = Ca("Another")
    assert scene.ask(scene.question(other.issue("a")[1], other)).response_status == ocsp.OCSPResponseStatus.UNAUTHORIZED
    scene.rotad.stop()
    (scene.rotad.dir / "ocsp.key").chmod(0o644)
    assert scene.rotad.run("--config", scene.rotad.ini).returncode == 1


def test_where_nobody_answers(make):  # noqa: F811
    assert make().start().post(b"x", target="/ocsp")[0] == 404
