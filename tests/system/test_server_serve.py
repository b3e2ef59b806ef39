# SPDX-License-Identifier: Apache-2.0
"""`rota serve`: the real nginx and rotad over TLS on loopback, as a user and as root."""
import http.client
import json
import os
import pathlib
import pwd
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import warnings

import pytest

from conftest import programs
from pki import DEVICE, Authority, Ca, escaped

ROTA = programs().get("rota")
BODY = '{"events":[{"at":null,"event":"started","seq":%d}]}'


class Served:
    """A running `rota serve`."""

    def __init__(self, authority, state, *options, user=None):
        self.authority, self.state = authority, state
        self.ports_file = authority.dir / "ports"
        self.ports_file.unlink(missing_ok=True)
        self.who = {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []} if user else {}
        self.process = subprocess.Popen(
            [ROTA, "--dir", authority.dir, "serve", "--state", state, "--ports-file", self.ports_file, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **self.who)

    def ready(self):
        line = self.process.stdout.readline()
        if not line.startswith("ready: "):
            raise AssertionError(self.process.communicate(timeout=60)[1])
        self.ports = {k: int(v) for k, v in (x.split("=") for x in self.ports_file.read_text().split())}
        return self

    def stop(self, how=signal.SIGTERM):
        """(exit status, standard error)."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        err = self.process.communicate(timeout=60)[1]
        return self.process.returncode, err

    def context(self, client=None):
        context = ssl.create_default_context(cafile=str(self.authority.dir / "ca/server-ca.pem"))
        if client:
            context.load_cert_chain(*map(str, client))
        return context

    def ask(self, port, path, client=None, method="GET", body=None, headers=None):
        """(status, headers, body)."""
        c = http.client.HTTPSConnection("127.0.0.1", self.ports[port], context=self.context(client), timeout=30)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        answer = r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        c.close()
        return answer

    def report(self, client, seq=1, **headers):
        status, _, body = self.ask("device", "/api/v1/report", client, "POST", BODY % seq,
                                   {"Content-Type": "application/json", **headers})
        return status, body

    def children(self):
        """Processes that name our state directory or were started by those."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read()
            except OSError:
                continue
            if str(self.state).encode() in words and int(pid) != self.process.pid:
                found.append((int(pid), words))
        return found


def started_by(pid):
    """{process: its name or title}"""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        pids = [int(x) for x in f.read().split()]
    return {pid: pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids}


def user_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return pwd.getpwuid(next(int(line.split()[1]) for line in f if line.startswith("Uid:"))).pw_name


@pytest.fixture
def place():
    """A directory that nginx's and rotad's users get into; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="rota-serve.") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.fixture
def authority(place):
    where = place / "authority"
    where.mkdir()
    return Authority(where)


@pytest.fixture
def serve(authority, place):
    started = []

    def new(*options, **more):
        started.append(Served(authority, place / "state", *options, **more))
        return started[-1]

    yield new
    for one in started:
        one.stop(signal.SIGKILL) if one.process.poll() is None else None


@pytest.fixture
def served(serve):
    return serve().ready()


@pytest.mark.smoke
def test_device_reports_over_mtls(served, authority):
    device = authority.client(authority.operational)
    assert served.report(device) == (200, b'{"acknowledged":1}\n')
    assert served.report(device) == (200, b'{"acknowledged":1}\n')
    assert served.stop() == (0, "")
    with sqlite3.connect(served.state / "rotad/fleet.sqlite") as db:
        assert db.execute("SELECT id, events FROM devices").fetchall() == [(DEVICE, 1)]
    assert served.children() == []


def test_identities_that_are_refused(served, authority):
    idevid = authority.client(authority.device_ca)
    status, body = served.report(idevid)
    assert status == 403 and b"LDevID" in body
    for client in (None, authority.client(Ca("Test operational CA")),
                   authority.client(authority.operational, days=(-9, -1)),
                   authority.client(authority.operational, cn="somebody")):
        status, body = served.report(client)
        assert status == 403 and json.loads(body)["error"], body
    assert served.ask("device", "/est/simpleenroll", idevid, "POST", "x")[0] == 404  # nobody issues here
    assert served.ask("device", "/est/simpleenroll", idevid)[0] == 405
    assert served.ask("repo", "/est/cacerts")[0] == 404
    assert served.ask("device", "/est/else", idevid)[0] == 404
    assert served.ask("device", "/api/v1/else", authority.client(authority.operational))[0] == 404


def test_curl_and_openssl_read_the_cas_over_est(served, authority):
    """RFC 7030, 4.1, by a client and a reader that share nothing with Rota."""
    cert, key = authority.client(authority.device_ca)
    done = subprocess.run(["curl", "-sS", "--fail", "--cacert", authority.dir / "ca/server-ca.pem", "--cert", cert, "--key", key,
                           f"https://localhost:{served.ports['device']}/est/cacerts"], capture_output=True, check=True, timeout=60)
    out = subprocess.run(["openssl", "pkcs7", "-print_certs"], check=True, capture_output=True,
                         input=b"-----BEGIN PKCS7-----\n" + done.stdout + b"-----END PKCS7-----\n").stdout
    assert b"CN = Test operational CA" in out


def test_lists_and_ocsp_are_for_everybody(served, authority):
    (authority.dir / "repo/crl").mkdir()
    authority.write("repo/crl/operational-ca.crl", b"\x30\x00")
    assert served.ask("repo", "/repo/crl/operational-ca.crl")[::2] == (200, b"\x30\x00")
    assert served.ask("repo", "/repo/crl/..%2fmetadata/timestamp.crl")[0] == 404
    for method, path in (("POST", "/ocsp"), ("GET", "/ocsp/MAA%2F")):
        status, _, body = served.ask("repo", path, None, method, b"0" if method == "POST" else None)
        assert status == 404 and b"nobody answers OCSP here" in body  # rotad says it


def test_identity_header_of_a_client_is_overwritten(served, authority):
    other = authority.operational.issue("cd" * 32)[1]
    device = authority.client(authority.operational)
    assert served.report(device, **{"X-Rota-Client-Cert": escaped(other)})[0] == 200
    served.stop()
    with sqlite3.connect(served.state / "rotad/fleet.sqlite") as db:
        assert db.execute("SELECT id FROM devices").fetchall() == [(DEVICE,)]


def test_slow_body_is_cut_through_nginx(served, authority):
    """A byte now and then would satisfy nginx for hours; rotad's deadline is for the whole request."""
    context = served.context(authority.client(authority.operational))
    with socket.create_connection(("127.0.0.1", served.ports["device"])) as s:
        with context.wrap_socket(s, server_hostname="127.0.0.1") as t:
            t.sendall(b"POST /api/v1/report HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 16000\r\n\r\n")
            t.settimeout(0.5)
            answer = None
            for _ in range(100):
                try:
                    answer = t.recv(4096)
                    break
                except socket.timeout:
                    t.sendall(b" ")
            assert answer is not None and answer.startswith(b"HTTP/1.1 408 "), answer


def test_chunked_report_through_nginx(served, authority):
    device = authority.client(authority.operational)
    body = (part for part in [b'{"events":[{"at":null,', b'"event":"started","seq":1}]}'])
    status, _, answer = served.ask("device", "/api/v1/report", device, "POST", body,
                                   {"Content-Type": "application/json"})  # no length: chunked
    assert (status, answer) == (200, b'{"acknowledged":1}\n')


def test_large_body_is_refused(served, authority):
    device = authority.client(authority.operational)
    status = served.ask("device", "/api/v1/report", device, "POST", b" " * 16385,
                        {"Content-Type": "application/json"})[0]
    assert status == 413


def test_repository_files_and_their_caching(served, authority):
    target = f"/repo/targets/a/{authority.target}"
    cases = {
        "/repo/metadata/timestamp.json": "max-age=60,",
        "/repo/metadata/root-hint.json": "max-age=60,",
        "/repo/metadata/1.root.json": "immutable",
        target: "immutable",
        "/repo/recovery/sensor.json": "max-age=60",
    }
    for path, cache in cases.items():
        status, headers, _ = served.ask("repo", path)
        assert status == 200 and cache in headers["cache-control"], path
        assert headers["server"] == "nginx"
        again = served.ask("repo", path, headers={"If-None-Match": headers["etag"]})
        assert again[0] == 304
    status, _, body = served.ask("repo", target, headers={"Range": "bytes=5-9"})
    assert (status, body) == (206, bytes([5, 6, 7, 8, 9]))
    odd = authority.target[:65] + "a~1=2,3@4+5-6_7.img"  # every byte that a target path may have
    (authority.dir / "repo/targets/a" / odd).write_bytes(b"odd")
    assert served.ask("repo", "/repo/targets/a/" + urllib.parse.quote(odd, safe=""))[2] == b"odd"
    status, headers, _ = served.ask("repo", "/repo/metadata/2.root.json")
    assert status == 404 and headers["cache-control"] == "no-store"  # SPEC 23.10: it may be there in a moment
    for path in ("/repo/../rota.ini", "/repo/metadata/..%2f..%2frota.ini", "/repo/", "/repo/metadata/",
                 "/", "/readyz", "/metrics", "/repo/targets/a/plain.img", "/repo/metadata/.hidden.json"):
        assert served.ask("repo", path)[0] in (400, 404), path
    assert served.ask("repo", target, method="PUT", body="x")[0] == 405
    assert served.ask("device", target, authority.client(authority.operational))[0] == 200
    assert served.ask("device", "/readyz", authority.client(authority.operational))[0] == 404


def test_tls_is_modern_and_resumes(served, authority):
    old = served.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", served.ports["repo"])) as s:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(s, server_hostname="127.0.0.1")
    context = served.context(authority.client(authority.operational))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session, reused = None, None
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", served.ports["device"])) as s:
            with context.wrap_socket(s, server_hostname="127.0.0.1", session=session) as t:
                t.sendall(b"GET /est/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert b" 404 " in t.recv(4096)
                session, reused = t.session, t.session_reused
    assert reused
    modern = served.context()
    modern.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", served.ports["repo"])) as s:
        with modern.wrap_socket(s, server_hostname="127.0.0.1") as t:
            assert t.selected_alpn_protocol() == "h2"


def test_targets_can_be_for_devices_only(serve, authority):
    with open(authority.dir / "rota.ini", "a", encoding="utf-8") as f:
        f.write("targets_mtls = yes\nhttp_port = 0\n")
    served = serve().ready()
    target = f"/repo/targets/a/{authority.target}"
    assert served.ask("repo", target)[0] == 403
    assert served.ask("device", target, authority.client(authority.operational))[0] == 200
    assert served.ask("repo", "/repo/metadata/timestamp.json")[0] == 200
    plain = http.client.HTTPConnection("127.0.0.1", served.ports["http"], timeout=30)
    plain.request("GET", "/repo/recovery/sensor.json")
    assert plain.getresponse().status == 200


def test_a_device_that_asks_too_often_waits_alone(serve, authority):
    """One a second and four more at once: of twelve in a row some are refused, and another device's is not."""
    with open(authority.dir / "rota.ini", "a", encoding="utf-8") as f:
        f.write("device_rate = 1\n")
    served = serve().ready()
    busy = authority.client(authority.operational)
    answers = [served.report(busy, seq)[0] for seq in range(1, 13)]
    assert answers[0] == 200 and 429 in answers and set(answers) == {200, 429}
    other = authority.client(authority.operational, "b" * 64)
    assert served.report(other, 1)[0] == 200


def test_two_runs_keep_what_was_acknowledged(serve, authority):
    device = authority.client(authority.operational)
    for seq in (1, 2):
        served = serve().ready()
        assert served.report(device, seq)[0] == 200
        assert served.stop() == (0, "")
    with sqlite3.connect(served.state / "rotad/fleet.sqlite") as db:
        assert db.execute("SELECT events, last_seq FROM devices").fetchall() == [(2, 2)]


@pytest.mark.parametrize("name", ["rotad", "nginx"])
def test_death_of_one_ends_both(served, name):
    pid = next(p for p, words in started_by(served.process.pid).items() if name in words.split(b"\0")[0].decode())
    os.kill(pid, signal.SIGKILL)
    status, err = served.process.wait(timeout=60), served.process.stderr.read()
    assert status == 1
    assert err.count("\n") == 1 and f"{name} was killed by signal 9" in err
    assert served.children() == []


def test_kill_of_rota_serve_leaves_nothing(served):
    served.stop(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while served.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert served.children() == []


def test_new_revocation_list_is_taken(serve, authority):
    device = authority.client(authority.operational)
    authority.write("ca/crl.pem", authority.operational.crl([]))
    with open(authority.dir / "rota.ini", "a", encoding="utf-8") as f:
        f.write("crl = ca/crl.pem\n")
    served = serve().ready()
    assert served.report(device, 1)[0] == 200
    authority.write("ca/crl.pem", authority.operational.crl([device[0].read_bytes()]))
    deadline = time.monotonic() + 30
    seq = 1
    while served.report(device, seq := seq + 1)[0] != 403 and time.monotonic() < deadline:
        time.sleep(0.3)
    status, body = served.report(device, seq + 1)
    assert status == 403 and b"revoked" in body


def taken_port(authority):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    authority.held = s
    return ["--port", str(s.getsockname()[1])], "is in use"


def other_key(authority):
    authority.write("server/key.pem", Ca("x").issue("x")[0], 0o600)
    return [], "is not the key of"


def open_key(authority):
    os.chmod(authority.dir / "server/key.pem", 0o644)
    return [], "chmod 600"


def no_key(authority):
    (authority.dir / "server/key.pem").unlink()
    return [], "server/key.pem"


def expired(authority):
    key, cert = authority.server_ca.issue("localhost", (-9, -1))
    authority.write("server/key.pem", key, 0o600)
    authority.write("server/cert.pem", cert)
    return [], "expired"


def no_repository(authority):
    os.rename(authority.dir / "repo", authority.dir / "moved")
    return [], "repository"


def no_ca(authority):
    authority.write("ca/operational-ca.pem", b"rubbish")
    return [], "operational-ca.pem"


def wrong_setting(authority):
    authority.write("rota.ini", b"[serve]\ncolour = red\n")
    return [], "colour"


def wrong_address(authority):
    return ["--address", "nowhere"], "nowhere"


def odd_path(authority):
    authority.write("rota.ini", b'[serve]\nport = 0\ndevice_port = 0\nrepository = a;b\n')
    os.rename(authority.dir / "repo", authority.dir / "a;b")
    return [], "a;b"


def no_nginx(authority):
    with open(authority.dir / "rota.ini", "a", encoding="utf-8") as f:
        f.write("nginx = /nonexistent/nginx\n")
    return [], "/nonexistent/nginx"


@pytest.mark.parametrize("spoil", [taken_port, other_key, open_key, no_key, expired, no_repository, no_ca,
                                   wrong_setting, wrong_address, odd_path, no_nginx])
def test_what_is_wrong_is_said_in_one_line(serve, authority, spoil):
    options, named = spoil(authority)
    served = serve(*options)
    out, err = served.process.communicate(timeout=60)
    assert served.process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1 and named in err, err
    assert served.children() == []


def test_keys_are_served_where_rows_are_made(serve, authority):
    """Without a daemon nobody makes rows of what devices say of their keys, so that they are told nothing is taken."""
    served = serve().ready()
    client = authority.client(authority.operational)
    assert served.ask("device", "/api/v1/statement", client, "POST", b"x")[0] == 404
    served.stop()
    ini = authority.dir / "rota.ini"
    ini.write_text(f"[authority]\nsignd = {authority.dir}/nobody\nproduct = sensor\n{ini.read_text()}")
    served = serve().ready()
    assert served.ask("device", "/api/v1/statement", client, "POST", b"x")[0] == 400
    assert f"[keys]\ndirectory = {served.state}/rotad/keys\n" in (served.state / "rotad.ini").read_text()


def test_damaged_journal_is_named(serve, authority):
    device = authority.client(authority.operational)
    served = serve().ready()
    for seq in (1, 2):
        served.report(device, seq)
    served.stop()
    segment = served.state / "rotad/journal/0000000001.seg"
    data = bytearray(segment.read_bytes())
    data[100] ^= 1
    segment.write_bytes(data)
    served = serve()
    err = served.process.communicate(timeout=60)[1]
    assert served.process.returncode == 1
    assert err.count("\n") == 1 and "0000000001.seg" in err and "byte 28" in err, err


def test_second_one_in_the_same_state_is_refused(served, serve):
    err = serve().process.communicate(timeout=60)[1]
    assert "another `rota serve` runs" in err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to start as somebody else")
def test_ordinary_user_needs_no_root(serve, authority, place):
    nobody = pwd.getpwnam("nobody").pw_uid
    for path in [place, *place.rglob("*")]:
        os.chown(path, nobody, -1)
    served = serve(user=nobody).ready()
    assert served.report(chowned(authority, nobody))[0] == 200
    assert {os.stat(f"/proc/{pid}").st_uid for pid, _ in served.children()} <= {nobody, 0}
    assert served.stop() == (0, "")


def chowned(authority, uid):
    files = authority.client(authority.operational)
    for path in files:
        os.chown(path, uid, -1)
    return files


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_as_root_each_has_its_own_user(served):
    ours = started_by(served.process.pid)
    (rotad,) = (pid for pid, words in ours.items() if words.split(b"\0")[0].endswith(b"rotad"))
    assert user_of(rotad) == "rota-ingest"
    (master,) = (pid for pid, words in ours.items() if words.startswith(b"nginx: master"))
    # A worker first has its master's title; it gets its own with its user. nginx listens before it has workers.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        workers = started_by(master)
        if workers and all(title.startswith(b"nginx: worker") for title in workers.values()):
            break
        time.sleep(0.02)
    assert workers and {user_of(pid) for pid in workers} == {"rota-web"}
    state = pathlib.Path(served.state)
    sockets = [p for p in state.rglob("*") if p.is_socket() and p.name not in ("rotad.sock", "operators.sock")]
    assert len(sockets) == 1
    # What root's process binds and chmods lies where nobody else can put a link in its way.
    path = sockets[0].parent
    while path != state.parent:
        assert path.stat().st_uid == 0 and not path.stat().st_mode & 0o022, path
        path = path.parent
