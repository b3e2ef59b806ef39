# SPDX-License-Identifier: Apache-2.0
"""Offline roles signed on a machine of their own: export, sign, import, and what a hostile bundle is refused for."""
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

from authority import Client, Rota, canonical, program

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

MIB = 1 << 20


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A connected machine and a vault, made once."""
    from conftest import BUILD
    base = tmp_path_factory.mktemp("airgap")
    rota = Rota(BUILD, base / "online")
    rota("init", "--softhsm", "--product", "sensor", rota.dir)
    rota("authority", "split", base / "vault")
    return base


@pytest.fixture
def online(made, tmp_path):
    return machine(made, tmp_path, "online")


@pytest.fixture
def vault(made, tmp_path):
    return machine(made, tmp_path, "vault")


def machine(made, tmp_path, which, name=None):
    from conftest import BUILD
    shutil.copytree(made / which, tmp_path / (name or which))
    return Rota(BUILD, tmp_path / (name or which))


def spelled(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def add_release(online, vault, tmp_path, version, *more):
    image = tmp_path / f"app-{version}.img"
    vault("image", "sign", "--version", version, "--hardware", "board-a", "--out", image,
          program(tmp_path / f"p-{version}", 5000))
    online("release", "add", "--version", version, "--image", image, "--unsigned", *more)
    return image


def exported(online, tmp_path, *roles, name="bundle"):
    online("repo", "export", *(x for role in roles for x in ("--role", role)), tmp_path / name)
    return tmp_path / name


def sign(vault, bundle, *more, status=0):
    return vault("repo", "sign", "--yes", bundle, *more, status=status)


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


# --- what the vault refuses ---


def member(path, value):
    """Set what stands at `path` ("parts 0 signed version"); None takes it away."""
    def change(bundle):
        at, names = bundle, path.split(" ")
        for name in names[:-1]:
            at = at[int(name)] if isinstance(at, list) else at[name]
        last = int(names[-1]) if isinstance(at, list) else names[-1]
        if value is None:
            del at[last]
        else:
            at[last] = value(at.get(last) if isinstance(at, dict) else at[last]) if callable(value) else value
    return change


def when(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def times(issued, expires):
    def change(bundle):
        for part in bundle["parts"]:
            part["signed"]["x-rota-issued"] = when(issued)
            part["signed"]["expires"] = when(expires)
            if part["role"] == "root":
                part["signed"]["x-rota-not-before"] = when(issued)
    return change


def new_release(change):
    """Let `change` at release.json's text, and list the outcome as the role would."""
    def apply(bundle):
        (path,) = bundle["files"]
        described = json.loads(bundle["files"][path])
        change(described)
        text = spelled(described)
        bundle["files"][path] = text.decode()
        bundle["parts"][0]["signed"]["targets"][path] = {
            "hashes": {"sha256": hashlib.sha256(text).hexdigest()}, "length": len(text)}
    return apply


def retarget(path, length=7):
    return member("parts 0 signed targets", lambda t: {
        **t, path: {"hashes": {"sha256": 64 * "0"}, "length": length}})


def rogue_key():
    pem = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    key = {"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}
    return hashlib.sha256(canonical(key).encode()).hexdigest(), key


def unused_key(where):
    def change(bundle):
        keyid, key = rogue_key()
        holder = bundle["parts"][0]["signed"]
        (holder["delegations"] if where == "targets" else holder)["keys"][keyid] = key
    return change


def respelled_key(bundle):
    """The same key in another spelling under the id of that text: a second id for one key."""
    root = bundle["parts"][0]["signed"]
    old = root["roles"]["root"]["keyids"][0]
    key = root["keys"][old]
    point = serialization.load_pem_public_key(key["keyval"]["public"].encode()).public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    key = {**key, "keyval": {"public": point.hex()}}
    keyid = hashlib.sha256(canonical(key).encode()).hexdigest()
    root["keys"][keyid] = key
    root["roles"]["root"]["keyids"] = [keyid if k == old else k for k in root["roles"]["root"]["keyids"]]
    del root["keys"][old]


def share_keys(bundle):
    roles = bundle["parts"][0]["signed"]["roles"]
    old = roles["targets"]["keyids"][0]
    roles["targets"]["keyids"][0] = roles["root"]["keyids"][0]
    del bundle["parts"][0]["signed"]["keys"][old]


def twice(bundle):
    bundle["parts"].append(copy.deepcopy(bundle["parts"][0]))


def behind(bundle):
    bundle["parts"].reverse()


DUTY = "parts 0 signed delegations roles 0"
FORM = [
    # roles exported, what is done to the bundle, what is said
    (["releases"], member("extra", 1), "SPEC 14.1"),
    (["releases"], member("anchor", None), "SPEC 14.1"),
    (["releases"], member("format", 2), "format 2"),
    (["releases"], member("_type", "rota-parcel"), "no bundle"),
    (["releases"], member("product", "Sensor X"), "'product'"),
    (["releases"], member("roots", 7), "'roots'"),
    (["releases"], member("targets signed", None), "'targets'"),
    (["releases"], member("parts", []), "'parts'"),
    (["releases"], member("parts 0 role", "../root"), "'parts'"),
    (["releases"], member("parts 0 extra", 1), "'parts'"),
    (["releases"], member("parts 0 signatures", [{"keyid": "x", "sig": "00"}]), "'parts'"),
    (["releases"], member("files", {"../x": "y"}), "'files'"),
    (["releases"], member("files", {"releases/a/b/c": "x" * 65537}), "'files'"),
    (["releases"], member("product", "other"), "of product other"),
    (["releases"], member("anchor", 64 * "0"), "of another repository"),
    (["releases", "retirements"], twice, "SPEC 14.2"),
    (["root", "targets"], behind, "SPEC 14.2"),
]
TARGETS = [
    (["releases"], member("parts 0 role", "rollouts"), "sign offline"),
    (["releases"], member("parts 0 signed version", 1), "the next one is 2"),
    (["releases"], member("parts 0 signed version", 3), "the next one is 2"),
    (["releases"], member("parts 0 signed _type", "root"), "_type"),
    (["releases"], member("parts 0 signed spec_version", "2.0.0"), "spec_version"),
    (["releases"], member("parts 0 signed extra", {}), "SPEC 14.3"),
    (["releases"], member("parts 0 signed delegations", {"keys": {}, "roles": []}), "bins would change"),
    (["releases"], member("parts 0 current signed version", 0), "good signatures of 2"),
    (["releases"], member("targets signed version", 2), "targets: 0 good signatures"),
    (["releases"], times(0, 366 * 86400), "longer than rota.ini allows"),
    (["releases"], times(3600, 86400), "ahead of this machine's clock"),
    (["releases"], times(-9 * 86400, 86400), "before the version it follows"),
    (["releases"], times(0, 0), "longer than rota.ini allows"),
    (["releases"], retarget("ci/sensor/2.0.0/x"), "may not list ci/"),
    (["releases"], retarget("releases/sensor/2.0.0/\x1b[2J"), "a target"),
    (["releases"], retarget("releases/sensor/2.0.0/x", -1), "a target"),
    (["releases"], retarget("releases/sensor/9.0.0/release.json"), "lacks the text"),
    (["releases"], member("files", {}), "lacks the text"),
    (["releases"], member("files", lambda f: {k: v.replace("revert", "pause!") for k, v in f.items()}),
     "not the one that the role lists"),
    (["releases"], member("files", lambda f: {**f, "releases/sensor/2.0.0/more.json": "{}"}),
     "belongs to nothing new"),
    (["releases"], new_release(lambda r: r.update(product="other")), "a device would refuse it"),
    (["releases"], new_release(lambda r: r.update(version="3.0.0")), "a device would refuse it"),
    (["releases"], new_release(lambda r: r.pop("components")), "a device would refuse it"),
    (["releases"], new_release(lambda r: r["components"][0].update(sha256=64 * "1")), "does not list"),
    (["releases"], new_release(lambda r: r["components"][0].update(length=1)), "does not list"),
]
DELEGATORS = [
    (["targets"], member(DUTY + " paths", ["*/*/*/*"]), "SPEC 3.2"),
    (["targets"], member(DUTY + " paths", ["releases/*/*/*", "ci/*/*/*"]), "SPEC 3.2"),
    (["targets"], member(DUTY + " terminating", False), "SPEC 3.2"),
    (["targets"], member(DUTY + " name", "root"), "SPEC 3.2"),
    (["targets"], member(DUTY + " threshold", 1), "the threshold 1 of 3"),
    (["targets"], member(DUTY + " keyids", lambda k: [k[0], k[0], k[1]]), "releases is missing"),
    (["targets"], member(DUTY + " keyids", lambda k: [*k[:2], 64 * "0"]), "releases is missing"),
    (["targets"], member("parts 0 signed delegations roles", lambda r: r[:-1]), "SPEC 3.2"),
    (["targets"], retarget("releases/sensor/2.0.0/x"), "and nothing else"),
    (["targets"], unused_key("targets"), "no role uses"),
    (["root"], unused_key("root"), "no role uses"),
    (["root"], respelled_key, "SPEC 3.3"),
    (["root"], share_keys, "share a key"),
    (["root"], member("parts 0 signed roles root threshold", 1), "the threshold 1 of 3"),
    (["root"], member("parts 0 signed roles releases", {"keyids": [], "threshold": 1}), "a member of root"),
    (["root"], member("parts 0 signed consistent_snapshot", False), "a member of root"),
    (["root"], member("parts 0 signed x-rota-not-before", "2031-01-01T00:00:00Z"), "devices' clocks"),
    (["root"], member("parts 0 signed x-rota-slot-end", "2031-01-01T00:00:00Z"), "a member of root"),
]


@pytest.fixture(scope="module")
def bundles(made, tmp_path_factory):
    """Each set of roles exported once, with a release waiting."""
    base = tmp_path_factory.mktemp("bundles")
    online, vault = machine(made, base, "online"), machine(made, base, "vault")
    add_release(online, vault, base, "2.0.0")
    kept = {}

    def get(roles):
        key = "+".join(roles)
        if key not in kept:
            kept[key] = json.loads(exported(online, base, *roles, name=key).read_bytes())
        return copy.deepcopy(kept[key])
    get.vault = vault
    return get


@pytest.mark.parametrize("roles, change, says", FORM + TARGETS + DELEGATORS)
def test_the_vault_refuses(bundles, tmp_path, roles, change, says):
    bundle = bundles(roles)
    change(bundle)
    path = tmp_path / "bundle"
    path.write_bytes(spelled(bundle))
    text = sign(bundles.vault, path, status=1)
    assert says in text
    assert path.read_bytes() == spelled(bundle)  # no signature was added
    assert not (bundles.vault.dir / "signed").exists()


def test_the_vault_refuses_bytes(bundles, tmp_path):
    good = spelled(bundles(["releases"]))
    rows = [good[:n] for n in (0, 1, len(good) // 2, len(good) - 1)]
    rows += [good + b"\n", b" " + good, json.dumps(json.loads(good), indent=1).encode(),
             good.replace(b'"format":1', b'"format":1.0'), good.replace(b'"format":1', b'"format":1,"format":1'),
             good.replace(b"rota-bundle", b"rota\\u002dbundle"), b"[" * 20000, b'{"a":' * 13 + b"1" + b"}" * 13]
    for i in range(0, len(good), len(good) // 40):
        rows.append(good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
    path = tmp_path / "bundle"
    for row in rows:
        path.write_bytes(row)
        text = sign(bundles.vault, path, status=1)
        assert str(path) in text
        assert path.read_bytes() == row
    with open(path, "wb") as f:
        f.truncate(64 * MIB + 1)
    assert "67108864" in sign(bundles.vault, path, status=1)
    path.unlink()
    os.mkfifo(path)
    sign(bundles.vault, path, status=1)


def test_the_vault_has_its_own_root(bundles, made, tmp_path):
    """A bundle with a whole chain of trust of somebody else's verifies in itself, and counts nowhere."""
    from conftest import BUILD
    evil = Rota(BUILD, tmp_path / "evil")
    evil("init", "--softhsm", "--product", "sensor", evil.dir)
    theirs = json.loads(exported(evil, tmp_path, "releases").read_bytes())
    path = tmp_path / "bundle"
    assert "of another repository" in sign(bundles.vault, path, status=1)
    theirs["anchor"] = bundles(["releases"])["anchor"]
    path.write_bytes(spelled(theirs))
    assert "targets: 0 good signatures" in sign(bundles.vault, path, status=1)
    theirs["roots"] = [json.loads((evil.dir / "repo/metadata/1.root.json").read_bytes())]
    path.write_bytes(spelled(theirs))
    assert "root after version 1: 0 good signatures" in sign(bundles.vault, path, status=1)


def test_signatures_that_are_none(online, vault, tmp_path):
    bundle = exported(online, tmp_path, "retirements")
    sign(vault, bundle, "--token", "retirements-1")
    good = json.loads(bundle.read_bytes())
    (one,) = good["parts"][0]["signatures"]
    flipped = {**one, "sig": one["sig"][:-2] + "%02x" % (int(one["sig"][-2:], 16) ^ 1)}
    foreign = {**one, "keyid": rogue_key()[0]}
    for signatures, says in [([flipped], "does not verify"), ([foreign], "does not verify"),
                             ([one, one], "signs twice"), ([one, flipped], "signs twice")]:
        good["parts"][0]["signatures"] = signatures
        bundle.write_bytes(spelled(good))
        assert says in sign(vault, bundle, status=1)
        assert says in online("repo", "import", bundle, status=1)


def test_the_vault_remembers(online, vault, tmp_path):
    """What it signed is a floor: an old state of the repository, or a second file of one version, is refused."""
    old = exported(online, tmp_path, "retirements", name="old")
    both = exported(online, tmp_path, "root", "targets", "releases", name="both")
    sign(vault, both)
    lines = [json.loads(line) for line in (vault.dir / "signed").read_text().splitlines()]
    assert {(x["role"], x["version"]) for x in lines} == {("root", 2), ("targets", 2), ("releases", 2)}
    assert len(lines) == 6  # two people each
    add_release(online, vault, tmp_path, "2.0.0")
    other = exported(online, tmp_path, "releases", name="other")
    assert "signed another version 2 of role releases" in sign(vault, other, status=1)
    sign(vault, other, "--again")
    online("repo", "import", other)
    third = exported(online, tmp_path, "releases", name="third")
    sign(vault, third)
    assert "goes back: it has releases version 2" in sign(vault, other, "--again", status=1)
    online("repo", "import", third)
    again = exported(online, tmp_path, "root", name="again")
    sign(vault, again, "--again")
    online("repo", "import", again)
    sign(vault, exported(online, tmp_path, "releases", name="fourth"))
    assert "goes back: it has root version 1, this machine has seen 2" in sign(vault, old, status=1)
    with open(vault.dir / "signed", "a", encoding="ascii") as f:
        f.write('{"at":"2026')  # cut by power: no signature came of it
    sign(vault, exported(online, tmp_path, "retirements", name="fifth"))
    (vault.dir / "signed").write_text("nonsense\n")
    assert "damaged" in sign(vault, third, status=1)


# --- what the connected machine refuses ---


def test_the_repository_moved_on(online, vault, tmp_path):
    add_release(online, vault, tmp_path, "2.0.0")
    first = exported(online, tmp_path, "releases", name="first")
    time.sleep(1.1)  # times have seconds: the second one is another file
    second = exported(online, tmp_path, "releases", name="second")
    sign(vault, first)
    sign(vault, second, "--again")
    online("repo", "import", first)
    text = online("repo", "import", second, status=1)
    assert "the repository has version 2" in text and "export again" in text
    assert "not a copy of the first" in online("repo", "import", first, second, status=1)


def test_artifacts_must_be_there(online, vault, tmp_path):
    add_release(online, vault, tmp_path, "2.0.0")
    bundle = exported(online, tmp_path, "releases")
    sign(vault, bundle)
    (image,) = (online.dir / "repo/targets/releases/sensor/2.0.0").glob("*.img")
    data = image.read_bytes()
    image.unlink()
    assert "an artifact is gone" in online("repo", "import", bundle, status=1)
    image.write_bytes(data[:-1] + b"x")
    assert "is damaged" in online("repo", "import", bundle, status=1)
    assert Client(online.dir / "repo").refresh().roles["releases"]["version"] == 1
    image.write_bytes(data)
    online("repo", "import", bundle)


def test_a_role_with_bins(tmp_path):
    """Of a role that hands its targets to bins, those that a release falls into are carried, and no other."""
    from conftest import BUILD
    online = Rota(BUILD, tmp_path / "online")
    online("init", "--softhsm", "--product", "sensor", online.dir)
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


def test_another_repositorys_bundle(online, vault, tmp_path):
    from conftest import BUILD
    other = Rota(BUILD, tmp_path / "other")
    other("init", "--softhsm", "--product", "sensor", other.dir)
    bundle = exported(other, tmp_path, "retirements")
    sign(other, bundle)
    assert "of another repository" in online("repo", "import", bundle, status=1)
    theirs = json.loads(bundle.read_bytes())
    theirs["anchor"] = hashlib.sha256((online.dir / "trust/root.json").read_bytes()).hexdigest()
    bundle.write_bytes(spelled(theirs))
    assert "not what this bundle was exported from" in online("repo", "import", bundle, status=1)
    mine = json.loads(exported(online, tmp_path, "retirements", name="mine").read_bytes())
    mine["parts"][0]["signatures"] = theirs["parts"][0]["signatures"]
    bundle.write_bytes(spelled(mine))
    assert "does not verify" in online("repo", "import", bundle, status=1)


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


def test_a_root_that_nobody_here_could_use(online, vault, tmp_path):
    bundle = exported(online, tmp_path, "root")
    whole = json.loads(bundle.read_bytes())
    root = whole["parts"][0]["signed"]
    keyid, key = rogue_key()
    del root["keys"][root["roles"]["timestamp"]["keyids"][0]]
    root["keys"][keyid] = key
    root["roles"]["timestamp"]["keyids"] = [keyid]
    bundle.write_bytes(spelled(whole))
    assert keyid in sign(vault, bundle)  # the person sees it
    assert "no token here holds" in online("repo", "import", bundle, status=1)
    assert Client(online.dir / "repo").refresh().root["version"] == 1


def test_a_role_of_both_machines(online, vault, tmp_path):
    """keys-store: the officer signs in the vault, the online key at the import."""
    bundle = exported(online, tmp_path, "keys-store")
    sign(vault, bundle)
    assert len(json.loads(bundle.read_bytes())["parts"][0]["signatures"]) == 1
    online("repo", "import", bundle)
    assert Client(online.dir / "repo").refresh().roles["keys-store"]["version"] == 2


def test_an_import_that_was_cut_off(online, vault, tmp_path):
    """The roles are staged and the online token does not answer: nothing changed for readers; again completes it."""
    add_release(online, vault, tmp_path, "2.0.0")
    bundle = exported(online, tmp_path, "targets", "releases")
    sign(vault, bundle)
    pin = online.dir / "tokens/online/pin"
    kept = pin.read_bytes()
    pin.write_bytes(b"")
    online("repo", "import", bundle, status=1)
    assert Client(online.dir / "repo").refresh().roles["releases"]["version"] == 1
    pin.write_bytes(kept)
    online("repo", "import", bundle)
    client = Client(online.dir / "repo").refresh()
    assert (client.targets["version"], client.roles["releases"]["version"]) == (2, 2)
    assert not list((online.dir / "staging").iterdir())


@pytest.mark.plain
def test_an_import_killed_at_each_durable_call(online, vault, tmp_path):
    """After each a reader finds the old state or the new one whole, and importing again ends where it should."""
    from conftest import BUILD
    library = BUILD / "tests/system/libkillat.so"
    assert library.exists(), f"{library} is not built"
    add_release(online, vault, tmp_path, "2.0.0")
    bundle = exported(online, tmp_path, "root", "targets", "releases")
    sign(vault, bundle)
    kept = tmp_path / "kept"
    shutil.copytree(online.dir, kept)
    for n in range(1, 400):
        shutil.rmtree(online.dir)
        shutil.copytree(kept, online.dir)
        done = subprocess.run([online.program, "--dir", online.dir, "repo", "import", bundle], check=False,
                              env={**os.environ, "LD_PRELOAD": str(library), "KILLAT": str(n)},
                              capture_output=True, timeout=120)
        if done.returncode == 0:
            break
        assert Client(online.dir / "repo").refresh().roles["releases"]["version"] in (1, 2)
        online("repo", "import", bundle)
        client = Client(online.dir / "repo").refresh()
        assert (client.root["version"], client.roles["releases"]["version"]) == (2, 2), n
        assert not list((online.dir / "staging").iterdir()), n
    assert 40 < n < 399


def test_split(made, tmp_path):
    from conftest import BUILD
    rota = Rota(BUILD, tmp_path / "authority")
    rota("init", "--softhsm", "--product", "sensor", rota.dir)
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
