# SPDX-License-Identifier: Apache-2.0
"""Names and delegations that are made to confuse, all signed by who may sign them. Rows of
(what, build() -> Forest, path that is asked, verdict)."""
import hashlib
import posixpath
import urllib.parse

from attacks import by_profile
from tufrepo import Key
from world import World, now

CONTENT, EVIL = b"the right content", b"the wrong content"


class Forest(World):
    """Top-level targets delegates to roles that the row makes, and these to others."""

    def __init__(self):
        self.roles, self.parents, self.bins = {}, {}, None
        super().__init__(now() - 60)

    def grow(self, parent, name, key=None, terminating=False, threshold=1, own_file=True, **paths):
        key = key or Key("p256")
        entry = {"name": name, "keyids": [key.id], "threshold": threshold, "terminating": terminating, **paths}
        self.parents.setdefault(parent, ([], {}))
        self.parents[parent][0].append(entry)
        self.parents[parent][1][key.id] = key.object
        if own_file and name not in self.md:
            self.roles[name] = key
            self.sets[name], self.needs[name] = [key], 1
            self.md[name] = {"_type": "targets", "spec_version": "1.0.34", "version": 0, "targets": {}}
        return key

    def name_keys(self):
        super().name_keys()
        for parent, (entries, keys) in self.parents.items():
            self.md[parent]["delegations"] = {"keys": keys, "roles": entries}
        if self.bins:
            self.md["targets"]["delegations"] = self.bins

    def put(self, role, body):
        """Every name, percent-encoded."""
        version = "" if role == "timestamp" else f"{self.md[role]['version']}."
        self.files[f"metadata/{version}{urllib.parse.quote(role, safe='')}.json"] = body

    def add_target(self, role, path, content):
        """Also where a path with dots in it leads, below the folder of a client that resolves them."""
        super().add_target(role, path, content)
        for name in [name for name in self.files if ".." in name]:
            self.files[posixpath.normpath(name)] = content

    def done(self):
        for name in [name for name in self.files if name.startswith("metadata/")]:
            del self.files[name]
        self.md["root"]["version"] = 0
        self.next_root()
        self.publish("targets", *self.roles)
        return self


def named(name):
    """One delegated role of that name, which lists x/file."""
    def build():
        forest = Forest()
        forest.grow("targets", name, paths=["x/*"])
        if name in forest.roles:
            forest.add_target(name, "x/file", CONTENT)
        return forest.done()
    return build


def listed(path, pattern="*"):
    def build():
        forest = Forest()
        forest.grow("targets", "role", paths=[pattern])
        forest.add_target("role", path, CONTENT)
        return forest.done()
    return build


def same_name_twice():
    """Two delegate to `shared`, each with a key of its own. The file is signed with the key of the first, and the
    second's path is asked."""
    forest = Forest()
    forest.grow("targets", "a", paths=["a/*"])
    forest.grow("targets", "b", paths=["b/*"])
    forest.grow("a", "shared", paths=["a/*"])
    forest.grow("b", "shared", paths=["b/*"], own_file=False)
    for path in ("a/file", "b/file"):
        forest.add_target("shared", path, CONTENT)
    return forest.done()


def cycle():
    forest = Forest()
    forest.grow("targets", "a", paths=["*", "*/*"])
    forest.grow("a", "b", paths=["*", "*/*"])
    forest.grow("b", "a", forest.roles["a"], paths=["*", "*/*"])
    forest.grow("b", "b", forest.roles["b"], paths=["*", "*/*"])
    forest.grow("targets", "c", paths=["*", "*/*"])
    forest.add_target("c", "x/file", CONTENT)
    return forest.done()


def deep(depth):
    def build():
        forest, key = Forest(), Key("p256")
        for number in range(depth):
            forest.grow(f"r{number - 1}" if number else "targets", f"r{number}", key, paths=["x/*"])
        forest.add_target(f"r{depth - 1}", "x/file", CONTENT)
        return forest.done()
    return build


def wide(count, pattern):
    """So many delegations under one key; the last is the right one."""
    def build():
        forest, key = Forest(), Key("p256")
        for number in range(count):
            forest.grow("targets", f"r{number}", key, own_file=False, paths=[pattern.format(number)])
        forest.grow("targets", "right", paths=["x/*"])
        forest.add_target("right", "x/file", CONTENT)
        return forest.done()
    return build


def terminating_first():
    """Who is before may end the search, and is to be believed."""
    forest = Forest()
    forest.grow("targets", "first", terminating=True, paths=["x/*"])
    forest.grow("targets", "second", paths=["x/*"])
    forest.add_target("second", "x/file", CONTENT)
    return forest.done()


def beyond_its_paths():
    """A role lists, and delegates, what was not delegated to it; the right role comes after it."""
    forest = Forest()
    forest.grow("targets", "greedy", paths=["y/*"])
    forest.add_target("greedy", "x/file", EVIL)
    forest.grow("greedy", "friend", paths=["x/*"])
    forest.add_target("friend", "x/file", EVIL)
    forest.grow("targets", "right", paths=["x/*"])
    forest.add_target("right", "x/file", CONTENT)
    return forest.done()


def prefixes_of_another():
    """The hash of the path begins otherwise."""
    digest = hashlib.sha256(b"x/file").hexdigest()
    forest = Forest()
    wrong = [f"{int(digest[0], 16) ^ 1:x}", digest[:8].upper(), digest + "0"]
    forest.grow("targets", "wrong", path_hash_prefixes=wrong)
    forest.add_target("wrong", "x/file", EVIL)
    forest.grow("targets", "right", path_hash_prefixes=[digest[:3]])
    forest.add_target("right", "x/file", CONTENT)
    return forest.done()


def bins(bits=4, wrong=False, **changes):
    """Succinct bins (TAP 15); `wrong`: the path is listed in all of them but its own."""
    def build():
        forest, key = Forest(), Key("p256")
        own = int.from_bytes(hashlib.sha256(b"x/file").digest()[:4], "big") >> 28
        for number in range(16):
            name = f"bin-{number:x}"
            forest.grow("nobody", name, key, paths=[])
            if wrong != (number == own):
                forest.add_target(name, "x/file", EVIL if wrong else CONTENT)
        del forest.parents["nobody"]
        forest.bins = {"keys": {key.id: key.object}, "succinct_roles": {
            "bit_length": bits, "name_prefix": "bin", "keyids": [key.id], "threshold": 1, **changes}}
        return forest.done()
    return build


def bins_beside_roles():
    forest = bins()()
    forest.bins["roles"] = []
    return forest.done()


def on_plain(verdict, other):
    return by_profile(verdict, verdict, plain=other)


def of_bins(verdict):
    """TAP 15 is not the specification's: the plain profile says that it does not know it."""
    return on_plain(verdict, "SPEC 3")


# Of a chain of roles a small device holds 8, of a snapshot 21 files.
FORM = {"SPEC 2", "SPEC 3"}
NAMES = {
    "../root": "honest", "..": "honest", ".": "honest", "a/b": "honest", "/etc/passwd": "honest",
    "%2e%2e%2froot": "honest", "root.json": "honest", "1.root": "honest", "Root": "honest", "\u0433oot": "honest",
    "a b?c=d#e": "honest", "-rf": "honest", ".draft.x": "honest", "a\nb": "honest", "a\x7fb": "honest",
    "n" * 128: "honest", "n" * 129: "SPEC 4.8", "n" * 3000: "SPEC 4.8", "": FORM, "a\0b": FORM,
    "root": FORM, "timestamp": FORM, "snapshot": FORM, "targets": FORM,
}
PATHS = {
    "..": "honest", "../file": "honest", "/etc/passwd": "honest", "a/../../b": "honest", "%2e%2e/x": "honest",
    "a//b": "honest", "x y": "honest", "a?b#c": "honest", "releases/l\u0430mp": "honest",
}
LETTER = [
    *((f"role {name[:24]!r} of {len(name)}", named(name), "x/file", verdict) for name, verdict in NAMES.items()),
    *((f"path {path!r}", listed(path, "/".join("*" for _ in path.split("/"))), path, verdict)
      for path, verdict in PATHS.items()),
    ("a look-alike is another path", listed("releases/l\u0430mp", "*/*"), "releases/lamp", "TUF 5.6.7"),
    ("a percent sign is no slash", listed("a%2Fb", "*"), "a/b", "TUF 5.6.7"),
    ("a star is no slash", listed("a/b/c", "a/*"), "a/b/c", "TUF 5.6.7"),
    ("a path with a slash in front is another", listed("/a/b", "*/*/*"), "a/b", "TUF 5.6.7"),
    ("one name from two delegators, by the first", same_name_twice, "a/file", "honest"),
    ("one name from two delegators, by the second", same_name_twice, "b/file", "TUF 5.6.3"),
    ("a cycle", cycle, "x/file", "honest"),
    ("a chain of 6", deep(6), "x/file", "honest"),
    ("a chain of 12", deep(12), "x/file", on_plain("honest", "TUF 5.6.7")),
    ("a chain of 60", deep(60), "x/file", on_plain("honest", "SPEC 4.8")),
    ("a chain of 1,100", deep(1100), "x/file", on_plain("TUF 5.6.7", "SPEC 4.8")),
    ("10,000 delegations of other paths", wide(10000, "y{}/*"), "x/file", "honest"),
    ("10,000 delegations of this path", wide(10000, "x/*"), "x/file", "SPEC 4.8"),
    ("a terminating role before the right one", terminating_first, "x/file", "TUF 5.6.7"),
    ("a role beyond its paths", beyond_its_paths, "x/file", "honest"),
    ("prefixes of another path", prefixes_of_another, "x/file", "honest"),
    ("bins", bins(), "x/file", of_bins("honest")),
    ("another's bin", bins(wrong=True), "x/file", of_bins("TUF 5.6.7")),
    ("bins of 0 bits", bins(0), "x/file", FORM),
    ("bins of 33 bits", bins(33), "x/file", FORM),
    ("bins of -1 bits", bins(-1), "x/file", FORM),
    ("bins of 32 bits, and no such bin", bins(32), "x/file", of_bins("TUF 5.6.7")),
    ("bins with a threshold of 0", bins(threshold=0), "x/file", FORM),
    ("bins with a threshold of 2 and one key", bins(threshold=2), "x/file", of_bins("TUF 5.6.3")),
    ("bins named like a role", bins(name_prefix=""), "x/file", FORM),
    ("bins with a name too long", bins(name_prefix="n" * 127), "x/file", of_bins("SPEC 4.8")),
    ("bins beside roles", bins_beside_roles, "x/file", FORM),
]
