# SPDX-License-Identifier: Apache-2.0
"""An honest repository laid out as SPEC 3 says (spelling, lifetimes, roles), and a thief who may publish in its place.

All clients read it: it is a TUF repository as any other. root, targets and releases need two of three keys. What a
thief cannot sign he signs with a key of his own, so that it is the threshold that refuses him, not a missing file."""
import copy
import datetime
import hashlib
import json
import time

from tufrepo import Key, Repo, canonical

HOUR, DAY = 3600, 86400
LIFE = {"root": 365 * DAY, "targets": 365 * DAY, "releases": 365 * DAY, "ci": 7 * DAY,
        "timestamp": DAY, "snapshot": DAY, "rollouts": DAY}
NEED = {"root": 2, "targets": 2, "releases": 2, "ci": 1, "rollouts": 1, "timestamp": 1, "snapshot": 1}
PATHS = {"releases": ["releases/*/*/*"], "ci": ["ci/*/*/*"], "rollouts": ["rollouts/*"]}
TOP = ("root", "timestamp", "snapshot", "targets")
ONLINE = ("timestamp", "snapshot")

RELEASE = "releases/lamp/1.0.0/release.json"
HUGE = 2 ** 53 - 1  # the largest version that is read


def spelled(value):
    """SPEC 2: the one spelling."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signature(key, data):
    """Of the one length that half of all P-256 signatures have: a file's length then says nothing of its signatures,
    and which of two checks refuses it, of length or of hash, is no matter of luck."""
    while len(sig := key.sign(data)) != 142 and key.kind == "p256":
        pass
    return sig


def when(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(content):
    return hashlib.sha256(content).hexdigest()


class World(Repo):
    """hashes: timestamp and snapshot list lengths and hashes, not only versions.
    extra: roles beside releases and rollouts, delegated to before them and not terminating, as (name, the role whose
    keys and threshold it has, paths)."""

    slot_s = 0  # how long a root's online keys may sign (SPEC 4.6); 0: its roots have no slots

    def __init__(self, at, hashes=True, extra=(), root_at=None):
        # Not Repo's: of Repo only the writing is used: its roles have one key each
        self.files, self.md, self.list_hashes, self.old_timestamps = {}, {}, hashes, []
        self.sets = {role: [Key("p256") for _ in range(3 if need == 2 else 1)] for role, need in NEED.items()}
        self.delegates = {"releases": "targets", "rollouts": "targets"}
        self.paths, self.needs = dict(PATHS), dict(NEED)
        self.extra, self.changed = {name: like for name, like, _ in extra}, []
        for name, like, paths in extra:
            self.delegates = {name: "targets", **self.delegates}
            self.paths[name] = paths
            self.sets[name], self.needs[name] = self.sets[like], NEED[like]
        self.born, self.at, self.root_at = at, at, root_at or at
        for role in [*TOP, *self.delegates]:
            self.md[role] = {"_type": role if role in TOP else "targets", "spec_version": "1.0.34", "version": 0}
            if role == "targets" or role in self.delegates:
                self.md[role]["targets"] = {}
        self.md["root"]["consistent_snapshot"] = True
        for online in ONLINE:
            self.md[online]["meta"] = {}
        self.next_root()
        self.publish("targets", *self.delegates)

    # ---- who may sign what ----

    def who_signs(self, role):
        return self.sets[role][:self.needs[role]]

    def name_keys(self):
        """Into root and targets: whose keys count."""
        root, targets = self.md["root"], self.md["targets"]
        root["keys"] = {key.id: key.object for role in TOP for key in self.sets[role]}
        root["roles"] = {role: {"keyids": [key.id for key in self.sets[role]], "threshold": self.needs[role]}
                         for role in TOP}
        targets["delegations"] = {
            "keys": {key.id: key.object for role in self.delegates for key in self.sets[role]},
            "roles": [{"name": role, "keyids": [key.id for key in self.sets[role]], "paths": self.paths[role],
                       "terminating": role not in self.extra, "threshold": self.needs[role]}
                      for role in self.delegates]}

    # ---- writing ----

    def stamp(self, role):
        at = self.root_at if role == "root" else self.at
        self.md[role].update({"x-rota-issued": when(at), "expires": when(at + LIFE.get(role, DAY))})
        if role == "root":
            self.md[role]["x-rota-not-before"] = when(at)
            if self.slot_s:  # of a series that was signed at once
                self.md[role].update({"x-rota-issued": when(self.born), "x-rota-slot-end": when(at + self.slot_s)})

    def sign(self, role, keys=None):
        """Its file as it stands in self.md, signed, put in place, listed in snapshot."""
        self.name_keys()
        signed = self.md[role]
        data = canonical(signed).encode()
        body = spelled({"signed": signed, "signatures": [{"keyid": key.id, "sig": signature(key, data)}
                                                         for key in keys or self.who_signs(role)]})
        self.put(role, body)
        if role not in ("root", *ONLINE):
            self.md["snapshot"]["meta"][role + ".json"] = self.meta(role, body)
        if role == "snapshot":
            self.md["timestamp"]["meta"]["snapshot.json"] = self.meta(role, body)
        return body

    def write(self, role):
        self.md[role]["version"] += 1
        self.stamp(role)
        return self.sign(role)

    def publish(self, *roles):
        """Those roles anew, then snapshot and timestamp."""
        for role in [*roles, "snapshot"]:
            self.write(role)
        self.old_timestamps.append(self.write("timestamp"))

    def next_root(self, old_keys=()):
        """old_keys: of root, which sign along with the new set."""
        self.md["root"]["version"] += 1
        self.stamp("root")
        keys = list(dict.fromkeys([*old_keys, *self.who_signs("root")]))
        self.sign("root", keys)
        self.hint(bool(old_keys) and list(old_keys) != self.who_signs("root"))

    def hint(self, changed=False):
        """SPEC 3.8, signed by nobody. rota-tuf does not ask for it."""
        newest = self.md["root"]["version"]
        self.changed = [*self.changed, *([newest] if changed else [])]
        self.files["metadata/root-hint.json"] = spelled({"changed": self.changed, "newest": newest, "version": 1})

    def release(self, content, at=None):
        """A new content of RELEASE, by the honest release signers."""
        self.at = at or self.at
        self.add_target("releases", RELEASE, content)
        self.publish("releases")
        return self

    def replace(self, *roles):
        """New keys for these roles: what the operator does when some were stolen."""
        old_root = self.who_signs("root")
        for role in roles:
            self.sets[role] = [Key("p256") for _ in self.sets[role]]
        if any(role in TOP for role in roles):
            self.root_at = self.at
            self.next_root(old_root)
        again = [role for role in ("targets", *self.delegates) if role in roles]
        self.publish(*dict.fromkeys([*(["targets"] if again else []), *again]))
        return self

    def fork(self, kind=None):
        other = copy.copy(self)
        other.__class__ = kind or type(self)
        for name in ("files", "md", "delegates", "paths"):
            setattr(other, name, copy.deepcopy(getattr(self, name)))
        other.sets, other.old_timestamps = dict(self.sets), list(self.old_timestamps)
        return other


class Thief(World):
    """World.fork(Thief), then steal(). Publishes in the place of the honest ones."""

    def steal(self, keys):
        self.stolen = {key.id for key in keys}
        self.own = Key("p256")
        self.used, self.own_keys = set(), set()
        return self

    def who_signs(self, role):
        keys = [key for key in self.sets[role] if key.id in self.stolen]
        self.used |= {key.id for key in keys}
        return keys or [self.own]

    def listed(self, name, version):
        """What would list that file of the past."""
        entry = {"version": version}
        if self.list_hashes:
            body = self.files["metadata/" + name]
            entry.update(length=len(body), hashes={"sha256": digest(body)})
        return entry

    def swap(self, name, other):
        """Serve another file under its name."""
        assert f"metadata/{name}" in self.files
        self.files["metadata/" + name] = self.files["metadata/" + other]

    def take_over(self, *roles):
        """Name keys of his own for these roles; whether that counts depends on who signs their delegator."""
        for role in roles:
            self.sets[role] = [Key("p256") for _ in self.sets[role]]
            self.own_keys |= {key.id for key in self.sets[role]}
        self.stolen |= self.own_keys


def now():
    return int(time.time())
