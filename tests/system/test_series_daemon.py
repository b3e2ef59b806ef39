# SPDX-License-Identifier: Apache-2.0
"""A series whose slots a keeper has and a signing daemon holds (SPEC 23.3, 23.4, 23.6, 23.7): no PIN is ever in a file, or with who
publishes. As root the keeper is another user than the others."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import pytest

from authority import Rota
from conftest import BUILD, PATIENCE
from signd import leaf
from test_rota_series import FAKETIME, commands, from_, killed_publish
from test_secrets import memory
from test_series_keeper import Keeper, Kept, ask, officer, pytestmark  # noqa: F401
from tlog import entries

TAKE, UNDO, ROOT, LOOK, HOLD, EMPTY = 3, 4, 6, 7, 8, 9  # host/series/link.h
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is several users")


class Held(Kept):
    def series_tokens(self):
        return [t for t in self.tokens() if t.startswith("series-")]


def begin(place, at=-3.0):
    """An authority whose desk has a daemon of its own, a keeper, and a series of three slots of two hours."""
    rota = Rota(BUILD, pathlib.Path(place) / "a")
    rota("init", "--softhsm", "--product", "sensor", rota.dir)
    series = Held(rota)
    for name in ("anna", "bert"):
        series.officers[name] = officer(series, name)
    series.keeper = Keeper(series, pathlib.Path(place) / "k")
    text = series.keeper.ini.read_text()
    series.keeper.ini.write_text(text.replace("client =", f"daemon = {os.geteuid()}\nclient ="))
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text() + f"\n[series]\nkeeper = {series.keeper.socket}\n")
    series.keeper.start(at)
    series.make(*from_(series), at=at)
    return series


@pytest.fixture
def series():
    with tempfile.TemporaryDirectory(prefix="held.") as place:  # a socket's path is short
        os.chmod(place, 0o711)
        series = begin(place)
        yield series
        series.keeper.stop()


def test_a_life(series):
    """Root 1, three slots of two hours, landing: by a daemon that starts with each verb, and asks for the PINs each time."""
    assert series.keeper.kept("root") == series.keeper.kept("pin") == [2, 3, 4]
    seen = []
    for hours in (-2, -0.5, 0, 0.5, 1.25, 2, 3.25, 4, 6, 7.5):
        series.at(hours, "publish")
        assert series.folder("pin") == []
        seen.append((hours, *series.client(hours), series.folder("held"), series.keeper.kept("pin"), series.series_tokens()))
    three = ["series-2", "series-3", "series-4"]
    assert seen == [
        (-2, 1, 1, 1, [], [2, 3, 4], three),
        (-0.5, 1, 2, 2, [2], [2, 3, 4], three),
        (0, 2, 2, 2, [2], [2, 3, 4], three),
        (0.5, 2, 2, 2, [2], [2, 3, 4], three),
        (1.25, 2, 2, 2, [2, 3], [2, 3, 4], three),
        (2, 3, 2, 2, [2, 3], [2, 3, 4], three),
        (3.25, 3, 2, 2, [3, 4], [3, 4], three[1:]),
        (4, 4, 2, 2, [3, 4], [3, 4], three[1:]),
        (6, 5, 2, 2, [4], [4], three[2:]),
        (7.5, 5, 1, 2, [], [], []),
    ]
    assert not list((series.keeper.dir / "kept").glob("*.open"))
    assert series.tokens() == ["rota-free"] * 3 + ["rota-online"]
    store = b"".join(p.read_bytes() for p in (series.rota.dir / "tokens/online/store").rglob("*.object"))
    assert not re.search(rb"(?:snapshot|timestamp)-[234]", store)  # neither half is left
    keys = json.loads(series(7.5, "keys", "list", "--json"))
    assert {k["label"]: k["state"] for k in keys if re.search("-[2-4]$", k["label"])} == {
        f"{role}-{n}": "destroyed" for role in ("snapshot", "timestamp") for n in (2, 3, 4)}
    public = series.rota.dir / "signd/log/public"
    size = int((public / "checkpoint").read_text().split("\n")[1])
    leaves = [leaf(entry) for entry in entries(public, size)]
    granted = [x["version"] for x in leaves if (x["kind"], x["role"]) == ("GRANTED", "timestamp")]
    assert granted == list(range(granted[0], granted[0] + len(granted)))


@pytest.mark.parametrize("at", [-1.0, -0.5])
def test_its_first_slot_begins_within_the_hour(at):
    """As it does where nobody says when: the keeper has had the root of that slot, too, and lets the daemon hold it."""
    with tempfile.TemporaryDirectory(prefix="held.") as place:
        os.chmod(place, 0o711)
        series = begin(place, at)
        try:
            series(at, "publish")
            assert (series.folder("held"), series.keeper.kept("root"), series.keeper.kept("pin")) == ([2], [3, 4], [2, 3, 4])
            assert series.client(at) == (1, 2, 2)
            series.at(0, "publish")
            assert series.client(0) == (2, 2, 2)
        finally:
            series.keeper.stop()


class Daemon:
    """The desk's daemon, which stays, with a clock that a test sets."""

    def __init__(self, series):
        self.series = series
        self.clock = series.rota.dir.parent / "clock"
        self.said_to = series.rota.dir.parent / "said"
        self.process = None

    def set(self, hours):
        new = self.clock.with_suffix(".new")
        new.write_text(self.series.when(hours).strftime("%Y-%m-%d %H:%M:%S"))
        new.rename(self.clock)

    def start(self, hours):
        self.set(hours)
        environment = {**os.environ, "LD_PRELOAD": FAKETIME, "TZ": "UTC", "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
                       "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with open(self.said_to, "ab") as out:
            self.process = subprocess.Popen([BUILD / "apps/rota-signd/rota-signd", "--config", self.series.rota.dir / "signd.ini"],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        self.wait("ready on")
        return self

    def said(self):
        return self.said_to.read_text()

    def wait(self, text, count=1):
        deadline = time.monotonic() + 60 * PATIENCE
        while self.said().count(text) < count:
            assert time.monotonic() < deadline and self.process.poll() is None, self.said()
            time.sleep(0.02)

    def stop(self, by=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(by)
            self.process.wait(60 * PATIENCE)

    def children(self, name=None):
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
            except OSError:
                continue
            if int(lines["PPid"]) == self.process.pid and name in (None, lines["Name"]):
                found[int(path.parent.name)] = lines["Name"]
        return found

    def at(self, hours):
        """Everybody's clock; and somebody publishes."""
        self.series.keeper.start(hours)
        self.set(hours)
        return self.series(hours, "publish")


@pytest.fixture
def daemon(series):
    daemon = Daemon(series)
    yield daemon
    daemon.stop()


def test_it_goes_from_slot_to_slot(series, daemon):
    """A daemon that stays: it takes the next slot when its root comes, and lets the last one go, token and all."""
    daemon.start(-2)
    seen = []
    for hours in (-2, -0.5, 1.25, 2, 3.25, 6, 7.5):
        daemon.at(hours)
        seen.append((*series.client(hours), series.keeper.kept("pin"), series.series_tokens()))
    three = ["series-2", "series-3", "series-4"]
    assert seen == [(1, 1, 1, [2, 3, 4], three), (1, 2, 2, [2, 3, 4], three), (2, 2, 2, [2, 3, 4], three), (3, 2, 2, [2, 3, 4], three),
                    (3, 2, 2, [3, 4], three[1:]), (5, 2, 2, [4], three[2:]), (5, 1, 2, [], [])]
    assert daemon.said().count("is over: its keys are destroyed") == 3 and "not destroyed" not in daemon.said()


def test_it_ends_a_slot_by_its_own_clock(series, daemon):
    """Nobody publishes, and nobody answers: the session of a slot that is over ends all the same."""
    daemon.start(-0.5)
    daemon.at(-0.5)
    before = daemon.children("rota-token")
    series.keeper.stop()
    daemon.set(3.01)
    daemon.wait("slot 2 of sensor is over: its token is let go")
    deadline = time.monotonic() + 60 * PATIENCE
    while set(daemon.children("rota-token")) == set(before):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(daemon.children("rota-token")) == len(before) - 1


def test_it_outlives_hangups_and_a_silent_keeper(series, daemon):
    """SIGHUP and a start get the PIN again; while the keeper is silent, what is held is not let go."""
    daemon.start(-0.5)
    daemon.at(-0.5)
    ready = daemon.said().count("ready on")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait("ready on", ready + 1)
    daemon.at(-0.4)
    assert series.client(-0.4) == (1, 2, 2)
    series.keeper.stop()
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait("does not answer")
    daemon.wait("goes on with the settings")
    daemon.set(0)
    series(0, "publish")
    assert series.client(0) == (2, 2, 2)
    daemon.stop(by=signal.SIGKILL)  # and a start without the keeper has no slot
    while any(bytes(series.rota.dir) in line for line in commands()):
        time.sleep(0.01)
    daemon.said_to.unlink()
    daemon.start(0.1)
    assert "does not answer" in daemon.said()
    before = (series.rota.dir / "repo/metadata/timestamp.json").read_bytes()
    series(0.1, "publish", status=1)
    assert (series.rota.dir / "repo/metadata/timestamp.json").read_bytes() == before
    ready = daemon.said().count("ready on")
    series.keeper.start(0.1)  # it comes back, and is asked again
    daemon.wait("ready on", ready + 1)
    series(0.1, "publish")
    assert series.client(0.1) == (2, 2, 2)


def test_a_slots_process_is_killed(series, daemon):
    """It is started anew, with the PIN from the keeper."""
    daemon.start(-0.5)
    plain = set(daemon.children("rota-token"))
    daemon.at(-0.5)
    # all are new since the slot came; the last one started is the slot's
    held = set(daemon.children("rota-token"))
    assert len(held) == len(plain) + 1
    for pid in held:
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60 * PATIENCE
        while pid in daemon.children("rota-token") or len(daemon.children("rota-token")) < len(held):
            assert time.monotonic() < deadline, daemon.said()
            time.sleep(0.02)
    daemon.at(0)
    assert series.client(0) == (2, 2, 2)


def pins_of(series, version):
    """Both, as the daemon gets them."""
    code, text, link, frame = ask(series, HOLD, version)
    assert code == 0, text
    pins = frame().split(b"\n")
    link.close()
    return pins[:2]


def test_pins_are_for_the_daemon_alone(series):
    """Who publishes gets the root, once, at its hour; no request of his gets a PIN."""
    series.keeper.stop()
    other = "daemon" if os.geteuid() == 0 else None
    if other:
        text = series.keeper.ini.read_text()
        series.keeper.ini.write_text(re.sub("daemon = .*", f"daemon = {other}", text))
    series.keeper.start(-1.01)
    assert ask(series, ROOT, 2)[1].startswith("slot 2 begins at")
    assert "names a daemon: it gets PINs" in ask(series, TAKE, 2)[1]
    series.keeper.start(-0.9)
    assert "names a daemon: it gets PINs" in ask(series, TAKE, 2)[1]
    for what in (HOLD, EMPTY) if other else ():
        assert f"is not for user {os.geteuid()}" in ask(series, what, 2)[1]
    code, text, link, frame = ask(series, ROOT, 2)
    assert code == 0 and json.loads(frame())["signed"]["version"] == 2
    link.sendall(bytes(4))
    assert frame()[0] == 0
    link.close()
    assert ask(series, ROOT, 2)[0] != 0
    assert "has a root here" in ask(series, UNDO, 2)[1]
    assert ask(series, LOOK, 2)[0] == 0 and ask(series, LOOK, 9)[0] != 0
    assert series.keeper.kept("root") == [3, 4] and series.keeper.kept("pin") == [2, 3, 4]


@as_root
def test_a_pin_is_in_no_file_and_with_nobody_else(series, daemon):
    """Not with who publishes, the supervisor, the parser, or the log's writer; in the holder it is wiped. The keeper has it sealed."""
    daemon.start(-0.5)
    daemon.at(-0.5)
    pins = pins_of(series, 2)
    assert len(pins) == 2 and all(len(pin) == 32 for pin in pins)
    family = {daemon.process.pid: "supervisor", series.keeper.child.pid: "keeper", **daemon.children()}
    assert {"signd", "signd-log", "rota-token"} <= set(family.values())
    for pid, name in family.items():
        whole = b"".join(memory(pid))
        assert len(whole) > 100000, "nothing was read"
        for pin in pins:
            assert pin not in whole, name
    for folder in (series.rota.dir.parent, series.keeper.dir):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                assert not any(pin in data for pin in pins), path


def test_a_root_that_people_did_not_sign(series, daemon):
    """What lies in DIR/series counts by its signatures: with another end, or another's in its place, the slot is not held."""
    daemon.start(-0.5)
    daemon.at(-0.5)
    daemon.stop()
    path = series.rota.dir / "series/2.root.json"
    real = path.read_text()
    end = json.loads(real)["signed"]["x-rota-slot-end"]
    for text in (real.replace(f'"x-rota-slot-end":"{end}"', f'"x-rota-slot-end":"{series.when(9).strftime("%Y-%m-%dT%H:%M:%SZ")}"'),
                 (series.rota.dir / "repo/metadata/1.root.json").read_text()):
        assert text != real
        path.write_text(text)
        daemon.said_to.unlink()
        daemon.start(-0.4)
        daemon.wait("slots of sensor are not held")
        daemon.stop()
    path.write_text(real)
    daemon.said_to.unlink()  # else what the last one said counts for this one
    daemon.start(-0.4)
    daemon.at(0)
    assert series.client(0) == (2, 2, 2)


def copies(series, names):
    """Each time what there was."""
    place = series.rota.dir.parent
    subprocess.run(["cp", "-a", place / "a", place / "a.whole"], check=True)
    subprocess.run(["cp", "-a", series.keeper.dir / "kept", place / "kept.whole"], check=True)
    for name in names:
        for whole, used in ((place / "a.whole", place / "a"), (place / "kept.whole", series.keeper.dir / "kept")):
            subprocess.run(["rm", "-rf", used], check=True)
            subprocess.run(["cp", "-a", whole, used], check=True)
        yield name


def test_killed_while_it_opens(series, tmp_path):
    """Who publishes, or the keeper, ends between any two of their durable calls: whoever comes next has the slot."""
    series.keeper.start(-0.5)
    for n in copies(series, (0, *range(1, 24, 2))):
        killed_publish(series, -0.5, n, None if n else tmp_path / "count")
        series.at(-0.4, "publish")
        assert series.client(-0.4) == (1, 2, 2), n
        assert series.folder("held") == [2] and series.folder("pin") == [] and series.keeper.kept("pin") == [2, 3, 4], n
    assert int((tmp_path / "count").read_text()) > 24


def test_the_keeper_is_killed_while_it_gives(series):
    given = 0
    for n in copies(series, range(1, 30, 3)):
        series.keeper.stop()
        series.keeper.killed_at = n
        series.keeper.child = series.keeper.run(-0.5)
        given += "ready" in series.keeper.child.stderr.readline()
        series(-0.5, "publish", status=None)
        series.keeper.stop()
        series.keeper.killed_at = 0
        series.at(-0.4, "publish")
        assert series.client(-0.4) == (1, 2, 2), n
        assert series.folder("held") == [2] and series.keeper.kept("pin") == [2, 3, 4], n
    assert given > 5


def test_killed_while_it_is_emptied(series):
    """The process that destroys a slot's keys ends between any two of its durable calls, or the keeper before it forgot the PIN."""
    for hours in (-0.5, 1.25, 2):
        series.at(hours, "publish")
    series.keeper.stop()
    cut = 0
    for n in copies(series, (1, 7, 13, 16, 19, 22, 25)):
        series.keeper.start(3.25)
        done = subprocess.run(
            [series.rota.program, "publish"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * PATIENCE, check=False,
            env={**os.environ, "ROTA_DIR": str(series.rota.dir), "LD_PRELOAD": f"{FAKETIME}:{BUILD}/tests/system/libkillat.so", "TZ": "UTC",
                 "FAKETIME": series.when(3.25).strftime("%Y-%m-%d %H:%M:%S"), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "KILLAT": str(n),
                 "KILLAT_COMM": "rota-token"})
        assert done.returncode >= 0
        cut += 2 in series.keeper.kept("pin")
        said = series.at(3.3, "publish") + (series.rota.dir / "signd/output").read_text()
        assert series.keeper.kept("pin") == [3, 4], (n, said)
        assert series.series_tokens() == ["series-3", "series-4"], n
        assert series.client(3.3)[:2] == (3, 2)
        store = b"".join(p.read_bytes() for p in (series.rota.dir / "tokens/online/store").rglob("*.object"))
        assert not re.search(rb"(?:snapshot|timestamp)-2", store), n
    assert cut


def test_an_emergency(series, daemon):
    """Officers end the series: the slot that is held signs on for an hour, beside rota.ini's keys, then it goes."""
    from test_series_keeper import approval
    daemon.start(-0.5)
    daemon.at(0)
    file = series.rota.dir / "emergency"
    series(0.5, "series", "end", "--ask", file, "--reason", "broken into")
    text = file.read_bytes().rstrip(b"\n")
    file.write_bytes(text + b"\n" + (approval(series, "anna", text) + approval(series, "bert", text)).encode())
    series.keeper.start(0.5)
    daemon.set(0.5)
    assert "root 6" in series(0.5, "series", "end", "--yes", "--approved", file)
    daemon.at(0.6)
    assert series.client(0.6) == (6, 2, 2) and series.keeper.kept("pin") == [2]
    daemon.at(1.7)
    assert series.client(1.7)[:2] == (6, 1)
    assert series.keeper.kept("pin") == [] and "series-2" not in series.tokens()
    assert series.kept() == [] and series.folder("held") == []


@as_root
def test_a_slot_that_does_not_open(series):
    """Its keeper gives the PIN to another user: what is published goes on with the ordinary root's key, and says so."""
    right = series.keeper.ini.read_text()
    series.keeper.ini.write_text(re.sub("daemon = .*", "daemon = daemon", right))
    said = series.at(-0.5, "publish")
    assert "does not hold slot 2" in said and series.client(-0.5) == (1, 1, 1) and series.folder("held") == []
    series.keeper.ini.write_text(right)
    series.at(-0.4, "publish")
    assert series.client(-0.4) == (1, 2, 2) and series.folder("held") == [2]
