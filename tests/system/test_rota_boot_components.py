# SPDX-License-Identifier: Apache-2.0
"""rota-boot with sets of two: a program, and a component that is handed on to it as a sealed file (SPEC 6.6, 10.10).
The program is the real sensor, the component its calibration; the device is written from the specification."""

import fcntl
import os
import pathlib

import bootfiles
import pytest
from machine import Machine, children

# linux/fcntl.h; Python names them since 3.8 only where the C library does
F_GET_SEALS, ALL_SEALS = 1034, 0xF


@pytest.fixture(scope="module")
def key():
    return bootfiles.new_key()


@pytest.fixture
def programs(build):
    return {v: (build / f"examples/sensor/sensor-{v}").read_bytes() for v in (1, 2, 3)}


def app(programs, key, version):
    return bootfiles.image(programs[version], [key], version=(version, 0, 0, 0))


def table(key, version, **more):
    """A calibration of VERSION hundred millikelvin, longer than a page."""
    text = f"{version}00 350\n".ljust(10000).encode()
    return bootfiles.image(text, [key], version=(version, 0, 0, 0), **more)


@pytest.fixture
def machine(build, tmp_path, key, programs):
    first = {"app": app(programs, key, 1), "calibration": table(key, 1)}
    return Machine(build, bootfiles.device_set(tmp_path / "device", [key], first))


def stage(machine, key, programs, program=2, calibration=2, phase=1):
    """A set of two on trial, in both places 1."""
    bootfiles.put(machine.path, 1, app(programs, key, program), "0-app")
    bootfiles.put(machine.path, 1, table(key, calibration), "1-calibration")
    bootfiles.set_state_set(machine.path, 0, trial=3, phase=phase)


def log(machine):
    file = machine.path / "run/log"
    return file.read_text() if file.exists() else ""


def damage(machine, folder, slot):
    file = machine.path / f"flash/{folder}/slot{slot}.bin"
    with open(file, "r+b") as f:
        f.seek(100)
        f.write(b"damage")


def starts(machine, text):
    """Boot once under power until the program says `text`; what was measured."""
    with machine.power():
        machine.wait("a line of the program", lambda: text in log(machine))
        booted = machine.booted()
    return booted, machine.record()


def test_the_program_reads_the_other_component_through_its_descriptor(machine):
    booted, record = starts(machine, "sensor 1.0.0 starts, image 1.0.0 in slot 0, calibration 100 mK")
    assert (booted["slot"], booted["slot.1"], booted["trial"]) == ("0", "0", "0")
    assert booted["version.1"] == "1.0.0" and booted["digest.1"] != booted["digest"]
    digests = [m["digest"] for m in record["components"]]
    assert digests == [booted["digest"], booted["digest.1"]]
    assert "with calibration of slot 0, version 1.0.0" in machine.messages()


def test_what_is_handed_on_is_sealed_and_read_only(machine, key, programs):
    with machine.power() as supervisor:
        machine.wait("a heartbeat", machine.heartbeat)
        (child,) = children(supervisor.pid)
        proc = pathlib.Path(f"/proc/{child}")
        variables = dict(x.split("=", 1) for x in proc.joinpath("environ").read_text().split("\0") if x)
        number = variables["ROTA_COMPONENT_CALIBRATION"]
        assert int(number) > 2
        handed = [x for x in variables if x.startswith("ROTA_COMPONENT")]
        assert handed == ["ROTA_COMPONENT_CALIBRATION"]  # not what is executed
        info = dict(x.split(":\t", 1) for x in (proc / "fdinfo" / number).read_text().splitlines() if ":\t" in x)
        assert int(info["flags"], 8) & os.O_ACCMODE == os.O_RDONLY
        assert int(info["pos"]) == 0
        with open(proc / "fd" / number, "rb") as f:
            assert fcntl.fcntl(f, F_GET_SEALS) == ALL_SEALS
            assert f.read() == b"100 350\n".ljust(10000)
        with pytest.raises(PermissionError):
            os.truncate(proc / "fd" / number, 1)
        with pytest.raises(PermissionError):
            with open(proc / "fd" / number, "r+b", buffering=0) as f:  # root may open it; the seal holds
                f.write(b"9")
        # the supervisor keeps nothing open of it, and nothing else leaks to the program
        others = {os.readlink(x) for x in (proc / "fd").iterdir()}
        assert sum("memfd" in x for x in others) == 1


def test_a_trial_switches_both_and_is_reverted_as_one(machine, key, programs):
    stage(machine, key, programs)
    booted, record = starts(machine, "sensor 2.0.0 starts, image 2.0.0 in slot 1, calibration 200 mK")
    assert booted["kind"] == "trial" and booted["trial"] == "3" and booted["slot.1"] == "1"
    assert [m["slot"] for m in record["components"]] == [1, 1]
    assert machine.show()["phase"] == "started"
    (machine.path / "run/log").unlink()
    booted, _ = starts(machine, "sensor 1.0.0 starts, image 1.0.0 in slot 0, calibration 100 mK")
    assert booted["kind"] == "reverted" and booted["slot.1"] == "0"


def test_a_trial_that_crashes_takes_the_other_component_back_too(machine, key, programs):
    stage(machine, key, programs, program=3)
    with machine.power():
        machine.wait("the old set", lambda: "sensor 1.0.0 starts, image 1.0.0 in slot 0, calibration 100 mK" in log(machine))
        booted = machine.booted()
    assert booted["kind"] == "reverted" and booted["slot.1"] == "0"
    assert "calibration 200 mK" not in log(machine)


@pytest.mark.parametrize("folder", ["0-app", "1-calibration"])
def test_a_trial_of_which_one_component_is_damaged_never_runs(machine, key, programs, folder):
    stage(machine, key, programs)
    damage(machine, folder, 1)
    booted, _ = starts(machine, "sensor 1.0.0 starts, image 1.0.0 in slot 0, calibration 100 mK")
    assert booted["kind"] == "reverted"
    name = folder.split("-")[1]
    assert f"{name} slot 1 refused" in machine.messages()
    assert "2.0.0" not in log(machine)


@pytest.mark.parametrize("folder", ["0-app", "1-calibration"])
def test_a_damaged_component_of_the_confirmed_set_gives_way_to_the_other_set(machine, key, programs, folder):
    stage(machine, key, programs, phase=0)
    bootfiles.set_state_set(machine.path, 3)  # the set in both places 1 is confirmed, the one before it known
    damage(machine, folder, 1)
    booted, _ = starts(machine, "sensor 1.0.0 starts, image 1.0.0 in slot 0, calibration 100 mK")
    assert booted["kind"] == "fallback" and booted["slot"] == "0" and booted["slot.1"] == "0"


def test_no_mixture_of_two_sets_ever_runs(machine, key, programs):
    stage(machine, key, programs, phase=0)
    bootfiles.set_state_set(machine.path, 3)
    damage(machine, "0-app", 1)
    damage(machine, "1-calibration", 0)
    done = machine.run()
    assert done.returncode == 1
    assert "no slot holds an image that may run (SPEC 10.2)" in done.stderr
    assert machine.booted() == {}


def test_images_that_the_boot_state_does_not_name_never_run(machine, key, programs):
    """Each verifies by itself: they could be a mixture."""
    for folder, data in (("0-app", app(programs, key, 2)), ("1-calibration", table(key, 2))):
        bootfiles.put(machine.path, 0, data, folder)
        bootfiles.put(machine.path, 1, data, folder)
    done = machine.run()
    assert done.returncode == 1 and "another image than the boot state names" in done.stderr


def test_a_component_is_held_against_the_rom_as_the_program_is(machine, key, programs):
    for wrong, clause in (
        (dict(product="toaster"), "5"),
        (dict(hardware=("demo-2",)), "5"),
    ):
        bootfiles.put(machine.path, 0, table(key, 1, **wrong), "1-calibration")
        bootfiles.set_state_set(machine.path, 0)
        done = machine.run()
        assert done.returncode == 1 and "calibration slot 0 refused" in done.stderr, done.stderr
        assert f"(SPEC 6.{clause})" in done.stderr
    bootfiles.put(machine.path, 0, bootfiles.image(b"100 350", [bootfiles.new_key()]), "1-calibration")
    bootfiles.set_state_set(machine.path, 0)
    assert "calibration slot 0 refused" in machine.run().stderr


def test_the_least_counter_of_the_set_is_what_may_be_burnt(machine, key, programs):
    """A counter floor of 5 is asked for; the component is of 2: boot stops there, since it must boot again."""
    first = {"0-app": bootfiles.image(programs[1], [key], counter=9), "1-calibration": table(key, 1, counter=2)}
    for folder, data in first.items():
        bootfiles.put(machine.path, 0, data, folder)
    digests = [(bootfiles.image_digest(d), bytes(32)) for d in first.values()]
    state = bytearray(bootfiles.boot_state_set(0, digests))
    state[20:24] = (5).to_bytes(4, "little")  # floor wanted
    (machine.path / "flash/boot.bin").write_bytes(bootfiles.journal(bytes(state)))
    assert machine.boot()["counter"] == 2


def test_a_program_as_component_0_is_static_and_the_others_may_be_anything(machine, key):
    bootfiles.put(machine.path, 0, table(key, 1), "0-app")
    bootfiles.set_state_set(machine.path, 0)
    done = machine.run()
    assert done.returncode == 1 and "app slot 0 refused: the payload is no ELF program (SPEC 6.6)" in done.stderr


def test_folders_that_were_exchanged_are_refused(machine):
    flash = machine.path / "flash"
    (flash / "0-app").rename(flash / "x")
    (flash / "1-calibration").rename(flash / "0-app")
    (flash / "x").rename(flash / "1-calibration")
    done = machine.run()
    assert done.returncode == 1 and "no slot holds an image that may run" in done.stderr


@pytest.mark.parametrize(
    "made, text",
    [
        ("2-model", "flash has 3 components, the boot state 2 (SPEC 10.10)"),
        ("1-other", "the folders of components cannot be told"),
        ("3-model", "the folders of components cannot be told"),
        ("8-model", "the folders of components cannot be told"),
        ("2-Model", "the folders of components cannot be told"),
        ("2-app", "the folders of components cannot be told"),
    ],
)
def test_folders_that_make_no_sense_are_said(machine, made, text):
    (machine.path / "flash" / made).mkdir()
    done = machine.run()
    assert done.returncode == 1 and text in done.stderr, done.stderr


def test_show_speaks_of_each_component(machine, key, programs):
    stage(machine, key, programs)
    shown = machine.show()
    assert [c["name"] for c in shown["set"]] == ["app", "calibration"]
    assert all(slot["verified"] for c in shown["set"] for slot in c["slots"])
    assert [c["trial"] for c in shown["state"]["components"]] == [True, True]
    text = machine.run("--show").stdout
    assert "component   1, calibration" in text
    assert text.count("verified") == 4
