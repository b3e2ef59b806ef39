# SPDX-License-Identifier: Apache-2.0
"""What rota-tuf has on disk: files of any length and spelling, and files that were damaged or planted there."""
import fcntl
import json
import os

import pytest

from tufclient import make  # noqa: F401
from tufrepo import Key, canonical

MIB = 1 << 20


# ---- length and spelling ----

@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "versions"])
def test_a_canonical_file_may_be_longer_than_what_is_respelled(make, hashes, consistent):
    repo, server, client = make(spelled_canonically=True, list_hashes=hashes, consistent=consistent)
    repo.md["targets"]["x-pad"] = "x" * (17 * MIB)
    repo.delegate("targets", "bin", Key("rsa"), paths=["*"])
    repo.md["bin"]["x-pad"] = "x" * (17 * MIB)
    repo.add_target("bin", "file", b"it")
    repo.publish()
    client.good(client.download("file"))
    assert (client.dir / "bin.json").stat().st_size > 17 * MIB
    assert len(server.asked) == len(set(server.asked)) == 6
    client.good(client.download("file"))
    assert len(server.asked) == 2


def test_what_must_be_respelled_is_at_most_16_mib(make):
    repo, server, client = make()
    repo.md["targets"]["x-pad"] = "x" * (16 * MIB)
    repo.publish()
    client.refused(client.refresh(), "1.targets.json", "not canonical, and longer than the 16777216 bytes")
    assert client.trusted() == {"root.json": 1, "snapshot.json": 2, "timestamp.json": 2}
    # to its last byte, and asked for once
    repo.md["targets"]["x-pad"] = ""
    repo.md["targets"]["x-pad"] = "x" * (16 * MIB - len(repo.envelope("targets")) - 8)
    repo.publish()
    assert 16 * MIB - 20 <= len(repo.files["metadata/1.targets.json"]) <= 16 * MIB
    client.good(client.refresh())
    assert len(server.asked) == len(set(server.asked)) == 4


@pytest.mark.parametrize("change", [
    lambda body: body + b"\n",  # all is there before it
    lambda body: body.replace(b'"version":', b'"version": '),  # in its middle
    lambda body: body.replace(b'"signatures"', b'"\\u0073ignatures"'),
], ids=["at-its-end", "in-its-middle", "at-its-beginning"])
def test_the_first_misspelling_may_stand_anywhere(make, change):
    repo, server, client = make(spelled_canonically=True)
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"it")
    repo.rotate("timestamp", Key("rsa"))
    repo.publish(root=True)
    for name in repo.files:
        if name.startswith("metadata/"):
            assert change(repo.files[name]) != repo.files[name]
            repo.files[name] = change(repo.files[name])
    client.good(client.download("file"))
    assert len(server.asked) == len(set(server.asked)) == 7
    assert (client.dir / "bin.json").read_bytes() == repo.files["metadata/1.bin.json"]


@pytest.mark.parametrize("canonically", [True, False], ids=["canonical", "other"])
def test_a_root_may_have_half_a_mebibyte(make, canonically):
    repo, server, client = make(spelled_canonically=canonically)
    repo.md["root"].update(version=2, unknown="x" * (500 * 1024))
    repo.put("root", repo.envelope("root"))
    client.good(client.refresh())
    assert client.trusted()["root.json"] == 2
    client.good(client.refresh())
    repo.md["root"].update(version=3, unknown="x" * (512 * 1024))
    repo.put("root", repo.envelope("root"))
    client.refused(client.refresh(), "3.root.json", "TUF 5.3.2")
    assert client.trusted()["root.json"] == 2


# ---- what a killed client left ----

def test_drafts_that_nobody_holds_are_swept(make):
    repo, _, client = make()
    repo.add_target("targets", "file", b"it")
    repo.publish()
    client.out.mkdir()
    kept = client.out / ".draft.inuse1"
    for folder in (client.dir, client.out):
        (folder / ".draft.a1b2c3").write_bytes(b"half")
    with open(kept, "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as another client that fetches into the same directory
        client.good(client.download("file"))
    assert sorted(os.listdir(client.out)) == [".draft.inuse1", "file"]
    assert not [name for name in os.listdir(client.dir) if name.startswith(".")]


def test_a_target_that_is_named_like_a_draft(make):
    """What a download put there, the next one does not sweep away."""
    repo, _, client = make()
    names = [".draft.a1b2c3", ".draft.", ".draft", "%2Edraft.a1b2c3", ".", ".."]
    for name in names:
        repo.add_target("targets", name, name.encode())
    repo.publish()
    for _ in range(2):
        client.good(client.download(*names))
        assert sorted(os.listdir(client.out)) == sorted(
            ["%2Edraft.a1b2c3", "%2Edraft.", ".draft", "%252Edraft.a1b2c3", "%2E", "%2E%2E"])


# ---- damaged and planted files ----

def damaged(body):
    at = body.index(b'"version"')
    return body[:at] + b'"versiom"' + body[at + 9:]


DAMAGE = {
    "empty": lambda body: b"",
    "cut": lambda body: body[:-20],
    "a-bit": damaged,
    "junk": lambda body: b"\x00" * 100,
    "endless": lambda body: b" " * (17 * MIB),
}


@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "versions"])
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "bin"])
def test_a_damaged_file_is_fetched_anew(make, role, damage, hashes):
    repo, server, client = make(list_hashes=hashes)
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"it")
    repo.publish()
    client.good(client.download("file"))
    file = client.dir / f"{role}.json"
    whole = file.read_bytes()
    file.write_bytes(DAMAGE[damage](whole))
    client.good(client.download("file"))
    assert file.read_bytes() == whole
    asked = {"timestamp": 0, "snapshot": 1, "targets": 1, "bin": 1}[role]
    assert len(server.asked) == 2 + asked


def test_a_directory_in_a_files_place_is_told(make):
    repo, _, client = make()
    (client.dir / "timestamp.json").mkdir()
    client.refused(client.refresh(), "timestamp.json")


def forge(path, key, **changes):
    """A file in the metadata directory with other content, signed by `key`."""
    signed = json.loads(path.read_bytes())["signed"]
    signed.update(changes)
    path.write_text(json.dumps({"signed": signed, "signatures": [
        {"keyid": key.id, "sig": key.sign(canonical(signed).encode())}]}))


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_a_file_counts_by_its_signatures_not_by_its_place(make, role):
    repo, _, client = make()
    client.good(client.refresh())
    forge(client.dir / f"{role}.json", Key("p256"), version=1000000)
    client.good(client.refresh())
    assert client.trusted()[f"{role}.json"] == 1
    # by the right key it counts, once there is something to hold against it
    forge(client.dir / f"{role}.json", repo.keys[role], version=1000000,
          meta={"snapshot.json": {"version": 1000000}, "targets.json": {"version": 1000000}})
    repo.publish()
    client.refused(client.refresh(), f"{role}.json", {"timestamp": "TUF 5.4.3.1", "snapshot": "TUF 5.5.5"}[role])


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_root_is_told_and_nothing_asked(make, damage):
    repo, server, client = make()
    client.good(client.refresh())
    root = client.dir / "root.json"
    root.write_bytes(DAMAGE[damage](root.read_bytes()))
    client.refused(client.refresh(), "root.json", "rota-tuf init")
    assert server.asked == []
    # init is the way out
    other = client.dir.parent / "root.json"
    client.good(client.run("init", str(other)))
    assert client.trusted() == {"root.json": 1, "targets.json": 1}  # what the old trust said is forgotten
    client.good(client.refresh())


def test_a_root_that_is_not_signed_by_itself_is_none(make):
    repo, server, client = make()
    client.good(client.refresh())
    before = {name: (client.dir / name).read_bytes() for name in os.listdir(client.dir)}
    file = client.dir.parent / "forged.json"
    file.write_bytes(before["root.json"])
    forge(file, Key("p256"))
    client.refused(client.run("init", str(file)), "forged.json", "TUF 5.2")
    assert {name: (client.dir / name).read_bytes() for name in os.listdir(client.dir)} == before
    (client.dir / "root.json").write_bytes(file.read_bytes())
    client.refused(client.refresh(), "root.json", "TUF 5.2")
    assert server.asked == []


def test_an_expired_root_begins_trust(make, tmp_path):
    """TUF 5.3.10 looks at the newest root only."""
    repo, _, client = make()
    first = tmp_path / "first.json"
    repo.md["root"]["expires"] = "2020-01-01T00:00:00Z"
    first.write_bytes(repo.envelope("root"))
    client.good(client.run("init", str(first)))
    repo.md["root"].update(version=2, expires="2090-01-01T00:00:00Z")
    repo.put("root", repo.envelope("root"))
    client.good(client.refresh())
    assert client.trusted()["root.json"] == 2
