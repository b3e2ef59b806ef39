# SPDX-License-Identifier: Apache-2.0
"""A fleet rotates its data keys twice while it sends telemetry, and no message is lost (SPEC 32 to 37).

Devices are those of rota-fleet: the real core in simulated time. All that they talk to is real: the authority's repository, rota-signd and
rota-seald on tokens of SoftHSM, and rotad, which has rows made of what they say. What a back end opens with is derived here, from SPEC.md alone,
out of the copies that rota-seald keeps; for a sample it is held against what `rota-seald serve` gives. Some devices sleep through the first campaign, proofs are lost, the power goes."""
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

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import campaignlog
import pki
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
ITEMS = 1024  # of a request for rows
SERVED = 25  # devices whose keys a back end asks for, too
RULES = """
[rule births]
who = desk
scope = sensor
role = device-ca
kinds = certificate
rate = 100000/1h
[rule rows]
who = desk
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

    def __init__(self, folder, place, *more):
        self.statements, self.messages = folder / "statements", folder / "messages"
        self.process = subprocess.Popen(
            [BUILD / "apps/rota-fleet/rota-fleet", "--census", folder / "census", "--repository", place / "a/repo",
             "--server", place / "d/s", "--statements", self.statements, "--messages", self.messages, "--json", *more],
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
        ini.write_text(text.replace(RULE, RULE + "\nrate = 36000/1h") + RULES + registry, encoding="utf-8")
        self.devices = [Device(f"SN-{n:07}") for n in range(DEVICES)]
        self.by_id = {}
        self.start = datetime.datetime.utcnow().replace(microsecond=0)

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
            for device in self.devices:
                said = self.ask(client, "certificate", "device-ca", device.birth())
                device.der = bytes.fromhex(said["der"])
                # 1.1: SHA-256(SPKI of the CA || serial)
                number = device.der[device.der.index(b"\x02\x10", 8) + 2:][:16]
                device.id = hashlib.sha256(spki + number).digest()
                self.by_id[device.id] = device
                cert = pki.build(login, device.id.hex(), shared).sign(login.key, hashes.SHA256()).public_bytes(pki.PEM)
                secret = device.key.private_numbers().private_value.to_bytes(32, "big")
                lines.append(f"{device.id.hex()} {secret.hex()} {point(device.key).hex()} {pki.escaped(cert)}\n")
        (self.folder / "census").write_text("".join(lines), encoding="ascii")
        return login

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

    def campaign(self, generation, rows, activation, stages):
        export = b"ROTAEXP\1" + hashlib.sha256(b"sensor").digest()[:8] + struct.pack("<I", len(rows)) + bytes(12)
        export += b"".join(row for _, row in rows)
        (self.folder / "export").write_bytes(export)
        body = {"activation": self.at(activation), "cipher": 1, "devices": "all", "emergency": False, "expected": len(rows),
                "export": hashlib.sha256(export).hexdigest(), "generation": generation, "most": len(rows), "name": f"number-{generation}",
                "overlap_s": 7200, "product": "sensor", "purpose": "telemetry", "suite": 1,
                "stages": [{"from": self.at(hour), "ppm": ppm} for hour, ppm in stages]}
        text = request(kind="campaign", role="keys-link", body=body, reason="as the calendar says", scope="sensor")
        with Asker(self.desk.dir / "signd/socket") as client:
            status, _, said = client.post(text)
        assert status == 200, said
        ident = hashlib.sha256(text).hexdigest()
        campaignlog.tell(self.operators, ident, generation)
        self.chain.bring(ident)
        self.chain.good("run", "--once")
        self.desk("publish")
        shelf = self.rotad.dir / "keys/campaigns"
        shelf.mkdir(parents=True, exist_ok=True)
        for kind in ("confirm", "keys"):
            shutil.copy(self.folder / f"outbox/{ident}.0.{kind}", shelf / ".draft")
            (shelf / ".draft").rename(shelf / f"{ident}.0.{kind}")
        return ident

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
        label, keys = bytes.fromhex(ident), {}
        order = sorted(self.devices, key=lambda device: locator(label, device.key))
        assert len(order) == size
        for place, device in enumerate(order):
            extracted = hmac.digest(b"rota-keys-v1", secrets[32 * place:32 * place + 32], "sha256")
            info = b"rota-key-v1" + bytes([purpose, 1]) + struct.pack("<I", generation) + device.id
            keys[device.id] = expand(extracted, info, 16)
        return keys


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
        site = Site(pathlib.Path(place), tmp_path)
        with Daemon(site.desk):
            site.desk("publish")
            yield site
            if hasattr(site, "rotad"):
                site.rotad.stop()


@pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
def test_two_campaigns_lose_no_message(site):
    login = site.births()
    site.serve(login)
    fleet = Program(site.folder, site.place, "--start", site.at(0), "--poll", "1h", "--each", "2")
    assert fleet.said["devices"] == DEVICES
    site.enrol(statements_of(fleet.statements))
    fleet(f"sleep {SLEEPERS} 17h")
    fleet("cut 30000")

    first = site.campaign(1, site.rows(), activation=8, stages=[(0, 100000), (2, 500000), (4, 1000000)])
    fleet("lose 9")
    said = fleet("run 1h")
    assert 0 < said["bundles"] < DEVICES / 4  # the draw lets in a tenth
    said = fleet("run 6h")
    assert (said["generation"], said["messages"]) == (0, 0)  # all have it, and its time has not come
    said = fleet("run 5h")
    assert (said["generation"], said["users"]) == (1, DEVICES - SLEEPERS)

    rows = site.settled(1, DEVICES - SLEEPERS)
    second = site.campaign(2, rows, activation=20, stages=[(12, 100000), (14, 500000), (16, 1000000)])
    fleet("lose 9")
    said = fleet("run 7h")
    # Who slept through the first campaign wakes when the second is open to all, and goes straight to that: its bundle was made when it had
    # proved nothing, in base mode, which it would take no more behind the first (SPEC 31.5).
    assert (said["generation"], said["users"]) == (1, DEVICES - SLEEPERS)
    said = fleet("run 3h")
    assert (said["generation"], said["users"]) == (2, DEVICES)
    fleet("cut 0")
    said = fleet("run 1h")  # less than a day in all: the lifetime of what was signed at its beginning
    assert said["stopped"] == 0
    fleet.end()
    assert said["lost_proofs"] == 18 and said["cuts"] > DEVICES / 10

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
])
def test_wrong_usage(words, says):
    told = subprocess.run([BUILD / "apps/rota-fleet/rota-fleet", *words], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2 and says in told.stderr and told.stderr.count("\n") == 1


@pytest.mark.parametrize("census, says", [
    ("", "has 0 lines"),
    ("no device\n", "line 1 is not: ID SECRET POINT CERTIFICATE"),
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
