# SPDX-License-Identifier: Apache-2.0
"""The operators' verbs on real tokens, judged by an independent client (authority.py)."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import bootfiles
import template
from authority import Client, Rota, program, release, rota_doctor
from authority import made, rota  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

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
    template.authority(other.dir, keys="other")
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
