# SPDX-License-Identifier: Apache-2.0
"""`rota-seald serve`: who gets keys of devices, and what the log has of it (SPEC 37.11). Before it stands the real nginx with the
configuration that `rota-seald nginx` prints, or the test itself in nginx's place."""
import hmac
import http.client
import ipaddress
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import pki
import sealfiles
import softhsm
from paths import PATIENCE
from test_seald import SHIM
from test_seald_campaign import DEVICES, copy_all, make_all  # noqa: F401 - fixtures
from test_signd_remote import NGINX, free_port, spki
from test_rota_signd import leaves

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util") or not os.path.exists(NGINX),
                                                    reason="softhsm2 or nginx is not here")]
ME = pwd.getpwuid(os.getuid()).pw_name


class Site:
    """A campaign for telemetry that is sealed, services, and how both are served."""

    def __init__(self, chain, rate="1000/1h", ident=None):
        self.chain, self.dir = chain, chain.folder / "site"
        self.ca, self.foreign, self.server = pki.Ca("Services"), pki.Ca("Others"), pki.Ca("Server")
        for name in ("log", "tmp"):
            (self.dir / "nginx" / name).mkdir(parents=True)
        self.write("ca.pem", self.ca.pem())
        self.write("server-ca.pem", self.server.pem())
        self.write("crl.pem", self.ca.crl([]))
        key, cert = self.server.issue("localhost", names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self.write("cert.pem", cert)
        self.write("key.pem", key)
        self.clients = {name: self.client(ca, name) for name, ca in
                        (("ingest", self.ca), ("tunnel", self.ca), ("nobody", self.ca), ("stranger", self.foreign))}
        self.port, self.socket = free_port(), chain.desk.dir.parent / "keys.sock"  # a short path
        with open(chain.ini, "a", encoding="utf-8") as ini:
            ini.write(f"[serve]\nsocket = {self.socket}\nfront = {ME}\nclient_ca = {self.dir}/ca.pem\ncrl = {self.dir}/crl.pem\n"
                      f"certificate = {self.dir}/cert.pem\nkey = {self.dir}/key.pem\nlisten = 127.0.0.1:{self.port}\n"
                      f"[service ingest]\nspki = {self.spki('ingest')}\npurposes = telemetry\nrate = {rate}\n"
                      f"[service tunnel]\nspki = {self.spki('tunnel')}\npurposes = link\nrate = {rate}\n")
        self.token = ec.generate_private_key(ec.SECP256R1())  # of the back end of telemetry
        text = chain.ini.read_text(encoding="utf-8")
        chain.ini.write_text(text.replace("[service ingest]\n", f"[service ingest]\nagree = {sealfiles.public(self.token).hex()}\n"),
                             encoding="utf-8")
        self.ident = ident or chain.approve()
        if not ident:
            chain.bring(self.ident)
            chain.good("run", "--once")
        export = (chain.folder / "export").read_bytes()
        self.devices = [export[32 + 256 * n + 16:32 + 256 * n + 48].hex() for n in range(DEVICES)]
        self.output = self.dir / "output"
        self.process = None

    def write(self, name, data):
        (self.dir / name).write_bytes(data)

    def client(self, ca, name):
        key, cert = ca.issue(name)
        self.write(f"{name}.key", key)
        self.write(f"{name}.pem", cert)
        return cert

    def spki(self, name):
        return spki(self.clients[name])

    def __enter__(self):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(self.chain.command("serve"), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + 60 * PATIENCE
        while "ready on" not in self.said():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(60 * PATIENCE) == 0, self.said()
        assert not self.socket.exists()

    def said(self):
        return self.output.read_text(errors="replace")

    def raw(self, data):
        """What comes back of these bytes, as nginx would send them."""
        with socket.socket(socket.AF_UNIX) as to:
            to.settimeout(60 * PATIENCE)
            to.connect(str(self.socket))
            to.sendall(data)
            got = b""
            while more := to.recv(65536):
                got += more
        return got

    def get(self, path, who="ingest"):
        """Status and what was said."""
        cert = f"X-Rota-Certificate: {urllib.parse.quote(self.clients[who].decode())}\r\n" if who else ""
        got = self.raw(f"GET {path} HTTP/1.1\r\nHost: seald\r\n{cert}Connection: close\r\n\r\n".encode())
        head, body = got.split(b"\r\n\r\n", 1)
        assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n" and b"no-store" in head
        return int(head.split()[1]), json.loads(body)

    def unwrapped(self):
        """Entries of the log."""
        self.chain.granted()
        return [one for one in leaves(self.chain.desk) if one["kind"] == "UNWRAPPED"]


@pytest.fixture(name="site")
def run_site(chain):
    with Site(chain) as it:
        yield it


def test_a_service_gets_the_keys_of_a_device(site):
    """Two of 16 bytes, the same at each question, of each device others; an unwrap and an entry for each."""
    opened = site.chain.counted("opened")
    seen = set()
    secrets = site.chain.secrets(site.ident)[1]
    for device in (site.devices[0], site.devices[0], site.devices[700], site.devices[-1]):
        status, said = site.get(f"/v1/keys/telemetry/1/{device}")
        assert status == 200, said
        assert (said["cipher"], said["device"], said["generation"], said["purpose"]) == (1, device, 1, "telemetry")
        assert len(bytes.fromhex(said["up"])) == len(bytes.fromhex(said["down"])) == 16
        seen |= {said["up"], said["down"]}
        secret = secrets[bytes.fromhex(device)]
        assert [said["up"], said["down"]] == [sealfiles.derive(secret, "telemetry", use, 1, bytes.fromhex(device), 16).hex() for use in (1, 2)]
    assert len(seen) == 6
    assert site.chain.counted("opened") - opened == 4
    entries = site.unwrapped()
    assert [(one["digest"], one["role"], one["key"]) for one in entries] == 4 * [(site.ident, "keys-link", 64 * "0")]
    site.chain.desk("publish")  # which carries the log up to there
    assert "unwrapped" in site.chain.desk("audit", "show", "--kind", "unwrapped")


def test_who_gets_none(site):
    """Certificates of no service, other purposes, other devices and generations: nothing is opened, and nothing entered."""
    opened = site.chain.counted("opened")
    path = f"/v1/keys/telemetry/1/{site.devices[3]}"
    for who in ("nobody", "stranger", "tunnel", None):
        assert site.get(path, who)[0] == 403, who
    for other in (f"/v1/keys/telemetry/2/{site.devices[3]}", f"/v1/keys/telemetry/1/{64 * '0'}", f"/v1/keys/telemetry/01/{site.devices[3]}",
                  f"/v1/keys/telemetry/1/{site.devices[3][:-1]}", f"/v1/keys/nonsense/1/{site.devices[3]}", "/v1/keys/", "/v1/keys/telemetry",
                  f"/v1/keys/telemetry/4294967297/{site.devices[3]}", path + "/x", "/"):
        assert site.get(other)[0] == 404, other
    assert site.get(f"/v1/keys/storage/1/{site.devices[3]}")[0] == 403
    assert site.get(f"/v1/keys/link/1/{site.devices[3]}", "tunnel")[0] == 404
    site.write("crl.pem", site.ca.crl([site.clients["ingest"]]))
    os.utime(site.dir / "crl.pem", (1, 1))
    assert site.get(path)[0] == 403
    assert site.chain.counted("opened") == opened and site.unwrapped() == []


def test_no_key_without_an_entry(site):
    """The daemon is away, or its policy does not let this be recorded: nothing is opened."""
    path = f"/v1/keys/telemetry/1/{site.devices[3]}"
    opened = site.chain.counted("opened")
    ini = site.chain.desk.dir / "signd.ini"
    was = ini.read_text(encoding="utf-8")
    ini.write_text(was.replace("role = keys-link\nkinds = record metadata campaign", "role = keys-link\nkinds = metadata campaign"),
                   encoding="utf-8")
    daemon = site.chain.daemon.process
    daemon.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60 * PATIENCE
    while site.get(path)[0] == 200:
        opened = site.chain.counted("opened")
        assert time.monotonic() < deadline
    assert site.get(path)[0] == 503
    assert site.chain.counted("opened") == opened
    ini.write_text(was, encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    while site.get(path)[0] != 200:
        assert time.monotonic() < deadline


def test_a_holder_that_died(chain):
    """Its end is the end of who serves, and whoever begins that anew has all keys in a new process; a wrong PIN is told apart."""
    site = Site(chain)
    path = f"/v1/keys/telemetry/1/{site.devices[3]}"
    site.__enter__()
    try:
        assert site.get(path)[0] == 200
        children = pathlib.Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text(encoding="ascii").split()
        assert len(children) == 2  # telemetry and link
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        assert site.get(path)[0] == 503
        assert site.process.wait(60 * PATIENCE) == 1 and not site.socket.exists()
    finally:
        site.process.kill()
    with site:
        assert site.get(path)[0] == 200
    (chain.folder / "pin").write_text("0000-of-a-test\n", encoding="ascii")
    assert chain.run("serve").returncode == 3


def below(pid):
    """A process and those below it."""
    found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in found for one in below(int(child)))]


def test_a_file_that_cannot_be_read(site):
    """Is no token that failed: who serves goes on. The copies are cut while the log is asked."""
    path = f"/v1/keys/telemetry/1/{site.devices[3]}"
    copies = site.chain.state / f"{site.ident}.0.copies"
    whole, answers = copies.read_bytes(), []
    assert site.get(path)[0] == 200
    daemon = below(site.chain.daemon.process.pid)
    for pid in daemon:
        os.kill(pid, signal.SIGSTOP)
    asking = threading.Thread(target=lambda: answers.append(site.get(path)))
    asking.start()
    time.sleep(0.5)
    os.truncate(copies, 200)
    for pid in daemon:
        os.kill(pid, signal.SIGCONT)
    asking.join()
    assert answers == [(503, {"error": "the key cannot be opened now"})] and "ends at byte" in site.said(), site.said()
    copies.write_bytes(whole)
    assert site.get(path)[0] == 200


def test_what_nginx_would_not_send(site):
    """One reading of each request, or none: a status and the end; and whoever is silent holds nobody up for long."""
    for data, status in [(b"POST /v1/keys/telemetry/1/x HTTP/1.1\r\nHost: s\r\nContent-Length: 1\r\n\r\n", b"413"),
                         (b"POST /v1/keys/telemetry/1/x HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n", b"405"),
                         (b"GET / HTTP/1.1\r\nHost: s\r\n\r\nGET / HTTP/1.1\r\n", b"400"),
                         (b"GET / HTTP/1.1\r\nHost: s\r\n folded: x\r\n\r\n", b"400"),
                         (b"nonsense\r\n\r\n", b"400"),
                         ((b"GET / HTTP/1.1\r\nX: " + 24576 * b"x")[:24576], b"431")]:
        assert site.raw(data).split()[1] == status, data[:80]
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(site.socket))
        silent.sendall(b"GET /")
        assert site.get("/")[0] == 404
    assert site.process.poll() is None


def test_behind_nginx(site):
    """As services see it."""
    done = subprocess.run(site.chain.command("nginx"), capture_output=True, check=True, timeout=60 * PATIENCE)
    (site.dir / "nginx/nginx.conf").write_bytes(done.stdout)
    path = f"/v1/keys/telemetry/1/{site.devices[5]}"
    with subprocess.Popen([NGINX, "-p", site.dir / "nginx", "-c", site.dir / "nginx/nginx.conf"], stdin=subprocess.DEVNULL) as nginx:
        try:
            deadline = time.monotonic() + 60 * PATIENCE
            while True:
                try:
                    socket.create_connection(("127.0.0.1", site.port), 1).close()
                    break
                except OSError:
                    assert nginx.poll() is None and time.monotonic() < deadline
                    time.sleep(0.02)

            def ask(who, method="GET", where=path, headers=()):
                context = ssl.create_default_context(cafile=site.dir / "server-ca.pem")
                if who:
                    context.load_cert_chain(site.dir / f"{who}.pem", site.dir / f"{who}.key")
                connection = http.client.HTTPSConnection("127.0.0.1", site.port, context=context, timeout=60 * PATIENCE)
                connection.request(method, where, headers=dict(headers))
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                return answer.status, data

            status, data = ask("ingest")
            assert status == 200 and json.loads(data) == site.get(path)[1]
            forged = {"X-Rota-Certificate": urllib.parse.quote(site.clients["ingest"].decode())}
            assert ask("nobody", headers=forged)[0] == 403 and ask(None, headers=forged)[0] == 403 and ask("stranger")[0] == 403
            assert ask("ingest", "POST")[0] == 403 and ask("ingest", where="/v1/else")[0] == 404
            key = json.loads(data)["up"]
            assert not [p for p in (site.dir / "nginx").rglob("*") if p.is_file() and key.encode() in p.read_bytes()]
        finally:
            nginx.terminate()
    assert len(site.unwrapped()) == 2


def test_a_rate(chain):
    with Site(chain, rate="2/1h") as site:
        path = f"/v1/keys/telemetry/1/{site.devices[3]}"
        assert [site.get(path)[0] for _ in range(4)] == [200, 200, 429, 429]
        assert len(site.unwrapped()) == 2


def test_handed_over(chain):
    """The keys of all devices for the token of one service: those that devices have; one unwrap, one entry, one file."""
    site = Site(chain)
    opened, out = chain.counted("opened"), chain.folder / "ingest.hand"
    words = ["hand", "--campaign", site.ident, "--service", "ingest", "--out", out]
    said, = chain.good(*words, "--json")
    assert said == {"campaign": site.ident, "devices": DEVICES, "service": "ingest", "tree": 0}
    assert chain.counted("opened") - opened == 1
    found = sealfiles.handed(out.read_bytes(), site.token)
    for device, secret in chain.secrets(site.ident)[1].items():
        assert found[device] == tuple(sealfiles.derive(secret, "telemetry", use, 1, device, 16) for use in (1, 2))
    assert out.stat().st_mode & 0o777 == 0o640
    entries = site.unwrapped()
    assert [one["digest"] for one in entries] == [site.ident]
    for change, says in [([], "is there already"), (["--service", "tunnel"], "no [service tunnel] with agree"), (["--tree", "1"], "1.export"),
                         (["--service", "else"], "no [service else]")]:
        told = chain.run(*words, *change)
        assert told.returncode == 1 and told.stderr.count("\n") == 1 and says in told.stderr, told.stderr
    chain.ini.write_text(chain.ini.read_text(encoding="utf-8").replace("purposes = telemetry", "purposes = link"), encoding="utf-8")
    told = chain.run("hand", "--campaign", site.ident, "--service", "ingest", "--out", chain.folder / "other.hand")
    assert told.returncode == 1 and "has no keys of purpose telemetry" in told.stderr
    assert not (chain.folder / "other.hand").exists() and len(site.unwrapped()) == 1


FEW = 40


@pytest.fixture(name="backend")
def make_backend(chain):
    """A campaign of a few devices, and a token of the service that gets their keys, at hand and behind the module that breaks."""
    chain.part(0, FEW)
    chain.ident = chain.approve()
    chain.bring(chain.ident)
    chain.good("run", "--once")
    site = Site(chain, ident=chain.ident)
    place = chain.folder / "backend"
    place.mkdir()
    token = softhsm.Token(place, "ingest")
    text = chain.ini.read_text(encoding="utf-8")
    environment = f"SOFTHSM2_CONF={token.conf}\n  P11SHIM_DIR={place}\n  P11SHIM_MODULE={token.MODULE}"
    chain.ini.write_text(text.replace("[service ingest]\n", f"[service ingest]\ntoken_module = {SHIM}\ntoken_label = ingest\n"
                                      f"token_pin_file = {token.pin_file}\ntoken_environment = {environment}\n"), encoding="utf-8")
    site.place, site.token = place, token
    site.words = ["hand", "--campaign", chain.ident, "--service", "ingest"]
    return site


def kept(site):
    return softhsm.objects(site.place / "tokens", b"123456")


def wanted(site, generation=1):
    """SPEC 37.14"""
    return sorted((f"rota-telemetry-{generation}-{way}", device,
                   sealfiles.derive(secret, "telemetry", use, generation, device, 16) + bytes(16), True, False, True)
                  for device, secret in site.chain.secrets(site.ident)[1].items() for use, way in ((1, "up"), (2, "down")))


@pytest.mark.skipif(not shutil.which("pkcs11-tool"), reason="opensc is not here")
def test_into_a_token(backend):
    """The keys that devices have, where they do not come out any more, and make the record keys of messages; once, however often."""
    opened = backend.chain.counted("opened")
    unlocked = backend.chain.counted("unlocked")
    said, = backend.chain.good(*backend.words, "--json")
    assert said == {"campaign": backend.ident, "devices": FEW, "service": "ingest", "tree": 0}
    assert backend.chain.counted("opened") - opened == 1
    assert backend.chain.counted("unlocked") == unlocked and not (backend.place / "unlocked").exists()
    assert kept(backend) == wanted(backend) and len(wanted(backend)) == 2 * FEW
    backend.chain.good(*backend.words)
    assert kept(backend) == wanted(backend)
    assert [one["digest"] for one in backend.unwrapped()] == 2 * [backend.ident]
    device = wanted(backend)[0][1]
    tool = ["pkcs11-tool", "--module", softhsm.Token.MODULE, "--token-label", "ingest", "--login", "--pin", "123456"]
    message, mac = backend.place / "message", backend.place / "mac"
    message.write_bytes(b"rota-record-v1" + bytes(16) + b"\1")
    environment = {**os.environ, "SOFTHSM2_CONF": str(backend.token.conf)}
    subprocess.run([*tool, "--sign", "--mechanism", "SHA256-HMAC", "--id", device.hex(), "--input-file", message, "--output-file", mac],
                   env=environment, check=True, capture_output=True, timeout=60 * PATIENCE)
    assert mac.read_bytes() in [hmac.digest(value[:16], message.read_bytes(), "sha256")  # the tool knows no label beside an id
                                for _, of, value, *_ in wanted(backend) if of == device]


def test_into_a_token_killed(backend):
    """Whenever it is killed, what is there is right, and the next one brings the rest."""
    chance, counts = random.Random(5), set()
    for _ in range(8):
        with subprocess.Popen(backend.chain.command(*backend.words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            try:
                running.wait(0.1 + chance.random())
            except subprocess.TimeoutExpired:
                running.send_signal(signal.SIGKILL)
        time.sleep(0.1)  # the token's process may be at its last one
        counts.add(len(kept(backend)))
        assert set(kept(backend)) <= set(wanted(backend))
    backend.chain.good(*backend.words)
    assert kept(backend) == wanted(backend)


def test_a_token_that_keeps_them_otherwise(backend):
    """What it says of them is looked at, and the key goes again; a PIN that it refuses is told apart."""
    for mood, says in (("loose", "is extractable"), ("bare", "is not sensitive")):
        (backend.place / "mood").write_text(mood, encoding="ascii")
        told = backend.chain.run(*backend.words)
        assert told.returncode == 1 and says in told.stderr, told.stderr
        assert kept(backend) == []
    (backend.place / "mood").unlink()
    for words, says in [(["hand", "--campaign", backend.ident, "--service", "tunnel"], "has no keys of purpose telemetry"),
                        (["hand", "--campaign", backend.ident, "--service", "else"], "no [service else]")]:
        told = backend.chain.run(*words)
        assert told.returncode == 1 and says in told.stderr, told.stderr
    backend.token.pin_file.write_text("000000\n", encoding="ascii")
    before = len(backend.unwrapped())
    assert backend.chain.run(*backend.words).returncode == 3
    assert len(backend.unwrapped()) == before and kept(backend) == []


def test_destroyed_when_it_is_retired(backend):
    """All of a generation, and no sooner than one two above it is sealed."""
    chain, words = backend.chain, ["destroy", "--service", "ingest", "--purpose", "telemetry", "--json", "--generation"]
    chain.good(*backend.words)
    for generation in (2, 3):
        told = chain.run(*words, "1")
        assert told.returncode == 1 and "is not two below the newest that is sealed" in told.stderr
        chain.ident = chain.approve(generation=generation)
        chain.bring(chain.ident)
        chain.good("run", "--once")
        if generation == 2:
            chain.good("hand", "--campaign", chain.ident, "--service", "ingest")
    assert len(kept(backend)) == 4 * FEW
    for count in (2 * FEW, 0):
        said, = chain.good(*words, "1")
        assert said == {"destroyed": count, "generation": 1, "purpose": "telemetry", "service": "ingest"}
        assert len(kept(backend)) == 2 * FEW and all(label.startswith("rota-telemetry-2-") for label, *_ in kept(backend))
    for wrong, says in (("0", "is no generation"), ("x", "is no generation"), ("2", "is not two below")):
        told = chain.run(*words, wrong)
        assert told.returncode == 1 and says in told.stderr, told.stderr


@pytest.mark.parametrize("was, is_, says", [
    ("[service ingest]\n", "[service ingest]\ntoken_module = /x\n", "token_label"),
    ("agree = 04", "agree = 0", "is not 130 hex digits"),
    ("purposes = telemetry\n", "purposes = storage\n", "are not of telemetry and link"),
    ("rate = 1000/1h\n", "rate = 1000\n", "is not COUNT/DURATION"),
    ("[service tunnel]\nspki = ", "[service tunnel]\nspki = x", "is not 64 hex digits"),
    ("front = ", "back = ", "back"),
    (f"front = {ME}\n", "", "[serve] has no front"),
    (f"front = {ME}\n", "front = nobody-of-this-name\n", "nobody-of-this-name"),
])
def test_settings(chain, was, is_, says):
    site = Site(chain)
    text = chain.ini.read_text(encoding="utf-8")
    assert was in text
    chain.ini.write_text(text.replace(was, is_, 1), encoding="utf-8")
    told = chain.run("serve")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1) and says in told.stderr, told.stderr
    assert not site.socket.exists()
