# SPDX-License-Identifier: Apache-2.0
"""rota-agent as an operator meets it: settings, refusals, slots, health, reports, the long-running mode."""
import functools
import http.server
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest

from conftest import TOP
from fleet import DEADLINE, PROGRAMS, environment, line, run


@pytest.fixture(scope="module")
def releases(fleet):
    """Version 2 is there for everyone of the channel `production`; each test has a device on version 1."""
    fleet.image("1.0.0")
    fleet.release("2.0.0")
    fleet.rollout("2.0.0", "--retry", "8", "--backoff", "0s")
    return fleet


@pytest.fixture(scope="module")
def factory(releases):
    device = releases.device("factory")
    return device.snapshot(releases.dir / "factory-new")


@pytest.fixture
def device(releases, factory):
    """A device as it left the factory, on version 1. All tests use the same one, anew."""
    from fleet import Device

    it = Device(releases.dir / "factory")
    it.restore(factory)
    return it


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


# --- settings ---


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


# --- mTLS for targets ---


def test_targets_with_the_devices_certificate(releases, device):
    settings = releases.authority / "rota.ini"
    before = settings.read_text()
    settings.write_text(before + "\n[serve]\ntargets_mtls = yes\n")
    releases.stop()
    try:
        releases.serve()
        assert device.agent("--once").returncode == 1  # not below /repo/ of the open front any more
        device.edit(("root = ", f"targets_url = https://localhost:{releases.ports['device']}/repo\nroot = "))
        assert device.agent("--once").returncode == 1  # and there not for nobody
        device.edit(("root = ", "targets_identity = yes\nroot = "))
        device.once(check=3)
    finally:
        settings.write_text(before)
        releases.stop()
        releases.serve()


# --- attacks that need no bad server ---


def test_the_environment_has_no_say(releases, device):
    lies = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    device.once(check=3, env=environment(**lies, OPENSSL_CONF="/nonexistent", CURL_CA_BUNDLE="/nonexistent"))


def test_a_repository_of_other_keys(releases, device):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    before = device.status()
    rogue = releases.dir / "rogue"
    if not rogue.exists():
        run(PROGRAMS["rota"], "init", "--softhsm", "--product", "sensor", rogue)
    true = releases.authority / "repo"
    hidden = releases.authority / "repo.true"
    true.rename(hidden)
    try:
        run("cp", "-r", rogue / "repo", true)
        refused = line(device.once(check=1), "refused")
        assert (refused["step"], refused["clause"]) == ("timestamp", "TUF 5.4.2")
    finally:
        run("rm", "-rf", true)
        hidden.rename(true)
    assert device.status()["timestamp"] == before["timestamp"]


def test_a_tampered_image(releases, device):
    target = releases.target("2.0.0", ".img")
    good = target.read_bytes()
    mode = target.stat().st_mode
    target.chmod(0o644)
    try:
        for at in (40, len(good) // 2, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 1
            target.write_bytes(bad)
            refused = line(device.once(check=1), "refused")
            assert refused["step"] == "download", refused
            assert refused["clause"] in ("TUF 5.7.3", "SPEC 6"), refused
            assert device.status()["pending"] != "trial asked for"
        target.write_bytes(good + b"\0")
        assert device.agent("--once").returncode == 1
    finally:
        target.write_bytes(good)
        target.chmod(mode)
    device.once(check=3)


def test_replayed_and_expired_metadata(releases, device):
    timestamp = releases.repository("metadata/timestamp.json")
    old = timestamp.read_bytes()
    releases.rota("publish", "--all")
    device.once(check=3)
    device.boot()
    device.once(check=0)
    new = timestamp.read_bytes()
    timestamp.write_bytes(old)
    assert line(device.once(check=1), "refused")["clause"] == "TUF 5.4.3.1"
    timestamp.write_bytes(new)
    releases.rota("publish", "--all", "--lifetime", "timestamp=1s")
    time.sleep(2)
    assert line(device.once(check=1), "refused")["clause"] == "TUF 5.4.4"
    releases.rota("publish", "--all")
    device.once(check=0)


def test_expiry_does_not_stand_in_the_way_of_a_confirmation(releases, device):
    """SPEC 5.3"""
    device.once(check=3)
    device.boot()
    releases.rota("publish", "--all", "--lifetime", "timestamp=1s")
    time.sleep(2)
    try:
        said = device.agent("--once").stdout
        assert "confirmed" in said
        assert device.status()["installed"] == "2.0.0"
    finally:
        releases.rota("publish", "--all")


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_plain_http_is_only_a_carrier(releases, device):
    handler = functools.partial(QuietFiles, directory=str(releases.repository()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        device.edit((f"url = https://localhost:{releases.ports['repo']}/repo",
                     f"plain_http = yes\nurl = http://localhost:{server.server_address[1]}"))
        device.once(check=3)
    finally:
        server.shutdown()


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
