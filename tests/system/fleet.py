# SPDX-License-Identifier: Apache-2.0
"""A whole installation on this machine: an authority with SoftHSM tokens, `rota serve`, devices from the factory.

Payloads are static programs of a few hundred KB that end at once, so that `rota-boot --device DIR` is one boot:
what it started stays written in DIR/run/booted."""
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess

import template
from paths import programs

PROGRAMS = programs()
HARDWARE = "board-a"
PRODUCT = "sensor"
DEADLINE = 300  # seconds: a run that takes longer hangs

# Some bytes that differ from page to page, so that a download of it is a real one.
PAYLOAD = """
static const unsigned char padding[{size}] = {{ {version}, 2, 3 }};
const volatile unsigned char *look = padding;
void _start(void)
{{
	__asm__ volatile("syscall" : : "a"(231), "D"(0));
	__builtin_unreachable();
}}
"""


def run(*words, check=True, **more):
    done = subprocess.run(
        [str(w) for w in words], capture_output=True, text=True, timeout=DEADLINE, **more
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Device:
    """A device's directory; agent and boot stage run on it by hand."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.config = self.dir / "agent.ini"

    def agent(self, *words, check=None, **more):
        """One run of rota-agent; check: the exit status that it must have."""
        done = run(PROGRAMS["rota-agent"], "--config", self.config, *words, check=False, **more)
        if check is not None and done.returncode != check:
            raise AssertionError(f"status {done.returncode}, not {check}\n{done.stdout}{done.stderr}")
        return done

    def once(self, check=0, **more):
        return self.agent("--once", check=check, **more).stdout

    def boot(self):
        """Boot once, and the version that runs."""
        run(PROGRAMS["rota-boot"], "--device", self.dir)
        return self.booted()["version"]

    def booted(self):
        return dict(x.split("=", 1) for x in (self.dir / "run/booted").read_text().split())

    def status(self):
        return json.loads(self.agent("status", "--json", check=0).stdout)

    def state(self):
        """The folder of the one repository that the factory configures."""
        return self.dir / "state/main"

    def edit(self, *pairs):
        """Replace texts of agent.ini; every one must be there."""
        text = self.config.read_text()
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        self.config.write_text(text)

    def add(self, text):
        self.config.write_text(self.config.read_text() + "\n" + text)

    def restore(self, snapshot):
        """Become a copy of another device's directory; paths in agent.ini are this one's."""
        shutil.rmtree(self.dir, ignore_errors=True)
        run("cp", "-a", "--sparse=always", snapshot, self.dir)

    def snapshot(self, to):
        shutil.rmtree(to, ignore_errors=True)
        run("cp", "-a", "--sparse=always", self.dir, to)
        return to


class Fleet:
    """Authority and server. Use as a context: the server is stopped at its end."""

    def __init__(self, directory, keys="own"):
        self.dir = pathlib.Path(directory)
        self.authority = self.dir / "authority"
        self.server = None
        self.ports = {}
        template.authority(self.authority, keys)
        # One device runs many cycles a second here.
        with open(self.authority / "rota.ini", "a", encoding="ascii") as settings:
            settings.write("\n[serve]\ndevice_rate = 1000\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def rota(self, *words, **more):
        return run(PROGRAMS["rota"], "--dir", self.authority, *words, **more).stdout

    # --- the server ---

    def serve(self, *options):
        """Start; the same ports when it ran before."""
        ports_file = self.dir / "ports"
        ports_file.unlink(missing_ok=True)
        wanted = self.ports or {"repo": 0, "device": 0}
        self.server = subprocess.Popen(
            [
                PROGRAMS["rota"], "--dir", self.authority, "serve", "--state", self.dir / "serve",
                "--ports-file", ports_file, "--port", str(wanted["repo"]),
                "--device-port", str(wanted["device"]), *options,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        line = self.server.stdout.readline()
        if not line.startswith("ready: "):
            raise AssertionError(self.server.communicate(timeout=DEADLINE))
        self.ports = {k: int(v) for k, v in (x.split("=") for x in ports_file.read_text().split())}
        return self

    def stop(self):
        if self.server is None:
            return
        self.server.send_signal(signal.SIGTERM)
        self.server.communicate(timeout=DEADLINE)
        self.server = None

    def repository(self, *parts):
        return self.authority.joinpath("repo", *parts)

    def target(self, version, ending):
        """The one file of a release whose name ends so."""
        (path,) = self.repository("targets/releases", PRODUCT, version).glob("*" + ending)
        return path

    def events(self, device_id=None):
        """(seq, event, version, clause) of the server's database."""
        db = sqlite3.connect(f"file:{self.dir}/serve/rotad/fleet.sqlite?mode=ro", uri=True)
        rows = db.execute("select device, seq, event, version, clause from events order by device, seq")
        return [row[1:] for row in rows if device_id in (None, row[0])]

    # --- releases ---

    def payload(self, version, size=1 << 18):
        """A static program that ends at once."""
        source, out = self.dir / f"p{version}.c", self.dir / f"p{version}"
        if not out.exists():
            major = version.split(".")[0]
            source.write_text(PAYLOAD.format(size=size, version=major))
            run("cc", "-static", "-nostdlib", "-nostartfiles", "-O1", "-fno-stack-protector", "-o", out, source)
        return out

    def image(self, version, payload=None, *options):
        out = self.dir / f"{version}.img"
        self.rota(
            "image", "sign", "--version", version, "--hardware", HARDWARE, "--out", out, *options,
            payload or self.payload(version),
        )
        return out

    def release(self, version, *options, image=None):
        """Sign, add, roll out to everyone, publish."""
        self.rota("release", "add", "--version", version, "--image", image or self.image(version), *options)
        self.rollout(version)

    def rollout(self, version, *options):
        self.rota("rollout", "set", "--version", version, *options)
        self.rota("publish")

    # --- devices ---

    def device(self, name="device", version="1.0.0", *options):
        """Enrol one whose first image is of this version, and boot it."""
        device = Device(self.dir / name)
        self.rota(
            "factory", "enrol", "--out", device.dir, "--hardware", HARDWARE, "--image", self.image(version),
            "--slot-size", "1", "--repository-url", f"https://localhost:{self.ports['repo']}/repo",
            "--server-url", f"https://localhost:{self.ports['device']}", *options,
        )
        device.boot()
        return device


def line(text, word):
    """The first line of an agent's output that begins with `word`, as a dictionary."""
    found = re.search(rf"^{word}\b.*$", text, re.M)
    assert found, f"no line '{word}' in:\n{text}"
    fields = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', found[0])
    return {key: value.strip('"') for key, value in fields}


def environment(**more):
    return {**os.environ, **{k: str(v) for k, v in more.items()}}
