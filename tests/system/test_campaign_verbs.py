# SPDX-License-Identifier: Apache-2.0
"""rota campaign: asked for, approved, listed, paused, aborted, due and retired, with the real signing daemon and a registry that
rotad made of a journal (SPEC 30, 32, 38, 39)."""
import hashlib
import json
import re
import shutil
import struct
import subprocess
import time

import pytest

import journalfile
from asks import HOUR, RULES, ask, entry, make_base, make_scene, now, successor, when  # noqa: F401 - fixtures
from authority import canonical, made  # noqa: F401 - fixtures
from journalfile import STORAGE, Device
from paths import PATIENCE
from rotadproc import ROTAD, make  # noqa: F401 - a fixture
from signd import Signd
from test_signd_wait import ANNA, BERT, get

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

TELEMETRY, LINK = 1, 2
MS = 1000
DAY_MS = 86400 * MS
KEYS = RULES.replace("role = keys-link\nkinds = metadata\nrate = 1/24h\n", "role = keys-link\nkinds = metadata campaign record\nrate = 36000/1h\n") + f"""
[rule storage]
who = me
scope = sensor
role = keys-store
kinds = campaign
approvals = 1
approvers = anna
[rule overrides]
who = me
scope = sensor
role = retirements
kinds = record
[officer anna]
key = {ANNA.point.hex()}
[officer bert]
key = {BERT.point.hex()}
"""


class Desk:
    """An authority whose rota.ini names a daemon and a registry."""

    def __init__(self, scene, signd, make_rotad):
        self.scene, self.rota, self.dir, self.signd, self.make = scene, scene.rota, scene.dir, signd, make_rotad
        self.ini = self.dir / "rota.ini"
        self.ini.write_text(self.ini.read_text().replace("[authority]\n", f"[authority]\nsignd = {signd.socket}\n")
                            + "\n[fleet]\ndatabase = fleet.sqlite\n")

    def set(self, section, **rows):
        self.ini.write_text(self.ini.read_text() + f"\n[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in rows.items()))

    def fleet(self, *records, days_ago=0):
        """The registry is what rotad makes of these records, received so long ago, a second apart."""
        rotad = self.make()
        at = int(time.time() * MS) - days_ago * DAY_MS - MS * len(records)
        journalfile.write(rotad.dir / "journal", records, time_ms=at)
        subprocess.run([ROTAD, "--rebuild", "--config", rotad.ini], check=True, timeout=120 * PATIENCE)
        shutil.copy(rotad.dir / "fleet.sqlite", self.dir / "fleet.sqlite")

    def __call__(self, *words, **more):
        return self.rota("campaign", *words, **more)

    def json(self, *words):
        return json.loads(self("--json", *words) if words[0].startswith("-") else self(*words, "--json"))

    def new(self, purpose="telemetry", *more):
        return json.loads(self("new", "--purpose", purpose, "--devices", "all", "--reason", "as asked", "--json", *more))

    def state_of(self, ident):
        return {c["campaign"]: c["state"] for c in self.json("list")}[ident]

    def publish_list(self, ident, state="active", size=3):
        """What rota-seald does when it has sealed."""
        self.publish_rows([self.row(ident, state, size)], 1)

    def row(self, ident, state="active", size=3):
        body = json.loads(get(self.signd, f"/v1/campaign/{ident}")[1]["ask"])["body"]
        shared = ["activation", "cipher", "emergency", "generation", "overlap_s", "purpose", "stages", "suite"]
        return {name: body[name] for name in shared} | {"id": ident, "state": state, "trees": [{"root": 64 * "a", "size": size, "tree": 0}]}

    def publish_rows(self, rows, sequence):
        text = canonical({"_type": "keys", "campaigns": rows, "format": 1, "product": "sensor", "sequence": sequence})
        path = "keys/link/sensor.json"
        signed = successor(self.dir, "keys-link", targets={path: entry(text.encode())})
        status, said, *_ = ask(self.signd, "keys-link", signed, {path: text})
        assert status == 200, said
        to = self.dir / "repo/targets/keys/link" / f"{hashlib.sha256(text.encode()).hexdigest()}.sensor.json"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text)
        (self.dir / "staging").mkdir(exist_ok=True)
        data = canonical({"signatures": said["signatures"], "signed": signed})
        (self.dir / "staging" / f"{signed['version']}.keys-link.json").write_text(data)
        self.rota("publish")

    def listed(self):
        """The campaigns of the newest list of keys-link in the repository."""
        files = [json.loads(p.read_text()) for p in (self.dir / "repo/targets/keys/link").glob("*.sensor.json")]
        return max(files, key=lambda f: f["sequence"])


@pytest.fixture(name="desk")
def make_desk(scene, make):  # noqa: F811
    with Signd(scene.folder, scene.dir, more=KEYS) as signd:
        desk = Desk(scene, signd, make)
        desk.devices = [Device(n) for n in range(5)]
        desk.fleet(*[d.enrol() for d in desk.devices])
        yield desk


def wants(device, purpose, active, records=1 << 31):
    """A statement of kind 2 whose device asks for another key."""
    device.said += 1
    return device.statement(2, device.said, struct.pack("<BBIIIIII", 1, purpose, active, 0, active, active, active, records))


def test_telemetry_goes_unattended(desk):
    said = desk.new()
    assert (said["approved"], said["devices"], said["generation"], said["need"]) == (True, 5, 1, 0)
    ident = said["campaign"]
    asked = json.loads(get(desk.signd, f"/v1/campaign/{ident}")[1]["ask"])
    export = (desk.dir / f"campaigns/{ident}.export").read_bytes()
    body = asked["body"]
    assert body["export"] == hashlib.sha256(export).hexdigest() and body["expected"] == 5 and body["most"] == 6
    assert export[32:] == b"".join(d.row() for d in desk.devices)
    assert (asked["role"], asked["reason"], body["name"], body["devices"]) == ("keys-link", "as asked", "telemetry-1", "all")
    assert [s["ppm"] for s in body["stages"]] == [10000, 100000, 1000000] and body["stages"][-1]["from"] < body["activation"]
    assert not list((desk.dir / "campaigns").glob("*.ask"))
    assert desk.state_of(ident) == "approved"
    # one at a time of a purpose; of another one, and in an emergency, it is asked for all the same
    assert "it comes first; --emergency overtakes it" in desk(
        "new", "--purpose", "telemetry", "--devices", "all", "--reason", "again", status=1)
    assert desk.new("link")["generation"] == 1
    rushed = desk.new("telemetry", "--emergency")
    assert rushed["generation"] == 2
    body = json.loads(get(desk.signd, f"/v1/campaign/{rushed['campaign']}")[1]["ask"])["body"]
    assert body["emergency"] is True and body["stages"] == [{"from": body["activation"], "ppm": 1000000}]
    assert "comes first\n" in desk("new", "--purpose", "telemetry", "--devices", "all", "--reason", "x", "--emergency", status=1)


def test_only_who_is_meant(desk):
    devices = desk.devices
    desk.fleet(*[d.enrol() for d in devices], journalfile.text(journalfile.EDIT, devices[1].id, group="lab"), devices[2].gone())
    assert desk.new("telemetry", "--emergency")["devices"] == 4
    said = json.loads(desk("new", "--purpose", "link", "--devices", "group=lab", "--reason", "x", "--late", "7", "--cipher", "aes-256",
                           "--stages", "500000@0s,1000000@2d", "--activation", "30d", "--overlap", "1h", "--name", "lab", "--json"))
    body = json.loads(get(desk.signd, f"/v1/campaign/{said['campaign']}")[1]["ask"])["body"]
    assert (body["expected"], body["most"], body["cipher"], body["overlap_s"], body["name"]) == (1, 8, 2, 3600, "lab")
    assert [s["ppm"] for s in body["stages"]] == [500000, 1000000]
    assert (desk.dir / f"campaigns/{said['campaign']}.export").read_bytes()[32:] == devices[1].row()
    before = sorted((desk.dir / "campaigns").iterdir())
    for words, what in ((["--devices", "group=none"], "no device"), (["--devices", "colour=red"], "colour"),
                        (["--devices", "all", "--activation", "91d"], "90 days"), (["--devices", "all", "--stages", "5@0s"], "stages"),
                        (["--devices", "all", "--name", "No Name"], "name"), (["--devices", "all", "--overlap", "x"], "overlap")):
        assert what in desk("new", "--purpose", "auth", "--reason", "x", *words, status=1)
    assert [p for p in sorted((desk.dir / "campaigns").iterdir()) if p.name != "new.export"] == before


def test_storage_takes_an_officer(desk):
    said = desk.new("storage")
    ident = said["campaign"]
    assert (said["approved"], said["have"], said["need"]) == (False, 0, 1)
    assert desk.state_of(ident) == "waiting"
    assert "it comes first" in desk("new", "--purpose", "storage", "--devices", "all", "--reason", "again", status=1)
    assert "an officer says no" in desk("abort", "--yes", ident, status=1)
    with desk.signd.connect() as client:
        assert client.post(ANNA.approval(ident), "/v1/approve")[0] == 202
    assert desk.state_of(ident) == "approved"
    assert not list((desk.dir / "campaigns").glob("*.ask"))
    # withdrawn online, before anything of it is listed
    assert "withdrawn in sequence 1 of revocations" in desk("abort", "--yes", ident[:8])
    assert json.loads(desk.rota("withdraw", "--json"))["withdrawn"] == [ident]
    assert get(desk.signd, f"/v1/campaign/{ident}")[1]["state"] == "withdrawn"  # as rota-seald hears of it


def test_an_officer_s_no_ends_it(desk):
    ident = desk.new("storage")["campaign"]
    with desk.signd.connect() as client:
        client.post(ANNA.approval(ident, refuse=True), "/v1/approve")
    assert desk.json("list") == []
    assert not list((desk.dir / "campaigns").glob("*.ask"))
    assert desk.new("storage")["generation"] == 1


def test_paused_resumed_aborted(desk):
    ident = desk.new()["campaign"]
    assert "not listed yet" in desk("pause", ident, status=1)
    desk.publish_list(ident)
    assert desk.state_of(ident) == "active"
    assert "not paused" in desk("resume", ident, status=1)
    for verb, state in (("pause", "paused"), ("resume", "active"), ("done", "done"), ("abort", "aborted")):
        desk(verb, *(["--yes"] if verb == "abort" else []), ident[:8])
        desk.rota("publish")
        assert desk.state_of(ident) == desk.listed()["campaigns"][0]["state"] == state
    assert desk.listed()["sequence"] == 5
    for verb in (["pause"], ["resume"], ["done"], ["abort", "--yes"]):
        assert ident[:16] in desk(*verb, ident, status=1)
    assert desk.new()["generation"] == 2  # a generation is never used again
    assert "no campaign's id" in desk("status", 64 * "0", status=1)
    assert "digits" in desk("status", "0", status=1)


def test_status_counts_its_own_devices(desk):
    devices = desk.devices
    ident = desk.new()["campaign"]
    desk.publish_list(ident)
    more = Device(9)  # of the fleet, and not in the export
    records = [d.enrol() for d in [*devices, more]]
    records += [d.prove(TELEMETRY, 1) for d in devices[2:]] + [devices[4].state(TELEMETRY, 1, 1, 0), more.prove(TELEMETRY, 1)]
    desk.fleet(*records)
    said = desk.json("status", ident[:8])
    assert (said["devices"], said["exported"], said["state"], said["purpose"]) == (5, "these", "active", "telemetry")
    assert said["counts"] == {"waiting": 2, "staged": 0, "proved": 2, "active": 0, "alone": 1}
    assert [s["serial"] for s in said["slowest"]] == ["SN-0", "SN-1"] and {s["state"] for s in said["slowest"]} == {"waiting"}
    assert said["ends"] >= said["activation"]
    text = desk("status", ident)
    assert f"[{24 * '#'}{16 * '.'}]  60 % of 5 devices\n" in text and "stage 1: 10000 ppm" in text and "SN-1" in text
    (desk.dir / f"campaigns/{ident}.export").unlink()
    assert desk.json("status", ident)["devices"] == 6


def test_what_is_due(desk):
    """By the calendar, by devices, and only once."""
    assert {r["due"] for r in desk.json("due")} == {"never"}
    assert "nothing is due" in desk("new", "--due")
    desk.set("rotation", telemetry="90d")
    due = subprocess.run([desk.rota.program, "--dir", desk.dir, "campaign", "due"], capture_output=True, text=True, check=False, timeout=120)
    assert due.returncode == 3 and re.search(r"^telemetry +due ", due.stdout, re.M)
    ident = json.loads(desk("new", "--due", "--json"))["campaign"]
    assert "the calendar" in json.loads(get(desk.signd, f"/v1/campaign/{ident}")[1]["ask"])["reason"]
    assert "nothing is due" in desk("new", "--due")
    assert [r["due"] for r in desk.json("due")][0] == "coming"
    desk("new", "--purpose", "telemetry", "--devices", "all", "--reason", "now", "--emergency")
    ident = desk.json("list")[-1]["campaign"]
    desk.publish_list(ident)
    row = desk.json("due")[0]
    assert (row["due"], row["generation"], row["period_s"]) == ("fine", 2, 90 * 86400)
    # an older key that is used up has its successor already; the newest one has not
    device = desk.devices[0]
    records = [d.enrol() for d in desk.devices] + [device.prove(TELEMETRY, 1), wants(device, TELEMETRY, 1)]
    desk.fleet(*records)
    assert desk.json("due")[0]["due"] == "fine"
    desk.fleet(*records, device.prove(TELEMETRY, 2), wants(device, TELEMETRY, 2))
    told = subprocess.run([desk.rota.program, "--dir", desk.dir, "campaign", "due", "--json"], capture_output=True, text=True, check=False,
                          timeout=120)
    row = json.loads(told.stdout)[0]
    assert told.returncode == 3 and (row["due"], row["wanting"]) == ("wanted", 1)
    assert json.loads(desk("new", "--due", "--json"))["generation"] == 3
    desk.ini.write_text(desk.ini.read_text().replace("telemetry = 90d", "telemetry = 731d"))
    assert "[rotation] telemetry" in desk("due", status=1)


def storage_fleet(*last):
    """Five devices have proved three generations of storage, and use the third; the last ones are as given: what each holds and needs
    from, None of one that never said."""
    devices = [Device(n) for n in range(5)]
    records = [d.enrol() for d in devices]
    for generation in (1, 2, 3):
        records += [d.prove(STORAGE, generation) for d in devices]
    said = [(2, 2)] * (len(devices) - len(last)) + list(last)
    return records + [d.state(STORAGE, 3, *what) for d, what in zip(devices, said) if what]


def test_retired_once_nobody_needs_it(desk):
    words = ["retire", "--purpose", "storage", "--generation", "1"]
    desk.fleet(*storage_fleet((1, 1)))
    told = subprocess.run([desk.rota.program, "--dir", desk.dir, "campaign", *words], capture_output=True, text=True, check=False, timeout=120)
    assert told.returncode == 1 and "1 devices need generation 1 of storage" in told.stderr
    assert re.search(r"records +0 records  SN-4", told.stdout)
    assert json.loads(desk.rota("retire", "--json"))["keys"] == []
    # one that never said what it holds is silent, and so is one that said it too long ago
    desk.fleet(*storage_fleet(None))
    assert "1 of them told nothing" in desk(*words, status=1)
    desk.fleet(*storage_fleet((1, 2)), days_ago=31)
    assert "1 of them told nothing" in desk(*words, status=1)
    # what nobody has any more is not asked of the others
    desk.fleet(*storage_fleet((2, 2)), days_ago=31)
    assert "that and the one before stay" in desk(*words[:-1], "2", status=1)
    desk.fleet(*storage_fleet((1, 2)))
    desk(*words)
    stands = json.loads(desk.rota("retire", "--json"))
    assert stands["keys"] == [{"generation": 1, "purpose": "storage"}]
    assert "up to generation 1 already" in desk(*words, status=1)
    desk.rota("publish")


def approve(path, officer, refuse=False, **changes):
    line = path.read_bytes().split(b"\n")[0]
    with open(path, "ab") as out:
        out.write(officer.approval(hashlib.sha256(line).hexdigest(), refuse=refuse, **changes) + b"\n")


def test_overridden_by_two(desk, tmp_path):
    desk.set("officer anna", key=ANNA.point.hex())
    desk.set("officer bert", key=BERT.point.hex())
    words = ["retire", "--purpose", "storage", "--generation", "1", "--override"]
    file = tmp_path / "override"
    desk.fleet(*storage_fleet((1, 1)))
    desk(*words, "--ask", file, "--reason", "a gateway burnt down")
    asked = json.loads(file.read_text())
    assert (asked["need"], asked["silent"], asked["purpose"], asked["generation"]) == (1, 0, "storage", 1)
    empty = file.read_bytes()
    assert "0 of 2 officers" in desk(*words, "--approved", file, status=1)
    approve(file, ANNA)
    approve(file, ANNA)  # twice is one person
    assert "1 of 2 officers" in desk(*words, "--approved", file, status=1)
    approve(file, BERT, hours=-1)  # over
    assert "1 of 2 officers" in desk(*words, "--approved", file, status=1)
    approve(file, BERT)
    whole = file.read_bytes()
    # there are more devices than officers saw
    desk.fleet(*storage_fleet(None, (1, 1)))
    assert "for 1 devices, and 2 need" in desk(*words, "--approved", file, status=1)
    # what was changed behind them is nothing that they approved
    file.write_bytes(whole.replace(b'"need":1', b'"need":9'))
    assert "0 of 2 officers" in desk(*words, "--approved", file, status=1)
    desk.fleet(*storage_fleet((1, 1)))
    file.write_bytes(whole)
    approve(file, ANNA, refuse=True)
    assert "anna refused" in desk(*words, "--approved", file, status=1)
    assert json.loads(desk.rota("retire", "--json"))["keys"] == []
    file.write_bytes(whole)
    desk(*words, "--approved", file)
    assert json.loads(desk.rota("retire", "--json"))["keys"] == [{"generation": 1, "purpose": "storage"}]
    digest = hashlib.sha256(empty.split(b"\n")[0]).hexdigest()
    desk.signd.stop()
    leaf = [e for e in desk.signd.leaves() if e["kind"] == "KEY"][-1]
    assert (leaf["digest"], leaf["role"]) == (digest, "retirements")


def test_no_log_no_override(desk, tmp_path):
    desk.set("officer anna", key=ANNA.point.hex())
    desk.set("officer bert", key=BERT.point.hex())
    words = ["retire", "--purpose", "storage", "--generation", "1", "--override"]
    desk.fleet(*storage_fleet((1, 1)))
    desk(*words, "--ask", tmp_path / "o", "--reason", "x")
    approve(tmp_path / "o", ANNA)
    approve(tmp_path / "o", BERT)
    desk.ini.write_text(desk.ini.read_text().replace(f"signd = {desk.signd.socket}\n", ""))
    assert "there is none" in desk(*words, "--approved", tmp_path / "o", status=1)
    assert json.loads(desk.rota("retire", "--json"))["keys"] == []


def test_the_registry_is_told(desk, make):  # noqa: F811
    """Step by step as the registry's own table wants it, and what it did not hear the next time."""
    rotad = make()
    rotad.ini.write_text(rotad.ini.read_text() + f"[operators]\nsocket = {rotad.dir}/desk\n")
    journalfile.write(rotad.dir / "journal", [d.enrol() for d in desk.devices])
    desk.ini.write_text(desk.ini.read_text().replace("database = fleet.sqlite", f"database = {rotad.dir}/fleet.sqlite\noperators = {rotad.dir}/desk"))
    rotad.start()

    def states():
        return rotad.rows("SELECT name, state FROM key_campaigns ORDER BY name")

    waits, ident = desk.new("storage")["campaign"], desk.new()["campaign"]
    assert states() == [("storage-1", 1), ("telemetry-1", 2)]
    with desk.signd.connect() as client:
        client.post(ANNA.approval(waits), "/v1/approve")
    desk("list")
    assert states() == [("storage-1", 2), ("telemetry-1", 2)]
    desk.publish_list(ident)
    desk("pause", ident)
    assert states() == [("storage-1", 2), ("telemetry-1", 9)]
    rotad.stop()
    told = subprocess.run([desk.rota.program, "--dir", desk.dir, "campaign", "resume", ident], capture_output=True, text=True,
                          check=True, timeout=120)
    assert "the registry was not told" in told.stderr
    rotad.start()
    desk("list")
    assert states() == [("storage-1", 2), ("telemetry-1", 8)]
    desk("abort", "--yes", ident)
    assert states() == [("storage-1", 2), ("telemetry-1", 10)]
    assert [r["payload"]["did"] for r in rotad.dump() if r["type"] == "campaign" and r["payload"]["campaign"] == ident] == [
        "requested", "approved", "sealing", "sealed", "signed", "published", "paused", "published", "aborted"]
    assert rotad.rows("SELECT expected, emergency, why FROM key_campaigns WHERE purpose = 3") == [(5, 0, "as the signing daemon says")]


def test_the_incident_of_keys_is_over_when_each_purpose_has_new_ones(desk):
    """SPEC 27: whose key was stolen may have listed a campaign of either."""
    def step():
        told = json.loads(desk.rota("incident", "--json", "keys"))
        return {s["name"]: s["state"] for s in told["steps"]}["campaign"]

    old = {p: desk.row(desk.new(p)["campaign"]) for p in ("telemetry", "link")}
    desk.publish_rows([old["link"], old["telemetry"]], 1)
    desk.rota("incident", "--begin", "--reason", "stolen", "keys")
    assert step() != "done"
    new = {p: desk.row(desk.new(p, "--emergency")["campaign"]) for p in ("telemetry", "link")}
    desk.publish_rows([old["link"], old["telemetry"], new["telemetry"]], 2)
    assert step() != "done"  # devices use a key for the link that the thief may know
    desk.publish_rows([old["link"], new["link"], old["telemetry"], new["telemetry"]], 3)
    assert step() == "done"


def test_without_daemon_or_registry(desk):
    desk.ini.write_text(desk.ini.read_text().replace("database = fleet.sqlite", "database = none.sqlite"))
    assert "none.sqlite" in desk("new", "--purpose", "link", "--devices", "all", "--reason", "x", status=1)
    assert desk.json("list") == []
    desk.signd.stop()
    assert "no signing daemon" in desk("list", status=1)


@pytest.mark.parametrize("words, says", [
    (["new"], "--purpose is needed"), (["new", "--purpose", "fun"], "--purpose is needed"),
    (["new", "--purpose", "link"], "--devices QUERY"), (["new", "--purpose", "link", "--devices", "all"], "--reason TEXT"),
    (["new", "--due", "--reason", "x"], "--due says itself"),
    (["new", "--purpose", "link", "--devices", "all", "--reason", "x", "--cipher", "des"], "--cipher"),
    (["new", "--purpose", "link", "--devices", "all", "--reason", "x", "--late", "some"], "--late"),
    (["retire", "--purpose", "link"], "--generation N"), (["retire", "--purpose", "link", "--generation", "0"], "--generation N"),
    (["retire", "--purpose", "link", "--generation", "1", "--override"], "--override goes with"),
    (["retire", "--purpose", "link", "--generation", "1", "--ask", "f", "--reason", "x"], "--override goes with"),
    (["retire", "--purpose", "link", "--generation", "1", "--override", "--ask", "f"], "--ask needs --reason"),
    (["list", "--purpose", "fun"], "no purpose fun"),
])
def test_wrong_usage(made, words, says):  # noqa: F811
    assert says in made("campaign", *words, status=2)
