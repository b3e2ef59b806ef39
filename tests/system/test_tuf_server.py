# SPDX-License-Identifier: Apache-2.0
"""Servers that rota-tuf is not to be held up by, nor filled: slow, endless, cut off, lying about lengths,
redirecting. Every behaviour for every file that is fetched."""
import time

import pytest

from tufclient import make  # noqa: F401
from tufrepo import Key

FAST = ["--stall-timeout", "1s", "--metadata-timeout", "3s", "--target-timeout", "3s"]


def send(handler, head, pieces, pause=0.0):
    """An answer as told, to its end or until the client has gone."""
    handler.close_connection = True
    try:
        handler.wfile.write(head.encode())
        for piece in pieces:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(pause)
    except OSError:
        pass


def forever(piece):
    while True:
        yield piece


def answer(status=200, length=None, body=b"", pause=0.0, headers=""):
    """A behaviour for repo.files. `body`: bytes, or an iterator of pieces."""
    def behave(handler):
        size = f"Content-Length: {length}\r\n" if length is not None else "Connection: close\r\n"
        send(handler, f"HTTP/1.1 {status} x\r\n{size}{headers}\r\n", [body] if isinstance(body, bytes) else body(),
             pause)
    return behave


def chunked(pieces):
    def behave(handler):
        send(handler, "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n", pieces())
    return behave


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


# name: (a behaviour, given the true body; what the reason says)
BEHAVIOURS = {
    # below the rate, a byte at a time; above it, and never over
    "dribbling": (lambda b: answer(length=len(b), body=lambda: (b[i:i + 1] for i in range(len(b))), pause=0.2), "too slow"),
    "silent": (lambda b: answer(length=len(b), body=lambda: iter([time.sleep(60) or b""])), "too slow"),
    "no-head": (lambda b: lambda handler: time.sleep(60), "too slow"),
    "endless": (lambda b: answer(body=lambda: forever(b" " * 65536)), "longer or shorter than announced"),
    "endless-head": (lambda b: answer(body=lambda: iter(()), headers="X: " + "y" * (2 << 20) + "\r\n"), ""),
    "endless-chunks": (lambda b: chunked(lambda: forever(chunk(b" " * 65536))), "longer or shorter"),
    "cut-off": (lambda b: answer(length=len(b), body=b[:len(b) // 2]), ""),
    "cut-off-chunk": (lambda b: chunked(lambda: iter([chunk(b)])), ""),
    "announced-endless": (lambda b: answer(length=1 << 40, body=b), "longer or shorter than announced"),
    "announced-shorter": (lambda b: answer(length=len(b) - 1, body=b), ""),
    "no-length": (lambda b: answer(length="many", body=b), ""),
    "redirect": (lambda b: answer(302, 0, headers="Location: /other\r\n"), "redirects are refused"),
    "redirect-to-file": (lambda b: answer(301, 0, headers="Location: file:///etc/passwd\r\n"), "redirects are refused"),
    "not-modified": (lambda b: answer(304), ""),
    "busy": (lambda b: answer(503, 0), "503"),
    "part": (lambda b: answer(206, len(b) // 2, b[len(b) // 2:], headers=f"Content-Range: bytes 0-9/{len(b)}\r\n"), ""),
    "hung-up": (lambda b: lambda handler: handler.connection.close(), ""),
}

# The file's path, None for the target, and what the reason begins with.
FILES = {
    "root": ("metadata/2.root.json", "2.root.json: "),
    "timestamp": ("metadata/timestamp.json", "timestamp.json: "),
    "snapshot": ("metadata/2.snapshot.json", "2.snapshot.json: "),
    "targets": ("metadata/1.targets.json", "1.targets.json: "),
    "role": ("metadata/1.bin.json", "file: 1.bin.json: "),
    "target": (None, "file (TUF 5.7.3: "),
}

SLOW = ["dribbling", "silent", "no-head"]  # a second or two each, so not for every file
CASES = [(b, f) for b in BEHAVIOURS for f in FILES if b not in SLOW or f in ("timestamp", "target")]


@pytest.mark.parametrize("behaviour,file", CASES)
def test_a_server_that_misbehaves_is_given_up(make, behaviour, file):
    repo, server, client = make(list_hashes=True)
    repo.delegate("targets", "bin", Key("p256"), paths=["*"])
    repo.add_target("bin", "file", b"content of the file")
    repo.publish()
    repo.md["root"]["version"] = 2
    repo.put("root", repo.envelope("root"))
    path, where = FILES[file]
    path = path or next(name for name in repo.files if name.endswith(".file"))
    good = repo.files[path]
    make_behaviour, words = BEHAVIOURS[behaviour]
    repo.files[path] = make_behaviour(good)
    client.refused(client.download("file", options=FAST), f"rota-tuf: download: {where}", words)
    assert server.asked[-1] == path
    assert server.asked.count(path) == 1
    repo.files[path] = good
    client.good(client.download("file"))
    assert (client.out / "file").read_bytes() == b"content of the file"


def test_above_the_rate_the_deadline_holds(make):
    """The other bound: fast enough not to stall, and never over."""
    repo, _, client = make()
    repo.md["targets"]["x-pad"] = "x" * (4 << 20)
    repo.publish()
    body = repo.files["metadata/1.targets.json"]
    pieces = lambda: (body[at:at + 4096] for at in range(0, len(body), 4096))
    repo.files["metadata/1.targets.json"] = answer(length=len(body), body=pieces, pause=0.05)
    client.refused(client.refresh(options=["--stall-timeout", "5s", "--metadata-timeout", "2s"]), "targets.json",
                   "TUF 5.6.1", "timed out")
    repo.files["metadata/1.targets.json"] = body
    client.good(client.refresh())


@pytest.mark.parametrize("status", [404, 403])
def test_the_walk_of_roots_ends_with_404_and_403(make, status):
    repo, server, client = make()
    repo.files["metadata/2.root.json"] = answer(status, 0)
    client.good(client.refresh())
    # its body is nobody's business, even if it never ends
    repo.files["metadata/2.root.json"] = answer(status, body=lambda: forever(b"x" * 65536))
    client.good(client.refresh(options=FAST))


def test_nobody_listens(make):
    repo, server, client = make()
    client.refused(client.run("--metadata-url", "http://127.0.0.1:1/metadata", "refresh"), "2.root.json", "TUF 5.3.2")


@pytest.mark.parametrize("words", [["--stall-timeout", "0s"], ["--target-timeout", "8d"],
                                   ["--connect-timeout", "soon"], ["--metadata-timeout", "-1"]])
def test_deadlines_are_durations(make, words):
    _, server, client = make()
    done = client.refresh(options=words)
    assert (done.returncode, server.asked) == (2, [])
    assert words[1] in done.stderr
