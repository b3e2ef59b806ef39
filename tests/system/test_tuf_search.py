# SPDX-License-Identifier: Apache-2.0
"""Delegations by the letter of the specification (TUF 5.6.7), as test_tuf_conformance.py looks at it."""
import pytest

from tufclient import make  # noqa: F401
from tufrepo import Key, asked, bump


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
