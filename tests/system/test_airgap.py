# SPDX-License-Identifier: Apache-2.0
"""Offline roles signed on a machine of their own: split, export, sign and import."""
import copy
import hashlib
import json
import os
import pty
import shutil
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import template
from airgap import add_release, exported, machine, sign, spelled
from airgap import made, online, vault  # noqa: F401 - fixtures
from authority import Client, Rota, canonical, program

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


@pytest.mark.smoke
def test_a_release_over_the_gap(online, vault, tmp_path):
    image = add_release(online, vault, tmp_path, "2.0.0")
    assert "releases" not in [p.name.split(".")[1] for p in (online.dir / "staging").glob("*.json")]
    bundle = exported(online, tmp_path, "releases")
    shown = json.loads(vault("repo", "sign", "--show", "--json", bundle))
    assert [(p["role"], p["version"], p["signatures"]) for p in shown] == [("releases", 2, 0)]
    sign(vault, bundle)
    assert "releases     version 2" in online("repo", "import", bundle)
    client = Client(online.dir / "repo").refresh()
    described = json.loads(client.fetch("releases", "releases/sensor/2.0.0/release.json"))
    assert client.fetch("releases", described["components"][0]["path"]) == image.read_bytes()
    online("rollout", "set", "--version", "2.0.0")
    online("publish")
    assert "0 wrong" in online("repo", "verify")
    assert not list((online.dir / "staging").iterdir())
    online("repo", "import", bundle)  # once more changes nothing
    assert Client(online.dir / "repo").refresh().snapshot["version"] == client.snapshot["version"] + 1


def test_the_connected_machine_alone(online, tmp_path):
    """Everything but what people sign, and that it says plainly."""
    assert [p.name for p in (online.dir / "tokens").iterdir()] == ["online"]
    raw = ("--raw", program(tmp_path / "raw"), "--hardware", "a")
    online("release", "add", "--ci", "--version", "1.0.0", *raw)
    online("rollout", "set", "--channel", "ci", "--version", "1.0.0")
    online("publish", "--all")
    online("status")
    assert "nothing is wrong" in online("doctor", "--online-only")
    text = online("release", "add", "--version", "1.0.0", *raw, status=1)
    assert "role releases is signed offline" in text and "--unsigned" in text
    online("release", "add", "--ci", "--version", "1.0.1", "--unsigned", *raw, status=2)
    bundle = exported(online, tmp_path, "retirements")
    assert "no token at hand" in sign(online, bundle, status=1)
    assert "nothing is to be carried" in online("repo", "export", "--role", "ci", tmp_path / "x", status=1)


def sick(rota):
    """The doctor's lines: its findings are no errors of its own."""
    done = subprocess.run([rota.program, "--dir", rota.dir, "doctor"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


def test_each_half_is_looked_at_for_what_it_has(online, vault):
    """And what is lost from a half is missed."""
    text = online("doctor")
    assert "nothing is wrong" in text and "on another machine" in text
    steps = json.loads(online("doctor", "--json"))
    assert all(step["good"] for step in steps)
    assert [step["step"] for step in steps if step.get("passed_over")] == ["tokens"]
    text = vault("doctor")
    assert "nothing is wrong" in text and "releases       3 of 3 keys there" in text
    assert "rota repo sign" in vault("status", status=1)
    shutil.rmtree(vault.dir / "tokens" / "releases-2")
    assert "token releases-2" in sick(vault)
    shutil.copytree(vault.dir / "tokens" / "root-1", online.dir / "tokens" / "root-1")
    assert "token root-2" in sick(online)


def test_many_releases_wait_and_are_forgotten(online, vault, tmp_path):
    add_release(online, vault, tmp_path, "2.0.0")
    add_release(online, vault, tmp_path, "2.0.1")
    assert "waits for its signers already" in online(
        "release", "add", "--version", "2.0.1", "--image", tmp_path / "app-2.0.1.img", "--unsigned", status=1)
    online("repo", "export", "--drop", "--role", "releases")
    add_release(online, vault, tmp_path, "2.0.1")
    add_release(online, vault, tmp_path, "2.0.2")
    bundle = exported(online, tmp_path, "releases")
    sign(vault, bundle)
    add_release(online, vault, tmp_path, "2.0.3")  # after the export: it waits for the next
    online("repo", "import", bundle)
    listed = Client(online.dir / "repo").refresh().roles["releases"]["targets"]
    assert {p.split("/")[2] for p in listed} == {"2.0.1", "2.0.2"}
    bundle = exported(online, tmp_path, "releases")
    sign(vault, bundle)
    online("repo", "import", bundle)
    assert len(Client(online.dir / "repo").refresh().roles["releases"]["targets"]) == 6


def test_two_people_two_machines(online, vault, made, tmp_path):
    """Each has one token and the bundle's copy; only together it counts."""
    other = machine(made, tmp_path, "vault", "vault2")
    shutil.rmtree(vault.dir / "tokens/releases-2")
    shutil.rmtree(other.dir / "tokens/releases-1")
    add_release(online, vault, tmp_path, "2.0.0")
    bundle = exported(online, tmp_path, "releases")
    a, b, twice = (tmp_path / n for n in ("a", "b", "twice"))
    sign(vault, bundle, "--token", "releases-1", "--out", a)
    sign(vault, bundle, "--token", "releases-1", "--out", twice)
    assert a.read_bytes() != twice.read_bytes()  # ECDSA: another signature of the same key
    assert "1 of 2 signatures" in online("repo", "import", a, twice, status=1)
    assert "no token at hand" in sign(vault, a, "--token", "releases-1", status=1)
    sign(other, bundle, "--token", "releases-2", "--out", b)
    online("repo", "import", a, b)
    signatures = json.loads((online.dir / "repo/metadata/2.releases.json").read_bytes())["signatures"]
    assert len(signatures) == 2
    Client(online.dir / "repo").refresh()


def test_every_offline_role_is_signed_again(online, vault, tmp_path):
    roles = ("root", "targets", "releases", "retirements")
    bundle = exported(online, tmp_path, *roles)
    before = bundle.read_bytes()
    sign(vault, bundle)
    assert before != bundle.read_bytes()
    online("repo", "import", bundle)
    client = Client(online.dir / "repo").refresh()
    assert [client.root["version"], client.targets["version"], client.roles["releases"]["version"],
            client.roles["retirements"]["version"]] == [2, 2, 2, 2]
    assert "0 wrong" in online("repo", "verify")
    bundle = exported(online, tmp_path, *roles)  # the chain of roots is walked from the vault's first one
    sign(vault, bundle)
    online("repo", "import", bundle)
    assert Client(online.dir / "repo").refresh().root["version"] == 3


def test_what_is_shown_is_what_is_signed(online, vault, tmp_path):
    """The changes that are shown, applied to the old file, give the very bytes that the signatures cover."""
    add_release(online, vault, tmp_path, "2.0.0")
    bundle = exported(online, tmp_path, "root", "releases")
    shown = json.loads(vault("repo", "sign", "--yes", "--json", bundle))
    for item, part in zip(shown, json.loads(bundle.read_bytes())["parts"]):
        built = copy.deepcopy(part["current"]["signed"])
        for change in item["changes"]:
            if change["path"].startswith("releases/"):
                continue  # of the text beside
            path = change["path"].split(" ")
            at = built
            for name in path[:-1]:
                at = at.setdefault(name, {}) if isinstance(at, dict) else at[int(name)]
            if "was" in change:
                assert at[path[-1]] == change["was"]
                del at[path[-1]]
            if "now" in change:
                at[path[-1]] = change["now"]
        assert built == part["signed"]
        message = canonical(built).encode()
        assert hashlib.sha256(message).hexdigest() == item["digest"]
        keys = json.loads((online.dir / "repo/metadata/1.root.json").read_bytes())["signed"]["keys"]
        keys |= json.loads((online.dir / "repo/metadata/1.targets.json").read_bytes())["signed"][
            "delegations"]["keys"]
        assert len(part["signatures"]) == 2
        for signature in part["signatures"]:
            key = serialization.load_pem_public_key(keys[signature["keyid"]]["keyval"]["public"].encode())
            key.verify(bytes.fromhex(signature["sig"]), message, ec.ECDSA(hashes.SHA256()))


def test_a_person_is_asked(online, vault, tmp_path):
    bundle = exported(online, tmp_path, "retirements")
    before = bundle.read_bytes()
    assert "--yes" in vault("repo", "sign", bundle, status=1)
    for answer, status in ((b"no\n", 1), (b"y\n", 1), (b"yes\n", 0)):
        leader, follower = pty.openpty()
        child = subprocess.Popen([vault.program, "--dir", vault.dir, "repo", "sign", bundle], stdin=follower,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.write(leader, answer)
        out, err = child.communicate(timeout=120)
        assert child.returncode == status, err
        assert b"role retirements, version 2 after 1" in out and b"Sign this?" in err
        assert (bundle.read_bytes() == before) == (status == 1)
        os.close(leader)
        os.close(follower)


def test_a_role_with_bins(tmp_path):
    """Of a role that hands its targets to bins, those that a release falls into are carried, and no other."""
    from conftest import BUILD
    online = Rota(BUILD, tmp_path / "online")
    template.authority(online.dir)
    online("repo", "bins", "releases", 3)
    online("publish")
    online("authority", "split", tmp_path / "vault")
    vault = Rota(BUILD, tmp_path / "vault")
    add_release(online, vault, tmp_path, "2.0.0")
    bundle = exported(online, tmp_path, "releases")
    good = json.loads(bundle.read_bytes())
    roles = [p["role"] for p in good["parts"]]
    assert roles[0] == "releases" and 1 <= len(roles[1:]) <= 2
    assert all(r in {f"releases-{i}" for i in range(8)} for r in roles[1:])

    def into_another(b):
        b["parts"][1]["role"] = next(f"releases-{i}" for i in range(8) if f"releases-{i}" not in roles)

    def taken_back(b):
        del b["parts"][0]["signed"]["delegations"]

    def other_people(b):
        b["parts"][0]["signed"]["delegations"]["succinct_roles"]["threshold"] = 1

    def alone(b):
        del b["parts"][0]

    def grown(b):
        b["parts"][1]["signed"]["delegations"] = {}

    def moved_on(b):
        b["parts"][0]["signed"]["version"] += 1

    def listing(b):
        b["parts"][0]["signed"]["targets"]["releases/sensor/2.0.0/x"] = {"hashes": {"sha256": "00" * 32}, "length": 1}

    def no_bin(name):
        def change(b):  # a file says of which bin it is by what it lists alone
            b["parts"] = b["parts"][:2]
            b["parts"][1]["role"] = name
            b["parts"][1]["signed"]["targets"] = b["files"] = {}
        return change
    assert good["parts"][0]["signed"] == good["parts"][0]["current"]["signed"]  # no bin becomes older than it
    for change, says in [(moved_on, "the next one is"), (listing, "bins be older"),
                         (into_another, "another bin"), (taken_back, "bins would go"),
                         (other_people, "bins would change"), (alone, "a bin without"), (grown, "a member"),
                         (no_bin("releases-00"), "no bin of"), (no_bin("releases-8"), "no bin of")]:
        bad = copy.deepcopy(good)
        change(bad)
        (tmp_path / "bad").write_bytes(spelled(bad))
        assert says in sign(vault, tmp_path / "bad", status=1)
    sign(vault, bundle)
    online("repo", "import", bundle)
    listed = {}
    for role in roles:
        newest = max(online.dir.glob(f"repo/metadata/*.{role}.json"), key=lambda p: int(p.name.split(".")[0]))
        listed |= json.loads(newest.read_bytes())["signed"]["targets"]
    assert "releases/sensor/2.0.0/release.json" in listed
    assert "0 wrong" in online("repo", "verify")
    # a bin's file, which verifies as well, for the role's own that counts now: all other bins would go unseen
    part = dict(good["parts"][1], role="releases")
    part["current"] = json.loads(newest.read_bytes())
    part["signed"] = dict(part["current"]["signed"], version=part["current"]["signed"]["version"] + 1)
    (tmp_path / "bad").write_bytes(spelled(dict(good, parts=[part], files={})))
    assert f"signed as {role}" in sign(vault, tmp_path / "bad", status=1)
    online("rollout", "set", "--version", "2.0.0")
    online("publish")


def pem_file(path, points):
    path.write_bytes(b"".join(
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(p)).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo) for p in points))
    return path


def test_the_people_of_a_role_change(online, vault, tmp_path):
    """The recovery tokens become the release signers: targets and releases go together, or not at all."""
    add_release(online, vault, tmp_path, "2.0.0")
    stale = exported(online, tmp_path, "releases", name="stale")
    sign(vault, stale)
    time.sleep(1.1)  # times have seconds: what is exported from now on is another file
    points = [k["public"] for k in json.loads((online.dir / "trust/recovery-keys.json").read_bytes())["keys"]]
    keys = f"releases={pem_file(tmp_path / 'keys.pem', points)}"
    online("repo", "export", "--keys", keys, "--role", "releases", tmp_path / "x", status=2)
    for vault_ini in (vault.dir / "rota.ini", online.dir / "rota.ini"):
        vault_ini.write_text(vault_ini.read_text().replace(
            "releases-1:releases releases-2:releases releases-3:releases",
            "releases-1:releases recovery-1:recovery recovery-2:recovery recovery-3:recovery"))
    online("repo", "export", "--keys", keys, "--role", "targets", tmp_path / "alone")
    sign(vault, tmp_path / "alone")
    assert "export both together" in online("repo", "import", tmp_path / "alone", status=1)
    online("repo", "export", "--keys", keys, "--role", "targets", "--role", "releases", tmp_path / "both")
    out = sign(vault, tmp_path / "both", "--again")
    assert "delegations roles 0 keyids" in out
    online("repo", "import", tmp_path / "both")
    client = Client(online.dir / "repo").refresh()
    assert "releases/sensor/2.0.0/release.json" in client.roles["releases"]["targets"]
    assert "0 wrong" in online("repo", "verify")
    assert "not what this bundle was exported from" in online("repo", "import", stale, status=1)


def test_an_online_key_changes(online, vault, tmp_path):
    """ci gets another key of the online token: rota.ini, an export, and its file is signed anew on the way."""
    ini = online.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("signers = online:ci\n", "signers = online:ci-image\n"))
    bundle = exported(online, tmp_path, "targets")
    sign(vault, bundle)
    online("repo", "import", bundle)
    client = Client(online.dir / "repo").refresh()
    assert client.roles["ci"]["version"] == 2
    online("publish", "--all")
    assert "nothing is wrong" in online("doctor", "--online-only")


def test_the_keys_of_snapshot_and_timestamp_change(online, vault, tmp_path):
    ini = online.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("online:timestamp", "online:ci-image").replace("online:snapshot",
                                                                                          "online:time"))
    bundle = exported(online, tmp_path, "root")
    assert "roles timestamp keyids 0" in sign(vault, bundle)
    online("repo", "import", bundle)
    client = Client(online.dir / "repo").refresh()
    assert [client.root["version"], client.snapshot["version"], client.timestamp["version"]] == [2, 2, 2]
    online("publish")
    assert "0 wrong" in online("repo", "verify")
    assert "nothing is wrong" in online("doctor", "--online-only")
    stamp = online.dir / "repo/metadata/timestamp.json"
    stamp.write_bytes(stamp.read_bytes().replace(b'"version":3', b'"version":9'))
    assert "not what its role signed" in online("publish", status=1)


def test_split(made, tmp_path):
    from conftest import BUILD
    rota = Rota(BUILD, tmp_path / "authority")
    template.authority(rota.dir)
    tokens = {p.name for p in (rota.dir / "tokens").iterdir()}
    (tmp_path / "there").mkdir()
    assert "is there already" in rota("authority", "split", tmp_path / "there", status=1)
    half = tmp_path / "vault.making"  # a run that was cut off after its first token
    half.mkdir(mode=0o700)
    (half / "tokens").mkdir(mode=0o700)
    (rota.dir / "tokens/root-1").rename(half / "tokens/root-1")
    rota("authority", "split", f"{tmp_path}/vault/")
    there = {p.name for p in (tmp_path / "vault/tokens").iterdir()}
    here = {p.name for p in (rota.dir / "tokens").iterdir()}
    assert here == {"online"} and here | there == tokens and not half.exists()
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o700
    if os.stat("/dev/shm").st_dev != os.stat(tmp_path).st_dev:
        assert "another file system" in rota("authority", "split", f"/dev/shm/rota-{os.getpid()}", status=1)
        assert not os.path.exists(f"/dev/shm/rota-{os.getpid()}.making")
