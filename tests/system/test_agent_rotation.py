# SPDX-License-Identifier: Apache-2.0
"""rota-agent rotates its data keys (SPEC 34.7), with everything real: keys in a TPM, authority, signing daemon, rota-seald, nginx and
rotad. From the campaign that somebody asks for to the old key that is gone."""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import swtpm
from conftest import BUILD
from fleet import PROGRAMS, environment, line, run
from keyworks import STORAGE, TELEMETRY, BackEnd, Messages, Records, Works, held

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not shutil.which("swtpm"), reason="swtpm is not here")]


@pytest.fixture(scope="module", name="works")
def make_works():
    with tempfile.TemporaryDirectory(prefix="rota-works-") as directory:
        os.chmod(directory, 0o755)
        with Works(directory) as it:
            yield it.begin()


@pytest.fixture(name="tpm")
def start_tpm():
    with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as tpm:
        yield tpm


@pytest.fixture(name="device")
def make_device(works, tpm, request):
    return works.make(re.sub(r"\W+", "-", request.node.name)[:60], tpm)


FAKETIME = next((str(x) for x in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
PURPOSES = {"telemetry": TELEMETRY, "storage": STORAGE}


def rotated(works, device, generation, purpose="telemetry"):
    """One cycle, behind which this generation is in use, and the server knows it."""
    said = device.once()
    assert "step=keys" not in said, said
    assert line(said, "keys")["active"] == str(generation) == str(held(device, purpose)["active"]), said
    works.settled(device.id, PURPOSES[purpose], generation)
    return said


def test_three_generations(works, device):
    """The first bundle is in base mode, each further one under the psk of the one before; the third one ends the first."""
    assert device.status()["root_of_trust"] == "tpm" and device.status()["keys"] == []
    counter = works.row(device.id)[0]
    for generation in (1, 2, 3):
        works.campaign("telemetry", "--overlap", "0s")
        rotated(works, device, generation)
        # with each proof came the next agree key
        assert works.row(device.id)[0] == counter + generation
    assert held(device) == {"purpose": "telemetry", "active": 3, "proved": 3, "oldest": 2}
    works.holds(device.id, TELEMETRY, proved=3, active=3, held_from=2)
    said = device.once()
    assert "step=keys" not in said and not re.search("^keys ", said, re.M), said


@pytest.mark.skipif(not FAKETIME, reason="faketime is not here")
def test_a_key_waits_for_its_time(works, device):
    """Proved and staged until then; dropped where its campaign is aborted before, and never taken again. An emergency is used at once."""
    works.campaign()
    first = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, first)
    works.campaign("telemetry", "--activation", "2h")
    said = line(device.once(), "keys")
    assert (said["active"], said["staged"], said["proved"]) == (str(first), str(first + 1), str(first + 1))
    assert not re.search("^keys ", device.once(), re.M)
    said = device.once(env=environment(LD_PRELOAD=FAKETIME, FAKETIME="+3h"))
    assert line(said, "keys")["active"] == str(first + 1) and "staged" not in held(device)
    works.settled(device.id, TELEMETRY, first + 1)
    ident = works.campaign("telemetry", "--activation", "2h")
    assert line(device.once(), "keys")["staged"] == str(first + 2)
    works.rota("campaign", "abort", "--yes", ident)
    works.rota("publish")
    for _ in range(2):
        said = device.once()
        assert "step=keys" not in said and (held(device)["active"], held(device).get("staged")) == (first + 1, None)
    # its psk outlives it: the next bundle is sealed under that of the newest proved one
    works.settled(device.id, TELEMETRY, first + 2)
    works.campaign("telemetry", "--emergency")
    assert line(device.once(), "keys")["active"] == str(first + 3)


def test_who_comes_late(works, device):
    """A device that was made behind the campaign finds none of its bundles, and takes its part by a supplement; who has one is left alone."""
    ident = works.campaign()
    generation = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, generation)
    late = works.make("who-came-late")
    assert not re.search("^keys ", late.once(), re.M)
    assert works.late(ident)["devices"] == 1
    assert line(late.once(), "keys")["active"] == str(generation)
    works.settled(late.id, TELEMETRY, generation)
    assert not re.search("^keys ", device.once(), re.M)


def test_flash_that_was_put_back(works, device):
    """Old flash brings no key back: the TPM has none that opens it. The device notices, asks for the time, has new keys and says so; a supplement
    brings it the generation that all others use, and the next campaign finds it."""
    works.campaign()
    first = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, first)
    device.snapshot(works.dir / "old")
    for generation in (first + 1, first + 2):
        ident = works.campaign("telemetry", "--overlap", "0s")
        device.once()
        works.settled(device.id, TELEMETRY, generation)
    counter = works.row(device.id)[0]
    device.restore(works.dir / "old")
    said = device.once()
    assert line(said, "restored")["clause"] == "SPEC 9.6" and line(said, "keys")["oldest"] == "none", said
    assert held(device) == {}
    # what it said of itself: the next agree key, and that it holds nothing
    works.settled(device.id, TELEMETRY, 0)
    assert works.row(device.id)[0] == counter + 1
    assert works.late(ident)["devices"] == 1
    said = device.once()
    assert "step=keys" not in said and line(said, "keys")["active"] == str(first + 2), said
    works.settled(device.id, TELEMETRY, first + 2)
    works.campaign()
    said = device.once()
    assert "step=keys" not in said and line(said, "keys")["active"] == str(first + 3)
    works.settled(device.id, TELEMETRY, first + 3)


# ---- records that lie on the device ----


def reading(number):
    return f"sensor {number}: 21.{number} degrees".encode()


def counted(device, vault):
    """{generation: records} as `rota-agent vault` tells."""
    shown = [json.loads(x) for x in device.agent("vault", "--json", check=0).stdout.splitlines()]
    return {g["generation"]: g["records"] for v in shown if v["vault"] == vault for g in v["generations"]}


def retire(works, generation, status=0):
    done = run(PROGRAMS["rota"], "--dir", works.authority, "campaign", "retire", "--purpose", "storage", "--generation", str(generation),
               "--json", check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_old_key_ends_behind_the_last_report(works, device):
    """Records of a file and of a database are read with the old key and sealed anew; that key is destroyed when nobody needs it any more,
    and not a report earlier."""
    other = works.make("a-second-one")
    kinds = ("file", "sqlite")
    for kind in kinds:
        device.add(f"[vault {kind}]\npath = {device.dir}/{kind}.vault\nkind = {kind}\nrecords = 500\nlength = 64\n")
    works.campaign("storage")
    for one in (device, other):
        rotated(works, one, 1, "storage")
    for kind in kinds:
        with Records(device, kind) as records:
            assert all(records.put(n, reading(n)) == "ok" for n in range(40))
        assert reading(7) not in (device.dir / f"{kind}.vault").read_bytes()
    assert counted(device, "file") == counted(device, "sqlite") == {1: 40}
    assert "stay" in retire(works, 1, status=1)
    for generation in (2, 3):
        works.campaign("storage")
        rotated(works, device, generation, "storage")
    # one never asked again, the other has records of the old key, which is in its archive
    assert held(device, "storage") == {"purpose": "storage", "active": 3, "proved": 3, "oldest": 1}
    assert counted(device, "file") == counted(device, "sqlite") == {1: 40}
    works.holds(device.id, STORAGE, proved=3, active=3, held_from=1, needed_from=1, records=80)
    said = json.loads(retire(works, 1, status=1).splitlines()[0])
    assert {one["id"] for one in said["devices"]} == {device.id, other.id}
    # the other one moves; this one's records are read while they are sealed anew
    rotated(works, other, 3, "storage")
    said = json.loads(retire(works, 1, status=1).splitlines()[0])
    assert {one["id"]: one["records"] for one in said["devices"]} == {device.id: 80}
    for kind in kinds:
        with Records(device, kind) as records:
            assert all(records.get(n) == reading(n) for n in range(40))
            assert records.put(40, reading(40)) == "ok"
            records.rewritten()
            assert all(records.get(n) == reading(n) for n in range(41))
        assert counted(device, kind) == {3: 41}
    # before it said so, it counts as one that needs it
    assert device.id in retire(works, 1, status=1)
    device.once()
    works.holds(device.id, STORAGE, active=3, held_from=1, needed_from=3, records=0)
    retire(works, 1)
    works.rota("publish")
    said = device.once()
    assert "step=keys" not in said and line(said, "keys")["oldest"] == "2", said
    works.holds(device.id, STORAGE, active=3, held_from=2)
    other.once()
    assert held(other, "storage")["oldest"] == 1  # of the two that it ever had it keeps both (SPEC 34.6)
    for kind in kinds:
        with Records(device, kind) as records:
            assert all(records.get(n) == reading(n) for n in range(41))


def test_records_are_kept_beside_the_agent(works, device):
    """A program's records while the keys change under it, and what it may say."""
    device.add(f"[vault readings]\npath = {device.dir}/readings\nrecords = 100\nlength = 16\n")
    missing = device.agent("records", "readings", check=1).stderr
    assert "no data key of that purpose yet" in missing
    works.campaign("storage")
    first = int(line(device.once(), "keys")["active"])
    works.settled(device.id, STORAGE, first)
    with Records(device, "readings") as records:
        assert records.put(1, b"first") == "ok"
        for wrong, says in {"get 2": "no none", "remove 2": "no none", "put 1 zz": "no command", "put 1 a": "no command",
                            "put -1 aa": "no command", "put 4294967296 aa": "no command", "get": "no command", "get 1 1": "no command",
                            "": "no command", "left 1": "no command", "put 1 " + 17 * "aa": "no room",
                            "put 1 " + 20000 * "aa": "no room"}.items():
            assert records.say(wrong) == says, wrong[:40]
        works.campaign("storage")
        assert line(device.once(), "keys")["active"] == str(first + 1)
        assert records.put(2, b"second") == "ok"
        records.rewritten()
        assert (records.get(1), records.get(2), records.say("remove 1")) == (b"first", b"second", "ok")
        assert counted(device, "readings") == {first + 1: 1}
    (device.dir / "readings").rename(device.dir / "away")  # its folder is not mounted
    assert "was there once" in device.agent("records", "readings", check=1).stderr
    assert not (device.dir / "readings").exists()
    (device.dir / "away").rename(device.dir / "readings")
    with Records(device, "readings") as records:
        assert records.get(2) == b"second"
    assert device.agent("records", "nothing", check=1).stderr.count("\n") == 1
    assert device.agent("records").returncode == 2


def test_a_cycle_keeps_others_out(works, device):
    """Who changes the key journals does it alone: an opening waits, and a number that is given out is never given out again."""
    device.add(f"[vault readings]\npath = {device.dir}/readings\nrecords = 100\nlength = 16\n")
    works.campaign("storage")
    first = int(line(device.once(), "keys")["active"])
    works.settled(device.id, STORAGE, first)
    journal = device.dir / "state/keys.bin"
    with subprocess.Popen(["flock", journal, "cat"], stdin=subprocess.PIPE) as cycle:
        while subprocess.run(["flock", "-n", journal, "true"], check=False).returncode == 0:
            pass
        with subprocess.Popen([PROGRAMS["rota-agent"], "records", "--config", device.config, "readings"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as waiting:
            before = journal.read_bytes()
            assert waiting.poll() is None and journal.read_bytes() == before
            cycle.stdin.close()
            assert cycle.wait(60) == 0
            assert waiting.stdout.readline() == "ok\n" and journal.read_bytes() != before
            waiting.stdin.close()
            assert waiting.wait(60) == 0


# ---- messages ----


def test_a_back_end_opens_what_a_program_sends(works, device):
    """Messages under one key and the next, both ways, beside the agent; the program that sends them has no key."""
    assert "no data key of that purpose yet" in device.agent("messages", "telemetry", check=1).stderr
    assert device.agent("messages", "storage").returncode == device.agent("messages").returncode == 2
    ends = []

    def campaign():
        ident = works.campaign("telemetry", "--overlap", "0s")
        generation = int(line(device.once(), "keys")["active"])
        works.settled(device.id, TELEMETRY, generation)
        ends.append(BackEnd(works, ident, generation))

    campaign()
    with Messages(device) as messages:
        sent = [messages.seal(reading(n), b"to the ingest") for n in range(20)]
        assert [ends[0].open(device, one, b"to the ingest") for one in sent] == [reading(n) for n in range(20)]
        assert len({(one[8:24], one[24:36]) for one in sent}) == 20 and not any(reading(n) in one for n, one in enumerate(sent))
        assert messages.open(ends[0].seal(device, b"sample faster", b"a")) .startswith("no good") and messages.open(
            ends[0].seal(device, b"sample faster", b"a"), b"a") == b"sample faster"
        # its own, or one of another use, is none from the server; nor is what was changed, cut, or nothing of the kind
        down = ends[0].seal(device, b"stop")
        for none in (sent[0], ends[0].seal(device, b"stop", use=3), down[:-1] + bytes([down[-1] ^ 1]), down[:-1], b"hello"):
            assert messages.open(none).startswith("no good"), none
        for wrong, says in {"seal - zz": "no command", "seal": "no command", "seal -": "no command", "": "no command", "close - aa": "no command",
                            "seal " + 65 * "aa" + " aa": "no command", "seal - " + 16385 * "aa": "no room", "open zz aa": "no command"}.items():
            assert messages.say(wrong) == says, wrong[:40]
        campaign()
        after = messages.seal(b"under the next key")
        assert ends[1].open(device, after) == b"under the next key"
        assert messages.open(ends[0].seal(device, b"late")) == b"late"  # the key before is for reading
        campaign()
        assert messages.open(ends[0].seal(device, b"too late")) == "no none"  # which was destroyed
        assert ends[2].open(device, messages.seal(b"-")) == b"-"


def test_no_nonce_comes_twice(works, device):
    """Openings are numbered by the key journal, which the agent writes too: killed at each durable call of one, and while cycles change the keys."""
    works.campaign()
    generation = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, generation)
    words = [PROGRAMS["rota-agent"], "messages", "--config", device.config, "telemetry"]
    seen, count = [], works.dir / "opening-count"

    def opened(status=0, **env):
        """A message of a process of its own; the number of its opening is where its nonce begins (SPEC 36.3)."""
        done = subprocess.run(words, input="seal - 61\n", capture_output=True, text=True, timeout=300, check=False, env=environment(**env))
        assert done.returncode == status, done
        seen.extend(int(x[3 + 48:3 + 56], 16) for x in done.stdout.splitlines() if x.startswith("ok "))
        assert sorted(set(seen)) == seen, seen

    library = BUILD / "tests/system/libkillat.so"
    opened(LD_PRELOAD=library, KILLAT=0, KILLAT_COUNT=count)
    total = int(count.read_text(encoding="ascii"))
    assert total >= 4
    for number in range(1, total + 1):
        opened(-signal.SIGKILL, LD_PRELOAD=library, KILLAT=number)
        opened()
    for _ in range(3):
        works.campaign("telemetry", "--overlap", "0s")
        with subprocess.Popen([PROGRAMS["rota-agent"], "--config", device.config, "--once"], stdout=subprocess.PIPE, text=True) as cycle:
            while cycle.poll() is None:
                opened()
            generation += 1
            assert cycle.returncode == 0 and line(cycle.stdout.read(), "keys")["active"] == str(generation)
        opened()
        works.settled(device.id, TELEMETRY, generation)


# ---- kill -9 ----

KILLS = int(os.environ.get("ROTA_ROTATION_KILLS", "12"))  # each takes two seconds


class Moment:
    """A device, its TPM and what the server knows of it, to be put back."""

    def __init__(self, works, device, tpm):
        self.works, self.device, self.tpm, self.at = works, device, tpm, works.dir / "moment"
        self.parts = [(device.dir, self.at / "device"), (tpm.directory, self.at / "tpm"), (works.dir / "serve/rotad", self.at / "rotad")]

    def stop(self):
        self.works.stop()
        self.tpm.__exit__()
        for path in self.tpm.directory.iterdir():
            if path.is_socket():
                path.unlink()

    def start(self):
        self.tpm.__enter__()
        self.works.serve()

    def keep(self):
        self.stop()
        for source, to in self.parts:
            shutil.rmtree(to, ignore_errors=True)
            to.parent.mkdir(exist_ok=True)
            run("cp", "-a", "--sparse=always", source, to)
        self.start()

    def back(self):
        self.stop()
        for source, to in self.parts:
            shutil.rmtree(source)
            run("cp", "-a", "--sparse=always", to, source)
        self.start()


def test_killed_at_durable_calls(works, device, tpm):
    """The cycle that opens and proves the third generation, destroys the first and switches, killed at a durable call: the next ones end it, and
    a record that was sealed before opens behind it. All of them with ROTA_ROTATION_KILLS=1000; by default some, others each time."""
    library = BUILD / "tests/system/libkillat.so"
    device.add(f"[vault readings]\npath = {device.dir}/readings\npurpose = telemetry\nrecords = 100\nlength = 16\n")
    for _ in range(2):
        works.campaign("telemetry", "--overlap", "0s")
        before = int(line(device.once(), "keys")["active"])
        works.settled(device.id, TELEMETRY, before)
    with Records(device, "readings") as records:
        assert records.put(1, b"a record") == "ok"
    device.once()
    works.campaign("telemetry", "--overlap", "0s")
    moment = Moment(works, device, tpm)
    moment.keep()
    count = works.dir / "count"
    device.once(env=environment(LD_PRELOAD=library, KILLAT=0, KILLAT_COUNT=count))
    total = int(count.read_text(encoding="ascii"))
    assert total > 20 and held(device) == {"purpose": "telemetry", "active": before + 1, "proved": before + 1, "oldest": before}
    seed = random.randrange(1 << 32)
    numbers = sorted(random.Random(seed).sample(range(1, total + 1), min(KILLS, total)))
    for number in numbers:
        what = f"killed at call {number} of {total} (seed {seed})"
        moment.back()
        done = device.agent("--once", env=environment(LD_PRELOAD=library, KILLAT=number))
        assert done.returncode == -signal.SIGKILL, f"{what}: {done.stdout}{done.stderr}"
        said = device.once()
        assert "step=keys" not in said, f"{what}: {said}"
        assert held(device) == {"purpose": "telemetry", "active": before + 1, "proved": before + 1, "oldest": before}, what
        works.settled(device.id, TELEMETRY, before + 1)
        with Records(device, "readings") as records:
            assert records.get(1) == b"a record", what
