# SPDX-License-Identifier: Apache-2.0
"""A publish that is killed at every durable call, and readers beside publishes: nobody ever sees a mixture."""
import os
import shutil
import signal
import subprocess
import threading

import pytest

from authority import made, rota  # noqa: F401 - fixtures
from conftest import BUILD
from test_repo_bins import Reader, reader, signed  # noqa: F401 - fixtures
from test_repo_gc import release

pytestmark = [pytest.mark.plain,
              pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]
OLD, NEW = (f"releases/sensor/{n}.0.0/release.json" for n in (1, 2))


def publish(rota, **environment):
    return subprocess.run([rota.program, "--dir", rota.dir, "publish"], check=False, capture_output=True, text=True,
                          env={**os.environ, "LD_PRELOAD": str(BUILD / "tests/system/libkillat.so"), **environment},
                          stdin=subprocess.DEVNULL, timeout=120)


@pytest.fixture
def ready(rota, tmp_path):
    """Release 1 is published, release 2 staged, into bins; the folder is a copy to begin from each time."""
    rota("repo", "bins", "releases", 3)
    release(rota, "1.0.0")
    rota("publish")
    release(rota, "2.0.0")
    return shutil.copytree(rota.dir, tmp_path / "ready")


def test_every_durable_call(rota, reader, ready, tmp_path):
    reader.find(OLD)
    known = shutil.copytree(reader.dir, tmp_path / "known")
    count = tmp_path / "count"
    assert publish(rota, KILLAT="0", KILLAT_COUNT=str(count)).returncode == 0
    total = int(count.read_text())
    assert total > 30, "a publish makes more durable calls than that: is the library loaded?"
    before = signed(rota, "timestamp.json")["version"] - 1
    seen = set()
    for n in range(1, total + 1):
        what = f"killed at call {n} of {total}"
        shutil.rmtree(rota.dir)
        shutil.copytree(ready, rota.dir)
        shutil.rmtree(reader.dir)
        shutil.copytree(known, reader.dir)
        done = publish(rota, KILLAT=str(n))
        # the n-th call may be one of the token's process
        assert done.returncode == -signal.SIGKILL or "module died" in done.stderr, what
        version = signed(rota, "timestamp.json")["version"]
        seen.add(version - before)
        # the old state whole, or the new one
        shutil.rmtree(reader.out, ignore_errors=True)
        reader.find(*([OLD] if version == before else [OLD, NEW]))
        done = publish(rota, KILLAT="0")
        assert done.returncode == 0, what + done.stderr
        reader.find(OLD, NEW)
        left = [path for path in rota.dir.rglob(".draft.*")] + list((rota.dir / "staging").iterdir())
        assert not left, what
    assert seen == {0, 1}
    assert "0 wrong" in rota("repo", "verify")


def test_readers_beside_publishes(rota, ready, tmp_path):
    """One that goes on from what it trusts, and one that begins anew each time."""
    stop, failures, rounds = threading.Event(), [], []

    def read(name, anew):
        it = Reader(rota.dir / "repo", tmp_path / name)
        while not stop.is_set():
            if anew:
                shutil.rmtree(it.dir)
                it.run("init", str(rota.dir / "repo/metadata/1.root.json"))
            done = it.run("--metadata-url", it.url + "/metadata", "--target-name", OLD, "--target-base-url",
                          it.url + "/targets", "--target-dir", str(it.out), "download")
            rounds.append(name)
            if done.returncode:
                failures.append(done.stderr)
        it.close()

    threads = []
    for name, anew in (("goes-on", False), ("anew", True)):
        (tmp_path / name).mkdir()
        threads.append(threading.Thread(target=read, args=(name, anew)))
        threads[-1].start()
    try:
        for n in range(2, 8):
            if n > 2:
                release(rota, f"{n}.0.0")
            rota("publish", "--all")
            rota("repo", "gc", "--grace", "0s")
        rota("repo", "bins", "releases", 4)
        rota("publish")
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=120)
    assert failures == [] and set(rounds) == {"goes-on", "anew"}
    assert len(rounds) > 10
