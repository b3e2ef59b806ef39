# SPDX-License-Identifier: Apache-2.0
"""Two rotations, all servers running: what devices were given, and what follows from it, is in no server process, no file, no database, no
log (SPEC 37.8, 37.11). Devices reach rotad through nginx, over TLS, as `rota serve` runs both; rota-seald runs as its services do.
Confirmation keys are the server's to have (37.3)."""
import contextlib
import http.client
import json
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

import pytest

import keysite
import pki
import sealfiles
import test_seald_serve
import test_server_serve
from keysite import export_of
from keythief import Broken
from paths import PATIENCE, TOP
from rotadproc import Rotad
from test_seald_secrets import children, told
from test_server_operators import Desk

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(os.getuid() != 0, reason="another process's memory is read by root alone")]

COUNT = 4
PORTS = ("--port", "0", "--device-port", "0")
CLIENT = """
[client rotad]
uid = {uid}
"""
RULE = """
[rule rotads-rows]
who = {who}
scope = sensor
role = registry
kinds = rows
rate = 100000/1h
"""


class Front(Broken):
    """Devices' way to nginx: each with its certificate and key, over TLS."""

    def __init__(self, path, site):
        super().__init__(path, site.rotad)
        self.site = site

    def onward(self, method, target, certificate, body):
        context = ssl.create_default_context(cafile=str(self.site.desk.dir / "ca/server-ca.pem"))
        context.load_cert_chain(self.site.logins[certificate])
        to = http.client.HTTPSConnection("localhost", self.site.served.ports["device"], context=context, timeout=60 * PATIENCE)
        to.request(method, target, body or None, {"Content-Type": "application/octet-stream"} if body else {})
        answer = to.getresponse()
        said = answer.status, answer.read()
        to.close()
        return said


class Behind(Rotad):
    """The rotad of `rota serve`."""

    def __init__(self, served, state):  # pylint: disable=super-init-not-called
        self.served, self.dir, self.socket = served, state / "rotad", str(state / "run/rotad.sock")

    def stop(self, how=None):
        assert self.served.stop()[0] == 0


class ServedSite(keysite.KeySite):
    """rotad behind nginx; rota-seald as a service from the second campaign on."""

    def __init__(self, place, folder, count):
        super().__init__(place, folder, count)
        self.service = None
        test_server_serve.Served(self.desk, place / "w", *PORTS).ready().stop()  # makes the user that rotad runs as
        ini, uid = self.desk.dir / "signd.ini", pwd.getpwnam("rota-ingest").pw_uid
        text = ini.read_text(encoding="utf-8")
        known = re.search(rf"^\[client (\S+)\]\nuid = {uid}$", text, re.M)  # where that user was there before
        if not known:
            text += CLIENT.format(uid=uid) + RULE.format(who="rotad")
        elif f"[rule rows-{known[1]}]" not in text:
            text += RULE.format(who=known[1])
        ini.write_text(text, encoding="utf-8")

    def births(self):
        """Each device has a key and a certificate of its own for its logins."""
        login, self.logins, lines = super().births(), {}, []
        for line in (self.folder / "census").read_text(encoding="ascii").splitlines():
            ident, secret, point, _ = line.split()
            key, cert = login.issue(ident)
            path = self.folder / f"login-{ident}.pem"
            path.write_bytes(cert + key)
            self.logins[pki.escaped(cert)] = path
            lines.append(f"{ident} {secret} {point} {pki.escaped(cert)}\n")
        (self.folder / "census").write_text("".join(lines), encoding="ascii")
        return login

    def serve(self, login):
        (self.place / "login.pem").write_bytes(login.pem())
        with open(self.desk.dir / "rota.ini", "a", encoding="utf-8") as ini:
            ini.write(f"\n[serve]\noperational_ca = {self.place}/login.pem\ndevice_rate = 1000\n")
        self.served = test_server_serve.Served(self.desk, self.place / "w", *PORTS).ready()
        self.rotad = Behind(self.served, self.place / "w")
        self.operators = Desk.__new__(Desk)
        self.operators.rotad, self.operators.socket = self.rotad, str(self.place / "w/desk/operators.sock")

    def middle(self):
        return Front(self.place / "b", self)

    def seal(self, ident):
        if not self.service:
            return super().seal(ident)
        self.chain.bring(ident)
        deadline = time.monotonic() + 60 * PATIENCE
        while "rota publish makes it count" not in (self.folder / "output").read_text(encoding="utf-8"):
            assert self.service.poll() is None and time.monotonic() < deadline, (self.folder / "output").read_text(encoding="utf-8")
            time.sleep(0.05)
        return None


@contextlib.contextmanager
def nginx_before(back):
    """The one that services see, as its unit starts it."""
    unit = (TOP / "packaging/systemd/rota-seald-nginx.service.in").read_text(encoding="utf-8")
    environment = dict(line.removeprefix("Environment=").split("=", 1) for line in unit.splitlines() if line.startswith("Environment="))
    conf = subprocess.run(back.chain.command("nginx"), capture_output=True, check=True, timeout=60 * PATIENCE).stdout
    (back.dir / "nginx/nginx.conf").write_bytes(conf)
    with subprocess.Popen([test_seald_serve.NGINX, "-p", back.dir / "nginx", "-c", back.dir / "nginx/nginx.conf"],
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment}) as process:
        deadline = time.monotonic() + 60 * PATIENCE
        while not reachable(back.port):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        yield process
        process.terminate()


def reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def asked(back, path):
    """By a service, over TLS."""
    context = ssl.create_default_context(cafile=back.dir / "server-ca.pem")
    context.load_cert_chain(back.dir / "ingest.pem", back.dir / "ingest.key")
    to = http.client.HTTPSConnection("127.0.0.1", back.port, context=context, timeout=60 * PATIENCE)
    to.request("GET", path)
    answer = to.getresponse()
    said = answer.read()
    to.close()
    assert answer.status == 200, said
    return json.loads(said)


def hidden(site, *campaigns):
    """Name to bytes: of all devices what they were given, and all keys above; as they are and as text."""
    wrap = site.chain.wrap_keys()
    found = {f"{name} key": sealfiles.unwrap(wrap[name], (site.folder / f"state/{name}.key").read_bytes(), label)
             for name, label in (("book", b"rota-bookkey-v1"), ("registry", b"rota-registry-v1"))}
    for generation, ident in enumerate(campaigns, 1):
        found[f"campaign key {generation}"] = sealfiles.copies((site.chain.state / f"{ident}.0.copies").read_bytes(),
                                                               wrap["copies-telemetry"])[0]
        for device, secret in site.known[generation].items():
            name = f"{device.hex()[:8]} {generation}"
            found[f"secret {name}"] = secret
            for use in range(1, 7):
                found[f"key {name} of use {use}"] = sealfiles.derive(secret, "telemetry", use, generation, device, 32 if use > 4 else 16)
    assert len(found) == 2 + len(campaigns) * (1 + 7 * COUNT) and len(set(found.values())) == len(found)
    return found | {f"{name} in hex": value.hex().encode() for name, value in found.items()}


def those_in(data, needles):
    return [name for name, value in needles.items() if value in data]


@pytest.fixture(scope="module", name="site")
def make_site(tmp_path_factory):
    """Two campaigns that all but one device followed, the second made by the service; a back end asked for keys."""
    with keysite.site(tmp_path_factory.mktemp("hunt"), COUNT, ServedSite) as (site, middle):
        first = site.begin(middle)
        site.known = {1: site.secrets(first)}
        ini = site.chain.ini
        ini.write_text(ini.read_text(encoding="utf-8").replace("threads = 2\n", "threads = 2\npoll = 1\n"), encoding="utf-8")
        with open(site.folder / "output", "wb") as output, \
                subprocess.Popen(site.chain.command("run"), stdin=subprocess.DEVNULL, stdout=output, stderr=output) as site.service:
            site.wake()
            second = site.ask_for(export_of(site.rows()), 2, activation=site.fleet.minutes)
            site.hand_out(second)
            site.known[2] = site.secrets(second)
            for _ in range(2):
                assert site.fleet.poll() == (0, "")
            assert (site.fleet.said["generation"], site.fleet.said["users"]) == (2, COUNT)
            site.settled(2, COUNT)
            assert {it[1].hex() for it in middle.asked} == {first, second}
            with test_seald_serve.Site(site.chain, ident=second) as site.back, nginx_before(site.back) as site.nginx:
                for generation, secrets in site.known.items():
                    for device, secret in secrets.items():
                        said = asked(site.back, f"/v1/keys/telemetry/{generation}/{device.hex()}")
                        assert said["up"] == sealfiles.derive(secret, "telemetry", 1, generation, device, 16).hex()
                site.needles = hidden(site, first, second)
                yield site
            site.service.terminate()


def test_what_is_looked_for_is_found(site):
    """In a process that has one, and in a file; and confirmation keys, which are in their file, follow from these very secrets."""
    needles = {name: value for name, value in site.needles.items() if "secret" in name}
    name, value = next(iter(needles.items()))
    with subprocess.Popen([sys.executable, "-c", "import sys; key = sys.stdin.buffer.read(32); print(1, flush=True); sys.stdin.read()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdin.write(value)
        other.stdin.flush()
        other.stdout.readline()
        assert those_in(told(other.pid), needles) == [name]
        other.stdin.close()
    assert those_in(b"before " + value.hex().encode() + b" behind", needles) == [name + " in hex"]
    confirm = b"".join(path.read_bytes() for path in (site.rotad.dir / "keys/campaigns").glob("*.confirm"))
    for generation, secrets in site.known.items():
        assert all(sealfiles.derive(secret, "telemetry", 0, generation, device, 32) in confirm for device, secret in secrets.items())


def test_no_server_process_has_them(site):
    found = {}
    for process in (site.served.process, site.daemon.process, site.service, site.back.process, site.nginx):
        found |= children(process.pid)
    assert {"rota", "nginx", "rotad", "rota-signd", "signd", "signd-log", "signd-rows", "rota-token", "rota-seald"} <= set(found.values()), found
    places = str(site.place).encode(), str(site.folder).encode()
    for pid, name in found.items():
        data = told(pid)
        assert any(place in data for place in places), f"nothing was read of {name}"
        assert not those_in(data, site.needles), name


def test_no_file_has_them(site):
    files = [path for place in (site.place, site.folder) for path in place.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".copies", ".confirm", ".keys", ".telemetry", ".sqlite", ".seg", ".log", ".object"} <= kinds, kinds
    for path in files:
        assert not those_in(path.read_bytes(), site.needles), path


def test_none_leaves_a_core(site):
    """Of those that had one for a moment."""
    for process in (site.daemon.process, site.service, site.back.process):
        for pid in children(process.pid):
            with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
                assert next(line.split()[4:6] for line in limits if line.startswith("Max core file size")) == ["0", "0"], pid
