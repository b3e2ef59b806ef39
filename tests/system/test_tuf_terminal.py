# SPDX-License-Identifier: Apache-2.0
"""rota-tuf on a terminal: a transfer that takes a while has a bar, which nobody else sees."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time

import pytest

from conftest import PATIENCE, programs
from tufclient import make  # noqa: F401

BODY = bytes(range(256)) * 512  # 128 KiB
BAR = re.compile(r"\r(download(?: \d of \d)? \[#*\.*\] .*?)\x1b\[K")


def slowly(body, length=len(BODY)):
    """The body in eight pieces, each long enough after the one before for a bar to be drawn."""
    def behave(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        for at in range(0, len(body), len(BODY) // 8):
            handler.wfile.write(body[at : at + len(BODY) // 8])
            handler.wfile.flush()
            time.sleep(0.15)
        handler.close_connection = True
    return behave


def read_all(terminal, into):
    try:
        while data := os.read(terminal, 65536):
            into.append(data)
    except OSError:  # the other side is closed
        pass


def on_terminal(columns, *words):
    """Run with standard error on a terminal of so many columns; returns the status and what stood there."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    seen = []
    reader = threading.Thread(target=read_all, args=(here, seen))
    done = subprocess.Popen([programs()["rota-tuf"], *words], stdout=subprocess.PIPE, stderr=there)
    os.close(there)
    reader.start()
    out, _ = done.communicate(timeout=60 * PATIENCE)
    reader.join()
    os.close(here)
    assert out == b""
    return done.returncode, b"".join(seen).decode()


@pytest.fixture
def download(make):
    """A download of targets that come slowly, on a terminal."""
    repo, server, client = make()
    for name in ("one", "two"):
        repo.add_target("targets", name, BODY)
    repo.publish()

    def run(*names, columns=80, body=BODY):
        for path in repo.files:
            if path.startswith("targets/"):
                repo.files[path] = slowly(body)
        words = [word for name in names for word in ("--target-name", name)]
        return on_terminal(
            columns, "--metadata-dir", client.dir, "--metadata-url", server.url + "/metadata", *words,
            "--target-base-url", server.url + "/targets", "--target-dir", client.out, "download")

    run.client = client
    return run


def test_a_transfer_has_a_bar_that_goes_away(download):
    status, seen = download("one")
    assert status == 0
    bars = BAR.findall(seen)
    assert bars and all(re.search(r"\]\s+\d+ %  0\.\d of 0\.1 MB  \d+\.\d MB/s  0:\d\d$", bar) for bar in bars)
    shown = [int(re.search(r"(\d+) %", bar)[1]) for bar in bars]
    assert shown == sorted(shown) and shown[0] < 100
    assert seen.endswith("\r\x1b[K"), "it is left standing"
    assert seen.count("\n") == 0


def test_of_several_targets_each_has_its_own(download):
    status, seen = download("one", "two")
    assert status == 0
    assert [which for which in ("1 of 2", "2 of 2") if f"download {which} [" in seen] == ["1 of 2", "2 of 2"]


def test_a_bar_fits_its_terminal(download):
    status, seen = download("one", columns=30)
    assert status == 0
    drawn = re.findall(r"\r([^\r\x1b]+)\x1b\[K", seen)
    assert drawn and all(len(line) <= 29 for line in drawn)


def test_a_failure_has_a_line_of_its_own(download):
    status, seen = download("one", body=BODY[: len(BODY) // 2])
    assert status == 1
    assert BAR.search(seen)
    assert re.search(r"\r\x1b\[Krota-tuf: download: one.*TUF 5\.7\.3.*\n$", seen.replace("\r\n", "\n"))


def test_elsewhere_there_is_none(download):
    client = download.client
    for path in client.repo.files:
        if path.startswith("targets/"):
            client.repo.files[path] = slowly(BODY)
    client.good(client.download("one"))
