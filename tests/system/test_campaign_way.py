# SPDX-License-Identifier: Apache-2.0
"""A key campaign as an operator sees it, from `rota campaign new` over rota-seald to the list that devices read: daemon, tokens and
seald are real; the registry has the rows of tests/bench/seal_load.c, whose HMACs are good."""
import hashlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

import pytest

import journalfile
from authority import Rota
from journalfile import Device
from paths import BUILD, PATIENCE
from rotadproc import ROTAD, make  # noqa: F401 - a fixture
from test_rota_signd import Daemon
from test_seald_campaign import Chain

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

DEVICES, COME = 60, 20


@pytest.fixture(name="chain")
def make_chain(tmp_path, make):  # noqa: F811
    with tempfile.TemporaryDirectory(prefix="way.") as place:
        desk = Rota(BUILD, pathlib.Path(place) / "a")
        desk("init", "--softhsm", "--product", "sensor", desk.dir)
        desk("publish")
        chain = Chain(tmp_path, desk)
        chain.good("make")
        chain.fleet(DEVICES + COME)
        chain.make = make
        come(chain, 0)
        with Daemon(desk) as chain.daemon:
            yield chain


def come(chain, late):
    """A database as rotad makes it, with the rows of that fleet, to which so many devices have come."""
    rotad, count = chain.make(), DEVICES + late
    journalfile.write(rotad.dir / "journal", [Device(n).enrol() for n in range(count)], time_ms=int(time.time() * 1000) - 1000 * count)
    subprocess.run([ROTAD, "--rebuild", "--config", rotad.ini], check=True, timeout=120 * PATIENCE)
    export = (chain.folder / "export").read_bytes()[32:32 + count * 256]
    rows = [export[n:n + 256] for n in range(0, len(export), 256)]
    path = chain.desk.dir / "fleet.sqlite"
    for left in chain.desk.dir.glob("fleet.sqlite*"):
        left.unlink()
    shutil.copy(rotad.dir / "fleet.sqlite", path)
    with sqlite3.connect(path) as db:
        ids = [one for one, in db.execute("SELECT id FROM registry ORDER BY id")]
        db.executemany("UPDATE registry SET id = ?, row = ? WHERE id = ?", [(r[16:48].hex(), r, i) for r, i in zip(rows, ids)])
    ini = chain.desk.dir / "rota.ini"
    if "[fleet]" not in ini.read_text(encoding="utf-8"):
        ini.write_text(ini.read_text(encoding="utf-8") + "\n[fleet]\ndatabase = fleet.sqlite\n", encoding="utf-8")


def campaign(chain, *words):
    return json.loads(chain.desk("campaign", *words, "--json"))


def test_from_the_request_to_the_list(chain):
    asked = campaign(chain, "new", "--purpose", "telemetry", "--devices", "all", "--reason", "as every quarter")
    ident = asked["campaign"]
    assert (asked["approved"], asked["devices"]) == (True, DEVICES)
    shutil.copy(chain.desk.dir / f"campaigns/{ident}.export", chain.folder / "inbox")
    assert [c["state"] for c in campaign(chain, "list")] == ["approved"]
    chain.good("run", "--once")
    chain.desk("publish")
    one, = chain.listed()["campaigns"]
    assert (one["id"], one["state"], one["trees"][0]["size"]) == (ident, "active", DEVICES)
    said = campaign(chain, "status", ident)
    assert (said["state"], said["devices"], said["counts"]["waiting"]) == ("active", DEVICES, DEVICES)
    # who comes late gets a tree of its own
    assert "nobody is late" in chain.desk("campaign", "late", ident, status=1)
    come(chain, 4)
    said = campaign(chain, "late", ident)
    supplement = chain.desk.dir / f"campaigns/{ident}.1.export"
    assert said == {"campaign": ident, "devices": 4, "sha256": hashlib.sha256(supplement.read_bytes()).hexdigest(), "tree": 1}
    assert supplement.read_bytes()[32:] == (chain.folder / "export").read_bytes()[32 + DEVICES * 256:32 + (DEVICES + 4) * 256]
    chain.good("import", "--campaign", ident, "--tree", "1", "--export", supplement, "--sha256", said["sha256"])
    chain.good("run", "--once")
    chain.desk("publish")
    assert [t["size"] for t in chain.listed()["campaigns"][0]["trees"]] == [DEVICES, 4]
    come(chain, 20)
    assert "that were approved have a bundle" in chain.desk("campaign", "late", ident, status=1)
    come(chain, 4)
    # the next one comes above it, is sealed, and takes its place; what is paused stays so
    chain.desk("campaign", "pause", ident[:12])
    chain.desk("publish")
    come(chain, 0)
    rushed = campaign(chain, "new", "--purpose", "telemetry", "--devices", "all", "--reason", "stolen", "--emergency", "--generation", "5")
    assert rushed["generation"] == 5
    shutil.copy(chain.desk.dir / f"campaigns/{rushed['campaign']}.export", chain.folder / "inbox")
    chain.good("run", "--once")
    chain.desk("publish")
    assert [(c["generation"], c["state"], c["emergency"]) for c in chain.listed()["campaigns"]] == [
        (1, "paused", False), (5, "active", True)]
    assert [c["state"] for c in campaign(chain, "list")] == ["paused", "active"]
    chain.desk("campaign", "abort", "--yes", rushed["campaign"])
    chain.desk("publish")
    assert chain.listed()["campaigns"][1]["state"] == "aborted"
