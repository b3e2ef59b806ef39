# SPDX-License-Identifier: Apache-2.0
"""rota audit: logs that Python made from the texts of C2SP (tlog.py), and each way in which one can be false."""
import json
import os
import re
import shutil
import struct
import subprocess

import pytest

import tlog
from conftest import BUILD, PATIENCE

pytestmark = pytest.mark.smoke
ROTA = BUILD / "apps/rota/rota"
PATH = b"releases/sensor/1.2.0/release.json"


def rota(*words, statuses=(0, 1)):
    done = subprocess.run([ROTA, "audit", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60 * PATIENCE, check=False)
    assert done.returncode in statuses, done.stderr
    return done


class Place:
    """A published log of `count` entries below `folder`, and whom to believe."""

    def __init__(self, folder, count, witnesses=0, need=0):
        self.folder, self.log = folder / "log", tlog.Log()
        self.witnesses = [tlog.Key(f"w{n}.rota.invalid", True) for n in range(witnesses)]
        self.log.entries = [tlog.leaf(tlog.GRANTED, version=n) for n in range(count)]
        self.policy = folder / "policy"
        lines = [f"log {self.log.key.vkey}"] + [f"witness w{n} {w.vkey}" for n, w in enumerate(self.witnesses)]
        if need:
            lines += [f"group all-of-them {need} " + " ".join(f"w{n}" for n in range(witnesses)), "quorum all-of-them"]
        self.policy.write_text("# whom to believe\n\n" + "\n".join(lines) + "\n")
        self.publish()

    def publish(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.log.publish(self.folder)

    def verify(self, *words):
        return rota("verify", "--policy", self.policy, *words, self.folder)

    def refused(self, *words):
        done = self.verify(*words)
        assert done.returncode == 1 and done.stdout == "", done.stdout
        assert done.stderr.startswith("rota: ") and done.stderr.count("\n") == 1
        return done.stderr


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 700])
def test_a_whole_log_is_good(tmp_path, count):
    place = Place(tmp_path, count)
    done = place.verify()
    assert (done.returncode, done.stdout) == (0, f"good: {count} entries, 0 witnesses\n"), done.stderr
    told = json.loads(place.verify("--json").stdout)
    assert told == {"entries": count, "good": True, "root": tlog.root(place.log.hashes()).hex(), "witnesses": 0}


def bundle(place, n, width, change):
    name = place.folder / tlog.path("entries", n, width)
    data, entries = name.read_bytes(), []
    while data:
        size = struct.unpack(">H", data[:2])[0]
        entries.append(data[2:2 + size])
        data = data[2 + size:]
    name.write_bytes(b"".join(struct.pack(">H", len(e)) + e for e in change(entries)))


@pytest.mark.parametrize("change, first", [
    (lambda e: e[:40] + [tlog.leaf(tlog.GRANTED, version=77)] + e[41:], 256 + 40),
    (lambda e: e[:40] + e[41:], 256 + 40),
    (lambda e: e[:40] + [e[41], e[40]] + e[42:], 256 + 40),
    (lambda e: e[:40] + [e[39]] + e[40:], 256 + 40),
    (lambda e: e[:-1], 256 + 43),
    (lambda e: e[:7] + [b"x"] + e[8:], 256 + 7),
], ids=["changed", "removed", "reordered", "put in", "cut", "no entry"])
def test_an_entry_that_is_another_is_named(tmp_path, change, first):
    place = Place(tmp_path, 300)
    bundle(place, 1, 44, change)
    assert f"entry {first}: " in place.refused()
    done = place.verify("--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["entry"] == first and not told["good"]


@pytest.mark.parametrize("change", ["changed", "removed", "reordered"])
def test_tiles_that_were_made_to_fit_do_not_help(tmp_path, change):
    place = Place(tmp_path, 300)
    signed = (place.folder / "checkpoint").read_bytes()
    (tmp_path / "head").write_text(place.log.checkpoint(100))
    entries = place.log.entries
    if change == "changed":
        entries[200] = tlog.leaf(tlog.GRANTED, version=9999)
    elif change == "removed":
        entries.pop(200)
        entries.append(tlog.leaf(tlog.GRANTED, version=300))
    else:
        entries[200], entries[201] = entries[201], entries[200]
    place.publish()
    (place.folder / "checkpoint").write_bytes(signed)
    assert "entry 0: from here on" in place.refused()
    # an earlier head that was right says that it is after that
    assert "entry 100: from here on" in place.refused("--head", tmp_path / "head")


def test_each_tile_is_compared(tmp_path):
    place = Place(tmp_path, 600)
    for name, what in ((tlog.path(0, 1), "entry 256"), (tlog.path(0, 2, 88), "entry 512"), (tlog.path(1, 0, 2), "entry 0")):
        file = place.folder / name
        was = file.read_bytes()
        file.write_bytes(bytes([was[0] ^ 1]) + was[1:])
        assert f"{what}: " in place.refused()
        file.unlink()
        assert name in place.refused() or "tile of entries" in place.refused()
        file.write_bytes(was)
    assert place.verify().returncode == 0


def test_a_log_that_is_two_logs_or_went_back(tmp_path):
    place = Place(tmp_path, 300)
    fork, earlier, later = tmp_path / "fork", tmp_path / "earlier", tmp_path / "later"
    other = place.log.hashes()
    other[3] = tlog.leaf_hash(b"another")
    fork.write_text(place.log.checkpoint(of=other))
    assert "two heads of size 300" in place.refused("--head", fork)
    earlier.write_text(place.log.checkpoint(of=other[:290]))
    assert "no beginning of this log" in place.refused("--head", earlier)
    later.write_text(place.log.checkpoint(of=place.log.hashes() + [tlog.leaf_hash(b"one more")]))
    assert "entries were taken away" in place.refused("--head", later)
    good = [tmp_path / f"head-{n}" for n in (0, 1, 255, 256, 300)]
    for head in good:
        head.write_text(place.log.checkpoint(int(head.name[5:])))
    words = [w for head in good for w in ("--head", head)]
    assert place.verify(*words).returncode == 0


def test_two_heads_of_one_size_among_those_that_were_kept(tmp_path):
    place = Place(tmp_path, 30)
    other = place.log.hashes(20)
    other[19] = tlog.leaf_hash(b"another")
    (tmp_path / "a").write_text(place.log.checkpoint(20))
    (tmp_path / "b").write_text(place.log.checkpoint(of=other))
    assert "two heads of size 20" in place.refused("--head", tmp_path / "a", "--head", tmp_path / "b")


def test_who_signed_the_checkpoint(tmp_path):
    place = Place(tmp_path, 20, witnesses=3, need=2)
    checkpoint = place.folder / "checkpoint"
    assert "0 of the 2 witnesses" in place.refused()
    checkpoint.write_text(place.log.checkpoint(witnesses=[place.witnesses[0]] * 2))
    assert "1 of the 2 witnesses" in place.refused()
    checkpoint.write_text(place.log.checkpoint(witnesses=place.witnesses[1:]))
    assert place.verify().stdout == "good: 20 entries, 2 witnesses\n"
    stranger = tlog.Log()
    checkpoint.write_text(checkpoint.read_text() + stranger.key.line("x"))
    assert place.verify().returncode == 0, "a line of an unknown key says nothing"
    text = place.log.text()
    checkpoint.write_text(text + "\n" + "".join(w.line(text) for w in place.witnesses))
    assert "no log that is known signed it" in place.refused()
    checkpoint.write_text(text + "\n" + place.log.key.line(text + "x"))
    assert "does not verify" in place.refused()


@pytest.mark.parametrize("line, reason", [
    ("log x", "no key of a log"), ("witness a", "witness NAME VKEY"), ("group g 1 nobody", "no witness 'nobody'"),
    ("quorum nobody", "no witness 'nobody'"), ("trust everybody", "a line begins with"), ("log {log}", "nobody counts twice"),
    ("witness a {log}", "the key is a log's"), ("log {log}x", "no key of a log"), ("log {wrong}", "its id is"),
])
def test_a_policy_that_is_none(tmp_path, line, reason):
    place = Place(tmp_path, 1)
    vkey = place.log.key.vkey
    wrong = re.sub(r"\+[0-9a-f]{8}\+", "+00000000+", vkey)
    with place.policy.open("a") as f:
        f.write(line.format(log=vkey, wrong=wrong) + "\n")
    said = place.refused()
    assert reason in said and "policy:4" in said


def test_what_is_not_there(tmp_path):
    place = Place(tmp_path, 1)
    os.unlink(place.folder / "checkpoint")
    assert "checkpoint" in place.refused()
    os.unlink(place.policy)
    assert "policy" in place.refused()


def test_a_proof_is_what_c2sp_says(tmp_path):
    place = Place(tmp_path, 700, witnesses=2, need=1)
    digest = tlog.sha(b"first")
    place.log.entries[300] = tlog.leaf(tlog.RELEASE, PATH, digest)
    place.log.entries[301] = tlog.leaf(6, PATH, tlog.sha(b"refused"))
    place.log.entries[690] = tlog.leaf(tlog.RELEASE, PATH, tlog.sha(b"second"))
    place.publish()
    words = ["prove", "--policy", place.policy, "--target", PATH.decode()]
    assert "0 of the 1 witnesses" in rota(*words, place.folder).stderr
    signed = place.log.checkpoint(witnesses=place.witnesses)
    (place.folder / "checkpoint").write_text(signed)
    for index, more, of in ((690, [], tlog.sha(b"second")), (300, ["--sha256", digest.hex()], digest)):
        done = rota(*words, *more, place.folder)
        path = place.folder / f"proofs/{of.hex()}.tlog-proof"
        assert done.stdout == f"{path}\n", done.stderr
        want = place.log.proof(index).split("\n\n", 1)[0] + "\n\n" + signed
        assert path.read_text() == want
    assert "has no entry" in rota(*words, "--sha256", tlog.sha(b"refused").hex(), place.folder).stderr
    (place.folder / tlog.path(0, 2, 188)).write_bytes(bytes(188 * 32))
    assert "rota audit verify" in rota(*words, place.folder).stderr


def test_entries_are_shown(tmp_path):
    place = Place(tmp_path, 3)
    place.log.entries += [tlog.leaf(tlog.RELEASE, PATH, tlog.sha(b"x"), at=1_700_000_000, version=7),
                          tlog.leaf(250, role=b"later")]
    place.publish()
    words = ["show", "--policy", place.policy]
    lines = rota(*words, place.folder).stdout.splitlines()
    assert len(lines) == 5
    assert lines[3].split() == ["3", "2023-11-14T22:13:20Z", "release", "sensor", "releases", "version", "7", PATH.decode(),
                                "sha256", tlog.sha(b"x").hex()[:16]]
    assert " unknown " in lines[4]
    for more, count in ((["--target", PATH.decode()], 1), (["--role", "later"], 1), (["--kind", "granted"], 3),
                        (["--since", "2024-01-01T00:00:00Z"], 4)):
        got = [json.loads(line) for line in rota(*words, "--json", *more, place.folder).stdout.splitlines()]
        assert len(got) == count, more
    told = json.loads(rota(*words, "--json", "--kind", "release", place.folder).stdout)
    assert told == {"at": "2023-11-14T22:13:20Z", "digest": tlog.sha(b"x").hex(), "index": 3, "kind": "release",
                    "path": PATH.decode(), "role": "releases", "scope": "sensor", "version": 7}
    none = rota(*words, "--role", "nobody", place.folder)
    assert none.stdout == "" and "no such entry" in none.stderr
    rota(*words, "--kind", "granten", place.folder, statuses=(2,))
