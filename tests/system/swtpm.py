# SPDX-License-Identifier: Apache-2.0
"""A software TPM, and the few commands that tests give it beside the programs under test: written from the TPM 2.0
specification, part 3, so that what the programs say of the TPM is not what they said to it."""

import pathlib
import socket
import struct
import subprocess
import time

NO_SESSIONS, SESSIONS = 0x8001, 0x8002
SHA256 = 0x000B
OWNER = 0x40000001
PASSWORD = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)
# NV attributes: counter, AUTHWRITE, OWNERREAD, AUTHREAD, NO_DA
COUNTER = 0x1 << 4 | 1 << 2 | 1 << 17 | 1 << 18 | 1 << 25
SECURITY, STATE, KEYS, EPOCH = range(4)
INDEX = 0x01805200


class Tpm:
    """A TPM of a test's own; its state lies in `directory`."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.path = self.directory / "s"
        self.process = None

    @property
    def tcti(self):
        return f"swtpm:path={self.path}"

    def __enter__(self):
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.directory}"]
            + ["--server", f"type=unixio,path={self.path}"]
            + ["--ctrl", f"type=unixio,path={self.path}.ctrl"]
            + ["--flags", "not-need-init,startup-clear"],
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while not self.listens():
            assert time.monotonic() < end and self.process.poll() is None, "swtpm does not start"
            time.sleep(0.01)
        return self

    def listens(self):
        """The socket's file is there before anybody listens."""
        with socket.socket(socket.AF_UNIX) as s:
            return pathlib.Path(f"{self.path}.ctrl").exists() and s.connect_ex(str(self.path)) == 0

    def __exit__(self, *what):
        self.process.terminate()
        self.process.wait(30)

    def command(self, tag, code, body):
        message = struct.pack(">HII", tag, 10 + len(body), code) + body
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(str(self.path))
            s.sendall(message)
            answer = s.recv(4096)
        result = struct.unpack_from(">I", answer, 6)[0]
        assert result == 0, f"TPM command {code:#x}: {result:#x}"
        return answer[10:]

    def increment(self, counter):
        index = struct.pack(">I", INDEX + counter)
        self.command(SESSIONS, 0x134, index + index + PASSWORD)

    def value(self, counter):
        index = struct.pack(">I", INDEX + counter)
        answer = self.command(SESSIONS, 0x14E, index + index + PASSWORD + struct.pack(">HH", 8, 0))
        return struct.unpack_from(">Q", answer, 6)[0]

    def make_counter(self, counter):
        """A counter, and for the ROM record where it is and where it begins (SPEC 12.1)."""
        public = struct.pack(">IHIHH", INDEX + counter, SHA256, COUNTER, 0, 8)
        body = struct.pack(">I", OWNER) + PASSWORD + struct.pack(">HH", 0, len(public)) + public
        self.command(SESSIONS, 0x12A, body)
        self.increment(counter)
        return INDEX + counter, self.value(counter)

    def pcr(self, number):
        """The SHA-256 bank's value of a PCR."""
        bits = (1 << number).to_bytes(3, "little")
        answer = self.command(NO_SESSIONS, 0x17E, struct.pack(">IHB", 1, SHA256, 3) + bits)
        return answer[4 + 4 + 2 + 1 + 3 + 4 + 2 :]
