# SPDX-License-Identifier: Apache-2.0
"""What the vault refuses to sign, of a bundle that a hostile connected machine made."""
import copy
import hashlib
import json
import os
import shutil
import time

import pytest
from cryptography.hazmat.primitives import serialization

import template
from airgap import add_release, exported, machine, rogue_key, sign, spelled
from airgap import made, online, vault  # noqa: F401 - fixtures
from authority import Rota, canonical

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

MIB = 1 << 20


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
    template.authority(evil.dir, keys="other")
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
