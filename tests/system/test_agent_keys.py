# SPDX-License-Identifier: Apache-2.0
"""Data keys of a device whose keys are in its root of trust, seen from outside and given up (SPEC 34.5, 35)."""
import json
import re
import shutil
import sqlite3
import subprocess

import pytest

from fleet import PROGRAMS, Device
from test_factory import make_factory  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


@pytest.fixture(name="device")
def make_device(factory, request):
    name = re.sub(r"\W+|_", "-", request.node.name)[-60:].strip("-")
    device = Device(factory.dir / name)
    factory.station(device, "--soft", "--serial", name)
    device.boot()
    return device


def test_cycles_go_on_without_a_campaign(device):
    said = device.agent("--once", check=3).stdout
    assert "step=keys" not in said, said
    assert (device.dir / "state/keys.bin").exists() and (device.dir / "state/archive.bin").exists()
    status = device.status()
    assert (status["root_of_trust"], status["keys"]) == ("soft", [])


def test_vaults_are_shown(device):
    device.once(check=3)
    assert "has no [vault NAME]" in device.agent("vault", check=1).stderr
    vault = device.dir / "readings.sqlite"
    device.add(f"[vault readings]\npath = {vault}\n")
    assert "[vault readings]" in device.agent("vault", check=1).stderr
    with sqlite3.connect(vault) as db:
        db.execute("CREATE TABLE records(id INTEGER PRIMARY KEY, generation INTEGER, sealed BLOB)")
        db.executemany("INSERT INTO records VALUES (?, ?, ?)", [(n, 1 + n % 3, b"x" * 60) for n in range(9)])
    shown = json.loads(device.agent("vault", "--json", check=0).stdout)
    assert (shown["vault"], shown["purpose"], shown["records"]) == ("readings", "storage", 9)
    assert shown["generations"] == [{"generation": n, "records": 3} for n in (1, 2, 3)]
    assert re.search(r"^  generation 2 +3 records$", device.agent("vault", check=0).stdout, re.M)


def test_a_vault_that_is_not_mounted_is_told(device):
    folder = device.dir / "data"
    folder.mkdir()
    vault = folder / "readings.sqlite"
    device.add(f"[vault readings]\npath = {vault}\n")
    device.once(check=3)
    device.boot()
    assert "step=vault" not in device.once()  # it never was there
    with sqlite3.connect(vault) as db:
        db.execute("CREATE TABLE records(id INTEGER PRIMARY KEY, generation INTEGER, sealed BLOB)")
    device.agent("--once")
    assert (device.dir / "state/vaults").read_text() == f"{vault}\n"
    folder.rename(device.dir / "unmounted")
    said = device.agent("--once").stdout
    assert re.search(r"^warning step=vault .*is its folder mounted", said, re.M), said
    device.edit((f"[vault readings]\npath = {vault}\n", ""))
    assert "step=vault" not in device.agent("--once").stdout
    assert (device.dir / "state/vaults").read_text() == ""


@pytest.mark.parametrize("damage", ["blank", "garbage", "gone"])
def test_wiped_whatever_the_key_journal_is_like(device, damage):
    device.once(check=3)
    journal = device.dir / "state/keys.bin"
    size = journal.stat().st_size
    if damage == "gone":
        journal.unlink()
    else:
        journal.write_bytes((b"\xff" if damage == "blank" else b"\x5a") * size)
    page = (device.dir / "state/rot.page").read_bytes()
    assert "wiped" in device.agent("wipe", "--offline", "--yes", check=0).stdout
    assert device.status()["keys"] == "all are destroyed"
    assert (device.dir / "state/rot.page").read_bytes() != page
    assert not list((device.dir / "identity").glob("ldevid-*"))
    device.agent("--once")
    assert device.status()["keys"] == "all are destroyed"  # and no cycle makes new ones


def test_wiped_when_nobody_else_has_the_journals(device):
    device.once(check=3)
    journal = device.dir / "state/keys.bin"
    before = journal.read_bytes()
    with subprocess.Popen(["flock", journal, "sh", "-c", "echo; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"\n"
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run([PROGRAMS["rota-agent"], "wipe", "--offline", "--yes", "--config", device.config], capture_output=True, timeout=3, check=False)
        assert journal.read_bytes() == before
        other.stdin.close()
        assert other.wait(60) == 0
    assert "wiped" in device.agent("wipe", "--offline", "--yes", check=0).stdout


def test_wiped_for_good(factory, device):
    device.once(check=3)
    assert device.agent("wipe").returncode == 2
    assert device.agent("--yes").returncode == 2
    page = (device.dir / "state/rot.page").read_bytes()
    assert "wiped" in device.agent("wipe", "--offline", "--yes", check=0).stdout
    assert device.status()["keys"] == "all are destroyed"
    assert not list((device.dir / "identity").glob("ldevid-*")) and (device.dir / "identity/idevid.pem").exists()
    assert (device.dir / "state/rot.page").read_bytes() != page
    device.agent("wipe", "--offline", "--yes", check=0)  # once more, as after a cut
