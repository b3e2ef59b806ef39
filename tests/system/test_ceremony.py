# SPDX-License-Identifier: Apache-2.0
"""Ceremonies of people who have each a machine, a user and a token of their own, and of what they carry between them."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from airgap import made  # noqa: F401 - a fixture
from authority import Client, Rota
from conftest import BUILD, PATIENCE

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

FIRST_USER = 61200  # nobody's: as root each person is another user


class Person:
    """A vault with one token of each kind, which its user alone can read."""

    def __init__(self, made, base, number):
        self.number = number
        self.user = FIRST_USER + number if os.geteuid() == 0 else None
        self.home = base / f"person-{number}"
        self.dir = self.home / "vault"
        shutil.copytree(made / "vault", self.dir)
        for token in (self.dir / "tokens").iterdir():
            if not (token.name.endswith(f"-{number}") or (number == 1 and token.name == "officer")):
                shutil.rmtree(token)
        self.own(self.home)

    def own(self, path):
        if self.user is None:
            return
        for one in [path, *path.rglob("*")]:
            os.chown(one, self.user, self.user)
        os.chmod(path, 0o700)

    def rota(self, *args, status=0):
        more = {"user": self.user, "group": self.user, "extra_groups": []} if self.user is not None else {}
        done = subprocess.run([BUILD / "apps/rota/rota", "--dir", self.dir, *map(str, args)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120 * PATIENCE, check=False, cwd=self.home, **more)
        assert done.returncode == status, (args, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def take(self, folder):
        """The folder comes by stick: a copy that is this person's."""
        mine = self.home / "stick"
        shutil.rmtree(mine, ignore_errors=True)
        shutil.copytree(folder, mine)
        self.own(mine)
        return mine

    def sign(self, folder, fingerprint, *more, status=0):
        mine = self.take(folder)
        text = self.rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, *more, mine, status=status)
        if status == 0:
            assert f"fingerprint {fingerprint}\n" in text
        return mine if status == 0 else text

    def setting(self, old, new):
        ini = self.dir / "rota.ini"
        text = ini.read_text()
        assert old in text
        ini.write_text(text.replace(old, new))

    def new_key(self, token, label, use):
        out = self.home / f"{label}.pem"
        self.rota("keys", "make", "--token", token, "--label", label, "--use", use, "--out", out)
        return out


@pytest.fixture
def scene(made):
    with tempfile.TemporaryDirectory(prefix="rota-ceremony-") as base:
        os.chmod(base, 0o755)
        base = Path(base)
        shutil.copytree(made / "online", base / "online")
        yield Rota(BUILD, base / "online"), [Person(made, base, n) for n in (1, 2, 3)], base


def prepare(online, folder, *what, status=0):
    if status:
        return online("ceremony", "prepare", *what, folder, status=status)
    said = json.loads(online("ceremony", "prepare", "--json", *what, folder))
    return said["fingerprint"], {p["role"]: p["version"] for p in said["parts"]}


def keyids(client, role):
    if role in client.root["roles"]:
        return client.root["roles"][role]["keyids"]
    return next(r["keyids"] for r in client.targets["delegations"]["roles"] if r["name"] == role)


def kept(online, fingerprint):
    return [json.loads(line) for line in (online.dir / "ceremonies" / fingerprint).read_text().splitlines()]


@pytest.mark.smoke
def test_yearly(scene):
    """Everything that people sign; each has a copy of the folder, nobody sees another's store."""
    online, people, base = scene
    fingerprint, parts = prepare(online, base / "f", "--yearly", "--reason", "the year is over")
    assert parts == {"root": 2, "targets": 2, "releases": 2, "keys-store": 2, "retirements": 2}
    assert re.fullmatch("([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}", fingerprint)
    if os.geteuid() == 0:
        theirs = subprocess.run(["cat", people[1].dir / "rota.ini"], user=people[0].user, capture_output=True, check=False)
        assert theirs.returncode == 1
    one, two = people[0].sign(base / "f", fingerprint), people[2].sign(base / "f", fingerprint)
    assert "signed by" in online("ceremony", "show", one)
    assert "has 1 of 2 signatures" in online("ceremony", "finish", one, status=1)
    text = online("ceremony", "finish", one, two)
    assert f"fingerprint {fingerprint}: finished" in text
    client = Client(online.dir / "repo").refresh()
    assert (client.root["version"], client.targets["version"]) == (2, 2)
    lines = kept(online, fingerprint)
    assert [line["did"] for line in lines] == ["prepared", "signed", "signed", "finished"]
    assert len(lines[3]["before"]) == 2 and lines[0]["reason"] == "the year is over"
    assert {k["role"] for k in lines[1]["keys"]} == set(parts)  # the first has the officer's token too
    assert {k["role"] for k in lines[2]["keys"]} == set(parts) - {"keys-store"}
    assert "0 wrong" in online("repo", "verify")
    online("ceremony", "finish", one, two)  # again changes nothing
    assert kept(online, fingerprint) == lines


def test_a_lost_key(scene):
    """The two who are left name the third one's new key; the old one counts for nothing afterwards."""
    online, people, base = scene
    before = Client(online.dir / "repo").refresh()
    lost = json.loads(online("keys", "list", "--json"))
    lost = next(k["id"] for k in lost if k["uses"] == "root" and k["token"] == "root-2")
    online("keys", "retire", "--compromised", "--reason", "lost on a train", lost)
    new = people[1].new_key("targets-2", "root-new", "root")  # some token that is there
    fingerprint, parts = prepare(online, base / "f", "--replace", f"{lost[:12]}={new}", "--reason", "lost")
    assert parts == {"root": 2}
    folder = people[2].sign(people[0].sign(base / "f", fingerprint), fingerprint)
    online("ceremony", "finish", folder)
    after = Client(online.dir / "repo").refresh()
    assert set(keyids(before, "root")) - set(keyids(after, "root")) == {lost} and len(keyids(after, "root")) == 3
    state = {k["id"]: k for k in json.loads(online("keys", "list", "--json"))}
    assert state[lost]["state"] == "compromised" and not state[lost]["named"]
    (added,) = set(keyids(after, "root")) - set(keyids(before, "root"))
    assert state[added]["state"] == "active"
    # the new key signs the next one, the lost one does not
    for person in people:
        person.setting("root-2:root ", "targets-2x:root-new ")
        person.setting("[role root]", "[token targets-2x]\nmodule = " + module(person) + "\nlabel = rota-targets-2\n"
                       "pin_file = tokens/targets-2/pin\nenvironment = SOFTHSM2_CONF=tokens/targets-2/softhsm2.conf\n\n"
                       "[role root]")
    fingerprint, _ = prepare(online, base / "g", "--role", "root")
    folder = people[1].sign(people[0].sign(base / "g", fingerprint), fingerprint)
    online("ceremony", "finish", folder)
    assert Client(online.dir / "repo").refresh().root["version"] == 3


def module(person):
    return re.search("^module = (.*)$", (person.dir / "rota.ini").read_text(), re.M).group(1)


def test_people_of_a_delegated_role(scene):
    """Targets name the new person; the role's own file is signed under the new keys in the same ceremony."""
    online, people, base = scene
    old = keyids(Client(online.dir / "repo").refresh(), "releases")
    new = people[0].new_key("releases-1", "releases-new", "releases")
    fingerprint, parts = prepare(online, base / "f", "--replace", f"{old[2]}={new}")
    assert parts == {"targets": 2, "releases": 2}
    folder = people[1].sign(people[0].sign(base / "f", fingerprint), fingerprint)
    online("ceremony", "finish", folder)
    now = keyids(Client(online.dir / "repo").refresh(), "releases")
    assert now[:2] == old[:2] and now[2] not in old
    another = people[0].new_key("releases-1", "releases-b", "releases")
    assert "is none that people sign" in prepare(online, base / "g", "--replace", f"{old[2]}={another}", status=1)
    assert "is active already" in prepare(online, base / "g", "--replace", f"{old[1]}={new}", status=1)


def test_a_threshold_up_and_down(scene):
    online, people, base = scene
    fingerprint, parts = prepare(online, base / "up", "--threshold", "root=3")
    assert parts == {"root": 2}
    text = people[0].sign(base / "up", fingerprint, status=1)
    assert "it would give role root the threshold 3 of 3" in text
    accept = ("--accept-threshold", "root=3")
    folder = people[1].sign(people[0].sign(base / "up", fingerprint, *accept), fingerprint, *accept)
    assert "role root has 2 of 3 signatures" in online("ceremony", "finish", *accept, folder, status=1)
    folder = people[2].sign(folder, fingerprint, *accept)
    assert "threshold" in online("ceremony", "finish", folder, status=1)  # this rota.ini says 2, too
    assert "next: root: set threshold = 3" in online("ceremony", "finish", *accept, folder)
    assert Client(online.dir / "repo").refresh().root["roles"]["root"]["threshold"] == 3
    done = subprocess.run([online.program, "--dir", online.dir, "doctor", "--online-only"], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 1 and "demand 3 signatures, [role root] of rota.ini says 2" in done.stdout
    for rota in (online, *people):
        text = (rota.dir / "rota.ini").read_text()
        (rota.dir / "rota.ini").write_text(re.sub(r"(\[role root\]\nsigners = .*\nthreshold = )2", r"\g<1>3", text))
    assert "nothing is wrong" in online("doctor", "--online-only")
    fingerprint, _ = prepare(online, base / "down", "--threshold", "root=2")
    accept = ("--accept-threshold", "root=2")
    folder = people[1].sign(people[0].sign(base / "down", fingerprint, *accept), fingerprint, *accept)
    assert "2 of 3 signatures" in online("ceremony", "finish", *accept, folder, status=1)  # the old ones count yet
    folder = people[2].sign(folder, fingerprint, *accept)
    online("ceremony", "finish", *accept, folder)
    assert Client(online.dir / "repo").refresh().root["roles"]["root"]["threshold"] == 2
    assert "would not be signed by people" in prepare(online, base / "x", "--threshold", "timestamp=1", status=1)
    assert "is not ROLE=N" in prepare(online, base / "x", "--threshold", "root=9", status=1)


def test_another_bundle_has_another_fingerprint(scene):
    """Whoever exchanges what is signed is heard; so is who writes the transcript anew."""
    online, people, base = scene
    assert "not UTF-8" in online("ceremony", "prepare", "--role", "root", "--reason", os.fsdecode(b"\xff"), base / "f", status=1)
    fingerprint, _ = prepare(online, base / "f", "--role", "root")
    os.rename(base / "f", base / "good")
    subprocess.run(["sleep", "1.1"], check=True)  # other times
    other, _ = prepare(online, base / "f", "--role", "root")
    assert other != fingerprint
    assert "not what was read aloud" in people[0].sign(base / "f", fingerprint, status=1)
    shutil.copy(base / "good" / "transcript", base / "f" / "transcript")
    assert "it was exchanged" in people[0].sign(base / "f", other, status=1)
    assert "it was exchanged" in online("ceremony", "show", base / "f", status=1)
    folder = people[1].sign(people[0].sign(base / "good", fingerprint), fingerprint)
    lines = (folder / "transcript").read_text().splitlines(True)
    for bad in (lines[:1] + lines[2:], [lines[0], lines[1].replace('"role":"root"', '"role":"toor"'), lines[2]]):
        (folder / "transcript").write_text("".join(bad))
        assert "transcript" in online("ceremony", "finish", folder, status=1)
    (folder / "transcript").write_text("".join(lines))
    online("ceremony", "finish", folder)
    people[0].rota("ceremony", "sign", "--yes", base / "good", status=2)  # nobody compared


def written_anew(folder, edit):
    """All lines of a transcript as somebody would write them who changes the first and makes the others follow."""
    now, lines = {}, []
    for text in (folder / "transcript").read_text().splitlines():
        line = json.loads(text)
        line["before"] = [now[digest] for digest in line["before"]]
        if not lines:
            edit(line)
        lines.append(json.dumps(line, sort_keys=True, separators=(",", ":")))
        now[hashlib.sha256(text.encode()).hexdigest()] = hashlib.sha256(lines[-1].encode()).hexdigest()
    (folder / "transcript").write_text("".join(line + "\n" for line in lines))


@pytest.mark.parametrize("edit", [lambda first: first.pop("reason"), lambda first: first.pop("parts"),
                                  lambda first: first.update(purpose=1)])
def test_a_first_line_that_says_too_little(scene, edit):
    """It is refused before anything is published: the log is told what stands there."""
    online, people, base = scene
    fingerprint, _ = prepare(online, base / "f", "--role", "root")
    for who in people[:2]:
        mine = who.take(base / "f")
        who.rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, mine)
        shutil.copytree(mine, base / "f", dirs_exist_ok=True)
    written_anew(base / "f", edit)
    before = sorted(p.name for p in (online.dir / "repo/metadata").iterdir())
    assert "first line" in online("ceremony", "finish", base / "f", status=1)
    assert sorted(p.name for p in (online.dir / "repo/metadata").iterdir()) == before


def test_what_was_carried_does_not_move_the_cursor(scene):
    """A line that somebody on the way wrote is shown, and obeyed by no terminal."""
    online, _, base = scene
    prepare(online, base / "f", "--role", "root")
    transcript = base / "f" / "transcript"
    first = transcript.read_text()
    evil = "\x1b[2J\u009b2J"
    line = {"at": evil, "before": [hashlib.sha256(first.rstrip("\n").encode()).hexdigest()], "did": evil, "host": evil,
            "keys": [{"key": evil, "label": evil, "owner": evil, "role": evil, "token": evil}], "user": evil}
    transcript.write_text(first + json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")
    said = online("ceremony", "show", base / "f")
    assert "?[2J" in said and said.isascii() and "\x1b" not in said


@pytest.mark.plain  # a sanitizer wants to be the first library that is loaded
def test_signing_is_completed(scene):
    """Cut off behind a signature or before its line: the next run writes what is missing, once."""
    online, people, base = scene
    fingerprint, _ = prepare(online, base / "f", "--role", "root")
    who, cut = people[0], 0
    program = [BUILD / "apps/rota/rota", "--dir", who.dir, "ceremony", "sign", "--yes", "--fingerprint", fingerprint]
    for call in range(1, 100, 3):
        mine = who.take(base / "f")
        done = subprocess.run([*program, mine], capture_output=True, timeout=120 * PATIENCE, check=False, cwd=who.home,
                              env={**os.environ, "KILLAT": str(call),
                                   "LD_PRELOAD": str(BUILD / "tests/system/libkillat.so")},
                              **({"user": who.user, "group": who.user, "extra_groups": []} if who.user else {}))
        if done.returncode == 0:
            break
        cut += 1
        told = who.rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, mine,
                        status=1 if (mine / "transcript").read_text().count('"signed"') else 0)
        assert "rota: signed" in told or "no token at hand" in told
        lines = [json.loads(line) for line in (mine / "transcript").read_text().splitlines()]
        assert [line["did"] for line in lines] == ["prepared", "signed"] and len(lines[1]["keys"]) == 1
        bundle = json.loads((mine / "bundle").read_text())
        assert len(bundle["parts"][0]["signatures"]) == 1
    assert cut > 2


@pytest.mark.plain  # a sanitizer wants to be the first library that is loaded
def test_finish_is_completed(scene):
    """Cut off at every fifth durable call; the next run ends it, with one transcript."""
    online, people, base = scene
    fingerprint, _ = prepare(online, base / "f", "--role", "root", "--role", "targets")
    folder = people[1].sign(people[0].sign(base / "f", fingerprint), fingerprint)
    kept_state = base / "before"
    shutil.copytree(online.dir, kept_state)
    cut = 0
    for call in range(1, 400, 5):
        shutil.rmtree(online.dir)
        shutil.copytree(kept_state, online.dir)
        done = subprocess.run([online.program, "--dir", online.dir, "ceremony", "finish", folder],
                              env={**os.environ, "LD_PRELOAD": str(BUILD / "tests/system/libkillat.so"),
                                   "KILLAT": str(call)},
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 0:
            break
        cut += 1
        online("ceremony", "finish", folder)
        assert [line["did"] for line in kept(online, fingerprint)] == ["prepared", "signed", "signed", "finished"]
        assert Client(online.dir / "repo").refresh().root["version"] == 2
    assert cut > 10
