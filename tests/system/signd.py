# SPDX-License-Identifier: Apache-2.0
"""A signing daemon with an authority of its own, a client of it, and a reader of its log that shares no code with Rota."""
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import time

from paths import BUILD, PATIENCE

KINDS = {1: "OPENED", 2: "ASKED", 3: "APPROVED", 4: "GRANTED", 5: "FAILED", 6: "REFUSED", 7: "CEREMONY", 8: "KEY",
         9: "RELEASE", 11: "SERIES", 12: "INCIDENT", 13: "RECONCILED", 14: "POLICY", 15: "BUILD",
         16: "CAMPAIGN", 17: "ISSUED", 18: "UNWRAPPED", 19: "ROWS", 20: "CRL", 21: "RESPONDER", 22: "REVOKED"}

INI = """
[daemon]
state = {state}
socket = {socket}
lock = no
{daemon}
[scope sensor]
authority = {authority}
[log]
key = online:log
every = 1s
[client me]
uid = {uid}
[rule time]
who = me
scope = sensor
role = time
kinds = time ticket
rate = {rate}
{more}
"""


def words(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Signd:
    """The daemon, in the foreground of a process of ours."""

    def __init__(self, directory, authority, rate="36000/1h", more="", daemon="", uid=None):
        self.dir = directory
        self.authority = authority
        self.socket = directory / "signd.sock"
        self.state = directory / "state"
        self.state.mkdir(exist_ok=True)
        self.config = directory / "signd.ini"
        self.config.write_text(INI.format(state=self.state, socket=self.socket, authority=authority, uid=os.getuid() if uid is None else uid,
                                          rate=rate, more=more, daemon=daemon))
        self.output = directory / "output"
        self.environment = {}
        self.process = None

    def begin(self, **environment):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen([BUILD / "apps/rota-signd/rota-signd", "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env={**os.environ, **self.environment, **environment})

    def start(self, status=None, **environment):
        """Until it is ready; or, where a status is given, until it has ended with that."""
        self.begin(**environment)
        if status is not None:
            assert self.process.wait(60 * PATIENCE) == status, self.said()
            return self.said()
        assert self.is_ready(), self.said()
        return self

    def is_ready(self):
        """Wait until it is, or has ended."""
        deadline = time.monotonic() + 60 * PATIENCE
        while "ready on" not in self.said():
            assert time.monotonic() < deadline, self.said()
            if self.process.poll() is not None:
                return False
            time.sleep(0.005)
        return True

    def stop(self, status=0, by=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(by)
        assert self.process.wait(60 * PATIENCE) == status, self.said()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60 * PATIENCE)

    def said(self):
        return self.output.read_text(errors="replace")

    def pids(self, name):
        """Of its processes, by their names."""
        found = []
        for path in sorted(os.listdir("/proc")):
            if path.isdigit():
                try:
                    with open(f"/proc/{path}/status", encoding="utf-8") as status:
                        lines = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
                except OSError:
                    continue
                if lines["Name"] == name and int(lines["PPid"]) == self.process.pid:
                    found.append(int(path))
        return found

    def connect(self):
        return Client(self.socket)

    def ask(self, **changes):
        with self.connect() as client:
            return client.ask(**changes)

    def leaves(self):
        """Of the entries that the checkpoint covers."""
        return [leaf(data) for data in self.leaf_bytes()]

    def leaf_bytes(self):
        public = self.state / "log/public"
        size = int((public / "checkpoint").read_text().split("\n")[1])
        out = []
        for n in range(0, size, 256):
            width = min(256, size - n)
            name = public / f"tile/entries/{n // 256:03}"
            data = (name if width == 256 or name.is_file() else public / f"tile/entries/{n // 256:03}.p/{width}").read_bytes()
            for _ in range(width):
                length, = struct.unpack(">H", data[:2])
                out.append(data[2:2 + length])
                data = data[2 + length:]
        return out

    def wait_last(self, kind):
        """The last entry that is published is of this kind, within a while."""
        deadline = time.monotonic() + 60 * PATIENCE
        while (kinds := [e["kind"] for e in self.wait_leaves(1)])[-1] != kind:
            assert time.monotonic() < deadline, f"no {kind} at the end of {kinds}"
            time.sleep(0.05)

    def wait_leaves(self, count):
        deadline = time.monotonic() + 60 * PATIENCE
        while time.monotonic() < deadline:
            if (self.state / "log/public/checkpoint").is_file() and len(self.leaves()) >= count:
                return self.leaves()
            time.sleep(0.05)
        raise AssertionError(f"no checkpoint of {count} entries: {self.said()}")

    def wait_entries(self, count, **members):
        """All entries that have these, once there is a checkpoint of so many."""
        deadline = time.monotonic() + 60 * PATIENCE
        while time.monotonic() < deadline:
            found = [leaf for leaf in self.wait_leaves(1) if members.items() <= leaf.items()]
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not {count} entries {members}: {self.said()}")


def leaf(data):
    """SPEC 21.2"""
    assert data[:8] == b"ROTALOG\x01"
    kind, at, version = struct.unpack("<BQQ", data[8:25])
    key, message, digest, record = (data[25 + 32 * i:57 + 32 * i] for i in range(4))
    rest, names = data[153:], []
    for form in ("<B", "<B", "<H"):
        length, = struct.unpack(form, rest[:struct.calcsize(form)])
        rest = rest[struct.calcsize(form):]
        names.append(rest[:length].decode())
        rest = rest[length:]
    assert not rest
    return {"kind": KINDS.get(kind, kind), "at": at, "version": version, "key": key.hex(), "message": message.hex(),
            "digest": digest.hex(), "record": record.hex(), "scope": names[0], "role": names[1], "path": names[2]}


class Client:
    """One connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60 * PATIENCE)
        self.socket.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """Status, headers, body; None: shut without a word."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                assert not data
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        while len(body) < int(headers["Content-Length"]):
            body += self.socket.recv(65536)
        return int(lines[0].split()[1]), headers, body

    def post(self, body, target="/v1/ask"):
        self.send(f"POST {target} HTTP/1.1\r\nHost: signd\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        return self.answer()

    def ask(self, **changes):
        """Status and what was said, of a request that is good but for `changes`."""
        status, headers, body = self.post(request(**changes))
        said = json.loads(body)
        assert body == words(said)
        return status, said, headers


def request(**changes):
    whole = {"_type": "rota-ask", "body": {"device": "ab" * 32, "nonce": os.urandom(16).hex()}, "expires": None, "files": {},
             "format": 1, "id": os.urandom(16).hex(), "kind": "time", "reason": "a device asks", "role": "time",
             "scope": "sensor"}
    whole.update(changes)
    return words(whole)


def digest_of_time(device, nonce, seconds):
    """SPEC 5.5"""
    return hashlib.sha256(b"rota-time-v1" + bytes.fromhex(nonce) + device.encode() + struct.pack("<Q", seconds)).digest()


def digest_of_ticket(device, number, seconds):
    """SPEC 10.9"""
    return hashlib.sha256(b"rota-ticket-v1" + device.encode() + struct.pack("<II", number, seconds)).digest()
