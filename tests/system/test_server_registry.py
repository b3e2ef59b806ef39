# SPDX-License-Identifier: Apache-2.0
"""What rotad makes of a journal with devices, statements and campaigns: tables, figures, and the same again after anything."""
import os
import signal
import sqlite3
import subprocess
import time

import pytest

import journalfile
from conftest import BUILD, PATIENCE
from journalfile import CAMPAIGN, EDIT, STORAGE, Device, text
from pki import DEVICE
from rotadproc import EVENT, ROTAD, make  # noqa: F401 - a fixture

TABLES = ("registry", "holdings", "key_campaigns")


def small():
    """Five devices: one only waits, one proved, one switched, one has nothing older, one is gone."""
    devices = [Device(n) for n in range(5)]
    records = [d.enrol() for d in devices]
    for d in devices[1:]:
        records.append(d.prove(STORAGE, 2))
        records.append((journalfile.ROW, d.id, d.row()))
    records.append(devices[2].state(STORAGE, 2, 1, 1))
    records.append(devices[3].state(STORAGE, 2, 2, 0))
    records.append(devices[4].gone())
    records.append(text(EDIT, devices[1].id, group="lab"))
    records.append(text(CAMPAIGN, bytes(32), campaign="11" * 32, did="requested", name="autumn", product="sensor", purpose="storage",
                        generation=2, activation=1800000000, overlap_s=0, expected=5, emergency=False))
    records.append(text(CAMPAIGN, bytes(32), campaign="11" * 32, did="approved"))
    records.append(devices[3].statement(2, 1, bytes(1)))  # yesterday's
    records.append(Device(77).prove(STORAGE, 2))
    return devices, records


def tables(rotad):
    with sqlite3.connect(rotad.dir / "fleet.sqlite") as db:
        return {t: db.execute(f"SELECT * FROM {t}").fetchall() for t in TABLES}


def metrics(rotad):
    out = rotad.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").decode()
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in out.splitlines() if line.startswith("rota_")}


def rebuild(rotad, **environment):
    return subprocess.run([ROTAD, "--rebuild", "--config", rotad.ini], capture_output=True, text=True, timeout=120 * PATIENCE,
                          check=False, env={**os.environ, **environment})


def test_the_registry_follows_the_journal(make):
    rotad = make()
    devices, records = small()
    journalfile.write(rotad.dir / "journal", records)
    rotad.start()
    deadline = time.monotonic() + 20 * PATIENCE
    while 'rota_keys_newest_generation{purpose="storage"}' not in metrics(rotad):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    seen = metrics(rotad)
    counts = {state: seen[f'rota_keys_devices{{purpose="storage",state="{state}"}}']
              for state in ("waiting", "staged", "proved", "active", "alone")}
    assert counts == {"waiting": 1, "staged": 0, "proved": 1, "active": 1, "alone": 1}
    assert seen['rota_keys_oldest_generation{purpose="storage"}'] == 1
    assert seen['rota_statements_total{result="taken"}'] == 7
    assert seen['rota_statements_total{result="stale"}'] == 1
    assert seen['rota_statements_total{result="stranger"}'] == 1
    rotad.stop()
    ids = [d.id.hex() for d in devices]
    assert rotad.rows('SELECT id, state, serial, "group" FROM registry') == [
        (ids[0], 1, "SN-0", ""), (ids[1], 2, "SN-1", "lab"), (ids[2], 2, "SN-2", ""), (ids[3], 2, "SN-3", ""),
        (ids[4], 5, "SN-4", "")]
    assert rotad.rows("SELECT device, proved, active, held_from, needed_from FROM holdings") == [
        (ids[1], 2, 0, 0, 0), (ids[2], 2, 2, 1, 1), (ids[3], 2, 2, 2, 0)]
    assert rotad.rows("SELECT name, purpose, generation, state FROM key_campaigns") == [("autumn", STORAGE, 2, 2)]
    said = (rotad.dir / "log").read_text()
    assert f"device {ids[3]}: a record of type 5 changes nothing: stale" in said
    dumped = rotad.dump()
    assert [r["type"] for r in dumped[:6]] == ["enrol"] * 5 + ["statement"]
    assert [r["payload"]["did"] for r in dumped if r["type"] == "campaign"] == ["requested", "approved"]


def test_a_report_makes_it_active(make):
    rotad = make()
    device = Device(0)
    device.id = bytes.fromhex(DEVICE)
    journalfile.write(rotad.dir / "journal", [device.enrol()])
    rotad.start()
    assert rotad.post(EVENT % ("started", 1))[0] == 200
    rotad.stop()
    assert rotad.rows("SELECT state FROM registry") == [(2,)]


def test_made_anew_it_is_the_same(make):
    rotad = make()
    journalfile.write(rotad.dir / "journal", small()[1])
    rotad.start()
    rotad.stop()
    before = tables(rotad)
    assert len(before["registry"]) == 5
    done = rebuild(rotad)
    assert done.returncode == 0, done.stderr
    assert tables(rotad) == before


def test_a_database_of_the_release_before_gets_the_tables(make):
    rotad = make()
    rotad.start()
    rotad.stop()
    with sqlite3.connect(rotad.dir / "fleet.sqlite") as db:  # as it was
        for t in TABLES:
            db.execute(f"DROP TABLE {t}")
        db.execute("UPDATE meta SET value = 5 WHERE name = 'schema'")
    rotad.start()
    rotad.stop()
    assert tables(rotad) == {t: [] for t in TABLES}
    assert rotad.rows("SELECT value FROM meta WHERE name = 'schema'") == [(6,)]


@pytest.mark.plain
def test_killed_at_durable_calls(make):
    """Wherever the projection is killed, it goes on where it stood: no record counts twice, none is left out."""
    rotad = make()
    devices = [Device(n) for n in range(40)]
    records = [d.enrol() for d in devices]
    for generation in range(1, 15):
        for d in devices:
            records += [d.prove(STORAGE, generation), d.state(STORAGE, generation, max(1, generation - 1), generation)]
    journalfile.write(rotad.dir / "journal", records)  # three transactions
    assert rebuild(rotad).returncode == 0
    whole, kills = tables(rotad), 0
    assert len(whole["holdings"]) == 40
    for n in range(1, 1000, 3):
        done = rebuild(rotad, LD_PRELOAD=str(BUILD / "tests/system/libkillat.so"), KILLAT=str(n))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, (n, done.stderr)
        rotad.start()
        assert rotad.stop() == 0
        assert tables(rotad) == whole, n
        kills += 1
    assert kills > 20


def long_report(first):
    """Fills a good part of a segment."""
    events = ",".join('{"at":null,"detail":"%s","event":"failed","seq":%d}' % ("x" * 200, n) for n in range(first, first + 50))
    return '{"events":[%s]}' % events


def dropping(make):  # noqa: F811
    """A rotad that keeps one segment, and devices that were enrolled in one that is gone."""
    rotad = make()
    rotad.ini.write_text(rotad.ini.read_text().replace("[projection]", "segment_bytes = 131072\nkeep_segments = 1\n[projection]"))
    journalfile.write(rotad.dir / "journal", small()[1])
    rotad.start()
    for n in range(40):
        assert rotad.post(long_report(1 + 50 * n))[0] == 200
    deadline = time.monotonic() + 60 * PATIENCE
    while not (rotad.dir / "fleet.sqlite.snapshot").exists():
        assert time.monotonic() < deadline, (rotad.dir / "log").read_text()
        time.sleep(0.1)
    return rotad


def test_what_was_in_segments_that_are_gone_is_not_lost(make):
    rotad = dropping(make)
    first = rotad.dir / "journal/0000000001.seg"
    rotad.stop()
    rotad.start()
    assert rotad.post(EVENT % ("started", 9000))[0] == 200  # with it old segments are looked for
    rotad.stop()
    assert not first.exists() and (rotad.dir / "journal").exists()
    before = tables(rotad)
    assert len(before["registry"]) == 5
    events = rotad.rows("SELECT count(*), max(seq) FROM events")
    for _ in range(2):
        done = rebuild(rotad)
        assert done.returncode == 0, done.stderr
        assert tables(rotad) == before and rotad.rows("SELECT count(*), max(seq) FROM events") == events
    for one in rotad.dir.glob("fleet.sqlite*"):
        if one.name != "fleet.sqlite.snapshot":
            one.unlink()
    assert rebuild(rotad).returncode == 0
    assert tables(rotad) == before


def test_without_a_copy_no_segment_goes(make):
    rotad = dropping(make)
    rotad.stop()
    (rotad.dir / "fleet.sqlite.snapshot").unlink()
    (rotad.dir / "fleet.sqlite.snapshot").mkdir()  # where none can be put
    rotad.start()
    for n in range(40, 60):
        assert rotad.post(long_report(1 + 50 * n))[0] == 200
    rotad.stop()
    assert (rotad.dir / "journal/0000000001.seg").exists()
    assert "snapshot" in (rotad.dir / "log").read_text()
