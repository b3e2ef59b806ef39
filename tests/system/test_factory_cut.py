# SPDX-License-Identifier: Apache-2.0
"""A factory's talk that is cut, and one that somebody carries who means ill (SPEC 28.6, 29.1): whatever is lost, the device is made when
it comes again, once; whatever is changed on the way is found out."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import swtpm
from conftest import BUILD
from fleet import HARDWARE, PROGRAMS, Device, environment, run
from test_factory import Line, make_factory  # noqa: F401 - a fixture

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not shutil.which("swtpm"), reason="swtpm is not here")]

CARRIER = pathlib.Path(__file__).with_name("carrier.py")
MESSAGES = 7
KILLS = int(os.environ.get("ROTA_FACTORY_KILLS", "24"))  # of each side; each takes two seconds


def words(factory, device, *options, carrier=(), way=(), kind=("soft",)):
    way = [sys.executable, CARRIER, *carrier, "--"] if carrier else way
    return [PROGRAMS["rota"], "--dir", factory.authority, "factory", "station", "--hardware", HARDWARE, "--repository-url",
            f"https://localhost:{factory.ports['repo']}/repo", "--server-url", f"https://localhost:{factory.ports['device']}", *options, "--", *way,
            PROGRAMS["rota-agent"], "factory", "--at", device.dir, "--root-of-trust", *kind, "--image", factory.dir / "1.0.0.img",
            "--slot-size", "1"]


def make(factory, device, *options, **more):
    env = more.pop("env", None)
    return run(*words(factory, device, *options, **more), check=False, env=env)


def batch(factory, name):
    said = (json.loads(x) for x in factory.rota("factory", "check", "--json").splitlines())
    return next((x["made"], x["size"]) for x in said if x["batch"] == name)


def lines(factory, serial):
    """What the station's log says of it."""
    said = [json.loads(x) for x in (factory.authority / "station.log").read_text().splitlines()]
    return [x["did"] for x in said if x.get("serial") == serial]


# ---- cut ----


@pytest.mark.parametrize("deed", ["lose", "kill"])
def test_cut_at_each_message(factory, deed):
    """The last one is lost when the batch is full already: the device is in it."""
    size = ("--batch", f"cut-{deed}", "--batch-size", str(MESSAGES))
    for at in range(1, MESSAGES + 1):
        device, serial = Device(factory.dir / f"{deed}-{at}"), f"CUT-{deed}-{at}"
        done = make(factory, device, "--soft", "--serial", serial, *size, carrier=(deed, str(at)))
        if at < MESSAGES:  # whether the last word was heard nobody can know who says it
            assert done.returncode == (-signal.SIGKILL if deed == "kill" else 1), at
        assert not (device.dir / "state/born").exists(), at
        listed = [x for x in factory.enrolled() if x["serial"] == serial]
        assert len(listed) == (at == MESSAGES), at
        done = make(factory, device, "--soft", "--serial", serial, *size)
        assert done.returncode == 0, f"{at}: {done.stderr}"
        assert (device.dir / "state/born").exists()
        assert device.boot() == "1.0.0"
        again = [x for x in factory.enrolled() if x["serial"] == serial]
        assert len({(x["device"], x["idevid_spki"]) for x in again}) == 1 and len(again) == 1 + (at == MESSAGES)
        assert lines(factory, serial)[-1] == ("again" if at == MESSAGES else "made"), at
        assert batch(factory, f"cut-{deed}")[0] == at
    assert "is full" in make(factory, Device(factory.dir / f"{deed}-more"), "--soft", "--serial", f"CUT-{deed}-more", *size).stderr
    # what was made so works as any other
    device.once(check=3)


def killing(who, **more):
    """For the one process, and not for those that it starts."""
    env = {"LD_PRELOAD": BUILD / "tests/system/libkillat.so", "KILLAT_COMM": who, **more}
    if who == "rota":
        return {"env": environment(**env), "way": ["env", "-u", "LD_PRELOAD"]}
    return {"way": ["env", *(f"{name}={value}" for name, value in env.items())]}


@pytest.mark.parametrize("who", ["rota", "rota-agent"])
def test_killed_at_each_durable_call(factory, who, tmp_path):
    """The station's process, and the device's: between two calls, and in the middle of a write."""
    count = tmp_path / "count"
    one = make(factory, Device(factory.dir / f"{who}-count"), "--soft", "--serial", f"KC-{who}",
               **killing(who, KILLAT=0, KILLAT_COUNT=count))
    total = int(count.read_text())
    assert one.returncode == 0 and total > 1, one.stderr
    for at in range(1, total + 1, max(1, total // KILLS)):
        device, serial = Device(factory.dir / f"{who}-{at}"), f"K-{who}-{at}"
        make(factory, device, "--soft", "--serial", serial, **killing(who, KILLAT=at))
        done = make(factory, device, "--soft", "--serial", serial)
        if "has left a factory" in done.stderr:
            assert (device.dir / "state/born").exists()  # it heard the last word, and died behind it
        else:
            assert done.returncode == 0, f"killed at call {at} of {total}: {done.stderr}"
        assert device.boot() == "1.0.0"
        assert len({x["device"] for x in factory.enrolled() if x["serial"] == serial}) == 1
        shutil.rmtree(device.dir)
    factory.rota("factory", "check")


def test_killed_with_a_tpm(factory, tmp_path):
    """What lies in a TPM was made or was not, whatever the disk says: keys, counters, and the device's word on both."""
    count = tmp_path / "count"
    kind = ("tpm", "--tpm")
    with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as tpm:
        done = make(factory, Device(factory.dir / "tpm-count"), "--serial", "KT", kind=(*kind, tpm.tcti),
                    **killing("rota-agent", KILLAT=0, KILLAT_COUNT=count))
        assert done.returncode == 0, done.stderr
    total = int(count.read_text())
    for at in range(1, total + 1, max(1, total // max(1, KILLS // 3))):
        device, serial = Device(factory.dir / f"tpm-{at}"), f"KT-{at}"
        with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as tpm:
            make(factory, device, "--serial", serial, kind=(*kind, tpm.tcti), **killing("rota-agent", KILLAT=at))
            done = make(factory, device, "--serial", serial, kind=(*kind, tpm.tcti))
            if "has left a factory" in done.stderr:
                assert (device.dir / "state/born").exists()
            else:
                assert done.returncode == 0, f"killed at call {at} of {total}: {done.stderr}"
            assert device.boot() == "1.0.0"
            device.once(check=3)
    factory.rota("factory", "check")


def test_cut_between_list_and_log(factory):
    """The list has the device, the log has not: it waits until it comes again, and no other waits with it."""
    first, cut = Device(factory.dir / "between-1"), Device(factory.dir / "between-2")
    factory.rota("factory", "enlist")
    assert make(factory, first, "--soft", "--serial", "BETWEEN-1").returncode == 0
    make(factory, cut, "--soft", "--serial", "BETWEEN-2", carrier=("lose", "7"))
    log = factory.authority / "station.log"
    rows = log.read_bytes().splitlines(True)
    assert lines(factory, "BETWEEN-2") == ["made"] and b"BETWEEN-2" in rows[-1]
    log.write_bytes(b"".join(rows[:-1]))
    device = factory.enrolled()[-1]["device"][:16]
    for verb in ("check", "enlist"):
        done = run(PROGRAMS["rota"], "--dir", factory.authority, "factory", verb, check=False)
        assert done.returncode == 1 and f"lists device {device}" in done.stderr, done.stderr
    assert "1 devices are new" in done.stdout
    assert make(factory, cut, "--soft", "--serial", "BETWEEN-2").returncode == 0
    factory.rota("factory", "check")
    assert json.loads(factory.rota("factory", "enlist", "--json"))["taken"] == 1


def test_another_device_does_not_come_in_its_place(factory):
    """Who was listed comes again as the very same, or not at all."""
    first, other = Device(factory.dir / "place-1"), Device(factory.dir / "place-2")
    make(factory, first, "--soft", "--serial", "PLACE", carrier=("lose", "7"))
    assert "enrolled already" in make(factory, other, "--soft", "--serial", "PLACE").stderr
    assert make(factory, first, "--soft", "--serial", "PLACE").returncode == 0
    assert lines(factory, "PLACE") == ["made", "refused", "again"]


# ---- carried by somebody else ----


def point():
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


@pytest.mark.parametrize("message, field, value, says", [
    (3, 3, point(), "put in another"),  # a point of his own: he would read the factory secret
    (5, 3, b"-----BEGIN CERTIFICATE-----\n".hex(), "somebody on the way changed it"),  # a server of his own
    (5, 5, b"[device]\n".hex(), "somebody on the way changed it"),  # other settings
    (1, 4, "00000000", "somebody on the way changed it"),  # nothing to quote
    (6, 0, 32 * "00", "somebody on the way changed it"),  # another image
    (4, 4, 177 * "00", "put in another"),  # another secret
    (4, 4, "", "no factory secret"),  # none
], ids=["point", "server", "settings", "pcrs", "image", "secret", "nosecret"])
def test_who_carries_the_talk_changes_nothing(factory, request, message, field, value, says):
    device, serial = Device(factory.dir / f"carried-{request.node.callspec.id}"), f"C-{request.node.callspec.id}"
    secrets = ("--secrets", point())
    done = make(factory, device, "--soft", "--serial", serial, *secrets, carrier=(f"field:{field}:{value}", str(message)))
    assert done.returncode == 1 and says in done.stderr, done.stderr
    assert not [x for x in factory.enrolled() if x["serial"] == serial]
    assert not (device.dir / "state/born").exists()
    # without him it is made, with a secret that he never saw
    assert make(factory, device, "--soft", "--serial", serial, *secrets).returncode == 0
    assert len(factory.enrolled()[-1]["secret"]) == 2 * 177


# ---- what a TPM says ----


@pytest.fixture(name="tpm")
def start_tpm():
    with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as tpm:
        yield tpm


def test_a_tpm_quotes_what_it_booted(factory, tpm):
    device = Device(factory.dir / "quoted")
    kind = ("tpm", "--tpm", tpm.tcti)
    shown = hashlib.sha256(b"".join(tpm.pcr(n) for n in (0, 7, 16))).hexdigest()
    pcrs = ("--serial", "Q-1", "--pcrs", "0,7,16", "--pcr-digest")
    assert "booted something else" in make(factory, device, *pcrs, 64 * "a", kind=kind).stderr
    assert not [x for x in factory.enrolled() if x["serial"] == "Q-1"]
    done = make(factory, device, *pcrs, shown, "--json", kind=kind)
    assert done.returncode == 0 and json.loads(done.stdout)["pcrs"] == shown, done.stderr
    row, said = factory.enrolled()[-1], json.loads((factory.authority / "station.log").read_text().splitlines()[-1])
    assert re.fullmatch("000b[0-9a-f]{64}", row["quote_key"]) and (said["quote_key"], said["pcrs"]) == (row["quote_key"], shown)
    # who cannot quote cannot show it
    soft = make(factory, Device(factory.dir / "unquoted"), "--soft", "--serial", "Q-2", "--pcr-digest", shown)
    assert "quotes no PCRs" in soft.stderr
    assert make(factory, Device(factory.dir / "unquoted"), "--soft", "--serial", "Q-2", "--pcrs", "24").returncode == 2
    # it comes again, with the TPM that it had and no other
    rows = factory.authority / "enrolments"
    text = rows.read_text()
    (device.dir / "state/born").unlink()
    rows.write_text(text.replace(row["quote_key"], row["quote_key"][:-1] + ("0" if row["quote_key"][-1] != "0" else "1")))
    assert "another TPM" in make(factory, device, *pcrs, shown, kind=kind).stderr
    rows.write_text(text)
    assert make(factory, device, *pcrs, shown, kind=kind).returncode == 0
    # a quote that is cut off on its way is no quote
    other = Device(factory.dir / "cut-quote")
    shutil.rmtree(device.dir)
    with tempfile.TemporaryDirectory(prefix="rota-tpm-") as directory, swtpm.Tpm(directory) as fresh:
        done = make(factory, other, "--serial", "Q-3", kind=("tpm", "--tpm", fresh.tcti), carrier=("field:2:", "6"))
        assert "does not vouch for it" in done.stderr


# ---- the log's head ----


def test_a_head_elsewhere_holds_the_log(factory, tmp_path):
    heads = tmp_path / "heads"
    log, rows = factory.authority / "station.log", factory.authority / "enrolments"
    assert make(factory, Device(factory.dir / "head-1"), "--soft", "--serial", "HEAD-1").returncode == 0
    before = log.read_bytes(), rows.read_bytes()
    assert f"0 heads of {heads} fit" in factory.rota("factory", "check", "--heads", heads)
    assert make(factory, Device(factory.dir / "head-2"), "--soft", "--serial", "HEAD-2").returncode == 0
    assert f"1 heads of {heads} fit" in factory.rota("factory", "check", "--heads", heads)
    assert [json.loads(x)["lines"] for x in heads.read_text().splitlines()][0] < len(log.read_text().splitlines())
    after = log.read_bytes(), rows.read_bytes()
    # the device is taken out of both, so that they agree
    log.write_bytes(before[0])
    rows.write_bytes(before[1])
    try:
        factory.rota("factory", "check")
        done = run(PROGRAMS["rota"], "--dir", factory.authority, "factory", "check", "--heads", heads, check=False)
        assert done.returncode == 1 and "knows" in done.stderr and f"{heads} line 2" in done.stderr, done.stderr
        assert len(heads.read_text().splitlines()) == 2
    finally:
        log.write_bytes(after[0])
        rows.write_bytes(after[1])


def test_enlist_leaves_the_head_in_the_daemons_log(factory):
    assert make(factory, Device(factory.dir / "listed-1"), "--soft", "--serial", "LISTED-1").returncode == 0
    factory.rota("factory", "enlist")
    text = (factory.authority / "station.log").read_bytes()
    head = f"station.log {text.count(b'%c' % 10)} {hashlib.sha256(text.splitlines()[-1]).hexdigest()}".encode()
    found = [path for path in factory.signd.dir.rglob("*") if path.is_file() and head in path.read_bytes()]
    assert found
    assert head.decode() in factory.rota("factory", "check")


# ---- a device that its owner gives away ----


def told(factory, kind, device, body):
    """An operator's record (30.9)."""
    body = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(str(factory.dir / "serve/desk/operators.sock"))
        s.sendall(f"POST /v1/record/{kind}/{device} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = b"".join(iter(lambda: s.recv(4096), b""))
    status = int(answer.split()[1])
    return json.loads(answer.partition(b"\r\n\r\n")[2])["result"] if status == 200 else status


def test_a_wiped_device_is_made_anew_by_another_owner(factory, tpm):
    """Its identity stays; everything else is another's: id, certificates, anchors, counters, data keys. Its old owner's line stays what it was."""
    device, kind = Device(factory.dir / "given"), ("tpm", "--tpm", tpm.tcti)
    assert make(factory, device, "--serial", "GIVEN", kind=kind).returncode == 0
    old = factory.enrolled()[-1]
    factory.rota("factory", "enlist")
    assert device.boot() == "1.0.0"
    with tempfile.TemporaryDirectory(prefix="rota-owner-") as directory:
        os.chmod(directory, 0o755)
        with Line(directory, keys="other") as owner:
            owner.begin()
            assert "has left a factory" in make(owner, device, "--serial", "GIVEN", kind=kind).stderr
            device.agent("wipe", "--offline", "--yes", check=0)
            # the counters of before end with the old owner's device, and only if that is said
            refused = make(owner, device, "--serial", "GIVEN", kind=kind)
            assert "--take-over" in refused.stderr, refused.stderr
            done = make(owner, device, "--serial", "GIVEN", kind=(*kind, "--take-over"))
            assert done.returncode == 0, done.stderr
            new = owner.enrolled()[-1]
            assert new["idevid_spki"] == old["idevid_spki"] and new["quote_key"] == old["quote_key"]
            assert new["device"] != old["device"] and new["statement"] != old["statement"]
            assert json.loads(owner.rota("factory", "enlist", "--json"))["taken"] == 1
            assert new["device"].encode() in (device.dir / "rom.bin").read_bytes()
            # its old registry hears of it, and seals nothing to it any more
            assert told(factory, "owner", old["device"], {"by": "ann", "owner": "ben", "why": "sold"}) == "taken"
            assert told(factory, "edit", old["device"], {"by": "ann", "group": "lab", "why": "late"}) == 404
            # it goes by its new owner's repository from the root on
            assert device.boot() == "1.0.0"
            said = device.once(check=3)
            assert "step=report" not in said and "step=keys" not in said, said
