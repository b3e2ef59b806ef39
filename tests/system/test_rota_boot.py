# SPDX-License-Identifier: Apache-2.0
"""rota-boot over device directories that Python wrote from the specification, with the real sensor as
payload. Waits are for events with a generous deadline; nothing depends on how fast they come."""

import os
import shutil
import signal
import subprocess
import time

import bootfiles
import pytest
from machine import DEADLINE_S, Machine, children


@pytest.fixture(scope="module")
def key():
    return bootfiles.new_key()


@pytest.fixture
def payloads(build):
    return {v: (build / f"examples/sensor/sensor-{v}").read_bytes() for v in (1, 2, 3)}


@pytest.fixture
def machine(build, tmp_path, key, payloads):
    first = bootfiles.image(payloads[1], [key])
    return Machine(build, bootfiles.device(tmp_path / "device", [key], first))


def stage(machine, key, payload, version):
    """Put `payload` on trial in slot 1."""
    data = bootfiles.image(payload, [key], version=version)
    bootfiles.put(machine.path, 1, data)
    bootfiles.ask_trial(machine.path, 1, data)
    return data


def test_the_confirmed_image_runs_and_sees_its_environment(machine):
    with machine.power():
        machine.wait("a heartbeat", machine.heartbeat)
        assert machine.heartbeat().startswith("version=1.0.0 slot=0 ")
        booted = machine.booted()
        assert booted["kind"] == "confirmed" and booted["slot"] == "0" and booted["boot"] == "1"
        assert machine.run("--supervise").returncode == 1  # one at a time
    assert machine.booted() == {}
    log = (machine.path / "run/log").read_text()
    assert "sensor 1.0.0 starts, image 1.0.0 in slot 0" in log
    assert log.endswith("sensor 1.0.0 stops\n")  # SIGTERM reached it
    assert machine.messages().endswith("rota-boot: power off\n")


def test_booting_once_becomes_the_image(machine):
    process = subprocess.Popen([machine.program, "--device", machine.path], stdout=subprocess.PIPE)
    machine.wait("a heartbeat", machine.heartbeat)
    assert os.readlink(f"/proc/{process.pid}/exe").startswith("/memfd:rota-image")
    process.terminate()
    out, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0 and b"sensor 1.0.0 stops" in out


def test_a_payload_changed_after_hashing_never_runs(machine, key, payloads):
    """The log is a pipe that nobody reads yet: the image waits between its verification and its start."""
    os.mkfifo(machine.path / "run/log")
    with machine.power() as process:
        machine.wait("the image is verified", machine.booted)
        (child,) = machine.wait("its process", lambda: children(process.pid))
        other = bootfiles.image(payloads[2], [key], version=(2, 0, 0, 0))
        bootfiles.put(machine.path, 0, other)
        memory = [
            fd
            for fd in os.listdir(f"/proc/{child}/fd")
            if os.readlink(f"/proc/{child}/fd/{fd}").startswith("/memfd:rota-image")
        ]
        with open(f"/proc/{child}/fd/{memory[0]}", "r+b", buffering=0) as f:
            with pytest.raises(PermissionError):
                f.write(payloads[2])  # sealed
            with pytest.raises(PermissionError):
                f.truncate(0)
        with open(machine.path / "run/log") as log:
            assert log.readline().startswith("sensor 1.0.0 starts, image 1.0.0 in slot 0")


@pytest.mark.parametrize("run", ["missing", "not a directory"])
def test_an_image_runs_even_where_nothing_can_be_noted(machine, run):
    (machine.path / "run").rmdir()
    if run == "not a directory":
        (machine.path / "run").write_text("")
    process = subprocess.Popen([machine.program, "--device", machine.path], stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"sensor 1.0.0 starts")
    assert bool(machine.booted()) == (run == "missing")
    process.terminate()
    process.communicate(timeout=DEADLINE_S)


def test_a_reset_boots_the_trial_and_the_next_one_reverts(machine, key, payloads):
    with machine.power():
        machine.wait("the first boot", machine.booted)
        stage(machine, key, payloads[2], (2, 0, 0, 0))
        assert machine.run("--reset").returncode == 0
        assert machine.booted()["kind"] == "trial"
        assert machine.show()["phase"] == "started"
        machine.wait("version 2", lambda: machine.heartbeat().startswith("version=2.0.0 slot=1 "))
        assert machine.run("--reset").returncode == 0  # nobody confirmed
        assert machine.booted()["kind"] == "reverted"
        shown = machine.show()
    assert shown["outcome"] == "reverted" and shown["phase"] == "none" and shown["confirmed"] == 0
    assert shown["running"]["version"] == "1.0.0" and shown["running"]["boot"] == 3


def test_a_trial_that_crashes_at_start_is_reverted_by_itself(machine, key, payloads):
    stage(machine, key, payloads[3], (3, 0, 0, 0))
    with machine.power():
        machine.wait("the boot after the crash", lambda: machine.booted().get("kind") == "reverted")
        machine.wait("a heartbeat", lambda: machine.heartbeat().startswith("version=1.0.0"))
    assert "the image ended by signal 11" in machine.messages()


def test_power_lost_while_a_trial_runs(machine, key, payloads):
    stage(machine, key, payloads[2], (2, 0, 0, 0))
    with machine.power() as process:
        machine.wait("version 2", lambda: machine.heartbeat().startswith("version=2.0.0"))
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_S)
    (machine.path / "run/heartbeat").unlink()
    with machine.power():
        machine.wait("version 1", lambda: machine.heartbeat().startswith("version=1.0.0"))
        assert machine.booted()["kind"] == "reverted"


def killed_boot(machine, call, n):
    """Boot, killed at the n-th `call`. True: there was none, and the image ran."""
    process = subprocess.Popen(
        ["strace", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={n}"]
        + [machine.program, "--device", machine.path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    runs = process.stdout.readline().startswith(b"sensor 2.0.0 starts")
    if runs:
        os.kill(int(children(process.pid)[0]), signal.SIGTERM)
    process.communicate(timeout=DEADLINE_S)
    return runs


@pytest.mark.plain
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
def test_killed_at_each_durable_call_of_a_boot(build, tmp_path, key, payloads):
    """Killed at the n-th call that changes a file, the next boot still runs a verified image: the trial while
    it is not noted as started, the old one from then on. At last n is past the end, and the image runs."""
    kinds = {}
    for call in ("pwrite64", "fdatasync", "renameat", "unlinkat"):
        kinds[call] = []
        for n in range(1, 100):
            first = bootfiles.image(payloads[1], [key])
            machine = Machine(build, bootfiles.device(tmp_path / f"{call}{n}", [key], first))
            stage(machine, key, payloads[2], (2, 0, 0, 0))
            if killed_boot(machine, call, n):
                break
            with machine.power():
                machine.wait("a boot", machine.booted)
                kinds[call].append(machine.booted()["kind"])
                assert all(slot["verified"] for slot in machine.show()["slots"])
        assert n < 99 and kinds[call] == sorted(kinds[call], reverse=True)  # trial ..., then reverted ...
    assert set(kinds["pwrite64"]) == {"trial"} and kinds["renameat"] == ["reverted"] * 2  # record, booted
    assert set(kinds["fdatasync"]) == {"trial", "reverted"}


def test_an_image_that_always_crashes_is_booted_again_and_again(build, tmp_path, key, payloads):
    first = bootfiles.image(payloads[3], [key])
    machine = Machine(build, bootfiles.device(tmp_path / "device", [key], first))
    with machine.power():
        machine.wait("a third boot", lambda: "boot 3:" in machine.messages())


# what is done to version 2 (on trial), and what is said of it
def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


REFUSED = {
    "payload damaged": (lambda key, p: flipped(bootfiles.image(p, [key]), 5000), "SPEC 6.4"),
    "signature damaged": (
        lambda key, p: bootfiles.image(p, [key])[:-1] + b"\0",
        "signature does not verify",
    ),
    "signed by a stranger": (
        lambda key, p: bootfiles.image(p, [bootfiles.new_key()]),
        "no image key that counts on this device signed it (SPEC 6.5)",
    ),
    "another product": (lambda key, p: bootfiles.image(p, [key], product="toaster"), "SPEC 6.5"),
    "other hardware": (lambda key, p: bootfiles.image(p, [key], hardware=("x",)), "SPEC 6.5"),
    "counter too low": (lambda key, p: bootfiles.image(p, [key], counter=0), "SPEC 6.5"),
    "no program": (lambda key, p: bootfiles.image(b"#!/bin/sh\n" * 9, [key]), "SPEC 6.6"),
    "a dynamic program": (
        lambda key, p: bootfiles.image(open("/bin/true", "rb").read(), [key]),
        "not linked statically",
    ),
    "cut short": (lambda key, p: bootfiles.image(p, [key])[:-40], "slot 1 refused"),
    "not an image": (lambda key, p: b"\x7fELF" + p, "SPEC 6.1"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_trial_is_refused_and_the_old_image_runs(build, tmp_path, key, payloads, what):
    make, said = REFUSED[what]
    first = bootfiles.image(payloads[1], [key])
    path = bootfiles.device(tmp_path / "device", [key], first, counter=1)
    machine = Machine(build, path)
    good = bootfiles.image(payloads[2], [key])
    bootfiles.put(path, 1, good)
    bootfiles.ask_trial(path, 1, good)
    bad = make(key, payloads[2])
    bootfiles.put(path, 1, bad)
    if what in ("no program", "a dynamic program", "counter too low"):
        bootfiles.ask_trial(path, 1, bad)
    with machine.power():
        machine.wait("a boot", machine.booted)
        assert machine.booted()["kind"] == "reverted" and machine.booted()["slot"] == "0"
    assert said in machine.messages()
    assert machine.show()["slots"][1]["verified"] is False


def test_a_good_image_that_the_boot_state_does_not_name(machine, key, payloads):
    """It verifies, and is not the one: an older image, put back by who can write the flash."""
    stage(machine, key, payloads[2], (2, 0, 0, 0))
    other = bootfiles.image(payloads[2], [key], version=(1, 5, 0, 0))
    bootfiles.put(machine.path, 1, other)
    with machine.power():
        machine.wait("a boot", machine.booted)
        assert machine.booted()["kind"] == "reverted" and machine.booted()["slot"] == "0"
    assert "slot 1 refused: another image than the boot state names" in machine.messages()
    bootfiles.put(machine.path, 0, other)
    bootfiles.put(machine.path, 1, b"")
    result = machine.run()
    assert result.returncode == 1
    assert "slot 0 refused: another image than the boot state names" in result.stderr


@pytest.mark.plain
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
def test_a_trial_that_cannot_be_noted_does_not_run(machine, key, payloads):
    """It would run at every boot, and never be reverted."""
    stage(machine, key, payloads[2], (2, 0, 0, 0))
    process = subprocess.Popen(
        ["strace", "-o", "/dev/null", "-e", "inject=pwrite64:error=EIO"]
        + [machine.program, "--device", machine.path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    first = process.stdout.readline()
    os.kill(int(children(process.pid)[0]), signal.SIGTERM)
    process.communicate(timeout=DEADLINE_S)
    assert first.startswith(b"sensor 1.0.0 starts")


def test_the_other_slot_runs_when_the_confirmed_one_is_damaged(machine, key, payloads):
    bootfiles.put(machine.path, 1, bootfiles.image(payloads[2], [key], version=(2, 0, 0, 0)))
    bootfiles.put(machine.path, 0, b"garbage")
    with machine.power():
        machine.wait("a boot", machine.booted)
        assert machine.booted()["kind"] == "unknown" and machine.booted()["slot"] == "1"


def test_the_set_before_runs_when_the_confirmed_one_is_damaged(machine, key, payloads):
    """The boot state knows it, so nothing was restored."""
    before = bootfiles.image(payloads[2], [key], version=(2, 0, 0, 0))
    first = (machine.path / "flash/slot0.bin").read_bytes()
    state = bootfiles.boot_state(0, bootfiles.image_digest(first), other=bootfiles.image_digest(before))
    (machine.path / "flash/boot.bin").write_bytes(bootfiles.journal(state))
    bootfiles.put(machine.path, 1, before)
    bootfiles.put(machine.path, 0, b"garbage")
    with machine.power():
        machine.wait("a boot", machine.booted)
        assert machine.booted()["kind"] == "fallback" and machine.booted()["slot"] == "1"


def test_what_is_behind_the_confirmed_image_is_said_as_it_is(machine, key, payloads):
    behind = bootfiles.image(payloads[2], [key], version=(2, 0, 0, 0), counter=1)
    first = (machine.path / "flash/slot0.bin").read_bytes()
    bootfiles.put(machine.path, 1, behind)

    def shown(other, counter):
        state = bootfiles.boot_state(0, bootfiles.image_digest(first), other=other, counter=counter)
        (machine.path / "flash/boot.bin").write_bytes(bootfiles.journal(state))
        return next(x for x in machine.run("--show").stdout.splitlines() if x.startswith("behind it"))

    assert shown(bootfiles.image_digest(behind), 0).endswith("runs if the confirmed one is damaged")
    assert shown(bootfiles.image_digest(behind), 2).endswith("would be refused, see below")
    assert shown(bytes([7]) * 32, 0).endswith("another one lies there, which does not run")


def test_the_boot_state_of_an_earlier_release_is_read(machine):
    first = (machine.path / "flash/slot0.bin").read_bytes()
    old = bootfiles.boot_state_1(0, bootfiles.image_digest(first))
    (machine.path / "flash/boot.bin").write_bytes(bootfiles.journal(old))
    with machine.power():
        machine.wait("a boot", machine.booted)
        assert machine.booted()["kind"] == "confirmed"
    assert machine.show()["confirmed"] == 0


def test_the_boot_state_is_shown(machine, key, payloads):
    new = stage(machine, key, payloads[2], (2, 0, 0, 0))
    old = (machine.path / "flash/slot0.bin").read_bytes()
    text = machine.run("--show").stdout
    assert "confirmed   slot 0, image " in text
    assert "asked for: the next boot runs it" in text
    state = machine.show()["state"]
    digests = [bootfiles.image_digest(old).hex(), bootfiles.image_digest(new).hex()]
    assert state["components"] == [{"confirmed": 0, "images": digests, "trial": True}]
    assert state["order"] is None and state["watchdog"] is None and state["trial_of"] == "release"
    state = bootfiles.boot_state(0, bootfiles.image_digest(old))
    (machine.path / "flash/boot.bin").write_bytes(bootfiles.journal(state))
    assert "behind it   slot 1: not known, or being written" in machine.run("--show").stdout
    assert machine.show()["state"]["components"][0]["images"][1] is None


def test_nothing_to_boot(machine):
    bootfiles.put(machine.path, 0, b"garbage")
    for args in ((), ("--supervise",)):
        result = machine.run(*args)
        assert result.returncode == 1
        assert "no slot holds an image that may run (SPEC 10.2)" in result.stderr


def test_a_rollover_image_boots_under_either_key(build, tmp_path, key, payloads):
    other = bootfiles.new_key()
    data = bootfiles.image(payloads[1], [key, other])
    for number, keys in enumerate(([key], [other], [bootfiles.new_key(), other])):
        path = bootfiles.device(tmp_path / str(number), keys, data)
        shown = Machine(build, path).show()
        assert shown["slots"][0]["verified"] is True
        assert shown["slots"][0]["digest"] == bootfiles.image_digest(data).hex()


def damage(path, name, data):
    (path / name).write_bytes(data)


WRONG = {
    "no such directory": (lambda p: p.rename(p.parent / "gone"), "--device names"),
    "no ROM": (lambda p: (p / "rom.bin").unlink(), "rom.bin"),
    "damaged ROM": (
        lambda p: damage(p, "rom.bin", flipped((p / "rom.bin").read_bytes(), 30)),
        "what is stored is damaged",
    ),
    "damaged journal": (lambda p: damage(p, "flash/boot.bin", b"x" * 16384), "boot.bin"),
    "journal of another size": (lambda p: damage(p, "flash/boot.bin", b"x"), "boot.bin"),
    "no flash": (lambda p: (p / "flash/boot.bin").unlink(), "factory"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_set_up_is_one_line_and_status_1(machine, what):
    change, said = WRONG[what]
    change(machine.path)
    for action in ("--show", "--supervise"):
        result = machine.run(action)
        assert result.returncode == 1
        assert said in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--device"],
        ["--device", "d", "--json"],
        ["--device", "d", "--show", "--reset"],
        ["--device", "d", "--reset", "--timeout", "0"],
        ["--device", "d", "--timeout", "5"],
        ["--device", "d", "--show", "--log", "x"],
        ["--device", "d", "extra"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_status_2(build, args):
    result = subprocess.run([build / "apps/rota-boot/rota-boot", *args], capture_output=True)
    assert result.returncode == 2 and result.stderr


def test_reset_without_a_supervisor(machine):
    result = machine.run("--reset")
    assert result.returncode == 1 and "--supervise" in result.stderr
