# SPDX-License-Identifier: Apache-2.0
"""The attacks of the TUF specification (1.5.2), crossed with what the attacker stole: the table that the matrix tests.

A cell's verdict is computed from the table, never from what a program did: `needs` lists in the order of the workflow
whose threshold the attack's files take, with the clause that refuses the file of a thief who has not got it. Who has
them all gets to `end`, one verdict a profile:

    a clause   refused all the same
    "wins"     the client takes what the attacker wants (THREATS.md says so)
    "honest"   the client takes what the honest repository offers
"""
import dataclasses
from typing import Any

from clients import PROFILES
from world import DAY, HOUR, HUGE, NEED, ONLINE, RELEASE, Thief, World, digest, now

FIRST, SECOND, NEWEST, EVIL = b"first release", b"second release", b"newest release", b"evil release"

# ---- what is stolen: how many keys of which role; "old": keys that the newest root or targets replaced ----

STOLEN = {
    "nothing": {},
    "timestamp": {"timestamp": 1},
    "snapshot": {"snapshot": 1},
    "timestamp and snapshot": {"timestamp": 1, "snapshot": 1},
    "all online keys": {"timestamp": 1, "snapshot": 1, "rollouts": 1},
    "one targets key": {"targets": 1},
    "one targets key, all online": {"targets": 1, "timestamp": 1, "snapshot": 1, "rollouts": 1},
    "one releases key": {"releases": 1},
    "one releases key, all online": {"releases": 1, "timestamp": 1, "snapshot": 1, "rollouts": 1},
    "releases threshold": {"releases": 2},
    "releases threshold, all online": {"releases": 2, "timestamp": 1, "snapshot": 1, "rollouts": 1},
    "targets threshold": {"targets": 2},
    "targets threshold, all online": {"targets": 2, "timestamp": 1, "snapshot": 1, "rollouts": 1},
    "one root key": {"root": 1},
    "one root key, all else": {"root": 1, "targets": 2, "releases": 2, "timestamp": 1, "snapshot": 1, "rollouts": 1},
    "root threshold": {"root": 2},
    "old online keys": {"old timestamp": 1, "old snapshot": 1, "old rollouts": 1},
    "old releases threshold": {"old releases": 2},
    "old root threshold": {"old root": 2},
    "old keys of all": {"old root": 2, "old targets": 2, "old releases": 2, "old timestamp": 1, "old snapshot": 1},
}


def commands(stolen, role):
    """Whether the stolen keys reach the role's threshold."""
    return stolen.get(role, 0) >= NEED[role.removeprefix("old ")]


# ---- worlds: what the client saw last, and what there is now ----

@dataclasses.dataclass
class Scene:
    """seen: what the client refreshed from (None: it has only the root). honest: the newest. old: before keys were
    replaced (None: none were)."""

    seen: World
    honest: World
    old: World


def in_use(**knobs):
    """The client has seen the second release; a third is out."""
    seen = World(now() - 3 * HOUR, **knobs).release(FIRST).release(SECOND, now() - 2 * HOUR)
    return Scene(seen, seen.fork().release(NEWEST, now() - 60), None)


def replaced(*roles, **knobs):
    """As in_use(); the third release came with new keys, which the client has not seen."""
    scene = in_use(**knobs)
    seen = scene.seen
    honest = seen.fork().replace(*roles).release(NEWEST, now() - 60)
    return Scene(seen, honest, seen)


def all_replaced():
    return replaced("root", "targets", "releases", "rollouts", *ONLINE)


def first_boot(days, root_days=None):
    """The newest files are that old; the client knows the root alone."""
    at = now() - days * DAY - HOUR
    world = World(at, root_at=at if root_days is None else now() - root_days * DAY - 60).release(NEWEST)
    return Scene(None, world, None)


WORLDS = {
    "plain": in_use,
    "versions only": lambda: in_use(hashes=False),
    "all keys replaced": all_replaced,
    "online keys replaced": lambda: replaced(*ONLINE),
    "online role may sign releases": lambda: in_use(extra=[("staging", "rollouts", ["*/*/*/*"])]),
    "shared keys": lambda: twins(True),
    "shared keys, versions only": lambda: twins(False),
    "a day unpublished": lambda: first_boot(1),
    "a day unpublished, root renewed": lambda: first_boot(1, 0),
    "a year unpublished": lambda: first_boot(366),
    "a year unpublished, root renewed": lambda: first_boot(366, 0),
}


def twins(hashes):
    """A second role under the keys of releases, whose file lists the release's path although it may not sign it."""
    scene = in_use(hashes=hashes, extra=[("beta", "releases", ["beta/*/*/*"])])
    honest = scene.honest
    honest.md["beta"]["version"] = honest.md["releases"]["version"] - 1
    honest.add_target("beta", RELEASE, EVIL)
    honest.publish("beta")
    return scene


# ---- moves: what the thief does with the repository; the keys he has not got are his own (world.Thief) ----

def arbitrary_release(t):
    t.add_target("releases", RELEASE, EVIL)
    t.publish("releases")


def role_of_his_own(t):
    t.take_over("releases")
    t.add_target("releases", RELEASE, EVIL)
    t.publish("targets", "releases")


def root_of_his_own(t):
    """The next root names his keys for everything."""
    voices = t.who_signs("root")
    t.take_over(*t.sets)
    t.md["root"]["version"] = t.newest_root
    t.next_root(voices)
    t.add_target("releases", RELEASE, EVIL)
    t.publish("targets", "releases", "rollouts")


def fork_of_the_root(t):
    """In the place of the root that the client has not seen yet."""
    t.newest_root, t.sets = 1, dict(t.old_sets)
    root_of_his_own(t)


def listed_elsewhere(t):
    t.add_target("rollouts", RELEASE, EVIL)
    t.publish("rollouts")


def staged_release(t):
    t.add_target("staging", RELEASE, EVIL)
    t.publish("staging")


def replayed_timestamp(t):
    t.files["metadata/timestamp.json"] = t.old_timestamps[0]


def older_snapshot(t):
    t.md["timestamp"]["meta"]["snapshot.json"] = t.listed("2.snapshot.json", 2)
    t.write("timestamp")


def older_release_listed(t):
    t.md["snapshot"]["meta"]["releases.json"] = t.listed("2.releases.json", 2)
    t.write("snapshot")
    t.write("timestamp")


def releases_unlisted(t):
    del t.md["snapshot"]["meta"]["releases.json"]
    t.write("snapshot")
    t.write("timestamp")


def older_root(t):
    t.files[f"metadata/{t.newest_root + 1}.root.json"] = t.files["metadata/1.root.json"]


def far_timestamp(t):
    t.md["timestamp"]["version"] = HUGE - 1
    t.write("timestamp")


def far_snapshot(t):
    t.md["snapshot"]["version"] = HUGE - 1
    t.write("snapshot")
    t.write("timestamp")


def far_listing(t):
    t.md["snapshot"]["meta"]["releases.json"]["version"] = HUGE
    t.write("snapshot")
    t.write("timestamp")


def far_releases(t):
    t.md["releases"]["version"] = HUGE - 1
    t.publish("releases")


def nothing_new(_):
    pass


def timestamps_for_ever(t):
    t.at = now() - 60
    t.write("timestamp")


def online_for_ever(t):
    t.at = now() - 60
    t.publish()


def online_at_their_time(t):
    """Signed today, and dated as of the day after which nobody else is heard."""
    t.publish()


def online_for_ten_years(t):
    t.stamp = lambda role: (World.stamp(t, role), t.md[role].update(expires="2036-01-01T00:00:00Z"))
    t.publish()


def dated_ahead(t):
    t.at = now() + 30 * DAY
    t.publish()


def other_version_of_a_role(t):
    t.swap("4.releases.json", "3.releases.json")


def other_version_of_snapshot(t):
    t.swap("4.snapshot.json", "3.snapshot.json")


def same_snapshot_anew(t):
    """Another file under the version that the honest timestamp lists."""
    t.md["snapshot"]["meta"]["releases.json"] = t.listed("3.releases.json", 3)
    t.sign("snapshot")


def twin_for_release(t):
    t.swap("4.releases.json", "4.beta.json")


def other_target(t):
    for path in list(t.files):
        if path.startswith("targets/"):
            t.files[path] = EVIL


def another_repository(t):
    t.files = World(now() - 60).release(EVIL).files


def hidden_root(t):
    """The client hears nothing of the new keys; the old ones go on."""
    honest = t.sets
    t.files.pop("metadata/2.root.json")
    t.sets = t.old_sets
    t.md["snapshot"]["meta"]["releases.json"] = t.listed("3.releases.json", 3)
    t.md["snapshot"]["meta"]["targets.json"] = t.listed("1.targets.json", 1)
    t.md["snapshot"]["meta"]["rollouts.json"] = t.listed("1.rollouts.json", 1)
    t.publish()
    t.sets = honest


# ---- the table ----

@dataclasses.dataclass
class Attack:
    kind: str  # the specification's name
    name: str
    move: Any
    needs: list
    end: Any  # one verdict for all profiles, or a dict
    world: str = "plain"
    wants: bytes = EVIL
    # What the honest repository meets afterwards: [(roles whose keys it replaces first, verdict or dict)].
    after: list = dataclasses.field(default_factory=list)
    only: dict = dataclasses.field(default_factory=dict)  # needs of a profile that differ


TS, SNAP = ("timestamp", "TUF 5.4.2"), ("snapshot", "TUF 5.5.3")
REL, TARGETS, ROOT = ("releases", "TUF 5.6.3"), ("targets", "TUF 5.6.3"), ("root", "TUF 5.3.4")


def by_profile(letter, device, clockless=None, plain=None):
    return {"letter": letter, "plain": letter if plain is None else plain,
            "device": device, "clockless": device if clockless is None else clockless}


ATTACKS = [
    Attack("arbitrary software", "a release", arbitrary_release, [TS, SNAP, REL], "wins"),
    Attack("arbitrary software", "a release, versions only", arbitrary_release, [TS, SNAP, REL], "wins",
           world="versions only"),
    Attack("arbitrary software", "a role of his own", role_of_his_own, [TS, SNAP, TARGETS], "wins"),
    Attack("arbitrary software", "a root of his own", root_of_his_own, [ROOT], "wins"),
    Attack("arbitrary software", "other bytes for a target", other_target, [], by_profile("TUF 5.7.3", "honest", plain="honest")),
    Attack("rollback", "replayed timestamp", replayed_timestamp, [], "TUF 5.4.3.1", wants=FIRST),
    Attack("rollback", "older snapshot", older_snapshot, [TS], "TUF 5.4.3.2", wants=FIRST),
    Attack("rollback", "older release listed", older_release_listed, [TS, SNAP],
           by_profile("TUF 5.5.5", "SPEC 4.3"), wants=FIRST),
    Attack("rollback", "older release listed, versions only", older_release_listed, [TS, SNAP],
           by_profile("TUF 5.5.5", "SPEC 4.3"), wants=FIRST, world="versions only"),
    # 5.3.11 forgets the snapshot with its keys, and what it listed; a floor outlives them
    Attack("rollback", "older release listed after new online keys", older_release_listed, [TS, SNAP],
           by_profile("wins", "SPEC 4.3"), wants=FIRST, world="online keys replaced"),
    Attack("rollback", "releases unlisted", releases_unlisted, [TS, SNAP], "TUF 5.5.5"),
    Attack("rollback", "older root", older_root, [], "TUF 5.3.5"),
    Attack("fast-forward", "timestamp", far_timestamp, [TS], "honest",
           after=[([], "TUF 5.4.3.1"), (["timestamp"], "honest")]),
    Attack("fast-forward", "snapshot", far_snapshot, [TS, SNAP], "honest",
           after=[([], "TUF 5.4.3.2"), (["timestamp"], "honest")]),
    Attack("fast-forward", "listing of a role", far_listing, [TS, SNAP], "TUF 5.6.1",
           after=[([], by_profile("TUF 5.5.5", "honest")), (["snapshot"], "honest")]),
    # who had the role's own threshold raised a verified floor: only new keys of the role take it away
    Attack("fast-forward", "releases", far_releases, [TS, SNAP, REL], "honest",
           after=[([], by_profile("TUF 5.5.5", "SPEC 4.3")), (ONLINE, by_profile("honest", "SPEC 4.3")),
                  (["releases", *ONLINE], "honest")]),
    # without a clock time stands still, but for the not-before of each root (SPEC 5.2)
    Attack("indefinite freeze", "nothing new for a day", nothing_new, [],
           by_profile("TUF 5.4.4", "TUF 5.4.4", "wins"), wants=NEWEST, world="a day unpublished"),
    Attack("indefinite freeze", "nothing but a root for a day", nothing_new, [], "TUF 5.4.4",
           wants=NEWEST, world="a day unpublished, root renewed"),
    Attack("indefinite freeze", "no new root for a year", nothing_new, [],
           by_profile("TUF 5.3.10", "TUF 5.3.10", "wins"), wants=NEWEST, world="a year unpublished"),
    Attack("indefinite freeze", "new timestamps only", timestamps_for_ever, [TS], "TUF 5.5.6",
           world="a day unpublished", wants=NEWEST),
    Attack("indefinite freeze", "timestamp and snapshot for a year", online_for_ever, [TS, SNAP], "TUF 5.6.5",
           world="a year unpublished, root renewed", wants=NEWEST),
    Attack("indefinite freeze", "timestamp and snapshot of old days", online_at_their_time, [TS, SNAP],
           by_profile("TUF 5.3.10", "TUF 5.3.10", "wins"), only=by_profile([], []) | {"clockless": [TS, SNAP]},
           world="a year unpublished", wants=NEWEST),
    Attack("indefinite freeze", "timestamp and snapshot of ten years", online_for_ten_years, [TS, SNAP],
           by_profile("wins", "SPEC 4.5"), only={"device": [TS], "clockless": [TS]}, wants=NEWEST),
    Attack("indefinite freeze", "files for later", dated_ahead, [TS, SNAP],
           by_profile("wins", "SPEC 4.5", "wins"), only={"device": [TS]}, wants=NEWEST),
    Attack("mix-and-match", "another version of a role", other_version_of_a_role, [], "TUF 5.6.2", wants=SECOND),
    Attack("mix-and-match", "another version of a role, versions only", other_version_of_a_role, [], "TUF 5.6.4",
           wants=SECOND, world="versions only"),
    Attack("mix-and-match", "another version of snapshot", other_version_of_snapshot, [], "TUF 5.5.2",
           wants=SECOND),
    Attack("mix-and-match", "another version of snapshot, versions only", other_version_of_snapshot, [],
           "TUF 5.5.4", wants=SECOND, world="versions only"),
    Attack("mix-and-match", "the same snapshot anew", same_snapshot_anew, [], "TUF 5.5.2", wants=SECOND),
    Attack("mix-and-match", "the same snapshot anew, versions only", same_snapshot_anew, [SNAP], "wins",
           wants=SECOND, world="versions only"),
    Attack("mix-and-match", "a role's file for its twin's", twin_for_release, [], "TUF 5.6.2", world="shared keys"),
    Attack("mix-and-match", "a role's file for its twin's, versions only", twin_for_release, [], "wins",
           world="shared keys, versions only"),
    Attack("extraneous dependencies", "a path of another role", listed_elsewhere, [TS, SNAP], "honest"),
    Attack("wrong software", "a path of a wider role", staged_release, [TS, SNAP],
           by_profile("wins", "honest"), world="online role may sign releases",
           only=dict.fromkeys(("letter", "plain"), [TS, SNAP, ("rollouts", "TUF 5.6.3")])),
    Attack("malicious mirror", "another repository", another_repository, [], "TUF 5.4.2"),
    Attack("key compromise", "old keys, new root in sight", arbitrary_release, [TS, SNAP, REL], "wins",
           world="all keys replaced"),
    Attack("key compromise", "old root signs the next one", root_of_his_own, [ROOT], "wins",
           world="all keys replaced"),
    Attack("key compromise", "new root withheld", hidden_root,
           [("old timestamp", "TUF 5.4.2"), ("old snapshot", "TUF 5.5.3")], "wins", wants=SECOND,
           world="all keys replaced"),
    Attack("key compromise", "another root in the new one's place", fork_of_the_root, [("old root", "TUF 5.3.4")],
           "wins", world="all keys replaced"),
]


def verdict(attack, profile, stolen):
    """What must come of it."""
    for role, clause in attack.only.get(profile, attack.needs):
        if not commands(stolen, role):
            return clause
    return attack.end[profile] if isinstance(attack.end, dict) else attack.end


def thief_of(scene, stolen):
    """What he publishes with begins as what is public."""
    t = scene.honest.fork(Thief)
    keys = []
    for role, count in stolen.items():
        world = scene.old if role.startswith("old ") else scene.honest
        keys += world.sets[role.removeprefix("old ")][:count] if world else []
    t.steal(keys)
    t.old_sets = scene.old.sets if scene.old else t.sets
    t.newest_root = t.md["root"]["version"]
    return t


def judged(outcome, attack, honest):
    """An outcome in the words of the table."""
    if not outcome.good:
        return outcome.clause
    if outcome.digest == digest(attack.wants):
        return "wins"
    return "honest" if outcome.digest == honest else "stale"


# ---- the same for people: a row of THREATS.md ----

def ends(attack, profile):
    def of(verdicts):
        return verdicts[profile] if isinstance(verdicts, dict) else verdicts

    stuck = [of(verdict) for _, verdict in attack.after if of(verdict) != "honest"]
    if not stuck:
        return of(attack.end)
    cure = next(roles for roles, verdict in attack.after if of(verdict) == "honest")
    return f"{stuck[0]} until new keys of {', '.join(cure)}"


def row(attack):
    needs = ", ".join(f"{role} ({clause.removeprefix('TUF ')})" for role, clause in attack.needs) or "nobody's"
    verdicts = " | ".join(ends(attack, profile) for profile in PROFILES)
    return f"| {attack.kind}: {attack.name} | {needs} | {verdicts} | test_matrix: test_cells |"


if __name__ == "__main__":
    print("\n".join(map(row, ATTACKS)))
