# SPDX-License-Identifier: Apache-2.0
"""What servers and those between may send to the agent: nothing of it is believed, and nothing of it lasts long."""
import re
import socket
import subprocess
import time

import pytest

from cryptography import x509

import template
from badserver import BadServer
from fleet import PROGRAMS, Device, line, run
from pki import Ca

SHORT = "\n[limits]\nconnect = 2s\nstall = 2s\nmetadata = 5s\ntarget = 60s\nresume_every = 65536\n"
ONCE = "tries = 1\n"


@pytest.fixture(scope="module")
def bad(fleet):
    """A server of the true repository, with the true certificate; version 2 is there."""
    fleet.image("1.0.0")
    fleet.release("2.0.0")
    server = BadServer(
        fleet.repository(), fleet.authority / "server/cert.pem", fleet.authority / "server/key.pem"
    )
    yield server
    server.close()


@pytest.fixture(scope="module")
def factory(fleet, bad):
    device = fleet.device("factory")
    device.edit((f"https://localhost:{fleet.ports['repo']}/", f"https://localhost:{bad.port}/"))
    device.add(SHORT + ONCE)
    return device.snapshot(fleet.dir / "factory-new")


@pytest.fixture
def device(fleet, factory, bad):
    it = Device(fleet.dir / "factory")
    it.restore(factory)
    bad.behave()
    return it


def status(code, **headers):
    return lambda h, path: h.send(code, b"something else\n", **headers)


def endless(h, path):
    """More than any limit, without a length."""
    h.send_response(200)
    h.send_header("Connection", "close")
    h.end_headers()
    h.wfile.write(b'{"a":"')
    for _ in range(4096):
        h.wfile.write(b"x" * 65536)


def too_long(h, path):
    h.send_response(200)
    h.send_header("Content-Length", str(1 << 40))
    h.end_headers()
    h.wfile.write(b"{" * 100)


def silent(h, path):
    time.sleep(8)
    h.hang_up()


def slow(h, path):
    """A byte now and then: each keeps a per-read timer happy."""
    h.send_response(200)
    h.send_header("Content-Length", "4000")
    h.end_headers()
    h.wfile.write(b'{"a":"')
    for _ in range(100):
        h.wfile.write(b"x")
        h.wfile.flush()
        time.sleep(0.2)


def cut_off(h, path):
    body = h.content(path) or b"x" * 1000
    h.send_response(200)
    h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    h.wfile.write(body[: len(body) // 2])
    h.wfile.flush()
    h.hang_up()


def not_http(h, path):
    h.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    h.hang_up()


def empty(h, path):
    h.send(200, b"")


def half_json(h, path):
    h.send(200, h.content(path)[:-3])


def page(h, path):
    h.send(200, b"<html>please log in</html>", Content_Type="text/html")


def control_characters(h, path):
    h.send_response(302, "moved \x1b[2J")
    h.send_header("Location", "https://localhost:1/\x1b[31m")
    h.send_header("Content-Length", "0")
    h.end_headers()


def other_bytes(h, path):
    h.send(200, bytes(len(h.content(path))))


METADATA = [
    (status(302, Location="https://localhost:1/"), "redirects are refused"),
    (control_characters, "redirects are refused"),
    (status(401), "not permitted"),
    (status(500), "answers 500"),
    (status(503), "answers 503"),
    (endless, "announced"),
    (too_long, "announced"),
    (silent, "deadline"),
    (slow, "deadline"),
    (cut_off, "network"),
    (not_http, "network"),
    (empty, ""),
    (half_json, ""),
    (page, ""),
]


# Waiting for a deadline once is enough.
CASES = [
    (file, behaviour, says)
    for file in ("timestamp.json", "snapshot.json", "rollouts.json")
    for behaviour, says in METADATA
    if file == "timestamp.json" or behaviour not in (silent, slow)
]


@pytest.mark.parametrize("file, behaviour, says", CASES, ids=lambda x: getattr(x, "__name__", None))
def test_metadata(device, bad, file, behaviour, says):
    bad.rule(rf"^metadata/(\d+\.)?{file}$", behaviour)
    begin = time.monotonic()
    done = device.agent("--once")
    assert done.returncode == 1, done.stdout
    said = next(x for x in done.stdout.splitlines() if x.startswith(("refused", "failed")))
    assert says in said, said
    assert "\x1b" not in said
    assert 'clause="' in said
    assert time.monotonic() - begin < 60, "a deadline did not hold"
    asked = [path for path, _ in bad.asked if path.endswith(file)]
    assert len(asked) == 1, "what a server answers once it answers again"
    # Nothing of it stays.
    bad.behave()
    device.once(check=3)


def test_a_damaged_copy_is_asked_for_and_a_bad_answer_for_it_once(device, bad):
    """The device knows the digest either way, and tells its own disk from the server."""
    bad.rule(r"\.img$", status(404))
    device.once(check=1)
    (copy,) = (device.state() / "metadata").glob("*.snapshot.json")
    copy.write_bytes(bytes(len(copy.read_bytes())))
    bad.rule(r"snapshot\.json$", other_bytes)
    assert line(device.once(check=1), "refused")["step"] == "snapshot"
    assert [path for path, _ in bad.asked if "snapshot" in path] == [f"metadata/{copy.name}"]
    bad.behave()
    device.once(check=3)
    assert [path for path, _ in bad.asked if "snapshot" in path] == [f"metadata/{copy.name}"]


def test_a_download_takes_no_more_than_its_rate(fleet, device, bad):
    size = (fleet.dir / "2.0.0.img").stat().st_size
    device.edit(("stall = 2s", f"stall = 5s\nrate = {size // 4}"))
    begin = time.monotonic()
    device.once(check=3)
    assert time.monotonic() - begin > 2, "four seconds' worth of bytes came at once"


@pytest.mark.parametrize("behaviour, says", METADATA[:2], ids=["redirect", "control"])
def test_a_root_that_is_no_answer(device, bad, behaviour, says):
    """Only 'there is none' ends the walk of roots: who can say anything else could hide the next one."""
    bad.rule(r"^metadata/2\.root\.json$", behaviour)
    refused = line(device.once(check=1), "refused")
    assert (refused["step"], refused["clause"]) == ("root", "TUF 5.3.2")
    assert says in refused["detail"]


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)], ids=["expired", "not_yet_valid"])
def test_without_a_clock_the_dates_of_the_server_s_certificate_do_not_count(fleet, device, bad, days):
    ca = Ca("server CA")
    key, cert = ca.issue("localhost", days, [x509.DNSName("localhost")])
    (fleet.dir / "odd.pem").write_bytes(cert)
    (fleet.dir / "odd.key").write_bytes(key)
    server = BadServer(fleet.repository(), fleet.dir / "odd.pem", fleet.dir / "odd.key")
    device.edit((f"https://localhost:{bad.port}/", f"https://localhost:{server.port}/"))
    true_ca = (device.dir / "trust/server-ca.pem").read_bytes()
    (device.dir / "trust/server-ca.pem").write_bytes(ca.pem())
    try:
        assert "and the clock right?" in line(device.once(check=1), "refused")["detail"]
        device.edit(("[device]\n", "[device]\nclock = none\n"))
        # The chain counts all the same.
        (device.dir / "trust/server-ca.pem").write_bytes(true_ca)
        assert line(device.once(check=1), "refused")["step"] == "root"
        (device.dir / "trust/server-ca.pem").write_bytes(ca.pem())
        assert line(device.once(check=3), "trusted")["role"] == "timestamp"
    finally:
        server.close()


# --- what a busy server asks for ---


def waits(device, settings):
    """How long the agent says that it waits after its first cycle."""
    device.add(f"[poll]\ninterval = 1s\njitter_percent = 0\n{settings}")
    agent = subprocess.Popen(
        [PROGRAMS["rota-agent"], "--config", device.config, "--verbose"], stdout=subprocess.PIPE, text=True
    )
    try:
        said = next(said for said in agent.stdout if said.startswith("waiting"))
    finally:
        agent.terminate()
        agent.communicate(timeout=30)
    return line(said, "waiting")["for"]


@pytest.mark.parametrize("code, headers, settings, wait", [
    (503, {"Retry-After": 7}, "retry_first = 1s\nretry_most = 10s\n", "7s"),
    (429, {"Retry-After": 100000}, "retry_first = 1s\nretry_most = 10s\n", "10s"),  # no longer than the settings say
    (503, {"Retry-After": 2}, "retry_first = 5s\nretry_most = 10s\n", "5s"),
    (500, {"Retry-After": 7}, "retry_first = 1s\nretry_most = 10s\n", "1s"),
    (503, {}, "retry_first = 1s\nretry_most = 10s\n", "1s"),
], ids=["followed", "bounded", "shorter", "not_busy", "unsaid"])
def test_a_busy_server_says_when_to_come_again(device, bad, code, headers, settings, wait):
    bad.rule(r"^metadata/", status(code, **headers))
    assert waits(device, settings) == wait


# --- targets ---


def half_then_hang_up(h, path):
    body = h.content(path)
    h.send_response(200)
    h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    h.wfile.write(body[: len(body) * 3 // 4])
    h.wfile.flush()
    h.hang_up()


def half_done(device, bad):
    """A download that broke off, and what was committed of it."""
    bad.rule(r"^targets/.*\.img$", half_then_hang_up)
    said = device.once(check=1)
    assert line(said, "failed")["step"] == "download"
    offset = device.status()["pending_bytes"]
    assert offset >= 65536
    return offset


def ranges(bad):
    return [wanted for path, wanted in bad.asked if path.endswith(".img")]


def test_resume(device, bad):
    offset = half_done(device, bad)
    bad.behave()
    device.once(check=3)
    assert ranges(bad) == [f"bytes={offset}-"]
    assert device.boot() == "2.0.0"


def cut_at(*ends):
    """Each answer ends at the next of these thousandths of the file, the ones after that are whole."""
    left = list(ends)

    def cut(h, path):
        body = h.content(path)
        at = int((h.headers.get("Range") or "bytes=0-")[6:-1])
        end = len(body) * left.pop(0) // 1000 if left else len(body)
        h.send_response(206 if at else 200)
        if at:
            h.send_header("Content-Range", f"bytes {at}-{len(body) - 1}/{len(body)}")
        h.send_header("Content-Length", str(len(body) - at))
        h.end_headers()
        h.wfile.write(body[at:end])
        h.wfile.flush()
        if end < len(body):
            h.hang_up()

    return cut


def test_a_transfer_that_breaks_off_is_gone_on_with(device, bad):
    device.edit((ONCE, "tries = 3\n"))
    bad.rule(r"^targets/.*\.img$", cut_at(400, 700))
    said = device.once(check=3)
    assert [int(x[6:-1]) for x in ranges(bad)[1:]] == [int(f) for f in re.findall(r"^resumed from=(\d+)", said, re.M)]
    assert len(ranges(bad)) == 3 and "try=3" in said
    assert device.boot() == "2.0.0"


@pytest.mark.parametrize("file, behaviour, asked", [
    (r"\.img$", cut_at(100, 200, 300, 400), 2),  # as often as it may
    (r"\.img$", cut_at(0, 0), 1),  # nothing came: for the next cycle
    (r"\.img$", status(503), 1),
    (r"timestamp\.json$", cut_at(500, 600), 1),  # its end may be another file's by now
    (r"\.releases\.json$", cut_at(500, 600), 2),
], ids=["bounded", "nothing", "busy", "timestamp", "metadata"])
def test_how_often_a_transfer_is_tried(device, bad, file, behaviour, asked):
    device.edit((ONCE, "tries = 2\n"))
    bad.rule(file, behaviour)
    device.once(check=1)
    assert len([path for path, _ in bad.asked if re.search(file, path)]) == asked


def test_what_does_not_fit_is_not_tried_again(device, bad):
    """Other bytes behind the break: length and digest are checked over all tries."""
    device.edit((ONCE, "tries = 5\n"))
    cut = cut_at(400)
    whole_but = lambda h, path: other_bytes(h, path) if h.headers.get("Range") else cut(h, path)
    bad.rule(r"^targets/.*\.img$", whole_but)
    device.once(check=1)
    assert len(ranges(bad)) == 2
    bad.behave()
    device.agent("--once")
    if device.status()["pending"] != "trial asked for":
        device.once(check=3)
    assert device.boot() == "2.0.0"


def trickle(h, path):
    """Most of it at once, the rest for ever."""
    body = h.content(path)
    h.send_response(200)
    h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    h.wfile.write(body[: len(body) * 3 // 4])
    for at in range(len(body) * 3 // 4, len(body), 8):
        h.wfile.write(body[at : at + 8])
        h.wfile.flush()
        time.sleep(0.01)


def test_a_signal_ends_a_download_and_it_goes_on_later(device, bad):
    bad.rule(r"^targets/.*\.img$", trickle)
    agent = subprocess.Popen([PROGRAMS["rota-agent"], "--config", device.config], stdout=subprocess.PIPE, text=True)
    for _ in range(500):
        if ranges(bad) and device.agent("status", "--json").returncode == 0:
            if device.status().get("pending_bytes", 0) >= 65536:
                break
        time.sleep(0.02)
    agent.terminate()
    said, _ = agent.communicate(timeout=30)
    assert agent.returncode == 0 and "stopped" in said
    offset = device.status()["pending_bytes"]
    assert offset >= 65536
    bad.behave()
    device.once(check=3)
    assert ranges(bad) == [f"bytes={offset}-"]


def whole(h, path):
    h.send(200, h.content(path))


def test_resume_where_the_server_sends_all(device, bad):
    half_done(device, bad)
    bad.rule(r"^targets/.*\.img$", whole)
    device.once(check=3)
    assert device.boot() == "2.0.0"


def other_range(h, path):
    body = h.content(path)
    h.send(206, body[1:], Content_Range=f"bytes 1-{len(body) - 1}/{len(body)}")


def no_range(h, path):
    h.send(206, h.content(path)[1:])


@pytest.mark.parametrize("behaviour", [other_range, no_range, status(416)], ids=["other", "none", "416"])
def test_resume_with_another_range(device, bad, behaviour):
    half_done(device, bad)
    bad.rule(r"^targets/.*\.img$", behaviour)
    assert device.agent("--once").returncode == 1
    bad.behave()
    device.agent("--once")
    if device.status()["pending"] != "trial asked for":
        device.once(check=3)
    assert device.boot() == "2.0.0"


def longer(h, path):
    h.send(200, h.content(path) + b"\0")


def shorter(h, path):
    h.send(200, h.content(path)[:-1])


@pytest.mark.parametrize("behaviour, step", [
    (longer, "download"), (shorter, "download"), (other_bytes, "download"), (endless, "download"),
    (status(404), "download"), (status(302, Location="https://localhost:1/"), "download"),
], ids=lambda x: getattr(x, "__name__", x))
def test_image(device, bad, behaviour, step):
    bad.rule(r"^targets/.*\.img$", behaviour)
    said = device.once(check=1)
    assert f"step={step}" in said
    assert device.boot() == "1.0.0"
    bad.behave()
    device.once(check=3)
    assert device.boot() == "2.0.0"


@pytest.mark.parametrize("name", ["release.json", "sensor.json"])
def test_policy_and_release(device, bad, name):
    bad.rule(rf"^targets/.*\.{name}$", other_bytes)
    assert line(device.once(check=1), "refused")["clause"] == "TUF 5.7.3"
    bad.behave()
    device.once(check=3)


# --- who answers ---


def test_a_server_with_a_certificate_of_another_authority(fleet, device, bad):
    rogue = fleet.dir / "rogue"
    template.authority(rogue, keys="other")
    server = BadServer(fleet.repository(), rogue / "server/cert.pem", rogue / "server/key.pem")
    try:
        device.edit((f"https://localhost:{bad.port}/", f"https://localhost:{server.port}/"))
        refused = line(device.once(check=1), "refused")
        assert (refused["step"], refused["clause"]) == ("root", "TUF 5.3.2")
        assert "certificate" in refused["detail"]
        assert server.asked == [], "something was asked of a server that nobody vouches for"
    finally:
        server.close()


def test_a_server_of_another_name(fleet, device, bad):
    """The right authority, and a certificate that is not for this address."""
    server = BadServer(
        fleet.repository(), fleet.authority / "server/cert.pem", fleet.authority / "server/key.pem", "127.0.0.2"
    )
    try:
        device.edit((f"https://localhost:{bad.port}/", f"https://127.0.0.2:{server.port}/"))
        refused = line(device.once(check=1), "refused")
        assert refused["clause"] == "TUF 5.3.2" and server.asked == []
    finally:
        server.close()


def test_nobody_answers(device, bad):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        device.edit((f"https://localhost:{bad.port}/", f"https://localhost:{s.getsockname()[1]}/"))
        failed = line(device.once(check=1), "failed")
    assert failed["clause"] == "TUF 5.3.2"


def test_somebody_accepts_and_says_nothing(device, bad):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        device.edit((f"https://localhost:{bad.port}/", f"https://localhost:{s.getsockname()[1]}/"))
        assert "deadline" in line(device.once(check=1), "failed")["reason"]
