# SPDX-License-Identifier: Apache-2.0
"""From ci to production (SPEC 26.6, 26.7): the same image digests, approved by people, with one signature more; and what a
production device does with an image that has not been there."""
import json
import os
import shutil
import subprocess

import bootfiles
import pytest
from cryptography.hazmat.primitives import serialization

from authority import made, rota  # noqa: F401 - fixtures
from machine import Machine
from test_rota_series import FAKETIME

# The generator of P-256 (FIPS 186-4, D.1.2.3): a point whose key nobody here signs with.
BASE_POINT = ("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
              "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


def point_of(pem):
    key = serialization.load_pem_public_key(pem.encode())
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


@pytest.fixture
def people(rota):
    """Three officers, each with an approval key on the token of a release signer."""
    ini = rota.dir / "rota.ini"
    text = ini.read_text()
    seats = " ".join(f"releases-{n}:approval" for n in (1, 2, 3))
    text += f"[keys approval]\nsigners = {seats}\n"
    for n in (1, 2, 3):
        key = json.loads(rota("keys", "make", "--token", f"releases-{n}", "--label", "approval", "--use", "approval",
                              "--json"))
        text += f"[officer person-{n}]\nkey = {point_of(key['public'])}\n"
    ini.write_text(text)
    return rota


def ci_image(rota, build, tmp_path, version):
    out = tmp_path / f"app-{version}.img"
    rota("image", "sign", "--ci", "--version", f"{version}.0.0", "--hardware", "board-a", "--counter", 1, "--out", out,
         build / f"examples/sensor/sensor-{version}")
    return out


@pytest.fixture
def prepared(people, build, tmp_path):
    image = ci_image(people, build, tmp_path, 2)
    assert "rota rollout set --version 2.0.0 --channel ci, rota publish" in people(
        "release", "add", "--ci", "--version", "2.0.0", "--image", image)
    people("publish")
    people("promote", "prepare", "--version", "2.0.0", "--out", tmp_path / "carried")
    return tmp_path / "carried"


def approve(rota, folder, n, *more, **options):
    return rota("promote", "approve", "--token", f"releases-{n}", "--yes", *more, folder, **options)


def test_two_people_and_the_image_token(people, prepared, build, tmp_path):
    rota = people
    statement = json.loads((prepared / "promotion.json").read_text())
    ci = (prepared / "app-2.img").read_bytes()
    assert statement["components"] == [{"digest": bootfiles.image_digest(ci).hex(), "file": "app-2.img",
                                        "length": len(ci), "name": "app"}]
    assert "0 of 2 approvals" in rota("promote", "sign", prepared, status=1)
    assert statement["components"][0]["digest"] in approve(rota, prepared, 1)
    assert "1 of 2 approvals" in rota("promote", "sign", prepared, status=1)
    approve(rota, prepared, 1)
    assert "1 of 2 approvals" in rota("promote", "sign", prepared, status=1)  # one person twice
    approve(rota, prepared, 3)
    rota("promote", "sign", prepared)
    promoted = (prepared / "production/app-2.img").read_bytes()
    shown = json.loads(rota("image", "show", "--json", prepared / "production/app-2.img"))
    assert shown["digest"] == statement["components"][0]["digest"]
    assert [s["verdict"] for s in shown["signatures"]] == ["good, ci key 0", "good, production key 0"]
    assert 0 < len(promoted) - len(ci) < 200 and bootfiles.image_digest(promoted) == bootfiles.image_digest(ci)
    rota("release", "add", "--version", "2.0.0", "--image", prepared / "production/app-2.img")
    assert "has 2 signatures already" in again(rota, prepared)
    boots_where_it_should(rota, build, prepared, tmp_path)


def again(rota, prepared):
    """What was promoted is not promoted once more."""
    shutil.copy(prepared / "production/app-2.img", prepared / "app-2.img")
    return rota("promote", "sign", prepared, status=1)


def boots_where_it_should(rota, build, prepared, tmp_path):
    """A production device boots what was promoted, and not what ci alone signed, though it lies in its flash."""
    rota("factory", "enrol", "--out", tmp_path / "device", "--hardware", "board-a", "--image",
         prepared / "production/app-2.img")
    machine = Machine(build, tmp_path / "device")
    with machine.power():
        machine.wait("a heartbeat", machine.heartbeat)
        assert machine.heartbeat().startswith("version=2.0.0 ")
    newer = ci_image(rota, build, tmp_path, 3).read_bytes()
    bootfiles.put(machine.path, 1, newer)
    bootfiles.ask_trial(machine.path, 1, newer)
    with machine.power():
        machine.wait("a boot", lambda: "version" in machine.booted())
        assert (machine.booted()["kind"], machine.booted()["version"]) == ("reverted", "2.0.0")


@pytest.mark.parametrize("what, edit, says", [
    ("another image", lambda f, other: shutil.copy(other, f / "app-2.img"), "has the image digest"),
    ("a statement of another image", lambda f, other: rewrite(f, "digest", "0" * 64), "has the image digest"),
    ("a statement that says more", lambda f, other: rewrite(f, "name", "radio"), "0 of 2 approvals"),
    ("another product", lambda f, other: whole(f, "product", "lamp"), "it promotes lamp"),
    ("a file elsewhere", lambda f, other: rewrite(f, "file", "../app-2.img"), "no statement of a promotion"),
    ("an unknown member", lambda f, other: whole(f, "more", 1), "no statement of a promotion"),
])
def test_what_was_not_approved_is_not_signed(people, prepared, build, tmp_path, what, edit, says):
    approve(people, prepared, 1)
    approve(people, prepared, 2)
    edit(prepared, ci_image(people, build, tmp_path, 3))
    assert says in people("promote", "sign", prepared, status=1)
    assert not (prepared / "production").exists() or not os.listdir(prepared / "production")


def whole(folder, name, value):
    statement = json.loads((folder / "promotion.json").read_text())
    statement[name] = value
    (folder / "promotion.json").write_text(json.dumps(statement, separators=(",", ":"), sort_keys=True))


def rewrite(folder, name, value):
    statement = json.loads((folder / "promotion.json").read_text())
    statement["components"][0][name] = value
    (folder / "promotion.json").write_text(json.dumps(statement, separators=(",", ":"), sort_keys=True))


def test_a_no_is_a_no(people, prepared):
    for n in (1, 2):
        approve(people, prepared, n)
    approve(people, prepared, 3, "--refuse")
    assert "person-3 refused" in people("promote", "sign", prepared, status=1)


def test_approvals_of_strangers_and_of_others_do_not_count(people, prepared, tmp_path):
    ini = people.dir / "rota.ini"
    text = ini.read_text()
    approve(people, prepared, 1)
    approve(people, prepared, 2)
    ini.write_text(text.replace("[officer person-2]", "[officer person-9]").replace(
        text.split("[officer person-2]\nkey = ")[1].split("\n")[0],
        json.dumps(point_of(json.loads(people("keys", "make", "--token", "targets-1", "--label", "approval", "--use",
                                              "approval", "--json"))["public"])).strip('"')))
    assert "1 of 2 approvals" in people("promote", "sign", prepared, status=1)
    ini.write_text(text)
    lines = (prepared / "approvals").read_text().splitlines()
    forged = json.loads(lines[1])
    forged["sig"] = json.loads(lines[0])["sig"]
    (prepared / "approvals").write_text(lines[0] + "\n" + json.dumps(forged, separators=(",", ":"), sort_keys=True) + "\n")
    assert "1 of 2 approvals" in people("promote", "sign", prepared, status=1)


@pytest.mark.plain  # a sanitizer wants to be the first library that is loaded
@pytest.mark.skipif(not FAKETIME, reason="faketime is not here")
def test_approvals_run_out(people, prepared):
    for n in (1, 2):
        approve(people, prepared, n, "--lasts", "2d")
    later = subprocess.run([people.program, "--dir", people.dir, "promote", "sign", prepared], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=120, check=False,
                           env={**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME": "+3d"})
    assert later.returncode == 1 and "0 of 2 approvals" in later.stderr
    people("promote", "sign", prepared)


def test_only_what_ci_lists_is_prepared(people, prepared, tmp_path):
    out = tmp_path / "more"
    assert "role ci lists no ci/sensor/3.0.0" in people("promote", "prepare", "--version", "3.0.0", "--out", out, status=1)
    assert "there already" in people("promote", "prepare", "--version", "2.0.0", "--out", prepared, status=1)
    ini = people.dir / "rota.ini"
    ini.write_text(ini.read_text() + f"[builder b]\nkey = {BASE_POINT}\n[promotion]\nbuilders = 1\n")
    assert "0 of 1 builders" in people("promote", "prepare", "--version", "2.0.0", "--out", out, status=1)
    ini.write_text(ini.read_text().replace("builders = 1", "builders = 0"))
    (file,) = (people.dir / "repo/targets/ci/sensor/2.0.0").glob("*.app-2.img")
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)
    people("promote", "prepare", "--version", "2.0.0", "--out", out, status=1)
    assert not out.exists()
