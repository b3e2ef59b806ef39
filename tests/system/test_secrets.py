# SPDX-License-Identifier: Apache-2.0
"""PINs and keys stay where they belong: in no argument, no environment, no message, no core file, no other file."""
import re
import subprocess

import pytest

import template
from conftest import programs

pytestmark = pytest.mark.plain  # strace and sanitizers do not go together


@pytest.fixture(scope="module", name="authority")
def make_authority(tmp_path_factory):
    """An authority that has never signed a release."""
    path = tmp_path_factory.mktemp("secrets") / "authority"
    template.authority(path)
    return path


def pins(authority):
    """Every PIN, by its file."""
    found = {path: path.read_bytes().strip() for path in authority.glob("tokens/*/*pin")}
    assert len(found) >= 20 and all(len(pin) >= 6 for pin in found.values())
    return found


def traced(authority, *arguments):
    """Run rota; all that it and its children execute and say, and what they do to their own core files."""
    trace = authority.parent / "trace"
    subprocess.run(["strace", "-f", "-qq", "-v", "-s", "65536", "-o", trace, "-e",
                    "trace=execve,write,writev,sendto,sendmsg,prctl,prlimit64,setrlimit",
                    programs()["rota"], "--dir", authority, *arguments], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return trace.read_bytes()


def test_a_pin_goes_nowhere(authority):
    payload = authority.parent / "payload"
    payload.write_bytes(b"payload")
    said = traced(authority, "release", "add", "--version", "1.0.0", "--raw", f"app={payload}",
                  "--hardware", "board-a")
    assert b"release.json" in said, "strace saw nothing"
    for path, pin in pins(authority).items():
        assert pin not in said, f"the PIN of {path} was said"


def test_what_holds_a_pin_leaves_no_core(authority):
    said = traced(authority, "publish")
    children = {pid for pid in re.findall(rb"^(\d+) +prctl\(PR_SET_DUMPABLE, (?:SUID_DUMP_DISABLE|0)\)", said, re.M)}
    limited = {pid for pid in re.findall(rb"^(\d+) .*RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}", said, re.M)}
    assert children and children <= limited


def test_what_makes_the_keys_of_a_device_leaves_no_core(authority, tmp_path):
    """These pass through the command itself, not only through the processes of the tokens."""
    said = traced(authority, "factory", "enrol", "--hardware", "board-a", "--out", tmp_path / "device")
    command = re.match(rb"(\d+) +execve", said).group(1)
    assert re.search(rb"^" + command + rb" +prctl\(PR_SET_DUMPABLE, (?:SUID_DUMP_DISABLE|0)", said, re.M)
    assert re.search(rb"^" + command + rb" .*RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}", said, re.M)


def test_no_other_file_has_a_pin(authority):
    secrets = pins(authority)
    for path in authority.rglob("*"):
        if path.is_file() and path not in secrets:
            data = path.read_bytes()
            assert not any(pin in data for pin in secrets.values()), path


def test_secrets_are_for_their_owner(authority):
    for path in [*pins(authority), authority / "server" / "key.pem"]:
        assert path.stat().st_mode & 0o077 == 0, path
