# SPDX-License-Identifier: Apache-2.0
"""Chains of roots, and what is done to them and to the hint of which to skip to (SPEC 4.6). Rows of
(what, change(chain), verdict); "honest": the client ends at the newest root and takes what it leads to."""
import json

from attacks import EVIL, by_profile
from tufrepo import canonical
from world import HOUR, HUGE, ONLINE, RELEASE, Key, Thief, World, digest, now, spelled

CONTENT = b"what the newest root leads to"
SLOT = 6 * HOUR


def chain(kind=World):
    """Six roots, the first an hour ago. The fourth brought other root keys, the third and sixth other online keys."""
    world = kind(now() - HOUR)
    old = world.fork()
    for version in range(2, 7):
        keys = world.who_signs("root")
        if version == 4:
            world.sets["root"] = [Key("p256") for _ in range(3)]
        if version in (3, 6):
            world.sets.update({role: [Key("p256")] for role in ONLINE})
        world.next_root(keys)
    world.release(CONTENT, now() - 60)
    world.old = old
    return world


def path(version):
    return f"metadata/{version}.root.json"


def hint(**members):
    return lambda world: world.files.update({"metadata/root-hint.json": spelled(
        {"changed": [4], "newest": 6, "version": 1, **members})})


def raw_hint(body):
    return lambda world: world.files.update({"metadata/root-hint.json": body})


def without_hint(world):
    del world.files["metadata/root-hint.json"]


def another_in_its_place(world):
    world.files[path(4)] = world.files[path(5)]


def cut(world):
    world.files[path(4)] = world.files[path(4)][:-30]


def gone_for_the_skip(world):
    """Not there when it is asked for first."""
    body, asked = world.files[path(4)], []

    def behave(reply):
        asked.append(1)
        if len(asked) == 1:
            reply.whole(b"", "404 Not Found")
        else:
            reply.whole(body)
    world.files[path(4)] = behave


def two_faces(world):
    """Good for the first reading, another file for the second."""
    body, other, asked = world.files[path(4)], signed_anew(world, 4, world.old.sets["root"][:2]), []

    def behave(reply):
        asked.append(1)
        reply.whole(body if len(asked) % 2 else other)
    world.files[path(4)] = behave


def signed_anew(world, version, keys):
    """That root with signatures by these keys alone."""
    signed = json.loads(world.files[path(version)])["signed"]
    data = canonical(signed).encode()
    return spelled({"signed": signed, "signatures": [{"keyid": key.id, "sig": key.sign(data)} for key in keys]})


def signed_by(which, count):
    """Root 4 by so many keys of the old set, or of the new one, alone."""
    def change(world):
        keys = (world.old if which == "old" else world).sets["root"][:count]
        world.files[path(4)] = signed_anew(world, 4, keys)
    return change


def forged(count):
    """A root 5 whose keys are all the thief's, signed with so many keys of the first root's, behind a hint that leads
    there, and what it leads to; the honest second to fourth are there."""
    def change(world):
        thief = world.fork(Thief).steal(world.old.sets["root"][:count])
        thief.sets["root"] = world.old.sets["root"]
        voices = thief.who_signs("root")
        thief.take_over(*thief.sets)
        thief.md["root"]["version"] = 4
        thief.next_root(voices)
        thief.add_target("releases", RELEASE, EVIL)
        thief.publish("targets", "releases", "rollouts")
        hint(changed=[5], newest=5)(thief)
        del thief.files[path(6)]
        world.files = thief.files
    return change


HINTS = [
    ("the honest hint", lambda world: None, "honest"),
    ("no hint", without_hint, "honest"),
    ("an empty hint", raw_hint(b""), "honest"),
    ("a page for a hint", raw_hint(b"<html></html>"), "honest"),
    ("a hint longer than its limit", raw_hint(b'{"changed":[' + b"1," * 4000 + b'1],"newest":6,"version":1}'),
     "honest"),
    ("a hint that nests", raw_hint(b"[" * 1000), "honest"),
    ("a hint of another version", hint(version=2), "honest"),
    ("a hint in another spelling", raw_hint(b'{ "changed": [4], "newest": 6, "version": 1 }'), "honest"),
    ("a hint with a fraction", raw_hint(b'{"changed":[4.5],"newest":6,"version":1}'), "honest"),
    ("a hint below zero", hint(changed=[-4]), "honest"),
    ("a hint back", hint(changed=[1], newest=1), "honest"),
    ("a hint to the same root", hint(changed=[], newest=1), "honest"),
    ("a hint to no root", hint(changed=[77]), "honest"),
    ("a hint to the last number", hint(changed=[HUGE]), "honest"),
    ("a hint past a change of keys", hint(changed=[6]), "honest"),
    ("a hint that forgets the change", hint(changed=[]), "honest"),
    ("a hint that falls in the middle", hint(changed=[3, 5]), "honest"),
    ("the root of the hint is another", another_in_its_place, "TUF 5.3.4"),
    ("the root of the hint is cut", cut, "SPEC 2"),
    # by the specification: as if there were no fourth root, and the third's timestamp key is not the sixth's
    ("the root of the hint is late", gone_for_the_skip, by_profile("TUF 5.4.2", "honest")),
    ("a root with two faces", two_faces, "honest"),
    ("signed by the old set alone", signed_by("old", 2), "TUF 5.3.4"),
    ("signed by the new set alone", signed_by("new", 2), "TUF 5.3.4"),
    ("signed by one of the old set", signed_by("old", 1), "TUF 5.3.4"),
    ("forged with one of the old keys", forged(1), "TUF 5.3.4"),
    # who has the threshold of the client's root could sign the next one as well; the letter stops only because the
    # honest second to fourth are there
    ("forged with the old threshold", forged(2), by_profile("TUF 5.3.4", "wins")),
]


# ---- slots: five roots of a pre-signed series, each with online keys of its own; it is the third's time ----

class Slotted(World):
    slot_s = SLOT


OLD = b"what was current in the second slot"


def series():
    """The fourth and fifth root are not published: world.early. world.slots are the keys of each."""
    begin = now() - 2 * SLOT - SLOT // 2
    world = Slotted(begin)
    world.old, world.slots = world.fork(), {1: {role: world.sets[role] for role in ONLINE}}
    for number in range(2, 6):
        world.root_at = begin + (number - 1) * SLOT
        world.slots[number] = {role: [Key("p256")] for role in ONLINE}
        world.sets.update(world.slots[number])
        world.next_root(world.who_signs("root"))
        if number == 2:
            world.release(OLD, world.root_at + HOUR)
        if number == 3:
            world.release(CONTENT, now() - 60)
    world.early = {path(number): world.files.pop(path(number)) for number in (4, 5)}
    world.sets.update(world.slots[3])
    world.hint()
    return world


def begun(world, number):
    return world.old.root_at + (number - 1) * SLOT


def stolen(slot, at):
    """The online keys of that slot are a thief's, who hides the roots behind it, shows those before it, and lists an
    older release at a time of the slot, or at any other."""
    def change(world):
        world.files.update(world.early)
        for number in range(slot + 1, 6):
            world.files.pop(path(number), None)
        world.sets.update(world.slots[slot])
        world.at = at(world)
        for name, version in (("releases", 2), ("targets", 1), ("rollouts", 1)):
            body = world.files[f"metadata/{version}.{name}.json"]
            world.md["snapshot"]["meta"][name + ".json"] = {
                "version": version, "length": len(body), "hashes": {"sha256": digest(body)}}
        world.publish()
        hint(changed=[], newest=slot)(world)
    return change


def early_roots(world):
    world.files.update(world.early)
    hint(changed=[], newest=5)(world)


SLOTS = [
    ("the series", lambda world: None, "honest"),
    # pre-signed roots are for clients that know slots; without a clock nobody knows that it is too early
    ("roots before their time", early_roots, by_profile("TUF 5.4.2", "honest", "TUF 5.4.2")),
    ("keys of the slot before, in its time", stolen(2, lambda w: begun(w, 2) + 2 * HOUR),
     by_profile("stale", "SPEC 4.6", "stale")),
    ("keys of the slot before, now", stolen(2, lambda w: now() - 60), by_profile("stale", "SPEC 4.6", "TUF 5.4.2")),
    ("keys of a slot to come, in its time", stolen(5, lambda w: begun(w, 5) + HOUR),
     by_profile("stale", "TUF 5.4.2", "stale")),
    ("keys of a slot to come, now", stolen(5, lambda w: now() - 60), by_profile("stale", "TUF 5.4.2")),
    ("keys of a slot to come, after it", stolen(5, lambda w: begun(w, 6) + 2 * HOUR),
     by_profile("stale", "TUF 5.4.2")),
]
