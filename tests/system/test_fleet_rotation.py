# SPDX-License-Identifier: Apache-2.0
"""A fleet rotates its data keys twice while it sends telemetry, and no message is lost (SPEC 32 to 37).

Devices are those of rota-fleet: the real core in simulated time. All that they talk to is real: the authority's repository, rota-signd and
rota-seald on tokens of SoftHSM, `rota serve`, whose rotad has rows made of what they say; campaigns are those of `rota campaign`. Some
devices go through nginx, with TLS by a key of their root of trust; some have a factory secret. What a back end opens with is derived here,
from SPEC.md alone, out of the copies that rota-seald keeps; for a sample it is held against what `rota-seald serve` gives. Beside the
keys there is an update. Some devices sleep through the first campaign, proofs are lost, the power goes."""
import collections
import concurrent.futures
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import zlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import pki
import sealfiles
import softhsm
from asks import HOUR, when
from authority import Rota
from keytrees import locator
from paths import BUILD, PATIENCE, TOP
from rotadproc import Rotad
from signd import Client as Asker
from signd import request
from test_rota_signd import Daemon
from test_seald_campaign import RULE, Chain
from test_server_operators import Desk
from test_signd_certificate import Device, ca_of, put_online
from test_signd_remote import spki

pytestmark = pytest.mark.plain

DEVICES = int(os.environ.get("ROTA_FLEET_DEVICES", "500"))
SLEEPERS = DEVICES // 50
FRONTED = range(3, DEVICES, max(25, DEVICES // 100))  # they go through nginx
SECRET = range(1, DEVICES, 7)  # they have a factory secret
ITEMS = 1024  # of a request for rows
SERVED = 25  # devices whose keys a back end asks for, too
BIRTHS = """
[rule births]
who = desk
scope = sensor
role = device-ca
kinds = certificate
rate = 100000/1h
"""
ROWS = """
[rule rows-{who}]
who = {who}
scope = sensor
role = registry
kinds = rows
rate = 100000/1h
"""


def expand(key, info, length):
    """HKDF-Expand of one block (RFC 5869)."""
    return hmac.digest(key, info + b"\1", "sha256")[:length]


class Program:
    """rota-fleet, told what happens."""

    def __init__(self, site, *more):
        self.statements, self.messages = site.folder / "statements", site.folder / "messages"
        self.process = subprocess.Popen(
            [BUILD / "apps/rota-fleet/rota-fleet", "--census", site.folder / "census", "--repository", site.desk.dir / "repo",
             "--server", site.rotad.socket, "--statements", self.statements, "--messages", self.messages, "--json",
             "--repository-url", f"https://localhost:{site.ports['repo']}/repo", "--device-url", f"https://localhost:{site.ports['device']}",
             "--ca", site.desk.dir / "ca/server-ca.pem", *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = self.hear()

    def hear(self):
        line = self.process.stdout.readline()
        assert line, self.process.wait(60)
        return json.loads(line)

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.said = self.hear()
        return self.said

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(60 * PATIENCE) == 0

    def entries(self):
        """(device id, record) of each message."""
        with open(self.messages, "rb") as source:
            while head := source.read(36):
                yield head[:32], source.read(struct.unpack("<I", head[32:])[0])


class Behind(Rotad):
    """The rotad of `rota serve`."""

    def __init__(self, state):  # pylint: disable=super-init-not-called
        self.dir, self.socket = state / "rotad", str(state / "run/rotad.sock")


class Site:
    """Authority, daemons and devices."""

    def __init__(self, place, folder):
        self.place, self.folder = place, folder
        self.desk = Rota(BUILD, place / "a")
        self.desk("init", "--softhsm", "--product", "sensor", self.desk.dir)
        put_online(self.desk)
        self.chain = Chain(folder, self.desk)
        self.chain.good("make")
        ini = self.desk.dir / "signd.ini"
        text = ini.read_text(encoding="utf-8")
        assert text.count(RULE) == 1
        module = self.chain.ini.read_text(encoding="utf-8").split("[token]\n")[1].split("so_pin_file")[0]
        environment = f"environment = SOFTHSM2_CONF={folder}/softhsm2.conf\n"
        module = "\n".join(line for line in module.splitlines() if not line.startswith(("environment", " ", "module"))) + "\n"
        real = next(m for m in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so") if os.path.exists(m))
        registry = f"[registry sensor]\nkey = {folder}/state/registry.key\nmodule = {real}\n{module}{environment}"
        rules = BIRTHS + "".join(ROWS.format(who=one) for one in self.askers(text))
        ini.write_text(text.replace(RULE, RULE + "\nrate = 36000/1h") + rules + registry, encoding="utf-8")
        self.devices = [Device(f"SN-{n:07}") for n in range(DEVICES)]
        self.by_id = {}
        self.start = datetime.datetime.utcnow().replace(microsecond=0)

    @staticmethod
    def askers(_):
        """Who has rows made."""
        return ["desk"]

    def at(self, hours):
        return when(self.start + hours * HOUR)

    def ask(self, client, kind, role, body):
        status, _, said = client.post(request(kind=kind, role=role, body=body, reason="the factory", scope="sensor"))
        assert status == 200, said
        return json.loads(said)

    # --- the factory ---

    def births(self):
        ca, login = ca_of(self.desk, "device-ca"), pki.Ca("Operational")
        spki = ca.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        shared = ec.generate_private_key(ec.SECP256R1())  # of the logins: nginx, which is not here, would look at it
        lines = []
        with Asker(self.desk.dir / "signd/socket") as client:
            for number, device in enumerate(self.devices):
                said = self.ask(client, "certificate", "device-ca", device.birth())
                device.der = bytes.fromhex(said["der"])
                # 1.1: SHA-256(SPKI of the CA || serial)
                serial = device.der[device.der.index(b"\x02\x10", 8) + 2:][:16]
                device.id = hashlib.sha256(spki + serial).digest()
                self.by_id[device.id] = device
                lines.append(self.line(number, device, login, shared))
        (self.folder / "census").write_text("".join(lines), encoding="ascii")
        return login

    def line(self, _, device, login, shared):
        """Of the census."""
        cert = pki.build(login, device.id.hex(), shared).sign(login.key, hashes.SHA256()).public_bytes(pki.PEM)
        return f"{device.id.hex()} {scalar(device.key)} {point(device.key).hex()} {pki.escaped(cert)}\n"

    def serve(self, login):
        """rotad, with the operators' socket, campaigns and rows."""
        where = self.place / "d"
        where.mkdir(mode=0o755)
        self.rotad = Rotad(where)
        (where / "ca.pem").write_bytes(login.pem())
        self.rotad.ini.write_text(f"{self.rotad.ini.read_text()}[keys]\ndirectory = {where}/keys\n"
                                  f"[signd]\nsocket = {self.desk.dir}/signd/socket\nproduct = sensor\n"
                                  f"[operators]\nsocket = {where}/desk\n")
        ca = self.desk.dir / "ca/device-ca.pem"
        self.rotad.ini.write_text(self.rotad.ini.read_text().replace("[identity]\n", f"[identity]\ndevice_ca = {ca}\n"))
        self.rotad.start()
        self.operators = Desk.__new__(Desk)
        self.operators.rotad, self.operators.socket = self.rotad, str(where / "desk")

    def enrol(self, statements):
        """The first row of each, a thousand a request, and then its enrolment."""
        items, births = [], {}
        for statement in statements:
            device = self.by_id[statement[9:41]]
            items.append((device, statement + device.der))
        with Asker(self.desk.dir / "signd/socket") as client:
            for begin in range(0, len(items), ITEMS):
                batch = items[begin:begin + ITEMS]
                said = self.ask(client, "rows", "registry", {"items": [item.hex() for _, item in batch]})
                for (device, _), row in zip(batch, said["rows"]):
                    births[device.id] = bytes.fromhex(row) + device.der

        def one(pair):
            return self.operators.post(f"/v1/record/enrol/{pair[0].hex()}", pair[1])

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert all(answer[0] == 200 for answer in pool.map(one, births.items()))

    # --- campaigns ---

    def rows(self):
        return self.rotad.rows('SELECT id, "row" FROM registry ORDER BY id')

    def settled(self, generation, count):
        """Rows of so many devices say that this generation, or a later one, was proved."""
        deadline = time.monotonic() + 120 * PATIENCE
        while True:
            rows = self.rows()
            if sum(proved(row) >= generation for _, row in rows) >= count:
                return rows
            assert time.monotonic() < deadline, "rows were not made"
            time.sleep(0.2)

    def order(self, ident):
        label = bytes.fromhex(ident)
        return sorted(self.devices, key=lambda device: locator(label, device.key))

    # --- a back end ---

    def handed_out(self, generations, devices):
        """{generation: {id: key of use 1}} as `rota-seald serve` gives them to a back end (SPEC 37.11)."""
        ca, at = pki.Ca("Services"), self.folder / "seald.sock"
        _, cert = ca.issue("ingest")
        (self.folder / "services.pem").write_bytes(ca.pem())
        with open(self.chain.ini, "a", encoding="utf-8") as ini:
            ini.write(f"[serve]\nsocket = {at}\nfront = {pwd.getpwuid(os.getuid()).pw_name}\nclient_ca = {self.folder}/services.pem\n"
                      f"[service ingest]\nspki = {spki(cert)}\npurposes = telemetry\nrate = 100000/1h\n")
        keys = {}
        with subprocess.Popen(self.chain.command("serve"), stdin=subprocess.DEVNULL) as server:
            deadline = time.monotonic() + 60 * PATIENCE
            while not at.exists():
                assert server.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            for generation in generations:
                keys[generation] = {device: bytes.fromhex(self.asked(at, cert, f"{generation}/{device.hex()}")["up"]) for device in devices}
            server.terminate()
        assert server.returncode == 0
        return keys

    @staticmethod
    def asked(at, cert, path):
        with socket.socket(socket.AF_UNIX) as to:
            to.settimeout(60 * PATIENCE)
            to.connect(str(at))
            to.sendall(f"GET /v1/keys/telemetry/{path} HTTP/1.1\r\nHost: seald\r\nX-Rota-Certificate: {pki.escaped(cert)}\r\n"
                       "Connection: close\r\n\r\n".encode())
            got = Rotad.rest(to)
        head, body = got.split(b"\r\n\r\n", 1)
        assert head.split()[1] == b"200", got
        return json.loads(body)

    def opened_copies(self, ident):
        """The key of use 1 of each device, by its id."""
        copies = (self.chain.state / f"{ident}.0.copies").read_bytes()
        head, purpose, salt = copies[:140], copies[42], copies[60:76]
        generation, size = struct.unpack("<II", head[44:52])
        wrapped = head[76:136]
        holder = softhsm.secret_keys(self.folder / "tokens", (self.folder / "pin").read_bytes().strip())["copies-telemetry"]
        key = AESGCM(holder).decrypt(wrapped[:12], wrapped[12:], b"rota-copies-v1" + head[8:40])
        secrets = b""
        for chunk in range((size + 1023) // 1024):
            at = 140 + chunk * (32 + 32 * 1024)
            piece = copies[at:at + 32 + 32 * min(1024, size - 1024 * chunk)]
            of = expand(key, b"rota-copies-v1" + salt + piece[:16] + struct.pack("<I", chunk), 32)
            secrets += AESGCM(of).decrypt(bytes(12), piece[16:], head)
        order, keys = self.order(ident), {}
        assert len(order) == size
        for place, device in enumerate(order):
            extracted = hmac.digest(b"rota-keys-v1", secrets[32 * place:32 * place + 32], "sha256")
            info = b"rota-key-v1" + bytes([purpose, 1]) + struct.pack("<I", generation) + device.id
            keys[device.id] = expand(extracted, info, 16)
        return keys


class Whole(Site):
    """The same with nginx, where some devices go, factory secrets, campaigns of `rota campaign`, and an update."""

    @staticmethod
    def askers(ini):
        return ["desk"] + ["server"] * ("[client server]" in ini)  # as root rotad is another user

    def line(self, number, device, login, shared):
        """Of the census."""
        key = ec.generate_private_key(ec.SECP256R1()) if number in FRONTED else shared
        cert = pki.build(login, device.id.hex(), key).sign(login.key, hashes.SHA256()).public_bytes(pki.PEM)
        words = [device.id.hex(), scalar(device.key), point(device.key).hex(), pki.escaped(cert)]
        if number in FRONTED:
            words.append(f"login={scalar(key)}")
        if number in SECRET:
            device.secret = os.urandom(32)
            words.append(f"factory={device.secret.hex()}")
        return " ".join(words) + "\n"

    def bring_secrets(self):
        """What the factory sealed to rota-seald: the psks of factory secrets (31.5), in its book (37.4)."""
        wrapped, salt = (self.folder / "state/book.key").read_bytes(), os.urandom(16)
        book_key = sealfiles.unwrap(self.chain.wrap_keys()["book"], wrapped, b"rota-bookkey-v1")
        key = expand(book_key, b"rota-book-v1" + salt + b"\0", 32)
        with_secret = sorted((device for device in self.devices if hasattr(device, "secret")), key=lambda device: device.id)
        head = b"ROTABOK\1" + bytes(8) + struct.pack("<I", len(with_secret)) + salt
        head += struct.pack("<I", zlib.crc32(head))
        book = head
        for n, device in enumerate(with_secret):
            psk = expand(hmac.digest(b"rota-keys-v1", device.secret, "sha256"), b"rota-key-v1\0\6" + bytes(4) + device.id, 32)
            row = device.id + struct.pack("<III", 1, 0, 0) + bytes(32) + bytes(4) + psk + bytes(32)
            book += AESGCM(key).encrypt(struct.pack(">QI", 0, n), row, head)
        (self.folder / "state/book.factory").write_bytes(book)
        (self.folder / "state/book.factory").chmod(0o600)

    def serve(self, login):
        """nginx and rotad, which has the operators' socket, campaigns and rows."""
        state, ports, ca = self.place / "d", self.place / "ports", self.place / "login.pem"
        ca.write_bytes(login.pem())
        with open(self.desk.dir / "rota.ini", "a", encoding="utf-8") as ini:
            ini.write(f"\n[serve]\ndevice_rate = 10000\noperational_ca = {ca}\n"
                      f"[fleet]\ndatabase = {state}/rotad/fleet.sqlite\noperators = {state}/desk/operators.sock\n")
        self.serving = subprocess.Popen(
            [self.desk.program, "--dir", self.desk.dir, "serve", "--state", state, "--port", "0", "--device-port", "0",
             "--ports-file", ports], stdout=subprocess.PIPE, text=True)
        assert self.serving.stdout.readline().startswith("ready: ")
        self.ports = {name: int(value) for name, value in (word.split("=") for word in ports.read_text(encoding="ascii").split())}
        self.rotad = Behind(state)
        self.operators = Desk.__new__(Desk)
        self.operators.rotad, self.operators.socket = self.rotad, str(state / "desk/operators.sock")

    def campaign(self, generation, activation, stages):
        """Asked for, sealed, listed, on the shelf of rotad, and told to the registry."""
        past = (datetime.datetime.utcnow() - self.start).total_seconds()
        text = ",".join(f"{ppm}@{max(0, round(3600 * hour - past))}s" for hour, ppm in stages)
        asked = json.loads(self.desk("campaign", "new", "--purpose", "telemetry", "--devices", "all", "--reason", "as the calendar says",
                                     "--stages", text, "--activation", self.at(activation), "--overlap", "2h", "--late", "0", "--json"))
        assert (asked["generation"], asked["devices"], asked["approved"]) == (generation, DEVICES, True)
        ident = asked["campaign"]
        shutil.copy(self.desk.dir / f"campaigns/{ident}.export", self.folder / "inbox/.draft")
        (self.folder / "inbox/.draft").rename(self.folder / f"inbox/{ident}.export")
        self.chain.good("run", "--once")
        self.desk("publish")
        shelf = self.rotad.dir / "keys/campaigns"
        for kind in ("confirm", "keys"):
            shutil.copy(self.folder / f"outbox/{ident}.0.{kind}", shelf / ".draft")
            (shelf / ".draft").chmod(0o644)
            (shelf / ".draft").rename(shelf / f"{ident}.0.{kind}")
        assert json.loads(self.desk("campaign", "status", ident, "--json"))["counts"]["waiting"] == DEVICES
        return ident

    def modes(self, ident):
        """{id: mode of its bundle} (33.1, 33.4)."""
        data = (self.folder / f"outbox/{ident}.0.keys").read_bytes()
        return {device.id: data[262276 + 151 * place + 1] for place, device in enumerate(self.order(ident))}

    def release(self, version):
        """An image for all."""
        payload, image = self.folder / "payload", self.folder / "image"
        payload.write_bytes(os.urandom(3000))
        self.desk("image", "sign", "--version", version, "--hardware", "board-a", "--out", image, payload)
        self.desk("release", "add", "--version", version, "--image", image)
        self.desk("rollout", "set", "--version", version, "--channel", "stable")
        self.desk("publish")


def scalar(key):
    return key.private_numbers().private_value.to_bytes(32, "big").hex()


def point(key):
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def proved(row):
    """The generation of telemetry."""
    return struct.unpack("<I", row[184:188])[0]


def statements_of(path):
    data, found = path.read_bytes(), []
    while data:
        length, = struct.unpack("<I", data[:4])
        found.append(data[4:4 + length])
        data = data[4 + length:]
    return found


def open_record(record, keys, device):
    """(generation, number of the message) (SPEC 36.1, 36.2)."""
    version, use, zero, generation = struct.unpack("<BBHI", record[:8])
    assert (version, use, zero) == (1, 1, 0)
    record_key = expand(keys[generation][device], b"rota-record-v1" + record[8:24], 16)
    text = AESGCM(record_key).decrypt(record[24:36], record[40:], record[:40] + b"\1" + device + b"rota-fleet")
    return generation, struct.unpack("<I", text[:4])[0]


@pytest.fixture(name="site")
def make_site(tmp_path):
    with tempfile.TemporaryDirectory(prefix="fleet.") as place:
        os.chmod(place, 0o755)
        site = Whole(pathlib.Path(place), tmp_path)
        with Daemon(site.desk):
            site.desk("publish")
            yield site
            if hasattr(site, "serving"):
                site.serving.terminate()
                site.serving.communicate(timeout=60 * PATIENCE)


@pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
def test_two_campaigns_lose_no_message(site):
    login = site.births()
    site.serve(login)
    fleet = Program(site, "--start", site.at(0), "--poll", "1h", "--each", "2")
    assert fleet.said["devices"] == DEVICES
    site.enrol(statements_of(fleet.statements))
    site.bring_secrets()
    fleet(f"sleep {SLEEPERS} 17h")
    fleet("cut 30000")

    first = site.campaign(1, activation=8, stages=[(0, 100000), (2, 500000), (4, 1000000)])
    site.release("2.0.0")
    fleet("lose 9")
    said = fleet("run 1h")
    assert said["updated"] == DEVICES - SLEEPERS
    assert 0 < said["bundles"] < DEVICES / 4  # the draw lets in a tenth
    said = fleet("run 6h")
    assert (said["generation"], said["messages"]) == (0, 0)  # all have it, and its time has not come
    said = fleet("run 5h")
    assert (said["generation"], said["users"]) == (1, DEVICES - SLEEPERS)

    site.settled(1, DEVICES - SLEEPERS)
    second = site.campaign(2, activation=20, stages=[(12, 100000), (14, 500000), (16, 1000000)])
    fleet("lose 9")
    said = fleet("run 7h")
    # Who slept through the first campaign wakes when the second is open to all, and goes straight to that: its bundle was made when it had
    # proved nothing, in base mode, which it would take no more behind the first (SPEC 31.5).
    assert (said["generation"], said["users"]) == (1, DEVICES - SLEEPERS)
    said = fleet("run 3h")
    assert (said["generation"], said["users"], said["updated"]) == (2, DEVICES, DEVICES)
    fleet("cut 0")
    said = fleet("run 1h")  # less than a day in all: the lifetime of what was signed at its beginning
    assert said["stopped"] == 0
    fleet.end()
    assert said["lost_proofs"] == 18 and said["cuts"] > DEVICES / 10
    assert said["fronted"] >= 6 * len(FRONTED)  # two bundles and their proofs, two statements of what they hold
    secret = {device.id for device in site.devices if hasattr(device, "secret")}
    assert {device for device, mode in site.modes(first).items() if mode} == secret
    slept = {device.id for device in site.devices[:SLEEPERS]}
    assert {device for device, mode in site.modes(second).items() if not mode} == slept - secret

    keys = {1: site.opened_copies(first), 2: site.opened_copies(second)}
    some = [device.id for device in site.devices[::max(1, DEVICES // SERVED)]]
    assert site.handed_out(keys, some) == {generation: {device: of[device] for device in some} for generation, of in keys.items()}
    numbers, generations = collections.defaultdict(set), collections.Counter()
    for device, record in fleet.entries():
        generation, number = open_record(record, keys, device)
        numbers[device].add(number)
        generations[generation] += 1
    opened = sum(len(of) for of in numbers.values())
    lost = said["messages"] + said["mute"] - opened
    assert len(numbers) == DEVICES and generations[1] > 0 and generations[2] > 0
    subprocess.run([TOP / "tools/figure", "rotation_lost_messages", str(lost), "messages"], check=True)
    subprocess.run([TOP / "tools/figure", "fleet_devices", str(DEVICES), "devices"], check=True)
    assert lost == 0
    assert all(of == set(range(1, len(of) + 1)) for of in numbers.values())
    site.settled(2, DEVICES)


@pytest.mark.parametrize("words, says", [
    ([], "are needed"),
    (["--threads", "0"], "0 is not a value"),
    (["--threads", "65"], "65 is not a value"),
    (["--poll", "0s"], "0s is not a value"),
    (["--each", "10001"], "10001 is not a value"),
    (["--start", "now"], "now is not a value"),
    (["--census", "c", "--repository", "r", "--server", "s", "--statements", "t", "--messages", "m", "--ca", "x"], "go together"),
])
def test_wrong_usage(words, says):
    told = subprocess.run([BUILD / "apps/rota-fleet/rota-fleet", *words], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2 and says in told.stderr and told.stderr.count("\n") == 1


@pytest.mark.parametrize("census, says", [
    ("", "has 0 lines"),
    ("no device\n", "line 1 is not: ID SECRET POINT CERTIFICATE"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} cert login={'3' * 63}\n", "line 1 is not"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} cert factory={'3' * 64} login={'3' * 64}\n", "line 1 is not"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} cert login={'3' * 65}\n", "line 1 is not"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} cert secret={'3' * 64}\n", "line 1 is not"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} cert\n{'1' * 63}g {'2' * 64} {'4' * 130} cert\n", "line 2 is not"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} \n", "line 1 is not"),
    (f"{'1' * 64} {'2' * 64} {'4' * 130} {'c' * 18433}\n", "line 1 is not"),
])
def test_a_census_that_is_none(tmp_path, census, says):
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata/1.root.json").write_text("{}", encoding="ascii")
    (tmp_path / "census").write_text(census, encoding="ascii")
    told = subprocess.run([BUILD / "apps/rota-fleet/rota-fleet", "--census", tmp_path / "census", "--repository", tmp_path, "--server", tmp_path / "s",
                           "--statements", tmp_path / "said", "--messages", tmp_path / "sent"], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    assert told.returncode == 1 and says in told.stderr, told.stderr
