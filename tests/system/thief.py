# SPDX-License-Identifier: Apache-2.0
"""Who has the tokens of every online role, and the server: he writes into the repository what they sign. Files of offline
roles he can only copy."""
import hashlib
import json
import os
import struct
import subprocess
import time

from cryptography.hazmat.primitives.asymmetric import utils

from authority import canonical
from paths import BUILD, PATIENCE

LIVES = {"ci": 7 * 86400}  # SPEC 3.2; the others a day


def sign(authority, party, message):
    """(raw public key, DER signature) of each of as many of the party's keys as it needs."""
    said = subprocess.run([BUILD / "tests/system/tokensign", authority, party], input=message, capture_output=True,
                          check=True, timeout=60 * PATIENCE).stdout
    out = []
    while said:
        key, sig = said[3:68], said[70:134]
        assert said[:3] == struct.pack("<BH", 1, 65) and said[68:70] == struct.pack("<H", 64)
        halves = (int.from_bytes(sig[:32], "big"), int.from_bytes(sig[32:], "big"))
        out.append((key, utils.encode_dss_signature(*halves)))
        said = said[134:]
    return out


def when(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def spelled(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Thief:
    def __init__(self, fleet):
        self.authority, self.repo = fleet.authority, fleet.authority / "repo"
        self.meta = {}  # what the next snapshot lists anew

    def newest(self, role):
        """`signed` of the role's last file."""
        if role == "timestamp":
            path = self.repo / "metadata/timestamp.json"
        else:
            path = max(self.repo.glob(f"metadata/*.{role}.json"), key=lambda p: int(p.name.split(".")[0]))
        return json.loads(path.read_bytes())["signed"]

    def ids(self, role):
        """Key ids by which metadata names the keys of a role."""
        root, targets = self.newest("root"), self.newest("targets")
        if role in root["roles"]:
            return root["roles"][role]["keyids"]
        return [r for r in targets["delegations"]["roles"] if r["name"] == role][0]["keyids"]

    def envelope(self, signed, *parties):
        """The file, with signatures of these roles' keys."""
        message = canonical(signed).encode()
        signatures = [{"keyid": keyid, "sig": sig.hex()}
                      for party in parties
                      for keyid, (_, sig) in zip(self.ids(party), sign(self.authority, party, message))]
        return spelled({"signatures": signatures, "signed": signed})

    def write(self, name, data):
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").rename(path)  # some are not to be written

    def target(self, path, data):
        """Put a target there; its entry."""
        digest = hashlib.sha256(data).hexdigest()
        folder, name = os.path.split(path)
        self.write(f"targets/{folder}/{digest}.{name}", data)
        return {"hashes": {"sha256": digest}, "length": len(data)}

    def next(self, role, **changes):
        signed = {**self.newest(role), **changes}
        signed["version"] = max(signed["version"], self.meta.get(role, 0)) + 1
        signed["x-rota-issued"] = when(time.time())
        signed["expires"] = when(time.time() + LIVES.get(role, 86400))
        return signed

    def put(self, role, data, version):
        """Have the next snapshot list this as the role's file."""
        self.write(f"metadata/{version}.{role}.json", data)
        self.meta[role] = {"hashes": {"sha256": hashlib.sha256(data).hexdigest()}, "length": len(data), "version": version}

    def lists(self, role, targets, *parties):
        """The role's next file lists these beside what it has, signed by its keys or those of other roles."""
        signed = self.next(role, targets={**self.newest(role)["targets"], **targets})
        self.put(role, self.envelope(signed, *(parties or (role,))), signed["version"])

    def publish(self):
        snapshot = self.next("snapshot")
        snapshot["meta"] = {**snapshot["meta"], **{f"{role}.json": entry for role, entry in self.meta.items()}}
        data = self.envelope(snapshot, "snapshot")
        self.write(f"metadata/{snapshot['version']}.snapshot.json", data)
        entry = {"hashes": {"sha256": hashlib.sha256(data).hexdigest()}, "length": len(data),
                 "version": snapshot["version"]}
        timestamp = self.next("timestamp", meta={"snapshot.json": entry})
        self.write("metadata/timestamp.json", self.envelope(timestamp, "timestamp"))
        self.meta = {}

    def policy(self, path, release, channel="production"):
        """The newest rollout policy sends everyone of the channel to this release."""
        campaign = {"attempt": 0, "channel": channel, "id": "thief", "open": 0,
                    "release": {"path": path, "sha256": hashlib.sha256(release).hexdigest()},
                    "retry": {"backoff_s": 0, "max": 8}, "stages": [{"kind": "everyone"}], "state": "active"}
        listed = self.newest("rollouts")["targets"].get("rollouts/sensor.json")
        sequence = 1
        if listed:
            old = (self.repo / f"targets/rollouts/{listed['hashes']['sha256']}.sensor.json").read_bytes()
            sequence = json.loads(old)["sequence"] + 1
        text = spelled({"_type": "rollout", "campaigns": [campaign], "format": 1, "product": "sensor",
                        "sequence": sequence})
        self.lists("rollouts", {"rollouts/sensor.json": self.target("rollouts/sensor.json", text)})


def release_of(image, digest, version, prefix):
    """release.json of one image, as ci's or a person's would say it."""
    path = f"{prefix}/sensor/{version}/app.img"
    return spelled({
        "_type": "release", "abort": "revert", "build": version,
        "ceilings": {"canary": 100, "everyone": "auto", "first_ppm": 1000000, "groups": [], "growth": 10, "soak_s": 60},
        "components": [{"counter": 0, "depends": [], "digest": digest, "hardware": ["board-a"], "length": len(image),
                        "name": "app", "order": 0, "path": path, "sha256": hashlib.sha256(image).hexdigest(),
                        "slot": "app"}],
        "deltas": [], "format": 1, "issued": when(time.time() - 7200), "minimum": "0.0.0", "product": "sensor",
        "revert_to": [], "version": version})
