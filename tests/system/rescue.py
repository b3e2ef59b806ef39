# SPDX-License-Identifier: Apache-2.0
"""Recovery orders made, signed and packed, images that no device has a key of, and a device that follows them."""
import os

import pytest
from cryptography.hazmat.primitives import serialization

import bootfiles
from fleet import HARDWARE, PRODUCT, Device


def foreign(payload, version, counter=0, hardware=HARDWARE):
    """An image of this product under a key that no device of it knows."""
    major, minor, revision = (int(x) for x in version.split("."))
    return bootfiles.image(payload.read_bytes(), [bootfiles.new_key()], version=(major, minor, revision, 0),
                           product=PRODUCT, hardware=(hardware,), counter=counter)


def foreign_image(fleet, version, counter=0, hardware=HARDWARE):
    out = fleet.dir / f"rescue-{version}-{counter}-{hardware}.img"
    out.write_bytes(foreign(fleet.payload(version), version, counter, hardware))
    return out


def small_image(fleet, version):
    """One that is soon over a slow line; made once."""
    out = fleet.dir / f"small-{version}.img"
    if not out.exists():
        out.write_bytes(foreign(fleet.payload(version, size=64), version))
    return out


def make(fleet, name, *options, hardware=HARDWARE):
    order = fleet.dir / f"{name}.json"
    order.unlink(missing_ok=True)  # of another row
    fleet.rota("recovery", "make", "--hardware", hardware, *options, order)
    return order


def sign(fleet, order, tokens=("recovery-1", "recovery-3")):
    for token in tokens:
        fleet.rota("recovery", "sign", "--yes", "--token", token, order)
    return order


def pack(fleet, order, *options):
    out = order.with_suffix(".pack")
    fleet.rota("recovery", "pack", "--out", out, *options, order)
    return out


@pytest.fixture(scope="module")
def factory(fleet):
    device = fleet.device("factory")
    device.add("[poll]\nretry_first = 1s\n")
    return device.snapshot(fleet.dir / "factory-new")


@pytest.fixture
def device(fleet, factory):
    it = Device(fleet.dir / "factory")
    it.restore(factory)
    return it


def follow(device, version, rounds=6):
    """Agent and boot by turns until this version is confirmed. The network may say what it likes."""
    for _ in range(rounds):
        device.agent("--once")
        device.boot()
        status = device.status()
        if status["installed"] == version and status["pending"] == "none":
            break
    assert device.booted()["version"] == version
    assert device.booted()["kind"] == "confirmed"
    assert status["installed"] == version


def public_pem(fleet, key):
    out = fleet.dir / "added.pem"
    out.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return out


def brick(device):
    """Neither slot holds an image any more."""
    for slot in ("slot0", "slot1"):
        path = device.dir / "flash" / f"{slot}.bin"
        size = path.stat().st_size
        path.write_bytes(b"")
        os.truncate(path, size)
