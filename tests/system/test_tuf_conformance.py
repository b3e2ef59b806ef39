# SPDX-License-Identifier: Apache-2.0
"""What a client has to do by the letter of the specification, seen from outside: its status, its requests, and what
it trusts afterwards. The cases are those that the TUF project's conformance suite for clients looks at; the code is
our own. Keys and thresholds are in test_tuf_keys.py, delegations in test_tuf_search.py; test_tuf_client.py,
test_tuf_disk.py and test_tuf_server.py have what goes beyond."""
import copy
import hashlib
import json

import pytest

from tufclient import make  # noqa: F401
from tufrepo import TOP, Key, asked, bump, canonical, expires, republish, set_keys


# ---- refresh ----


def test_a_refresh_asks_for_each_role_once_and_trusts_it(make):
    repo, server, client = make()
    client.good(client.refresh())
    assert server.asked == ["metadata/2.root.json", "metadata/timestamp.json", "metadata/1.snapshot.json",
                            "metadata/1.targets.json"]
    for role in TOP:
        name = f"metadata/{'' if role == 'timestamp' else '1.'}{role}.json"
        assert (client.dir / f"{role}.json").read_bytes() == repo.files[name]


def test_a_download_refreshes_first(make):
    _, server, client = make()
    client.refused(client.download("nothing"), "nothing", "TUF 5.6.7")
    assert len(server.asked) == 4
    assert set(client.trusted()) == {f"{role}.json" for role in TOP}


UNSIGNED = {
    "root": {"root.json": 1},
    "timestamp": {"root.json": 2},
    "snapshot": {"root.json": 2, "timestamp.json": 2},
    "targets": {"root.json": 2, "timestamp.json": 2, "snapshot.json": 2},
}


@pytest.mark.parametrize("role", UNSIGNED)
def test_a_role_without_signatures_ends_the_update_there(make, role):
    repo, _, client = make()
    repo.signers[role] = []
    republish(repo)
    client.refused(client.refresh(), f"{role}.json")
    assert client.trusted() == UNSIGNED[role]


@pytest.mark.parametrize("role", ["root", "snapshot", "targets"])
def test_a_role_of_another_version_than_its_name(make, role):
    repo, _, client = make()
    republish(repo)
    wrong = copy.deepcopy(repo.md[role])
    wrong["version"] = 3
    right, repo.md[role] = repo.md[role], wrong
    body = repo.envelope(role)
    repo.md[role] = right
    repo.files[f"metadata/2.{role}.json"] = body
    client.refused(client.refresh(), f"2.{role}.json")
    assert client.trusted() == UNSIGNED[role]


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_role_that_is_not_there(make, role):
    repo, server, client = make()
    client.good(client.refresh())
    before = client.trusted()
    bump(repo, "targets")
    repo.publish()
    name = "metadata/timestamp.json" if role == "timestamp" else f"metadata/2.{role}.json"
    del repo.files[name]
    client.refused(client.refresh(), name.removeprefix("metadata/"))
    assert server.asked[-1] == name
    order = ["timestamp", "snapshot", "targets"]
    assert client.trusted() == {**before, **{f"{r}.json": 2 for r in order[:order.index(role)]}}


@pytest.mark.parametrize("role,instead", [("timestamp", "snapshot"), ("snapshot", "targets"),
                                          ("targets", "snapshot"), ("root", "timestamp")])
def test_a_role_is_of_its_type(make, role, instead):
    """All else of it is right: signatures by the keys of the role, version, content of both."""
    repo, _, client = make()
    bump(repo, *TOP)
    signed = repo.md[role]
    signed["_type"] = instead
    signed.update({k: v for k, v in repo.md[instead].items() if k not in signed})
    repo.publish(root=True, bump=False)
    client.refused(client.refresh(), f"{role}.json")
    assert f"{role}.json" not in client.trusted() or client.trusted()["root.json"] == 1


def test_a_timestamp_with_other_content_of_the_same_version(make):
    repo, server, client = make()
    client.good(client.refresh())
    repo.md["timestamp"]["meta"]["snapshot.json"]["version"] = 100
    repo.put("timestamp", repo.envelope("timestamp"))
    client.good(client.refresh())
    assert asked(server) == ["2.root.json", "timestamp.json"]
    assert json.loads((client.dir / "timestamp.json").read_bytes())["signed"]["meta"]["snapshot.json"]["version"] == 1


def test_bytes_are_kept_as_they_came(make):
    repo, _, client = make()
    repo.files["metadata/timestamp.json"] += b" \n "
    client.good(client.refresh())
    assert (client.dir / "timestamp.json").read_bytes() == repo.files["metadata/timestamp.json"]


def test_members_that_are_not_known_are_signed_too(make):
    repo, _, client = make()
    client.good(client.refresh())
    key = Key("p256")
    key.object.update({"x-extra": {"a": 1, "b": 2}, "keyid_hash_algorithms": ["md5"]})
    key.id = hashlib.sha256(canonical(key.object).encode()).hexdigest()
    repo.rotate("snapshot", key)
    repo.md["root"].update({"x-custom": "value"})
    repo.md["root"]["roles"]["root"]["x-another"] = [1, {"z": None}]
    repo.publish(root=True)
    client.good(client.refresh())
    assert client.trusted()["root.json"] == 2
    # one of them changed: the signature does not cover that
    body = json.loads(repo.envelope("snapshot"))
    body["signed"]["x-custom"] = "late"
    bump(repo, "snapshot", "timestamp")
    repo.write_online()
    repo.files[f"metadata/{repo.md['snapshot']['version']}.snapshot.json"] = json.dumps(
        {**body, "signed": {**body["signed"], "version": repo.md["snapshot"]["version"]}}).encode()
    client.refused(client.refresh(), "snapshot.json", "TUF 5.5.3")


@pytest.mark.parametrize("version,good", [("1.0.34", True), ("1.9.0", True), ("1.0", True), ("2.0.0", False),
                                          ("0.9", False), ("10.0.0", False)])
def test_the_major_version_of_the_specification(make, version, good):
    repo, _, client = make()
    repo.md["timestamp"]["spec_version"] = version
    repo.publish()
    done = client.refresh()
    if good:
        client.good(done)
    else:
        client.refused(done, "timestamp.json")


def test_a_refresh_walks_so_many_roots_and_the_next_one_goes_on(make):
    """TUF 5.3.3."""
    repo, server, client = make(kind="ed25519")
    for _ in range(5):
        bump(repo, "root")
        repo.put("root", repo.envelope("root"))
    for trusted, last in ((4, "4.root.json"), (6, "7.root.json")):
        client.good(client.refresh(options=["--max-roots", "3"]))
        assert client.trusted()["root.json"] == trusted
        assert [name for name in asked(server) if "root" in name][-1] == last
    for number in ("0", "4097", "many", "-1", "1x"):
        assert client.refresh(options=["--max-roots", number]).returncode == 2


def test_a_gap_in_the_roots_ends_the_walk(make):
    repo, server, client = make()
    for _ in range(3):
        bump(repo, "root")
        repo.publish(root=True)
    del repo.files["metadata/3.root.json"]
    client.good(client.refresh())
    assert asked(server)[:2] == ["2.root.json", "3.root.json"]
    assert client.trusted()["root.json"] == 2


# ---- expiry: TUF 5.3.10, 5.4.4, 5.5.6, 5.6.5 ----


def test_an_expired_root_is_kept_and_ends_the_update(make):
    repo, server, client = make()
    client.good(client.refresh())
    bump(repo, "root")
    repo.publish(root=True)
    repo.md["root"].update(version=3, expires=expires(-1))
    repo.publish(root=True)
    client.refused(client.refresh(), "refresh: root.json: expired", "TUF 5.3.10")
    assert asked(server) == ["2.root.json", "3.root.json", "4.root.json"]
    assert client.trusted() == {"root.json": 3, "timestamp.json": 1, "snapshot.json": 1, "targets.json": 1}
    repo.md["root"].update(version=4, expires=expires(1))
    repo.publish(root=True)
    client.good(client.refresh())


@pytest.mark.parametrize("role,clause", [("timestamp", "TUF 5.4.4"), ("snapshot", "TUF 5.5.6"),
                                         ("targets", "TUF 5.6.5"), ("bin", "TUF 5.6.5")])
def test_an_expired_role_is_not_trusted_and_a_later_one_is(make, role, clause):
    repo, _, client = make()
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"it")
    repo.publish()
    client.good(client.download("file"))
    before = client.trusted()
    repo.md[role]["expires"] = expires(-5)
    bump(repo, "targets", "bin")
    repo.publish()
    client.refused(client.download("file"), f"{role}.json", clause)
    assert client.trusted()[f"{role}.json"] == before[f"{role}.json"]
    repo.md[role]["expires"] = expires(5)
    bump(repo, "targets", "bin")
    repo.publish()
    client.good(client.download("file"))


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "bin"])
def test_what_expired_on_disk_is_brought_up_to_date(make, role):
    """Its version still counts against rollback, its content does not count any more."""
    repo, _, client = make()
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"it")
    for name in ("timestamp", "snapshot", "targets", "bin"):
        repo.md[name]["version"] = 5
    repo.publish()
    client.good(client.download("file"))
    # as if its time had run out since
    repo.md[role]["expires"] = expires(-1)
    if role in ("targets", "bin"):
        repo.publish(bump=False)
        for name in ("snapshot", "timestamp"):
            (client.dir / f"{name}.json").write_bytes(repo.envelope(name))
    (client.dir / f"{role}.json").write_bytes(repo.envelope(role))
    client.refused(client.download("file"), f"{role}.json")
    repo.md[role].update(expires=expires(1), version=repo.md[role]["version"] + 1)
    repo.publish()
    client.good(client.download("file"))


# ---- rollback and what undoes a fast-forward: TUF 5.3.11, 5.4.3, 5.5.4, 5.5.5 ----


@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "versions"])
def test_a_snapshot_that_goes_back_with_its_timestamp(make, hashes):
    repo, server, client = make(list_hashes=hashes)
    repo.publish()
    client.good(client.refresh())
    repo.md["snapshot"]["version"] = 1
    bump(repo, "timestamp")
    repo.write_online()
    client.refused(client.refresh(), "timestamp.json", "TUF 5.4.3.2")
    assert client.trusted()["timestamp.json"] == client.trusted()["snapshot.json"] == 2
    assert asked(server)[-1] == "timestamp.json"


def test_a_snapshot_that_goes_back_alone_is_not_even_asked_for(make):
    repo, server, client = make(consistent=False)
    repo.publish()
    client.good(client.refresh())
    repo.md["snapshot"]["version"] = 1
    repo.put("snapshot", repo.envelope("snapshot"))
    client.good(client.refresh())
    assert asked(server) == ["2.root.json", "timestamp.json"]
    assert client.trusted()["snapshot.json"] == 2


@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "versions"])
def test_targets_that_go_back(make, hashes):
    repo, _, client = make(list_hashes=hashes)
    repo.md["targets"]["version"] = 3
    repo.publish()
    client.good(client.refresh())
    repo.md["targets"]["version"] = 1
    repo.publish()
    client.refused(client.refresh(), "snapshot.json", "TUF 5.5.5")
    assert client.trusted() == {"root.json": 1, "timestamp.json": 3, "snapshot.json": 2, "targets.json": 3}


@pytest.mark.parametrize("far,rotated", [("timestamp", ["timestamp"]), ("snapshot", ["snapshot", "timestamp"]),
                                         ("targets", ["snapshot"]), ("targets", ["timestamp"])])
def test_other_online_keys_undo_a_fast_forward(make, far, rotated):
    repo, _, client = make()
    repo.md[far]["version"] = 99999
    repo.publish(bump=False)
    client.good(client.refresh())
    assert client.trusted()[f"{far}.json"] == 99999
    for role in rotated:
        repo.rotate(role, Key("p256"))
        repo.md["root"]["version"] = 2
    repo.md[far]["version"] = 1
    repo.publish(root=True, bump=False)
    client.good(client.refresh())
    assert client.trusted()[f"{far}.json"] == 1


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_what_other_online_keys_put_in_doubt_is_forgotten(make, role):
    """Before their root is trusted, and whether or not the old key still counts: the next step may fail."""
    repo, _, client = make()
    client.good(client.refresh())
    both = [repo.keys[role], Key("p256")]
    set_keys(repo, role, both, 1, both)
    bump(repo, "root")
    repo.publish(root=True)
    del repo.files["metadata/timestamp.json"]
    client.refused(client.refresh(), "timestamp.json", "TUF 5.4.1")
    assert client.trusted() == {"root.json": 2, "targets.json": 1}


def test_other_keys_of_targets_alone_undo_nothing(make):
    repo, _, client = make()
    repo.md["targets"]["version"] = 99999
    repo.publish()
    client.good(client.refresh())
    repo.rotate("targets", Key("p256"))
    repo.md["targets"]["version"] = 1
    repo.publish(root=True)
    client.refused(client.refresh(), "snapshot.json", "TUF 5.5.5")


@pytest.mark.parametrize("hashes", [{"sha512": "00" * 64}, {"sha256": None, "sha512": "00" * 64}])
def test_a_target_is_known_by_its_sha256(make, hashes):
    """Others beside it are passed over; without it the target is none (SPEC 3.6)."""
    repo, _, client = make()
    repo.add_target("targets", "file", b"it")
    entry = repo.md["targets"]["targets"]["file"]
    known = "sha256" in hashes
    entry["hashes"] = {**hashes, "sha256": entry["hashes"]["sha256"]} if known else hashes
    repo.publish()
    if known:
        client.good(client.download("file"))
    else:
        client.refused(client.download("file"), "file", "TUF 5.6.7")


# ---- targets: TUF 5.7 ----


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
@pytest.mark.parametrize("path", ["file.txt", "path/to/a/file.txt", "a file + % ? #.txt", "\u00fcml\u00e4ut/\U0001f600"])
def test_a_target_comes_from_its_place(make, path, consistent):
    repo, server, client = make(consistent=consistent)
    repo.add_target("targets", path, b"content")
    repo.publish()
    client.good(client.refresh())
    assert not client.out.exists()
    client.good(client.download(path))
    assert [file.read_bytes() for file in client.out.iterdir()] == [b"content"]
    # and not again, whatever is served now
    for name in [name for name in repo.files if name.startswith("targets/")]:
        repo.files[name] = b"malicious"
    client.good(client.download(path))
    assert asked(server, "targets/") == []
    assert [file.read_bytes() for file in client.out.iterdir()] == [b"content"]


@pytest.mark.parametrize("more", [-1, 1])
def test_a_target_has_the_listed_length_too(make, more):
    repo, _, client = make()
    repo.add_target("targets", "file", b"content")
    repo.md["targets"]["targets"]["file"]["length"] += more
    repo.publish()
    client.refused(client.download("file"), "file", "TUF 5.7.3", "longer or shorter")
    assert list(client.out.iterdir()) == []


def test_a_target_that_changes_many_times(make):
    repo, _, client = make()
    for n in range(8):
        repo.add_target("targets", "file", f"content {n}".encode())
        bump(repo, "targets")
        repo.publish()
        if n % 3 != 0:
            continue
        client.good(client.download("file"))
        assert (client.out / "file").read_bytes() == f"content {n}".encode()
        # replaced without a word in the metadata, and not at hand: refused, and what was there stays
        (client.out / "file").write_bytes(b"stale")
        good = copy.copy(repo.files)
        for name in [name for name in repo.files if name.startswith("targets/")]:
            repo.files[name] = b"malicious!"[:9]
        client.refused(client.download("file"), "file", "TUF 5.7.3")
        assert (client.out / "file").read_bytes() == b"stale"
        repo.files = good
    assert [path.name for path in client.out.iterdir()] == ["file"]
