# SPDX-License-Identifier: Apache-2.0
"""Clients of the signing daemon from afar: the real nginx, with the configuration that `rota-signd --nginx` prints, asks for
their certificates; the daemon judges these at each request, and believes nobody but nginx about them."""
import base64
import hashlib
import http.client
import ipaddress
import json
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import pki
from authority import Rota, made, rota  # noqa: F401 - fixtures
from paths import BUILD, PATIENCE
from signd import Client, Signd, request

NGINX = "/usr/sbin/nginx"
pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util") or not os.path.exists(NGINX),
                                reason="softhsm2 or nginx is not here")
ME = pwd.getpwuid(os.getuid()).pw_name


def spki(pem):
    key = x509.load_pem_x509_certificate(pem).public_key()
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER,
                                           serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """Certificates, a daemon with a remote socket, and how nginx is run before it."""

    def __init__(self, where, authority, nginx_user=ME, rules=""):
        self.dir = where
        self.ca, self.foreign, self.server = pki.Ca("Clients"), pki.Ca("Others"), pki.Ca("Server")
        for name in ("log", "tmp"):
            (where / "nginx" / name).mkdir(parents=True)
        self.write("ca.pem", self.ca.pem())
        self.write("server-ca.pem", self.server.pem())
        self.write("crl.pem", self.ca.crl([]))
        key, cert = self.server.issue("localhost", names=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self.write("cert.pem", cert)
        self.write("key.pem", key, 0o600)
        self.good = self.client(self.ca, "ci")
        self.port = free_port()
        self.socket = where / "remote.sock"
        daemon = f"remote_socket = {self.socket}\nnginx_user = {nginx_user}\n"
        more = (f"[remote]\nclient_ca = {where}/ca.pem\ncrl = {where}/crl.pem\naddress = 127.0.0.1\nport = {self.port}\n"
                f"certificate = {where}/cert.pem\nkey = {where}/key.pem\n"
                f"[client ci]\nspki = {spki(self.good[1].read_bytes())}\n"
                "[rule ci-time]\nwho = ci\nscope = sensor\nrole = time\nkinds = time\nrate = 36000/1h\n" + rules)
        self.signd = Signd(where, authority, daemon=daemon, more=more)
        self.nginx = None

    def write(self, name, data, mode=0o644):
        path = self.dir / name
        path.with_suffix(".new").write_bytes(data)
        os.chmod(path.with_suffix(".new"), mode)
        path.with_suffix(".new").rename(path)
        return path

    def client(self, ca, name, days=(-1, 30)):
        """Paths of key and certificate."""
        key, cert = ca.issue(name, days)
        number = len(list(self.dir.glob("client-*.pem")))
        return self.write(f"client-{number}.key", key, 0o600), self.write(f"client-{number}.pem", cert)

    def __enter__(self):
        self.signd.start()
        done = subprocess.run([BUILD / "apps/rota-signd/rota-signd", "--nginx", "--config", self.signd.config],
                              capture_output=True, check=True, timeout=60 * PATIENCE)
        (self.dir / "nginx/nginx.conf").write_bytes(done.stdout)
        self.nginx = subprocess.Popen([NGINX, "-p", self.dir / "nginx", "-c", self.dir / "nginx/nginx.conf"],
                                      stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60 * PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self.nginx.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)

    def __exit__(self, *_):
        if self.nginx:
            self.nginx.terminate()
            self.nginx.wait(60 * PATIENCE)
        self.signd.stop()

    def connect(self, who):
        context = ssl.create_default_context(cafile=self.dir / "server-ca.pem")
        if who:
            context.load_cert_chain(who[1], who[0])
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60 * PATIENCE)

    def ask(self, who, headers=(), target="/v1/ask", **changes):
        """Status and what was said."""
        connection = self.connect(who)
        try:
            connection.request("POST", target, request(**changes), dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module", name="site")
def run_site(made, tmp_path_factory):  # noqa: F811
    where = tmp_path_factory.mktemp("remote")
    shutil.copytree(made.dir, where / "authority")
    with Site(where, where / "authority") as it:
        yield it


def test_a_client_of_the_ca_is_answered(site):
    connection = site.connect(site.good)
    for _ in range(3):  # in one connection, and nginx keeps its own to the daemon
        connection.request("POST", "/v1/ask", request())
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status == 200 and said["_type"] == "rota-answer" and len(said["signatures"]) == 1
    connection.close()
    leaves = site.signd.wait_leaves(said["entry"] + 1)
    assert leaves[said["entry"]]["kind"] == "GRANTED"


def test_a_renewed_certificate_of_the_same_key_is_the_same_client(site):
    key = serialization.load_pem_private_key(site.good[0].read_bytes(), None)
    renewed = pki.build(site.ca, "ci, renewed", key).sign(site.ca.key, hashes.SHA256())
    path = site.write("renewed.pem", renewed.public_bytes(pki.PEM))
    assert site.ask((site.good[0], path))[0] == 200


def test_without_a_certificate(site):
    status, said = site.ask(None)
    assert status == 403 and "certificate of this daemon is required" in said


def test_of_another_ca(site):
    status, said = site.ask(site.client(site.foreign, "ci"))
    assert status == 403 and "certificate of this daemon is required" in said


def test_of_the_ca_and_not_in_signd_ini(site):
    who = site.client(site.ca, "someone")
    status, said = site.ask(who)
    assert (status, json.loads(said)["code"]) == (403, "identity")
    assert spki(who[1].read_bytes()) in said


def test_what_its_rules_do_not_say(site):
    status, said = site.ask(site.good, kind="ticket", body={"device": "ab" * 32, "number": 1, "seconds": 60})
    assert (status, json.loads(said)["code"]) == (403, "kind")


def test_revoked_from_the_next_request_on(site):
    connection = site.connect(site.good)
    connection.request("POST", "/v1/ask", request())
    assert connection.getresponse().read() and site.ask(site.good)[0] == 200
    site.write("crl.pem", site.ca.crl([site.good[1].read_bytes()]))
    connection.request("POST", "/v1/ask", request())  # in the connection that was good
    answer = connection.getresponse()
    said = json.loads(answer.read())
    assert (answer.status, said["code"]) == (403, "identity") and "revoked" in said["text"]
    connection.close()
    (site.dir / "crl.pem").unlink()  # what revoked it is gone: that is no pardon
    for _ in range(2):
        assert "cannot be read now" in site.ask(site.good)[1]
    site.write("crl.pem", site.ca.crl([]))
    assert site.ask(site.good)[0] == 200


def test_a_header_of_the_client_does_not_pass(site):
    forged = pki.escaped(site.good[1].read_bytes())
    someone = site.client(site.ca, "someone else")
    for headers in ({"X-Rota-Certificate": forged}, {"x-rota-certificate": forged, "Connection": "X-Rota-Certificate"},
                    {"X_Rota_Certificate": forged}):
        status, said = site.ask(someone, headers)
        assert status == 403 and json.loads(said)["code"] == "identity", said


def test_other_paths_end_at_nginx(site):
    for target in ("/", "/metrics", "/v2/ask"):
        assert site.ask(site.good, target=target)[0] == 404


def forged_head(site, *certificates):
    body = request()
    lines = "".join(f"X-Rota-Certificate: {text}\r\n" for text in certificates)
    return f"POST /v1/ask HTTP/1.1\r\nHost: s\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_only_nginx_may_connect(made, tmp_path):  # noqa: F811
    """A local process that connects itself and says whose certificate it has."""
    shutil.copytree(made.dir, tmp_path / "authority")
    site = Site(tmp_path, tmp_path / "authority", nginx_user="nobody" if ME != "nobody" else "root")
    with site.signd:
        with Client(site.socket) as client:
            try:
                client.send(forged_head(site, pki.escaped(site.good[1].read_bytes())))
                assert client.answer() is None
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert site.signd.ask()[0] == 200


def test_the_header_says_nothing_to_the_local_socket(site):
    with Client(site.signd.socket) as client:
        client.send(forged_head(site, "no certificate"))
        assert client.answer()[0] == 200  # by uid


@pytest.mark.parametrize("what, says", [
    ("nothing", "showed no certificate"), ("two", "showed no certificate"), ("junk", "cannot be read"),
    ("foreign", "none of the CAs"), ("old", "not valid at this time"),
])
def test_what_nginx_would_not_hand_on(site, what, says):
    """nginx's own user, which the tests are, and what stands in the header."""
    good = pki.escaped(site.good[1].read_bytes())
    certificates = {"nothing": [], "two": [good, good], "junk": ["-----BEGIN"],
                    "foreign": [pki.escaped(site.client(site.foreign, "ci")[1].read_bytes())],
                    "old": [pki.escaped(site.client(site.ca, "ci", (-9, -2))[1].read_bytes())]}[what]
    with Client(site.socket) as client:
        client.send(forged_head(site, *certificates))
        status, _, body = client.answer()
    said = json.loads(body)
    assert (status, said["code"]) == (403, "identity") and says in said["text"]


def test_each_request_says_anew_who_asks(site):
    """nginx sends many clients' requests through one connection."""
    with Client(site.socket) as client:
        for certificate, status in ((site.good, 200), (site.client(site.ca, "x"), 403), (site.good, 200)):
            client.send(forged_head(site, pki.escaped(certificate[1].read_bytes())))
            assert client.answer()[0] == status


@pytest.mark.parametrize("old, new, says", [
    ("certificate = ", "; ", "nginx needs [remote] certificate"),
    ("certificate = /", "certificate = /\";", "nginx's configuration cannot hold"),
    ("client_ca = /", "client_ca = /nowhere/", "[remote]"),
    ("nginx_user = ", "nginx_user = no-such-user-", "no-such-user-"),
])
def test_settings_that_do_not_work(site, old, new, says):
    config = site.signd.dir / "other.ini"
    config.write_text(site.signd.config.read_text().replace(old, new))
    done = subprocess.run([BUILD / "apps/rota-signd/rota-signd", "--nginx", "--config", config], capture_output=True,
                          text=True, check=False, timeout=60 * PATIENCE)
    assert done.returncode == 1 and not done.stdout and says in done.stderr and done.stderr.count("\n") == 1


# ---- rota itself

BUILDS = "[rule ci-builds]\nwho = ci\nscope = sensor\nrole = ci\nkinds = build metadata image\n"


@pytest.fixture
def farm(rota, tmp_path):  # noqa: F811
    """A build machine with a client certificate, and no token; the daemon far away has them."""
    rota("keys", "make", "--token", "online", "--label", "builder", "--use", "builder")
    ini = rota.dir / "rota.ini"
    ini.write_text(re.sub(r"\nsignd = .*", "", ini.read_text()) + "[keys builder]\nsigners = online:builder\n")
    with Site(tmp_path, rota.dir, rules=BUILDS) as site:
        shutil.copytree(rota.dir, tmp_path / "farm", ignore=shutil.ignore_patterns("tokens"))
        settings = (f"[authority]\nsignd = https://127.0.0.1:{site.port}\nsignd_ca = {tmp_path}/server-ca.pem\n"
                    f"signd_certificate = {site.good[1]}\nsignd_key = {site.good[0]}\n")
        ini = tmp_path / "farm/rota.ini"
        ini.write_text(ini.read_text().replace("[authority]\n", settings, 1))
        yield Rota(BUILD, tmp_path / "farm"), site


def build(farm, where, **more):
    (where / "source").mkdir(exist_ok=True)
    (where / "source/data").write_text("some data\n")
    return farm("build", "--sign", "--source", where / "source", "--uri", "https://git.example.org/fw", "--revision", "abc",
                "--artifact", "app=made", "--out", where / "out", "--", "sh", "-c", "cat data data >made", **more)


@pytest.mark.skipif(subprocess.run(["unshare", "-Urnmp", "--fork", "true"], capture_output=True, check=False).returncode != 0,
                    reason="namespaces are not here")
def test_a_build_machine_without_a_token(farm, tmp_path):
    rota, site = farm  # noqa: F811
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(rota("build", "--key").strip()))
    build(rota, tmp_path)
    envelope = json.loads((tmp_path / "out/provenance.jsonl").read_text())
    payload = base64.b64decode(envelope["payload"])
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]),
               b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload), ec.ECDSA(hashes.SHA256()))
    site.signd.wait_entries(1, role="builder")


def test_a_ci_release_from_afar(farm, tmp_path):
    """The image is brought, signed and listed, each by a request; the keys are far away."""
    rota, site = farm  # noqa: F811
    image = tmp_path / "app.img"
    (tmp_path / "payload").write_bytes(os.urandom(300_000))
    rota("image", "sign", "--ci", "--version", "2.0.0", "--hardware", "board-a", "--counter", 1,
         "--out", image, tmp_path / "payload")
    shown = json.loads(rota("image", "show", "--json", image))
    assert [s["verdict"] for s in shown["signatures"]] == ["good, ci key 0"]
    rota("release", "add", "--ci", "--version", "2.0.0", "--image", image)
    listed = json.loads((rota.dir / "staging/2.ci.json").read_text())["signed"]["targets"]
    assert "ci/sensor/2.0.0/release.json" in listed and len(listed) == 2
    for role in ("ci-image", "ci"):
        site.signd.wait_entries(1, kind="GRANTED", role=role)


@pytest.mark.parametrize("what, says", [
    ("another server's CA", "certificate"), ("a client of another CA", "answers 403"), ("nobody there", "signing daemon at https://"),
    ("no certificate named", "signd_certificate goes with"),
])
def test_what_a_build_machine_is_told(farm, what, says):
    rota, site = farm  # noqa: F811
    ini = rota.dir / "rota.ini"
    text = ini.read_text()
    if what == "another server's CA":
        (site.dir / "server-ca.pem").write_bytes(site.foreign.pem())
    elif what == "a client of another CA":
        key, cert = site.client(site.foreign, "ci")
        text = text.replace(str(site.good[1]), str(cert)).replace(str(site.good[0]), str(key))
    elif what == "nobody there":
        text = text.replace(f":{site.port}", f":{free_port()}")
    else:
        text = re.sub(r"signd_certificate = .*\n", "", text)
    ini.write_text(text)
    said = rota("build", "--key", status=1)
    assert says in said and said.count("\n") == 1
