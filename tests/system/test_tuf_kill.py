# SPDX-License-Identifier: Apache-2.0
"""kill -9 of rota-tuf at every durable call of an init, a refresh and a download (killat.c), for every one of them.

Whatever was left: what is trusted did not go back, a plain run afterwards succeeds and ends where an undisturbed one
does, and no draft stays."""
import json
import os
import shutil
import signal

import pytest

from conftest import BUILD
from tufclient import make  # noqa: F401
from tufrepo import Key

pytestmark = pytest.mark.plain

TOP = ("root.json", "timestamp.json", "snapshot.json", "targets.json", "bin.json")


@pytest.fixture(scope="module")
def kill():
    library = BUILD / "tests/system/libkillat.so"
    assert library.exists(), f"{library} is not built"
    return library


def contents(folder):
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder))} if folder.exists() else {}


def versions(files):
    return {name: json.loads(body)["signed"]["version"] for name, body in files.items() if not name.startswith(".")}


def restore(client, before):
    for folder, files in zip((client.dir, client.out), before):
        shutil.rmtree(folder, ignore_errors=True)
        if files:
            folder.mkdir()
        for name, body in files.items():
            (folder / name).write_bytes(body)


def killed_everywhere(client, kill, tmp_path, run, least):
    """Yields the number of the call at which a run from the same beginning was killed."""
    before = contents(client.dir), contents(client.out)
    count = tmp_path / "count"
    client.good(run(env={**os.environ, "LD_PRELOAD": str(kill), "KILLAT": "0", "KILLAT_COUNT": str(count)}))
    total = int(count.read_text())
    assert total > least, "a run makes more durable calls than that: is the library loaded?"
    whole = contents(client.dir), contents(client.out)
    for n in range(1, total + 1):
        restore(client, before)
        done = run(env={**os.environ, "LD_PRELOAD": str(kill), "KILLAT": str(n)})
        assert done.returncode == -signal.SIGKILL, (n, done.stderr)
        yield n
        client.good(run())
        assert (contents(client.dir), contents(client.out)) == whole, f"killed at call {n} of {total}"


@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "versions"])
@pytest.mark.parametrize("canonically", [True, False], ids=["canonical", "other"])
def test_every_durable_call_of_an_update(make, kill, tmp_path, canonically, hashes):
    """From version 1 of everything to two roots later, of which the second has other online keys."""
    repo, _, client = make(spelled_canonically=canonically, list_hashes=hashes)
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"first")
    repo.publish()
    client.good(client.download("file"))
    before = versions(contents(client.dir))
    repo.md["root"]["version"] += 1
    repo.publish(root=True)
    repo.rotate("timestamp", Key("p256"))
    repo.publish(root=True)
    repo.add_target("bin", "file", b"second")
    repo.md["bin"]["version"] = repo.md["targets"]["version"] = 2
    repo.publish()

    def run(env=None):
        return client.download("file", env=env)

    for n in killed_everywhere(client, kill, tmp_path, run, 30):
        now = versions(contents(client.dir))
        for name in TOP:
            # timestamp and snapshot are forgotten before root 3 is trusted (TUF 5.3.11)
            gone = name in ("timestamp.json", "snapshot.json") and now["root.json"] >= 2
            assert now.get(name, 0) >= before[name] or (gone and name not in now), (n, name, now)
        got = contents(client.out)["file"]
        assert got in (b"first", b"second"), (n, got)
    assert contents(client.out) == {"file": b"second"}


def test_every_durable_call_of_the_first_refresh(make, kill, tmp_path):
    repo, _, client = make()
    for n in killed_everywhere(client, kill, tmp_path, client.refresh, 12):
        assert "root.json" in contents(client.dir), n


def test_every_durable_call_of_an_init(make, kill, tmp_path):
    """Of one that begins anew: the old trust stands, or the new."""
    repo, _, client = make()
    client.good(client.refresh())
    root = tmp_path / "other.json"
    other = type(repo)()
    root.write_bytes(other.files["metadata/1.root.json"])
    old, new = (client.dir / "root.json").read_bytes(), root.read_bytes()

    def run(env=None):
        return client.run("init", str(root), env=env)

    for n in killed_everywhere(client, kill, tmp_path, run, 5):
        now = contents(client.dir)
        assert now["root.json"] in (old, new), n
        if now["root.json"] == new:
            assert not {"timestamp.json", "snapshot.json"} & set(now), n
