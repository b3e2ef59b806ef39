# SPDX-License-Identifier: Apache-2.0
"""The watchdog of rota-boot (SPEC 10.8) over real processes, with a period of seconds; and tickets (10.9). What is
asserted is the order of events, never how long they took."""

import hashlib
import itertools
import os
import pathlib
import shutil
import signal
import struct
import subprocess

import bootfiles
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from machine import DEADLINE_S, Machine, children

PERIOD, BOUND = 2, 1
DEVICE_ID = hashlib.sha256(b"device").hexdigest()  # bootfiles.rom


@pytest.fixture(scope="module")
def key():
    return bootfiles.new_key()


@pytest.fixture
def payloads(build):
    return {v: (build / f"examples/sensor/sensor-{v}").read_bytes() for v in (1, 2, 3)}


@pytest.fixture
def make(build, tmp_path, key, payloads):
    def made(watchdog=(PERIOD, BOUND, 0), version=1, **state):
        first = bootfiles.image(payloads[version], [key])
        path = bootfiles.device(tmp_path / "device", [key], first, watchdog=watchdog)
        bootfiles.set_state(path, 0, **state)
        return Machine(build, path)

    return made


def mode(pid):
    """What the process of that number was started as."""
    environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(line.split(b"=", 1) for line in environ if b"=" in line).get(b"ROTA_BOOT_MODE")


def boots(machine):
    """Of each boot so far, whether it was of the updater alone."""
    lines = machine.messages().splitlines()
    return [line.endswith(", the updater alone") for line in lines if "rota-boot: boot " in line]


def test_past_its_period_the_updater_runs_alone_once_and_then_the_application(make):
    machine = make(left_s=PERIOD)
    with machine.power():
        machine.wait("four boots", lambda: len(boots(machine)) >= 4)
    assert boots(machine)[:4] == [False, True, False, True]
    messages = machine.messages()
    assert "no refresh and no ticket for too long: the updater is to run alone" in messages
    assert "the updater's time is over" in messages


def test_an_updater_that_ends_by_itself_or_crashes_gives_the_device_back(make):
    machine = make(watchdog=(3600, 3600, 0), version=3, left_s=0)
    with machine.power():
        machine.wait("two boots", lambda: len(boots(machine)) >= 2)
    assert boots(machine)[:2] == [True, False]


def test_an_updater_is_ended_though_the_journal_cannot_be_read(make):
    machine = make(watchdog=(3600, BOUND, 0), left_s=0)
    with machine.power():
        machine.wait("the updater", machine.booted)
        (machine.path / "flash/boot.bin").write_bytes(b"x" * 16384)
        machine.wait("its end", lambda: "the updater's time is over" in machine.messages())


def test_a_power_cut_while_the_updater_runs_gives_the_device_back(make):
    machine = make(watchdog=(3600, 3600, 0), left_s=0)
    with machine.power() as process:
        machine.wait("the updater", machine.heartbeat)
        assert machine.record()["updater"] is True
        assert mode(children(process.pid)[0]) == b"updater"
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_S)
    assert machine.boot()["updater"] is False


def test_a_trial_goes_first_and_comes_back_to_the_updater(make, key, payloads):
    machine = make(watchdog=(3600, 3600, 0), left_s=0)
    data = bootfiles.image(payloads[2], [key], version=(2, 0, 0, 0))
    bootfiles.put(machine.path, 1, data)
    bootfiles.ask_trial(machine.path, 1, data)
    booted = machine.boot()
    assert booted["kind"] == "trial" and booted["updater"] is False
    booted = machine.boot()
    assert booted["kind"] == "reverted" and booted["updater"] is True


def test_without_a_field_in_rom_nothing_is_watched(make):
    machine = make(watchdog=None, left_s=0)
    before = (machine.path / "flash/boot.bin").read_bytes()
    assert machine.boot()["updater"] is False
    assert (machine.path / "flash/boot.bin").read_bytes() == before


@pytest.mark.plain
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
def test_a_watchdog_that_cannot_be_noted_runs_the_application(make):
    """Else the updater would run at every boot."""
    machine = make(watchdog=(3600, 3600, 0), left_s=0)
    process = subprocess.Popen(
        ["strace", "-o", "/dev/null", "-e", "inject=pwrite64:error=EIO"]
        + [machine.program, "--device", machine.path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline().startswith(b"sensor 1.0.0 starts")
    (pid,) = children(process.pid)
    assert mode(pid) == b"application"
    os.kill(int(pid), signal.SIGTERM)
    _, messages = process.communicate(timeout=DEADLINE_S)
    assert b"the watchdog stands still for this boot" in messages


def test_booting_once_bounds_the_updater_too(make):
    machine = make(watchdog=(3600, BOUND, 0), left_s=0)
    result = subprocess.run(
        [machine.program, "--device", machine.path], stdout=subprocess.PIPE, timeout=DEADLINE_S
    )
    assert result.returncode == -signal.SIGALRM


# ---- tickets ----


def digest_of(key):
    return hashlib.sha256(b"\x01" + bootfiles.point(key)).digest()


def ticket(key, number, seconds, device_id=DEVICE_ID, says=None):
    numbers = struct.pack("<II", number, seconds)
    der = key.sign(b"rota-ticket-v1" + device_id.encode() + numbers, ec.ECDSA(hashes.SHA256()))
    r, s = utils.decode_dss_signature(der)
    raw, point = r.to_bytes(32, "big") + s.to_bytes(32, "big"), bootfiles.point(key)
    signed = b"\x01" + struct.pack("<H", len(point)) + point + struct.pack("<H", 64) + raw
    return b"ROTATKT\x01" + (says or numbers) + signed


def take(machine, data):
    path = machine.path / "ticket"
    path.write_bytes(data)
    result = machine.run("--ticket", path)
    assert len(result.stderr.splitlines()) == 1
    return result


def test_a_ticket_keeps_the_application_running(make):
    time_key = bootfiles.new_key()
    machine = make(watchdog=(3600, 3600, 0), left_s=10, time_keys=[digest_of(time_key)])
    numbers = itertools.count(1)
    with machine.power() as process:
        machine.wait("the application", machine.booted)
        (pid,) = children(process.pid)
        assert "900 s until" in take(machine, ticket(time_key, next(numbers), 900)).stderr
        # When the first slice is over the second one takes all that the ticket gave; one of no seconds tells.
        machine.wait(
            "the second slice",
            lambda: ": 0 s until" in take(machine, ticket(time_key, next(numbers), 0)).stderr,
        )
        assert children(process.pid) == [pid]
    assert "too long" not in machine.messages()


def test_refused_tickets_change_nothing(make):
    time_key, stranger = bootfiles.new_key(), bootfiles.new_key()
    machine = make(watchdog=(3600, 3600, 0), left_s=60, time_keys=[bytes(31) + b"1", digest_of(time_key)])
    before = (machine.path / "flash/boot.bin").read_bytes()
    other = hashlib.sha256(b"another device").hexdigest()
    refused = {
        "key that the last verified refresh did not name": ticket(stranger, 1, 600),
        "is it for this device": ticket(time_key, 1, 600, device_id=other),
        "not the next one": ticket(time_key, 2, 600),
        "more than a period": ticket(time_key, 1, 3601),
        "signature does not verify": ticket(time_key, 1, 600, says=struct.pack("<II", 1, 3600)),
        "no ticket": b"ROTATKT\x01" + bytes(8),
    }
    for said, data in refused.items():
        result = take(machine, data)
        assert result.returncode == 1 and said in result.stderr
    assert (machine.path / "flash/boot.bin").read_bytes() == before
    assert take(machine, ticket(time_key, 1, 600)).returncode == 0
    result = take(machine, ticket(time_key, 1, 600))
    assert result.returncode == 1 and "taken before" in result.stderr
    assert machine.run("--ticket", machine.path / "none").returncode == 1
    assert machine.run("--ticket", machine.path / "none", "--show").returncode == 2


def test_a_device_without_a_watchdog_takes_no_tickets(make):
    time_key = bootfiles.new_key()
    machine = make(watchdog=None, time_keys=[digest_of(time_key)])
    result = take(machine, ticket(time_key, 1, 600))
    assert result.returncode == 1 and "has no watchdog" in result.stderr


# ---- from the factory to a refresh ----


def test_the_factory_sets_it_and_a_verified_refresh_gives_a_period(build, fleet):
    fleet.release("1.0.0")
    fleet.rollout("1.0.0")
    device = fleet.device("watched", "1.0.0", "--watchdog", "2d", "--watchdog-bound", "10m")
    machine = Machine(build, pathlib.Path(device.dir))

    def left():
        return machine.show()["state"]["watchdog"]["left_s"]

    assert left() == 2 * 86400 * 63 // 64  # the slice that runs is spent
    assert struct.pack("<BHIIB", 9, 9, 2 * 86400, 600, 0) in (machine.path / "rom.bin").read_bytes()
    bootfiles.set_state(machine.path, 0, left_s=60)
    device.once()
    assert left() == 2 * 86400


@pytest.mark.parametrize(
    "words",
    ["--watchdog 23h", "--watchdog soon", "--watchdog-bound 1m", "--watchdog 2d --watchdog-bound 0s"],
)
def test_wrong_watchdogs_are_refused_by_the_factory(build, tmp_path, words):
    command = [build / "apps/rota/rota", "factory", "enrol", "--out", tmp_path / "never", "--hardware", "board-a"]
    done = subprocess.run([*command, *words.split()], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 2 and "--watchdog" in done.stderr
    assert not (tmp_path / "never").exists()
