# SPDX-License-Identifier: Apache-2.0
"""What the connected machine refuses to import, and imports that were cut off."""
import hashlib
import json
import os
import shutil
import subprocess
import time

import pytest

import template
from airgap import add_release, exported, rogue_key, sign, spelled
from airgap import made, online, vault  # noqa: F401 - fixtures
from authority import Client, Rota

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


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


def test_another_repositorys_bundle(online, vault, tmp_path):
    from conftest import BUILD
    other = Rota(BUILD, tmp_path / "other")
    template.authority(other.dir, keys="other")
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
