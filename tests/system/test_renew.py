# SPDX-License-Identifier: Apache-2.0
"""A device's certificate is renewed in time, over EST, by keys in its root of trust (SPEC 29.6, 29.9): blue and green, and never so
that the device is locked out."""
import datetime
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fleet import PROGRAMS, Device, environment, line
from test_factory import make_factory  # noqa: F401 - a fixture

FAKETIME = next((str(x) for x in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not FAKETIME, reason="faketime is not here")]


@pytest.fixture(name="device")
def make_device(factory, request):
    name = re.sub(r"\W+|_", "-", request.node.name)[-60:].strip("-")
    device = Device(factory.dir / name)
    factory.station(device, "--soft", "--serial", name)
    device.boot()
    device.once(check=3)
    return device


def certificate(device, place):
    path = device.dir / f"identity/ldevid-{place}.pem"
    return x509.load_pem_x509_certificate(path.read_bytes()) if path.exists() else None


def later(days):
    return environment(LD_PRELOAD=FAKETIME, FAKETIME=f"+{days}d")


def test_in_time_by_itself(device):
    first = certificate(device, 0)
    assert "renewed" not in device.agent("--once", env=later(19)).stdout
    said = device.agent("--once", env=later(21)).stdout
    assert line(said, "renewed")["key"] == "ldevid 1" and line(said, "renewed")["by"] == "ldevid 0"
    # the report of this cycle was taken under the new one: the old one is gone, and so is its key
    assert certificate(device, 0) is None
    second = certificate(device, 1)
    assert second.public_key().public_numbers() != first.public_key().public_numbers()
    assert second.subject == first.subject and second.serial_number != first.serial_number
    said = device.agent("--once", env=later(21)).stdout
    assert line(said, "renewed")["by"] == "ldevid 1" and certificate(device, 0) and not certificate(device, 1)


def test_over_or_lost_by_what_it_was_born_with(factory, device):
    factory.signd.stop()
    text = factory.signd.config.read_text()
    factory.signd.config.write_text(text.replace("lifetime = 30d", "lifetime = 300d"))
    factory.signd.start()
    try:
        said = device.agent("--once", env=later(31)).stdout
        assert line(said, "renewed")["by"] == "identity", said
        left = certificate(device, 1).not_valid_after - datetime.datetime.utcnow()
        assert certificate(device, 0) is None and left.days >= 299
    finally:
        factory.signd.stop()
        factory.signd.config.write_text(text)
        factory.signd.start()
    (device.dir / "identity/ldevid-1.pem").unlink()
    said = device.agent("--once").stdout
    assert line(said, "renewed")["by"] == "identity" and certificate(device, 0)


def test_no_server_costs_nothing(factory, device):
    before = certificate(device, 0)
    factory.signd.stop()
    try:
        said = device.agent("--once", env=later(21)).stdout
    finally:
        factory.signd.start()
    assert "warning step=renew" in said
    assert certificate(device, 0) == before and certificate(device, 1) is None
    # the key that was made in vain is made anew
    assert "renewed" in device.agent("--once", env=later(21)).stdout


def test_a_new_one_that_is_turned_away_does_not_cost_the_old_one(device):
    before = certificate(device, 0)
    # cut off behind the renewal: both are there, the newer one on trial
    with subprocess.Popen([PROGRAMS["rota-agent"], "--config", device.config, "--once"], env=later(21), stdout=subprocess.PIPE,
                          text=True) as agent:
        assert any(x.startswith("renewed") for x in iter(agent.stdout.readline, ""))
        agent.kill()
    ours = certificate(device, 1)
    assert certificate(device, 0) == before
    # of the right key and device, and newer; but of an authority that no server knows
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (x509.CertificateBuilder().subject_name(ours.subject).issuer_name(ours.issuer).public_key(ours.public_key())
              .serial_number(1).not_valid_before(ours.not_valid_before + datetime.timedelta(seconds=1))
              .not_valid_after(ours.not_valid_after).sign(key, hashes.SHA256()))
    (device.dir / "identity/ldevid-1.pem").write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    device.agent("--once")  # has something to report, again
    assert certificate(device, 1) is None and certificate(device, 0) == before
    assert "ok       server" in device.agent("doctor").stdout


class Front:
    """In the place of the server, at a port of its own: it asks for certificates of an authority that the device's is not of, and says so in
    a TLS alert, the first `alerts` times; then it resets each connection."""

    def __init__(self, factory, alerts):
        self.alerts, self.met = alerts, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server = factory.authority / "server"
        self.context.load_cert_chain(server / "cert.pem", server / "key.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(server / "cert.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.met += 1
            with connection:
                connection.settimeout(30)
                if self.met <= self.alerts:
                    self.alert(connection)
                else:
                    connection.recv(4096)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def alert(self, connection):
        """And read on to the end: what is left unread would reset the connection, and the alert be lost."""
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self.context.wrap_bio(received, to_send, server_side=True)
        try:
            while True:
                received.write(connection.recv(65536))
                try:
                    session.do_handshake()
                except ssl.SSLWantReadError:
                    connection.sendall(to_send.read())
        except ssl.SSLError:
            connection.sendall(to_send.read())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.mark.parametrize("alerts, kept", [(0, True), (2, True), (3, False)])
def test_only_what_is_said_of_the_certificate_costs_the_one_on_trial(factory, device, alerts, kept):
    with subprocess.Popen([PROGRAMS["rota-agent"], "--config", device.config, "--once"], env=later(21), stdout=subprocess.PIPE,
                          text=True) as agent:
        assert any(x.startswith("renewed") for x in iter(agent.stdout.readline, ""))
        agent.kill()
    before, trial = certificate(device, 0), certificate(device, 1)
    assert before and trial
    there = f"https://localhost:{factory.ports['device']}"
    with Front(factory, alerts) as front:
        device.edit((there, f"https://localhost:{front.port}"))
        device.agent("--once", env=later(21))
        device.edit((f"https://localhost:{front.port}", there))
        assert front.met >= 3 if alerts else front.met >= 1
    assert certificate(device, 0) == before
    assert certificate(device, 1) == (trial if kept else None)
    if kept:  # and the server is there again
        device.agent("--once", env=later(21))
        assert (certificate(device, 0), certificate(device, 1)) == (None, trial)
