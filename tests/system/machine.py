# SPDX-License-Identifier: Apache-2.0
"""A device directory under rota-boot, for the tests of the boot stage."""

import contextlib
import json
import subprocess
import time

DEADLINE_S = 60


class Machine:
    """A device directory, its rota-boot and what can be done to it."""

    def __init__(self, build, path, *options):
        """`options` go with each boot."""
        self.program = build / "apps/rota-boot/rota-boot"
        self.path = path
        self.options = options

    def run(self, *args):
        return subprocess.run(
            [self.program, "--device", self.path, *args],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )

    def show(self):
        return json.loads(self.run("--show", "--json", *self.options).stdout)

    def record(self):
        return json.loads(self.run("--record", "--json").stdout)

    def boot(self):
        """Boot once under power, and power off. What was measured."""
        for name in ("record", "booted"):  # of a boot that was killed
            (self.path / "run" / name).unlink(missing_ok=True)
        with self.power():
            self.wait("a boot", self.booted)
        return self.record()

    def wait(self, what, test):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            value = test()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"not within {DEADLINE_S} s: {what}")

    def booted(self):
        try:
            lines = (self.path / "run/booted").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return dict(line.split("=", 1) for line in lines)

    def heartbeat(self):
        try:
            return (self.path / "run/heartbeat").read_text()
        except FileNotFoundError:
            return ""

    @contextlib.contextmanager
    def power(self):
        with open(self.path / "messages", "ab") as messages:
            process = subprocess.Popen(
                [self.program, "--device", self.path, "--supervise", *self.options],
                stderr=messages,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(DEADLINE_S)

    def messages(self):
        return (self.path / "messages").read_text()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()
