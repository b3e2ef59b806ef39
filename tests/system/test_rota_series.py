# SPDX-License-Identifier: Apache-2.0
"""A series of online keys on real tokens (SPEC 23), with the clock set forward: what a client of anybody's reads at each point, who
signs, and that the keys of a slot are gone when it is over."""
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from conftest import BUILD, PATIENCE
from authority import Client, Rota, made, rota  # noqa: F401 - fixtures
from signd import leaf
from tlog import entries

FAKETIME = next((str(x) for x in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
pytestmark = [
    pytest.mark.plain,  # a sanitizer wants to be the first library that is loaded
    pytest.mark.skipif(not FAKETIME or not shutil.which("softhsm2-util"), reason="faketime or softhsm2 is not here"),
]

HOUR = datetime.timedelta(hours=1)


class Series:
    """An authority that made a series of three slots of two hours, and whose clock a test sets."""

    def __init__(self, rota):
        self.rota = rota
        self.begin = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=3)).replace(microsecond=0)

    def make(self, *more, at=-3.0, **kinds):
        return self(at, "series", "make", "--slots", 3, "--period", "2h", "--yes", *more, **kinds)

    def when(self, hours):
        return self.begin + hours * HOUR

    def __call__(self, hours, *words, status=0):
        """Run rota so many hours after the first slot's begin."""
        done = subprocess.run(
            [self.rota.program, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            env={**os.environ, "ROTA_DIR": str(self.rota.dir), "LD_PRELOAD": FAKETIME, "TZ": "UTC",
                 "FAKETIME": self.when(hours).strftime("%Y-%m-%d %H:%M:%S"), "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
            check=False)
        assert status is None or done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def publish(self, hours):
        return self(hours, "publish")

    def client(self, hours):
        """The root that a plain client comes to, and how many signed timestamp and snapshot."""
        client = Client(self.rota.dir / "repo")
        client.now = self.when(hours).strftime("%Y-%m-%dT%H:%M:%SZ")
        client.refresh()
        metadata = self.rota.dir / "repo/metadata"
        timestamp = json.loads((metadata / "timestamp.json").read_text())
        snapshot = timestamp["signed"]["meta"]["snapshot.json"]["version"]
        return (client.root["version"], len(timestamp["signatures"]),
                len(json.loads((metadata / f"{snapshot}.snapshot.json").read_text())["signatures"]))

    def kept(self):
        return sorted(int(path.name.split(".")[0]) for path in (self.rota.dir / "series").glob("*.root.json"))

    def labels(self):
        """Of the keys of slots in the online token."""
        text = b"".join(path.read_bytes() for path in (self.rota.dir / "tokens/online/store").rglob("*.object"))
        return {label.decode() for label in re.findall(rb"(?:snapshot|timestamp)-[0-9]+", text)}


@pytest.fixture
def series(rota):
    return Series(rota)


def from_(series):
    return "--from", series.begin.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_life(series):
    """Root 1, three slots, landing; every hour and a half somebody publishes, and somebody reads."""
    shown = series.make(*from_(series))
    assert "roots 2 to 5" in shown and shown.count("\n") >= 8
    assert series.kept() == [2, 3, 4, 5]
    assert series.labels() == {f"{role}-{version}" for role in ("snapshot", "timestamp") for version in (2, 3, 4, 5)}
    seen = []
    for hours in (-2, -0.5, 0, 0.5, 1.25, 2, 3.25, 4, 6, 7.5):
        series.publish(hours)
        seen.append((hours, *series.client(hours)))
    assert seen == [(-2, 1, 1, 1), (-0.5, 1, 2, 2), (0, 2, 2, 2), (0.5, 2, 2, 2), (1.25, 2, 2, 2), (2, 3, 2, 2),
                    (3.25, 3, 2, 2), (4, 4, 2, 2), (6, 5, 2, 2), (7.5, 5, 1, 2)]
    assert series.kept() == [5]
    assert series.labels() == {"snapshot-5", "timestamp-5"}  # keys of what is over are destroyed
    assert json.loads((series.rota.dir / "repo/metadata/root-hint.json").read_text())["newest"] == 5


def test_the_next_series_follows_the_landing_root(series):
    """Signed before, it begins when that is due; signed late, it ends it."""
    series.make(*from_(series))
    series.publish(0)
    series.make(at=1)
    assert series.kept() == list(range(2, 10))
    roots = {v: json.loads((series.rota.dir / f"series/{v}.root.json").read_text())["signed"] for v in (5, 6)}
    assert roots[5]["x-rota-not-before"] == roots[6]["x-rota-not-before"]
    series.publish(6.5)
    assert series.client(6.5)[0] == 6
    series.make(at=7, status=0)
    assert series.kept()[-1] == 13


def test_it_is_ended(series):
    """In the first slot somebody steals it: an ordinary root behind all, and an hour later no slot has a key."""
    series.make(*from_(series))
    series.publish(0)
    bundle = series.rota.dir / "bundle"
    assert "series end" in series(0.5, "repo", "export", "--role", "root", bundle, status=1)
    assert "root 6" in series(0.5, "series", "end", "--yes")
    series.publish(0.5)
    assert series.client(0.5) == (6, 2, 2)
    series.publish(1.6)
    assert series.client(1.6)[:2] == (6, 1)
    assert not series.labels()
    assert not series.kept()
    assert "no series to end" in series(1.6, "series", "end", "--yes", status=1)
    series(1.6, "repo", "export", "--role", "root", bundle)
    series.make(at=1.7)
    series.publish(3)
    assert series.client(3)[0] == 7


def test_refused(series):
    """A plan out of bounds, nobody to ask, no tokens of root; and nothing is left half done."""
    assert "2 hours to 30 days" in series(-3, "series", "make", "--period", "1h", "--slots", 1, "--yes", status=1)
    assert "--slots" in series(-3, "series", "make", "--slots", 400, status=2)
    assert "--from" in series(-3, "series", "make", "--from", "soon", status=2)
    assert "is at the terminal" in series(-3, "series", "make", "--slots", 1, status=1)
    assert "before the series is issued" in series.make("--from", "2020-01-01T00:00:00Z", status=1)
    assert not series.kept()
    for name in ("root-1", "root-2"):
        shutil.move(series.rota.dir / "tokens" / name, series.rota.dir / name)
    assert "needs 2 of 3" in series.make(*from_(series), status=1)
    series.publish(-3)
    assert series.client(-3) == (1, 1, 1)
    for name in ("root-1", "root-2"):
        shutil.move(series.rota.dir / name, series.rota.dir / "tokens" / name)
    series.make(*from_(series))  # in the place of what was left
    assert series.kept() == [2, 3, 4, 5]
    series.publish(0)
    assert series.client(0) == (2, 2, 2)


def test_a_slot_whose_keys_are_gone(series):
    """Nothing is published with other keys, and what stands goes on standing."""
    series.make(*from_(series))
    series.publish(0)
    before = (series.rota.dir / "repo/metadata/timestamp.json").read_bytes()
    for path in (series.rota.dir / "tokens/online/store").rglob("*.object"):
        if b"timestamp-3" in path.read_bytes():
            path.unlink()
    assert "timestamp-3" in series(2, "publish", status=1)
    assert (series.rota.dir / "repo/metadata/timestamp.json").read_bytes() == before


def commands():
    """Of all processes."""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue


def killed_publish(series, hours, at, count=None):
    """rota publish, killed at its n-th durable call, if there are so many; its daemon ends with it."""
    done = subprocess.run(
        [series.rota.program, "publish"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * PATIENCE, check=False,
        env={**os.environ, "ROTA_DIR": str(series.rota.dir), "LD_PRELOAD": f"{FAKETIME}:{BUILD}/tests/system/libkillat.so", "TZ": "UTC",
             "FAKETIME": series.when(hours).strftime("%Y-%m-%d %H:%M:%S"), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "KILLAT": str(at),
             "KILLAT_COMM": "rota", **({"KILLAT_COUNT": str(count)} if count else {})})
    deadline = time.monotonic() + 60 * PATIENCE
    while any(bytes(series.rota.dir) in line for line in commands()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert done.returncode in ((-9, 1, 0) if at else (0,)), done.stderr  # 1: it was a process that is to become the daemon
    return done.returncode != 0


@pytest.mark.parametrize("hours, later, root, stays", [
    (-0.5, -0.4, 1, 1),  # the key of rota.ini and slot 2's
    (1.25, 1.3, 2, 2),  # of slots alone
    (1.25, 3.5, 2, 3),  # and their turn is over when somebody comes back: nothing of theirs is published any more
])
def test_killed_between_the_daemons_yes_and_the_file(hours, later, root, stays, tmp_path):
    """What was granted and has no file yet gets the signatures of all slots whose turn it is, or no place: whatever verb is next."""
    with tempfile.TemporaryDirectory(prefix="desk.") as place:
        rota = Rota(BUILD, pathlib.Path(place) / "a")
        rota("init", "--softhsm", "--product", "sensor", rota.dir)
        series = Series(rota)
        series.make(*from_(series), at=-1.5)
        series.publish(hours)
        killed_publish(series, hours, 0, tmp_path / "count")
        whole, settled = pathlib.Path(place) / "whole", 0
        rota.dir.rename(whole)
        total = int((tmp_path / "count").read_text())
        for n in range(total // 2, total + 1, 2):
            subprocess.run(["cp", "-a", whole, rota.dir], check=True)
            if not killed_publish(series, hours, n):
                break
            left = granted(rota)
            series(later, "repo", "gc")
            assert not asks(rota)
            settled += left
            assert series.client(hours) == (root, 2, 2), n
            if left:
                series.publish(later)
                assert series.client(later) == (stays, 2, 2), n
            shutil.rmtree(rota.dir)
        assert settled


def asks(rota):
    return [path for path in (rota.dir / "asks").iterdir() if re.fullmatch("[0-9a-f]{64}(\\.json)?", path.name)]


def granted(rota):
    """Whether a request is left whose version has no file."""
    for path in asks(rota):
        signed = json.loads(path.read_bytes())["body"]["signed"]
        if not (rota.dir / "trust" / f"{signed['version']}.{signed['_type']}.json").exists():
            return True
    return False


def test_a_signing_daemon_judges_each_file():
    """Where a daemon holds the other online keys, it has an entry for what a slot signs, and its versions go on (SPEC 23.7)."""
    with tempfile.TemporaryDirectory(prefix="desk.") as place:  # a socket's path is short
        rota = Rota(BUILD, pathlib.Path(place) / "a")
        rota("init", "--softhsm", "--product", "sensor", rota.dir)
        series = Series(rota)
        series.make(*from_(series), at=-1.5)
        seen = []
        for hours in (-0.5, 0, 2):
            series.publish(hours)
            seen.append(series.client(hours))
        series(2.2, "series", "end", "--yes")
        for hours in (2.3, 3.5):
            series.publish(hours)
            seen.append(series.client(hours))
        assert seen == [(1, 2, 2), (2, 2, 2), (3, 2, 2), (6, 2, 2), (6, 1, 2)]
        public = rota.dir / "signd/log/public"
        size = int((public / "checkpoint").read_text().split("\n")[1])
        leaves = [leaf(entry) for entry in entries(public, size)]
        granted = [x["version"] for x in leaves if (x["kind"], x["role"]) == ("GRANTED", "timestamp")]
        assert len(granted) >= 5 and granted == list(range(granted[0], granted[0] + len(granted)))
        assert sum(x["kind"] == "SERIES" for x in leaves) >= 8
