# SPDX-License-Identifier: Apache-2.0
"""Builds of ci in a folder of their own (SPEC 26.8): who gets them, who does not, and what else works from there."""
import json
import re
import shutil
import ssl
import urllib.error
import urllib.request

import pytest

from fleet import PROGRAMS, run

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


@pytest.fixture(scope="module")
def staged(fleet):
    """Staging is set, the server runs with it, ci has version 2."""
    fleet.stop()
    ini = fleet.authority / "rota.ini"
    ini.write_text(ini.read_text() + "\n[repository]\nstaging = ci\n")
    fleet.serve()
    image = fleet.image("2.0.0", None, "--ci")
    fleet.rota("release", "add", "--ci", "--version", "2.0.0", "--image", image)
    fleet.rota("rollout", "set", "--channel", "ci", "--version", "2.0.0")
    fleet.rota("publish")
    return fleet


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def get(fleet, port, path, device=None):
    """The status."""
    context = ssl.create_default_context(cafile=fleet.authority / "ca/server-ca.pem")
    if device:
        context.load_cert_chain(device.dir / "identity/ldevid.pem", device.dir / "identity/ldevid.key")
    try:
        with urllib.request.urlopen(f"https://localhost:{fleet.ports[port]}/repo/{path}", context=context,
                                    timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_lies_there_and_only_there(staged):
    there = files(staged.authority / "ci")
    assert len(there) == 2 and all(name.startswith("targets/ci/sensor/2.0.0/") for name in there)
    assert not (staged.authority / "repo/targets/ci").exists()
    assert "0 wrong" in staged.rota("repo", "verify")


def test_devices_get_it_and_nobody_else(staged):
    device = staged.device("ci-device", "1.0.0", "--channel", "ci")
    for name in files(staged.authority / "ci"):
        assert get(staged, "repo", name) == 403
        assert get(staged, "device", name) == 403
        assert get(staged, "device", name, device) == 200
        assert get(staged, "device", name.replace("targets/ci", "targets/./ci"), device) in (200, 404)
        assert get(staged, "repo", name.replace("targets/", "targets/x/../")) in (403, 404)
        assert get(staged, "repo", name.replace("/ci/", "/%63i/")) in (403, 404)
    device.once(check=3)
    assert device.boot() == "2.0.0"


def test_a_production_device_knows_nothing_of_it(staged):
    device = staged.device("production-device", "1.0.0")
    assert "targets_url" not in device.config.read_text()
    device.once()
    assert device.status()["installed"] == "1.0.0"


def test_promotion_takes_it_from_there(staged):
    out = staged.dir / "carried"
    staged.rota("promote", "prepare", "--version", "2.0.0", "--out", out)
    assert files(out) == ["2.0.0.img", "promotion.json"]


def test_what_nothing_lists_is_found_and_removed(staged):
    def strays():
        found = re.search(r"(\d+) files, \d+ bytes, are not reached", staged.rota("repo", "verify"))
        return int(found[1]) if found else 0

    before = strays()
    stray = staged.authority / "ci/targets/ci/sensor/9.9.9" / ("0" * 64 + ".app.img")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"nobody lists it")
    assert strays() == before + 1
    gone = json.loads(staged.rota("repo", "gc", "--grace", "0s", "--json"))
    assert stray.name in str(gone["files"]) and not stray.parent.exists()
    assert strays() <= before and len(files(staged.authority / "ci")) == 2


def test_what_was_changed_there_is_found(staged):
    (image,) = (staged.authority / "ci").rglob("*.img")
    kept = image.read_bytes()
    mode = image.stat().st_mode
    image.chmod(0o644)
    image.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    done = run(*verify(staged), check=False)
    assert done.returncode == 1 and "SHA-256 is not the listed one" in done.stdout
    image.write_bytes(kept)
    image.chmod(mode)
    assert run(*verify(staged)).returncode == 0


def verify(fleet):
    return PROGRAMS["rota"], "--dir", fleet.authority, "repo", "verify"


@pytest.mark.parametrize("folder", ["staging", "repo"])
def test_a_folder_that_is_taken(staged, folder):
    ini = staged.authority / "rota.ini"
    kept = ini.read_text()
    ini.write_text(kept.replace("staging = ci", f"staging = {folder}"))
    done = run(*verify(staged), check=False)
    ini.write_text(kept)
    assert done.returncode == 1 and "give it one of its own" in done.stderr
