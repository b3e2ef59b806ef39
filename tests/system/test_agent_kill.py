# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent at every durable call of an update, and at random moments.

One update is two runs of the agent: the first ever start of a device up to the trial of version 2, and after the
reboot its confirmation. Each is repeated from the same snapshot, killed at its n-th durable call (killat.c), for
every n. Whatever was left: the device must boot a version that it verified, and the agent, run again, must
complete the update."""
import itertools
import random
import re
import signal
import subprocess
import time

import pytest

from conftest import BUILD
from fleet import DEADLINE, PROGRAMS, environment

pytestmark = pytest.mark.plain

RANDOM_KILLS = 50
# Runs of agent and boot stage that completing may take: install, boot, confirm, and one of each to spare.
ROUNDS = 4


@pytest.fixture(scope="module")
def kill():
    library = BUILD / "tests/system/libkillat.so"
    assert library.exists(), f"{library} is not built"
    return library


@pytest.fixture(scope="module")
def device(fleet):
    """A device as it left the factory, with version 2 waiting for it, in pieces that commit on their way."""
    device = fleet.device()
    device.add("[limits]\nresume_every = 65536\n")
    fleet.release("2.0.0")
    # A trial that a reboot ends before it was confirmed has failed; it may be tried again at once.
    fleet.rollout("2.0.0", "--retry", "8", "--backoff", "0s")
    return device


@pytest.fixture(scope="module")
def stages(fleet, device):
    """Snapshots before either of the two runs, and the exit status of each."""
    fresh = device.snapshot(fleet.dir / "fresh")
    device.once(check=3)
    assert device.boot() == "2.0.0"
    trial = device.snapshot(fleet.dir / "trial")
    return {"install": (fresh, 3), "confirm": (trial, 0)}


def calls(device, kill, snapshot, status, directory):
    """How many durable calls a run makes."""
    count = directory / "count"
    device.restore(snapshot)
    device.once(check=status, env=environment(LD_PRELOAD=kill, KILLAT=0, KILLAT_COUNT=count))
    return int(count.read_text())


def complete(device, what, reboot_first):
    """After a kill: boot and agent in turn until version 2 is confirmed."""
    for turn in range(ROUNDS):
        if turn > 0 or reboot_first:
            assert device.boot() in ("1.0.0", "2.0.0"), what
        done = device.agent("--once")
        assert done.returncode in (0, 3), f"{what}: {done.stdout}{done.stderr}"
        if done.returncode == 0:
            break
    status = device.status()
    assert status["installed"] == "2.0.0" and status["pending"] == "none", (what, status)
    assert status["slots"][0]["as"] == "confirmed", (what, status)
    assert device.boot() == "2.0.0", what
    assert not list(device.state().rglob("*draft*")), what


@pytest.mark.parametrize("stage", ["install", "confirm"])
def test_every_durable_call(fleet, device, stages, kill, stage):
    snapshot, status = stages[stage]
    total = calls(device, kill, snapshot, status, fleet.dir)
    assert total > 20, "an update makes more durable calls than that: is the library loaded?"
    for n, reboot_first in itertools.product(range(1, total + 1), (False, True)):
        device.restore(snapshot)
        done = device.agent("--once", env=environment(LD_PRELOAD=kill, KILLAT=n))
        # The last calls take acknowledged events away; a server that says 429 acknowledges none.
        assert done.returncode == -signal.SIGKILL or "429" in done.stdout, f"{n}: {done.stdout}{done.stderr}"
        complete(device, f"{stage}, killed at call {n} of {total}, reboot {reboot_first}", reboot_first)


def test_random_moments(fleet, device, stages):
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    killed = 0
    for stage, (snapshot, status) in stages.items():
        device.restore(snapshot)
        begin = time.monotonic()
        device.once(check=status)
        whole = time.monotonic() - begin
        for n in range(RANDOM_KILLS // 2):
            device.restore(snapshot)
            wait = moments.uniform(0, whole)
            process = subprocess.Popen(
                [PROGRAMS["rota-agent"], "--config", device.config, "--once"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            time.sleep(wait)
            process.kill()
            killed += process.wait(timeout=DEADLINE) == -signal.SIGKILL
            complete(device, f"{stage}, killed after {wait:.4f} s (seed {seed}, {n})", reboot_first=n % 2 == 0)
    assert killed > 0, "every run ended before it was killed"


def test_no_event_twice(fleet, device, stages, kill):
    """A cut between the journal's commit and the outbox may lose an event, never repeat its number."""
    snapshot, status = stages["install"]
    device.restore(snapshot)
    done = device.agent("--once", env=environment(LD_PRELOAD=kill, KILLAT=60))
    assert done.returncode == -signal.SIGKILL
    waiting = [p.name for p in (device.state() / "outbox").iterdir() if not p.name.startswith(".")]
    assert all(re.fullmatch(r"\d{20}-[a-z]+\.json", name) for name in waiting)
    complete(device, "killed at call 60", reboot_first=True)
