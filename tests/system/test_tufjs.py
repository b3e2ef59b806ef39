# SPDX-License-Identifier: Apache-2.0
"""A TUF client that is not ours reads our repository: tuf-js, from the npm registry, pinned by its lock file.

It also shows that the repository keeps tuf-js's promises when it is damaged: what our own client refuses is
refused by an independent one too.
"""
import fcntl
import json
import pathlib
import shutil
import subprocess

import pytest

import template
from conftest import TOP, programs

HERE = pathlib.Path(__file__).parent / "tufjs"
INSTALLED = TOP / "build" / "tufjs"

if shutil.which("npm") is None:
    # Debian's npm pulls in hundreds of packages: who wants this test installs npm for it.
    pytest.skip("npm is not installed", allow_module_level=True)


def rota(authority, *arguments):
    subprocess.run([programs()["rota"], "--dir", authority, *arguments], check=True, timeout=120,
                   stdin=subprocess.DEVNULL, capture_output=True)


@pytest.fixture(scope="module")
def tufjs():
    """tuf-js, installed once for the tree."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    with open(INSTALLED / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in ("package.json", "package-lock.json", "read.js"):
            shutil.copy(HERE / name, INSTALLED / name)
        whole = INSTALLED / "whole"  # a copy of the lock file by which all was installed
        if not whole.exists() or whole.read_bytes() != (HERE / "package-lock.json").read_bytes():
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=INSTALLED, check=True,
                           timeout=300, stdin=subprocess.DEVNULL)
            shutil.copy(HERE / "package-lock.json", whole)

    def read(repo, *targets):
        done = subprocess.run(["node", "read.js", repo, *targets], cwd=INSTALLED, check=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return json.loads(done.stdout)

    return read


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """A published repository with one release of a file."""
    authority = tmp_path_factory.mktemp("tufjs") / "authority"
    payload = authority.parent / "payload"
    payload.write_bytes(b"payload " * 1000)
    template.authority(authority)
    rota(authority, "release", "add", "--version", "1.0.0", "--raw", f"app={payload}", "--hardware", "board-a")
    rota(authority, "rollout", "set", "--version", "1.0.0")
    rota(authority, "publish")
    return authority / "repo"


def test_every_target_is_found_and_verified(tufjs, repo):
    found = tufjs(str(repo), "rollouts/sensor.json", "releases/sensor/1.0.0/release.json",
                  "releases/sensor/1.0.0/payload", "releases/sensor/9.9.9/release.json")
    assert found["targets"]["rollouts/sensor.json"] > 0
    assert found["targets"]["releases/sensor/1.0.0/release.json"] > 0
    assert found["targets"]["releases/sensor/1.0.0/payload"] == 8000
    assert found["targets"]["releases/sensor/9.9.9/release.json"] is None


def test_a_changed_role_is_refused(tufjs, repo, tmp_path):
    copy = tmp_path / "repo"
    shutil.copytree(repo, copy)
    (role,) = copy.glob("metadata/2.releases.json")
    role.write_bytes(role.read_bytes().replace(b'"length":8000', b'"length":8001'))
    assert "error" in tufjs(str(copy), "releases/sensor/1.0.0/payload")


def test_bins_are_read_by_another_client_too(tufjs, repo, tmp_path):
    """TAP 15: the bin that tuf-js computes is the one that we wrote."""
    authority = tmp_path / "authority"
    shutil.copytree(repo.parent, authority)
    rota(authority, "repo", "bins", "releases", "5")
    rota(authority, "publish")
    found = tufjs(str(authority / "repo"), "releases/sensor/1.0.0/payload", "releases/sensor/1.0.0/release.json",
                  "releases/sensor/9.9.9/release.json")
    assert found["targets"]["releases/sensor/1.0.0/payload"] == 8000
    assert found["targets"]["releases/sensor/1.0.0/release.json"] > 0
    assert found["targets"]["releases/sensor/9.9.9/release.json"] is None
