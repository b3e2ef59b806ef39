# SPDX-License-Identifier: Apache-2.0
"""The example of a program that keeps records on its device without a key (examples/recorder, SPEC 36.8)."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import BUILD, PATIENCE
from fleet import PROGRAMS
from keyworks import STORAGE, Works

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

RECORDS = 30
PATH = f"{PROGRAMS['rota-agent'].parent}:{os.environ['PATH']}"


def command(config, *words):
    return [BUILD / "examples/recorder/recorder", config, *map(str, words)]


def recorder(device, *words, status=0):
    """What it printed, and what it complained of."""
    done = subprocess.run(command(device.config, *words), capture_output=True, text=True, timeout=60 * PATIENCE, check=False,
                          env={**os.environ, "PATH": PATH})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module", name="works")
def make_works():
    with tempfile.TemporaryDirectory(prefix="rota-recorder-") as directory:
        os.chmod(directory, 0o755)
        with Works(directory) as it:
            yield it.begin()


@pytest.fixture(scope="module", name="device")
def make_device(works):
    device = works.make("recorder")
    device.add(f"[vault records]\npath = {device.dir}/records\n")
    return device


def test_readings_follow_the_devices_keys(works, device):
    recorder(device, "records", "fill", RECORDS, status=1)  # there is no key yet
    works.campaign("storage")
    device.once()
    works.settled(device.id, STORAGE, 1)
    assert recorder(device, "records", "fill", RECORDS) == f"{RECORDS} readings are kept, sealed\n"
    seventh = recorder(device, "records", "get", 7)
    assert re.fullmatch(r"reading 7: \d+\.\d{3} C\n", seventh)
    assert seventh.strip().encode() not in (device.dir / "records").read_bytes()
    assert "no none" in recorder(device, "records", "get", RECORDS + 1, status=1)
    works.campaign("storage")
    with subprocess.Popen(command(device.config, "records", "watch", RECORDS), stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PATH": PATH}) as watch:
        assert watch.stdout.readline().startswith(f"0 of {RECORDS} wait")
        device.once()
        lines = watch.communicate(timeout=60 * PATIENCE)[0].splitlines()
    assert watch.returncode == 0 and lines[-1].startswith(f"0 of {RECORDS} wait"), lines
    assert recorder(device, "records", "get", 7) == seventh
    assert "0 of" in recorder(device, "records", "rewrite", RECORDS)


def test_what_a_reading_says_is_looked_at(device):
    with subprocess.Popen([PROGRAMS["rota-agent"], "records", "--config", device.config, "records"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as vault:
        assert vault.communicate(f"put 7 {b'reading 7: 99.000 C'.hex()}\n", timeout=60 * PATIENCE)[0] == "ok\nok\n"
    assert "record 7 is not what the sensor said" in recorder(device, "records", "rewrite", RECORDS, status=1)


def test_another_vault(device):
    assert "has no [vault others]" in recorder(device, "others", "get", 7, status=1)


@pytest.mark.parametrize("words", [[], ["get"], ["get", 0], ["get", 10001], ["get", 1, 2], ["drop", 1]])
def test_wrong_usage(words):
    done = subprocess.run(command("/nowhere/agent.ini", "records", *words), capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 2 and "usage: recorder" in done.stderr
