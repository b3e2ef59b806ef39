# SPDX-License-Identifier: Apache-2.0
"""A rotad of a test's own, on its Unix socket."""
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

import pytest

from conftest import programs
from pki import DEVICE, Ca, escaped

ROTAD = programs().get("rotad")
EVENT = '{"events":[{"at":null,"event":"%s","seq":%d}]}'


class Rotad:
    """A rotad with its own directory; `settings` go into [limits]."""

    def __init__(self, where, settings=""):
        self.dir = where
        self.ca = Ca("Operational")
        self.key, self.cert = self.ca.issue(DEVICE)
        (where / "ca.pem").write_bytes(self.ca.pem())
        self.socket = str(where / "s")
        self.ini = where / "rotad.ini"
        self.ini.write_text(
            f"[server]\nsocket = {self.socket}\n[identity]\nca = {where}/ca.pem\n"
            f"[journal]\ndirectory = {where}/journal\n[projection]\ndatabase = {where}/fleet.sqlite\n"
            f"[limits]\n{settings}\n")
        self.process = None

    def run(self, *options):
        return subprocess.run([ROTAD, *options], capture_output=True, text=True, timeout=60, check=False)

    def start(self, before=()):
        self.log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen([*before, ROTAD, "--config", self.ini], stderr=self.log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.dir / "log").read_text()
            try:
                if b" 200 " in self.raw(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("rotad does not answer")

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30) if self.process else None

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        s.connect(self.socket)
        return s

    def raw(self, data):
        """Everything that comes back until the connection closes."""
        with self.connect() as s:
            s.sendall(data)
            return self.rest(s)

    @staticmethod
    def rest(s):
        out = b""
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                return out
            if not more:
                return out
            out += more

    def answer(self, body, cert=None, headers="", target="/api/v1/report"):
        """All of it, head and body."""
        text = body.encode() if isinstance(body, str) else body
        cert = escaped(cert or self.cert)
        head = (f"POST {target} HTTP/1.1\r\nHost: rotad\r\nContent-Type: application/json\r\n"
                f"X-Rota-Client-Cert: {cert}\r\n{headers}Connection: close\r\n"
                f"Content-Length: {len(text)}\r\n\r\n")
        return self.raw(head.encode() + text)

    def post(self, body, cert=None, headers="", target="/api/v1/report"):
        """(status, body)."""
        head, _, rest = self.answer(body, cert, headers, target).partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    def get(self, target, cert=None):
        """(status, body)."""
        answer = self.raw(f"GET {target} HTTP/1.1\r\nHost: rotad\r\nX-Rota-Client-Cert: {escaped(cert or self.cert)}\r\n"
                          "Connection: close\r\n\r\n".encode())
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    def metric(self, name):
        text = self.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").decode()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"rota_{name} "))

    def rows(self, sql):
        with sqlite3.connect(self.dir / "fleet.sqlite") as db:
            return db.execute(sql).fetchall()

    def dump(self):
        done = self.run("--dump-journal", str(self.dir / "journal"))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def make():
    """Directories of our own: pytest's are closed to other users, and short paths fit a Unix socket's."""
    with tempfile.TemporaryDirectory(prefix="rotad.") as place:
        os.chmod(place, 0o755)
        made = []

        def new(settings=""):
            where = pathlib.Path(place) / str(len(made))
            where.mkdir(mode=0o755)
            made.append(Rotad(where, settings))
            return made[-1]

        yield new
        for one in made:
            one.stop(signal.SIGKILL)


@pytest.fixture
def rotad(make):
    return make().start()
