# SPDX-License-Identifier: Apache-2.0
"""A key campaign as an operator sees it, from `rota campaign new` over rota-seald to the list that devices read: daemon, tokens and
seald are real; the registry has the rows of tests/bench/seal_load.c, whose HMACs are good."""
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

DEVICES = 60


@pytest.fixture(name="chain")
def make_chain(tmp_path, make):  # noqa: F811
    with tempfile.TemporaryDirectory(prefix="way.") as place:
        desk = Rota(BUILD, pathlib.Path(place) / "a")
        desk("init", "--softhsm", "--product", "sensor", desk.dir)
        desk("publish")
        chain = Chain(tmp_path, desk)
        chain.good("make")
        chain.fleet(DEVICES)
        registry(chain, make())
        with Daemon(desk) as chain.daemon:
            yield chain


def registry(chain, rotad):
    """A database as rotad makes it, with the rows of that fleet."""
    journalfile.write(rotad.dir / "journal", [Device(n).enrol() for n in range(DEVICES)], time_ms=int(time.time() * 1000) - 1000 * DEVICES)
    subprocess.run([ROTAD, "--rebuild", "--config", rotad.ini], check=True, timeout=120 * PATIENCE)
    export = (chain.folder / "export").read_bytes()[32:]
    rows = [export[n:n + 256] for n in range(0, len(export), 256)]
    path = chain.desk.dir / "fleet.sqlite"
    shutil.copy(rotad.dir / "fleet.sqlite", path)
    with sqlite3.connect(path) as db:
        ids = [one for one, in db.execute("SELECT id FROM registry ORDER BY id")]
        db.executemany("UPDATE registry SET id = ?, row = ? WHERE id = ?", [(r[16:48].hex(), r, i) for r, i in zip(rows, ids)])
    ini = chain.desk.dir / "rota.ini"
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
    path = chain.desk.dir / f"campaigns/{ident}.export"
    export = path.read_bytes()
    path.write_bytes(export[:16] + (DEVICES - 4).to_bytes(4, "little") + export[20:32] + export[32 + 4 * 256:])
    assert campaign(chain, "late", ident) == {"campaign": ident, "devices": 4, "tree": 1}
    supplement = chain.desk.dir / f"campaigns/{ident}.1.export"
    assert supplement.read_bytes()[32:] == export[32:32 + 4 * 256]
    shutil.copy(supplement, chain.folder / "inbox")
    chain.good("run", "--once")
    chain.desk("publish")
    assert [t["size"] for t in chain.listed()["campaigns"][0]["trees"]] == [DEVICES, 4]
    path.write_bytes(export[:16] + (DEVICES - 20).to_bytes(4, "little") + export[20:32] + export[32 + 20 * 256:])
    assert "that were approved have a bundle" in chain.desk("campaign", "late", ident, status=1)
    # the next one comes above it, is sealed, and takes its place; what is paused stays so
    chain.desk("campaign", "pause", ident[:12])
    chain.desk("publish")
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
