# SPDX-License-Identifier: Apache-2.0
"""rota-agent as an operator meets it: updates, slots, health, stages, reports, the long-running mode."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from agentdevice import device, factory, releases  # noqa: F401 - fixtures
from conftest import TOP
from fleet import DEADLINE, PROGRAMS, line, run


# --- the good way ---


def test_from_factory_to_confirmed(releases, device):
    said = device.once(check=3)
    assert line(said, "installed")["version"] == "2.0.0"
    assert device.status()["pending"] == "trial asked for"
    assert device.boot() == "2.0.0"
    said = device.once(check=0)
    assert line(said, "confirmed")["version"] == "2.0.0"
    status = device.status()
    assert (status["installed"], status["before"], status["pending"]) == ("2.0.0", "1.0.0", "none")
    assert device.boot() == "2.0.0"
    names = ["started", "downloading", "installed", "booted", "confirmed"]
    events = events_when(releases, device, lambda seen: [event for _, event, *_ in seen][-5:] == names)
    assert [seq for seq, *_ in events] == sorted({seq for seq, *_ in events})
    assert status["events_waiting"] == 0


def test_nothing_new_is_said_and_costs_no_download(device):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    said = device.agent("--once", "--verbose", check=0).stdout
    assert line(said, "idle")["installed"] == "2.0.0"
    assert re.findall(r"file=(\S+) .*from=network", said) == ["timestamp.json"]


def test_a_device_that_was_never_booted_has_no_first_state(device):
    """It would never learn which version left the factory, and what asks for a minimum would be refused."""
    (device.dir / "run/booted").unlink()
    done = device.agent("--once", check=1)
    assert "[slot app] nothing runs there yet" in done.stderr and done.stdout == ""
    device.boot()
    assert line(device.once(check=3), "started")["version"] == "1.0.0"


def test_between_two_boots_it_says_what_is_waited_for(device):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    (device.dir / "run/booted").unlink()
    assert "rota-boot --supervise" in line(device.once(check=1), "failed")["detail"]
    with subprocess.Popen([PROGRAMS["rota-boot"], "--device", device.dir, "--supervise"], stderr=subprocess.PIPE,
                          text=True) as boot:
        ends = 0
        for said in boot.stderr:
            ends += "the image ended" in said
            if ends == 6:  # the image ends at once, so that the pauses grow: the next one is 6 s
                break
        said = line(device.once(check=1), "failed")
        boot.terminate()
        boot.communicate(timeout=30)
    assert said["step"] == "boot" and "waits before it boots again" in said["detail"]


def test_a_reboot_that_nobody_does_asks_for_one(device):
    said = line(device.once(check=3), "reboot")
    assert said == {"detail": "no [reboot] command: boot the device now"}
    assert line(device.once(check=3), "reboot") == said


def test_reboot_command(device):
    flag = device.dir / "rebooted"
    device.add(f"[reboot]\ncommand = touch {flag}\n")
    device.once(check=0)
    assert flag.exists()


def test_failed_reboot_command(device):
    device.add("[reboot]\ncommand = exit 7\n")
    said = device.once(check=1)
    assert "status 7" in line(said, "failed")["detail"]


def test_json_lines(device):
    said = device.agent("--once", "--json", check=3).stdout
    lines = [json.loads(x) for x in said.splitlines()]
    assert {"installed", "trusted", "reboot"} <= {x["line"] for x in lines}


def test_metadata_is_kept_once(releases, device):
    device.once(check=3)
    releases.rota("publish", "--all")
    device.boot()
    device.once(check=0)
    device.once(check=0)
    names = sorted(p.name for p in (device.state() / "metadata").iterdir())
    roles = [re.sub(r"^\d+\.", "", name) for name in names]
    assert len(roles) == len(set(roles)), names
    assert "timestamp.json" in roles and "root.json" in roles


@pytest.mark.parametrize("what", ["damaged", "removed"])
def test_metadata_on_disk_is_only_a_cache(device, what):
    device.once(check=3)
    for file in (device.state() / "metadata").glob("*.json"):
        if what == "damaged":
            file.write_bytes(file.read_bytes()[:-2] + b"x}")
        else:
            file.unlink()
    device.boot()
    device.once(check=0)
    device.once(check=0)
    assert device.status()["installed"] == "2.0.0"


# --- trials ---


def test_a_trial_that_is_never_confirmed_is_over_at_the_next_boot(releases, device):
    device.once(check=3)
    assert device.boot() == "2.0.0"
    assert device.boot() == "1.0.0"
    said = device.agent("--once").stdout
    assert line(said, "reverted")["version"] == "2.0.0"
    assert device.status()["installed"] == "1.0.0"


@pytest.mark.parametrize("command, detail", [
    ("exit 1", "status 1"),
    ("kill -9 $$", "signal 9"),
    ("sleep LONG & sleep LONG", "took longer than 1 s"),
])
def test_bad_health_reverts(device, command, detail):
    long = f"6{os.getpid()}"  # as nobody else sleeps, so that it can be looked for
    device.add(f"[health]\ncommand = {command.replace('LONG', long)}\ntimeout = 1s\n")
    device.once(check=3)
    device.boot()
    done = device.agent("--once")
    assert done.returncode == 3, done.stdout  # the reboot goes back
    assert detail in done.stdout
    assert device.boot() == "1.0.0"
    assert not subprocess.run(["pgrep", "-f", f"^sleep {long}$"], capture_output=True).stdout


def test_health_sees_what_is_on_trial(device):
    note = device.dir / "note"
    device.add(f'[health]\ncommand = env | grep -v -e ^PWD -e ^SHLVL -e ^_= | sort >{note}\n')
    device.once(check=3)
    device.boot()
    device.once(check=0)
    names = dict(x.split("=", 1) for x in note.read_text().splitlines())
    assert sorted(names) == ["PATH", "ROTA_PRODUCT", "ROTA_STATE", "ROTA_VERSION"]
    assert names["ROTA_VERSION"] == "2.0.0"


# --- slots by a script ---


@pytest.fixture
def scripted(releases, device):
    """The device with a script's slot instead, on a channel of its own, and the name of the file in use."""
    folder = device.dir / "files"
    (folder / "slot0").mkdir(parents=True)
    (folder / "slot0/image").write_text("as it left the factory")
    script = TOP / "examples/exec-slots/files.sh"
    run(script, "reset", folder)
    text = re.sub(r"\[slot app\](.|\n)*?(?=\n\[|\Z)", "", device.config.read_text())
    device.config.write_text(text.replace("channel = production", "channel = scripts"))
    device.add(f"[slot app]\nbackend = exec\nscript = {script}\ndirectory = {folder}\n"
               f"[reboot]\ncommand = {script} reset {folder}\n")
    return device, folder / "current/image"


def raw_release(fleet, version, data):
    file = fleet.dir / f"raw-{version}"
    file.write_bytes(data)
    fleet.rota("release", "add", "--version", version, "--raw", f"app={file}", "--hardware", "board-a")
    fleet.rollout(version, "--channel", "scripts", "--retry", "8", "--backoff", "0s")


def test_any_file_through_a_script(releases, scripted):
    device, image = scripted
    first, second = os.urandom(300_000), os.urandom(200_000)
    raw_release(releases, "5.0.0", first)
    assert "installed" in device.once(check=0)
    assert image.read_bytes() == first
    assert line(device.once(check=0), "confirmed")["version"] == "5.0.0"
    raw_release(releases, "5.1.0", second)
    device.add("[health]\ncommand = exit 1\n")
    device.once(check=0)
    assert image.read_bytes() == second
    device.once(check=0)  # not well: reverted and reset
    assert image.read_bytes() == first
    assert device.status()["installed"] == "5.0.0"


# --- stages: the policy decides ---


@pytest.mark.parametrize("stage, installs", [
    ("everyone", True),
    ("ppm=0", False),
    ("ppm=1000000", True),
    ("group=lab", False),
    ("region=north", False),
    ("canary", True),
])
def test_stages(releases, device, stage, installs):
    if stage == "canary":
        stage += "=" + json.loads((releases.authority / "enrolments").read_text())["device"]
    try:
        releases.rollout("2.0.0", "--stage", stage, "--attempt", "1")
        said = device.once(check=3 if installs else 0)
        if not installs:
            assert line(said, "idle")["clause"] == "SPEC 8.7"
    finally:
        releases.rollout("2.0.0", "--retry", "8", "--backoff", "0s")


@pytest.mark.parametrize("state", ["paused", "aborted"])
def test_a_stopped_campaign_installs_nothing(releases, device, state):
    try:
        releases.rollout("2.0.0", "--state", state)
        assert line(device.once(check=0), "idle")["clause"] == "SPEC 8.2"
    finally:
        releases.rollout("2.0.0", "--retry", "8", "--backoff", "0s")


# --- the server of reports ---


def test_a_server_that_is_away_holds_nothing_up(releases, device):
    device.edit((f"url = https://localhost:{releases.ports['device']}", "url = https://localhost:9"))
    said = device.once(check=3)
    assert line(said, "warning")["step"] == "report"
    device.boot()
    device.once(check=0)
    waiting = device.status()["events_waiting"]
    assert waiting >= 5
    device.edit(("url = https://localhost:9", f"url = https://localhost:{releases.ports['device']}"))
    device.once(check=0)
    assert device.status()["events_waiting"] == 0


def test_the_outbox_is_bounded(releases, device):
    device.edit((f"url = https://localhost:{releases.ports['device']}", "url = https://localhost:9"))
    device.add("[limits]\noutbox = 16\nconnect = 1s\n")
    device.once(check=3)
    outbox = device.state() / "outbox"
    kept = sorted(p.name for p in outbox.iterdir())
    for n in range(1000, 1040):
        (outbox / f"{n:020}-checked.json").write_text('{"at":null,"event":"checked","seq":%d}' % n)
    device.boot()
    device.once(check=0)
    names = sorted(p.name for p in outbox.iterdir())
    assert len(names) <= 16
    assert set(kept) <= set(names), "an event of more weight went before one that says 'checked'"


def test_one_agent_at_a_time(device):
    device.once(check=3)
    held = subprocess.Popen(["flock", device.dir / "state/lock", "sleep", "60"])
    try:
        for _ in range(200):
            if subprocess.run(["flock", "-n", device.dir / "state/lock", "true"], check=False).returncode:
                break
            time.sleep(0.02)
        done = device.agent("--once")
        assert done.returncode == 1 and "another rota-agent" in done.stderr
        assert device.status()["pending"] == "trial asked for"  # looking is allowed
    finally:
        held.kill()
        held.wait()


def events_when(releases, device, good):
    """What the server has of the device, once it is so: its database follows what it acknowledged."""
    name = device.status()["device"]
    for _ in range(500):
        if good(releases.events(name)):
            return releases.events(name)
        time.sleep(0.02)
    raise AssertionError(releases.events(name))


def test_a_journal_that_is_lost_starts_over(releases, device):
    device.once(check=3)
    last = max(seq for seq, *_ in events_when(releases, device, lambda seen: seen))
    (device.state() / "journal.bin").unlink()
    device.boot()
    time.sleep(1.1)  # numbers begin with the second (SPEC 13.2)
    assert device.agent("--once").returncode in (0, 3)
    # What it says from here on is news to the server.
    events_when(releases, device, lambda seen: [event for seq, event, *_ in seen if seq > last][:1] == ["started"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.plain
def test_a_full_disk_is_a_refusal_and_not_the_end(releases, device):
    """The state folder on a file system without room."""
    state = device.dir / "state"
    state.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "none", state], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        done = device.agent("--once")
        assert done.returncode == 1
        assert "no room left" in done.stdout + done.stderr or "No space left" in done.stdout + done.stderr
    finally:
        subprocess.run(["umount", state], check=True)
    device.once(check=3)


# --- the long-running mode ---


class Daemon:
    def __init__(self, device):
        self.process = subprocess.Popen(
            [PROGRAMS["rota-agent"], "--config", device.config, "--verbose"], stdout=subprocess.PIPE, text=True)

    def until(self, word):
        for text in self.process.stdout:
            if text.startswith(word):
                return text
        raise AssertionError(f"no '{word}' before the end")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=DEADLINE)
        return rest


def test_long_running(device):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    daemon = Daemon(device)
    try:
        daemon.until("idle")
        daemon.until("waiting for=")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("idle")
        daemon.until("waiting")
    finally:
        rest = daemon.stop()
    assert daemon.process.returncode == 0
    assert "stopped" in rest


def test_back_off(device):
    device.add("[poll]\nretry_first = 1s\nretry_most = 4s\njitter_percent = 0\n")
    device.edit(("/repo", "/no-such-folder"))
    daemon = Daemon(device)
    try:
        waits = [line(daemon.until("waiting"), "waiting") for _ in range(3)]
    finally:
        daemon.stop()
    assert [w["for"] for w in waits] == ["1s", "2s", "4s"]
    assert [w["failures"] for w in waits] == ["1", "2", "3"]


def test_update_without_being_asked(device):
    """A reboot command that resets the device under the agent: it confirms by itself."""
    device.add(f"[reboot]\ncommand = {PROGRAMS['rota-boot']} --device {device.dir}\n")
    daemon = Daemon(device)
    try:
        daemon.until("confirmed")
    finally:
        daemon.stop()
    assert device.status()["installed"] == "2.0.0"


# --- the device log ---


def test_the_device_log_is_a_chain_over_what_was_decided(releases, device):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    entries = [json.loads(each) for each in device.agent("log", "--json", check=0).stdout.splitlines()]
    assert [e["event"] for e in entries] == ["started", "downloading", "installed", "booted", "confirmed"]
    assert [e["number"] for e in entries] == list(range(5))
    assert entries[4]["version"] == "2.0.0" and len(entries[4]["image"]) == 64
    verified = json.loads(device.agent("log", "--verify", "--json", check=0).stdout)
    assert (verified["count"], verified["kept"]) == (5, 5)
    assert verified["head"] in device.agent("log", "--verify", check=0).stdout
    assert "confirmed" in device.agent("log", check=0).stdout
    log = next(device.dir.rglob("log.bin"))
    good = log.read_bytes()
    assert re.search(r"^ok +log +5 entries", device.agent("doctor").stdout, re.M)
    assert device.status()["log_entries"] == 5
    log.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    assert re.search(r"^wrong +log .*lost or changed", device.agent("doctor", check=1).stdout, re.M)
    assert "entries were lost or changed" in device.agent("log", "--verify", check=1).stderr
    log.write_bytes(good[:1000])  # and one that cannot be used at all stops no cycle
    assert "log.bin cannot be used" in device.once(check=0)
    assert "--verify goes with" in device.agent("--verify", check=2).stderr
    assert device.agent("doctor", "--json", check=2).stdout == ""


def log_heads(releases, device):
    ini = releases.dir / "serve/rotad.ini"
    done = run(PROGRAMS["rotad"], "--log-heads", device.status()["device"], "--json", "--config", ini, check=False)
    return done.returncode, json.loads(done.stdout)


def test_the_server_can_show_what_the_device_signed_of_its_log(releases):
    """A device that lives a time twice, as one whose flash was put back does, has signed both."""
    device = releases.device("witness")
    device.once(check=3)
    before = device.snapshot(releases.dir / "witness-before")
    device.boot()
    device.once(check=0)
    events_when(releases, device, lambda seen: [event for _, event, *_ in seen][-1:] == ["confirmed"])
    mine = json.loads(device.agent("log", "--verify", "--json", check=0).stdout)
    status, told = log_heads(releases, device)
    assert status == 0 and told["log_unsigned"] == 0
    assert (told["heads"][-1]["count"], told["heads"][-1]["head"]) == (mine["count"], mine["head"])
    assert told["heads"][-1]["issuer"] == "good"
    device.restore(before)
    device.add("[health]\ncommand = exit 1\n")  # this time it ends in another way
    device.boot()
    device.agent("--once")
    device.boot()
    device.agent("--once")
    for _ in range(500):
        status, told = log_heads(releases, device)
        if status != 0:
            break
        time.sleep(0.02)
    twice = [head for head in told["heads"] if head["forked"]]
    assert len(twice) == 2 and twice[0]["count"] == twice[1]["count"] and twice[0]["head"] != twice[1]["head"]
    assert {head["verdict"] for head in twice} == {"good"}
