# SPDX-License-Identifier: Apache-2.0
"""rota-agent behind a boot loader, and its hooks. GRUB is played here, by its rules for the block (SPEC 17.3); GRUB itself, with
U-Boot and systemd-boot, is tests/qemu's."""
import itertools
import os
import re
import signal

import pytest

from conftest import BUILD
from fleet import environment, line

# Runs of the agent that completing an update may take after a kill: install, confirm, and one of each to spare.
ROUNDS = 4


class Machine:
    """A device whose root file system and kernel lie in places A and B, and what its loader would do."""

    def __init__(self, device):
        self.device, self.dir, self.boots = device, device.dir / "loader", 0
        (self.dir / "state").mkdir(parents=True)
        for name in ("rootfs", "kernel"):
            for place in "ab":
                (self.dir / f"{name}-{place}").write_bytes(b"from the factory")
        self.block = self.dir / "grubenv"
        self.block.write_bytes(b"# GRUB Environment Block\n".ljust(1024, b"#"))
        text = re.sub(r"\[slot app\](.|\n)*?(?=\n\[|\Z)", "", device.config.read_text())
        device.config.write_text(text.replace("channel = production", "channel = loaders"))
        for name in ("rootfs", "kernel"):
            device.add(f"[slot {name}]\nbackend = grub\nplace_a = {self.dir}/{name}-a\nplace_b = {self.dir}/{name}-b\n")
        device.add(f"[loader]\nstate = {self.dir}/state\nenvironment = {self.block}\n"
                   f"cmdline = {self.dir}/cmdline\nboot_id = {self.dir}/boot_id\n")
        self.reset()

    def reset(self):
        """What of root file system and kernel is started."""
        said = re.search(rb"^rota=(.)$", self.block.read_bytes(), re.M)
        letter = said.group(1).decode() if said else "A"
        place = {"A": "a", "b": "b", "x": "a", "B": "b", "a": "a", "y": "b"}[letter]
        if letter in "ab":
            after = {"a": b"rota=y\n", "b": b"rota=x\n"}[letter]
            self.block.write_bytes(self.block.read_bytes().replace(b"rota=" + letter.encode() + b"\n", after))
        self.boots += 1
        (self.dir / "cmdline").write_text(f"quiet rota.slot={place}\n")
        (self.dir / "boot_id").write_text(f"{self.boots:08x}-0000-4000-8000-000000000000\n")
        return tuple((self.dir / f"{name}-{place}").read_bytes() for name in ("rootfs", "kernel"))


@pytest.fixture(scope="module")
def factory(fleet):
    fleet.image("1.0.0")
    return fleet.device("factory").snapshot(fleet.dir / "factory-new")


@pytest.fixture
def device(fleet, factory):
    from fleet import Device

    it = Device(fleet.dir / "factory")
    it.restore(factory)
    return it


@pytest.fixture
def machine(device):
    return Machine(device)


def release(fleet, version, retry=0, **images):
    words = ["release", "add", "--version", version, "--hardware", "board-a"]
    for name, data in images.items():
        file = fleet.dir / f"{name}-{version}"
        file.write_bytes(data)
        words += ["--raw", f"{name}={file}"]
    fleet.rota(*words)
    fleet.rollout(version, "--channel", "loaders", *(["--retry", str(retry), "--backoff", "0s"] if retry else []))


def test_a_group_is_tried_confirmed_and_reverted(fleet, machine):
    device, first = machine.device, (os.urandom(300_000), os.urandom(90_000))
    release(fleet, "5.0.0", rootfs=first[0], kernel=first[1])
    assert "installed" in device.once(check=3)
    assert machine.reset() == first
    assert line(device.once(check=0), "confirmed")["version"] == "5.0.0"
    assert machine.reset() == first
    status = device.status()
    assert [(s["name"], s["runs"], s["as"]) for s in status["slots"]] == [
        ("rootfs", 1, "confirmed"), ("kernel", 1, "confirmed")]
    # One slot only, and a kernel that never comes up: the pair goes back.
    second = os.urandom(100_000)
    release(fleet, "5.1.0", kernel=second)
    device.once(check=3)
    assert machine.reset() == (first[0], second)
    assert machine.reset() == first
    device.once()
    assert device.status()["installed"] == "5.0.0"
    # Not well: reverted by the agent.
    device.add("[health]\ncommand = exit 1\n")
    release(fleet, "5.2.0", kernel=second, rootfs=second)
    device.once(check=3)
    assert machine.reset() == (second, second)
    device.once(check=3)
    assert machine.reset() == first
    device.once()
    assert device.status()["installed"] == "5.0.0"


def test_a_cut_before_the_loader_was_told(fleet, machine):
    """The journal is changed first; what the loader still says is written again."""
    device, image = machine.device, os.urandom(50_000)
    release(fleet, "6.0.0", rootfs=image, kernel=image)
    device.once(check=3)
    asked = machine.block.read_bytes()
    assert b"rota=b\n" in asked
    machine.block.write_bytes(asked.replace(b"rota=b\n", b"rota=A\n"))
    assert machine.reset() != (image, image)
    device.once(check=3)
    assert machine.block.read_bytes() == asked
    assert machine.reset() == (image, image)
    device.once(check=0)
    assert b"rota=B\n" in machine.block.read_bytes()


@pytest.mark.plain
def test_killed_at_durable_calls(fleet, machine):
    """kill -9 of the agent at durable calls of an update behind a loader (as test_agent_kill), with and without a reset: what is
    started is the old pair or the new one, and the update is completed."""
    device, kill = machine.device, BUILD / "tests/system/libkillat.so"
    old, new = (b"from the factory",) * 2, (os.urandom(70_000), os.urandom(30_000))
    release(fleet, "7.0.0", rootfs=new[0], kernel=new[1], retry=8)
    device.add("[limits]\nresume_every = 32768\n")
    for status in (3, 0):  # while it installs, while it confirms
        before = device.snapshot(fleet.dir / "before")
        device.once(check=status, env=environment(LD_PRELOAD=kill, KILLAT=0, KILLAT_COUNT=fleet.dir / "count"))
        total = int((fleet.dir / "count").read_text())
        for n, reset in itertools.product(range(1, total + 1, 5), (False, True)):
            what = f"status {status}, killed at call {n} of {total}, reset {reset}"
            device.restore(before)
            done = device.agent("--once", env=environment(LD_PRELOAD=kill, KILLAT=n))
            assert done.returncode == -signal.SIGKILL or "429" in done.stdout, f"{what}: {done.stdout}{done.stderr}"
            for turn in range(ROUNDS):
                if turn > 0 or reset:
                    assert machine.reset() in (old, new), what
                done = device.agent("--once")
                assert done.returncode in (0, 3), f"{what}: {done.stdout}{done.stderr}"
                if done.returncode == 0:
                    break
            status_now = device.status()
            assert status_now["installed"] == "7.0.0" and status_now["pending"] == "none", (what, status_now)
            assert machine.reset() == new, what
        device.restore(before)
        device.once(check=status)
        machine.reset()


@pytest.mark.parametrize("old, new, says", [
    ("environment = ", "esp = ", r"\[loader\] lacks 'environment"),
    ("[slot kernel]\nbackend = grub", "[slot kernel]\nbackend = uboot", r"another boot loader than a slot before it"),
    ("kernel-b\n", "kernel-a\n", r"place_b = .* is not another place than place_a"),
    ("place_b = /", "place_b = ", r"is not an absolute path"),
    ("[slot kernel]", "[slot kernel]\nbefore = run me", r"before = run me is not an absolute path"),
    ("[slot kernel]", "[slot kernel]\nafter = /bin/true" + " x" * 16, r"a program and at most 15 arguments"),
    ("[slot kernel]", "[slot kernel]\nbefore = /nonexistent/hook", r"\[slot kernel\] before = /nonexistent/hook cannot be run"),
    ("[slot kernel]", "[slot kernel]\nhook_timeout = 2d", r"hook_timeout = 2d is not a duration"),
])
def test_wrong_settings(machine, old, new, says):
    machine.device.edit((old, new))
    done = machine.device.agent("--once", check=1)
    assert re.search(says, done.stderr), done.stderr


def test_doctor_sees_what_lacks(machine):
    device = machine.device
    assert "slots" in device.agent("doctor").stdout
    for lacks, says in (("kernel-b", "kernel] has no place to write to"), ("grubenv", "rootfs] does not say what runs")):
        (machine.dir / lacks).rename(machine.dir / "away")
        done = device.agent("doctor")
        assert says in done.stdout + done.stderr and "boot-loaders.md" in done.stdout + done.stderr
        (machine.dir / "away").rename(machine.dir / lacks)
    (machine.dir / "cmdline").write_text("quiet\n")
    done = device.agent("doctor")
    assert "rootfs] does not say what runs" in done.stdout + done.stderr


# --- hooks ---


@pytest.fixture
def hooked(fleet, device):
    """The factory's device with both hooks, which write down what they were given and end as the files say."""
    fleet_release = fleet.dir / "2.0.0.img"
    if not fleet_release.exists():
        fleet.release("2.0.0")
        fleet.rollout("2.0.0", "--retry", "8", "--backoff", "0s")
    script = device.dir / "hook.sh"
    script.write_text(f'#!/bin/sh\n(echo "$0 $@"; env | sort) >>{device.dir}/$1.log\nexit $(cat {device.dir}/$1)\n')
    script.chmod(0o755)
    device.edit(("[slot app]", f"[slot app]\nbefore = {script} before\tthe image\nafter = {script} after\nhook_timeout = 20s"))
    for name in ("before", "after"):
        (device.dir / name).write_text("0")
    return device


def test_hooks_see_the_image_and_let_it_pass(hooked):
    said = hooked.once(check=3)
    assert [m for m in re.findall(r"^hook .*", said, re.M)] == [
        'hook slot=app when=before verdict="go on" status=0', 'hook slot=app when=after verdict="go on" status=0']
    before = (hooked.dir / "before.log").read_text().splitlines()
    assert before[0] == f"{hooked.dir}/hook.sh before the image"
    names = {x.split("=")[0] for x in before[1:]}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "PATH", "LC_ALL", "ROTA_HOOK", "ROTA_SLOT_NAME", "ROTA_PRODUCT", "ROTA_DIGEST", "ROTA_LENGTH"}
    assert "ROTA_HOOK=before" in before and "ROTA_SLOT_NAME=app" in before and "ROTA_PRODUCT=sensor" in before
    assert re.fullmatch("ROTA_DIGEST=[0-9a-f]{64}", next(x for x in before if "DIGEST" in x))
    assert hooked.boot() == "2.0.0"
    assert line(hooked.once(check=0), "confirmed")["version"] == "2.0.0"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status, verdict", [("75", "hold"), ("1", "refused")])
def test_a_hook_stops_an_installation(hooked, when, status, verdict):
    (hooked.dir / when).write_text(status)
    said = hooked.once(check=1)
    assert f"hook slot=app when={when} verdict={verdict} status={status}" in said
    assert "installed" not in [x.split()[0] for x in said.splitlines()]
    assert hooked.boot() == "1.0.0"
    (hooked.dir / when).write_text("0")
    hooked.once(check=3)
    assert hooked.boot() == "2.0.0"


def test_a_hook_has_a_deadline(hooked):
    hooked.edit(("hook_timeout = 20s", "hook_timeout = 1s"))
    (hooked.dir / "hook.sh").write_text("#!/bin/sh\nsleep 60\n")
    said = line(hooked.once(check=1), "hook")
    assert said["verdict"] == "refused" and "took longer than 1 s" in said["detail"] and "status" not in said
