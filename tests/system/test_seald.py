# SPDX-License-Identifier: Apache-2.0
"""rota-seald with a token of SoftHSM, behind a module that counts (tests/unit/p11shim.c). The fleet comes from
tests/bench/seal_load.c; what its devices find in their bundles is for tests/unit/test_seal.c."""
import fcntl
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest

from paths import BUILD, PATIENCE

pytestmark = pytest.mark.plain

SEALD = BUILD / "apps/rota-seald/rota-seald"
LOAD = BUILD / "tests/bench/bench_seal_load"
SHIM = BUILD / "tests/unit/libp11shim.so"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
DEVICES = 6000
CHUNKS = 6
KEYS = ["book", "registry", "copies-telemetry", "copies-link", "copies-storage", "copies-firmware", "copies-auth"]


class Seald:
    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "out"
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n", encoding="utf-8")
        for name, text in (("pin", "2718-of-a-test\n"), ("so-pin", "31415926\n")):
            (folder / name).write_text(text, encoding="ascii")
            (folder / name).chmod(0o600)
        module = next(m for m in MODULES if os.path.exists(m))
        self.ini = folder / "seald.ini"
        self.ini.write_text(f"[seald]\nproduct = p\nstate = {folder}/state\nthreads = 2\n"
                            f"[token]\nmodule = {SHIM}\nlabel = seald\npin_file = {folder}/pin\nso_pin_file = {folder}/so-pin\n"
                            f"environment = SOFTHSM2_CONF={folder}/softhsm2.conf\n  P11SHIM_DIR={folder}\n  P11SHIM_MODULE={module}\n",
                            encoding="utf-8")

    def command(self, *words):
        return [SEALD, *words, "--config", self.ini]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=120 * PATIENCE, check=False)

    def seal_words(self, *more):
        return ["seal", "--request", self.folder / "request.json", "--export", self.folder / "export", "--out", self.out, *more]

    def seal(self, *more):
        return self.run(*self.seal_words(*more))

    def fleet(self, count):
        subprocess.run([LOAD, "make", self.ini, str(count), self.folder], check=True, timeout=120 * PATIENCE)

    def campaign(self):
        return hashlib.sha256((self.folder / "request.json").read_bytes()).hexdigest()

    def file(self, kind):
        return self.out / f"{self.campaign()}.0.{kind}"

    def counted(self, what):
        path = self.folder / what
        return path.stat().st_size if path.exists() else 0

    def forget(self):
        for path in self.out.glob("*"):
            path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def seald(tmp_path_factory):
    one = Seald(tmp_path_factory.mktemp("seald"))
    made = one.run("make")
    assert made.returncode == 0, made.stderr
    assert re.findall(r"key (\S+) is made", made.stdout) == KEYS
    one.fleet(DEVICES)
    return one


def test_make_makes_what_is_missing(seald):
    before = {p: p.read_bytes() for p in (seald.folder / "state").glob("*.key")}
    assert sorted(p.name for p in before) == ["book.key", "registry.key"]
    assert all(len(b) == 60 for b in before.values())
    again = seald.run("make")
    assert again.returncode == 0 and re.fullmatch("rota-seald: factory secrets are sealed to 04[0-9a-f]{128}\n", again.stdout)
    assert before == {p: p.read_bytes() for p in before}


def test_a_campaign(seald):
    """One wrap, of the campaign key; two unwraps, of book and registry. Files are their owner's alone."""
    seald.forget()
    sealed, opened = seald.counted("sealed"), seald.counted("opened")
    said = json.loads(seald.seal("--json").stdout)
    assert (seald.counted("sealed") - sealed, seald.counted("opened") - opened) == (1, 2)
    assert seald.counted("signatures") == 0
    assert (said["size"], said["base"], said["kept"], said["tree"]) == (DEVICES, 0, 0, 0)
    assert said["campaign"] == seald.campaign()
    assert seald.file("copies").stat().st_size == 140 + 32 * DEVICES + 32 * CHUNKS
    assert seald.file("confirm").stat().st_size == 128 + 32 * DEVICES
    assert seald.file("keys").read_bytes()[56:88].hex() == said["root"] == seald.file("confirm").read_bytes()[56:88].hex()
    assert sorted(p.suffix for p in seald.out.iterdir()) == [".confirm", ".copies", ".keys", ".sealed", ".telemetry"]
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in seald.out.iterdir())
    again = json.loads(seald.seal("--json").stdout)
    assert again.pop("kept") == DEVICES and said.pop("kept") == 0 and again == said


def test_a_rehearsal_leaves_the_state_as_it_is(seald):
    """The book that would follow lies beside the bundles; and nobody rehearses where what is approved goes."""
    seald.forget()
    state, text = seald.folder / "state", seald.ini.read_text(encoding="utf-8")
    (seald.folder / "inbox").mkdir()
    seald.ini.write_text(text.replace("threads = 2\n", f"threads = 2\ninbox = {seald.folder}/inbox\noutbox = {seald.folder}/outbox\n"), encoding="utf-8")
    before = {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and path.name != "lock"}
    assert seald.seal().returncode == 0 and (seald.out / "book.telemetry").stat().st_size == 40 + 160 * DEVICES
    (seald.folder / "outbox").symlink_to(seald.folder / "tokens")
    for place in (state, state / "campaigns", seald.folder / "out/../state", seald.folder / "inbox", seald.folder / "inbox/new/er",
                  seald.folder / "outbox/new", seald.folder / "tokens"):
        told = seald.run("seal", "--request", seald.folder / "request.json", "--export", seald.folder / "export", "--out", place)
        assert told.returncode == 1 and "rehearse elsewhere" in told.stderr, told.stderr
    assert {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and path.name != "lock"} == before
    assert not list(seald.folder.glob("inbox/*")) and not (seald.folder / "tokens/new").exists()
    seald.ini.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("verb", ["make", "seal"])
def test_a_pin_that_is_refused_is_not_tried_again(seald, verb):
    """Status 3, for who starts it again (systemd): a token locks after some wrong ones."""
    seald.forget()
    pin = seald.folder / "pin"
    was, logins = pin.read_bytes(), seald.counted("logins")
    pin.write_text("0000-of-a-test\n", encoding="ascii")
    told = seald.run(verb) if verb == "make" else seald.seal()
    pin.write_bytes(was)
    assert told.returncode == 3 and "the PIN is wrong" in told.stderr, told.stderr
    assert seald.counted("logins") == logins + 1
    assert seald.seal().returncode == 0


def test_memory_that_cannot_be_locked(seald):
    """Who may lock none is turned away, but where the settings say that this is a trial."""
    text = seald.ini.read_text(encoding="utf-8")
    unable = ["prlimit", "--memlock=65536:65536", *(["setpriv", "--bounding-set=-ipc_lock"] if os.geteuid() == 0 else [])]

    def seal(lock):
        seald.ini.write_text(text.replace("threads = 2\n", f"threads = 2\nlock = {lock}\n"), encoding="utf-8")
        return subprocess.run([*unable, *seald.command(*seald.seal_words())], capture_output=True, text=True, timeout=120 * PATIENCE, check=False)

    try:
        told = seal("yes")
        assert told.returncode == 1 and "out of the swap" in told.stderr
        assert "lock is yes or no, not 'perhaps'" in seal("perhaps").stderr
        unlocked = seald.counted("unlocked")
        told = seal("no")
        assert told.returncode == 0, told.stderr
        assert seald.counted("unlocked") - unlocked == 4  # entropy, copies, book, registry
    finally:
        seald.ini.write_text(text, encoding="utf-8")


def test_killed_at_any_moment(seald):
    """Whatever of the copies was sealed under one key stays what it was, and the end is as whole as without."""
    seald.forget()
    begin = time.monotonic()
    assert seald.seal().returncode == 0
    wall = time.monotonic() - begin
    chance = random.Random(7)
    killed = kept = 0
    for _ in range(8):
        seald.forget()
        before = {}
        for _ in range(4):
            with subprocess.Popen(seald.command(*seald.seal_words()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                try:
                    running.wait(chance.random() * wall)
                except subprocess.TimeoutExpired:
                    running.send_signal(signal.SIGKILL)
                    killed += 1
            look(seald, before)
        last = seald.seal("--json")
        assert last.returncode == 0, last.stderr
        look(seald, before)
        said = json.loads(last.stdout)
        kept += said["kept"] > 0
        assert (said["size"], said["base"]) == (DEVICES, 0)
        assert seald.file("copies").stat().st_size == 140 + 32 * DEVICES + 32 * CHUNKS
        assert not list(seald.out.glob("*.part"))
    assert killed > 8


def look(seald, before):
    """Chunks by (head, number, attempt salt): one key each."""
    path = seald.file("copies")
    path = path if path.exists() else path.with_name(path.name + ".part")
    data = path.read_bytes() if path.exists() else b""
    for chunk in range(CHUNKS):
        at = 140 + chunk * (32 + 32 * 1024)
        salt, body = data[at:at + 16], data[at + 16:at + 32]
        if len(body) == 16 and any(salt):
            assert before.setdefault((data[:140], chunk, salt), body) == body


def test_its_memory_is_locked(seald):
    """While it seals, of all that it and who holds the token have nothing may be swapped."""
    seald.forget()
    unlocked = seald.counted("unlocked")
    with subprocess.Popen(seald.command(*seald.seal_words()), stdout=subprocess.DEVNULL) as running:
        locked = 0
        while running.poll() is None:
            try:
                with open(f"/proc/{running.pid}/status", encoding="ascii") as status:
                    found = re.search(r"VmLck:\s+(\d+)", status.read())
            except (FileNotFoundError, ProcessLookupError):
                break
            locked = max(locked, int(found.group(1)) if found else 0)
    assert running.returncode == 0
    assert locked > 1000
    assert seald.counted("unlocked") == unlocked


@pytest.mark.parametrize("words, says", [
    ([], "which verb"),
    (["bake"], "no such verb: bake"),
    (["make", "it"], "too much: it"),
    (["make", "--json"], "make takes --config alone"),
    (["seal", "--out", "x"], "seal takes --campaign, or --request, --export and --out"),
    (["seal", "--campaign", "x", "--request", "y"], "seal takes --campaign, or"),
    (["import", "--campaign", "x"], "import takes --campaign and --export"),
    (["publish", "--tree", "1"], "publish takes --campaign"),
    (["run", "--campaign", "x"], "run takes --once"),
    (["seal", "--tree", "64"], "--tree is 0 to 63"),
    (["seal", "--tree", "-1"], "--tree is 0 to 63"),
])
def test_wrong_usage(seald, words, says):
    told = seald.run(*words)
    assert told.returncode == 2 and says in told.stderr, told.stderr


def test_secrets_wait_for_who_seals(seald):
    """Both change what bundles are made of: one at a time."""
    with open(seald.folder / "state/lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(seald.command("secrets", "--enrolments", "/nowhere", "--device-ca", "/nowhere"), stderr=subprocess.PIPE) as running:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(1)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert b"/nowhere" in running.communicate(timeout=60 * PATIENCE)[1] and running.returncode == 1


def test_what_is_refused(seald):
    """One line that says what, and nothing is made."""
    seald.forget()
    export, request = seald.folder / "export", seald.folder / "request.json"
    whole, asked = export.read_bytes(), request.read_bytes()
    told = seald.run("run", "--once")
    assert told.returncode == 1 and "[seald] has no signd" in told.stderr
    for change, says in [
            (lambda: export.write_bytes(whole[:-1] + b"X"), "is not the export that the request names"),
            (lambda: request.write_bytes(asked.replace(b'"product":"p"', b'"product":"q"')), "is for product q"),
            (lambda: request.write_bytes(asked.replace(b'"kind":"campaign"', b'"kind":"record"')), "asks for no campaign"),
            (lambda: request.write_bytes(asked.replace(b'"most":6000', b'"most":5999').replace(b'"expected":6000', b'"expected":5999')),
             "6000 devices take part, 0 are in earlier trees, and 5999 were approved"),
            (lambda: request.unlink(), "request.json")]:
        change()
        told = seald.seal()
        assert (told.returncode, told.stderr.count("\n")) == (1, 1) and says in told.stderr, told.stderr
        assert not list(seald.out.glob("*"))
        export.write_bytes(whole)
        request.write_bytes(asked)
