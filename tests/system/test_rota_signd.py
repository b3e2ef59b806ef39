# SPDX-License-Identifier: Apache-2.0
"""An authority whose online keys a signing daemon holds: what `rota init` makes, verbs that ask it, and what is killed between
a grant and its file (SPEC 18.7)."""
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from authority import Client, Rota, program, release
from conftest import BUILD, PATIENCE
from signd import Client as Asker
from signd import leaf
from tlog import entries as bundles

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


@pytest.fixture(scope="module", name="fresh")
def make_fresh():
    """What `rota init` makes where nobody says --at-hand. Short paths fit a Unix socket's."""
    with tempfile.TemporaryDirectory(prefix="desk.") as place:
        rota = Rota(BUILD, pathlib.Path(place) / "a")
        rota("init", "--softhsm", "--product", "sensor", rota.dir)
        yield rota


@pytest.fixture(name="desk")
def make_desk(fresh):
    with tempfile.TemporaryDirectory(prefix="desk.") as place:
        shutil.copytree(fresh.dir, pathlib.Path(place) / "a")
        yield Rota(BUILD, pathlib.Path(place) / "a")


class Daemon:
    """Its own signing daemon, for longer than a verb."""

    def __init__(self, rota):
        self.output = rota.dir / "signd/output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen([BUILD / "apps/rota-signd/rota-signd", "--config", rota.dir / "signd.ini"],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + 60 * PATIENCE
        while "ready on" not in self.output.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(60 * PATIENCE) == 0, self.output.read_text()


def leaves(rota):
    """Of each entry that the log's checkpoint covers."""
    public = rota.dir / "signd/log/public"
    return [leaf(one) for one in bundles(public, int((public / "checkpoint").read_text().split("\n")[1]))]


def entries(rota):
    return [(one["kind"], one["role"], one["path"]) for one in leaves(rota)]


def running(directory):
    """Daemons of this directory."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"rota-signd") and str(directory).encode() in b" ".join(words):
            found.append(path)
    return found


def test_a_desk_has_nothing_to_start(desk, tmp_path):
    release(desk, tmp_path, "1.0.0")
    desk("rollout", "set", "--version", "1.0.0")
    desk("publish")
    Client(desk.dir / "repo").refresh()
    assert not running(desk.dir)
    log = entries(desk)
    path = "releases/sensor/1.0.0/release.json"
    assert log.count(("RELEASE", "releases", path)) == 1
    granted = [role for kind, role, _ in log if kind == "GRANTED"]
    assert granted == ["rollouts", "snapshot", "timestamp"]
    assert log.index(("RELEASE", "releases", path)) < log.index(("GRANTED", "snapshot", ""))
    digest = next((desk.dir / "repo/targets/releases/sensor/1.0.0").glob("*.release.json")).name.split(".")[0]
    assert (desk.dir / f"repo/log/proofs/{digest}.tlog-proof").is_file()
    desk("audit", "verify")


def test_a_build_for_ci(desk, tmp_path):
    """The daemon reads the image before it signs it, and the release of it."""
    image = tmp_path / "ci.img"
    desk("image", "sign", "--ci", "--version", "1.0.0", "--hardware", "board-a", "--out", image, program(tmp_path / "p"))
    assert "good, ci key 0" in desk("image", "show", image)
    desk("release", "add", "--ci", "--version", "1.0.0", "--image", image)
    desk("rollout", "set", "--version", "1.0.0", "--channel", "ci")
    desk("publish")
    assert len(Client(desk.dir / "repo").refresh().roles["ci"]["targets"]) == 2
    log = entries(desk)
    assert log.index(("BUILD", "ci", "")) < log.index(("GRANTED", "ci-image", "")) < log.index(("GRANTED", "ci", ""))


def test_a_release_is_entered_once(desk, tmp_path):
    release(desk, tmp_path, "1.0.0")
    desk("rollout", "set", "--version", "1.0.0")
    desk("rollout", "set", "--version", "1.0.0", "--state", "paused")
    desk("publish")
    desk("publish")
    assert [kind for kind, _, _ in entries(desk)].count("RELEASE") == 1
    release(desk, tmp_path, "1.1.0")
    desk("publish")
    assert [kind for kind, _, _ in entries(desk)].count("RELEASE") == 2
    assert len(list((desk.dir / "recorded").iterdir())) == 1  # the last one, until the next publish has seen it


def test_the_directory_may_be_moved(desk):
    os.rename(desk.dir, desk.dir.parent / "b")
    desk.dir = desk.dir.parent / "b"
    desk("publish", "--all")
    assert entries(desk).count(("GRANTED", "timestamp", "")) == 1


def test_stages_open_one_after_the_other(desk, tmp_path):
    release(desk, tmp_path, "1.0.0", "--soak", "1h")
    words = ("rollout", "set", "--version", "1.0.0", "--stage", "ppm=10", "--stage", "everyone")
    said = json.loads(desk(*words, "--json"))
    assert said["sequence"] == 1
    assert "ceiling" in desk(*words, "--open", 1, status=1)
    desk("publish")
    assert not list((desk.dir / "asks").glob("*")) or desk("publish")


def test_how_a_series_stands(desk):
    """GET /v1/series/SCOPE/due, SPEC 18.2: nothing of it without a series."""
    def due(target="/v1/series/sensor/due"):
        with Asker(desk.dir / "signd/socket") as client:
            client.send(f"GET {target} HTTP/1.1\r\nHost: s\r\n\r\n".encode())
            status, _, body = client.answer()
            return json.loads(body) if status == 200 else status

    begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(minutes=40)
    when = [(begin + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") for hours in (0, 2, 4, 6)]
    with Daemon(desk):
        assert due() == 404
        desk("series", "make", "--slots", 2, "--period", "2h", "--landing", "2h", "--from", when[0], "--yes")
        assert due("/v1/series/other/due") == due("/v1/series/sensor/soon") == 404
        shown = due()
        assert shown == {"held": [], "landing": {"begins": when[2], "ends": when[3], "followed": False, "version": 4}, "publish": [],
                         "sealed": [], "sign": [1, 2]}
        (desk.dir / "series/2.slot.json").write_text(json.dumps({"from": when[0], "until": when[1]}, separators=(",", ":")))
        (desk.dir / "series/2.root.json").rename(desk.dir / "kept")
        assert (due()["sealed"], due()["sign"]) == ([2], [1])
        (desk.dir / "kept").rename(desk.dir / "series/2.root.json")
        (desk.dir / "series/2.slot.json").unlink()
        desk("series", "end", "--yes")
        shown = due()
        assert shown["publish"] == [2, 3, 4, 5] and shown["landing"]["followed"] is True
        desk("publish")
        assert due()["publish"] == []


def test_what_a_rule_does_not_allow(desk):
    ini = desk.dir / "signd.ini"
    ini.write_text(ini.read_text().replace("role = rollouts\nkinds = record metadata", "role = rollouts\nkinds = record"))
    said = desk("publish", "--all", status=1)
    assert "role rollouts" in said and "kind" in said and "18.3" in said
    assert "REFUSED" in [kind for kind, _, _ in entries(desk)]
    assert not [name for name in (desk.dir / "asks").iterdir() if json.loads(name.read_text())["role"] == "rollouts"]


def test_a_path_that_is_too_long_for_a_socket(tmp_path):
    rota = Rota(BUILD, tmp_path / ("x" * 100))
    assert "at most 107 bytes" in rota("init", "--softhsm", "--product", "sensor", rota.dir, status=1)
    assert not rota.dir.exists()


def test_a_daemon_elsewhere_is_not_started(desk):
    (desk.dir / "signd.ini").unlink()
    assert "no signing daemon at" in desk("publish", "--all", status=1)


@pytest.mark.plain
def test_a_daemon_that_does_not_start(desk):
    """And is started once, however many roles it was to sign: a token locks itself after a few wrong PINs."""
    shim = (BUILD / "tests/unit/libp11shim.so").resolve()
    ini = desk.dir / "rota.ini"
    before, online = ini.read_text().split("[token online]\n")
    module = re.search(r"^module = (.*)$", online, re.M).group(1)
    online = online.replace(module, str(shim), 1).replace(
        "environment = ", f"environment = P11SHIM_DIR={desk.dir} P11SHIM_MODULE={module} ", 1)
    ini.write_text(f"{before}[token online]\n{online}")
    (desk.dir / "tokens/online/pin").write_text("wrong")
    assert "PIN" in desk("publish", "--all", status=1)
    assert (desk.dir / "logins").stat().st_size == 1


@pytest.mark.plain
def test_killed_at_durable_calls(desk, tmp_path):
    """Whatever was granted and has no file yet is asked for again; no version is lost, and none signed twice."""
    library = str(BUILD / "tests/system/libkillat.so")

    def publish(**environment):
        return subprocess.run([desk.program, "--dir", desk.dir, "publish", "--all"], check=False, capture_output=True, text=True,
                              env={**os.environ, "LD_PRELOAD": library, **environment}, stdin=subprocess.DEVNULL,
                              timeout=120 * PATIENCE)

    with Daemon(desk):
        count = tmp_path / "count"
        assert publish(KILLAT="0", KILLAT_COUNT=str(count)).returncode == 0
        total = int(count.read_text())
        assert total > 60
        for n in range(1, total, 5):
            assert publish(KILLAT=str(n)).returncode == -signal.SIGKILL, n
            if n % 3 == 0:
                continue  # killed again, in what is left of the run before
            done = publish(KILLAT="0")
            assert done.returncode == 0, (n, done.stderr)
        assert publish(KILLAT="0").returncode == 0
        Client(desk.dir / "repo").refresh()
    signed = {}
    for one in leaves(desk):
        assert one["kind"] != "REFUSED"
        if one["kind"] == "GRANTED":
            assert signed.setdefault((one["role"], one["version"]), one["message"]) == one["message"]


def doctor(desk):
    done = subprocess.run([desk.program, "--dir", desk.dir, "doctor", "--json"], capture_output=True, text=True,
                          timeout=120 * PATIENCE, check=False)
    return [step["text"] for step in json.loads(done.stdout) if step["step"] == "signd" and not step["good"]]


DOCTOR = [
    ("socket = signd/socket", "socket = signd/elsewhere", "asks at"),
    ("state = signd", "state = other", "writes its log to"),
    ("role = rollouts\nkinds = record metadata", "role = rollouts\nkinds = record", "role rollouts"),
    ("uid = ", "uid = x", "uid"),
]


@pytest.mark.parametrize("was, now, says", DOCTOR)
def test_doctor_compares_the_two_files(desk, was, now, says):
    ini = desk.dir / "signd.ini"
    assert not doctor(desk)
    with Daemon(desk):
        ini.write_text(ini.read_text().replace(was, now, 1))
        assert any(says in text for text in doctor(desk))


# ---- officers

def with_officer(desk):
    """Of rollouts; her token is another one than the daemon's."""
    made = json.loads(desk("keys", "make", "--token", "officer", "--label", "approval", "--use", "approval", "--json"))
    with (desk.dir / "rota.ini").open("a") as ini:
        ini.write("\n[keys approval]\nsigners = officer:approval\n")
    text = (desk.dir / "signd.ini").read_text()
    (desk.dir / "signd.ini").write_text(
        text.replace("[rule desk-rollouts]\n", "[rule desk-rollouts]\napprovals = 1\napprovers = anna\n")
        + f"\n[officer anna]\nkey = {made['point']}\n")


def ask(desk, tmp_path):
    """A rollout to everybody that waits: its digest."""
    release(desk, tmp_path, "1.0.0", "--everyone", "human")
    said = desk("rollout", "set", "--version", "1.0.0", status=1)
    (waits,) = json.loads(desk("approve", "--json"))
    assert f"rota approve {waits['digest']}" in said and "0 of 1" in said
    return waits["digest"]


def test_an_officer_says_yes(desk, tmp_path):
    with_officer(desk)
    digest = ask(desk, tmp_path)
    assert "nobody is at the terminal" in desk("approve", digest, status=1)
    assert "everyone" in desk("approve", "--yes", digest)
    desk("publish")
    assert Client(desk.dir / "repo").refresh().roles["rollouts"]["targets"]
    kinds = [kind for kind, role, _ in entries(desk) if role == "rollouts"]
    assert [kind for kind in kinds if kind in ("ASKED", "APPROVED", "GRANTED")] == ["ASKED", "APPROVED", "GRANTED"]
    assert json.loads(desk("approve", "--json")) == []


def test_an_officer_says_no(desk, tmp_path):
    with_officer(desk)
    desk("approve", "--yes", "--refuse", ask(desk, tmp_path))
    assert "replay" in desk("publish", status=1)  # told once, by a daemon that has only the log to know it from
    desk("publish")
    assert not Client(desk.dir / "repo").refresh().roles["rollouts"]["targets"]
    assert ("GRANTED", "rollouts", "") not in entries(desk)


def published(desk):
    """Versions of roles that a client sees, in the newest repository."""
    seen = Client(desk.dir / "repo").refresh()
    return {"snapshot": seen.snapshot["version"], "timestamp": seen.timestamp["version"],
            **{name: role["version"] for name, role in seen.roles.items()}}


def test_who_waits_holds_nobody_up(desk):
    """A role that officers approve is due three times a day; without them it stays as it is, and all else is fresh. They are asked once."""
    with_officer(desk)
    before = published(desk)
    for _ in range(3):
        said = desk("publish", "--all", status=1)
        assert said.startswith("rota: all else is published; role rollouts, version 2, ") and "rota approve" in said
    (waits,) = json.loads(desk("approve", "--json"))
    now = published(desk)
    assert now["rollouts"] == before["rollouts"] and all(now[name] == before[name] + 3 for name in ("snapshot", "timestamp", "ci"))
    roles = {one["role"]: one["late"] for one in json.loads(subprocess.run(
        [desk.program, "--dir", desk.dir, "publish", "--all", "--json"], capture_output=True, text=True, check=False,
        timeout=120 * PATIENCE).stdout)}
    assert [name for name, late in roles.items() if late] == ["rollouts"]
    desk("approve", "--yes", waits["digest"])
    desk("publish")
    assert published(desk)["rollouts"] == before["rollouts"] + 1


def test_keys_that_change_hold_nobody_up(desk):
    """Between the step that names a new key and the ceremony that makes it count lie days: what the daemon signs with it meanwhile is
    kept for later, the rest is published, and the ceremony is not locked out."""
    desk("incident", "--begin", "--reason", "server broken into", "ci")
    for _ in range(6):  # two marks, two keys, two names
        desk("incident", "--do", "ci")
    before = published(desk)
    assert "all else is published; role ci" in last(desk, "publish", "--all")
    assert "kept for later" in last(desk, "publish", "--all")
    now = published(desk)
    assert now["ci"] == before["ci"] and now["timestamp"] == before["timestamp"] + 2
    ceremony = desk.dir / "ceremony"
    fingerprint = desk("ceremony", "prepare", "--role", "targets", "--reason", "server broken into", ceremony)
    fingerprint = fingerprint.split("fingerprint ")[1].split()[0]
    desk("ceremony", "sign", "--yes", "--fingerprint", fingerprint, ceremony)
    assert "run this once more" in last(desk, "ceremony", "finish", ceremony)
    desk("ceremony", "finish", ceremony)
    desk("publish", "--all")
    assert published(desk)["ci"] > before["ci"]


def last(desk, *words):
    """The last line of what a verb that failed says."""
    done = subprocess.run([desk.program, "--dir", desk.dir, *words], capture_output=True, text=True, check=False,
                          timeout=120 * PATIENCE)
    assert done.returncode == 1, done
    return done.stderr


def test_no_daemon_is_missed_on_a_machine_without_network(desk):
    """A lost key's successor is made there; the step is done, and nothing failed."""
    vault = Rota(BUILD, desk.dir / "vault")
    desk("authority", "split", vault.dir)
    vault("keys", "make", "--token", "root-1", "--label", "next", "--use", "root", "--out", desk.dir / "next.pem")
    assert (desk.dir / "next.pem").read_text().startswith("-----BEGIN PUBLIC KEY-----")
