# SPDX-License-Identifier: Apache-2.0
"""The clients that are attacked, all of the same core, each with a directory that it keeps between runs:

letter     rota-tuf, the specification to the letter; it downloads the target too
plain      the specification alone on a small microcontroller (device.c): what docs/footprint.md measures
device     the device profile (device.c) with a clock that is believed
clockless  the same without a clock
"""
import dataclasses
import hashlib
import re
import shutil
import subprocess

from paths import BUILD, programs
from world import now

# Those that device.c has.
DEADLINES = ("--connect-timeout", "2s", "--stall-timeout", "2s", "--metadata-timeout", "8s", "--target-timeout", "8s")

PROFILES = ("letter", "plain", "device", "clockless")


@dataclasses.dataclass
class Outcome:
    good: bool
    clause: str  # of a refusal: "TUF 5.4.2"
    digest: str  # of the target that was accepted
    text: str


class Client:
    def __init__(self, profile, directory, wall=120):
        self.profile, self.dir, self.wall = profile, directory, wall
        self.clock = None  # of device.c: another present than the machine's

    def run(self, *words):
        program = programs()["rota-tuf"] if self.profile == "letter" else BUILD / "tests/adversarial/device"
        return subprocess.run([program, *map(str, words)], text=True, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=self.wall, check=False, errors="replace")

    def begin(self, world, version=1):
        """Trust the world's root of that version and nothing else."""
        done = self.try_to_begin(world, version)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return self

    def try_to_begin(self, world, version=1):
        self.dir.mkdir(parents=True)
        root = self.dir.parent / (self.dir.name + ".root")
        root.write_bytes(world.files[f"metadata/{version}.root.json"])
        if self.profile == "letter":
            return self.run("--metadata-dir", self.dir / "trust", "init", root)
        return self.run(self.dir / "trust", "factory", root, version, world.root_at)

    def copy(self, directory):
        shutil.copytree(self.dir, directory)
        other = Client(self.profile, directory, self.wall)
        other.clock = self.clock
        return other

    def ask(self, url, path, role="releases"):
        """A whole cycle: refresh, then the target."""
        return self.letter(url, path) if self.profile == "letter" else self.device(url, path, role)

    def letter(self, url, path):
        out = self.dir / "out"
        shutil.rmtree(out, ignore_errors=True)
        verb = ["--target-name", path, "--target-base-url", url + "/targets", "--target-dir", out, "download"]
        done = self.run("--metadata-dir", self.dir / "trust", "--metadata-url", url + "/metadata", *DEADLINES,
                        *(verb if path else ["refresh"]))
        assert done.stdout == "" and done.returncode in (0, 1), done
        assert done.stderr.count("\n") == done.returncode, done
        got = [hashlib.sha256(file.read_bytes()).hexdigest() for file in out.iterdir()] if out.exists() else []
        assert len(got) == (done.returncode == 0 and bool(path)), done  # nothing half-written, nothing refused
        return self.outcome(done, done.stderr, got[0] if got else "")

    def device(self, url, path, role):
        clock = "none" if self.profile == "clockless" else self.clock or now()
        rules, role = ("plain", "") if self.profile == "plain" else ("device", role)
        done = self.run(self.dir / "trust", "cycle", rules, url, clock, *([role, path] if path else []))
        assert done.stderr == "" and done.returncode in (0, 1) and done.stdout.count("\n") == 1, done
        words = done.stdout.split()
        return self.outcome(done, done.stdout, words[3] if words[0] == "found" else "")

    def outcome(self, done, text, digest):
        clause = re.search(r"\(((?:TUF|SPEC) [0-9.]+): ", text)
        assert bool(clause) == bool(done.returncode), done
        return Outcome(done.returncode == 0, clause[1] if clause else "", digest, text)

    def state(self):
        """All that it keeps, by name; its journal is one of the files."""
        top = self.dir / "trust"
        return {str(file.relative_to(top)): file.read_bytes() for file in sorted(top.rglob("*")) if file.is_file()}
