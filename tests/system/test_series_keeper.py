# SPDX-License-Identifier: Apache-2.0
"""A series whose slots a keeper has, each in a token of its own (SPEC 23.3, 23.4, 23.7, 23.9): from the ceremony over openings at
their hour, a landing and the next series, to an emergency; as root the keeper is another user than who publishes."""
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import struct
import subprocess
import tempfile

import pytest

from authority import made, rota  # noqa: F401 - fixtures
from conftest import BUILD, PATIENCE
from test_rota_series import FAKETIME, Series, from_

pytestmark = [
    pytest.mark.plain,  # a sanitizer wants to be the first library that is loaded
    pytest.mark.skipif(not FAKETIME or not shutil.which("softhsm2-util"), reason="faketime or softhsm2 is not here"),
]


class Keeper:
    """rota-signd --keeper with a clock of its own."""

    def __init__(self, series, folder):
        self.series, self.dir = series, folder
        self.child, self.user = None, {}
        self.killed_at = 0  # its durable call; 0: never
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for name in ("store", "kept", "run"):
            (folder / name).mkdir(parents=True)
        (folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder}/store\nobjectstore.backend = file\nlog.level = ERROR\n")
        (folder / "pin").write_text("5f3c-keeper-user-pin\n")
        (folder / "so-pin").write_text("5f3c-keeper-officer-pin\n")
        self.socket = folder / "run/keeper.sock"
        self.ini = folder / "keeper.ini"
        module = re.search(r"^module = (.*)$", (series.rota.dir / "rota.ini").read_text(), re.M).group(1)
        officers = "".join(f"[officer {name}]\nkey = {key}\n\n" for name, key in series.officers.items())
        self.ini.write_text(
            f"[keeper]\ndir = {folder}/kept\nsocket = {self.socket}\nproduct = sensor\nclient = {os.geteuid()}\n\n"
            f"[token]\nmodule = {module}\nlabel = keeper\npin_file = {folder}/pin\nso_pin_file = {folder}/so-pin\n"
            f"environment = SOFTHSM2_CONF={folder}/softhsm2.conf\n\n[emergency]\napprovals = 2\n\n{officers}")
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
            if self.user:
                os.chown(path, self.user["user"], self.user["group"])
        for path in (folder, folder / "run"):
            path.chmod(0o711)
        done = self.run(0, "--make")
        assert done.wait(60 * PATIENCE) == 0, done.stderr.read()

    def run(self, hours, *words):
        return subprocess.Popen(
            [BUILD / "apps/rota-signd/rota-signd", "--keeper", self.ini, *words], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, **self.user,
            env={"PATH": os.environ["PATH"], "TZ": "UTC",
                 **({"LD_PRELOAD": f"{FAKETIME}:{BUILD}/tests/system/libkillat.so", "KILLAT": str(self.killed_at)} if self.killed_at
                    else {"LD_PRELOAD": FAKETIME}),
                 "FAKETIME": self.series.when(hours).strftime("%Y-%m-%d %H:%M:%S"), "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def start(self, hours):
        self.stop()
        self.child = self.run(hours)
        line = self.child.stderr.readline()
        assert "ready" in line, line + self.child.stderr.read()

    def stop(self):
        """What it said."""
        if not self.child:
            return ""
        self.child.terminate()
        said = self.child.communicate(timeout=60 * PATIENCE)[1]
        assert self.child.returncode == 0 or self.killed_at, said
        self.child = None
        return said

    def kept(self, kind):
        return sorted(int(p.name.split(".")[0]) for p in (self.dir / "kept").glob(f"*.{kind}"))


class Kept(Series):
    """The keeper's clock goes with that of who publishes, unless a test says otherwise."""

    def __init__(self, rota):
        super().__init__(rota)
        self.officers = {}

    def tokens(self):
        """Labels of the tokens in the online store."""
        text = subprocess.run(["softhsm2-util", "--show-slots"], cwd=self.rota.dir, capture_output=True, text=True, check=True,
                              env={**os.environ, "SOFTHSM2_CONF": str(self.rota.dir / "tokens/online/softhsm2.conf")}).stdout
        return sorted(x for x in (line.split(":", 1)[1].strip() for line in text.splitlines() if "Label:" in line) if x)

    def folder(self, ending):
        return sorted(int(p.name.split(".")[0]) for p in (self.rota.dir / "series").glob(f"*.{ending}"))

    def at(self, hours, *words, **kinds):
        self.keeper.start(hours)
        return self(hours, *words, **kinds)


@pytest.fixture
def series(rota):
    series = Kept(rota)
    for name in ("anna", "bert"):
        series.officers[name] = officer(series, name)
    folder = tempfile.TemporaryDirectory(prefix="rota-k")  # a socket's path is short
    series.keeper = Keeper(series, pathlib.Path(folder.name))
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text() + f"\n[series]\nkeeper = {series.keeper.socket}\n")
    with folder:
        yield series
        series.keeper.stop()


def officer(series, name):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    series.__dict__.setdefault("secret", {})[name] = key
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


def test_a_life(series):
    """Root 1, three slots of two hours, landing."""
    series.keeper.start(-3)
    series.make(*from_(series))
    assert series.keeper.kept("root") == series.keeper.kept("pin") == [2, 3, 4]
    assert series.kept() == [5] and series.folder("slot.json") == [2, 3, 4]
    assert series.tokens() == ["rota-online", "series-2", "series-3", "series-4"]
    seen = []
    for hours in (-2, -0.5, 0, 0.5, 1.25, 2, 3.25, 4, 6, 7.5):
        series.at(hours, "publish")
        seen.append((hours, *series.client(hours), series.folder("pin"), series.keeper.kept("root"), [t for t in series.tokens() if t.startswith("series-")]))
    three = ["series-2", "series-3", "series-4"]
    assert seen == [
        (-2, 1, 1, 1, [], [2, 3, 4], three),
        (-0.5, 1, 2, 2, [2], [3, 4], three),
        (0, 2, 2, 2, [2], [3, 4], three),
        (0.5, 2, 2, 2, [2], [3, 4], three),
        (1.25, 2, 2, 2, [2, 3], [4], three),
        (2, 3, 2, 2, [2, 3], [4], three),
        (3.25, 3, 2, 2, [3, 4], [], three[1:]),
        (4, 4, 2, 2, [3, 4], [], three[1:]),
        (6, 5, 2, 2, [4], [], three[2:]),
        (7.5, 5, 1, 2, [], [], []),
    ]
    assert series.tokens() == ["rota-free"] * 3 + ["rota-online"]
    store = b"".join(p.read_bytes() for p in (series.rota.dir / "tokens/online/store").rglob("*.object"))
    assert not re.search(rb"(?:snapshot|timestamp)-[234]", store)  # neither half is left
    keys = json.loads(series(7.5, "keys", "list", "--json"))
    assert {k["label"]: k["state"] for k in keys if re.search("-[2-4]$", k["label"])} == {
        f"{role}-{n}": "destroyed" for role in ("snapshot", "timestamp") for n in (2, 3, 4)}
    series.at(7.6, "series", "make", "--slots", 2, "--period", "2h", "--yes")  # in tokens that were used before
    assert series.tokens() == ["rota-free", "rota-online", "series-6", "series-7"]
    series.at(8.6, "publish")
    assert series.client(8.6)[0] == 6


def ask(series, what, version, other=0, rest=b""):
    """A request of whoever may connect: the error, and its sentence."""
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(60 * PATIENCE)
    link.connect(str(series.keeper.socket))

    def frame():
        length = struct.unpack("<I", link.recv(4, socket.MSG_WAITALL))[0]
        return link.recv(length, socket.MSG_WAITALL)
    body = struct.pack("<BQQ", what, version, other) + rest
    link.sendall(struct.pack("<I", len(body)) + body)
    said = frame()
    return said[0], said[1:].decode(), link, frame


def test_not_before_its_hour_and_never_back(series):
    """The keeper goes by its own clock, whatever that of the machine that signs says."""
    series.keeper.start(-3)
    series.make(*from_(series))
    before = {p.name: p.read_bytes() for p in (series.keeper.dir / "kept").iterdir()}
    assert b"PRIVATE" not in b"".join(before.values()) and b"root" not in before["3.root"]
    said = series(0.5, "publish")  # here slot 2 has begun; at the keeper it is three hours before it
    assert "is opened an hour before" in said and "slot 2, which begins at" in said
    assert series.client(0.5)[0] == 1 and series.folder("pin") == []
    assert {p.name: p.read_bytes() for p in (series.keeper.dir / "kept").iterdir()} == before
    series.keeper.start(-1.01)
    assert "slot 2" in series(-1, "publish")
    assert ask(series, 3, 2)[1].startswith("slot 2 begins at")
    series.keeper.start(-0.99)
    assert "slot" not in series(-0.9, "publish")
    assert series.folder("pin") == [2] and series.keeper.kept("pin") == [3, 4]
    assert ask(series, 3, 2)[1].endswith("No such file or directory")  # once
    series.keeper.start(1.2)
    series(1.2, "publish")
    series.keeper.start(1.1)  # the clock went back
    series.keeper.dir.joinpath("kept/opened").exists()
    assert "went back" in ask(series, 3, 4)[1]
    assert "went back" in series(3.1, "publish")
    said = series.keeper.stop()
    assert said.count("went back") == 2


def test_who_is_not_the_client_is_sent_away(series):
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    series.keeper.start(-3)
    series.make(*from_(series))
    code = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
            "s.sendall(b'\\x11\\0\\0\\0\\x03'+bytes([2]+[0]*15)); print(len(s.recv(4)))")
    done = subprocess.run(["python3", "-c", code, series.keeper.socket], user="daemon", capture_output=True, text=True,
                          timeout=60 * PATIENCE, check=False)
    assert done.stdout == "0\n" or "ConnectionResetError" in done.stderr or "BrokenPipe" in done.stderr
    for path in (series.keeper.dir / "kept").iterdir():  # and cannot read what it keeps
        assert path.stat().st_mode & 0o077 == 0 and path.stat().st_uid == series.keeper.user["user"]
    assert "was sent away" in series.keeper.stop()


def test_sealed_files_are_of_one_slot_each(series):
    """Another one's name, a root in a PIN's place, a byte changed: not opened."""
    series.keeper.start(-3)
    series.make(*from_(series))
    kept = series.keeper.dir / "kept"
    real = {name: (kept / name).read_bytes() for name in ("2.root", "2.pin", "3.root", "3.pin")}
    for name, of in (("2.root", "3.root"), ("2.pin", "3.pin"), ("2.root", "2.pin")):
        (kept / name).write_bytes(real[of])
        assert "sealed file of slot 2" in series.at(-0.5, "publish")
        (kept / name).write_bytes(real[name])
    for at in (9, 10, 18, 30, len(real["2.root"]) - 1):
        data = bytearray(real["2.root"])
        data[at] ^= 1
        (kept / "2.root").write_bytes(data)
        assert "slot 2" in series.at(-0.5, "publish") and series.folder("pin") == []
    (kept / "2.root").write_bytes(real["2.root"])
    header = real["3.root"][:10] + struct.pack("<QQ", 2, 0) + real["3.root"][26:]  # slot 3's root as slot 2's, long due
    (kept / "2.root").write_bytes(header)
    assert "not sealed here" in series.at(-0.5, "publish")
    (kept / "2.root").write_bytes(real["2.root"])
    assert "slot" not in series.at(-0.5, "publish")
    assert series.folder("pin") == [2]


def approval(series, name, text, hours=0.4, refuse=False):
    """SPEC 20.1, written from the text."""
    import datetime
    import hashlib
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from authority import canonical
    expires = series.when(hours) + datetime.timedelta(hours=2)
    digest = hashlib.sha256(text).digest()
    signed = b"rota-approval-v1" + digest + struct.pack("<Q", int(expires.timestamp())) + bytes([refuse])
    key = series.secret[name]
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    whole = {"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}
    keyid = hashlib.sha256(canonical(whole).encode()).hexdigest()
    return json.dumps({"_type": "rota-approval", "ask": digest.hex(), "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), "format": 1,
                       "key": keyid, "refuse": refuse, "sig": key.sign(signed, ec.ECDSA(hashes.SHA256())).hex()},
                      separators=(",", ":"), sort_keys=True) + "\n"


def test_an_emergency(series):
    """In the first slot somebody has stolen its keys: two officers open the roots, all is published, and no slot has keys any more."""
    series.keeper.start(-3)
    series.make(*from_(series))
    series.at(0, "publish")
    assert "rota series end --ask" in series(0.5, "series", "end", "--yes", status=1)
    said = series(0.5, "drill", "series", status=1)
    assert "whom a drill does not ask" in said
    shutil.rmtree(re.search(r"copies are in (\S+)", said).group(1))
    assert series.keeper.kept("pin") == [3, 4]
    file = series.rota.dir / "emergency"
    assert "--reason" in series(0.5, "series", "end", "--ask", file, status=2)
    series(0.5, "series", "end", "--ask", file, "--reason", "broken into")
    text = file.read_bytes().rstrip(b"\n")
    one, two = approval(series, "anna", text), approval(series, "bert", text)
    other = approval(series, "bert", text.replace(b"broken", b"br0ken"))
    late = approval(series, "bert", text, hours=-9)
    no = approval(series, "bert", text, refuse=True)
    series.keeper.start(0.5)
    for lines, word in ((one, "1 of 2 officers"), (one + one, "1 of 2 officers"), (one + other, "1 of 2 officers"),
                        (one + late, "1 of 2 officers"), (one + no, "bert refused"), ("", "0 of 2 officers")):
        file.write_bytes(text + b"\n" + lines.encode())
        assert word in series(0.5, "series", "end", "--yes", "--approved", file, status=1)
    assert series.keeper.kept("pin") == [3, 4] and series.kept() == [2, 5]
    wider = text + b"\n" + (one + two).encode()
    assert "officers approved roots 3 to 4" in ask(series, 5, 3, 9, wider)[1]
    file.write_bytes(wider)
    assert "root 6" in series(0.5, "series", "end", "--yes", "--approved", file)
    assert series.keeper.kept("pin") == [] and series.kept() == [2, 3, 4, 5, 6]
    assert [row["state"] for row in json.loads(series(0.6, "series", "show", "--json"))][1:] == \
        ["ending", "skipped", "skipped", "skipped", "signed"]
    series(0.6, "publish")
    assert series.client(0.6) == (6, 2, 2)
    series(1.7, "publish")
    assert series.client(1.7)[:2] == (6, 1)
    assert series.kept() == [] and series.folder("pin") == []
    assert "series-2" not in series.tokens()  # the others' PINs exist no longer


def test_the_keeper_is_silent(series):
    """Publishing goes on with the slot at hand, and says so, louder and louder; then the keeper is back."""
    series.keeper.start(-3)
    series.make(*from_(series))
    series.at(0, "publish")
    series.keeper.stop()
    for hours, word in ((1.5, "slot 3"), (2.5, "slot 3"), (2.9, "slot 3")):
        said = series(hours, "publish")
        assert "does not answer" in said and word in said
        assert series.client(hours)[:2] == (2, 1)
    rows = {r["version"]: r for r in json.loads(series(2.9, "series", "show", "--json").split("\nrota:")[0])}
    assert (rows[2]["state"], rows[3]["state"], rows[3]["signs"]) == ("ending", "sealed", False)
    said = series(3.2, "publish", status=1)  # an hour behind the end nobody signs any more
    assert "no root has its turn" in said
    assert "ALARM" in series(3.2, "series", "show")
    series.at(3.3, "publish")
    assert series.client(3.3)[0] == 3
    assert series.folder("pin") == [3, 4]


def test_a_ceremony_that_was_cut_off(series):
    """Nobody said yes, or the keeper went away: what was made of tokens is used again."""
    series.keeper.start(-3)
    assert "at the terminal" in series(-3, "series", "make", "--slots", 3, "--period", "2h", *from_(series), status=1)
    assert series.keeper.kept("pin") == [2, 3, 4] and series.keeper.kept("root") == []
    series.make(*from_(series))
    assert series.keeper.kept("root") == [2, 3, 4]
    assert series.tokens() == ["rota-online", "series-2", "series-3", "series-4"]
    assert "has a root here" in ask(series, 4, 2)[1]  # from now on its hour counts
    series.at(0, "publish")
    assert series.client(0)[0] == 2


def test_no_keeper_no_series(series):
    assert "does not answer" in series.make(*from_(series), status=1)
    assert series.folder("slot.json") == [] and series.tokens() == ["rota-online"]


def test_people_elsewhere_sign_it(series, tmp_path):
    """A file goes to two vaults, each with a token of root, and its copies come back (SPEC 23.2)."""
    series.rota("authority", "split", tmp_path / "vault")
    vaults = []
    for name, gone in (("anna", ("root-2", "root-3")), ("bert", ("root-1", "root-3"))):
        vaults.append(Vault(series, shutil.copytree(tmp_path / "vault", tmp_path / name)))
        for token in gone:
            shutil.rmtree(tmp_path / name / "tokens" / token)
    anna, bert = vaults
    series.keeper.start(-3)
    file = tmp_path / "series.file"
    said = series(-3, "series", "prepare", "--slots", 3, "--period", "2h", *from_(series), file)
    mark = re.search(r"fingerprint (\S{24})", said).group(1)
    assert series.kept() == [] and series.keeper.kept("pin") == [2, 3, 4] and series.keeper.kept("root") == []
    copies = [shutil.copy(file, tmp_path / name) for name in ("a", "b", "c")]
    assert "must be signed by further people" in series(-2, "series", "finish", file, status=1)
    assert "not what was read aloud" in anna(-2, "sign", "--yes", "--fingerprint", "0" * 20, copies[0], status=1)
    assert "needs --fingerprint" in anna(-2, "sign", "--yes", copies[0], status=2)
    refused(anna, json.loads(file.read_text()), tmp_path / "bad", mark)
    said = anna(-2, "sign", "--yes", "--fingerprint", mark, copies[0])
    assert "roots 2 to 5" in said and said.count("\n") >= 8 and "further people" in said
    lines = [json.loads(line) for line in (anna.dir / "signed").read_text().splitlines()]
    assert [(x["role"], x["version"]) for x in lines] == [("root", 2), ("series", 5)]
    assert "no token at hand" in anna(-2, "sign", "--yes", "--fingerprint", mark, copies[0], status=1)
    assert "further people" in bert(-2, "sign", "--yes", "--fingerprint", mark, copies[1])
    for one in copies[:2]:
        assert "further people" in series(-2, "series", "finish", one, status=1)
    series(-2, "series", "finish", *copies[:2])
    assert series.kept() == [5] and series.keeper.kept("root") == [2, 3, 4]
    assert "signed meanwhile" in series(-2, "series", "finish", *copies[:2], status=1)
    series.at(0, "publish")
    assert series.client(0) == (2, 2, 2)
    # another series of these versions: this machine has signed one
    whole = json.loads(pathlib.Path(copies[2]).read_text())
    for envelope in whole["roots_next"]:
        envelope["signed"]["x-rota-issued"] = series.when(-2.9).strftime("%Y-%m-%dT%H:%M:%SZ")
    pathlib.Path(copies[2]).write_text(json.dumps(whole, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
    assert "signed another root 2" in anna(-2, "sign", "--yes", "--fingerprint", mark, copies[2], status=1)
    # the next one, behind a landing root that waits; those between are sealed
    said = series(1, "series", "prepare", "--slots", 2, "--period", "2h", file)
    mark = re.search(r"fingerprint (\S{24})", said).group(1)
    for vault in vaults:
        vault(1.1, "sign", "--yes", "--fingerprint", mark, file)
    series(1.2, "series", "finish", file)
    assert series.keeper.kept("root") == [3, 4, 6, 7]


class Vault:
    def __init__(self, series, folder):
        self.series, self.dir = series, pathlib.Path(folder)

    def __call__(self, hours, *words, **kinds):
        rota, self.series.rota = self.series.rota, self
        self.program = rota.program
        try:
            return self.series(hours, "series", *words, **kinds)
        finally:
            self.series.rota = rota


def refused(vault, whole, path, mark):
    """What a machine of root's people does not sign."""
    def edit(change):
        copy = json.loads(json.dumps(whole))
        change(copy)
        path.write_text(json.dumps(copy, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
        return vault(-2, "sign", "--yes", "--fingerprint", mark, path, status=1)
    assert "another repository" in edit(lambda w: w.update(anchor="0" * 64))
    assert "of product actor" in edit(lambda w: w.update(product="actor"))
    assert "changes more than" in edit(lambda w: w["roots_next"][1]["signed"]["roles"]["root"].update(threshold=1))
    assert "changes more than" in edit(lambda w: w["roots_next"][2]["signed"].update(more=1))
    assert "follows root" in edit(lambda w: w["roots_next"].pop(1))
    assert "not what a series file holds" in edit(lambda w: w.update(more=1))
    assert "not what a series file holds" in edit(lambda w: w["roots_next"][0].update(more=1))
    assert "another format" in edit(lambda w: w.update(format=2))
    wrong = {"keyid": whole["roots_next"][0]["signed"]["roles"]["root"]["keyids"][0], "sig": "3006020101020101"}
    assert "does not verify" in edit(lambda w: w["roots_next"][3]["signatures"].append(wrong))
    assert "'before'" in edit(lambda w: w.update(before=w["roots_next"][3]))
