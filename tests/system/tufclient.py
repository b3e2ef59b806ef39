# SPDX-License-Identifier: Apache-2.0
"""A user of rota-tuf, and the fixture that gives one to each test: `from tufclient import make`."""
import json
import os
import subprocess

import pytest

from conftest import PATIENCE, programs
from tufrepo import Repo, Server


class Client:
    """A user of rota-tuf with a metadata directory and a directory for targets."""

    def __init__(self, tmp_path, repo, server):
        self.repo, self.server = repo, server
        self.dir, self.out = tmp_path / "trust", tmp_path / "out"
        root = tmp_path / "root.json"
        root.write_bytes(repo.files["metadata/1.root.json"])
        self.init = self.run("init", str(root))

    def run(self, *arguments, env=None):
        self.server.asked.clear()
        return subprocess.run([programs()["rota-tuf"], "--metadata-dir", self.dir, *arguments], text=True, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * PATIENCE, check=False)

    def refresh(self, options=(), env=None):
        return self.run("--metadata-url", self.server.url + "/metadata", *options, "refresh", env=env)

    def download(self, *names, options=(), env=None):
        names = [word for name in names for word in ("--target-name", name)]
        return self.run("--metadata-url", self.server.url + "/metadata/", *names, "--target-base-url",
                        self.server.url + "/targets", "--target-dir", self.out, *options, "download", env=env)

    def good(self, done):
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def refused(self, done, *words):
        """Status 1 and one line that names the clause; nothing half-written anywhere."""
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        for word in words:
            assert word in done.stderr
        for folder in (self.dir, self.out):
            if folder.exists():
                assert [name for name in os.listdir(folder) if name.startswith(".")] == []

    def trusted(self):
        return {name: json.loads((self.dir / name).read_bytes())["signed"]["version"]
                for name in sorted(os.listdir(self.dir))}


@pytest.fixture
def make(tmp_path):
    """Repositories with their server and a client that has their first root."""
    servers = []

    def build(repo=None, **knobs):
        repo = repo or Repo(**knobs)
        server = Server(repo)
        server.__enter__()
        servers.append(server)
        return repo, server, Client(tmp_path, repo, server)

    yield build
    for server in servers:
        server.__exit__()
