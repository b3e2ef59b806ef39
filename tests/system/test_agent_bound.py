# SPDX-License-Identifier: Apache-2.0
"""Flash that is read out and put back (SPEC 9.6): a device with counters in a TPM (swtpm), and one without."""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import zlib

import pytest

from conftest import PATIENCE
from fleet import PROGRAMS, Device, line, run
from timeserver import TimeServer


class Tpm:
    """A software TPM whose state lies in a folder."""

    def __init__(self, directory):
        self.dir = directory
        self.dir.mkdir()
        self.socket = directory / "s"
        self.tcti = f"swtpm:path={self.socket}"
        self.process = None
        self.start()

    def start(self):
        control = f"{self.socket}.ctrl"
        for path in (str(self.socket), control):
            if os.path.exists(path):
                os.unlink(path)
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.dir}", "--server",
             f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={control}", "--flags",
             "not-need-init,startup-clear"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 30 * PATIENCE
        while not (self.socket.exists() and os.path.exists(control)):
            assert self.process.poll() is None and time.monotonic() < until, "swtpm did not start"
            time.sleep(0.01)

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30 * PATIENCE)
        self.process = None


class Thief:
    """What is on flash: boot journal, slots, and the agent's state. The TPM is not."""

    PARTS = ("flash", "state")

    def __init__(self, device, to):
        self.device, self.to = device, to

    def read_out(self):
        shutil.rmtree(self.to, ignore_errors=True)
        self.to.mkdir()
        for part in self.PARTS:
            run("cp", "-a", "--sparse=always", self.device.dir / part, self.to)
        return self

    def put_back(self):
        for part in self.PARTS:
            shutil.rmtree(self.device.dir / part)
            run("cp", "-a", "--sparse=always", self.to / part, self.device.dir)


class BoundDevice(Device):
    tcti = None

    def boot(self):
        run(PROGRAMS["rota-boot"], "--device", self.dir, *(["--tpm", self.tcti] if self.tcti else []))
        return self.booted()["version"]


@pytest.fixture(scope="module")
def releases(fleet):
    fleet.image("1.0.0")
    return fleet


SECURITY = 0


def with_fuses(rom):
    """The ROM record of a device whose hardware keeps the security counter alone (SPEC 12.1, field 10)."""
    at, out = 8, rom[:8]
    while at < len(rom) - 4:
        kind, length = struct.unpack_from("<BH", rom, at)
        value = rom[at + 3 : at + 3 + length]
        if kind == 10:
            value = b"".join(value[i : i + 13] for i in range(0, length, 13) if value[i] == SECURITY)
        out += struct.pack("<BH", kind, len(value)) + value
        at += 3 + length
    return out + struct.pack("<I", zlib.crc32(out))


def enrolled(releases, name, tcti, fuses=False):
    """A device that is up to date with whatever is released now."""
    device = BoundDevice(releases.dir / name)
    device.tcti = tcti
    made = releases.rota(
        "factory", "enrol", "--json", "--out", device.dir, "--hardware", "board-a", "--image", releases.image("1.0.0"),
        "--slot-size", "1", "--repository-url", f"https://localhost:{releases.ports['repo']}/repo",
        "--server-url", "https://localhost:1", *(["--tpm", tcti] if tcti else []),
    )
    device.server = TimeServer(releases.authority, json.loads(made)["device"])
    device.edit(("https://localhost:1", device.server.url))
    if fuses:
        rom = device.dir / "rom.bin"
        rom.write_bytes(with_fuses(rom.read_bytes()))
    device.boot()
    settle(device)
    return device


def settle(device):
    """Cycles and boots until there is nothing to do; the version that runs."""
    for _ in range(4):
        done = device.agent("--once")
        if done.returncode == 0:
            return device.booted()["version"]
        assert done.returncode == 3, done.stdout + done.stderr
        device.boot()
    raise AssertionError(done.stdout)


def counter(device):
    """The state counter of a device whose journals are the newest."""
    return int(re.fullmatch(r"current, state counter (\d+)", device.status()["binding"])[1])


def reported(device):
    return [e["event"] for e in device.server.events]


def test_flash_put_back_is_noticed_and_overcome(releases):
    tpm = Tpm(releases.dir / "tpm")
    device = enrolled(releases, "bound", tpm.tcti)
    try:
        old = device.booted()["version"]
        before = counter(device)
        thief = Thief(device, releases.dir / "stolen").read_out()
        releases.release("2.0.1")
        assert settle(device) == "2.0.1"
        assert counter(device) == before + 1
        said = set(e["seq"] for e in device.server.events)

        # Put back: boot runs the old image, since no floor was burnt; the agent notices, and installs nothing.
        thief.put_back()
        assert device.boot() == old
        device.server.tells = False
        for _ in range(2):
            device.once(check=1)
            assert device.boot() == old
        assert reported(device).count("restored") == 1
        status = device.status()
        assert status["binding_state"] == "restored" and status["pending"] == "none"
        doctor = device.agent("doctor", check=1).stdout
        assert "restored: older than the state counter" in doctor

        # An answer that is not for this question changes nothing.
        device.server.tells = device.server.other_nonce = True
        assert line(device.once(check=1), "refused")["clause"] == "SPEC 5.5"
        device.server.other_nonce = False

        # Nor does the truth, when what the network shows had expired by then.
        device.server.ahead_s = 3 * 86400
        assert line(device.once(check=1), "refused")["clause"] == "TUF 5.4.4"
        assert device.status()["binding_state"] == "restored"
        device.server.ahead_s = 0

        # The time, signed for its nonce, and a refresh at that time.
        assert line(device.once(check=3), "bound")["clause"] == "SPEC 9.6"
        assert device.boot() == "2.0.1"
        device.once()
        assert counter(device) == before + 3  # the release, bound anew, the release again
        assert [e for e in reported(device) if e in ("restored", "bound")] == ["restored", "bound"]
        late = [e["seq"] for e in device.server.events if e["event"] in ("restored", "bound")]
        assert min(late) > max(said)  # the server does not take them for repeats
    finally:
        device.server.stop()
        tpm.stop()


def test_a_tpm_that_does_not_answer_stops_installations_alone(releases):
    tpm = Tpm(releases.dir / "tpm-away")
    device = enrolled(releases, "away", tpm.tcti)
    try:
        old = device.booted()["version"]
        releases.release("2.0.2")
        tpm.stop()
        said = device.once(check=1)
        assert line(said, "failed")["clause"] == "SPEC 9.6"
        assert "no TPM answers there" in line(said, "warning")["reason"]
        assert device.boot() == old  # by the journal's copy
        assert device.status()["binding_state"] == "unreadable"
        tpm.start()
        assert settle(device) == "2.0.2"
    finally:
        device.server.stop()
        tpm.stop()


def test_a_tpm_keeps_the_counters_of_one_device(releases, tmp_path):
    tpm = Tpm(releases.dir / "tpm-one")

    def enrol(name, *options, check=True):
        return run(PROGRAMS["rota"], "--dir", releases.authority, "factory", "enrol", "--out", tmp_path / name,
                   "--hardware", "board-a", "--serial", name, "--tpm", tpm.tcti, *options, check=check)

    try:
        enrol("broken", "--image", "/etc/passwd", check=False)  # what it made is gone again
        first = json.loads(enrol("SN-1", "--json").stdout)
        assert "replaces" not in first
        refused = enrol("SN-2", check=False)
        assert refused.returncode == 1 and not (tmp_path / "SN-2").exists()
        assert f"that of device {first['device']} (serial SN-1, enrolled at " in refused.stderr
        assert "--take-over" in refused.stderr and refused.stderr.count("\n") == 1
        rom = (tmp_path / "SN-1/rom.bin").read_bytes()
        second = json.loads(enrol("SN-2", "--take-over", "--json").stdout)
        assert second["replaces"] == first["device"]
        assert (tmp_path / "SN-2/rom.bin").read_bytes() != rom
        listed = [json.loads(row) for row in (releases.authority / "enrolments").read_text().splitlines()]
        assert [row["replaces"] for row in listed if row["device"] == second["device"]] == [first["device"]]
        assert "--take-over goes with --tpm" in run(
            PROGRAMS["rota"], "--dir", releases.authority, "factory", "enrol", "--out", tmp_path / "x", "--hardware",
            "board-a", "--take-over", check=False).stderr
    finally:
        tpm.stop()


def test_the_configuration_cannot_take_the_counters_away(releases):
    tpm = Tpm(releases.dir / "tpm-line")
    device = enrolled(releases, "line", tpm.tcti)
    try:
        device.edit((f"tpm = {tpm.tcti}\n", ""))
        assert line(device.once(check=1), "failed")["clause"] == "SPEC 9.6"  # there is no /dev/tpmrm0 here
    finally:
        device.server.stop()
        tpm.stop()
    plain = enrolled(releases, "plain-line", None)
    plain.server.stop()
    plain.edit(("[device]\n", f"[device]\ntpm = {tpm.tcti}\n"))
    assert "names no counters" in plain.agent("--once", check=1).stderr


def test_without_a_tpm_old_flash_is_believed(releases):
    """THREATS.md, "Restored flash": the device runs the old release until the next poll, and nobody is told."""
    device = enrolled(releases, "plain", None)
    try:
        assert device.status()["binding"].startswith("no state counter")
        old = device.booted()["version"]
        thief = Thief(device, releases.dir / "stolen-plain").read_out()
        releases.release("2.0.3")
        assert settle(device) == "2.0.3"
        thief.put_back()
        assert device.boot() == old
        assert settle(device) == "2.0.3"
        assert "restored" not in reported(device)
    finally:
        device.server.stop()


def test_flash_put_back_is_noticed_by_fuses_alone(releases):
    """Hardware that keeps the security counter, and no state counter: what boot's record says is acted on."""
    tpm = Tpm(releases.dir / "tpm-fuses")
    releases.release("2.0.4", image=releases.image("2.0.4", None, "--counter", "5"))
    device = enrolled(releases, "fuses", tpm.tcti, fuses=True)
    record = lambda: json.loads(run(PROGRAMS["rota-boot"], "--device", device.dir, "--record", "--json").stdout)
    try:
        assert device.status()["binding"].startswith("no state counter: older flash that is put back is noticed")
        thief = Thief(device, releases.dir / "stolen-fuses").read_out()
        releases.rota("retire", "--counter", "board-a=3")
        releases.release("2.0.5", image=releases.image("2.0.5", None, "--counter", "5"))
        assert settle(device) == "2.0.5" and device.boot() == "2.0.5"
        assert record()["counter"] == 3 and not record()["restored"]

        thief.put_back()
        device.server.tells = False
        for _ in range(3):  # boot says so until the agent has marked it
            assert device.boot() == "2.0.4" and record()["restored"]
        assert "burnt more than the boot state" in device.status()["binding"]
        assert line(device.once(check=1), "restored")["clause"] == "SPEC 9.6"
        assert device.boot() == "2.0.4" and not record()["restored"]
        device.once(check=1)  # no signed time, no release
        assert device.status()["binding_state"] == "restored"
        assert reported(device).count("restored") == 1

        device.server.tells = True
        assert line(device.once(check=3), "bound")["clause"] == "SPEC 9.6"
        assert device.boot() == "2.0.5"
        device.once()
        assert [e for e in reported(device) if e in ("restored", "bound")] == ["restored", "bound"]
        assert device.status()["binding_state"] == "current"
    finally:
        device.server.stop()
        tpm.stop()
