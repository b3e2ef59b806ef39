# SPDX-License-Identifier: Apache-2.0
"""Recovery orders with everything online in hostile hands: over the server, as a file, over a serial line, by agent and
boot stage; resumed after a kill; and what must not be taken."""
import hashlib
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import threading
import time
import tty

import pytest
from cryptography.hazmat.primitives import serialization

import bootfiles
from conftest import BUILD
from fleet import DEADLINE, HARDWARE, PROGRAMS, PRODUCT, Device, Fleet, environment, line, run


FAKETIME = next((str(x) for x in pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")


def foreign_image(fleet, version, counter=0, hardware=HARDWARE):
    """An image of this product under a key that no device of it knows."""
    major, minor, revision = (int(x) for x in version.split("."))
    data = bootfiles.image(fleet.payload(version).read_bytes(), [bootfiles.new_key()],
                           version=(major, minor, revision, 0), product=PRODUCT, hardware=(hardware,),
                           counter=counter)
    out = fleet.dir / f"rescue-{version}-{counter}-{hardware}.img"
    out.write_bytes(data)
    return out


def make(fleet, name, *options, hardware=HARDWARE):
    order = fleet.dir / f"{name}.json"
    order.unlink(missing_ok=True)  # of another row
    fleet.rota("recovery", "make", "--hardware", hardware, *options, order)
    return order


def sign(fleet, order, tokens=("recovery-1", "recovery-3")):
    for token in tokens:
        fleet.rota("recovery", "sign", "--yes", "--token", token, order)
    return order


def pack(fleet, order, *options):
    out = order.with_suffix(".pack")
    fleet.rota("recovery", "pack", "--out", out, *options, order)
    return out


@pytest.fixture
def hostile(fleet):
    """Who holds every online key: what he signs is signed, what he withholds is gone."""
    kept = fleet.dir / "repo-kept"
    shutil.rmtree(kept, ignore_errors=True)
    run("cp", "-a", fleet.authority, kept)

    yield fleet
    shutil.rmtree(fleet.authority)  # with what the authority remembers of the repository
    run("mv", kept, fleet.authority)


@pytest.fixture(scope="module")
def factory(fleet):
    device = fleet.device("factory")
    device.add("[poll]\nretry_first = 1s\n")
    return device.snapshot(fleet.dir / "factory-new")


@pytest.fixture
def device(fleet, factory):
    it = Device(fleet.dir / "factory")
    it.restore(factory)
    return it


def follow(device, version, rounds=6):
    """Agent and boot by turns until this version is confirmed. The network may say what it likes."""
    for _ in range(rounds):
        device.agent("--once")
        device.boot()
        status = device.status()
        if status["installed"] == version and status["pending"] == "none":
            break
    assert device.booted()["version"] == version
    assert device.booted()["kind"] == "confirmed"
    assert status["installed"] == version


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


class Line:
    """A serial line between two pseudo terminals, which turns bits around now and then."""

    def __init__(self, every=0):
        self.near, self.near_end = pty.openpty()
        self.far, self.far_end = pty.openpty()
        for end in (self.near, self.near_end, self.far, self.far_end):
            tty.setraw(end)
        self.names = os.ttyname(self.near_end), os.ttyname(self.far_end)
        self.every, self.count, self.over = every, 0, False
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        other = {self.near: self.far, self.far: self.near}
        while not self.over:
            for end in select.select(list(other), [], [], 0.1)[0]:
                data = bytearray(os.read(end, 512))
                for at in range(len(data)):
                    self.count += 1
                    if self.every and self.count % self.every == 0:
                        data[at] ^= 1 << self.count % 8
                os.write(other[end], data)

    def close(self):
        self.over = True
        self.thread.join()
        for end in (self.near, self.near_end, self.far, self.far_end):
            os.close(end)


def small_image(fleet, version):
    return foreign_image_of(fleet, version, fleet.payload(version, size=64))


def foreign_image_of(fleet, version, payload):
    out = fleet.dir / f"small-{version}.img"
    if out.exists():
        return out
    data = bootfiles.image(payload.read_bytes(), [bootfiles.new_key()],
                           version=(int(version.split(".")[0]), 0, 0, 0), product=PRODUCT,
                           hardware=(HARDWARE,), counter=0)
    out.write_bytes(data)
    return out


def test_over_a_bad_line_to_the_agent(fleet, device):
    image = small_image(fleet, "8.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "line", "--image", image)), "--image", image)
    wire = Line(every=4001)
    agent = subprocess.Popen(
        [PROGRAMS["rota-agent"], "--config", device.config, "recover", "--line", wire.names[1], "--wait", "60"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        sent = run(PROGRAMS["rota"], "recovery", "send", "--line", wire.names[0], file, check=False)
        out, err = agent.communicate(timeout=DEADLINE)
    finally:
        agent.kill()
        wire.close()
    assert sent.returncode == 0, sent.stderr
    assert agent.returncode == 3, err
    assert line(out, "installed")["version"] == "8.0.0"
    assert device.boot() == "8.0.0"


def brick(device):
    """Neither slot holds an image any more."""
    for slot in ("slot0", "slot1"):
        path = device.dir / "flash" / f"{slot}.bin"
        size = path.stat().st_size
        path.write_bytes(b"")
        os.truncate(path, size)


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    assert what()


def test_boot_waits_for_a_pack_on_the_line(fleet, device):
    """Nothing boots: no loop of resets, but a wait; and once the pack is there, its image."""
    image = small_image(fleet, "8.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "brick", "--image", image)), "--image", image)
    brick(device)
    (device.dir / "run/booted").unlink()
    wire = Line()
    boot = subprocess.Popen([PROGRAMS["rota-boot"], "--device", device.dir, "--recovery", wire.names[1]],
                            stderr=subprocess.PIPE, text=True)
    try:
        sent = run(PROGRAMS["rota"], "recovery", "send", "--line", wire.names[0], file, check=False)
        _, said = boot.communicate(timeout=DEADLINE)
    finally:
        boot.kill()
        wire.close()
    assert sent.returncode == 0, sent.stderr
    assert said.count("no slot holds an image that may run") == 1
    assert device.booted()["version"] == "8.0.0" and device.booted()["kind"] == "trial"
    # The agent finds the trial of an order that it was never told of, and takes it over.
    follow(device, "8.0.0")
    assert device.boot() == "8.0.0"


@pytest.mark.parametrize("rot", [b"\xff", b"\x00", b"rot"])
def test_a_lost_boot_state_is_begun_anew_by_an_order_alone(fleet, device, rot):
    image = small_image(fleet, "8.0.0")
    order = sign(fleet, make(fleet, "lost", "--image", image))
    file = pack(fleet, order, "--image", image)
    journal = device.dir / "flash/boot.bin"
    lost = (rot * 16384)[:16384]
    journal.write_bytes(lost)
    stick = fleet.dir / "forged-stick"
    stick.mkdir(exist_ok=True)
    signed = json.loads(order.read_text())["signatures"][0]["sig"].encode()
    (stick / "recovery.pack").write_bytes(file.read_bytes().replace(signed, signed[:-1] + (b"1" if signed[-1:] == b"0" else b"0"), 1))
    boot = subprocess.Popen([PROGRAMS["rota-boot"], "--device", device.dir, "--recovery", stick],
                            stderr=subprocess.PIPE, text=True)
    try:
        while "refused" not in (said := boot.stderr.readline()):
            assert said
        assert journal.read_bytes() == lost
        shutil.copy(file, stick / "recovery.pack.new")
        (stick / "recovery.pack.new").rename(stick / "recovery.pack")
        boot.communicate(timeout=DEADLINE)
    finally:
        boot.kill()
    assert device.booted()["version"] == "8.0.0" and device.booted()["kind"] == "trial"
    follow(device, "8.0.0")
    assert device.boot() == "8.0.0"


def test_boot_takes_a_pack_from_a_folder(fleet, device):
    image = small_image(fleet, "8.0.0")
    good = pack(fleet, sign(fleet, make(fleet, "folder", "--image", image)), "--image", image)
    bad = good.with_suffix(".bad")
    data = bytearray(good.read_bytes())
    data[60] ^= 1
    bad.write_bytes(data)
    folder = fleet.dir / "boot-folder"
    folder.mkdir()
    brick(device)
    (device.dir / "run/booted").unlink()
    said = open(fleet.dir / "boot-folder.log", "w+", encoding="utf-8")
    boot = subprocess.Popen([PROGRAMS["rota-boot"], "--device", device.dir, "--supervise", "--recovery", folder],
                            stderr=said)
    try:
        shutil.copy(bad, folder / "new")
        os.rename(folder / "new", folder / "recovery.pack")
        wait_for(lambda: "refused" in (fleet.dir / "boot-folder.log").read_text())
        assert not (device.dir / "run/booted").exists()
        shutil.copy(good, folder / "new")
        os.rename(folder / "new", folder / "recovery.pack")
        wait_for(lambda: "version 8.0.0" in (fleet.dir / "boot-folder.log").read_text())
    finally:
        boot.terminate()
        boot.wait(DEADLINE)
        said.close()


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
    device.agent("--once")
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
    other = Fleet(hostile.dir / "heir")
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


# --- what must not be taken ---


@pytest.mark.parametrize("options, hardware", [
    (("--device", "00" * 32), HARDWARE),
    (("--running", "11" * 32), HARDWARE),
    ((), "board-z"),
])
def test_an_order_for_others_is_left_alone(fleet, device, options, hardware):
    image = foreign_image(fleet, "9.0.0", hardware=hardware)
    order = sign(fleet, make(fleet, "others", "--image", image, *options, hardware=hardware))
    assert device.agent("recover", pack(fleet, order, "--image", image)).returncode == 1
    assert device.boot() == "1.0.0"


def test_an_order_of_another_product_is_left_alone(fleet, device):
    image = foreign_image(fleet, "9.0.0")
    order = make(fleet, "product", "--image", image)
    data = json.loads(order.read_text())
    data["signed"]["product"] = "lamp"
    order.write_text(json.dumps(data, sort_keys=True, separators=(",", ":")))
    sign(fleet, order)
    assert device.agent("recover", pack(fleet, order, "--image", image)).returncode == 1
    assert device.boot() == "1.0.0"


def forge(fleet, name, tamper):
    """A pack whose order was signed, and then changed."""
    image = foreign_image(fleet, "9.0.0")
    order = sign(fleet, make(fleet, name, "--image", image))
    data = json.loads(order.read_text())
    tamper(data)
    text = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
    parts = (text, (fleet.authority / "trust/recovery-keys.json").read_bytes(), None, image.read_bytes())
    out = order.with_suffix(".forged")
    out.write_bytes(b"ROTAREC1" + b"".join(
        bytes([kind]) + len(part).to_bytes(4, "little") + part for kind, part in enumerate(parts, 1) if part))
    return out


@pytest.mark.parametrize("tamper", [
    lambda o: o["signed"].update(epoch=99),
    lambda o: o["signatures"].pop(),
    lambda o: o["signatures"].__setitem__(1, dict(o["signatures"][0], key=2)),  # one person twice
    lambda o: o["signed"].update(zeal=1),
])
def test_a_forged_order_is_refused(fleet, device, tamper):
    done = device.agent("recover", forge(fleet, "forged", tamper))
    assert done.returncode == 1
    assert line(done.stdout, "refused")["step"] == "order"
    assert device.boot() == "1.0.0"


def test_an_earlier_epoch_is_never_taken_again(fleet, device):
    one, two = foreign_image(fleet, "8.0.0"), foreign_image(fleet, "9.0.0")
    first = pack(fleet, sign(fleet, make(fleet, "first", "--epoch", "1", "--image", one)), "--image", one)
    second = pack(fleet, sign(fleet, make(fleet, "second", "--epoch", "2", "--image", two)), "--image", two)
    device.agent("recover", second, check=3)
    device.agent("recover", first)  # not even before it is confirmed
    assert device.boot() == "9.0.0"
    follow(device, "9.0.0")
    assert device.boot() == "9.0.0"
    done = device.agent("recover", first)
    assert done.returncode == 1 and line(done.stdout, "refused")["step"] == "order"
    assert device.boot() == "9.0.0"


def test_an_order_put_back_into_flash_does_not_count(fleet, device):
    """Its image boots as long as the order is the one in force, and no longer."""
    image = foreign_image(fleet, "9.0.0")
    file = pack(fleet, sign(fleet, make(fleet, "place", "--image", image)), "--image", image)
    device.agent("recover", file, check=3)
    follow_file = device.dir / "flash/orders.bin"
    data = bytearray(follow_file.read_bytes())
    for place in (0, 16384):  # flip a bit of each order, where there is one
        data[place + 40] ^= 1
    follow_file.write_bytes(data)
    assert device.boot() == "1.0.0"


# --- keys ---


def public_pem(fleet, key):
    out = fleet.dir / "added.pem"
    out.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return out


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


# --- the operator's side ---


def test_the_operator_is_told_who_is_missing(fleet):
    image = foreign_image(fleet, "9.0.0")
    order = sign(fleet, make(fleet, "missing", "--epoch", "7", "--image", image), ("recovery-2",))
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "publish", "--image", image, order,
               check=False)
    assert done.returncode == 1 and "1 of 2 signatures" in done.stderr and "0, 2" in done.stderr
    again = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "sign", "--yes", "--token", "recovery-2",
                order, check=False)
    assert again.returncode == 1 and "signed it already" in again.stderr
    shown = json.loads(fleet.rota("recovery", "show", "--json", order))
    assert shown["signers"] == [1] and not shown["complete"] and shown["order"]["epoch"] == 7
    sign(fleet, order, ("recovery-1",))
    assert json.loads(fleet.rota("recovery", "show", "--json", order))["complete"]
    wrong = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "pack", "--image", fleet.image("1.0.0"),
                order, check=False)
    assert wrong.returncode == 1 and "not the image that the order names" in wrong.stderr


@pytest.mark.parametrize("hardware, options, said", [
    ("board-z", ("--image",), "is not for hardware board-z"),
    (HARDWARE, ("--retire-key", "1"), "the last image key"),
    (HARDWARE, ("--retire-key", "0", "--retire-key", "1"), "the last image key"),
    (HARDWARE, ("--retire-key", "2"), "2 production keys"),
])
def test_an_order_that_no_device_could_follow_is_not_made(fleet, hardware, options, said):
    options += (fleet.image("1.0.0"),) if options == ("--image",) else ()
    order = fleet.dir / "useless.json"
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "make", "--hardware", hardware, *options, order,
               check=False)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1
    assert not order.exists()


def test_an_order_that_people_may_have_signed_is_not_written_over(fleet):
    order = sign(fleet, make(fleet, "kept", "--retire-key", "0"), ("recovery-2",))
    before = order.read_bytes()
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "make", "--hardware", HARDWARE, "--retire-key", "0",
               order, check=False)
    assert done.returncode == 1 and "is there already" in done.stderr
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", "sign", "--yes", "--token", "root-1", order,
               check=False)
    assert done.returncode == 1 and "--token root-1" in done.stderr and not done.stdout
    assert order.read_bytes() == before


def test_the_verbs_of_a_group_are_told(fleet):
    done = run(PROGRAMS["rota"], "recovery", "--help")
    assert "recovery make" in done.stdout and "rollout" not in done.stdout
    done = run(PROGRAMS["rota"], "recovery", "mend", check=False)
    assert done.returncode == 2 and "no verb 'recovery mend'" in done.stderr


@pytest.mark.parametrize("words", [
    ("make", "--hardware", "b x", "--retire-key", "0", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--epoch", "0", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--device", "12", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--running", "12", "x.json"),
    ("make", "--hardware", "b", "--retire-key", "0", "--component", "app", "x.json"),
    ("make", "--hardware", "b", *("--retire-key", "0") * 3, "x.json"),
    ("make", "--hardware", "b"), ("make", "--hardware", "b", "x.json"), ("sign",), ("send", "x.pack"), ("pack",)])
def test_wrong_usage_is_said(fleet, words):
    done = run(PROGRAMS["rota"], "--dir", fleet.authority, "recovery", *words, check=False)
    assert done.returncode == 2 and "--help" in done.stderr
