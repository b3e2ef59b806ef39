# SPDX-License-Identifier: Apache-2.0
"""PINs and keys stay where they belong: in no argument, no environment, no message, no core file, no other file."""
import base64
import contextlib
import datetime
import functools
import operator
import os
import pathlib
import re
import resource
import signal
import struct
import subprocess
import time
import types

import pytest

import registry
import softhsm
import template
from conftest import programs
from signd import Signd
from test_series_keeper import Keeper

pytestmark = pytest.mark.plain  # strace and sanitizers do not go together


@pytest.fixture(scope="module", name="authority")
def make_authority(tmp_path_factory):
    """An authority that has never signed a release."""
    path = tmp_path_factory.mktemp("secrets") / "authority"
    template.authority(path)
    return path


def pins(authority):
    """Every PIN, by its file."""
    found = {path: path.read_bytes().strip() for path in authority.glob("tokens/*/*pin")}
    assert len(found) >= 20 and all(len(pin) >= 6 for pin in found.values())
    return found


def traced(authority, *arguments):
    """Run rota; all that it and its children execute and say, and what they do to their own core files."""
    trace = authority.parent / "trace"
    subprocess.run(["strace", "-f", "-qq", "-v", "-s", "65536", "-o", trace, "-e",
                    "trace=execve,write,writev,sendto,sendmsg,prctl,prlimit64,setrlimit",
                    programs()["rota"], "--dir", authority, *arguments], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return trace.read_bytes()


def test_a_pin_goes_nowhere(authority):
    payload = authority.parent / "payload"
    payload.write_bytes(b"payload")
    said = traced(authority, "release", "add", "--version", "1.0.0", "--raw", f"app={payload}",
                  "--hardware", "board-a")
    assert b"release.json" in said, "strace saw nothing"
    for path, pin in pins(authority).items():
        assert pin not in said, f"the PIN of {path} was said"


def test_what_holds_a_pin_leaves_no_core(authority):
    said = traced(authority, "publish")
    children = {pid for pid in re.findall(rb"^(\d+) +prctl\(PR_SET_DUMPABLE, (?:SUID_DUMP_DISABLE|0)\)", said, re.M)}
    limited = {pid for pid in re.findall(rb"^(\d+) .*RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}", said, re.M)}
    assert children and children <= limited


def test_what_makes_the_keys_of_a_device_leaves_no_core(authority, tmp_path):
    """These pass through the command itself, not only through the processes of the tokens."""
    said = traced(authority, "factory", "enrol", "--hardware", "board-a", "--out", tmp_path / "device")
    command = re.match(rb"(\d+) +execve", said).group(1)
    assert re.search(rb"^" + command + rb" +prctl\(PR_SET_DUMPABLE, (?:SUID_DUMP_DISABLE|0)", said, re.M)
    assert re.search(rb"^" + command + rb" .*RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}", said, re.M)


def test_no_other_file_has_a_pin(authority):
    secrets = pins(authority)
    for path in authority.rglob("*"):
        if path.is_file() and path not in secrets:
            data = path.read_bytes()
            assert not any(pin in data for pin in secrets.values()), path


def test_secrets_are_for_their_owner(authority):
    for path in [*pins(authority), authority / "server" / "key.pem"]:
        assert path.stat().st_mode & 0o077 == 0, path


# ---- the signing daemon

@contextlib.contextmanager
def cores_into(directory):
    """What is started in here may leave cores there, should the kernel put them where a program stands."""
    was, before = resource.getrlimit(resource.RLIMIT_CORE), os.getcwd()
    resource.setrlimit(resource.RLIMIT_CORE, (was[1], was[1]))
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
        resource.setrlimit(resource.RLIMIT_CORE, was)


@pytest.fixture(scope="module", name="daemon")
def run_daemon(authority, tmp_path_factory):
    """It signed, refused and was told nonsense."""
    directory = tmp_path_factory.mktemp("daemon")
    with Signd(directory, authority) as it:
        for _ in range(3):
            assert it.ask()[0] == 200
        assert it.ask(role="nobody")[0] == 403
        with it.connect() as client:
            client.post(b"nonsense")
        it.wait_leaves(4)
        yield it


def secrets(authority):
    """Name to bytes: PINs, and private keys of all tokens, raw and as text."""
    found = {str(path): pin for path, pin in pins(authority).items()}
    for path, pin in pins(authority).items():
        if path.name == "pin":
            for label, scalar in softhsm.private_keys(path.parent / "store", pin).items():
                found[f"{path.parent.name}:{label}"] = scalar
                found[f"{path.parent.name}:{label} in hex"] = scalar.hex().encode()
                found[f"{path.parent.name}:{label} in base64"] = base64.b64encode(scalar)[:40]
    assert len(found) >= 80
    return found


def processes(daemon):
    """Pid to name, of all of them."""
    found = {daemon.process.pid: "supervisor"}
    for name in ("signd", "signd-log", "rota-token"):
        found.update(dict.fromkeys(daemon.pids(name), name))
    assert len(found) >= 5
    return found


def memory(pid):
    """All of it that can be read."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            first, last = (int(word, 16) for word in line.split()[0].split("-"))
            if " rw" in line:
                try:
                    mem.seek(first)
                    yield mem.read(last - first)
                except OSError:
                    continue  # a page that is no memory


def test_the_keys_of_a_store_are_found(authority):
    """Else what follows would look for nothing."""
    token = authority / "tokens" / "online"
    objects = b"".join(path.read_bytes() for path in token.rglob("*.object"))
    keys = softhsm.private_keys(token / "store", (token / "pin").read_bytes().strip())
    assert {"log", "time"} <= set(keys)
    assert all(softhsm.point(scalar) in objects for scalar in keys.values())


def test_what_the_kernel_tells_of_the_daemon_has_no_secret(authority, daemon):
    hidden = secrets(authority)
    for pid, name in processes(daemon).items():
        for file in ("cmdline", "environ", "comm", "status", "maps"):
            with open(f"/proc/{pid}/{file}", "rb") as told:
                data = told.read()
            assert not [it for it, secret in hidden.items() if secret in data], (name, file)


def test_what_the_daemon_writes_has_no_secret(authority, daemon):
    hidden = secrets(authority)
    files = [path for path in daemon.dir.rglob("*") if path.is_file() and authority not in path.parents]
    assert {"checkpoint", "output"} <= {path.name for path in files} and len(files) >= 5
    for path in files:
        data = path.read_bytes()
        assert not [it for it, secret in hidden.items() if secret in data], path


@pytest.mark.skipif(os.getuid() != 0, reason="another process's memory is read by root alone")
def test_who_talks_to_clients_has_no_secret_in_memory(authority, daemon):
    """Supervisor, parser and log writer never had one; a holder has wiped the PIN."""
    hidden = secrets(authority)
    sure = {it: secret for it, secret in hidden.items() if it.endswith("pin")}
    for pid, name in processes(daemon).items():
        data = b"".join(memory(pid))
        assert str(authority).encode() in data, "nothing was read"
        assert not [it for it, secret in (sure if name == "rota-token" else hidden).items() if secret in data], name


def midstate(key, pad):
    """What SHA-256 has in its eight words after the first block of an HMAC, as memory has it: as good as the key."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, n))]
    k, h = ([int(n ** (1 / root) % 1 * 2 ** 32) for n in primes[:count]] for root, count in ((3, 64), (2, 8)))
    words = list(struct.unpack(">16I", bytes(byte ^ pad for byte in key.ljust(64, b"\0"))))

    def turned(word, *by):
        return functools.reduce(operator.xor, (word >> n | word << 32 - n for n in by)) & 0xFFFFFFFF

    for i in range(16, 64):
        a, b = words[i - 15], words[i - 2]
        words.append((words[i - 16] + (turned(a, 7, 18) ^ a >> 3) + words[i - 7] + (turned(b, 17, 19) ^ b >> 10)) & 0xFFFFFFFF)
    a, b, c, d, e, f, g, last = h
    for i in range(64):
        one = last + turned(e, 6, 11, 25) + (e & f ^ ~e & g) + k[i] + words[i]
        two = turned(a, 2, 13, 22) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, last = (one + two) & 0xFFFFFFFF, a, b, c, (d + one) & 0xFFFFFFFF, e, f, g
    return struct.pack("=8I", *((was + now) & 0xFFFFFFFF for was, now in zip(h, (a, b, c, d, e, f, g, last))))


@pytest.mark.skipif(os.getuid() != 0, reason="another process's memory is read by root alone")
def test_the_registrar_alone_has_the_registrys_key(authority, tmp_path):
    """And not the key itself: what follows from it, which makes rows."""
    key = registry.Key(tmp_path / "key")
    rule = "[rule rows]\nwho = me\nscope = sensor\nrole = registry\nkinds = rows\n"
    plain = key.plain()
    follows = [midstate(plain, pad) for pad in (0x36, 0x5c)]
    hidden = [plain, plain.hex().encode(), (key.folder / "pin").read_bytes().strip()]
    with Signd(tmp_path, authority, more=key.ini() + rule) as it:
        assert it.ask(kind="rows", role="registry", body={"items": ["00"]})[1]["rows"] == ["format"]
        found = processes(it) | dict.fromkeys(it.pids("signd-rows"), "signd-rows")
        assert len([name for name in found.values() if name == "signd-rows"]) == 1
        for pid, name in found.items():
            data = b"".join(memory(pid))
            assert not any(secret in data for secret in hidden), name
            assert all((it in data) == (name == "signd-rows") for it in follows), name
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or not any(it in path.read_bytes() for it in hidden[:2] + follows), path


def test_the_daemon_leaves_no_core(authority, tmp_path):
    """Cores are allowed, and each of its processes in turn is sent the signal that makes one."""
    with cores_into(tmp_path), subprocess.Popen(["sleep", "60"]) as other:
        other.send_signal(signal.SIGABRT)
    cores = list(tmp_path.glob("core*"))
    if not cores:
        pytest.skip("this kernel puts no core where a program stands")
    cores[0].unlink()
    for name in ("signd", "signd-log", "rota-token", None):
        with cores_into(tmp_path), Signd(tmp_path, authority) as it:
            for pid in processes(it):
                with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
                    assert re.search(r"^Max core file size +0 +0 ", limits.read(), re.M)
            pid = it.pids(name)[0] if name else it.process.pid
            os.kill(pid, signal.SIGABRT)
            while it.process.poll() is None and os.path.exists(f"/proc/{pid}"):
                time.sleep(0.005)
        assert not list(tmp_path.glob("core*")), name


# ---- the keeper of a series

def test_the_keeper_has_its_pins_in_their_files_alone(authority, tmp_path_factory):
    directory = tmp_path_factory.mktemp("keeper")
    for path in [directory, *directory.parents[:-2]]:
        path.chmod(path.stat().st_mode | 0o011)
    officers = {name: softhsm.point(bytes(31) + bytes([1 + n])).hex() for n, name in enumerate(("anna", "bert"))}
    keeper = Keeper(types.SimpleNamespace(rota=types.SimpleNamespace(dir=authority), officers=officers,
                                          when=lambda hours: datetime.datetime.now(datetime.timezone.utc)), directory / "keeper")
    pin_files = [keeper.dir / "pin", keeper.dir / "so-pin"]
    hidden = [path.read_bytes().strip() for path in pin_files]
    keeper.start(0)
    proc = pathlib.Path(f"/proc/{keeper.child.pid}")
    assert re.search(r"^Max core file size +0 +0 ", (proc / "limits").read_text(), re.M)
    told = [(proc / name).read_bytes() for name in ("cmdline", "environ", "comm", "status", "maps")]
    if os.getuid() == 0:
        told.append(b"".join(memory(keeper.child.pid)))
        assert str(keeper.dir).encode() in told[-1], "nothing was read"
    told.append(keeper.stop().encode())
    told += [path.read_bytes() for path in keeper.dir.rglob("*") if path.is_file() and path not in pin_files]
    assert not any(pin in data for pin in hidden for data in told)
