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
from test_signd_wait import ANNA

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

    def part(self, first, end):
        """The export at hand is that of these devices alone; its digest."""
        whole = self.folder / "whole"
        if not whole.exists():
            shutil.copy(self.folder / "export", whole)
        data = whole.read_bytes()
        data = data[:16] + struct.pack("<I", end - first) + data[20:32] + data[32 + 256 * first:32 + 256 * end]
        (self.folder / "export").write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def late(self, ident, tree, first, end, status=0):
        """A supplement's export, taken in at the word of who made it."""
        sha256 = self.part(first, end)
        told = self.run("import", "--campaign", ident, "--tree", str(tree), "--export", self.folder / "export", "--sha256", sha256)
        assert told.returncode == status, told.stderr
        return told

    def approve(self, generation=1, purpose="telemetry", role="keys-link", officer=None, **changes):
        """Ask for a campaign for the export at hand, which its rule lets pass, or an officer; its id."""
        body = json.loads((self.folder / "request.json").read_bytes())["body"]
        body |= {"activation": when(now() + 24 * HOUR), "stages": [{"from": when(now()), "ppm": 1000000}], "generation": generation,
                 "purpose": purpose, "expected": (self.folder / "export").stat().st_size // 256, "export": hashlib.sha256((self.folder / "export").read_bytes()).hexdigest()} | changes
        text = request(kind="campaign", role=role, body=body, reason="as the calendar says", scope="sensor")
        ident = hashlib.sha256(text).hexdigest()
        with Asker(self.desk.dir / "signd/socket") as client:
            status, _, said = client.post(text)
            if officer:
                assert status == 202, said
                client.post(officer.approval(ident), "/v1/approve")
                status, _, said = client.post(text)
        assert status == 200, said
        return ident

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
    """Devices that come later get a tree of their own, and one signature more; who has a secret of the generation keeps it."""
    chain.part(0, 1200)
    ident = chain.approve(most=DEVICES)
    chain.bring(ident)
    before = chain.granted()
    chain.good("run", "--once")
    chain.late(ident, 1, 900, DEVICES)
    told, = (line for line in chain.good("run", "--once", "--json") if "skipped" in line)
    assert (told["size"], told["again"], told["skipped"]["sealed"], told["tree"]) == (DEVICES - 1200, 0, 300, 1)
    assert chain.granted() - before == 2
    assert [(tree["tree"], tree["size"]) for tree in chain.listed()["campaigns"][0]["trees"]] == [(0, 1200), (1, DEVICES - 1200)]
    assert len(chain.outbox()) == 6
    chain.late(ident, 2, 0, DEVICES)
    told = chain.run("run", "--once")
    assert told.returncode == 1 and f"none of its {DEVICES} devices takes part" in told.stderr
    chain.good("run", "--once")  # which is told once: nobody needs that export
    assert len(chain.outbox()) == 6


def test_nobody_s_word_for_a_supplement(chain):
    """Who writes the inbox has no device sealed to anew, nor one that the campaign does not mean: the book stays what it is."""
    whole = (chain.folder / "export").read_bytes()
    chain.part(0, 1200)
    ident = chain.approve(most=2 * DEVICES)
    chain.bring(ident)
    chain.good("run", "--once")
    book, before = (chain.folder / "state/book.telemetry").read_bytes(), chain.granted()
    chain.bring(ident, tree=1)  # tree 0's own
    (chain.folder / f"inbox/{ident}.2.export").write_bytes(whole)
    for _ in range(2):
        told = chain.run("run", "--once")
        assert told.returncode == 0 and told.stderr.count("at somebody's word") == 2, told.stderr
    assert len(chain.outbox()) == 3 and chain.granted() == before
    assert (chain.folder / "state/book.telemetry").read_bytes() == book
    words = ["--campaign", ident, "--tree", "1", "--export", chain.folder / f"inbox/{ident}.2.export"]
    for verb in ("import", "seal"):
        told = chain.run(verb, *words)
        assert told.returncode == 2 and "--sha256 goes with the export of a supplement" in told.stderr
        told = chain.run(verb, *words, "--sha256", 64 * "0")
        assert told.returncode == 1 and "is not the export that" in told.stderr
        told = chain.run(verb, *words, "--sha256", "0")
        assert told.returncode == 1 and "64 hex digits" in told.stderr
    assert not list(chain.state.glob(f"{ident}.[12].*"))


def test_no_tree_of_what_is_over(chain):
    """Aborted, done, overtaken: nothing more is made of it, whoever asks; what was made is told again."""
    chain.part(0, 1000)
    first, second = chain.approve(most=DEVICES), None
    chain.bring(first)
    chain.good("run", "--once")
    chain.late(first, 1, 1000, DEVICES)
    chain.desk("campaign", "abort", "--yes", first)
    book = (chain.folder / "state/book.telemetry").read_bytes()
    told = chain.run("run", "--once")
    assert (told.returncode, told.stderr.count("is over: nothing more is made of it")) == (0, 1), told.stderr
    told = chain.run("seal", "--campaign", first, "--tree", "1")
    assert told.returncode == 1 and "is aborted: it gets no tree" in told.stderr
    chain.good("seal", "--campaign", first)
    outbox = chain.folder / "outbox"  # a tree that came when it was not over yet
    sheet = (outbox / f"{first}.0.sealed").read_text(encoding="ascii")
    (outbox / f"{first}.1.sealed").write_text(sheet.replace('"tree":0', '"tree":1'), encoding="ascii")
    chain.desk("publish")
    for words, status in ((["publish"], 0), (["publish", "--campaign", first], 1), (["run", "--once"], 0)):
        told = chain.run(*words)
        assert told.returncode == status and "is aborted and takes no tree" in told.stderr, told.stderr
    (outbox / f"{first}.1.sealed").unlink()
    chain.part(0, 1000)
    second = chain.approve(generation=2, most=DEVICES)
    chain.bring(second)
    chain.good("run", "--once")
    chain.late(second, 1, 1000, DEVICES)
    chain.part(0, 1000)
    third, twin = chain.approve(generation=3), chain.approve(generation=3, name="twin")
    chain.bring(third)
    chain.good("run", "--once")
    book = (chain.folder / "state/book.telemetry").read_bytes()
    for words in (["--campaign", second, "--tree", "1"], ["--campaign", twin, "--export", chain.folder / "export"]):
        told = chain.run("seal", *words)
        assert told.returncode == 1 and "is overtaken: another one of telemetry" in told.stderr, told.stderr
    chain.late(third, 1, 1000, DEVICES)
    chain.desk("campaign", "done", third)
    told = chain.run("seal", "--campaign", third, "--tree", "1")
    assert told.returncode == 1 and "is done: it gets no tree" in told.stderr
    assert (chain.folder / "state/book.telemetry").read_bytes() == book
    assert len(chain.outbox()) == 9


def test_more_devices_than_were_approved(chain):
    """A tree that goes beyond `most` is not sealed; and where one lies in the outbox, the others are listed all the same."""
    chain.part(0, 1000)
    first = chain.approve(most=1100)
    chain.bring(first)
    chain.good("run", "--once")
    chain.late(first, 1, 1000, 1100)
    chain.good("run", "--once")
    chain.late(first, 2, 1100, 1101)
    told = chain.run("seal", "--campaign", first, "--tree", "2")
    assert told.returncode == 1 and "1 devices take part, 1100 are in earlier trees, and 1100 were approved" in told.stderr
    outbox = chain.folder / "outbox"
    sheet = (outbox / f"{first}.1.sealed").read_text(encoding="ascii")
    for was, is_ in ((json.loads(sheet)["root"], 64 * "c"), ('"size":100,', '"size":1,'), ('"tree":1', '"tree":2')):
        assert sheet.count(was) == 1
        sheet = sheet.replace(was, is_)
    (outbox / f"{first}.2.sealed").write_text(sheet, encoding="ascii")
    chain.part(0, 1000)
    other = chain.approve(purpose="link")
    chain.good("seal", "--campaign", other, "--export", chain.folder / "export")
    for words, status in ((["publish"], 0), (["publish", "--campaign", first], 1)):
        told = chain.run(*words)
        assert told.returncode == status and "would be for 1101 devices with tree 2, and 1100 were approved" in told.stderr, told.stderr
    chain.desk("publish")
    assert {one["id"]: len(one["trees"]) for one in chain.listed()["campaigns"]} == {first: 2, other: 1}


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
            (["import", "--campaign", ident, "--tree", "1", "--sha256", hashlib.sha256(forged).hexdigest()], bytes(forged), "row 700 was not made by the registry"),
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


STORE = f"""
[officer anna]
key = {ANNA.point.hex()}
[rule storage]
who = desk
scope = sensor
role = keys-store
kinds = campaign
approvals = 1
approvers = anna
"""


def test_storage_takes_its_people(chain):
    """An officer approves the campaign; its list waits for who signs for keys-store, is signed in the vault and comes back, once for tree
    0 and once for its supplement."""
    with open(chain.desk.dir / "signd.ini", "a", encoding="utf-8") as ini:
        ini.write(STORE)
    chain.daemon.process.send_signal(signal.SIGHUP)
    vault = Rota(BUILD, chain.desk.dir.parent / "v")  # short: its daemon has a socket there
    chain.desk("authority", "split", vault.dir)
    chain.part(0, 1000)
    ident = chain.approve(purpose="storage", role="keys-store", officer=ANNA, most=DEVICES)
    chain.bring(ident)
    for tree in range(2):
        told = chain.run("run", "--once")
        assert told.returncode == 0 and "waits for the role's people: rota repo export" in told.stdout, (told.stdout, told.stderr)
        assert [p.name for p in (chain.desk.dir / "staging").glob("*keys-store*")] == ["keys-store.pending"]
        again = chain.run("publish")
        assert again.returncode == 1 and "waits for its people already (rota repo export)" in again.stderr, again.stderr
        bundle = chain.folder / f"bundle-{tree}"
        chain.desk("repo", "export", "--role", "keys-store", bundle)
        vault("repo", "sign", "--yes", bundle)
        chain.desk("repo", "import", bundle)
        chain.desk("publish")
        one, = chain.listed("keys-store")["campaigns"]
        assert (one["id"], one["purpose"], [t["size"] for t in one["trees"]]) == (ident, "storage", [1000, 500][:tree + 1])
        if tree == 0:
            chain.late(ident, 1, 1000, DEVICES)


def test_run_ends_where_a_pin_is_refused(chain):
    """Else it would try it again at each look."""
    chain.ini.write_text(chain.ini.read_text(encoding="utf-8").replace("threads = 2\n", "threads = 2\npoll = 1\n"), encoding="utf-8")
    for generation, name in enumerate(("telemetry", "link"), 1):
        chain.bring(chain.approve(generation=generation, purpose=name))
    (chain.folder / "pin").write_text("0000-of-a-test\n", encoding="ascii")
    logins = chain.counted("logins")
    told = chain.run("run")
    assert told.returncode == 3 and "is not tried again" in told.stderr, told.stderr
    assert chain.counted("logins") == logins + 1


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
