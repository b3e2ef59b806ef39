# SPDX-License-Identifier: Apache-2.0
"""Recovery orders over a serial line that damages bytes, and for a boot stage that has nothing to boot."""
import json
import os
import pty
import select
import shutil
import subprocess
import threading
import time
import tty

import pytest

from fleet import DEADLINE, PROGRAMS, line, run
from rescue import device, factory  # noqa: F401 - fixtures
from rescue import brick, follow, make, pack, sign, small_image


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
