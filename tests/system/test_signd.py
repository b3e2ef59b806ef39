# SPDX-License-Identifier: Apache-2.0
"""The signing daemon: what it signs, what it refuses, what it enters into its log, and who of its processes has what."""
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from authority import made, rota  # noqa: F401 - fixtures
from paths import BUILD, PATIENCE
from signd import Client, Signd, digest_of_ticket, digest_of_time, request, words

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

DEVICE = "ab" * 32


@pytest.fixture(scope="module", name="signd")
def run_signd(made, tmp_path_factory):  # noqa: F811
    directory = tmp_path_factory.mktemp("signd")
    authority = directory / "authority"
    shutil.copytree(made.dir, authority)
    with Signd(directory, authority) as it:
        yield it


@pytest.fixture(name="own")
def make_own(made, tmp_path):  # noqa: F811
    """A daemon that a test may do anything to, not started."""
    shutil.copytree(made.dir, tmp_path / "authority")
    it = Signd(tmp_path, tmp_path / "authority")
    yield it
    if it.process and it.process.poll() is None:
        it.process.kill()
        it.process.wait()


def verified(answer, digest):
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(answer["keys"][0]))
    try:
        key.verify(bytes.fromhex(answer["signatures"][0]["sig"]), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return True
    except InvalidSignature:
        return False


# ---- what is signed

def test_the_time(signd):
    nonce = os.urandom(16).hex()
    before = int(time.time())
    status, said, _ = signd.ask(body={"device": DEVICE, "nonce": nonce})
    assert status == 200 and before <= said["time"] <= time.time()
    assert verified(said, digest_of_time(DEVICE, nonce, said["time"]))
    assert not verified(said, digest_of_time(DEVICE, nonce, said["time"] + 1))


def test_a_ticket(signd):
    status, said, _ = signd.ask(kind="ticket", body={"device": DEVICE, "number": 7, "seconds": 86400})
    assert status == 200 and "time" not in said
    assert verified(said, digest_of_ticket(DEVICE, 7, 86400))


def test_what_is_signed_is_in_the_log(signd):
    nonce = os.urandom(16).hex()
    _, said, _ = signd.ask(body={"device": DEVICE, "nonce": nonce})
    leaves = signd.wait_leaves(said["entry"] + 1)
    entry = leaves[said["entry"]]
    assert entry["kind"] == "GRANTED" and entry["scope"] == "sensor" and entry["role"] == "time"
    assert entry["message"] == digest_of_time(DEVICE, nonce, said["time"]).hex()
    assert entry["key"] == said["signatures"][0]["keyid"]
    assert leaves[0]["kind"] == "POLICY"


def test_many_clients_at_once(signd):
    clients = [signd.connect() for _ in range(32)]
    nonces = [os.urandom(16).hex() for _ in clients]
    entries = set()
    for _ in range(5):
        for client, nonce in zip(clients, nonces):
            body = request(body={"device": DEVICE, "nonce": nonce})
            client.send(f"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        for client, nonce in zip(clients, nonces):
            status, _, body = client.answer()
            said = json.loads(body)
            assert status == 200 and verified(said, digest_of_time(DEVICE, nonce, said["time"]))
            entries.add(said["entry"])
    assert len(entries) == 5 * len(clients)
    for client in clients:
        client.socket.close()


# ---- what is refused

REFUSED = [
    ("kind", 403, {"kind": "key", "body": {"do": "generate", "label": "x", "token": "online"}}),
    ("kind", 403, {"kind": "blind", "body": {"digest": 64 * "0"}}),
    ("role", 403, {"role": "timestamp"}),
    ("role", 403, {"scope": "other"}),
    ("member", 403, {"extra": 1}),
    ("member", 403, {"body": {"device": DEVICE, "nonce": "00"}}),
    ("member", 403, {"body": {"device": DEVICE, "nonce": 32 * "0", "time": 1}}),
    ("expired", 403, {"expires": "2020-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize("code, status, changes", REFUSED)
def test_refused(signd, code, status, changes):
    got, said, _ = signd.ask(**changes)
    assert (got, said["code"], said["_type"]) == (status, code, "rota-refusal"), said


def test_another_spelling_is_refused(signd):
    with signd.connect() as client:
        status, _, body = client.post(request().replace(b'{"_type"', b'{ "_type"'))
        assert status == 403 and b'"code":"spelling"' in body


def test_a_refusal_is_an_entry_and_few_are(made, tmp_path):  # noqa: F811
    shutil.copytree(made.dir, tmp_path / "authority")
    with Signd(tmp_path, tmp_path / "authority") as signd, signd.connect() as client:
        for _ in range(25):
            assert client.ask(extra=1)[0] == 403
        assert client.ask()[0] == 200
        kinds = [entry["kind"] for entry in signd.wait_leaves(12)]
        # 25 refusals may lie on both sides of a minute's end
        assert kinds[0] == "POLICY" and 10 <= kinds.count("REFUSED") <= 20 and kinds.count("GRANTED") == 1


def test_too_often(made, tmp_path):  # noqa: F811
    shutil.copytree(made.dir, tmp_path / "authority")
    with Signd(tmp_path, tmp_path / "authority", rate="3/1h") as signd:
        assert [signd.ask()[0] for _ in range(3)] == [200, 200, 200]
        status, said, headers = signd.ask()
        assert status == 429 and said["code"] == "rate" and 1000 < int(headers["Retry-After"]) <= 1200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as another user")
def test_a_stranger(signd):
    program = ("import sys; sys.path.insert(0, sys.argv[1]); from signd import Client, request; import os; os.setuid(65534);"
               "print(Client(sys.argv[2]).post(request()))")
    os.chmod(signd.dir, 0o755)
    for above in signd.dir.parents:
        if above.stat().st_uid == 0 and above != above.parent:
            os.chmod(above, above.stat().st_mode | 0o011)
    done = subprocess.run(["/usr/bin/env", "python3", "-c", program, pathlib.Path(__file__).parent, signd.socket],
                          capture_output=True, text=True, check=True, timeout=60 * PATIENCE)
    assert done.stdout.startswith("(403,") and '"code":"identity"' in done.stdout


HOSTILE = [
    (b"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    (b"POST /v1/ask HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    (b"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 25165825\r\n\r\n", 413),
    (b"POST /v1/keys/sensor/time HTTP/1.1\r\nHost: s\r\nContent-Length: 0\r\n\r\n", 405),
    (b"POST /v1/ask HTTP/1.1\r\nHost: s\r\n\r\n", 411),
    (b"GET /v1/ask HTTP/1.1\r\nHost: s\r\n\r\n", 405),
    (b"GET / HTTP/1.1\r\nHost: s\r\n\r\n", 404),
    (b"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 2\r\n\r\n{}{}", 400),
    (b"GET / HTTP/1.1\r\n" + 30000 * b"a", 431),
    (b"DELETE / HTTP/1.1\r\nHost: s\r\n\r\n", 405),
]


@pytest.mark.parametrize("data, status", HOSTILE)
def test_hostile_bytes_get_one_answer_and_the_end(signd, data, status):
    with signd.connect() as client:
        client.send(data)
        assert client.answer()[0] == status
        try:
            assert client.socket.recv(1) == b""
        except ConnectionResetError:
            pass
    assert signd.ask()[0] == 200


def test_a_head_that_does_not_end_is_cut(signd):
    with signd.connect() as client:
        client.send(b"POST /v1/ask HTTP/1.1\r\n")
        assert client.answer() is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root connects as somebody else")
def test_strangers_leave_room_for_clients(signd):
    """The ninth connection of a user whom signd.ini does not know is shut, and a client asks on."""
    stranger = """
import os, select, socket, sys
os.setuid(65534)
held = []
for _ in range(9):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[1])
print(held[-1].recv(1) == b"" and not select.select(held[:-1], [], [], 0)[0], flush=True)
sys.stdin.read()
"""
    for path in [signd.dir, *signd.dir.parents[:-2]]:
        path.chmod(path.stat().st_mode | 0o011)
    with subprocess.Popen([sys.executable, "-c", stranger, signd.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as other:
        assert other.stdout.readline() == "True\n"
        assert signd.ask()[0] == 200
        other.stdin.close()


def test_more_connections_than_there_is_room_for(signd):
    held = [signd.connect() for _ in range(48)]
    with signd.connect() as one_more:
        assert one_more.socket.recv(1) == b""
        assert not select.select([client.socket for client in held], [], [], 0)[0]
    for client in held:
        client.socket.close()
    deadline = time.monotonic() + 60 * PATIENCE
    while time.monotonic() < deadline:
        try:
            assert signd.ask()[0] == 200
            return
        except (AssertionError, ConnectionError, BrokenPipeError):
            time.sleep(0.05)
    raise AssertionError("nobody gets in any more")


# ---- who has what

def test_each_process_has_its_own(signd):
    signd.ask()
    pins = [path.read_text().strip() for path in signd.authority.glob("tokens/*/*pin")]
    holders, logger, parser = signd.pids("rota-token"), signd.pids("signd-log"), signd.pids("signd")
    assert len(holders) == 2 and len(logger) == 1 and len(parser) == 1
    for pid in [*holders, *logger, *parser, signd.process.pid]:
        proc = pathlib.Path(f"/proc/{pid}")
        assert ("libsofthsm2" in (proc / "maps").read_text()) == (pid in holders)
        for name in ("cmdline", "environ"):
            data = (proc / name).read_bytes().decode(errors="replace")
            assert not any(pin in data for pin in pins)
        if pid != signd.process.pid:
            assert re.search(r"Max core file size\s+0\s+0", (proc / "limits").read_text())
            assert "NoNewPrivs:\t1" in (proc / "status").read_text()
    journal = [os.path.realpath(f"/proc/{parser[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{parser[0]}/fd")]
    assert not any("journal" in name for name in journal)
    assert len([name for name in journal if "socket:" in name]) <= 5  # log writer, holder, listener, what pytest left


def test_no_pin_in_the_state(signd):
    pins = [path.read_bytes().strip() for path in signd.authority.glob("tokens/*/*pin")]
    for path in signd.dir.rglob("*"):
        if path.is_file() and "tokens" not in path.parts:
            data = path.read_bytes()
            assert not any(pin in data for pin in pins), path


# ---- what breaks

def test_a_holder_that_dies_is_started_anew(own):
    own.start()
    assert own.ask()[0] == 200
    killed = own.pids("rota-token")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    while set(killed) & set(own.pids("rota-token")):
        time.sleep(0.01)  # one that is dying can still take a request with it
    assert own.ask()[0] == 200  # the next one goes on with what nobody has taken
    own.stop()


def test_without_its_log_writer_nothing_goes_on(own):
    own.start()
    assert own.ask()[0] == 200
    os.kill(own.pids("signd-log")[0], signal.SIGKILL)
    assert own.process.wait(60 * PATIENCE) == 1
    own.start()
    entry = own.ask()[1]["entry"]
    kinds = [leaf["kind"] for leaf in own.wait_leaves(entry + 1) if leaf["kind"] != "OPENED"]
    assert kinds == ["POLICY", "GRANTED", "POLICY", "GRANTED"]
    own.stop()


def test_a_wrong_pin_is_tried_once(own):
    pin = own.authority / "tokens/online/pin"
    kept = pin.read_bytes()
    pin.write_bytes(b"wrong")
    assert "the PIN is wrong" in own.start(status=3)
    pin.write_bytes(kept)
    own.start()
    assert own.ask()[0] == 200
    own.stop()


def test_a_log_that_was_put_back(own):
    own.start()
    own.ask()
    own.stop()
    shutil.copytree(own.state / "log/journal", own.dir / "old")
    own.start()
    for _ in range(3):
        own.ask()
    own.stop()
    shutil.rmtree(own.state / "log/journal")
    shutil.copytree(own.dir / "old", own.state / "log/journal")
    own.start(status=1)
    assert "the log does not open" in own.said()


def test_a_token_that_does_not_sign(own):
    shim = (BUILD / "tests/unit/libp11shim.so").resolve()
    ini = own.authority / "rota.ini"
    text = ini.read_text()
    module = re.search(r"\[token online\]\nmodule = (.*)\n", text).group(1)
    ini.write_text(text.replace(f"[token online]\nmodule = {module}", f"[token online]\nmodule = {shim}"))
    own.start(P11SHIM_DIR=str(own.dir), P11SHIM_MODULE=module)
    assert own.ask()[0] == 200
    (own.dir / "mood").write_text("gone")
    status, said, headers = own.ask()
    assert status == 503 and said["code"] == "token" and "Retry-After" in headers
    (own.dir / "mood").unlink()
    deadline = time.monotonic() + 60 * PATIENCE
    while own.ask()[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    leaves = own.wait_leaves(4)
    own.stop()
    failed = [entry for entry in leaves if entry["kind"] == "FAILED"]
    assert failed and leaves[failed[0]["version"]]["kind"] == "GRANTED"
    assert leaves[failed[0]["version"]]["message"] == failed[0]["message"]


def test_settings_are_read_anew(own):
    own.start()
    assert own.ask(role="keys-link", kind="metadata", body={"signed": {}})[1]["code"] == "role"
    parser = own.pids("signd")
    kept = own.config.read_text()
    own.config.write_text(kept + "[rule\n")
    own.process.send_signal(signal.SIGHUP)
    wait_said(own, "it goes on with the settings that it has")
    assert own.pids("signd") == parser and own.ask()[0] == 200
    own.config.write_text(kept + "[rule link]\nwho = me\nscope = sensor\nrole = keys-link\nkinds = metadata\n")
    for times in (2, 3):
        own.process.send_signal(signal.SIGHUP)
        assert own.ask()[0] == 200  # whoever comes in between waits
        wait_said(own, "ready on", times)
    assert own.pids("signd") != parser
    status, said, _ = own.ask(role="keys-link", kind="metadata", body={"signed": {}})
    assert (status, said["code"]) == (403, "member"), said
    with own.connect() as client:
        client.send(b"GET /v1/keys/sensor/keys-link HTTP/1.1\r\nHost: s\r\n\r\n")
        assert client.answer()[0] == 200
    own.stop()
    digests = [leaf["digest"] for leaf in own.leaves() if leaf["kind"] == "POLICY"]
    assert len(digests) == 3 and len(set(digests)) == 2


def wait_said(own, text, times=1):
    deadline = time.monotonic() + 60 * PATIENCE
    while own.said().count(text) < times:
        assert time.monotonic() < deadline and own.process.poll() is None, own.said()
        time.sleep(0.02)


def test_it_ends_in_order(own):
    own.start()
    said = own.ask()[1]
    with Client(own.socket) as idle:
        own.stop()
        assert idle.socket.recv(1) == b""
    assert not own.socket.exists() and own.said().endswith("stopped\n")
    assert len(own.leaves()) == said["entry"] + 1  # a last checkpoint


# ---- how it is called

def test_arguments(own):
    program = BUILD / "apps/rota-signd/rota-signd"

    def call(*args):
        done = subprocess.run([program, *args], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              timeout=60 * PATIENCE)
        return done.returncode, done.stdout, done.stderr

    assert call("--check", "--config", own.config)[0] == 0
    assert call("--help")[1].startswith("Usage: rota-signd")
    assert call("--version")[1].startswith("rota-signd 0.")
    assert call("--wrong")[0] == 2 and call("word")[0] == 2 and call("--config")[0] == 2
    own.config.write_text(words({}).decode())
    status, _, said = call("--config", own.config)
    assert status == 1 and said.count("\n") == 1


@pytest.mark.parametrize("key", ["online:snapshot", "online:rollouts", "root-1:root"])
def test_the_log_s_key_is_nobody_else_s(own, key):
    """Neither one that a role signs with, whether or not a rule is for it, nor one that somebody has to bring."""
    own.config.write_text(own.config.read_text().replace("key = online:log", f"key = {key}"))
    said = own.start(status=1)
    assert said.count("\n") == 1 and "[log] key" in said
