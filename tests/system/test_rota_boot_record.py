# SPDX-License-Identifier: Apache-2.0
"""What rota-boot measured (SPEC 10.7), read by Python from the specification, and held against a software TPM's PCR."""

import hashlib
import struct

import bootfiles
import pytest
import swtpm
from machine import Machine

ANCHORS, NUMBERS, ORDER, MEMBER, VERDICT = range(1, 6)


@pytest.fixture(scope="module")
def keys():
    return [bootfiles.new_key(), bootfiles.new_key()]


@pytest.fixture
def first(build, keys):
    payload = (build / "examples/sensor/sensor-1").read_bytes()
    return bootfiles.image(payload, keys, version=(1, 2, 3, 4), counter=7)


def entries(record):
    """Kind, value and bytes of each entry."""
    assert record[:8] == b"ROTAMBR\x01"
    at = 8
    while at < len(record):
        kind, length = struct.unpack_from("<BH", record, at)
        yield kind, record[at + 3 : at + 3 + length], record[at : at + 3 + length]
        at += 3 + length


def chain(record):
    value = bytes(32)
    for _, _, entry in entries(record):
        value = hashlib.sha256(value + hashlib.sha256(entry).digest()).digest()
    return value


def anchors(keys):
    """Of a ROM as bootfiles.rom() makes it, without a watchdog."""
    data = b"\x06sensor\x06demo-1" + bytes([len(keys)])
    for key in keys:
        data += b"\x01" + hashlib.sha256(bootfiles.spki(key)).digest()
    data += hashlib.sha256(b"recovery").digest() + bytes(4 + 4 + 4 + 1)
    return hashlib.sha256(data).digest()


def test_the_record_says_what_was_measured(build, tmp_path, keys, first):
    machine = Machine(build, bootfiles.device(tmp_path / "device", keys, first))
    shown = machine.boot()
    record = (machine.path / "run/record").read_bytes()
    kinds = {kind: value for kind, value, _ in entries(record)}
    assert sorted(kinds) == [ANCHORS, NUMBERS, MEMBER, VERDICT]
    assert kinds[ANCHORS] == anchors(keys)
    assert kinds[NUMBERS] == bytes(12)
    version = struct.pack("<Q", 1 << 56 | 2 << 48 | 3 << 32 | 4)
    assert kinds[MEMBER] == bytes([0, 0, 3]) + struct.pack("<I", 7) + version + (
        bootfiles.image_digest(first)
    )
    assert kinds[VERDICT] == bytes([0, 0])
    assert shown["chain"] == chain(record).hex()
    assert shown["components"][0]["digest"] == bootfiles.image_digest(first).hex()
    assert shown["components"][0]["version"] == "1.2.3+4"
    assert machine.boot()["chain"] == shown["chain"]  # nothing of one boot alone is in it
    text = machine.run("--record").stdout
    assert "by key 0, key 1" in text and f"chain       {shown['chain']}" in text


def test_another_device_of_the_kind_has_the_same_chain_and_another_key_another(
    build, tmp_path, keys, first
):
    chains = []
    for number, of in enumerate((keys, keys, keys[:1])):
        path = bootfiles.device(tmp_path / str(number), of, first)
        chains.append(Machine(build, path).boot()["chain"])
    assert chains[0] == chains[1] != chains[2]


@pytest.mark.parametrize("pcr", [8, 11])
def test_a_pcr_vouches_for_the_record(build, tmp_path, keys, first, pcr):
    with swtpm.Tpm(tmp_path / "tpm") as tpm:
        path = bootfiles.device(tmp_path / "device", keys, first)
        options = ["--tpm", tpm.tcti] + (["--pcr", str(pcr)] if pcr != 8 else [])
        machine = Machine(build, path, *options)
        assert tpm.pcr(pcr) == bytes(32)
        shown = machine.boot()
        assert tpm.pcr(pcr).hex() == shown["chain"]
        assert tpm.pcr(9) == bytes(32)
        machine.run("--show", *machine.options)
        assert tpm.pcr(pcr).hex() == shown["chain"]  # who only looks extends nothing


def test_no_record_and_a_damaged_one(build, tmp_path, keys, first):
    machine = Machine(build, bootfiles.device(tmp_path / "device", keys, first))
    result = machine.run("--record")
    assert result.returncode == 1 and "run/record" in result.stderr
    machine.boot()
    for damage in (b"", b"ROTAMBR\x02", (machine.path / "run/record").read_bytes()[:-1]):
        (machine.path / "run/record").write_bytes(damage)
        result = machine.run("--record", "--json")
        assert result.returncode == 1 and result.stdout == ""
        assert len(result.stderr.splitlines()) == 1
    assert machine.run("--pcr", "24", "--supervise").returncode == 2
    assert machine.run("--pcr", "8", "--record").returncode == 2
