# SPDX-License-Identifier: Apache-2.0
"""The operators' verbs on real tokens, judged by an independent client: a walk of TUF 5.3 to 5.7 on plain
python-cryptography, which shares no code with Rota."""
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import time

import bootfiles
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import PATIENCE

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


class Rota:
    """The command with an authority directory."""

    def __init__(self, build, authority):
        self.program = build / "apps" / "rota" / "rota"
        self.dir = authority

    def __call__(self, *args, status=0, **more):
        done = subprocess.run(
            [self.program, *map(str, args)],
            env={**os.environ, "ROTA_DIR": str(self.dir)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * PATIENCE, check=False, **more)
        assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
        if status == 1:
            assert done.stderr.count("\n") == 1, done.stderr  # one line that says what
        return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One authority, made once; tests that change it take a copy, which must work as well where it lies."""
    from conftest import BUILD
    rota = Rota(BUILD, tmp_path_factory.mktemp("rota") / "authority")
    rota("init", "--softhsm", "--product", "sensor", "--name", "updates.example.org", rota.dir)
    return rota


@pytest.fixture
def rota(made, tmp_path):
    copy = tmp_path / "authority"
    shutil.copytree(made.dir, copy)
    return Rota(made.program.parents[2], copy)


def canonical(value):
    """SPEC 2.3, written from the text."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode())
        return "{" + ",".join(canonical(n) + ":" + canonical(value[n]) for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert value in (True, False, None) or type(value) is int
    return json.dumps(value)


class Client:
    """TUF 1.0.34, sections 5.3 to 5.7, for repositories with consistent snapshots."""

    def __init__(self, repo, root=None):
        self.repo = repo
        self.now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.root = json.loads((root or repo / "metadata/1.root.json").read_bytes())["signed"]

    def load(self, name, kind, keys, role, entry=None):
        data = (self.repo / "metadata" / name).read_bytes()
        if entry:
            assert len(data) == entry["length"]
            assert hashlib.sha256(data).hexdigest() == entry["hashes"]["sha256"]
        whole = json.loads(data)
        signed, message = whole["signed"], canonical(whole["signed"]).encode()
        good = set()
        assert len({s["keyid"] for s in whole["signatures"]}) == len(whole["signatures"])
        for signature in whole["signatures"]:
            keyid = signature["keyid"]
            if keyid not in role["keyids"]:
                continue
            assert hashlib.sha256(canonical(keys[keyid]).encode()).hexdigest() == keyid
            key = serialization.load_pem_public_key(keys[keyid]["keyval"]["public"].encode())
            try:
                key.verify(bytes.fromhex(signature["sig"]), message, ec.ECDSA(hashes.SHA256()))
                good.add(keys[keyid]["keyval"]["public"])
            except InvalidSignature:
                pass
        assert len(good) >= role["threshold"], name
        assert signed["_type"] == kind and signed["spec_version"] == "1.0.34"
        assert signed["expires"] > self.now and signed["x-rota-issued"] <= self.now
        if entry:
            assert signed["version"] == entry["version"]
        return signed

    def refresh(self):
        number = self.root["version"] + 1
        while (self.repo / "metadata" / f"{number}.root.json").exists():
            role = self.root["roles"]["root"]
            new = self.load(f"{number}.root.json", "root", self.root["keys"], role)
            assert new["version"] == number
            self.root = self.load(f"{number}.root.json", "root", new["keys"], new["roles"]["root"])
            number += 1
        keys, roles = self.root["keys"], self.root["roles"]
        assert self.root["consistent_snapshot"] is True
        self.timestamp = self.load("timestamp.json", "timestamp", keys, roles["timestamp"])
        entry = self.timestamp["meta"]["snapshot.json"]
        self.snapshot = self.load(f"{entry['version']}.snapshot.json", "snapshot", keys,
                                  roles["snapshot"], entry)
        entry = self.snapshot["meta"]["targets.json"]
        self.targets = self.load(f"{entry['version']}.targets.json", "targets", keys,
                                 roles["targets"], entry)
        delegations = self.targets["delegations"]
        self.roles = {}
        for role in delegations["roles"]:
            entry = self.snapshot["meta"][role["name"] + ".json"]
            assert role["terminating"] is True
            self.roles[role["name"]] = self.load(
                f"{entry['version']}.{role['name']}.json", "targets", delegations["keys"], role, entry)
        return self

    def fetch(self, role, path):
        target = self.roles[role]["targets"][path]
        paths = [r["paths"] for r in self.targets["delegations"]["roles"] if r["name"] == role][0]
        pattern = re.escape(paths[0]).replace(r"\*", "[^/]*")
        assert re.fullmatch(pattern, path)
        directory, name = path.rsplit("/", 1)
        data = (self.repo / "targets" / directory / f"{target['hashes']['sha256']}.{name}").read_bytes()
        assert len(data) == target["length"]
        assert hashlib.sha256(data).hexdigest() == target["hashes"]["sha256"]
        return data


def program(path, size=100_000):
    path.write_bytes(os.urandom(size))
    return path


def release(rota, tmp_path, version, *more):
    payload = program(tmp_path / f"p-{version}")
    image = tmp_path / f"app-{version}.img"
    rota("image", "sign", "--version", version, "--hardware", "board-a", "--counter", 1, "--out", image,
         payload)
    rota("release", "add", "--version", version, "--image", image, *more)
    return image


TRUST = {  # SPEC 3.2 and the trust table: signers, threshold
    "releases": (3, 2), "ci": (1, 1), "rollouts": (1, 1), "keys-link": (1, 1), "keys-store": (2, 2),
    "time": (1, 1), "revocations": (1, 1), "retirements": (3, 2),
}


@pytest.mark.smoke
def test_init_makes_every_role(made):
    client = Client(made.dir / "repo").refresh()
    assert {n: len(r["keyids"]) for n, r in client.root["roles"].items()} == {
        "root": 3, "targets": 3, "snapshot": 1, "timestamp": 1}
    assert {n: r["threshold"] for n, r in client.root["roles"].items()} == {
        "root": 2, "targets": 2, "snapshot": 1, "timestamp": 1}
    assert client.root["x-rota-not-before"] == client.root["x-rota-issued"]
    roles = {r["name"]: (len(r["keyids"]), r["threshold"])
             for r in client.targets["delegations"]["roles"]}
    assert roles == TRUST
    assert not client.targets["targets"]
    shared = set(client.root["roles"]["root"]["keyids"]) & set(client.root["roles"]["targets"]["keyids"])
    assert not shared
    assert "0 wrong" in made("repo", "verify")
    assert "nothing is wrong" in made("doctor")


def test_spelling_of_files(made):
    for path in (made.dir / "repo/metadata").iterdir():
        text = path.read_text()
        again = json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        assert text == again, path  # keys and strings are ASCII here, so this is SPEC 2.1


def test_release_reaches_a_client(rota, tmp_path):
    image = release(rota, tmp_path, "2.0.0")
    assert "2.0.0/release.json" not in json.dumps(Client(rota.dir / "repo").refresh().roles)
    rota("rollout", "set", "--version", "2.0.0")
    rota("publish")
    client = Client(rota.dir / "repo").refresh()
    policy = json.loads(client.fetch("rollouts", "rollouts/sensor.json"))
    campaign = policy["campaigns"][0]
    assert (policy["sequence"], campaign["state"], campaign["stages"]) == (
        1, "active", [{"kind": "everyone"}])
    raw = client.fetch("releases", campaign["release"]["path"])
    assert hashlib.sha256(raw).hexdigest() == campaign["release"]["sha256"]
    described = json.loads(raw)
    component = described["components"][0]
    data = client.fetch("releases", component["path"])
    assert data == image.read_bytes()
    assert component["sha256"] == hashlib.sha256(data).hexdigest()
    assert component["digest"] == bootfiles.image_digest(data).hex()
    assert described["version"] == "2.0.0" and component["hardware"] == ["board-a"]
    assert not list((rota.dir / "staging").iterdir())
    before = client.timestamp["version"]
    rota("publish")  # nothing new: only the timestamp moves
    after = Client(rota.dir / "repo").refresh()
    assert after.timestamp["version"] == before + 1
    assert after.snapshot["version"] == client.snapshot["version"]


def test_image_is_what_python_writes(rota, tmp_path):
    payload = program(tmp_path / "payload", 5000)
    out = tmp_path / "a.img"
    rota("image", "sign", "--version", "1.2.3+4", "--hardware", "b1", "--hardware", "b2", "--counter", 7,
         "--both-keys", "--out", out, payload)
    want = bootfiles.image(payload.read_bytes(), [], (1, 2, 3, 4), "sensor", ("b1", "b2"), 7)
    got, tail = out.read_bytes(), 4 + 4 + 32
    assert got[:len(want) - tail] == want[:-tail]
    shown = json.loads(rota("image", "show", "--json", out))
    assert [s["verdict"] for s in shown["signatures"]] == ["good, production key 0",
                                                           "good, production key 1"]
    keys = json.loads((rota.dir / "trust/image-keys.json").read_text())["keys"]
    at = len(want)
    digest = bootfiles.image_digest(got)
    from cryptography.hazmat.primitives.asymmetric import utils
    for key in keys[:2]:  # each pair: key hash, signature
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(key["public"]))
        der = point.public_bytes(serialization.Encoding.DER,
                                 serialization.PublicFormat.SubjectPublicKeyInfo)
        assert got[at:at + 36] == bootfiles.tlv(bootfiles.KEY_HASH, hashlib.sha256(der).digest())
        length = int.from_bytes(got[at + 38:at + 40], "little")
        point.verify(got[at + 40:at + 40 + length], digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        at += 40 + length
    assert at == len(got)
    damaged = tmp_path / "b.img"
    damaged.write_bytes(got[:100] + bytes([got[100] ^ 1]) + got[101:])
    assert "SPEC 6.4" in rota("image", "show", damaged, status=1)


def test_enrolment(rota, tmp_path):
    out = tmp_path / "device"
    done = json.loads(rota("factory", "enrol", "--out", out, "--hardware", "board-a", "--serial", "SN-7",
                           "--group", "lab", "--at", "/etc/rota/device", "--json"))
    device_ca = x509.load_pem_x509_certificate((rota.dir / "ca/device-ca.pem").read_bytes())
    operational = x509.load_pem_x509_certificate((rota.dir / "ca/operational-ca.pem").read_bytes())
    idevid = x509.load_pem_x509_certificate((out / "identity/idevid.pem").read_bytes())
    ldevid = x509.load_pem_x509_certificate((out / "identity/ldevid.pem").read_bytes())
    for cert, issuer in ((idevid, device_ca), (ldevid, operational)):
        issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
        assert cert.issuer == issuer.subject
    spki = device_ca.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    serial = idevid.serial_number
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    device = hashlib.sha256(spki + octets).hexdigest()  # SPEC 1.1
    assert done["device"] == device
    name = x509.oid.NameOID
    assert ldevid.subject.get_attributes_for_oid(name.COMMON_NAME)[0].value == device
    assert idevid.subject.get_attributes_for_oid(name.SERIAL_NUMBER)[0].value == "SN-7"
    for which, cert in (("idevid", idevid), ("ldevid", ldevid)):
        path = out / "identity" / f"{which}.key"
        assert path.stat().st_mode & 0o777 == 0o600
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert key.public_key().public_numbers() == cert.public_key().public_numbers()
    rom = (out / "rom.bin").read_bytes()
    assert device.encode() in rom
    assert hashlib.sha256((rota.dir / "trust/recovery-keys.json").read_bytes()).digest() in rom
    assert hashlib.sha256((out / "trust/root.json").read_bytes()).digest() in rom
    assert "rom = /etc/rota/device/rom.bin\n" in (out / "agent.ini").read_text()
    record = json.loads((rota.dir / "enrolments").read_text())
    assert (record["device"], record["group"], record["serial"]) == (device, "lab", "SN-7")
    assert "enrolled already" in rota("factory", "enrol", "--out", tmp_path / "again", "--hardware",
                                      "board-a", "--serial", "SN-7", status=1)
    assert not (tmp_path / "again").exists() and not (tmp_path / "again.making").exists()
    assert "is there already" in rota("factory", "enrol", "--out", out, "--hardware", "board-a", status=1)


def test_enrolment_mistakes(rota, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    enrol = ["factory", "enrol", "--hardware", "board-a", "--out", tmp_path / "dev"]
    for args, says in [
        (("--serial", "1", "--health", "true\n[device]\nproduct = other"), "agent.ini cannot hold"),
        (("--serial", "1", "--reboot", "sync ; reboot"), "agent.ini cannot hold"),
        (("--serial", "1", "--server-url", "https://" + 160 * "a"), "agent.ini cannot hold"),
        (("--serial", "1", "--repository", "../x"), "SPEC 1.2"),
        (("--serial", "a\nb"), "a serial number has"),
        (("--serial", "1", "--image", tmp_path / "fifo"), "fifo"),
    ]:
        assert says in rota(*enrol, *args, status=1), args
    (tmp_path / "dev.making").symlink_to(tmp_path)
    assert "is in the way" in rota(*enrol, "--serial", "1", status=1)
    (tmp_path / "dev.making").unlink()
    assert not (rota.dir / "enrolments").exists()
    rota(*enrol[:-1], f"{tmp_path}/dev/", "--serial", "1")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["authority", "dev", "fifo"]


def test_list_of_devices_survives_a_cut(rota, tmp_path):
    """Half a line at the end of the file `enrolments` does not take the next device with it."""
    enrol = ["factory", "enrol", "--hardware", "board-a"]
    rota(*enrol, "--out", tmp_path / "one", "--serial", "1")
    with open(rota.dir / "enrolments", "a", encoding="utf-8") as f:
        f.write('{"at":"2026')
    rota(*enrol, "--out", tmp_path / "two", "--serial", "2")
    lines = (rota.dir / "enrolments").read_text().splitlines()
    assert [json.loads(line)["serial"] for line in lines] == ["1", "2"]


def test_enrolment_for_a_script(rota, tmp_path):
    out = tmp_path / "device"
    enrol = ["factory", "enrol", "--out", out, "--hardware", "board-a", "--script"]
    rota(*enrol, "files.sh", status=2)
    rota(*enrol, "/usr/lib/files.sh", "--image", "x", status=2)
    rota(*enrol, "/usr/lib/files.sh", "--reboot", "/sbin/reboot now")
    ini = (out / "agent.ini").read_text()
    assert f"backend = exec\nscript = /usr/lib/files.sh\ndirectory = {out}/files\n" in ini
    assert "[reboot]\ncommand = /sbin/reboot now\n" in ini
    assert (out / "files").is_dir() and not (out / "flash").exists()


def test_stages(rota, tmp_path):
    out = tmp_path / "device"
    device = json.loads(rota("factory", "enrol", "--out", out, "--hardware", "board-a", "--json"))["device"]
    release(rota, tmp_path, "2.0.0", "--group", "lab", "--first-ppm", 1000, "--soak", "2h")
    rota("rollout", "set", "--version", "2.0.0", "--stage", f"canary={device}", "--stage", "group=lab",
         "--stage", "region=eu", "--stage", "ppm=500", "--stage", "everyone", "--open", 1, "--attempt", 2,
         "--window", "22:00-04:30", "--retry", 3, "--backoff", "10m")
    rota("publish")
    client = Client(rota.dir / "repo").refresh()
    campaign = json.loads(client.fetch("rollouts", "rollouts/sensor.json"))["campaigns"][0]
    spki = x509.load_pem_x509_certificate((out / "identity/idevid.pem").read_bytes()).public_key(
    ).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    tag = hashlib.sha256(b"rota-tag-v1\x00\x20" + bytes.fromhex(campaign["release"]["sha256"]) + spki)
    assert campaign["stages"] == [
        {"kind": "canary", "tags": [tag.hexdigest()[:32]]}, {"kind": "group", "name": "lab"},
        {"kind": "region", "name": "eu"}, {"kind": "ppm", "ppm": 500}, {"kind": "everyone"}]
    assert (campaign["open"], campaign["attempt"], campaign["id"]) == (1, 2, "2.0.0-2")
    assert campaign["window"] == {"from_s": 79200, "to_s": 16200}
    assert campaign["retry"] == {"backoff_s": 600, "max": 3}
    ceilings = json.loads(client.fetch("releases", campaign["release"]["path"]))["ceilings"]
    assert (ceilings["first_ppm"], ceilings["soak_s"], ceilings["groups"]) == (1000, 7200, ["lab"])
    rota("rollout", "set", "--version", "2.0.0", "--state", "aborted")
    rota("publish")
    policy = json.loads(Client(rota.dir / "repo").refresh().fetch("rollouts", "rollouts/sensor.json"))
    assert policy["sequence"] == 2
    assert [c["state"] for c in policy["campaigns"]] == ["aborted"]


def test_ci_channel_and_raw_payload(rota, tmp_path):
    payload = program(tmp_path / "ci-payload")
    rota("image", "sign", "--ci", "--version", "9.0.0+3", "--hardware", "board-a", "--out",
         tmp_path / "ci.img", payload)
    rota("release", "add", "--ci", "--version", "9.0.0+3", "--image", tmp_path / "ci.img")
    rota("rollout", "set", "--channel", "ci", "--version", "9.0.0+3")
    rota("release", "add", "--version", "1.0.0", "--raw", f"site@files={payload}", "--hardware", "board-a")
    rota("rollout", "set", "--version", "1.0.0")
    rota("publish")
    client = Client(rota.dir / "repo").refresh()
    policy = json.loads(client.fetch("rollouts", "rollouts/sensor.json"))
    assert [c["channel"] for c in policy["campaigns"]] == ["ci", "production"]
    client.fetch("ci", "ci/sensor/9.0.0+3/release.json")
    raw = json.loads(client.fetch("releases", "releases/sensor/1.0.0/release.json"))["components"][0]
    assert "digest" not in raw and raw["counter"] == 0
    assert (raw["name"], raw["slot"]) == ("site", "files")


def test_a_third_person_may_be_absent(rota, tmp_path):
    shutil.rmtree(rota.dir / "tokens/releases-1/store")
    release(rota, tmp_path, "2.0.0")
    (rota.dir / "tokens/releases-2/pin").unlink()
    text = rota("release", "add", "--version", "2.0.1", "--raw", program(tmp_path / "x"), "--hardware", "a",
                status=1)
    assert "needs 2 of 3" in text and "releases-2" in text
    bad = rota_doctor(rota)
    assert any("releases-1" in line for line in bad) and any("releases-2" in line for line in bad)


def rota_doctor(rota):
    done = subprocess.run([rota.program, "--dir", rota.dir, "doctor", "--json"], capture_output=True,
                          text=True, timeout=120, check=False)
    bad = [s["step"] + " " + s["text"] for s in json.loads(done.stdout) if not s["good"]]
    assert done.returncode == (1 if bad else 0)
    return bad


def tamper_pin(rota):
    (rota.dir / "tokens/online/pin").write_text("wrong-pin")


def long_pin(rota):
    (rota.dir / "tokens/online/pin").write_text(255 * "1")


def open_pin(rota):
    (rota.dir / "tokens/online/pin").chmod(0o644)


def no_module(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(re.sub(r"module = .*", "module = /nowhere.so", ini.read_text()))


def no_label(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("label = rota-online", "label = other"))


def no_key(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("online:timestamp", "online:nothing"))


def no_conf(rota):
    (rota.dir / "tokens/online/softhsm2.conf").unlink()


@pytest.mark.parametrize("damage, says", [
    (tamper_pin, "the PIN is wrong"),
    (long_pin, "holds no PIN of 1 to 254 bytes"),
    (open_pin, "chmod 600"),
    (no_module, "cannot load PKCS#11 module /nowhere.so"),
    (no_label, "no token has the label 'other'"),
    (no_key, "no key is called 'nothing'"),
    (no_conf, "SOFTHSM2_CONF"),
])
def test_token_trouble_is_one_line(rota, damage, says):
    before = (rota.dir / "repo/metadata/timestamp.json").read_bytes()
    damage(rota)
    text = rota("publish", status=1)
    assert says in text and "online" in text
    assert (rota.dir / "repo/metadata/timestamp.json").read_bytes() == before
    assert rota_doctor(rota)


@pytest.mark.parametrize("change, says", [
    (("product = sensor", "product = Sen sor"), "SPEC 1.2"),
    (("threshold = 2", "threshold = 4"), "not a number from 1 to 3"),
    (("lifetime = 24h", "lifetime = 25h"), "SPEC 3.2"),
    (("targets-1:targets", "root-1:targets"), "must share none"),
    (("online:snapshot", "missing:snapshot"), "'missing', which has no section"),
    (("online:snapshot", "online"), "not TOKEN:KEY"),
    (("[role time]", "[role tame]"), "[role time] lacks 'signers"),
    (("pin_file = tokens/image-1/pin", "pin-file = tokens/image-1/pin"), "[token image-1] pin-file is not a known"),
    (("[factory]\n", "[factory]\ncanary = 1\n"), "[factory] canary is not a known setting"),
    (("[factory]\n", "[faktory]\nx = 1\n[factory]\n"), "[faktory] x is not a known setting"),
    (("threshold = 2", "treshold = 2"), "[role root] treshold is not a known setting"),
])
def test_configuration_trouble_is_one_line(rota, change, says):
    ini = rota.dir / "rota.ini"
    assert change[0] in ini.read_text()
    ini.write_text(ini.read_text().replace(*change))
    assert says in rota("status", status=1)
    assert "known" not in says or "rota.ini line " in rota("publish", status=1)


def test_misspelt_setting_is_found(rota):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("growth = 10", "grwoth = 10"))
    line = 1 + ini.read_text().splitlines().index("grwoth = 10")
    assert any(f"line {line}: [release] grwoth" in bad for bad in rota_doctor(rota))


def plant(rota, role, version, change=lambda content: None):
    """A file of the role with the signatures of its newest one, and a content that nobody signed."""
    metadata = rota.dir / "repo/metadata"
    newest = max(metadata.glob(f"*.{role}.json"), key=lambda p: int(p.name.split(".")[0]))
    file = json.loads(newest.read_text())
    file["signed"]["version"] = version
    file["signed"]["targets"][f"{role}/evil"] = {"hashes": {"sha256": 64 * "0"}, "length": 1}
    change(file["signed"])
    (metadata / f"{version}.{role}.json").write_text(
        json.dumps(file, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def test_nothing_is_signed_that_only_stands_in_the_repository(rota, tmp_path):
    """Who writes to the repository (its server, a mirror) gets nothing of his signed by publish or people."""
    image = release(rota, tmp_path, "2.0.0")
    rota("publish")
    plant(rota, "rollouts", 7, lambda content: content.update({"x-rota-issued": "2000-01-01T00:00:00Z"}))
    assert "7.rollouts.json is not what its role signed" in rota("publish", status=1)
    assert "7.rollouts.json" in rota("rollout", "set", "--version", "2.0.0", status=1)
    (rota.dir / "repo/metadata/7.rollouts.json").unlink()
    plant(rota, "releases", 7)
    assert "7.releases.json is not" in rota("release", "add", "--version", "2.0.1", "--raw", image,
                                            "--hardware", "b", status=1)
    assert "role releases" in rota("publish", status=1)
    (rota.dir / "repo/metadata/7.releases.json").unlink()
    rota("publish")
    other = Rota(rota.program.parents[2], tmp_path / "other")
    other("init", "--softhsm", "--product", "sensor", other.dir)
    shutil.copy(other.dir / "repo/metadata/1.root.json", rota.dir / "repo/metadata/2.root.json")
    assert "root" in rota("factory", "enrol", "--hardware", "b", "--out", tmp_path / "dev", status=1)
    assert not (tmp_path / "dev").exists()


def test_policy_in_the_repository_is_the_listed_one(rota, tmp_path):
    release(rota, tmp_path, "2.0.0")
    rota("rollout", "set", "--version", "2.0.0")
    policy = next((rota.dir / "repo/targets/rollouts").glob("*.sensor.json"))
    policy.write_text(policy.read_text().replace('"active"', '"paused"'))
    assert "is not what the role rollouts lists" in rota(
        "rollout", "set", "--version", "2.0.0", "--channel", "lab", status=1)


def test_token_with_another_key_signs_nothing(rota):
    """Signed with a key that the metadata does not name for the role, a file would lock every device out."""
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("signers = online:timestamp", "signers = online:ci"))
    before = (rota.dir / "repo/metadata/timestamp.json").read_bytes()
    assert "other keys than the metadata names" in rota("publish", status=1)
    assert (rota.dir / "repo/metadata/timestamp.json").read_bytes() == before


def test_certificate_of_another_key_is_not_issued(rota, tmp_path):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("signers = ca:operational-ca", "signers = ca:device-ca"))
    says = rota("factory", "enrol", "--hardware", "b", "--out", tmp_path / "dev", status=1)
    assert "is not the key of the issuer's certificate" in says
    assert not (tmp_path / "dev").exists() and not (rota.dir / "enrolments").exists()


def swap_signatures(data):
    """As good a file as before, of the same length: only the announced digest tells."""
    whole = json.loads(data)
    whole["signatures"].reverse()
    return json.dumps(whole, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize("name, edit", [
    ("metadata/1.releases.json", swap_signatures),
    ("metadata/1.targets.json", lambda d: d.replace(b'"threshold":2', b'"threshold":1', 1)),
    ("metadata/1.snapshot.json", lambda d: d[:-1]),
    ("metadata/timestamp.json", lambda d: d.replace(b'"version":1', b'"version":2')),
    ("metadata/1.ci.json", lambda d: d + b"\n"),
])
def test_verify_finds_damage(rota, name, edit):
    path = rota.dir / "repo" / name
    path.write_bytes(edit(path.read_bytes()))
    done = subprocess.run([rota.program, "--dir", rota.dir, "repo", "verify", "--quiet"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert path.name in done.stdout


def test_verify_finds_a_damaged_target(rota, tmp_path):
    release(rota, tmp_path, "2.0.0")
    rota("publish")
    image = next((rota.dir / "repo/targets/releases/sensor/2.0.0").glob("*.img"))
    image.write_bytes(image.read_bytes()[:-1] + b"x")
    done = subprocess.run([rota.program, "--dir", rota.dir, "repo", "verify"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1 and "1 wrong" in done.stdout
    # that line, and then the sum of its role among those of the others
    wrong = [line for line in done.stdout.splitlines() if line.startswith("wrong")]
    assert len(wrong) == 2 and image.name in wrong[0]
    assert re.fullmatch(r"wrong  releases: 1 file, 2 targets of \d+ bytes, 1 wrong", wrong[1])


def test_verify_sums_by_role_and_lists_where_it_is_asked_to(rota, tmp_path):
    release(rota, tmp_path, "2.0.0")
    rota("publish")
    places = [*Client(rota.dir / "repo").refresh().targets["delegations"]["roles"]]
    roles = ["root", "root-hint", "timestamp", "snapshot", "targets", *(place["name"] for place in places)]
    size = sum(path.stat().st_size for path in (rota.dir / "repo/targets/releases").rglob("*.*") if path.is_file())
    said = rota("repo", "verify").splitlines()
    assert [line.split()[1].rstrip(":") for line in said if line.startswith("ok")] == roles
    assert f"ok     releases: 1 file, 2 targets of {size} bytes" in said
    assert f"ok     releases: 1 file, 2 targets of {size} bytes, which were not read" in rota(
        "repo", "verify", "--metadata").splitlines()
    lists = rota("repo", "verify", "--verbose").splitlines()
    assert set(said) < set(lists) and "ok     releases/sensor/2.0.0/release.json" in lists
    whole = json.loads(rota("repo", "verify", "--json"))
    assert [role["role"] for role in whole["roles"]] == roles
    assert {"bad": 0, "bytes": size, "files": 1, "role": "releases", "targets": 2} in whole["roles"]
    assert {"good": True, "text": "releases/sensor/2.0.0/release.json"} in whole["findings"]
    assert len(whole["findings"]) == whole["good"] == len(lists) - len(roles) - sum(
        line.startswith("note") for line in lists) - 1
    few = json.loads(rota("repo", "verify", "--json", "--quiet"))
    assert few == {**whole, "findings": []}
    both = subprocess.run([rota.program, "--dir", rota.dir, "repo", "verify", "--verbose", "--quiet"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert both.returncode == 2 and "do not go together" in both.stderr


def test_expired_timestamp(rota):
    rota("publish", "--lifetime", "timestamp=1s")
    time.sleep(2.1)
    assert any("timestamp.json: expired" in line for line in rota_doctor(rota))
    rota("publish")
    assert not rota_doctor(rota)


@pytest.mark.plain
def test_interrupted_publish_is_run_again(rota, tmp_path):
    """Stopped at each durable step (a rename), publishing leaves clients an acceptable state and completes."""
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    release(rota, tmp_path, "2.0.0")
    rota("rollout", "set", "--version", "2.0.0")
    assert "does not sign that role" in rota("publish", "--lifetime", "releases=1h", status=1)
    assert "does not sign that role" in rota("publish", "--lifetime", "root=1h", status=1)
    stopped = 0
    for at in range(1, 40):
        copy = tmp_path / f"copy-{at}"
        shutil.copytree(rota.dir, copy)
        done = subprocess.run(
            ["strace", "-f", "-o", "/dev/null", "-e", f"inject=rename,renameat,renameat2:signal=KILL:when={at}",
             rota.program, "--dir", copy, "publish"], capture_output=True, timeout=120, check=False)
        Client(copy / "repo").refresh()
        if done.returncode == 0:
            break
        stopped += 1
        Rota(rota.program.parents[2], copy)("publish")
        client = Client(copy / "repo").refresh()
        client.fetch("releases", "releases/sensor/2.0.0/release.json")
        shutil.rmtree(copy)
    assert stopped >= 4  # releases, rollouts, snapshot, timestamp


def test_publishers_do_not_collide(rota):
    running = [subprocess.Popen([rota.program, "--dir", rota.dir, "publish", "--all"],
                                stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [p.wait(timeout=120) for p in running] == [0] * 4
    assert Client(rota.dir / "repo").refresh().timestamp["version"] == 5


def test_release_mistakes(rota, tmp_path):
    image = release(rota, tmp_path, "2.0.0")
    mistakes = [
        (("--version", "2.0.0", "--image", image), "is never changed"),
        (("--version", "2.0.1", "--image", image), "has version 2.0.0"),
        (("--version", "2.0.0", "--product", "other", "--image", image), "made for product sensor"),
        (("--version", "2.0.1", "--image", program(tmp_path / "raw")), "no image of SPEC 6"),
        (("--version", "2.0.1", "--image", tmp_path / "missing"), "cannot open"),
        (("--version", "2.0.1", "--raw", program(tmp_path / "a b"), "--hardware", "x"), "target name"),
        (("--version", "2.0.1", "--raw", image, "--hardware", "X Y"), "a device would refuse"),
        (("--version", "2.0.1", "--raw", image, "--hardware", "x", "--build", "\udcff"), "not UTF-8"),
    ]
    os.mkfifo(tmp_path / "fifo")
    mistakes.append((("--version", "2.0.1", "--image", tmp_path / "fifo"), "not a regular file"))
    mistakes.append((("--version", "2.0.1", "--raw", tmp_path / "fifo", "--hardware", "x"), "not a regular file"))
    assert "fifo" in rota("image", "sign", "--version", "1.0.0", "--hardware", "x", tmp_path / "fifo", status=1)
    before = sorted(p.name for p in (rota.dir / "staging").iterdir())
    for args, says in mistakes:
        assert says in rota("release", "add", *args, status=1), args
    assert "rota release add" in rota("rollout", "set", "--version", "7.7.7", status=1)
    for args, says in [
        (("--id", "\udcff"), "not UTF-8"),
        (("--id", "two words"), "a device would refuse"), (("--backoff", "400d"), "a device would refuse"),
        (("--stage", "canary=" + 64 * "0"), "enrolments"),
    ]:
        assert says in rota("rollout", "set", "--version", "2.0.0", *args, status=1), args
    assert sorted(p.name for p in (rota.dir / "staging").iterdir()) == before


@pytest.mark.parametrize("args", [
    ["publish", "extra"], ["image", "sign"], ["image", "sign", "--version", "1.2", "x"],
    ["release", "add"], ["rollout", "set", "--version", "1.0.0", "--retry", "9"], ["nothing"], [],
    ["factory", "enrol", "--out", "x"], ["init", "x"], ["image", "sign", "--versions", "1.0.0", "x"],
])
def test_wrong_usage(made, args):
    made(*args, status=2)


def test_init_refuses_and_leaves_nothing(made, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").write_text("")
    assert "not empty" in made("init", "--softhsm", "--product", "sensor", full, status=1)
    new = tmp_path / "new"
    made("init", "--softhsm", "--product", "sensor", "--module", "/nowhere.so", new, status=1)
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_init_with_given_tokens(made, tmp_path):
    """The keys of an existing authority's tokens, by their absolute names."""
    ini = (made.dir / "rota.ini").read_text()
    ini = re.sub(r"(pin_file = )(.*)", rf"\g<1>{made.dir}/\2", ini)
    (tmp_path / "given.ini").write_text(ini)
    for conf in made.dir.glob("tokens/*/softhsm2.conf"):
        own = tmp_path / "conf" / conf.parent.name
        own.parent.mkdir(exist_ok=True)
        own.write_text(conf.read_text().replace("tokens/", f"{made.dir}/tokens/"))
    ini = re.sub(r"SOFTHSM2_CONF=tokens/(.*)/softhsm2.conf", rf"SOFTHSM2_CONF={tmp_path}/conf/\1", ini)
    (tmp_path / "given.ini").write_text(ini)
    made("init", "--config", tmp_path / "given.ini", tmp_path / "second")
    first = Client(made.dir / "repo").refresh()
    second = Client(tmp_path / "second" / "repo").refresh()
    assert first.root["roles"] == second.root["roles"]


def test_one_person_is_not_two(made, tmp_path):
    """A token under two names is one key, whatever rota.ini says of thresholds."""
    ini = re.sub(r"= tokens/", f"= {made.dir}/tokens/", (made.dir / "rota.ini").read_text())
    twin = re.search(r"\[token root-1\].*?\n\n", ini, re.S).group().replace("root-1]", "twin]")
    ini = ini.replace("root-1:root root-2:root", "root-1:root twin:root")
    (tmp_path / "given.ini").write_text(ini.replace("[token root-1]", twin + "[token root-1]"))
    for name in os.listdir(made.dir / "tokens"):
        conf = made.dir / "tokens" / name / "softhsm2.conf"
        own = tmp_path / name
        own.write_text(conf.read_text().replace("tokens/", f"{made.dir}/tokens/"))
    text = (tmp_path / "given.ini").read_text()
    text = re.sub(r"SOFTHSM2_CONF=tokens/(.*)/softhsm2.conf", rf"SOFTHSM2_CONF={tmp_path}/\1", text)
    (tmp_path / "given.ini").write_text(text)
    says = made("init", "--config", tmp_path / "given.ini", tmp_path / "second", status=1)
    assert "twin:root is the same key" in says
    assert not (tmp_path / "second").exists()


def test_online_side_sees_one_token(rota):
    """The online side's configuration shows one token; what is secret can be read by its owner only."""
    conf = (rota.dir / "tokens/online/softhsm2.conf").read_text()
    done = subprocess.run(["softhsm2-util", "--show-slots"], cwd=rota.dir, capture_output=True, text=True,
                          env={**os.environ, "SOFTHSM2_CONF": "tokens/online/softhsm2.conf"}, check=True)
    assert conf and re.findall(r"Label: +(rota-\S+)", done.stdout) == ["rota-online"]
    for secret in rota.dir.glob("tokens/*/*pin"):
        assert secret.stat().st_mode & 0o777 == 0o600
    assert (rota.dir / "server/key.pem").stat().st_mode & 0o777 == 0o600


def on_terminal(args, answer):
    """Run with a terminal, type `answer` when a PIN is asked for; (exit status, what the screen showed)."""
    child, fd = pty.fork()
    if child == 0:
        os.execv(args[0], [str(a) for a in args])
    shown = b""
    try:
        while piece := os.read(fd, 1024):
            asked = b"PIN of token" not in shown
            shown += piece
            if asked and b"PIN of token" in shown:
                os.write(fd, answer.encode())
    except OSError:  # the terminal is gone with the child
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_pin_from_the_terminal(rota, tmp_path):
    pin = (rota.dir / "tokens/image-1/pin").read_text()
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("pin_file = tokens/image-1/pin\n", ""))
    payload = program(tmp_path / "payload")
    args = ["image", "sign", "--version", "1.0.0", "--hardware", "b", "--out", tmp_path / "a.img", payload]
    status, shown = on_terminal([rota.program, "--dir", rota.dir, *args], pin + "\n")
    assert status == 0 and pin not in shown and "image digest" in shown
    (tmp_path / "a.img").unlink()
    status, shown = on_terminal([rota.program, "--dir", rota.dir, *args], "wrong-pin\n")
    assert status == 1 and "the PIN is wrong" in shown
    status, shown = on_terminal([rota.program, "--dir", rota.dir, *args], "12\x03")
    assert status == 1 and "no PIN given" in shown
    assert "set pin_file" in rota(*args, status=1)  # nobody to ask
    assert not (tmp_path / "a.img").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system takes root")
def test_full_disk(rota, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        shutil.copytree(rota.dir, small / "authority")
        tight = Rota(rota.program.parents[2], small / "authority")
        image = tmp_path / "big.img"
        sign = ["image", "sign", "--version", "3.0.0", "--hardware", "b"]
        payload = program(tmp_path / "big", 9_000_000)
        tight(*sign, "--out", image, payload)
        assert "No space left" in tight(*sign, "--out", small / "x.img", payload, status=1)
        assert "No space left" in tight("release", "add", "--version", "3.0.0", "--image", image, status=1)
        assert not list(small.rglob(".draft*")) and not (small / "x.img").exists()
        tight("publish")
        assert "0 wrong" in tight("repo", "verify")
    finally:
        subprocess.run(["umount", small], check=True)
