# SPDX-License-Identifier: Apache-2.0
"""A factory whose devices get data keys, everything real: signing daemon with its registrar, rota-seald, nginx and rotad; devices are
rota-agent's. What an operator does is done by the commands that he has."""
import json
import os
import pwd
import shutil
import sqlite3
import struct
import subprocess
import time
import types

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import sealfiles
import softhsm
from asks import RULES as DESK
from fleet import DEADLINE, PROGRAMS, Device, run
from paths import PATIENCE
from registry import Key
from signd import Signd
from test_factory import ROWS, RULES, SERVER, Line
from test_signd_certificate import put_online
from test_signd_wait import ANNA

TELEMETRY, LINK, STORAGE = 1, 2, 3
CAMPAIGNS = f"""
[rule link]
who = me
scope = sensor
role = keys-link
kinds = record metadata campaign
rate = 36000/1h
[rule store]
who = me
scope = sensor
role = keys-store
kinds = record
rate = 36000/1h
[rule storage]
who = me
scope = sensor
role = keys-store
kinds = campaign
approvals = 1
approvers = anna
rate = 36000/1h
[rule retirements]
who = me
scope = sensor
role = retirements
kinds = record
[officer anna]
key = {ANNA.point.hex()}
""" + "".join(f"[rule people-{role}]\nwho = me\nscope = sensor\nrole = {role}\nkinds = record\n" for role in ("root", "targets", "time"))
# rotad, where it is a user of its own
SERVER_ROWS = SERVER + """
[rule server-time]
who = rotad
scope = sensor
role = time
kinds = time
rate = 36000/1h
[rule server-rows]
who = rotad
scope = sensor
role = registry
kinds = rows
rate = 36000/1h
"""


def desk_rules():
    """What a desk asks for day by day, as `rota init` lets it, but for the one rule that CAMPAIGNS has with more kinds."""
    return DESK.split("[rule link]")[0].replace("kinds = metadata", "kinds = record metadata")


class Works(Line):
    """Use as a context, as Line; at begin() all daemons run and release 1.0.0 is out."""

    def begin(self):
        self.folder = self.dir / "signd"
        self.folder.mkdir()
        self.image("1.0.0")
        self.release("1.0.0")
        self.rota("keys", "make", "--token", "ca", "--label", "station", "--use", "station")
        put_online(types.SimpleNamespace(dir=self.authority))
        ini = self.authority / "rota.ini"
        text = ini.read_text().replace("[authority]\n", f"[authority]\nsignd = {self.folder}/signd.sock\n", 1)
        ini.write_text(f"{text}\n[keys station]\nsigners = ca:station\n[fleet]\noperators = {self.dir}/serve/desk/operators.sock\n"
                       f"database = {self.dir}/serve/rotad/fleet.sqlite\n")
        self.serve()
        self.key = Key(self.folder / "registry")
        server = SERVER_ROWS.format(uid=pwd.getpwnam("rota-ingest").pw_uid) if os.geteuid() == 0 else ""
        rules = desk_rules() + RULES + ROWS + server + CAMPAIGNS + self.key.ini()
        self.signd = Signd(self.folder, self.authority, more=rules)
        self.signd.start()
        self.seald_ini()
        return self

    # --- who seals ---

    def seald_ini(self):
        self.sealed = self.folder / "registry"
        for name in ("inbox", "outbox"):
            (self.sealed / name).mkdir()
        (self.sealed / "seald.ini").write_text(
            f"[seald]\nproduct = sensor\nstate = {self.sealed}/state\nthreads = 2\nsignd = {self.signd.socket}\nauthority = {self.authority}\n"
            f"inbox = {self.sealed}/inbox\noutbox = {self.sealed}/outbox\n[token]\n{self.key.token}so_pin_file = {self.sealed}/so-pin\n",
            encoding="utf-8")

    def seald(self, *words):
        return run(PROGRAMS["rota-seald"], *words, "--config", self.sealed / "seald.ini").stdout

    # --- campaigns ---

    @property
    def shelf(self):
        """Where rotad finds trees."""
        folder = self.dir / "serve/rotad/keys/campaigns"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def ask(self, purpose="telemetry", *options):
        """Asked for and approved; its id."""
        said = json.loads(self.rota("campaign", "new", "--purpose", purpose, "--devices", "all", "--reason", "as every year",
                                    "--stages", "1000000@0s", "--activation", "0s", "--json", *options))
        if not said["approved"]:
            with self.signd.connect() as client:
                status, _, body = client.post(ANNA.approval(said["campaign"]), "/v1/approve")
            assert status == 202, body
            self.rota("campaign", "list")  # takes the approval
        return said["campaign"]

    def seal(self, ident, purpose="telemetry"):
        """Made, listed and published."""
        shutil.copy(self.authority / f"campaigns/{ident}.export", self.sealed / "inbox")
        self.seald("run", "--once")
        if purpose in ("telemetry", "link"):
            self.rota("publish")
        else:
            self.people_sign("keys-store")

    def people_sign(self, role):
        """What waits for the people of a role, whose tokens are at hand here."""
        bundle = self.dir / "waiting"
        self.rota("repo", "export", "--role", role, bundle)
        self.rota("repo", "sign", "--yes", bundle)
        self.rota("repo", "import", bundle)
        bundle.unlink()

    def deliver(self, ident, tree=0):
        """To the server that hands it out."""
        for kind in ("confirm", "keys"):
            shutil.copy(self.sealed / f"outbox/{ident}.{tree}.{kind}", self.shelf / ".draft")
            (self.shelf / ".draft").chmod(0o644)  # as root rotad is another user
            (self.shelf / ".draft").rename(self.shelf / f"{ident}.{tree}.{kind}")

    def campaign(self, purpose="telemetry", *options):
        """From the request to the server that hands bundles out; its id."""
        ident = self.ask(purpose, *options)
        self.seal(ident, purpose)
        self.deliver(ident)
        self.rota("campaign", "list")  # the registry hears how it stands
        return ident

    def late(self, ident):
        """A supplement of the campaign, from the registry's export to the server, as what `rota campaign late` said."""
        said = json.loads(self.rota("campaign", "late", ident, "--json"))
        tree = str(said["tree"])
        self.seald("import", "--campaign", ident, "--tree", tree, "--export", self.authority / f"campaigns/{ident}.{tree}.export",
                   "--sha256", said["sha256"])
        self.seald("run", "--once")
        self.rota("publish")
        self.deliver(ident, tree)
        return said

    # --- the registry ---

    def rows(self, query, *values):
        with sqlite3.connect(f"file:{self.dir}/serve/rotad/fleet.sqlite?mode=ro", uri=True, timeout=60) as db:
            return db.execute(query, values).fetchall()

    def row(self, ident):
        """(counter, proved generations by purpose - 1) of a device's row (SPEC 30.2)."""
        row, = (row for row, in self.rows('SELECT "row" FROM registry WHERE id = ?', ident))
        return struct.unpack("<I", row[178:182])[0], struct.unpack("<8I", row[184:216])

    def settled(self, ident, purpose, generation):
        """Its row says so."""
        deadline = time.monotonic() + DEADLINE * PATIENCE
        while self.row(ident)[1][purpose - 1] != generation:
            assert time.monotonic() < deadline, f"no row of generation {generation}: {self.row(ident)}"
            time.sleep(0.05)

    def holds(self, ident, purpose, **expected):
        """What the server knows of a device's keys comes to be this (SPEC 35.6)."""
        deadline = time.monotonic() + DEADLINE * PATIENCE
        while True:
            found = self.rows(f"SELECT {', '.join(expected)} FROM holdings WHERE device = ? AND purpose = ?", ident, purpose)
            if found == [tuple(expected.values())]:
                return
            assert time.monotonic() < deadline, (found, expected)
            time.sleep(0.05)

    # --- devices ---

    def make(self, name, tpm=None, serial=None):
        """A device that was made, listed in the registry, and has booted and polled once."""
        device = Device(self.dir / name)
        kind = ("tpm", "--tpm", tpm.tcti) if tpm else ("soft",)
        self.station(device, *(() if tpm else ("--soft",)), "--serial", serial or name.replace("_", "-"), kind=kind)
        device.id = self.enrolled()[-1]["device"]
        self.rota("factory", "enlist")
        assert device.boot() == "1.0.0"
        said = device.once()
        assert "step=keys" not in said and "step=report" not in said, said
        return device


def held(device, purpose="telemetry"):
    """What its journals have of a purpose; {}: nothing."""
    keys = device.status()["keys"]
    return next((one for one in keys if one["purpose"] == purpose), {})


class Pipe:
    """A verb of rota-agent that speaks over pipes, as a program has it that starts it (SPEC 36.8)."""

    def __init__(self, device, verb, of):
        words = [PROGRAMS["rota-agent"], verb, "--config", device.config, of]
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line != "ok\n":
            raise AssertionError((line, *self.process.communicate(timeout=DEADLINE)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def bytes(self, line):
        """What it gives; or why it gives nothing."""
        said = self.say(line)
        return bytes.fromhex(said[3:]) if said.startswith("ok ") else said


class Records(Pipe):
    """`rota-agent records` of a vault."""

    def __init__(self, device, name):
        super().__init__(device, "records", name)

    def put(self, number, data):
        return self.say(f"put {number} {data.hex()}")

    def get(self, number):
        """The record; or why there is none."""
        return self.bytes(f"get {number}")

    def rewritten(self):
        """All are sealed with the active key."""
        deadline = time.monotonic() + DEADLINE * PATIENCE
        while self.say("left") != "ok 0":
            assert time.monotonic() < deadline
            time.sleep(0.05)


class Messages(Pipe):
    """`rota-agent messages` of a purpose."""

    def __init__(self, device, purpose="telemetry"):
        super().__init__(device, "messages", purpose)

    def seal(self, data, context=b""):
        return self.bytes(f"seal {context.hex() or '-'} {data.hex()}")

    def open(self, sealed, context=b""):
        return self.bytes(f"open {context.hex() or '-'} {sealed.hex()}")


class BackEnd:
    """What a back end can do with the keys of a campaign: derived here, from SPEC.md alone, out of the copies that rota-seald keeps, by who has its
    token. Opens what devices sent, and seals for them."""

    UP, DOWN = 1, 2

    def __init__(self, works, ident, generation, purpose="telemetry"):
        self.generation, self.purpose = generation, purpose
        token = softhsm.secret_keys(works.sealed / "tokens", (works.sealed / "pin").read_bytes().strip())
        _, secrets = sealfiles.copies((works.sealed / f"state/campaigns/{ident}.0.copies").read_bytes(), token[f"copies-{purpose}"])
        export = (works.authority / f"campaigns/{ident}.export").read_bytes()
        self.secrets = dict(zip(sealfiles.order(export, ident), secrets))

    def key(self, device, use, epoch):
        """SPEC 36.2"""
        ident = bytes.fromhex(device.id)
        key = sealfiles.derive(self.secrets[ident], self.purpose, use, self.generation, ident, 16)
        return AESGCM(sealfiles.expand(key, b"rota-record-v1" + epoch, 16))

    def covered(self, device, head, context):
        return head + bytes([sealfiles.PURPOSES[self.purpose]]) + bytes.fromhex(device.id) + context

    def open(self, device, sealed, context=b""):
        head, epoch = sealed[:40], sealed[8:24]
        assert struct.unpack("<BBHI", sealed[:8]) == (1, self.UP, 0, self.generation), sealed[:8]
        return self.key(device, self.UP, epoch).decrypt(sealed[24:36], sealed[40:], self.covered(device, head, context))

    def seal(self, device, data, context=b"", use=DOWN):
        epoch, nonce = os.urandom(16), os.urandom(12)
        head = struct.pack("<BBHI", 1, use, 0, self.generation) + epoch + nonce + struct.pack("<I", len(data))
        return head + self.key(device, use, epoch).encrypt(nonce, data, self.covered(device, head, context))
