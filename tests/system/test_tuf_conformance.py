# SPDX-License-Identifier: Apache-2.0
"""What a client has to do by the letter of the specification, seen from outside: its status, its requests, and what
it trusts afterwards. The cases are those that the TUF project's conformance suite for clients looks at; the code is
our own. test_tuf_client.py, test_tuf_disk.py and test_tuf_server.py have what goes beyond."""
import copy
import hashlib
import json

import pytest

from tufclient import make  # noqa: F401
from tufrepo import TOP, Key, Repo, canonical, expires


@pytest.fixture(scope="module")
def pool():
    return [Key("ed25519") for _ in range(10)]


def asked(server, base="metadata/"):
    return [path.removeprefix(base) for path in server.asked if path.startswith(base)]


def bump(repo, *roles):
    for role in roles:
        repo.md[role]["version"] += 1


def republish(repo):
    """Version 2 of everything."""
    bump(repo, "root", "targets")
    repo.publish(root=True)


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


# ---- keys and thresholds ----

def set_keys(repo, role, keys, threshold, signers):
    root = repo.md["root"]
    root["keys"].update({key.id: key.object for key in keys})
    root["roles"][role] = {"keyids": [key.id for key in keys], "threshold": threshold}
    repo.signers[role] = signers


# of each root: keys, threshold, signatures; and whether the last one passes
ROOTS = {
    "1 of 1": ([([1], 1, [1]), ([2], 1, [2, 1]), ([2], 1, [2])], True),
    "1 of 1, strangers sign too": ([([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])], True),
    "3 of 5, each time others": ([([0, 1, 2, 3, 4], 3, s) for s in ([0, 2, 4], [0, 4, 1], [0, 1, 3])], True),
    "3 of 5, one is replaced": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 1])], True),
    "3 of 5, one by one": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4, 5]),
                            ([0, 1, 3, 4, 5], 3, [0, 4, 5])], True),
    "3 of 5, all are replaced": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]),
                                  ([5, 6, 7, 8, 9], 3, [5, 6, 7])], True),
    "1 of 3 to 2 of 3": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])], True),
    "2 of 3 to 1 of 3": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])], True),
    "1 of 1 to 2 of 2": ([([1], 1, [1]), ([1, 2], 2, [1, 2])], True),
    "not by the old key": ([([1], 1, [1]), ([2], 1, [2, 3, 4])], False),
    "not by the new key": ([([1], 1, [1]), ([2], 1, [1, 3, 4])], False),
    "two of three new ones": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4])], False),
    "two of three old ones": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])], False),
    "below the raised threshold": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2])], False),
    "below the old threshold": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1])], False),
}


@pytest.mark.parametrize("case", ROOTS)
def test_roots_of_many_keys(make, pool, case):
    versions, good = ROOTS[case]
    repo = Repo(kind="ed25519")
    for number, (keys, threshold, signers) in enumerate(versions, 1):
        set_keys(repo, "root", [pool[i] for i in keys], threshold, [pool[i] for i in signers])
        repo.md["root"]["version"] = number
        repo.put("root", repo.envelope("root"))
    repo, _, client = make(repo)
    client.good(client.init)
    done = client.refresh()
    if good:
        client.good(done)
    else:
        client.refused(done, f"{len(versions)}.root.json", "TUF 5.3.4")
    trusted = len(versions) if good else len(versions) - 1
    assert (client.dir / "root.json").read_bytes() == repo.files[f"metadata/{trusted}.root.json"]


ROLES = {
    "1 of 1": ([2], 1, [2], True),
    "strangers sign too": ([1], 1, [3, 1, 4], True),
    "by strangers": ([2], 1, [1, 3, 4], False),
    "3 of 5": ([0, 1, 2, 3, 4], 3, [0, 2, 4], True),
    "3 of 5, others": ([0, 1, 2, 3, 4], 3, [3, 2, 1], True),
    "two and a stranger": ([0, 1, 3, 4, 5], 3, [0, 2, 4], False),
    "two of three": ([0, 1, 3, 4, 5], 3, [0, 4], False),
    "a threshold above the keys": ([0, 1, 2], 4, [0, 1, 2], False),
}


@pytest.mark.parametrize("role,clause", [("timestamp", "TUF 5.4.2"), ("snapshot", "TUF 5.5.3"),
                                         ("targets", "TUF 5.6.3"), ("bin", "TUF 5.6.3")])
@pytest.mark.parametrize("case", ROLES)
def test_roles_of_many_keys(make, pool, case, role, clause):
    keys, threshold, signers, good = ROLES[case]
    keys, signers = [pool[i] for i in keys], [pool[i] for i in signers]
    repo, _, client = make(kind="ed25519")
    repo.delegate("targets", "bin", pool[9], paths=["*"])
    repo.add_target("bin", "file", b"it")
    if role == "bin":
        delegations = repo.md["targets"]["delegations"]
        delegations["keys"].update({key.id: key.object for key in keys})
        delegations["roles"][0].update(keyids=[key.id for key in keys], threshold=threshold)
        repo.signers["bin"] = signers
    else:
        set_keys(repo, role, keys, threshold, signers)
    bump(repo, "root")
    repo.publish(root=True)
    done = client.download("file")
    if good:
        client.good(done)
    else:
        client.refused(done, f"{role}.json", clause)
        assert f"{role}.json" not in client.trusted()


def test_a_key_id_that_root_does_not_explain(make):
    repo, _, client = make()
    repo.md["root"]["roles"]["snapshot"] = {"keyids": [repo.keys["snapshot"].id, "ab" * 32], "threshold": 2}
    repo.signers["snapshot"].append(Key("p256"))
    bump(repo, "root")
    repo.publish(root=True)
    client.refused(client.refresh(), "snapshot.json", "TUF 5.5.3")
    assert client.trusted() == {"root.json": 2, "timestamp.json": 2}


@pytest.mark.parametrize("count", [2, 9])
def test_a_key_id_that_signs_twice_is_refused(make, count):
    """Even where the threshold is reached without the second signature."""
    repo, _, client = make()
    repo.signers["snapshot"] = repo.signers["snapshot"] * count
    repo.publish()
    client.refused(client.refresh(), "snapshot.json", "SPEC 4.2")
    assert client.trusted() == {"root.json": 1, "timestamp.json": 2}


@pytest.mark.parametrize("signature", ["", "00", "not hex", "30450220" + "11" * 67])
def test_a_bad_signature_beside_good_ones_is_no_harm(make, signature):
    repo, _, client = make()
    second = Key("p256")
    set_keys(repo, "timestamp", [repo.keys["timestamp"], second], 1, [repo.keys["timestamp"], second])
    bump(repo, "root")
    repo.publish(root=True)
    body = json.loads(repo.files["metadata/timestamp.json"])
    body["signatures"][1]["sig"] = signature
    repo.files["metadata/timestamp.json"] = json.dumps(body).encode()
    client.good(client.refresh())
    assert client.trusted()["timestamp.json"] == 2


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa"])
def test_each_kind_of_key_counts_and_its_bad_signature_does_not(make, kind):
    repo, _, client = make()
    old, new = repo.keys["root"], Key(kind)
    set_keys(repo, "root", [old, new], 2, [old, new])
    bump(repo, "root")
    repo.publish(root=True)
    client.good(client.refresh())
    bump(repo, "root")
    body = json.loads(repo.envelope("root"))
    other = json.loads(repo.files["metadata/2.root.json"])
    body["signatures"][1]["sig"] = other["signatures"][1]["sig"]  # well formed, of something else
    repo.files["metadata/3.root.json"] = json.dumps(body).encode()
    client.refused(client.refresh(), "3.root.json", "TUF 5.3.4")
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


# ---- delegations: TUF 5.6.7 ----

def searched(server):
    top = {f"{v}.{role}" for v in (1, 2, 3) for role in ("root", "snapshot", "targets")} | {"timestamp"}
    return [name.split(".", 1)[1] for name in (path.removesuffix(".json") for path in asked(server))
            if name not in top]


ALL = ["*"]
PY = ["*.py"]
GRAPHS = {  # (delegator, role, terminating, paths), and the order in which a target is looked for that nobody has
    "one": ([("targets", "A", False, ALL)], "A"),
    "two": ([("targets", "A", False, ALL), ("targets", "B", False, ALL)], "AB"),
    "below the second": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("B", "C", False, ALL)], "ABC"),
    "depth first": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("A", "C", False, ALL),
                     ("A", "D", False, ALL)], "ACDB"),
    "deeper": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("A", "C", False, ALL),
                ("C", "D", False, ALL)], "ACDB"),
    "terminating": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("A", "C", True, ALL),
                     ("A", "D", False, ALL)], "AC"),
    "below a terminating one": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("A", "C", True, ALL),
                                 ("C", "D", False, ALL)], "ACD"),
    "a terminating one of other paths": ([("targets", "A", True, PY), ("targets", "B", False, ALL)], "B"),
    "a path that does not match": ([("targets", "A", False, PY), ("targets", "B", False, ALL),
                                    ("A", "C", False, ALL)], "B"),
    "a path that does not match, below": ([("targets", "A", False, ALL), ("targets", "B", False, ALL),
                                           ("A", "C", False, PY), ("C", "D", False, ALL)], "AB"),
    "a cycle": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("B", "C", False, ALL),
                 ("C", "D", False, ALL), ("D", "B", False, ALL)], "ABCD"),
    "to itself": ([("targets", "A", False, ALL), ("A", "A", False, ALL), ("targets", "B", False, ALL)], "AB"),
    "two to one": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("B", "C", False, ALL),
                    ("A", "C", False, ALL)], "ACB"),
    "two to one, by the second": ([("targets", "A", False, ALL), ("targets", "B", False, ALL), ("B", "C", False, ALL),
                                   ("A", "C", False, PY)], "ABC"),
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_order_of_the_search(make, graph):
    rows, order = GRAPHS[graph]
    repo, server, client = make()
    keys = {}
    for parent, name, terminating, paths in rows:
        keys.setdefault(name, Key("ed25519"))
        repo.delegate(parent, name, keys[name], terminating, paths=paths)
    repo.publish()
    client.refused(client.download("missing"), "missing", "TUF 5.6.7")
    assert "".join(searched(server)) == order


@pytest.mark.parametrize("path,order", [("targetfile", ""), ("README.md", "A"), ("releases/x/x_v1", "BC"),
                                        ("releases/y/y_v1.zip", "BD"), ("releases/z/z_v1.zip", None),
                                        ("releases/y/sub/y_v1.zip", None), ("releases/y/.zip", "BD"),
                                        ("sub/README.md", None)])
def test_patterns_of_paths(make, path, order):
    """A star does not match a slash, and the whole chain has to match."""
    repo, server, client = make()
    for parent, name, paths in [("targets", "A", ["*.doc", "*.md"]), ("targets", "B", ["releases/*/*"]),
                                ("B", "C", ["releases/x/*"]), ("B", "D", ["releases/y/*.zip"])]:
        repo.delegate(parent, name, Key("ed25519"), paths=paths)
    for role in ("A", "C", "D"):
        repo.add_target(role, path, b"it")
    if order == "":
        repo.add_target("targets", path, b"it")
    repo.publish()
    done = client.download(path)
    if order is None:
        client.refused(done, path, "TUF 5.6.7")
    else:
        client.good(done)
        assert "".join(searched(server)) == order


@pytest.mark.parametrize("consistent", [True, False], ids=["consistent", "plain"])
@pytest.mark.parametrize("role,quoted", [
    ("?", "%3F"), ("#", "%23"), ("/role", "%2Frole"), ("../role", "..%2Frole"), (".", "."), ("..", ".."),
    ("a b%2F", "a%20b%252F"), ("\u00fcber", "%C3%BCber"), ("1.root", "1.root"), ("\\", "%5C")])
def test_names_of_roles_are_quoted(make, role, quoted, consistent):
    repo, server, client = make(consistent=consistent)
    repo.delegate("targets", role, Key("ed25519"), paths=["*"])
    repo.add_target(role, "file", b"it")
    bump(repo, "targets")
    repo.publish()
    prefix = "1." if consistent else ""
    body = repo.files[f"metadata/{prefix}{quoted}.json"] = repo.envelope(role)
    client.good(client.download("file"))
    assert f"metadata/{prefix}{quoted}.json" in server.asked
    assert (client.dir / f"{quoted}.json").read_bytes() == body
    assert sorted(path.name for path in client.dir.parent.iterdir()) == ["out", "root.json", "trust"]


@pytest.mark.parametrize("name,words", [
    ("n" * 128, None), ("/" * 80, None), ("n" * 129, ["targets.json", "SPEC 4.8"]), ("/" * 84, ["too long a name"])])
def test_names_of_roles_have_a_bound(make, name, words):
    repo, _, client = make(list_hashes=True)
    repo.delegate("targets", name, Key("p256"), paths=["*"])
    repo.add_target(name, "file", b"it")
    repo.publish()
    done = client.download("file")
    if words:
        client.refused(done, *words)
    else:
        client.good(done)
        client.good(client.download("file"))


@pytest.mark.parametrize("length,good", [(1, True), (128, True), (129, False)])
def test_ids_of_keys_have_a_bound(make, length, good):
    """They are names, and need be no hash of anything."""
    repo, _, client = make()
    for role in ("timestamp", "targets"):
        key = Key("p256")
        key.id = (role[1] * length)
        repo.rotate(role, key)
    repo.md["root"]["version"] = 2
    repo.publish(root=True)
    done = client.refresh()
    if good:
        client.good(done)
    else:
        client.refused(done, "2.root.json", "SPEC 3")


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
