# SPDX-License-Identifier: Apache-2.0
"""rota-agent's settings and set-up: what is wrong with them is one line, and the doctor names the step."""
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from agentdevice import device, factory, releases  # noqa: F401 - fixtures
from conftest import TOP
from fleet import PROGRAMS, run


@pytest.mark.parametrize("old, new, says", [
    ("product = sensor", "product = Sensor!", r"line \d+: \[device\] product"),
    ("product = sensor", "product = other", r"line \d+: \[device\] product = other, but .*rom\.bin says sensor"),
    ("hardware = board-a", "hardware = board-b", r"board-b, but .*rom\.bin says board-a"),
    ("product = sensor", "producd = sensor", r"\[device\] lacks 'product"),
    ("backend = boot", "backend = magic", r"line \d+: \[slot app\] backend = magic is not one of boot, exec"),
    ("[slot app]", "[slot App]", r"\[slot App\]"),
    ("[slot app]", "[slot]", r"there is no \[slot NAME\]"),
    ("[repository main]", "[repo]", r"there is no \[repository NAME\]"),
    ("https://localhost", "http://localhost", r"plain http needs plain_http = yes"),
    ("url = https", "plain_http = yes\nca_ = x\nurl = https", r"\[repository main\] ca_ is not a known setting"),
    ("ca = /", "plain_http = yes\n# ca = /", r"\[repository main\] lacks 'ca = "),
    ("https://localhost", "ftp://localhost", r"is not an https:// url"),
    ("[server]", "[poll]\ninterval = soon\n[server]", r"line \d+: \[poll\] interval = soon is not a duration"),
    ("[server]", "[poll]\nintervall = 1h\n[server]", r"line \d+: \[poll\] intervall is not a known setting"),
    ("[server]", "[limits]\noutbox = 3\n[server]", r"line \d+: \[limits\] outbox = 3 is not a number from"),
    ("[server]", "[limits]\nresume_every = 12\n[server]", r"line \d+: \[limits\] resume_every = 12 is not 0 \(never\), or at least"),
    ("[server]", "[limits]\ntries = 0\n[server]", r"line \d+: \[limits\] tries = 0 is not a number from"),
    ("[server]", "[device]\nclock = sundial\n[server]", r"clock = sundial is not one of"),
    ("[server]", "[device]\nproduct = sensor\n[server]", r"stands twice"),
    ("[server]", "no settings here\n[server]", r"line \d+: neither"),
    ("state = /", "state = ", r"is not an absolute path"),
])
def test_wrong_settings(device, old, new, says):
    device.edit((old, new))
    done = device.agent("--once")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and re.search(says, done.stderr), done.stderr
    assert done.stdout == ""
    assert not device.state().exists()


def test_check_only_looks(device):
    device.agent("--check", check=0)
    assert not device.state().exists()


@pytest.mark.parametrize("section, setting, says", [
    ("slot app", "before = /nonexistent/hook --now", r"line \d+: \[slot app\] before = /nonexistent/hook cannot be run"),
    ("slot app", "after = /etc/passwd", r"line \d+: \[slot app\] after = /etc/passwd cannot be run"),
    ("slot app", "after = /etc", r"line \d+: \[slot app\] after = /etc cannot be run"),
    ("device", "tpm = swtpm:path=/nonexistent/tpm", r"line \d+: \[device\] tpm = .*no TPM answers there"),
    ("device", "tpm = nonsense", r"line \d+: \[device\] tpm = nonsense: no TPM answers there"),
])
def test_check_sees_what_is_not_there(device, section, setting, says):
    device.edit((f"[{section}]\n", f"[{section}]\n{setting}\n"))
    done = device.agent("--check")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and re.search(says, done.stderr), done.stderr


def test_the_example_is_well_formed():
    run(PROGRAMS["rota-agent"], "--config", TOP / "examples/agent.ini", "--check")


def test_missing_configuration():
    done = run(PROGRAMS["rota-agent"], "--config", "/nonexistent/agent.ini", "--once", check=False)
    assert done.returncode == 1 and "/nonexistent/agent.ini" in done.stderr


@pytest.mark.parametrize("words", [("fly",), ("status", "--once"), ("--once", "now"), ("doctor", "--json")])
def test_wrong_usage(device, words):
    assert device.agent(*words).returncode == 2


def test_several_repositories(device):
    text = device.config.read_text()
    section = re.search(r"\[repository main\].*?\n\n", text, re.S)[0]
    device.config.write_text(section.replace("repository main", "repository other") + text)
    assert "repository = NAME" in device.agent("--once").stderr
    device.edit(("[device]\n", "[device]\nrepository = main\n"))
    device.once(check=3)
    assert (device.dir / "state/main/journal.bin").exists()
    assert not (device.dir / "state/other").exists()


# --- a wrong set-up: one line, and the doctor names the step ---


def spoil_key(device):
    (device.dir / "identity/ldevid.key").chmod(0o644)


def encrypt_key(device):
    key = device.dir / "identity/ldevid.key"
    text = subprocess.run(["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret"],
                          capture_output=True, check=True).stdout
    key.write_bytes(text)


def spoil_rom(device):
    rom = device.dir / "rom.bin"
    rom.write_bytes(rom.read_bytes()[:-1] + b"\0")


def spoil_root(device):
    root = device.dir / "trust/root.json"
    root.write_text(root.read_text() + " ")


def spoil_journal(device):
    device.once(check=3)
    journal = device.state() / "journal.bin"
    journal.write_bytes(b"\x55" * len(journal.read_bytes()))


def spoil_ca(device):
    (device.dir / "trust/server-ca.pem").unlink()


def spoil_state(device):
    (device.dir / "state").write_text("a file where a folder should be")


@pytest.mark.parametrize("spoil, step, says", [
    (spoil_key, "files", "mode 0600"),
    (spoil_rom, "device", "no ROM record"),
    (spoil_root, "device", "is not the root"),
    (spoil_journal, "journal", "is damaged"),
    (spoil_ca, "files", "server-ca.pem"),
])
def test_a_wrong_set_up_has_a_name(device, spoil, step, says):
    spoil(device)
    done = device.agent("--once")
    assert done.returncode == 1
    assert says in done.stderr + done.stdout
    doctor = device.agent("doctor", check=1).stdout
    assert re.search(rf"^wrong +{step} .*{re.escape(says)}", doctor, re.M), doctor


def test_state_that_is_no_folder(device):
    spoil_state(device)
    done = device.agent("--once")
    assert done.returncode == 1 and str(device.dir / "state") in done.stderr


def test_a_key_of_another_certificate_is_found(device):
    other = device.dir / "identity/idevid.key"
    (device.dir / "identity/ldevid.key").write_bytes(other.read_bytes())
    assert re.search(r"^wrong +identity .*is not the key", device.agent("doctor", check=1).stdout, re.M)


@pytest.mark.parametrize("words", [["--once"], ["doctor"]])
def test_nobody_is_asked_for_the_password_of_a_key(device, words):
    """On a terminal OpenSSL would ask there, and the device would wait for a person."""
    encrypt_key(device)
    child, terminal = pty.fork()
    if child == 0:
        program = str(PROGRAMS["rota-agent"])
        os.execv(program, [program, "--config", str(device.config), *words])
    shown, ends = b"", time.monotonic() + 60
    while select.select([terminal], [], [], max(0, ends - time.monotonic()))[0]:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if b"pass phrase" in shown:
            break
    os.close(terminal)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert b"pass phrase" not in shown and b"ldevid.key" in shown, shown


def test_doctor_on_a_good_set_up(device):
    done = device.agent("doctor", check=0)
    assert "wrong" not in done.stdout and "skipped" not in done.stdout
    assert not device.state().exists()
