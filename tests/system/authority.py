# SPDX-License-Identifier: Apache-2.0
"""An authority on real tokens for a test to work with, and an independent client of what it publishes: a walk of TUF 5.3
to 5.7 on plain python-cryptography, which shares no code with Rota."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import template
from conftest import PATIENCE


class Rota:
    """The command with an authority directory."""

    def __init__(self, build, authority):
        self.program = build / "apps" / "rota" / "rota"
        self.dir = authority

    def __call__(self, *args, status=0, **more):
        done = subprocess.run(
            [self.program, *map(str, args)],
            env={**os.environ, "ROTA_DIR": str(self.dir)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * PATIENCE, check=False, **more)
        assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
        if status == 1:
            assert done.stderr.count("\n") == 1, done.stderr  # one line that says what
        return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One authority, made once; tests that change it take a copy, which must work as well where it lies."""
    from conftest import BUILD
    rota = Rota(BUILD, tmp_path_factory.mktemp("rota") / "authority")
    template.authority(rota.dir)
    return rota


@pytest.fixture
def rota(made, tmp_path):
    copy = tmp_path / "authority"
    shutil.copytree(made.dir, copy)
    return Rota(made.program.parents[2], copy)


def canonical(value):
    """SPEC 2.3, written from the text."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode())
        return "{" + ",".join(canonical(n) + ":" + canonical(value[n]) for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert value in (True, False, None) or type(value) is int
    return json.dumps(value)


class Client:
    """TUF 1.0.34, sections 5.3 to 5.7, for repositories with consistent snapshots."""

    def __init__(self, repo, root=None):
        self.repo = repo
        self.now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.root = json.loads((root or repo / "metadata/1.root.json").read_bytes())["signed"]

    def load(self, name, kind, keys, role, entry=None):
        data = (self.repo / "metadata" / name).read_bytes()
        if entry:
            assert len(data) == entry["length"]
            assert hashlib.sha256(data).hexdigest() == entry["hashes"]["sha256"]
        whole = json.loads(data)
        signed, message = whole["signed"], canonical(whole["signed"]).encode()
        good = set()
        assert len({s["keyid"] for s in whole["signatures"]}) == len(whole["signatures"])
        for signature in whole["signatures"]:
            keyid = signature["keyid"]
            if keyid not in role["keyids"]:
                continue
            assert hashlib.sha256(canonical(keys[keyid]).encode()).hexdigest() == keyid
            key = serialization.load_pem_public_key(keys[keyid]["keyval"]["public"].encode())
            try:
                key.verify(bytes.fromhex(signature["sig"]), message, ec.ECDSA(hashes.SHA256()))
                good.add(keys[keyid]["keyval"]["public"])
            except InvalidSignature:
                pass
        assert len(good) >= role["threshold"], name
        assert signed["_type"] == kind and signed["spec_version"] == "1.0.34"
        assert signed["expires"] > self.now and signed["x-rota-issued"] <= self.now
        if entry:
            assert signed["version"] == entry["version"]
        return signed

    def refresh(self):
        number = self.root["version"] + 1
        while (self.repo / "metadata" / f"{number}.root.json").exists():
            role = self.root["roles"]["root"]
            new = self.load(f"{number}.root.json", "root", self.root["keys"], role)
            assert new["version"] == number
            self.root = self.load(f"{number}.root.json", "root", new["keys"], new["roles"]["root"])
            number += 1
        keys, roles = self.root["keys"], self.root["roles"]
        assert self.root["consistent_snapshot"] is True
        self.timestamp = self.load("timestamp.json", "timestamp", keys, roles["timestamp"])
        entry = self.timestamp["meta"]["snapshot.json"]
        self.snapshot = self.load(f"{entry['version']}.snapshot.json", "snapshot", keys,
                                  roles["snapshot"], entry)
        entry = self.snapshot["meta"]["targets.json"]
        self.targets = self.load(f"{entry['version']}.targets.json", "targets", keys,
                                 roles["targets"], entry)
        delegations = self.targets["delegations"]
        self.roles = {}
        for role in delegations["roles"]:
            entry = self.snapshot["meta"][role["name"] + ".json"]
            assert role["terminating"] is True
            self.roles[role["name"]] = self.load(
                f"{entry['version']}.{role['name']}.json", "targets", delegations["keys"], role, entry)
        return self

    def fetch(self, role, path):
        target = self.roles[role]["targets"][path]
        paths = [r["paths"] for r in self.targets["delegations"]["roles"] if r["name"] == role][0]
        pattern = re.escape(paths[0]).replace(r"\*", "[^/]*")
        assert re.fullmatch(pattern, path)
        directory, name = path.rsplit("/", 1)
        data = (self.repo / "targets" / directory / f"{target['hashes']['sha256']}.{name}").read_bytes()
        assert len(data) == target["length"]
        assert hashlib.sha256(data).hexdigest() == target["hashes"]["sha256"]
        return data


def program(path, size=100_000):
    path.write_bytes(os.urandom(size))
    return path


def release(rota, tmp_path, version, *more):
    payload = program(tmp_path / f"p-{version}")
    image = tmp_path / f"app-{version}.img"
    rota("image", "sign", "--version", version, "--hardware", "board-a", "--counter", 1, "--out", image,
         payload)
    rota("release", "add", "--version", version, "--image", image, *more)
    return image


def rota_doctor(rota):
    done = subprocess.run([rota.program, "--dir", rota.dir, "doctor", "--json"], capture_output=True,
                          text=True, timeout=120, check=False)
    bad = [s["step"] + " " + s["text"] for s in json.loads(done.stdout) if not s["good"]]
    assert done.returncode == (1 if bad else 0)
    return bad
