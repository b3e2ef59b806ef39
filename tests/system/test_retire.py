# SPDX-License-Identifier: Apache-2.0
"""rota retire and rota withdraw (SPEC 16): what the operator signs, and what a device makes of it."""
import hashlib
import json
import shutil
import subprocess

import pytest

import template
from airgap import exported, made, online, sign, spelled, vault  # noqa: F401 (fixtures)
from authority import Rota, program
from fleet import line

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An authority with all its tokens."""
    from conftest import BUILD
    rota = Rota(BUILD, tmp_path_factory.mktemp("retire") / "authority")
    template.authority(rota.dir)
    return rota


@pytest.fixture
def rota(whole, tmp_path):
    shutil.copytree(whole.dir, tmp_path / "authority")
    return Rota(whole.program.parents[2], tmp_path / "authority")


# --- the verbs ---


def test_floors_rise_and_are_shown(rota):
    assert json.loads(rota("retire", "--json"))["sequence"] == 0
    rota("retire", "--counter", "board-b=3", "--counter", "board-a=7")
    rota("retire", "--counter", "board-a=9", "--boot-key", "1")
    stands = json.loads(rota("retire", "--json"))
    assert stands["counter_floor"] == [{"counter": 9, "hardware": "board-a"}, {"counter": 3, "hardware": "board-b"}]
    assert (stands["key_floor"], stands["sequence"], stands["_type"]) == (1, 2, "retirements")
    assert "floors only rise" in rota("retire", "--counter", "board-b=3", status=1)
    assert "only rises" in rota("retire", "--boot-key", "1", status=1)
    for wrong in ("board-a", "board-a=", "board-a=0", "=4", "Board=1", "board-a=4294967296"):
        assert "--counter" in rota("retire", "--counter", wrong, status=2)
    assert "--boot-key" in rota("retire", "--boot-key", "2", status=2)
    rota("publish")
    assert "board-a" in rota("retire")


def test_releases_are_withdrawn_and_given_back(rota, tmp_path):
    image = tmp_path / "app.img"
    rota("image", "sign", "--version", "2.0.0", "--hardware", "board-a", "--out", image, program(tmp_path / "p", 5000))
    digest = json.loads(rota("release", "add", "--version", "2.0.0", "--image", image, "--json"))["sha256"]
    rota("withdraw", "2.0.0")
    assert json.loads(rota("withdraw", "--json"))["withdrawn"] == [digest]
    assert "withdrawn already" in rota("withdraw", "2.0.0", status=1)
    done = subprocess.run([rota.program, "--dir", rota.dir, "rollout", "set", "--version", "2.0.0"],
                          capture_output=True, text=True, timeout=120, check=True)
    assert "release 2.0.0 is withdrawn" in done.stderr
    assert "not found" not in rota("publish")
    rota("withdraw", "--undo", "2.0.0")
    assert json.loads(rota("withdraw", "--json"))["withdrawn"] == []
    assert "is not withdrawn" in rota("withdraw", "--undo", "2.0.0", status=1)
    assert "lists no" in rota("withdraw", "9.9.9", status=1)
    assert "--undo" in rota("withdraw", "--undo", status=2)


def test_floors_over_the_gap(online, vault, tmp_path):
    online("retire", "--counter", "board-a=4", "--unsigned")
    assert "waits for its signers already" in online("retire", "--counter", "board-a=5", "--unsigned", status=1)
    bundle = exported(online, tmp_path, "retirements")
    assert '"board-a"' in vault("repo", "sign", "--show", bundle)
    sign(vault, bundle)
    assert "retirements  version 2" in online("repo", "import", bundle)
    assert json.loads(online("retire", "--json"))["counter_floor"] == [{"counter": 4, "hardware": "board-a"}]


def test_a_signer_refuses_floors_that_no_device_reads(online, vault, tmp_path):
    online("retire", "--counter", "board-a=4", "--unsigned")
    bundle = exported(online, tmp_path, "retirements")
    whole = json.loads(bundle.read_bytes())
    path = "retirements/sensor.json"
    file = json.loads(whole["files"][path])
    file["counter_floor"] *= 2  # one hardware id twice
    text = spelled(file)
    whole["files"][path] = text.decode()
    entry = whole["parts"][0]["signed"]["targets"][path]
    entry["hashes"]["sha256"], entry["length"] = hashlib.sha256(text).hexdigest(), len(text)
    bundle.write_bytes(spelled(whole))
    assert "SPEC 16.1" in sign(vault, bundle, status=1)


def test_counters_of_one_hardware_agree(rota, tmp_path):
    images = []
    for name, counter in (("app", 3), ("radio", 4)):
        images += ["--image", f"{name}={tmp_path / name}.img"]
        rota("image", "sign", "--version", "2.0.0", "--hardware", "board-a", "--counter", counter,
               "--out", tmp_path / f"{name}.img", program(tmp_path / name, 3000))
    assert "different security counters" in rota("release", "add", "--version", "2.0.0", *images, status=1)


# --- devices ---


def test_a_withdrawn_release_is_not_installed(fleet):
    fleet.image("1.0.0")
    fleet.release("2.0.0")
    fleet.rollout("2.0.0")
    device = fleet.device("withdrawn")
    fleet.rota("withdraw", "2.0.0")
    fleet.rota("publish")
    said = device.once(check=1)
    assert line(said, "refused")["clause"] == "SPEC 16.4"
    assert device.boot() == "1.0.0"
    fleet.rota("withdraw", "--undo", "2.0.0")
    fleet.rota("publish")
    device.once(check=3)
    assert device.boot() == "2.0.0"
    # and on trial it is given up
    fleet.rota("withdraw", "2.0.0")
    fleet.rota("publish")
    device.once(check=3)
    assert device.boot() == "1.0.0"
