# SPDX-License-Identifier: Apache-2.0
"""Recovery orders with everything online in hostile hands: over the server, as a file, from a stick, one after the
other; resumed after a kill. test_recovery_line.py has serial lines and a boot stage that has nothing to boot,
test_recovery_refused.py what must not be taken."""
import hashlib
import json
import pathlib
import re
import shutil
import time

import pytest

import bootfiles
from conftest import BUILD
from fleet import HARDWARE, PROGRAMS, PRODUCT, Fleet, environment, line, run
from rescue import device, factory  # noqa: F401 - fixtures
from rescue import brick, follow, foreign_image, make, pack, public_pem, sign

FAKETIME = next((str(x) for x in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")


@pytest.fixture
def hostile(fleet):
    """Who holds every online key: what he signs is signed, what he withholds is gone."""
    kept = fleet.dir / "repo-kept"
    shutil.rmtree(kept, ignore_errors=True)
    run("cp", "-a", fleet.authority, kept)

    yield fleet
    shutil.rmtree(fleet.authority)  # with what the authority remembers of the repository
    run("mv", kept, fleet.authority)


# --- the carriers ---


def test_over_the_server_with_all_metadata_withheld(hostile, device):
    """No timestamp, no snapshot, no root: nobody signs them any more."""
    image = foreign_image(hostile, "9.0.0")
    order = sign(hostile, make(hostile, "server", "--image", image))
    hostile.rota("recovery", "publish", "--image", image, order)
    for path in hostile.repository("metadata").iterdir():
        path.unlink()
    follow(device, "9.0.0")
    assert device.boot() == "9.0.0"  # under no key but the anchor's
    shown = json.loads(run(PROGRAMS["rota-boot"], "--device", device.dir, "--show", "--json").stdout)
    assert any(slot.get("version") == "9.0.0" and slot["verified"] for slot in shown["slots"])
    assert device.status()["recovery_epoch"] == 1


def test_with_a_timestamp_that_expired_and_a_policy_of_the_thief(hostile, device):
    """Online keys sign: a timestamp that is past, the newest campaign, and an order of their own."""
    image = foreign_image(hostile, "9.0.0")
    order = sign(hostile, make(hostile, "expired", "--epoch", "2", "--image", image))
    hostile.rota("recovery", "publish", "--image", image, order)
    hostile.release("3.0.0")  # what the online keys push
    hostile.rota("publish", "--all", "--lifetime", "timestamp=1s")
    time.sleep(2)
    said = device.agent("--once").stdout
    assert line(said, "installed")["version"] == "9.0.0"  # before the metadata was looked at
    follow(device, "9.0.0")


def test_every_online_key_signs_against_it(hostile, device):
    """The device has followed all that the online roles sign, and then they sign nothing that is of use."""
    evil = hostile.image("6.0.0", None, "--ci", "--counter", "99")
    hostile.rota("release", "add", "--ci", "--version", "6.0.0", "--image", evil)
    hostile.rota("rollout", "set", "--version", "6.0.0", "--channel", "ci")
    hostile.release("3.0.0")
    hostile.rota("withdraw", "3.0.0")
    signed = json.loads(hostile.rota("publish", "--all", "--json"))
    online = {"snapshot", "timestamp", "ci", "rollouts", "keys-link", "time", "revocations"}
    assert online <= {role["role"] for role in signed}, signed
    device.agent("--once")
    before = device.status()
    assert before["installed"] == "1.0.0" and before["pending"] == "none"
    hostile.rota("publish", "--all", "--lifetime", "timestamp=1s")
    time.sleep(2)
    assert line(device.agent("--once").stdout, "refused")["clause"] == "TUF 5.4.4"
    image = foreign_image(hostile, "9.0.0")
    order = sign(hostile, make(hostile, "against", "--image", image))
    hostile.rota("recovery", "publish", "--image", image, order)
    follow(device, "9.0.0")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hook_does_not_keep_it_out_for_ever(hostile, device, when):
    """A hook that says not now to an order, as one does whose application is in hostile hands. A day is played by its file."""
    hook = device.dir / "hook.sh"
    hook.write_text("#!/bin/sh\nexit 75\n")
    hook.chmod(0o755)
    device.edit(("[slot app]", f"[slot app]\n{when} = {hook}"))
    image = foreign_image(hostile, "9.0.0")
    hostile.rota("recovery", "publish", "--image", image, sign(hostile, make(hostile, f"hook-{when}", "--image", image)))
    for _ in range(2):
        assert line(device.agent("--once", check=1).stdout, "hook")["verdict"] == "hold"
    count = device.state() / "order.held"
    digest, holds, boot, at = count.read_text().split()
    assert holds == "1"  # both within the hour
    count.write_text(f"{digest} 24 {boot} {at}\n")
    assert line(device.agent("--once", check=3).stdout, "hook")["verdict"] == "overruled"
    hook.write_text("#!/bin/sh\nexit 0\n")
    follow(device, "9.0.0")


@pytest.mark.plain  # a sanitizer wants to be the first library that is loaded
def test_when_everything_expired_years_ago(fleet, device):
    """Metadata, certificates, all: the device's clock stands ten years later."""
    later = environment(LD_PRELOAD=FAKETIME, FAKETIME="+3650d")
    said = device.agent("--once", env=later).stdout
    assert "certificate" in said, said
    image = foreign_image(fleet, "9.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "years", "--image", image)), "--image", image)
    assert line(device.agent("recover", file, check=3, env=later).stdout, "installed")["version"] == "9.0.0"
    assert device.boot() == "9.0.0"
    device.agent("recover", file, env=later)
    assert device.status()["installed"] == "9.0.0"


def test_as_a_file_with_no_server_at_all(fleet, device):
    image = foreign_image(fleet, "9.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "file", "--image", image)), "--image", image)
    device.edit((f"localhost:{fleet.ports['repo']}", "localhost:1"))
    said = device.agent("recover", file, check=3).stdout
    assert line(said, "installed")["version"] == "9.0.0"
    assert device.boot() == "9.0.0"
    stick = fleet.dir / "stick"
    stick.mkdir()
    shutil.copy(file, stick / "recovery.pack")
    done = device.agent("recover", stick)  # confirms what runs
    assert done.returncode == 0
    assert line(done.stdout, "booted")["version"] == line(done.stdout, "confirmed")["version"] == "9.0.0"
    assert device.booted()["version"] == "9.0.0"
    assert device.status()["installed"] == "9.0.0"


def test_from_a_stick_that_is_put_in(fleet, device):
    image = foreign_image(fleet, "9.0.0")
    stick = fleet.dir / "slot-of-sticks"
    stick.mkdir()
    device.edit((f"file = {device.dir}/flash", f"file = {stick}"))
    device.agent("--once", check=0)
    shutil.copy(pack(fleet, sign(fleet, make(fleet, "stick", "--image", image)), "--image", image),
                stick / "recovery.pack")
    follow(device, "9.0.0")


# --- three boots, and no more ---


def test_an_image_that_is_never_well_is_given_up_after_three_boots(fleet, device):
    image = foreign_image(fleet, "9.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "unwell", "--image", image)), "--image", image)
    device.add("[health]\ncommand = /bin/false\n")
    device.agent("recover", file, check=3)
    for _ in range(3):
        assert device.boot() == "9.0.0"
        device.agent("--once", check=3)
    assert device.boot() == "1.0.0"  # nothing was burnt
    said = line(device.agent("--once").stdout, "failed")
    assert (said["step"], said["epoch"], said["clause"]) == ("order", str(device.status()["recovery_epoch"]), "SPEC 15.7")
    assert "not confirmed in three boots" in said["reason"] and "higher epoch" in said["detail"]
    assert "failed step=order" not in device.agent("--once").stdout  # once
    assert device.status()["installed"] == "1.0.0"
    failed = [json.loads(x) for x in device.agent("log", "--json").stdout.splitlines()][-1]
    assert failed["event"] == "failed" and failed["version"] == "9.0.0"
    assert device.status()["recovery_order"].startswith("failed")
    assert device.agent("recover", file).returncode == 0  # known, and not tried again
    assert device.boot() == "1.0.0"


# --- another root ---


def test_root_is_lost_and_anchored_anew(hostile, device):
    """The tokens of root are gone. A new authority's root takes over by the anchor of the old one."""
    device.agent("--once")
    other = Fleet(hostile.dir / "heir", keys="other")
    other.rota("publish", "--all")
    order = sign(hostile, make(hostile, "anchor", "--root", other.repository("metadata/1.root.json")))
    shutil.rmtree(hostile.repository("metadata"))
    shutil.rmtree(hostile.repository("targets"))
    run("cp", "-a", other.repository("metadata"), hostile.repository("metadata"))
    run("cp", "-a", other.repository("targets"), hostile.repository("targets"))
    assert device.agent("--once").returncode == 1  # nothing that the old root signed
    hostile.rota("recovery", "publish", "--root", other.repository("metadata/1.root.json"), order)
    device.once(check=0)
    device.once(check=0)
    digest = hashlib.sha256(other.repository("metadata/1.root.json").read_bytes()).hexdigest()
    kept = (device.state() / "metadata/1.root.json").read_bytes()
    assert hashlib.sha256(kept).hexdigest() == digest


# --- an order after an order ---


def rescued(fleet, device):
    """A device whose confirmed image nobody vouches for but an order."""
    image = foreign_image(fleet, "9.0.0")
    order = sign(fleet, make(fleet, "first", "--epoch", "4", "--image", image))
    device.agent("recover", pack(fleet, order, "--image", image), check=3)
    follow(device, "9.0.0")
    return image


def without_image(file):
    """The pack as its carrier spoilt it: all but its last part, the image (SPEC 15.4)."""
    data, at = file.read_bytes(), 8
    while data[at] != 4:
        at += 5 + int.from_bytes(data[at + 1:at + 5], "little")
    out = file.with_suffix(".cut")
    out.write_bytes(data[:at])
    return out


def test_what_an_order_brought_boots_until_the_next_order_s_image_is_confirmed(fleet, device):
    """Withheld, given up, replaced: the image that runs keeps its voucher."""
    rescued(fleet, device)
    missing = foreign_image(fleet, "9.1.0")
    for epoch in ("5", "6"):
        order = sign(fleet, make(fleet, f"next-{epoch}", "--epoch", epoch, "--image", missing))
        file = pack(fleet, order, "--image", missing)
        device.agent("recover", without_image(file), check=1)
        assert device.boot() == "9.0.0"
        assert device.boot() == "9.0.0"
        journal = (device.dir / "flash/boot.bin").read_bytes()
        device.agent("recover", without_image(file), check=1)
        assert (device.dir / "flash/boot.bin").read_bytes() == journal  # who withholds it wears nothing out
    device.agent("recover", file, check=3)
    follow(device, "9.1.0")
    assert device.boot() == "9.1.0"


def test_an_order_that_decays_is_written_anew(hostile, device):
    """What runs boots by its order alone: as long as that is offered, a bad place of its flash is no matter."""
    image = foreign_image(hostile, "9.0.0")
    order = sign(hostile, make(hostile, "decays", "--image", image))
    hostile.rota("recovery", "publish", "--image", image, order)
    follow(device, "9.0.0")
    device.boot()
    device.agent("--once")
    for _ in range(2):  # in either place
        places = device.dir / "flash/orders.bin"
        data = places.read_bytes()
        assert data.count(order.read_bytes()[:64]) >= 1
        places.write_bytes(data.replace(order.read_bytes()[:64], bytes(64)))
        device.agent("--once")
        assert device.boot() == "9.0.0" and device.booted()["kind"] == "confirmed"
    assert device.status()["pending"] == "none" and device.status()["recovery_epoch"] == 1


def test_what_an_order_retires_is_retired_though_another_one_comes(hostile, device):
    """The next order is there when the image of the first is confirmed, and retires nothing."""
    first, second = foreign_image(hostile, "9.0.0"), foreign_image(hostile, "9.1.0")

    def floor():
        shown = run(PROGRAMS["rota-boot"], "--device", device.dir, "--show", "--json").stdout
        return json.loads(shown)["state"]["key_floor"]

    assert floor() == 0
    hostile.rota("recovery", "publish", "--image", first, sign(hostile, make(
        hostile, "retires", "--image", first, "--retire-key", "0")))
    device.agent("--once", check=3)
    assert device.boot() == "9.0.0"
    hostile.rota("recovery", "publish", "--image", second, sign(hostile, make(hostile, "next", "--image", second)))
    follow(device, "9.1.0")
    device.boot()
    assert floor() == 1


def test_an_order_without_an_image_does_not_take_away_what_runs(fleet, device):
    image = rescued(fleet, device)
    bare = sign(fleet, make(fleet, "bare", "--epoch", "5", "--add-key", public_pem(fleet, bootfiles.new_key())))
    device.agent("recover", pack(fleet, bare))
    assert device.boot() == "9.0.0"
    assert device.status()["recovery_epoch"] == 4
    named = sign(fleet, make(fleet, "named", "--epoch", "5", "--image", image))
    device.agent("recover", pack(fleet, named, "--image", image))
    assert device.boot() == "9.0.0"
    assert device.status()["recovery_epoch"] == 5


def test_keys_that_an_order_adds_count_while_it_is_in_force(fleet, device):
    key = bootfiles.new_key()
    pem = public_pem(fleet, key)
    data = bootfiles.image(fleet.payload("5.0.0").read_bytes(), [key], version=(5, 0, 0, 0), product=PRODUCT,
                           hardware=(HARDWARE,), counter=0)
    brick(device)
    bootfiles.put(device.dir, 1, data)
    file = pack(fleet, sign(fleet, make(fleet, "keys", "--add-key", pem)))
    assert run(PROGRAMS["rota-boot"], "--device", device.dir, check=False).returncode == 1
    device.agent("recover", file)
    assert device.boot() == "5.0.0"


# --- a kill ---


@pytest.mark.plain
def test_a_recovery_goes_on_after_a_kill_at_every_durable_call(fleet, device):
    image = foreign_image(fleet, "9.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "kill", "--image", image)), "--image", image)
    kill = BUILD / "tests/system/libkillat.so"
    fresh = device.snapshot(fleet.dir / "kill-fresh")
    count = fleet.dir / "count"
    device.agent("recover", file, check=3, env=environment(LD_PRELOAD=kill, KILLAT=0, KILLAT_COUNT=count))
    calls = int(count.read_text())
    assert calls > 10
    for n in range(1, calls + 1, max(1, calls // 24)):
        device.restore(fresh)
        done = device.agent("recover", file, env=environment(LD_PRELOAD=kill, KILLAT=n))
        assert done.returncode in (-9, 137), n
        assert device.boot() in ("1.0.0", "9.0.0"), n
        for _ in range(4):
            done = device.agent("recover", file)
            assert done.returncode in (0, 3), (n, done.stdout, done.stderr)
            if done.returncode == 0:
                break
            device.boot()
        assert device.boot() == "9.0.0", n
        assert device.status()["installed"] == "9.0.0", n


def test_an_order_is_shown_so_that_it_can_be_read(fleet):
    image = foreign_image(fleet, "9.0.7")
    running, other, device_id = "ab" * 32, "cd" * 32, "ef" * 32
    file = make(fleet, "shown", "--image", image, "--running", running, "--running", other, "--device", device_id,
                "--add-key", public_pem(fleet, bootfiles.new_key()))
    shown = json.loads(fleet.rota("recovery", "show", "--json", file))
    assert (shown["complete"], shown["missing"], shown["signers"]) == (False, 2, [])
    text = fleet.rota("recovery", "show", file)
    assert max(map(len, text.splitlines())) <= 160 and "{" not in text and "[" not in text
    order = shown["order"]
    for value in [*order["image"].values(), running, other, device_id, order["add_keys"][0]["public"], shown["signed"]]:
        assert re.search(rf"^\S* +(\w+ +)?{re.escape(str(value))}$", text, re.M), value
    assert re.search(r"^retire_keys +none$", text, re.M) and "2: 2 more must sign" in text
    sign(fleet, file)
    assert "2: complete" in fleet.rota("recovery", "show", file)
    assert json.loads(fleet.rota("recovery", "show", "--json", file))["missing"] == 0
