# SPDX-License-Identifier: Apache-2.0
"""rota-tuf against repositories that are not ours (tufrepo.py), good ones and hostile ones."""
import hashlib
import os

import pytest

from tufclient import make  # noqa: F401
from tufrepo import Key, Repo, canonical, expires

KINDS = ["p256", "p384", "ed25519", "rsa"]


# ---- good repositories ----

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "versions"])
def test_a_repository_of_any_kind_is_read(make, kind, consistent, hashes):
    repo, server, client = make(kind=kind, consistent=consistent, list_hashes=hashes)
    client.good(client.init)
    assert server.asked == []
    repo.delegate("targets", "bin/a", Key(kind), paths=["a/*"])
    repo.add_target("bin/a", "a/file", b"content of a")
    repo.add_target("targets", "top file", b"content of the top")
    repo.md["targets"]["version"] += 1
    repo.publish()
    client.good(client.download("a/file", "top file"))
    assert (client.out / "a%2Ffile").read_bytes() == b"content of a"
    assert (client.out / "top%20file").read_bytes() == b"content of the top"
    v = (lambda n: f"{n}.") if consistent else (lambda n: "")
    assert [p for p in server.asked if p.startswith("metadata/")] == [
        "metadata/2.root.json", "metadata/timestamp.json", f"metadata/{v(2)}snapshot.json",
        f"metadata/{v(2)}targets.json", f"metadata/{v(1)}bin%2Fa.json"]
    assert client.trusted() == {"root.json": 1, "timestamp.json": 2, "snapshot.json": 2, "targets.json": 2,
                                "bin%2Fa.json": 1}
    # kept as fetched, byte for byte
    assert (client.dir / "timestamp.json").read_bytes() == repo.files["metadata/timestamp.json"]
    # and again: only what may be new is asked for
    client.good(client.download("a/file", "top file"))
    assert server.asked == ["metadata/2.root.json", "metadata/timestamp.json"]


@pytest.mark.parametrize("kind", ["p256", "p384"])
def test_both_spellings_of_ecdsa_key_types(make, kind):
    repo = Repo()
    for role in ("timestamp", "snapshot", "targets"):
        repo.rotate(role, Key(kind, legacy=True))
        repo.md["root"]["version"] = 1
    repo.publish(root=True)
    _, _, client = make(repo)
    client.good(client.refresh())


def test_a_repository_of_mixed_keys_with_a_threshold(make):
    repo = Repo()
    keys = [Key(kind) for kind in KINDS]
    for key in keys:
        repo.md["root"]["keys"][key.id] = key.object
    repo.md["root"]["roles"]["targets"] = {"keyids": [key.id for key in keys], "threshold": 3}
    repo.signers["targets"] = keys[:3]
    repo.publish(root=True)
    _, _, client = make(repo)
    client.good(client.refresh())
    repo.signers["targets"] = [keys[3], keys[2]]
    repo.md["targets"]["version"] += 1
    repo.publish()
    client.refused(client.refresh(), "targets.json", "TUF 5.6.3")


def test_unknown_keys_and_members_are_no_harm(make):
    repo = Repo()
    repo.md["root"]["keys"]["ab" * 32] = {"keytype": "sphincs", "scheme": "new", "keyval": {"public": "00"}}
    small = Key("rsa1024")
    repo.md["root"]["keys"][small.id] = small.object
    repo.md["root"]["roles"]["root"]["keyids"] += ["ab" * 32, small.id]
    repo.md["root"]["unknown"] = {"a": [1, None, True, "\u0041\u00e9\U0001f600\"\\/\n\t\x01"]}
    del repo.md["root"]["consistent_snapshot"]
    repo.publish(root=True)
    repo, _, client = make(repo)
    client.good(client.refresh())
    # a key that is too short to count for anything counts for nothing
    repo.md["root"]["version"] = 2
    repo.signers["root"] = [small]
    repo.publish(root=True)
    client.refused(client.refresh(), "2.root.json", "TUF 5.3.4")


@pytest.mark.smoke
def test_an_artifact_that_is_there_is_not_fetched_again(make):
    repo, server, client = make()
    repo.add_target("targets", "file", b"first")
    repo.publish()
    client.good(client.download("file"))
    (client.out / "file").write_bytes(b"other")
    client.good(client.download("file"))
    assert server.asked[-1] == "targets/" + hashlib.sha256(b"first").hexdigest() + ".file"
    assert (client.out / "file").read_bytes() == b"first"
    client.good(client.download("file"))
    assert server.asked == ["metadata/2.root.json", "metadata/timestamp.json"]


@pytest.mark.parametrize("path,name", [("/etc/x", "%2Fetc%2Fx"), ("../up", "..%2Fup"), ("..", "%2E%2E"),
                                       (".", "%2E"), ("\u00e9?#", "%C3%A9%3F%23")])
def test_a_target_path_does_not_leave_its_directory(make, path, name):
    repo, _, client = make(consistent=False)
    repo.add_target("targets", path, b"it")
    repo.publish()
    repo.files = {**repo.files, "targets/": b"it", "up": b"it", "": b"it"}  # how an HTTP client sees dots
    client.good(client.download(path))
    assert os.listdir(client.out) == [name]
    assert sorted(os.listdir(client.out.parent)) == ["out", "root.json", "trust"]


# ---- delegations ----

def test_targets_that_are_one_file_do_not_replace_each_other(make):
    """As on a file system that ignores case: of two names in the directory each opens the same file."""
    repo, server, client = make()
    contents = {"a/Read": b"one", "a/read": b"two", "other": b"three"}
    for path, content in contents.items():
        repo.add_target("targets", path, content)
    repo.publish()
    client.good(client.download("a/Read"))
    for name in ("a%2Fread", "other"):
        os.link(client.out / "a%2FRead", client.out / name)
    client.refused(client.download("a/Read", "a/read"), "a/read", "same file as a/Read", "another directory")
    assert not [path for path in server.asked if path.startswith("targets/")]
    assert (client.out / "a%2FRead").read_bytes() == b"one"
    # a link that says nothing of case is none of it
    client.good(client.download("a/Read", "other"))
    # nor is a directory where they are two
    os.unlink(client.out / "a%2Fread")
    client.good(client.download(*contents))
    assert {path: (client.out / path.replace("/", "%2F")).read_bytes() for path in contents} == contents


def searched(server):
    """Delegated roles asked for, in order."""
    roles = [path.removeprefix("metadata/1.").removesuffix(".json") for path in server.asked
             if path.startswith("metadata/1.")]
    return [role for role in roles if role not in ("targets", "snapshot")]


def tree(repo, rows):
    for parent, name, terminating, paths in rows:
        repo.delegate(parent, name, Key("ed25519"), terminating, paths=paths)


@pytest.mark.parametrize("rows,found,order", [
    ([("targets", "A", False, ["*"]), ("targets", "B", False, ["*"]), ("A", "C", False, ["*"])], "B",
     ["A", "C", "B"]),  # depth first, in order
    ([("targets", "A", True, ["*"]), ("targets", "B", False, ["*"])], "B", ["A"]),  # terminating
    ([("targets", "A", False, ["*"]), ("A", "B", True, ["*"]), ("B", "C", False, ["*"]),
      ("targets", "D", False, ["*"])], "D", ["A", "B", "C"]),
    ([("targets", "A", False, ["other"]), ("targets", "B", False, ["t*", "x"])], "B", ["B"]),
    ([("targets", "A", False, ["*"]), ("A", "B", False, ["*"]), ("B", "A", False, ["*"]),
      ("B", "C", False, ["*"])], "C", ["A", "B", "C"]),  # a cycle
], ids=["preorder", "terminating", "terminating-below", "paths", "cycle"])
def test_delegations_are_searched_in_order(make, rows, found, order):
    repo, server, client = make()
    tree(repo, rows)
    repo.add_target(found, "target", b"it")
    repo.publish()
    done = client.download("target")
    assert searched(server) == order
    if found in order:
        client.good(done)
    else:
        client.refused(done, "target", "TUF 5.6.7")


def test_path_hash_prefixes(make):
    repo, server, client = make()
    digest = hashlib.sha256(b"some/target").hexdigest()
    repo.delegate("targets", "other", Key("p256"), path_hash_prefixes=[f"{(int(digest[0], 16) + 1) % 16:x}"])
    repo.delegate("targets", "bin", Key("p256"), path_hash_prefixes=["zz", digest[:3]])
    repo.add_target("bin", "some/target", b"it")
    repo.publish()
    client.good(client.download("some/target"))
    assert searched(server) == ["bin"]


@pytest.mark.parametrize("bits", [1, 4, 5])
def test_succinct_bins(make, bits):
    repo, server, client = make()
    repo.delegate_bins(bits, "bin", Key("ed25519"))
    names = [f"file {n}" for n in range(5)]
    for name in names:
        repo.add_target(repo.bin_of(name), name, name.encode())
    repo.publish()
    client.good(client.download(*names))
    assert set(searched(server)) == {repo.bin_of(name) for name in names}
    # the bin that a path falls into is the only one that may list it
    lost = "lost"
    other = next(role for role in repo.delegates if role != repo.bin_of(lost))
    repo.add_target(other, lost, b"it")
    repo.md[other]["version"] += 1
    repo.publish()
    client.refused(client.download(lost), "lost", "TUF 5.6.7")


def test_a_delegated_role_is_verified_against_the_delegator_at_hand(make):
    """Two delegators give one name two sets of keys: what one vouches for, the other does not."""
    repo, _, client = make()
    right, wrong = Key("ed25519"), Key("ed25519")
    tree(repo, [("targets", "A", False, ["a*"]), ("targets", "B", False, ["b*"])])
    repo.delegate("A", "shared", right, paths=["*"])
    repo.delegate("B", "shared", wrong, paths=["*"])
    repo.add_target("shared", "a", b"it")
    repo.add_target("shared", "b", b"it")
    repo.publish()
    client.good(client.download("a"))
    client.refused(client.download("a", "b"), "shared.json", "TUF 5.6.3")


def test_the_first_failure_stops(make):
    repo, server, client = make()
    repo.add_target("targets", "one", b"1")
    repo.add_target("targets", "three", b"3")
    repo.publish()
    client.refused(client.download("one", "two", "three"), "two", "TUF 5.6.7")
    assert os.listdir(client.out) == ["one"]


@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets"])
def test_a_delegated_role_may_not_be_named_like_a_top_level_one(make, name):
    repo, _, client = make()
    before = (client.dir / "root.json").read_bytes()
    repo.md["targets"]["delegations"] = {"keys": {}, "roles": [
        {"name": name, "keyids": [], "threshold": 1, "terminating": False, "paths": ["*"]}]}
    repo.publish()
    client.refused(client.download("x"), "targets.json")
    assert (client.dir / "root.json").read_bytes() == before


# ---- roots ----

def test_roots_are_walked_and_kept_one_by_one(make):
    repo, server, client = make()
    for _ in range(3):
        repo.rotate("root", Key("p256"))
        repo.publish(root=True)
        repo.signers["root"] = [repo.keys["root"]]
    client.good(client.refresh())
    assert server.asked[:4] == [f"metadata/{n}.root.json" for n in (2, 3, 4, 5)]
    assert client.trusted()["root.json"] == 4
    assert client.dir.joinpath("root.json").read_bytes() == repo.files["metadata/4.root.json"]
    # one root of three is bad: those before it stay
    repo.rotate("root", Key("p256"))
    repo.publish(root=True)
    repo.signers["root"] = [Key("p256")]
    repo.md["root"]["version"] += 1
    repo.publish(root=True)
    client.refused(client.refresh(), "6.root.json", "TUF 5.3.4")
    assert client.trusted()["root.json"] == 5


@pytest.mark.parametrize("signers", ["old", "new"])
def test_a_root_needs_both_thresholds(make, signers):
    repo, _, client = make()
    old, new = repo.keys["root"], Key("rsa")
    repo.rotate("root", new)
    repo.signers["root"] = [old] if signers == "old" else [new]
    repo.publish(root=True)
    client.refused(client.refresh(), "2.root.json", "TUF 5.3.4")
    assert client.trusted() == {"root.json": 1}


def test_a_root_of_another_version_is_refused(make):
    repo, _, client = make()
    repo.md["root"]["version"] = 3
    repo.files["metadata/2.root.json"] = repo.envelope("root")
    client.refused(client.refresh(), "2.root.json", "TUF 5.3.5")


def test_other_online_keys_allow_a_fast_forward_to_be_undone(make):
    repo, _, client = make()
    repo.md["timestamp"]["version"] = repo.md["snapshot"]["version"] = 1000
    repo.publish()
    client.good(client.refresh())
    repo.rotate("snapshot", Key("p256"))
    repo.rotate("timestamp", Key("p256"))
    repo.md["root"]["version"] = 2
    repo.md["timestamp"]["version"] = repo.md["snapshot"]["version"] = 1
    repo.publish(root=True)
    client.good(client.refresh())
    assert client.trusted()["timestamp.json"] == 2


# ---- attacks ----

def go_back(repo, role):
    def change():
        repo.md[role]["version"] -= 1
        repo.publish(bump=False)
    return change


def expire(repo, role):
    def change():
        repo.md[role]["expires"] = expires(-1)
        repo.md[role]["version"] += 1
        if role == "root":
            repo.put("root", repo.envelope("root"))
        else:
            repo.publish(bump=role == "targets")
    return change


def other_signer(repo, role):
    def change():
        repo.signers[role] = [Key("p256")]
        repo.md[role]["version"] += role == "targets"
        repo.publish()
    return change


def vanish(repo):
    def change():
        repo.publish()
        del repo.md["snapshot"]["meta"]["bin.json"]
        repo.write_online()
    return change


def listed_back(repo):
    def change():
        repo.publish()
        repo.md["snapshot"]["meta"]["bin.json"]["version"] -= 1
        repo.write_online()
    return change


def snapshot_back(repo):
    def change():
        repo.md["timestamp"]["version"] += 1
        repo.md["snapshot"]["version"] -= 1
        repo.write_online()
    return change


def mix(repo):
    """A snapshot of another version than the timestamp says, under the name that is asked for."""
    def change():
        repo.publish()
        repo.md["timestamp"]["version"] += 1
        repo.md["timestamp"]["meta"]["snapshot.json"]["version"] += 1
        body = repo.files[f"metadata/{repo.md['snapshot']['version']}.snapshot.json" if repo.consistent
                          else "metadata/snapshot.json"]
        if repo.consistent:
            repo.files[f"metadata/{repo.md['snapshot']['version'] + 1}.snapshot.json"] = body
        repo.put("timestamp", repo.envelope("timestamp"))
    return change


ATTACKS = {
    "timestamp-back": (lambda r: go_back(r, "timestamp"), "timestamp.json", "TUF 5.4.3.1"),
    "snapshot-back": (snapshot_back, "timestamp.json", "TUF 5.4.3.2"),
    "targets-back": (lambda r: lambda: (go_back(r, "targets")(), r.publish()), "snapshot.json", "TUF 5.5.5"),
    "role-vanishes": (vanish, "snapshot.json", "TUF 5.5.5"),
    "role-listed-back": (listed_back, "snapshot.json", "TUF 5.5.5"),
    "mix-and-match": (mix, "snapshot.json", "TUF 5.5.4"),
    "root-expired": (lambda r: expire(r, "root"), "root.json", "TUF 5.3.10"),
    "timestamp-expired": (lambda r: expire(r, "timestamp"), "timestamp.json", "TUF 5.4.4"),
    "snapshot-expired": (lambda r: lambda: (r.md["timestamp"].update(version=9), expire(r, "snapshot")()),
                         "snapshot.json", "TUF 5.5.6"),
    "targets-expired": (lambda r: expire(r, "targets"), "targets.json", "TUF 5.6.5"),
    "timestamp-forged": (lambda r: other_signer(r, "timestamp"), "timestamp.json", "TUF 5.4.2"),
    "snapshot-forged": (lambda r: other_signer(r, "snapshot"), "snapshot.json", "TUF 5.5.3"),
    "targets-forged": (lambda r: other_signer(r, "targets"), "targets.json", "TUF 5.6.3"),
}


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused(make, attack, consistent):
    change, file, clause = ATTACKS[attack]
    repo, server, client = make(consistent=consistent)
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"it")
    repo.md["targets"]["version"] = repo.md["bin"]["version"] = 5
    repo.publish()
    client.good(client.download("file"))
    before = client.trusted()
    change(repo)()
    client.refused(client.download("file"), file, clause)
    after = client.trusted()
    assert all(after[name] >= before[name] for name in before)
    assert len(server.asked) == len(set(server.asked))  # nothing is asked for twice


@pytest.mark.parametrize("role", ["snapshot", "targets"])
@pytest.mark.parametrize("what", ["hash", "length", "content"])
def test_listed_lengths_and_hashes_are_of_the_file(make, role, what):
    """`content`: the same meaning in another spelling is another file."""
    repo, server, client = make(list_hashes=True)
    parent = {"snapshot": "timestamp", "targets": "snapshot"}[role]
    if what == "content":
        name = f"metadata/{repo.md[role]['version']}.{role}.json"
        repo.files[name] = repo.files[name].replace(b"\n", b"")
    else:
        entry = repo.md[parent]["meta"][role + ".json"]
        if what == "hash":
            entry["hashes"]["sha256"] = "00" * 32
        else:
            entry["length"] += 1
        if parent == "snapshot":
            repo.write_online()
        else:
            repo.put("timestamp", repo.envelope("timestamp"))
    client.refused(client.refresh(), role + ".json", {"snapshot": "TUF 5.5.2", "targets": "TUF 5.6.2"}[role])
    assert len(server.asked) == len(set(server.asked))


def test_a_timestamp_of_the_same_version_is_passed_over(make):
    """TUF 5.4.3.1: no error, and what is trusted stays."""
    repo, server, client = make()
    repo.add_target("targets", "file", b"it")
    repo.publish()
    client.good(client.refresh())
    before = (client.dir / "timestamp.json").read_bytes()
    repo.md["timestamp"]["meta"]["snapshot.json"]["version"] = 77
    repo.put("timestamp", repo.envelope("timestamp"))
    client.good(client.download("file"))
    assert (client.dir / "timestamp.json").read_bytes() == before
    assert [p for p in server.asked if "metadata" in p] == ["metadata/2.root.json", "metadata/timestamp.json"]


def test_one_key_under_two_ids_counts_once(make):
    repo = Repo()
    key = repo.keys["targets"]
    repo.md["root"]["keys"]["cd" * 32] = key.object
    repo.md["root"]["roles"]["targets"] = {"keyids": [key.id, "cd" * 32], "threshold": 2}
    twin = Key("p256")
    twin.private, twin.object, twin.id = key.private, key.object, "cd" * 32
    repo.signers["targets"] = [key, twin]
    repo.publish(root=True)
    _, _, client = make(repo)
    client.refused(client.refresh(), "targets.json", "TUF 5.6.3")


@pytest.mark.parametrize("reason,change", [
    ("a name twice", lambda s: s.replace('"version": ', '"version": 9, "version": ', 1)),
    ("a name twice, escaped", lambda s: s.replace('"version": ', '"v\\u0065rsion": 9, "version": ', 1)),
    ("1.0", lambda s: s.replace('"version": 1', '"version": 1.0')),
    ("1e0", lambda s: s.replace('"version": 1', '"version": 1e0')),
    ("minus zero", lambda s: s.replace('"signatures"', '"x": -0, "signatures"')),
    ("lone surrogate", lambda s: s.replace('"signatures"', '"x": "\\ud83d", "signatures"')),
    ("cut off", lambda s: s[:-20]),
    ("a second value", lambda s: s + "{}"),
    ("empty", lambda s: ""),
    ("a list", lambda s: "[]"),
    ("nested", lambda s: s.replace('"signatures"', '"x": ' + "[" * 5000 + "]" * 5000 + ', "signatures"')),
    ("spec version 2", lambda s: s.replace('"1.0.34"', '"2.0.0"')),
])
def test_what_has_no_one_reading_is_refused(make, reason, change):
    repo, _, client = make()
    body = repo.files["metadata/timestamp.json"].decode()
    assert change(body) != body, reason
    repo.files["metadata/timestamp.json"] = change(body).encode()
    client.refused(client.refresh(), "timestamp.json")
    assert client.trusted() == {"root.json": 1}


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


def test_endless_data_ends(make):
    repo, _, client = make()
    repo.files["metadata/timestamp.json"] = endless
    client.refused(client.refresh(), "timestamp.json", "TUF 5.4.1")


@pytest.mark.parametrize("content", [b"it", b"longer than it", b"no"])
def test_a_target_of_another_content_is_refused(make, content):
    repo, _, client = make()
    repo.add_target("targets", "file", b"it")
    repo.publish()
    for name in repo.files:
        if name.startswith("targets/"):
            repo.files[name] = content
    done = client.download("file")
    if content == b"it":
        client.good(done)
    else:
        client.refused(done, "file", "TUF 5.7.3")
        assert os.listdir(client.out) == []


@pytest.mark.parametrize("option", ["--metadata-url", "--target-base-url"])
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc", "refresh", "127.0.0.1:80"])
def test_an_address_that_is_not_of_the_web_is_wrong_usage(make, option, url):
    _, server, client = make()
    done = client.download("a", options=[option, url])
    assert (done.returncode, done.stdout, server.asked) == (2, "", [])
    assert done.stderr.count("\n") == 1 and option in done.stderr and url in done.stderr


def test_no_root_no_trust(tmp_path, make):
    repo, server, client = make()
    (client.dir / "root.json").unlink()
    client.refused(client.refresh(), "TUF 5.2", "init")
    assert server.asked == []
    junk = tmp_path / "junk.json"
    junk.write_bytes(repo.files["metadata/timestamp.json"])
    client.refused(client.run("init", str(junk)), "TUF 5.2")


def test_canonical_json_of_the_tests_is_right():
    assert canonical({"b": [1, True, None], "a": 'x"\\\n'}) == '{"a":"x\\"\\\\\n","b":[1,true,null]}'
