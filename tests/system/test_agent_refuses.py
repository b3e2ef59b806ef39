# SPDX-License-Identifier: Apache-2.0
"""What rota-agent does not take from a repository, and what it does for one that wants its certificate."""
import functools
import http.server
import threading
import time


import template
from agentdevice import device, factory, releases  # noqa: F401 - fixtures
from fleet import PROGRAMS, environment, line, run


# --- mTLS for targets ---


def test_targets_with_the_devices_certificate(releases, device):
    settings = releases.authority / "rota.ini"
    before = settings.read_text()
    settings.write_text(before + "\n[serve]\ntargets_mtls = yes\n")
    releases.stop()
    try:
        releases.serve()
        assert device.agent("--once").returncode == 1  # not below /repo/ of the open front any more
        device.edit(("root = ", f"targets_url = https://localhost:{releases.ports['device']}/repo\nroot = "))
        assert device.agent("--once").returncode == 1  # and there not for nobody
        device.edit(("root = ", "targets_identity = yes\nroot = "))
        device.once(check=3)
    finally:
        settings.write_text(before)
        releases.stop()
        releases.serve()


# --- attacks that need no bad server ---


def test_the_environment_has_no_say(releases, device):
    lies = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    device.once(check=3, env=environment(**lies, OPENSSL_CONF="/nonexistent", CURL_CA_BUNDLE="/nonexistent"))


def test_a_repository_of_other_keys(releases, device):
    device.once(check=3)
    device.boot()
    device.once(check=0)
    before = device.status()
    rogue = releases.dir / "rogue"
    if not rogue.exists():
        template.authority(rogue, keys="other")
    true = releases.authority / "repo"
    hidden = releases.authority / "repo.true"
    true.rename(hidden)
    try:
        run("cp", "-r", rogue / "repo", true)
        refused = line(device.once(check=1), "refused")
        assert (refused["step"], refused["clause"]) == ("timestamp", "TUF 5.4.2")
    finally:
        run("rm", "-rf", true)
        hidden.rename(true)
    assert device.status()["timestamp"] == before["timestamp"]


def test_a_tampered_image(releases, device):
    target = releases.target("2.0.0", ".img")
    good = target.read_bytes()
    mode = target.stat().st_mode
    target.chmod(0o644)
    try:
        for at in (40, len(good) // 2, len(good) - 1):
            bad = bytearray(good)
            bad[at] ^= 1
            target.write_bytes(bad)
            refused = line(device.once(check=1), "refused")
            assert refused["step"] == "download", refused
            assert refused["clause"] in ("TUF 5.7.3", "SPEC 6"), refused
            assert device.status()["pending"] != "trial asked for"
        target.write_bytes(good + b"\0")
        assert device.agent("--once").returncode == 1
    finally:
        target.write_bytes(good)
        target.chmod(mode)
    device.once(check=3)


def test_replayed_and_expired_metadata(releases, device):
    timestamp = releases.repository("metadata/timestamp.json")
    old = timestamp.read_bytes()
    releases.rota("publish", "--all")
    device.once(check=3)
    device.boot()
    device.once(check=0)
    new = timestamp.read_bytes()
    timestamp.write_bytes(old)
    assert line(device.once(check=1), "refused")["clause"] == "TUF 5.4.3.1"
    timestamp.write_bytes(new)
    releases.rota("publish", "--all", "--lifetime", "timestamp=1s")
    time.sleep(2)
    assert line(device.once(check=1), "refused")["clause"] == "TUF 5.4.4"
    releases.rota("publish", "--all")
    device.once(check=0)


def test_expiry_does_not_stand_in_the_way_of_a_confirmation(releases, device):
    """SPEC 5.3"""
    device.once(check=3)
    device.boot()
    releases.rota("publish", "--all", "--lifetime", "timestamp=1s")
    time.sleep(2)
    try:
        said = device.agent("--once").stdout
        assert "confirmed" in said
        assert device.status()["installed"] == "2.0.0"
    finally:
        releases.rota("publish", "--all")


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_plain_http_is_only_a_carrier(releases, device):
    handler = functools.partial(QuietFiles, directory=str(releases.repository()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        device.edit((f"url = https://localhost:{releases.ports['repo']}/repo",
                     f"plain_http = yes\nurl = http://localhost:{server.server_address[1]}"))
        device.once(check=3)
    finally:
        server.shutdown()
