# SPDX-License-Identifier: Apache-2.0
"""What is asked of a signing daemon, made as a verb would make it: by the verb itself, in a copy of the authority that has the
tokens, the *twin*. What the daemon signed is put into its own repository."""
import copy
import datetime
import hashlib
import json
import pathlib
import re
import shutil

import pytest

from authority import Rota, canonical, release
from paths import BUILD

HOUR = datetime.timedelta(hours=1)

RULES = """
[rule timestamp]
who = me
scope = sensor
role = timestamp
kinds = metadata
rate = 36000/1h
[rule snapshot]
who = me
scope = sensor
role = snapshot
kinds = metadata
[rule rollouts]
who = me
scope = sensor
role = rollouts
kinds = metadata
[rule revocations]
who = me
scope = sensor
role = revocations
kinds = metadata
[rule ci]
who = me
scope = sensor
role = ci
kinds = metadata image
[rule releases]
who = me
scope = sensor
role = releases
kinds = record
[rule link]
who = me
scope = sensor
role = keys-link
kinds = metadata
rate = 1/24h
"""


def when(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def newest(authority, role):
    """`signed` of a role's newest file, published or not."""
    found = {}
    for folder in ("repo/metadata", "staging"):
        for path in (pathlib.Path(authority) / folder).glob(f"*{role}.json"):
            match = re.fullmatch(rf"(\d+)\.{role}\.json|{role}\.json", path.name)
            if match:
                signed = json.loads(path.read_text())["signed"]
                found[signed["version"]] = signed
    return found[max(found)]


def successor(authority, role, **changes):
    """The next file of a role, issued now, as long-lived as the last one."""
    signed = copy.deepcopy(newest(authority, role))
    life = (datetime.datetime.fromisoformat(signed["expires"][:-1]) - datetime.datetime.fromisoformat(signed["x-rota-issued"][:-1]))
    issued = now()
    signed |= {"version": signed["version"] + 1, "x-rota-issued": when(issued), "expires": when(issued + life)}
    signed |= changes
    return signed


def entry(data, **more):
    return {"hashes": {"sha256": hashlib.sha256(data).hexdigest()}, "length": len(data), **more}


class Scene:
    """An authority in a folder, a copy of that in `source`, and twins of it."""

    def __init__(self, source, folder):
        self.dir = folder / "authority"
        shutil.copytree(source, self.dir)
        self.rota = Rota(BUILD, self.dir)
        self.folder = folder
        self.twins = 0

    def begin(self):
        """Release 1.0.0, published."""
        release(self.rota, self.folder, "1.0.0", "--soak", "1h", "--first-ppm", 10000, "--canary", 2)
        self.rota("publish")
        return self

    def copy(self, folder):
        return Scene(self.dir, folder)

    def twin(self):
        self.twins += 1
        to = self.folder / f"twin-{self.twins}"
        shutil.copytree(self.dir, to)
        return Rota(BUILD, to)

    def text(self, authority, role, signed):
        """The file of one product that a role lists, put beside the others."""
        path = f"{role}/sensor.json"
        name = f"targets/{role}/{signed['targets'][path]['hashes']['sha256']}.sensor.json"
        data = (pathlib.Path(authority) / "repo" / name).read_bytes()
        to = self.dir / "repo" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(data)
        return {path: data.decode()}

    def rollout(self, *words):
        """`signed` of the next rollouts, and its texts, as `rota rollout set` makes them."""
        twin = self.twin()
        twin("rollout", "set", "--version", "1.0.0", *words)
        signed = newest(twin.dir, "rollouts")
        return signed, self.text(twin.dir, "rollouts", signed)

    def put(self, role, signed, said):
        data = canonical({"signatures": said["signatures"], "signed": signed}).encode()
        name = "timestamp.json" if role == "timestamp" else f"{signed['version']}.{role}.json"
        (self.dir / "repo/metadata" / name).write_bytes(data)
        return data

    def snapshot(self, **files):
        """The next snapshot, where these roles' files are now of these bytes."""
        signed = successor(self.dir, "snapshot")
        for role, data in files.items():
            signed["meta"][f"{role.replace('_', '-')}.json"] = entry(data, version=json.loads(data)["signed"]["version"])
        return signed

    def timestamp(self, **changes):
        """The next timestamp, over the newest snapshot's file."""
        path = max((self.dir / "repo/metadata").glob("*.snapshot.json"), key=lambda p: int(p.name.split(".")[0]))
        meta = {"snapshot.json": entry(path.read_bytes(), version=int(path.name.split(".")[0]))}
        return successor(self.dir, "timestamp", meta=meta, **changes)


def ask(signd, role, signed, files=None, **changes):
    """Status and what was said of a file of metadata."""
    return signd.ask(kind="metadata", role=role, body={"signed": signed}, files=files or {}, **changes)[:2]


@pytest.fixture(scope="module", name="base")
def make_base(made, tmp_path_factory):  # of authority.py
    return Scene(made.dir, tmp_path_factory.mktemp("base")).begin()


@pytest.fixture(name="scene")
def make_scene(base, tmp_path):
    """An authority that a test may change."""
    return base.copy(tmp_path)
