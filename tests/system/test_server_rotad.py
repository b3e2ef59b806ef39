# SPDX-License-Identifier: Apache-2.0
"""rotad on its Unix socket, as nginx sees it and as nobody should."""
import concurrent.futures
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from pki import DEVICE, Ca, escaped
from rotadproc import EVENT, ROTAD, make, rotad  # noqa: F401 - fixtures


def test_report_is_acknowledged_and_repeats_count_once(rotad):
    body = '{"events":[{"at":null,"event":"started","seq":1},{"at":null,"event":"checked","seq":2}]}'
    for _ in range(2):
        assert rotad.post(body) == (200, b'{"acknowledged":2}\n')
    assert [r["type"] for r in rotad.dump()] == ["report", "report"]
    assert rotad.dump()[0]["device"] == DEVICE
    assert rotad.dump()[0]["payload"] == json.loads(body)
    assert rotad.stop() == 0
    assert rotad.rows("SELECT id, events, last_seq, state FROM devices") == [(DEVICE, 2, 2, "checked")]


def test_kill_after_acknowledgement_loses_nothing(rotad):
    for seq in range(1, 30):
        assert rotad.post(EVENT % ("checked", seq))[0] == 200
    rotad.stop(signal.SIGKILL)
    rotad.start()
    assert rotad.post(EVENT % ("started", 30))[0] == 200
    rotad.stop()
    assert rotad.rows("SELECT events, last_seq FROM devices") == [(30, 30)]
    assert rotad.run("--check-journal", str(rotad.dir / "journal")).returncode == 0


@pytest.mark.plain
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_disk_comes_before_the_answer(make):
    """Each acknowledgement on the socket has an fdatasync of its own before it."""
    rotad = make()
    trace = rotad.dir / "trace"
    rotad.start(before=["strace", "-f", "-y", "-s", "400", "-o", trace, "-e", "trace=fdatasync,write,writev,sendto"])
    for seq in (1, 2, 3):
        assert rotad.post(EVENT % ("checked", seq))[0] == 200
    strace = rotad.process.pid
    with open(f"/proc/{strace}/task/{strace}/children", encoding="utf-8") as f:
        os.kill(int(f.read().split()[0]), signal.SIGTERM)
    rotad.process.wait(timeout=30)
    order = ["sync" if "fdatasync(" in line else "answer" for line in trace.read_text().splitlines()
             if ("fdatasync(" in line and ".seg>" in line) or '\\"acknowledged\\"' in line]
    first = order.index("answer")
    assert order.count("answer") == 3 and "sync" in order[:first]
    assert all(order[i - 1] == "sync" for i, what in enumerate(order) if what == "answer"), order


@pytest.mark.plain
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_stop_answers_what_is_on_its_way_to_the_disk(make):
    """Told to stop while the disk is slow: what was taken is made durable and acknowledged, then rotad ends."""
    rotad = make()
    rotad.start(before=["strace", "-D", "-f", "-o", "/dev/null", "-P", rotad.dir / "journal/0000000001.seg",
                        "-e", "inject=fdatasync:delay_enter=1000000"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        posts = [pool.submit(rotad.post, EVENT % ("started", seq)) for seq in range(1, 5)]
        deadline = time.monotonic() + 20
        while rotad.metric("requests_total") < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert rotad.stop() == 0
        assert [p.result()[0] for p in posts] == [200] * 4
    assert rotad.run("--check-journal", str(rotad.dir / "journal")).returncode == 0
    assert len([r for r in rotad.dump() if r["type"] == "report"]) == 4


def test_database_made_again_is_the_same(rotad):
    for seq in range(1, 10):
        assert rotad.post(EVENT % ("checked", seq))[0] == 200
    rotad.stop()
    before = rotad.rows("SELECT * FROM devices"), rotad.rows("SELECT * FROM events ORDER BY seq")
    assert rotad.run("--rebuild", "--config", str(rotad.ini)).returncode == 0
    assert (rotad.rows("SELECT * FROM devices"), rotad.rows("SELECT * FROM events ORDER BY seq")) == before
    assert len(before[1]) == 9


@pytest.mark.parametrize("why, cert", [
    ("other CA", lambda r: Ca("Operational").issue(DEVICE)[1]),
    ("expired", lambda r: r.ca.issue(DEVICE, (-9, -1))[1]),
    ("not yet valid", lambda r: r.ca.issue(DEVICE, (1, 9))[1]),
    ("no device id", lambda r: r.ca.issue("device 1")[1]),
    ("upper case id", lambda r: r.ca.issue(DEVICE.upper())[1]),
    ("not a certificate", lambda r: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("empty", lambda r: b" "),
])
def test_identity_is_refused(rotad, why, cert):
    status, body = rotad.post(EVENT % ("started", 1), cert(rotad))
    assert status == 403, why
    assert "error" in json.loads(body)
    assert rotad.dump() == []


def test_revocation_takes_effect_while_running(make):
    rotad = make()
    rotad.ini.write_text(rotad.ini.read_text().replace("[journal]", f"crl = {rotad.dir}/crl.pem\n[journal]"))
    (rotad.dir / "crl.pem").write_bytes(rotad.ca.crl([]))
    rotad.start()
    assert rotad.post(EVENT % ("started", 1))[0] == 200
    (rotad.dir / "new").write_bytes(rotad.ca.crl([rotad.cert]))
    os.rename(rotad.dir / "new", rotad.dir / "crl.pem")
    deadline = time.monotonic() + 20
    while rotad.post(EVENT % ("started", 2))[0] == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    status, body = rotad.post(EVENT % ("started", 3))
    assert status == 403 and b"revoked" in body
    assert rotad.post(EVENT % ("started", 1), rotad.ca.issue("cd" * 32)[1])[0] == 200


BAD_REPORTS = ["", "x", "{}", '{"events":[]}', EVENT % ("exploded", 1), EVENT % ("started", 0),
               EVENT % ("started", 2 ** 53), '{"events":[{"event":"started","seq":1,"version":5}]}']


@pytest.mark.parametrize("body", BAD_REPORTS)
def test_malformed_report_is_refused(rotad, body):
    status, answer = rotad.post(body)
    assert status == 400
    assert json.loads(answer)["error"]
    assert rotad.dump() == []


def head(*lines, method="POST /api/v1/report"):
    return "\r\n".join([f"{method} HTTP/1.1", *lines, "", ""]).encode()


HOSTILE = [
    ("length and coding", head("Host: x", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    ("unknown coding", head("Host: x", "Transfer-Encoding: xchunked") + b"0\r\n\r\n", 501),
    ("two codings", head("Host: x", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 501),
    ("two lengths 5/0", head("Host: x", "Content-Length: 5", "Content-Length: 0") + b"hello", 400),
    ("two lengths 5/5", head("Host: x", "Content-Length: 5", "Content-Length: 5") + b"hello", 400),
    ("length list", head("Host: x", "Content-Length: 5, 0") + b"hello", 400),
    ("length with sign", head("Host: x", "Content-Length: +5") + b"hello", 400),
    ("negative length", head("Host: x", "Content-Length: -1"), 400),
    ("length 2^64 + 5", head("Host: x", "Content-Length: 18446744073709551621"), 413),
    ("no length", head("Host: x"), 411),
    ("no host", head("Content-Length: 5") + b"hello", 400),
    ("two hosts", head("Host: x", "Host: y", "Content-Length: 5") + b"hello", 400),
    ("NUL in a value", head("Host: x", "A: b\0c"), 400),
    ("NUL in the target", head("Host: x", method="GET /\0"), 400),
    ("blank before colon", head("Host: x", "Content-Length : 5") + b"hello", 400),
    ("folded", head("Host: x", "A: b", " c"), 400),
    ("bare CR", head("Host: x", "A: b\rc"), 400),
    ("bare LF", b"GET /healthz HTTP/1.1\nHost: x\n\n" + b"\r\n\r\n", 400),
    ("no colon", head("Host: x", "nothing"), 400),
    ("64 KB header", head("Host: x", "A: " + "b" * 65536), 431),
    ("2000 headers", head("Host: x", *["A: b"] * 2000), 431),
    ("32 KB target", head("Host: x", method="GET /" + "a" * 300), 414),
    ("HTTP/3.7", b"GET / HTTP/3.7\r\nHost: x\r\n\r\n", 505),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505),
    ("method FOO", head("Host: x", method="FOO /"), 405),
    ("bad chunk size", head("Host: x", "Transfer-Encoding: chunked") + b"zz\r\n", 400),
    ("chunk of 2^64", head("Host: x", "Transfer-Encoding: chunked") + b"10000000000000000\r\n", 413),
    ("pipelined", head("Host: x", method="GET /healthz") * 2, 400),
    ("tail behind a body", head("Host: x", "Content-Length: 2") + b"{}" + head("Host: x", method="GET /metrics"), 400),
]


def test_hostile_requests_get_one_answer_and_the_end(rotad):
    for why, data, status in HOSTILE:
        answer = rotad.raw(data)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (why, answer[:200])
        assert answer.count(b"HTTP/1.1 ") == 1, (why, answer)
    assert rotad.metric("refused_http_total") == len(HOSTILE)
    assert rotad.post(EVENT % ("started", 1))[0] == 200
    assert len(rotad.dump()) == 1


def test_chunked_report_is_taken(rotad):
    body = (EVENT % ("started", 1)).encode()
    text = head("Host: x", "Content-Type: application/json", f"X-Rota-Client-Cert: {escaped(rotad.cert)}",
                "Transfer-Encoding: chunked", "Connection: close")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 9]), body[i:i + 9]) for i in range(0, len(body), 9))
    assert b'{"acknowledged":1}' in rotad.raw(text + chunks + b"0\r\n\r\n")


def test_connection_is_kept_alive(rotad):
    with rotad.connect() as s:
        for _ in range(3):
            s.sendall(head("Host: x", method="GET /healthz"))
            assert s.recv(4096).endswith(b"ok\n")


@pytest.mark.parametrize("start, drip", [
    (b"GET /healthz HT", b"T"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ", b"b"),
])
def test_slow_head_is_cut(make, start, drip):
    rotad = make("header_s = 2\nrequest_s = 3").start()
    assert b" 408 " in trickle(rotad, start, drip)
    assert rotad.metric("deadlines_total") == 1


def test_slow_body_is_cut(make):
    rotad = make("header_s = 2\nrequest_s = 3").start()
    assert b" 408 " in trickle(rotad, head("Host: x", "Content-Length: 16000"), b" ")


def test_body_may_take_longer_than_a_head(make):
    rotad = make("header_s = 1\nrequest_s = 60").start()
    body = (EVENT % ("started", 1)).encode()
    with rotad.connect() as s:
        s.sendall(head("Host: x", "Content-Type: application/json", f"Content-Length: {len(body)}",
                       f"X-Rota-Client-Cert: {escaped(rotad.cert)}", "Connection: close"))
        time.sleep(1.5)
        s.sendall(body)
        assert b'{"acknowledged":1}' in rotad.rest(s)


def trickle(rotad, start, drip):
    """A byte at a time, far below every per-read timer; ends when the server ends it."""
    with rotad.connect() as s:
        s.sendall(start)
        s.settimeout(0.1)
        for _ in range(300):
            try:
                return s.recv(4096)
            except socket.timeout:
                pass
            try:
                s.sendall(drip)
            except OSError:  # it ended just now, and what it said before lies in the socket
                return rotad.rest(s)
        raise AssertionError("never cut")


def test_too_many_connections_are_refused(make):
    rotad = make("connections = 1").start()
    held = []
    refused = 0
    for _ in range(8):
        s = rotad.connect()
        s.sendall(head("Host: x", method="GET /healthz"))
        refused += b" 503 " in s.recv(4096)
        held.append(s)
    for s in held:
        s.close()
    assert refused >= 6  # two workers, one connection each


def test_full_disk_refuses_and_recovers(make):
    """A limit on the size of files stands for the disk: rotad sees the same failed write."""
    rotad = make()
    rotad.start()
    big = '{"events":[{"at":null,"event":"checked","seq":%d,"pad":"' + "x" * 12000 + '"}]}'
    pid = str(rotad.process.pid)
    assert rotad.post(big % 1)[0] == 200
    subprocess.run(["prlimit", "--pid", pid, "--fsize=16000:unlimited"], check=True)
    status, body = rotad.post(big % 2)
    assert status == 503 and b"could not be stored" in body
    assert b" 503 " in rotad.raw(head("Host: x", "Connection: close", method="GET /readyz"))
    subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"], check=True)
    assert rotad.post(big % 3)[0] == 200
    rotad.stop()
    assert [r["payload"]["events"][0]["seq"] for r in rotad.dump() if r["type"] == "report"] == [1, 3]
    assert "unfinished" not in rotad.run("--check-journal", str(rotad.dir / "journal")).stdout


@pytest.mark.plain
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_new_segment_that_may_not_last_is_not_passed_by(make):
    """Its directory entry could not be synced: nothing goes into the segment before it any more, until a restart
    has looked at what is there."""
    rotad = make()
    rotad.ini.write_text(rotad.ini.read_text().replace("[projection]", "segment_bytes = 131072\n[projection]"))
    rotad.start(before=["strace", "-D", "-f", "-o", "/dev/null", "-P", rotad.dir / "journal",
                        "-e", "inject=fsync:error=EIO:when=2"])
    big = EVENT % ("checked", 1) + 15000 * " "
    kept = 0
    while rotad.post(big)[0] == 200:
        kept += 1
    assert rotad.post(EVENT % ("checked", 2))[0] == 503
    rotad.stop(signal.SIGKILL)
    rotad.start()
    assert rotad.post(EVENT % ("checked", 3))[0] == 200
    assert rotad.stop() == 0
    assert rotad.run("--check-journal", str(rotad.dir / "journal")).returncode == 0
    assert len([r for r in rotad.dump() if r["type"] == "report"]) == kept + 1


def test_damaged_journal_is_one_clear_line(rotad):
    for seq in (1, 2, 3):
        assert rotad.post(EVENT % ("checked", seq))[0] == 200
    rotad.stop()
    segment = rotad.dir / "journal" / "0000000001.seg"
    data = bytearray(segment.read_bytes())
    data[28 + 70] ^= 1
    segment.write_bytes(data)
    for arguments in (["--config", str(rotad.ini)], ["--check", "--config", str(rotad.ini)],
                      ["--check-journal", str(rotad.dir / "journal")]):
        done = rotad.run(*arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        assert "0000000001.seg" in done.stderr and "byte 28" in done.stderr


BAD_SETTINGS = [
    ("[server]\nsocket", "[server]\ncolour = red\nsocket", "colour"),
    ("socket =", "sockett =", "socket"),
    ("ca.pem", "none.pem", "none.pem"),
    ("[limits]", "[limits]\nrequest_s = never", "request_s"),
    ("[limits]", "[limits]\nheader_s = 60\nrequest_s = 2", "header_s"),
    ("[server]", "[server]\npeer_user = no-such-user", "no-such-user"),
    ("journal\n", "none/journal\n", "none/journal"),
    ("fleet.sqlite", "none/fleet.sqlite", "fleet.sqlite"),
]


@pytest.mark.parametrize("old, new, named", BAD_SETTINGS)
def test_wrong_setting_is_one_line(make, old, new, named):
    rotad = make()
    rotad.ini.write_text(rotad.ini.read_text().replace(old, new))
    done = rotad.run("--check", "--config", str(rotad.ini))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and named in done.stderr, done.stderr


def test_descriptors_for_all_connections(make):
    """The soft limit is raised to what the settings need; where the hard one forbids it, one line says so."""
    rotad = make()
    rotad.start(before=["prlimit", "--nofile=64:4096"])
    with open(f"/proc/{rotad.process.pid}/limits", encoding="utf-8") as f:
        soft = next(int(line.split()[3]) for line in f if line.startswith("Max open files"))
    assert soft >= 2 * 512
    rotad.stop()
    done = subprocess.run(["prlimit", "--nofile=64:1000", ROTAD, "--config", rotad.ini], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "LimitNOFILE" in done.stderr


@pytest.mark.plain
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_journal_directory_is_durable(make):
    """A power cut does not take the directory away in which reports were acknowledged."""
    rotad = make()
    trace = rotad.dir / "trace"
    rotad.start(before=["strace", "-D", "-f", "-y", "-o", trace, "-e", "trace=fsync,mkdir,mkdirat"])
    rotad.stop()
    done = [line for line in trace.read_text().splitlines() if line.endswith(" = 0")]
    made = [line for line in done if "mkdir" in line or f"<{rotad.dir}>" in line]
    assert "mkdir" in made[0] and "/journal" in made[0] and "fsync" in made[1], made


def test_second_rotad_is_refused(rotad):
    done = rotad.run("--config", str(rotad.ini))
    assert done.returncode == 1
    assert "another process" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_other_user_is_refused(rotad):
    """The socket's mode keeps others out; when it does not, the peer's uid does."""
    os.chmod(rotad.socket, 0o666)
    code = ("import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);"
            "s.sendall(b'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');print(s.recv(99))")
    done = subprocess.run(["/usr/bin/python3", "-c", code, rotad.socket], user=65534, group=65534,
                          extra_groups=[], capture_output=True, text=True, check=False)
    assert " 403 " in done.stdout, done
