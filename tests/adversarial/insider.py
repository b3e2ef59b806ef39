# SPDX-License-Identifier: Apache-2.0
"""What one who may sign can put into a file: rows of (what, change(world), verdict or {profile: verdict}). The clients
begin with the world's root and read everything anew. "honest": they take what is offered."""
import hashlib
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import utils

from world import RELEASE, Key, World, digest, now, spelled

CONTENT = b"a release"


class Twin:
    """Another key object or id for the key of somebody, who signs with it."""

    def __init__(self, key, name, **object_):
        self.key, self.id, self.kind = key, name, key.kind
        self.object = {**key.object, **object_}

    def sign(self, data):
        return self.key.sign(data)


def signed_twice(*twins):
    """One of the three who sign releases is there again under other ids, and nobody else signs."""
    def change(world):
        world.sets["releases"] = [world.sets["releases"][0]]
        world.sets["releases"] += [twin(world.sets["releases"][0]) for twin in twins]
    return change


def of_kind(kind, *twins):
    def change(world):
        world.sets["releases"] = [Key(kind)]
        world.sets["releases"] += [twin(world.sets["releases"][0]) for twin in twins]
    return change


def point(key):
    return key.private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


def pem(key):
    return key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def public(text):
    return {"keyval": {"public": text}}


def other_pem(change):
    return lambda key: Twin(key, "other", **public(change(key.object["keyval"]["public"])))


ONE_KEY = {
    "under two ids": signed_twice(lambda key: Twin(key, "other")),
    "under two ids, three times": signed_twice(lambda key: Twin(key, "a"), lambda key: Twin(key, "z")),
    "in PEM and in hex": signed_twice(lambda key: Twin(key, "other", **public(point(key)))),
    "in hex, upper and lower case": of_kind(
        "p256", lambda key: Twin(key, "lower", **public(point(key))),
        lambda key: Twin(key, "upper", **public(point(key).upper()))),
    "of both key type names": signed_twice(lambda key: Twin(key, "other", keytype="ecdsa-sha2-nistp256")),
    "with something beside its value": signed_twice(lambda key: Twin(key, "other", extra={"a": 1})),
    "in PEM with a blank line": signed_twice(other_pem(lambda text: text + "\n")),
    "in PEM without its last newline": signed_twice(other_pem(str.rstrip)),
    "in PEM with carriage returns": signed_twice(other_pem(lambda text: text.replace("\n", "\r\n"))),
    "in PEM with text before": signed_twice(other_pem(lambda text: "Key of Bob\n" + text)),
    "in PEM on one line": signed_twice(other_pem(
        lambda text: "\n".join([text.split("\n")[0], "".join(text.split("\n")[1:-2]), text.split("\n")[-2], ""]))),
    "ed25519 in hex, upper and lower case": of_kind(
        "ed25519", lambda key: Twin(key, "upper", **public(key.object["keyval"]["public"].upper()))),
    "ed25519 in hex and in PEM": of_kind("ed25519", lambda key: Twin(key, "other", **public(pem(key)))),
    "rsa under two ids": of_kind("rsa", lambda key: Twin(key, "other")),
}


def threshold(value):
    """Of releases, signed by two of three."""
    def change(world):
        world.needs["releases"] = value
        world.who_signs = lambda role: world.sets[role][:2 if role == "releases" else world.needs[role]]
    return change


def top_threshold(role, value):
    def change(world):
        world.needs[role] = value
        world.who_signs = lambda name: world.sets[name][:1 if name == role else world.needs[name]]
    return change


def keys_change(change_keys):
    """To the delegations of targets, once they are named."""
    def change(world):
        name_keys = world.name_keys

        def named():
            name_keys()
            change_keys(world.md["targets"]["delegations"], world)
        world.name_keys = named
    return change


def unknown_key(delegations, world):
    """One of the two that sign is not there."""
    del delegations["keys"][world.sets["releases"][0].id]


def unknown_scheme(delegations, world):
    key = world.sets["releases"][0]
    delegations["keys"][key.id] = {**key.object, "scheme": "ecdsa-sha3-nistp256"}


def wrong_curve(delegations, world):
    key = world.sets["releases"][0]
    delegations["keys"][key.id] = {**key.object, "scheme": "ecdsa-sha2-nistp384"}


def no_keys(delegations, _):
    for role in delegations["roles"]:
        role["keyids"] = []


def listed_as(hashes):
    """What timestamp and snapshot list beside versions and lengths."""
    def change(world):
        def meta(role, body):
            return {"version": world.md[role]["version"], "length": len(body), "hashes": hashes(body)}
        world.meta = meta
    return change


def sha512(body):
    return hashlib.sha512(body).hexdigest()


def strangers(world):
    """A hundred signatures by nobody, before the right ones."""
    world.extra_signatures = [{"keyid": f"{number:064x}", "sig": "3006020101020101"} for number in range(100)]


def each_signature(change):
    def wrap(world):
        world.change_signature = change
    return wrap


def negated(sig):
    """The other signature that the same equation allows: (r, n - s)."""
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = utils.decode_dss_signature(bytes.fromhex(sig))
    return utils.encode_dss_signature(r, n - s).hex()


FORM = {"SPEC 2", "SPEC 3"}
LISTED = [
    ("a hash of another kind beside", listed_as(lambda body: {"sha256": digest(body), "sha512": sha512(body)}),
     "honest"),
    ("a hash of another kind alone", listed_as(lambda body: {"sha512": sha512(body)}), FORM),
    ("hashes, and none", listed_as(lambda body: {}), FORM),
    ("a hash in upper case", listed_as(lambda body: {"sha256": digest(body).upper()}), FORM),
    ("half a hash", listed_as(lambda body: {"sha256": digest(body)[:32]}), FORM),
    ("a hash as a list", listed_as(lambda body: {"sha256": [digest(body)]}), FORM),
]
KEYS = [
    ("threshold 0", threshold(0), FORM),
    ("threshold -1", threshold(-1), FORM),
    ("threshold 3 of 3 signed by 2", threshold(3), "TUF 5.6.3"),
    ("threshold 2^32 - 1", threshold(2 ** 32 - 1), "TUF 5.6.3"),
    ("threshold 2^32", threshold(2 ** 32), "TUF 5.6.3"),
    ("threshold 2^32 + 2", threshold(2 ** 32 + 2), "TUF 5.6.3"),
    ("threshold 2^53", threshold(2 ** 53), FORM),
    ("threshold 2^64 + 2", threshold(2 ** 64 + 2), FORM),
    ("threshold 1.5", threshold(1.5), FORM),
    ("threshold as a word", threshold("2"), FORM),
    ("threshold of nothing", threshold(None), FORM),
    ("threshold 0 of timestamp", top_threshold("timestamp", 0), FORM),
    ("threshold 2^32 + 1 of timestamp", top_threshold("timestamp", 2 ** 32 + 1), "TUF 5.4.2"),
    ("a key that is not there", keys_change(unknown_key), "TUF 5.6.3"),
    ("a key of an unknown scheme", keys_change(unknown_scheme), "TUF 5.6.3"),
    ("a key of another curve", keys_change(wrong_curve), FORM | {"TUF 5.6.3"}),
    ("no keys at all", keys_change(no_keys), "TUF 5.6.3"),
    ("a hundred signatures of strangers", strangers, "honest"),
    ("signatures negated", each_signature(negated), "honest"),
    ("signatures with a byte behind", each_signature(lambda sig: sig + "00"), "TUF 5.6.3"),
    ("signatures of zeros", each_signature(lambda sig: "3006020100020100"), "TUF 5.6.3"),
    ("signatures empty", each_signature(lambda sig: ""), "TUF 5.6.3"),
    ("signatures of half a byte", each_signature(lambda sig: sig[:-1]), "TUF 5.6.3"),
    ("signatures that are no hex", each_signature(lambda sig: "x" * len(sig)), "TUF 5.6.3"),
    ("signatures very long", each_signature(lambda sig: "30" * 100000), "TUF 5.6.3"),
]


class Insider(World):
    """A world whose rows may also change how releases are signed."""

    def sign(self, role, keys=None):
        if role == "releases":
            return self.sign_releases()
        return super().sign(role, keys)

    def sign_releases(self):
        """As World.sign(), and then what the row does to the signatures."""
        super().sign("releases")
        name = f"metadata/{self.md['releases']['version']}.releases.json"
        file = json.loads(self.files[name])
        for signature in file["signatures"]:
            signature["sig"] = self.change_signature(signature["sig"])
        file["signatures"] = self.extra_signatures + file["signatures"]
        body = self.files[name] = spelled(file)
        self.md["snapshot"]["meta"]["releases.json"] = self.meta("releases", body)
        return body

    change_signature = staticmethod(lambda sig: sig)
    extra_signatures = []


def world_of(change):
    """root 1 and all the rest as the row has it."""
    world = Insider(now() - 60)
    world.files.clear()
    change(world)
    world.md["root"]["version"] = 0
    world.next_root()
    world.add_target("releases", RELEASE, CONTENT)
    world.publish("targets", *world.delegates)
    return world
