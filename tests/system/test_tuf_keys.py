# SPDX-License-Identifier: Apache-2.0
"""Keys, thresholds and signatures by the letter of the specification, as test_tuf_conformance.py looks at it."""
import json

import pytest

from tufclient import make  # noqa: F401
from tufrepo import Key, Repo, bump, set_keys


@pytest.fixture(scope="module")
def pool():
    return [Key("ed25519") for _ in range(10)]


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
