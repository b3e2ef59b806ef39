# SPDX-License-Identifier: Apache-2.0
"""A few devices of rota-fleet, the real core, and all that rotates their data keys: authority, rota-signd, rota-seald, rotad, as the fleet
of test_fleet_rotation.py has them. Devices read a mirror of the repository, and reach rotad through whoever sits in between."""
import contextlib
import hashlib
import pathlib
import shutil
import struct
import subprocess
import tempfile
import time

from cryptography.hazmat.primitives import hashes

import pki
from asks import HOUR
from keythief import Broken, Victim
from paths import BUILD, PATIENCE
from rotadproc import Rotad
from signd import Client as Asker
from signd import request
from test_fleet_rotation import Program, Site, point, scalar, statements_of
from test_rota_signd import Daemon
from test_server_operators import Desk
from test_signd_certificate import Device

MINUTE = HOUR / 60
POLL = 10  # minutes


class Devices(Program):
    """rota-fleet with one thread, and what it says of trouble."""

    def __init__(self, site, server):  # pylint: disable=super-init-not-called
        self.statements, self.messages, self.errors = (site.folder / name for name in ("statements", "messages", "errors"))
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [BUILD / "apps/rota-fleet/rota-fleet", "--census", site.folder / "census", "--repository", site.mirror, "--server", server,
                 "--statements", self.statements, "--messages", self.messages, "--threads", "1", "--poll", f"{POLL}m", "--start", site.at(0),
                 "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        self.said, self.minutes = self.hear(), 0

    def poll(self):
        """All that are awake poll once; in how many something went wrong, and what the last of them says."""
        before = self.said["troubles"] + self.said["stopped"]
        known = self.errors.stat().st_size
        self(f"run {POLL}m")
        self.minutes += POLL
        with open(self.errors, encoding="utf-8") as errors:
            errors.seek(known)
            words = [line for line in errors.read().splitlines() if line.startswith("rota-fleet: ")]
        return self.said["troubles"] + self.said["stopped"] - before, words[-1].split(": ", 3)[-1] if words else ""


class KeySite(Site):
    """Site with `count` devices; the first sleeps through the first campaign."""

    def __init__(self, place, folder, count):
        super().__init__(place, folder)
        self.devices = [Device(f"SN-{n:07}") for n in range(count)]
        self.mirror = place / "mirror"

    def line(self, number, device, login, shared):
        """Of the census: none goes through nginx or has a factory secret by itself."""
        cert = pki.build(login, device.id.hex(), shared).sign(login.key, hashes.SHA256()).public_bytes(pki.PEM)
        return f"{device.id.hex()} {scalar(device.key)} {point(device.key).hex()} {pki.escaped(cert)}\n"

    def serve(self, login):
        """rotad alone, with the operators' socket, campaigns and rows."""
        where = self.place / "d"
        where.mkdir(mode=0o755)
        self.rotad = Rotad(where)
        (where / "ca.pem").write_bytes(login.pem())
        ini = self.rotad.ini.read_text().replace("[identity]\n", f"[identity]\ndevice_ca = {self.desk.dir}/ca/device-ca.pem\n")
        self.rotad.ini.write_text(f"{ini}[keys]\ndirectory = {where}/keys\n"
                                  f"[signd]\nsocket = {self.desk.dir}/signd/socket\nproduct = sensor\n[operators]\nsocket = {where}/desk\n")
        self.rotad.start()
        self.operators = Desk.__new__(Desk)
        self.operators.rotad, self.operators.socket = self.rotad, str(where / "desk")

    def middle(self):
        """Who sits between devices and rotad."""
        return Broken(self.place / "b", self.rotad)

    def after(self, minutes):
        return self.start + minutes * MINUTE

    def follow(self):
        """The mirror has what is published."""
        shutil.copytree(self.desk.dir / "repo", self.mirror, dirs_exist_ok=True)

    def victims(self):
        """As the registry has them now, in the order of `devices`."""
        found = {row[16:48]: Victim(row) for _, row in self.rows()}
        return [found[device.id] for device in self.devices]

    def ask_for(self, export, generation, purpose="telemetry", activation=0):
        """A campaign for this export, asked for and approved; its id. Minutes from the beginning."""
        (self.folder / "export").write_bytes(export)
        count = (len(export) - 32) // 256
        body = {"activation": self.at(activation / 60), "cipher": 1, "devices": "all", "emergency": False, "expected": count,
                "export": hashlib.sha256(export).hexdigest(), "generation": generation, "most": count, "name": f"{purpose}-{generation}",
                "overlap_s": 3600, "product": "sensor", "purpose": purpose, "stages": [{"from": self.at(0), "ppm": 1000000}], "suite": 1}
        text = request(kind="campaign", role="keys-link", body=body, reason="as the calendar says", scope="sensor")
        with Asker(self.desk.dir / "signd/socket") as client:
            status, _, said = client.post(text)
        assert status == 200, said
        self.tell(hashlib.sha256(text).hexdigest(), body)
        return hashlib.sha256(text).hexdigest()

    def tell(self, ident, body):
        """The registry hears of it (SPEC 30.6)."""
        told = {name: body[name] for name in ("emergency", "expected", "generation", "name", "overlap_s", "product", "purpose")}
        told |= {"activation": int(self.start.timestamp()), "by": "desk", "campaign": ident, "did": "requested", "why": "the calendar"}
        status, said = self.operators.post("/v1/record/campaign", told)
        assert status == 200, said

    def seal(self, ident):
        """What rota-seald says of it."""
        self.chain.bring(ident)
        said = self.chain.good("run", "--once", "--json")
        return next(one for one in said if one["campaign"] == ident and "skipped" in one)

    def hand_out(self, ident):
        """Seal, list, and put on rotad's shelf what was approved; what rota-seald said of it."""
        said = self.seal(ident)
        self.desk("publish")
        self.follow()
        shelf = self.rotad.dir / "keys/campaigns"
        shelf.mkdir(parents=True, exist_ok=True)
        for kind in ("confirm", "keys"):
            shutil.copy(self.folder / f"outbox/{ident}.0.{kind}", shelf / ".draft")
            (shelf / ".draft").chmod(0o644)
            (shelf / ".draft").rename(shelf / f"{ident}.0.{kind}")
        return said

    def after_rows(self, counter, devices):
        """A campaign of telemetry of generation 3, once rows of these have this counter."""
        deadline = time.monotonic() + 120 * PATIENCE
        while any(struct.unpack("<I", row[178:182])[0] < counter for _, row in self.rows() if row[16:48] in devices):
            assert time.monotonic() < deadline, "rows were not made"
            time.sleep(0.05)
        return self.ask_for(export_of(self.rows()), 3, activation=self.fleet.minutes)

    def ask_and_hand_out(self, generation):
        """The next campaign of telemetry for the registry as it is, used at once."""
        return self.hand_out(self.ask_for(export_of(self.rows()), generation, activation=self.fleet.minutes))

    def secrets(self, ident, purpose="telemetry"):
        """{device id: secret} of a campaign for the export at hand, in which all of it are; as who has the token's keys reads them."""
        return self.chain.secrets(ident, purpose)[1]

    def begin(self, middle):
        """Born and enrolled, and all but the first, which sleeps, use generation 1 of telemetry. The campaign's id."""
        self.fleet = Devices(self, middle.path)
        self.enrol(statements_of(self.fleet.statements))
        self.fleet("sleep 1 1d")
        ident = self.ask_for(export_of(self.rows()), 1, activation=POLL)
        self.hand_out(ident)
        for _ in range(3):
            assert self.fleet.poll() == (0, "")
        assert (self.fleet.said["generation"], self.fleet.said["users"]) == (1, len(self.devices) - 1)
        self.settled(1, len(self.devices) - 1)
        return ident

    def wake(self):
        self.fleet("sleep 1 0s")


def export_of(rows):
    """30.3"""
    return (b"ROTAEXP\1" + hashlib.sha256(b"sensor").digest()[:8] + struct.pack("<I", len(rows)) + bytes(12)
            + b"".join(row for _, row in rows))


@contextlib.contextmanager
def site(folder, count, make=KeySite):
    """(site, who sits between devices and rotad); devices are not begun yet."""
    with tempfile.TemporaryDirectory(prefix="keys.") as place:
        place = pathlib.Path(place)
        place.chmod(0o755)
        it = make(place, folder, count)
        with Daemon(it.desk) as it.daemon:
            it.desk("publish")
            it.follow()
            it.serve(it.births())
            try:
                with it.middle() as middle:
                    yield it, middle
            finally:
                if hasattr(it, "fleet"):
                    it.fleet.process.kill()
                    it.fleet.process.wait()
                it.rotad.stop()


__all__ = ["Asker", "Devices", "KeySite", "export_of", "site", "statements_of"]
