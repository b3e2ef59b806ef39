# SPDX-License-Identifier: Apache-2.0
"""A device of two components under agent and rota-boot, with real releases: a program, and the model that it reads through
the descriptor that boot hands on. Both switch together: tried, confirmed, reverted, and killed at each durable call."""
import itertools
import signal
import subprocess

import pytest

from conftest import BUILD
from fleet import DEADLINE, PROGRAMS, Device, environment, line, run
from rescue import make, pack, sign

# Runs of agent and boot stage that completing an update may take: install, boot, confirm, and one of each to spare.
ROUNDS = 4

# Says its own version and what it was handed: the two must be of one release.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{{
	const char *number = getenv("ROTA_COMPONENT_MODEL_2");
	char model[4096], path[4096];
	ssize_t len = number ? read(atoi(number), model, sizeof(model)) : -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/said", getenv("ROTA_RUN"));
	f = fopen(path, "w");
	if (!f)
		return 1;
	fprintf(f, "program {version} %.*s", len > 0 ? (int)len : 0, model);
	return fclose(f) == 0 ? {status} : 1;
}}
"""


def program(fleet, version, status=0):
    source, out = fleet.dir / f"set{version}.c", fleet.dir / f"set{version}"
    if not out.exists():
        source.write_text(PROGRAM.format(version=version, status=status))
        run("cc", "-static", "-O1", "-o", out, source)
    return out


def model(fleet, version):
    out = fleet.dir / f"model{version}"
    out.write_text(f"model {version}\n".ljust(100_000, "."))
    return out


def images(fleet, version):
    """Both components of a version, signed."""
    made = {}
    for name, payload in (("app", program(fleet, version)), ("model.2", model(fleet, version))):
        made[name] = fleet.dir / f"{name}-{version}.img"
        fleet.rota("image", "sign", "--version", version, "--hardware", "board-a", "--out", made[name], payload)
    return made


def release(fleet, version, *names, retry=8):
    made = images(fleet, version)
    words = [w for name in names or made for w in ("--image", f"{name}={made[name]}")]
    fleet.rota("release", "add", "--version", version, *words)
    fleet.rollout(version, "--retry", str(retry), "--backoff", "0s")


class Pair(Device):
    """What ran says of itself."""

    def boot(self):
        (self.dir / "run/said").unlink(missing_ok=True)
        super().boot()
        word, of_program, what, of_model = (self.dir / "run/said").read_text().strip(".\n").split()
        assert (word, what) == ("program", "model")
        return of_program, of_model


@pytest.fixture(scope="module")
def factory(fleet):
    made = images(fleet, "1.0.0")
    fleet.rota(
        "factory", "enrol", "--out", fleet.dir / "pair", "--hardware", "board-a", "--image", made["app"],
        "--component", f"model.2={made['model.2']}", "--slot-size", "2",
        "--repository-url", f"https://localhost:{fleet.ports['repo']}/repo",
        "--server-url", f"https://localhost:{fleet.ports['device']}",
    )
    device = Pair(fleet.dir / "pair")
    assert device.boot() == ("1.0.0", "1.0.0")
    return device.snapshot(fleet.dir / "pair-new")


@pytest.fixture
def device(fleet, factory):
    it = Pair(fleet.dir / "pair")
    it.restore(factory)
    return it


@pytest.fixture(scope="module")
def second(fleet, factory):
    release(fleet, "2.0.0")
    return "2.0.0"


def test_a_release_of_two_is_installed_tried_and_confirmed_as_one(fleet, device, second):
    assert "installed" in device.once(check=3)
    assert device.boot() == ("2.0.0", "2.0.0")
    assert [(s["name"], s["runs"], s["as"]) for s in device.status()["slots"]] == [
        ("app", 1, "trial"), ("model.2", 1, "trial")]
    assert line(device.once(check=0), "confirmed")["version"] == "2.0.0"
    assert device.boot() == ("2.0.0", "2.0.0")
    assert [(s["name"], s["runs"], s["as"]) for s in device.status()["slots"]] == [
        ("app", 1, "confirmed"), ("model.2", 1, "confirmed")]
    assert device.agent("doctor").returncode == 0


def test_a_trial_that_nobody_confirms_goes_back_as_one(device, second):
    device.once(check=3)
    assert device.boot() == ("2.0.0", "2.0.0")
    assert device.boot() == ("1.0.0", "1.0.0")
    device.once(check=3)  # said, and tried once more: the policy has retries
    assert device.boot() == ("2.0.0", "2.0.0")


def test_a_trial_that_is_not_well_is_reverted_as_one(device, second):
    device.add("[health]\ncommand = exit 1\n")
    device.once(check=3)
    assert device.boot() == ("2.0.0", "2.0.0")
    device.once(check=3)
    assert device.boot() == ("1.0.0", "1.0.0")
    assert device.booted()["kind"] == "reverted"


def test_a_component_damaged_before_its_trial_takes_the_release_back(device, second):
    device.once(check=3)
    with open(device.dir / "flash/1-model.2/slot1.bin", "r+b") as f:
        f.seek(1000)
        f.write(b"damage")
    assert device.boot() == ("1.0.0", "1.0.0")
    assert device.booted()["kind"] == "reverted"


def complete(device, what, reboot_first):
    """After a kill: boot and agent in turn until the release is confirmed. What boots is never a mixture."""
    for turn in range(ROUNDS):
        if turn > 0 or reboot_first:
            ran = device.boot()
            assert ran in (("1.0.0", "1.0.0"), ("2.0.0", "2.0.0")), (what, ran)
        done = device.agent("--once")
        assert done.returncode in (0, 3), f"{what}: {done.stdout}{done.stderr}"
        if done.returncode == 0:
            break
    assert device.status()["installed"] == "2.0.0", what
    assert [s["as"] for s in device.status()["slots"]] == ["confirmed"] * 2, what
    assert device.boot() == ("2.0.0", "2.0.0"), what


@pytest.mark.plain
@pytest.mark.parametrize("stage", ["install", "confirm"])
def test_every_durable_call(fleet, device, second, stage):
    library, count = BUILD / "tests/system/libkillat.so", fleet.dir / "count"
    status = {"install": 3, "confirm": 0}[stage]
    if stage == "confirm":
        device.once(check=3)
        assert device.boot() == ("2.0.0", "2.0.0")
    snapshot = device.snapshot(fleet.dir / f"before-{stage}")
    device.once(check=status, env=environment(LD_PRELOAD=library, KILLAT=0, KILLAT_COUNT=count))
    total = int(count.read_text())
    assert total > 20, "an update makes more durable calls than that: is the library loaded?"
    for n, reboot_first in itertools.product(range(1, total + 1), (False, True)):
        device.restore(snapshot)
        done = device.agent("--once", env=environment(LD_PRELOAD=library, KILLAT=n))
        # The last calls take acknowledged events away; a server that says 429 acknowledges none.
        assert done.returncode == -signal.SIGKILL or "429" in done.stdout, f"{n}: {done.stdout}{done.stderr}"
        complete(device, f"{stage}, killed at call {n} of {total}, reboot {reboot_first}", reboot_first)


@pytest.mark.plain
def test_every_durable_call_of_a_boot(fleet, device, second):
    """The boot that starts the trial: afterwards the set runs, or the one before; the agent brings it to its end."""
    library = BUILD / "tests/system/libkillat.so"
    device.once(check=3)
    snapshot = device.snapshot(fleet.dir / "before-boot")
    for n in itertools.count(1):
        device.restore(snapshot)
        done = run(
            PROGRAMS["rota-boot"], "--device", device.dir, check=False,
            env=environment(LD_PRELOAD=library, KILLAT=n),
        )
        if done.returncode == 0:  # it became the program before its n-th call
            break
        assert done.returncode == -signal.SIGKILL, f"{n}: {done.stderr}"
        complete(device, f"boot, killed at call {n}", reboot_first=True)
    assert n > 5, "two payloads, the boot state, the record and run/booted: is the library loaded?"


def test_one_component_alone_is_replaced_in_the_set(fleet, device, second):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    release(fleet, "3.0.0", "model.2")
    device.once(check=3)
    assert device.boot() == ("2.0.0", "3.0.0")
    assert [(s["runs"], s["as"]) for s in device.status()["slots"]] == [(1, "confirmed"), (0, "trial")]
    device.once(check=0)
    assert device.boot() == ("2.0.0", "3.0.0")
    assert [(s["runs"], s["as"]) for s in device.status()["slots"]] == [(1, "confirmed"), (0, "confirmed")]


def order_for(fleet, name, component, version):
    image = images(fleet, version)["model.2"]
    return pack(fleet, sign(fleet, make(fleet, name, "--image", image, "--component", component)), "--image", image)


def damage_model(device, slot):
    with open(device.dir / f"flash/1-model.2/slot{slot}.bin", "r+b") as f:
        f.seek(1000)
        f.write(b"damage")


def test_an_order_mends_the_one_component_that_is_damaged(fleet, device):
    """Nothing may run: boot waits, takes the order, and tries its image with the program that is confirmed."""
    file = order_for(fleet, "mend", "model.2", "4.0.0")
    damage_model(device, 0)
    assert run(PROGRAMS["rota-boot"], "--device", device.dir, check=False).returncode == 1
    run(PROGRAMS["rota-boot"], "--device", device.dir, "--recovery", file)
    assert (device.dir / "run/said").read_text().startswith("program 1.0.0 model 4.0.0")
    assert device.booted()["kind"] == "trial" and device.booted()["trial"] == "2"
    device.agent("--once")
    assert [s["as"] for s in device.status()["slots"]] == ["confirmed"] * 2
    assert device.boot() == ("1.0.0", "4.0.0")
    assert device.status()["recovery_epoch"] == 1


def test_an_order_through_the_agent_goes_to_its_component(fleet, device):
    file = order_for(fleet, "agent", "model.2", "5.0.0")
    device.agent("recover", file, check=3)
    assert device.boot() == ("1.0.0", "5.0.0")
    device.agent("--once")
    assert [(s["runs"], s["as"]) for s in device.status()["slots"]] == [(0, "confirmed"), (1, "confirmed")]


def test_an_order_for_a_component_that_there_is_none_is_refused(fleet, device):
    file = order_for(fleet, "other", "map", "4.0.0")
    damage_model(device, 0)
    before = (device.dir / "flash/boot.bin").read_bytes()
    boot = subprocess.Popen(
        [PROGRAMS["rota-boot"], "--device", device.dir, "--recovery", file], stderr=subprocess.PIPE, text=True)
    try:
        said = next(x for x in boot.stderr if "refused: this" in x)
    finally:
        boot.kill()
        boot.communicate(timeout=DEADLINE)
    assert "this device has no component map (SPEC 15.10)" in said
    assert (device.dir / "flash/boot.bin").read_bytes() == before


def test_a_lost_boot_state_of_several_is_not_made_up(fleet, device):
    """SPEC 15.10: what no boot state names never runs together; the order is taken, and boot waits on."""
    file = order_for(fleet, "lost", "model.2", "4.0.0")
    (device.dir / "run/said").unlink(missing_ok=True)
    (device.dir / "flash/boot.bin").write_bytes(b"\xff" * 16384)
    boot = subprocess.Popen(
        [PROGRAMS["rota-boot"], "--device", device.dir, "--recovery", file], stderr=subprocess.PIPE, text=True)
    try:
        taken = next(x for x in boot.stderr if "taken from" in x)
        last = next(x for x in boot.stderr if "no slot holds an image" in x)
    finally:
        boot.kill()
        boot.communicate(timeout=DEADLINE)
    assert taken and last
    assert not (device.dir / "run/said").exists()


def test_slots_and_components_are_held_against_each_other(device):
    device.edit(("[slot model.2]", "[slot modle]"))
    done = device.agent("--once")
    assert done.returncode == 1 and "has no component of this name" in done.stdout + done.stderr
    device.edit(("[slot modle]", "[slot model.2]"))
    (device.dir / "flash/1-model.2").rename(device.dir / "flash/2-model.2")
    done = device.agent("--once")
    assert done.returncode == 1 and "cannot be opened" in done.stderr


def test_the_factory_refuses_components_that_would_not_boot(fleet, factory):
    made = images(fleet, "1.0.0")

    def enrol(*words):
        out = fleet.dir / "refused"
        done = run(
            PROGRAMS["rota"], "--dir", fleet.authority, "factory", "enrol", "--out", out, "--hardware", "board-a",
            "--image", made["app"], "--slot-size", "2", *words, check=False,
        )
        assert done.returncode != 0 and not out.exists()
        return done.returncode, done.stderr

    assert "no two alike" in enrol("--component", f"app={made['model.2']}")[1]
    both = enrol("--component", f"a.b={made['model.2']}", "--component", f"a-b={made['model.2']}")
    assert "no two alike" in both[1]  # one variable for both
    raw = model(fleet, "1.0.0")
    assert f"{raw}: " in enrol("--component", f"model={raw}")[1]
    assert enrol("--component", "model")[0] == 2
    assert enrol("--component", "Model=x")[0] == 2
    assert enrol(*[w for i in range(8) for w in ("--component", f"m{i}={made['model.2']}")])[0] == 2
