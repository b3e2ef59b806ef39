# SPDX-License-Identifier: Apache-2.0
"""rota-boot burns what was asked for (SPEC 10.5, 10.6), with a software TPM and without: then the operator's own signed
old image boots no more, whatever is put back on the flash."""

import os
import shutil
import signal
import subprocess

import bootfiles
import pytest
import swtpm
from machine import DEADLINE_S, Machine, children

OLD, NEW = 2, 5  # security counters


@pytest.fixture(scope="module")
def keys():
    return [bootfiles.new_key(), bootfiles.new_key()]


@pytest.fixture
def payload(build):
    return (build / "examples/sensor/sensor-1").read_bytes()


@pytest.fixture
def tpm(tmp_path):
    with swtpm.Tpm(tmp_path / "tpm") as it:
        yield it


def updated(path, keys, payload, **rom):
    """A device that updated from an image of counter OLD in slot 0 to one of counter NEW in slot 1."""
    old = bootfiles.image(payload, keys[:1], counter=OLD)
    new = bootfiles.image(payload, keys[:1], version=(2, 0, 0, 0), counter=NEW)
    bootfiles.device(path, keys, old, **rom)
    bootfiles.put(path, 1, new)
    bootfiles.set_state(path, 1, counter=1)
    return path


@pytest.fixture
def machine(build, tmp_path, keys, payload):
    """Its counters live in the journal alone."""
    return Machine(build, updated(tmp_path / "device", keys, payload))


@pytest.fixture
def with_tpm(build, tmp_path, keys, payload, tpm):
    nv = {n: tpm.make_counter(n) for n in (swtpm.SECURITY, swtpm.KEYS)}
    path = updated(tmp_path / "device", keys, payload, nv=nv)
    machine = Machine(build, path, "--tpm", tpm.tcti)
    machine.base = nv[swtpm.SECURITY][1]
    return machine


def test_before_the_burn_a_revert_works_and_after_it_does_not(machine):
    assert machine.boot()["counter"] == 1  # nobody asked for a floor
    bootfiles.put(machine.path, 1, b"garbage")
    booted = machine.boot()
    assert booted["kind"] == "fallback" and booted["components"][0]["counter"] == OLD
    assert booted["counter"] == 1  # a fallback burns nothing


def test_after_the_burn_the_old_image_boots_no_more(machine, keys, payload):
    bootfiles.set_state(machine.path, 1, counter=1, wanted=NEW)
    assert machine.boot()["counter"] == NEW
    assert f"security counter {NEW}: images below it boot no more" in machine.messages()
    bootfiles.put(machine.path, 1, b"garbage")
    result = machine.run()
    assert result.returncode == 1 and "slot 0 refused" in result.stderr
    assert "SPEC 6.5" in result.stderr
    assert machine.show()["counter"] == NEW


def test_no_floor_burns_more_than_four_steps_at_a_boot_nor_what_runs(machine):
    bootfiles.set_state(machine.path, 1, counter=0, wanted=0xFFFFFFFF)
    assert machine.boot()["counter"] == 4
    assert machine.boot()["counter"] == NEW  # what runs goes on booting
    assert machine.boot()["counter"] == NEW


def test_a_trial_burns_nothing(machine, keys, payload):
    bootfiles.set_state(machine.path, 0, counter=1, wanted=NEW, phase=1)
    booted = machine.boot()
    assert booted["kind"] == "trial" and booted["counter"] == 1
    booted = machine.boot()
    assert booted["kind"] == "reverted" and booted["counter"] == OLD  # the confirmed image's


def test_old_flash_against_the_tpm(with_tpm, tpm):
    """The whole flash of before the update is put back: image, slots and boot journal, all genuine."""
    machine = with_tpm
    bootfiles.set_state(machine.path, 0, counter=1)
    before = machine.path / "before"
    shutil.copytree(machine.path / "flash", before)
    bootfiles.set_state(machine.path, 1, counter=1, wanted=NEW)
    booted = machine.boot()
    assert booted["counter"] == NEW and booted["hardware"] == 1 << swtpm.SECURITY | 1 << swtpm.KEYS
    assert tpm.value(swtpm.SECURITY) - machine.base == NEW
    assert booted["restored"] is False

    new = (machine.path / "flash/slot1.bin").read_bytes()
    for name in ("boot.bin", "slot0.bin", "slot1.bin"):
        shutil.copy(before / name, machine.path / "flash" / name)
    (machine.path / "flash/slot1.bin").write_bytes(bytes(len(new)))
    result = machine.run(*machine.options)
    assert result.returncode == 1
    assert "slot 0 refused: security counter below the device's floor (SPEC 6.5)" in result.stderr
    assert machine.show()["counter"] == NEW

    (machine.path / "flash/slot1.bin").write_bytes(new)  # a new enough image is still there
    booted = machine.boot()
    assert booted["kind"] == "fallback" and booted["restored"] is True
    assert "the flash is an older one" in machine.messages()
    assert machine.boot()["restored"] is True  # at each boot, until the agent has marked it


def test_a_tpm_that_does_not_answer_stops_no_boot(build, with_tpm, tpm):
    bootfiles.set_state(with_tpm.path, 1, counter=1, wanted=NEW)
    away = Machine(build, with_tpm.path, "--tpm", f"swtpm:path={tpm.path}.gone")
    booted = away.boot()
    assert booted["counter"] == 1 and booted["unreadable"] == 1 << swtpm.SECURITY | 1 << swtpm.KEYS
    assert "cannot be read" in away.messages()
    assert tpm.value(swtpm.SECURITY) == with_tpm.base
    assert with_tpm.boot()["counter"] == NEW  # it is back


def test_old_flash_boots_where_the_tpm_does_not_answer(build, with_tpm, tpm):
    """What is not held off: a device boots without its TPM, by the counter in its journal."""
    bootfiles.set_state(with_tpm.path, 0, counter=1)
    before = with_tpm.path / "before"
    shutil.copytree(with_tpm.path / "flash", before)
    bootfiles.set_state(with_tpm.path, 1, counter=1, wanted=NEW)
    assert with_tpm.boot()["counter"] == NEW
    for name in ("boot.bin", "slot0.bin", "slot1.bin"):
        shutil.copy(before / name, with_tpm.path / "flash" / name)
    away = Machine(build, with_tpm.path, "--tpm", f"swtpm:path={tpm.path}.gone")
    assert away.boot()["components"][0]["counter"] == OLD
    assert with_tpm.boot()["kind"] == "fallback"  # it is back: slot 1, and nothing that is older


@pytest.mark.plain
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_killed_while_burning(with_tpm, tpm, keys, payload, call):
    """Whatever was done when it was killed, the next boot finishes it."""
    bootfiles.put(with_tpm.path, 1, bootfiles.image(payload, keys[:1], counter=1000))
    counts = set()
    for n in range(1, 50):
        now = tpm.value(swtpm.SECURITY) - with_tpm.base
        bootfiles.set_state(with_tpm.path, 1, counter=now, wanted=now + 3)
        command = ["strace", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={n}"]
        command += [with_tpm.program, "--device", with_tpm.path, *with_tpm.options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            runs = process.stdout.readline() != b""
            if runs:
                os.kill(int(children(process.pid)[0]), signal.SIGTERM)
            process.communicate(timeout=DEADLINE_S)
        counts.add(tpm.value(swtpm.SECURITY) - with_tpm.base - now)
        booted = with_tpm.boot()
        assert booted["counter"] == now + 3 and booted["kind"] == "confirmed"
        assert tpm.value(swtpm.SECURITY) - with_tpm.base == now + 3 and not booted["restored"]
        if runs:
            break
    assert runs and counts == {0, 3}


def test_a_key_is_retired_once_what_runs_needs_it_no_more(build, with_tpm, keys, payload, tpm):
    machine = with_tpm
    bootfiles.set_state(machine.path, 1, counter=1, key_floors=(0, 1))
    assert machine.boot()["key_floor"] == 0  # signed by key 0 alone: it would not boot again
    both = bootfiles.image(payload, keys, version=(3, 0, 0, 0), counter=NEW)
    bootfiles.put(machine.path, 0, both)
    bootfiles.set_state(machine.path, 0, counter=1, key_floors=(0, 1))
    booted = machine.boot()
    assert booted["key_floor"] == 1 and booted["components"][0]["keys"] == 3
    assert "image key 0 is retired" in machine.messages()

    # the thief of key 0 has the old journal too; the TPM has not forgotten
    bootfiles.set_state(machine.path, 0, counter=1)
    booted = machine.boot()
    assert booted["key_floor"] == 1 and booted["restored"] is True
    assert booted["components"][0]["keys"] == 2
    verified = [slot["verified"] for slot in machine.show()["slots"]]
    assert verified == [True, False]  # slot 1 is signed by key 0 alone
    bootfiles.put(machine.path, 0, b"garbage")
    assert machine.run(*machine.options).returncode == 1
