# SPDX-License-Identifier: Apache-2.0
"""A campaign's whole way: approved at the signing daemon, its export taken in, sealed, listed with one signature of the role's key, and
published (SPEC 37.9, 37.10). Authority, daemon and tokens are real; the fleet is that of tests/bench/seal_load.c."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import pytest

import sealfiles
import softhsm
from asks import HOUR, now, when
from authority import Client, Rota
from paths import BUILD, PATIENCE, TOP
from signd import Client as Asker
from signd import request
from test_rota_signd import Daemon, leaves
from test_seald import Seald

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

DEVICES = 1500
RULE = "role = keys-link\nkinds = record metadata campaign"


class Chain(Seald):
    """rota-seald beside the daemon of an authority."""

    def __init__(self, folder, desk):
        super().__init__(folder)
        self.desk = desk
        for name in ("inbox", "outbox"):
            (folder / name).mkdir()
        self.ini.write_text(self.ini.read_text(encoding="utf-8").replace(
            "product = p\n", f"product = sensor\nsignd = {desk.dir}/signd/socket\nauthority = {desk.dir}\n"
                             f"inbox = {folder}/inbox\noutbox = {folder}/outbox\n"), encoding="utf-8")
        self.state = folder / "state/campaigns"

    def approve(self, generation=1, purpose="telemetry", **changes):
        """Ask for a campaign for the export at hand, which its rule lets pass; its id."""
        body = json.loads((self.folder / "request.json").read_bytes())["body"]
        body |= {"activation": when(now() + 24 * HOUR), "stages": [{"from": when(now()), "ppm": 1000000}], "generation": generation,
                 "purpose": purpose, "export": hashlib.sha256((self.folder / "export").read_bytes()).hexdigest()} | changes
        text = request(kind="campaign", role="keys-link", body=body, reason="as the calendar says", scope="sensor")
        with Asker(self.desk.dir / "signd/socket") as client:
            status, _, said = client.post(text)
        assert status == 200, said
        return hashlib.sha256(text).hexdigest()

    def good(self, *words):
        told = self.run(*words)
        assert told.returncode == 0, told.stderr
        return [json.loads(line) for line in told.stdout.splitlines()] if "--json" in words else told.stdout

    def bring(self, ident, tree=0):
        """The export into the inbox, whole."""
        data = (self.folder / "export").read_bytes()
        name = ident if tree == 0 else f"{ident}.{tree}"
        (self.folder / f"inbox/{name}.export").write_bytes(data)

    def granted(self, role="keys-link", distinct=False):
        """Signatures of the role's key, by the log; distinct: those of one text count once, as who was killed between the daemon's
        signature and its file asks for it again (SPEC 18.7)."""
        self.desk("publish")
        with Asker(self.desk.dir / "signd/socket") as client:
            client.send(b"GET /v1/state HTTP/1.1\r\nHost: s\r\n\r\n")
            entries = json.loads(client.answer()[2])["entries"]
        deadline = time.monotonic() + 60 * PATIENCE
        while int((self.desk.dir / "signd/log/public/checkpoint").read_text(encoding="utf-8").split("\n")[1]) < entries:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        messages = [one["message"] for one in leaves(self.desk) if one["kind"] == "GRANTED" and one["role"] == role]
        return len(set(messages) if distinct else messages)

    def listed(self, role="keys-link"):
        """The list that clients of the repository see."""
        targets = Client(self.desk.dir / "repo").refresh().roles[role]["targets"]
        folder = role.replace("-", "/")
        entry = targets[f"{folder}/sensor.json"]
        return json.loads((self.desk.dir / f"repo/targets/{folder}/{entry['hashes']['sha256']}.sensor.json").read_bytes())

    def wrap_keys(self):
        """Of its token, by their labels: what never leaves an HSM."""
        return softhsm.secret_keys(self.folder / "tokens", (self.folder / "pin").read_bytes().strip())

    def secrets(self, ident, purpose="telemetry"):
        """The campaign key, and the secret of each device."""
        key, secrets = sealfiles.copies((self.state / f"{ident}.0.copies").read_bytes(), self.wrap_keys()[f"copies-{purpose}"])
        return key, dict(zip(sealfiles.order((self.folder / "export").read_bytes(), ident), secrets))

    def outbox(self):
        return sorted(path.name for path in (self.folder / "outbox").iterdir())


@pytest.fixture(scope="module", name="made")
def make_all(tmp_path_factory):
    """An authority with a published release, and a fleet."""
    with tempfile.TemporaryDirectory(prefix="seal.") as place:
        desk = Rota(BUILD, pathlib.Path(place) / "a")
        desk("init", "--softhsm", "--product", "sensor", desk.dir)
        ini = desk.dir / "signd.ini"
        text = ini.read_text(encoding="utf-8")
        assert text.count(RULE) == 1
        ini.write_text(text.replace(RULE, RULE + "\nrate = 36000/1h"), encoding="utf-8")
        desk("publish")
        folder = tmp_path_factory.mktemp("fleet")
        one = Chain(folder, desk)
        one.good("make")
        one.fleet(DEVICES)
        yield desk, folder


@pytest.fixture(name="chain")
def copy_all(made, tmp_path):
    desk, folder = made
    with tempfile.TemporaryDirectory(prefix="seal.") as place:
        shutil.copytree(desk.dir, pathlib.Path(place) / "a")
        chain = Chain(tmp_path, Rota(BUILD, pathlib.Path(place) / "a"))
        for name in ("tokens", "state"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
            shutil.copytree(folder / name, tmp_path / name)
        for name in ("export", "request.json"):
            shutil.copy(folder / name, tmp_path / name)
        with Daemon(chain.desk) as chain.daemon:
            yield chain


def test_step_by_step(chain):
    """One signature for all devices, and none more when somebody asks again."""
    ident = chain.approve()
    before = chain.granted()
    said, = chain.good("import", "--campaign", ident, "--export", chain.folder / "export", "--json")
    assert said == {"campaign": ident, "devices": DEVICES, "tree": 0}
    sealed, = chain.good("seal", "--campaign", ident, "--json")
    assert (sealed["size"], sealed["kept"], sealed["campaign"]) == (DEVICES, 0, ident)
    assert chain.outbox() == [f"{ident}.0.{kind}" for kind in ("confirm", "keys", "sealed")]
    assert all((chain.folder / "outbox" / name).read_bytes() == (chain.state / name).read_bytes() for name in chain.outbox())
    assert all((chain.folder / "outbox" / name).stat().st_mode & 0o777 == 0o640 for name in chain.outbox())
    said, = chain.good("publish", "--campaign", ident, "--json")
    assert (said["role"], said["sequence"]) == ("keys-link", 1)
    for again in (["seal", "--campaign", ident], ["publish", "--campaign", ident], ["publish"]):
        chain.good(*again)
    signatures = chain.granted() - before
    assert signatures == 1
    subprocess.run([TOP / "tools/figure", "campaign_hsm_signatures", str(signatures), "signatures"], check=True)
    one, = chain.listed()["campaigns"]
    assert (one["id"], one["state"], one["trees"]) == (ident, "active", [{"root": sealed["root"], "size": DEVICES, "tree": 0}])
    assert chain.counted("signatures") == 0  # its own token signs nothing


def test_run(chain):
    """What was approved is made as its export comes; campaign_hsm_signatures is 1 for each."""
    first = chain.approve()
    before = chain.granted()
    told = chain.run("run", "--once")
    assert told.returncode == 0 and "waits for its export" in told.stderr and chain.outbox() == []
    chain.bring(first)
    for _ in range(2):
        chain.good("run", "--once", "--json")
    assert len(chain.outbox()) == 3 and chain.granted() - before == 1
    second = chain.approve(generation=2)
    overtaken = chain.approve(generation=1, name="late")
    chain.bring(second)
    chain.bring(overtaken)
    chain.good("run", "--once")
    assert chain.granted() - before == 2
    assert [one["id"] for one in chain.listed()["campaigns"]] == [first, second]
    assert not [name for name in chain.outbox() if name.startswith(overtaken)]


def test_a_supplement(chain):
    """Devices that come later get a tree of their own, and one signature more."""
    ident = chain.approve(most=2 * DEVICES)
    chain.bring(ident)
    before = chain.granted()
    chain.good("run", "--once")
    chain.bring(ident, tree=1)
    chain.good("run", "--once")
    assert chain.granted() - before == 2
    assert [tree["tree"] for tree in chain.listed()["campaigns"][0]["trees"]] == [0, 1]
    assert len(chain.outbox()) == 6
    last = chain.approve(generation=2, most=DEVICES)
    chain.bring(last)
    chain.bring(last, tree=3)
    told = chain.run("run", "--once")  # the daemon counts devices of all trees
    assert told.returncode == 1 and "ceiling" in told.stderr


def test_what_is_refused(chain):
    """One line that says what, and nothing is kept, sealed or signed."""
    ident = chain.approve()
    before = chain.granted()
    export = chain.folder / "export"
    whole = export.read_bytes()
    row = 32 + 256 * 700
    forged = bytearray(whole)
    forged[row + 113 + 20] ^= 1  # its agree key
    other = 64 * "0"
    for words, data, says in [
            (["import", "--campaign", other], whole, "has approved no campaign"),
            (["import", "--campaign", "x"], whole, "is not 64 hex digits"),
            (["import", "--campaign", ident], whole[:-1], "cut short"),
            (["import", "--campaign", ident], whole[:32 + 256] + whole[32:], "row 1 is none, or out of order"),
            (["import", "--campaign", ident, "--tree", "1"], bytes(forged), "row 700 was not made by the registry"),
            (["import", "--campaign", ident], bytes(forged), "row 700 was not made by the registry")]:
        export.write_bytes(data)
        told = chain.run(*words, "--export", export)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1) and says in told.stderr, told.stderr
    for words, says in [(["seal", "--campaign", ident], "has no export"), (["publish", "--campaign", ident], "has no tree of campaign")]:
        told = chain.run(*words)
        assert (told.returncode, told.stderr.count("\n")) == (1, 1) and says in told.stderr, told.stderr
    assert chain.granted() == before and not list(chain.state.glob("*.export"))


def test_a_root_that_nobody_sealed(chain):
    """Who writes the outbox can have nothing listed but trees of approved campaigns, and not in the place of one that is."""
    ident = chain.approve()
    chain.bring(ident)
    chain.good("run", "--once")
    before = chain.granted()
    outbox = chain.folder / "outbox"
    sheet = (outbox / f"{ident}.0.sealed").read_text(encoding="ascii")
    root = json.loads(sheet)["root"]
    (outbox / f"{ident}.0.sealed").write_text(sheet.replace(root, 64 * "a"), encoding="ascii")
    told = chain.run("publish")
    assert told.returncode == 1 and "has another tree 0 already" in told.stderr
    other = 64 * "b"
    (outbox / f"{other}.0.sealed").write_text(sheet.replace(ident, other), encoding="ascii")
    told = chain.run("publish", "--campaign", other)
    assert told.returncode == 1 and "has approved no campaign" in told.stderr
    assert chain.granted() == before


KILLAT = BUILD / "tests/system/libkillat.so"


def killed_at_each(chain, words, prepare, check):
    """The command is killed at each of its durable calls, then run again; prepare and check get the number of the attempt."""
    def once(number, **environment):
        return subprocess.run(chain.command(*words), env={**os.environ, "LD_PRELOAD": str(KILLAT), "KILLAT_COMM": "rota-seald",
                                                          "KILLAT": str(number), **environment},
                              capture_output=True, text=True, timeout=120 * PATIENCE, check=False)
    count = chain.folder / "count"
    prepare(0)
    assert once(0, KILLAT_COUNT=str(count)).returncode == 0
    check(0)
    total = int(count.read_text(encoding="ascii"))
    for number in range(1, total + 1):
        prepare(number)
        assert once(number).returncode == -signal.SIGKILL, number
        chain.good(*words)
        check(number)
    return total


def test_publish_killed_at_each_durable_call(chain):
    """One text is signed for each campaign, whenever it was killed: what the daemon granted is never lost, nor asked for as another."""
    first = chain.approve()
    chain.bring(first)
    before = chain.granted()
    chain.good("run", "--once")
    sheet = (chain.folder / f"outbox/{first}.0.sealed").read_text(encoding="ascii")
    made = [first]

    def prepare(_):
        made.append(chain.approve(generation=len(made) + 1))
        (chain.folder / f"outbox/{made[-1]}.0.sealed").write_text(sheet.replace(first, made[-1]), encoding="ascii")

    def check(number):
        assert chain.granted(distinct=True) - before == len(made), number
        assert [one["id"] for one in chain.listed()["campaigns"]] == made[-2:], number

    assert killed_at_each(chain, ["publish"], prepare, check) > 10


def test_delivery_killed_at_each_durable_call(chain):
    """Who finds .sealed finds all, as it was sealed."""
    ident = chain.approve()
    chain.good("seal", "--campaign", ident, "--export", chain.folder / "export")
    names = chain.outbox()
    whole = {name: (chain.folder / "outbox" / name).read_bytes() for name in names}

    def prepare(_):
        (chain.state / f"{ident}.0.delivered").unlink()
        for name in chain.outbox():
            (chain.folder / "outbox" / name).unlink()

    def check(number):
        assert {name: (chain.folder / "outbox" / name).read_bytes() for name in chain.outbox()} == whole, number

    assert killed_at_each(chain, ["seal", "--campaign", ident], prepare, check) > 10


def test_killed_at_any_moment(chain):
    """`run` is killed again and again: one tree, one signature, each file of the outbox as sealed."""
    before = chain.granted()
    chance = random.Random(11)
    killed = 0
    for generation in range(1, 6):
        ident = chain.approve(generation=generation)
        chain.bring(ident)
        for _ in range(6):
            with subprocess.Popen(chain.command("run", "--once"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                try:
                    running.wait(chance.random() * 0.4)
                except subprocess.TimeoutExpired:
                    running.send_signal(signal.SIGKILL)  # its child goes with it
                    killed += 1
        for _ in range(100):  # which may hold the lock for a moment
            if chain.run("run", "--once").returncode == 0:
                break
            time.sleep(0.05)
        assert chain.granted(distinct=True) - before == generation
        tree, = chain.listed()["campaigns"][-1]["trees"]
        keys = (chain.folder / f"outbox/{ident}.0.keys").read_bytes()
        assert keys[56:88].hex() == tree["root"] and struct.unpack("<I", keys[16:20])[0] == DEVICES == tree["size"]
        assert keys == (chain.state / f"{ident}.0.keys").read_bytes()
    assert killed > 1
    assert not list((chain.folder / "outbox").glob(".draft*"))
