# SPDX-License-Identifier: Apache-2.0
"""Images (SPEC 6), boot journals (SPEC 9, 10) and ROM records (SPEC 12), written from the specification
alone: what the C code reads here is not what the C code wrote."""

import hashlib
import pathlib
import struct
import zlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

COUNTER, PRODUCT, HARDWARE = 0x50, 0xA0, 0xA1
KEY_HASH, SHA256, SIGNATURE = 0x01, 0x10, 0x22
SECTOR, SECTORS, UNIT = 4096, 4, 16  # ports/slots_boot/layout.c


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def spki(key):
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def point(key):
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def tlv(kind, value):
    return struct.pack("<HH", kind, len(value)) + value


def image(payload, keys, version=(1, 0, 0, 0), product="sensor", hardware=("demo-1",), counter=1):
    """The bytes of an image signed by each of `keys`."""
    body = tlv(COUNTER, struct.pack("<I", counter)) + tlv(PRODUCT, product.encode())
    for name in hardware:
        body += tlv(HARDWARE, name.encode())
    protected = struct.pack("<HH", 0x6908, 4 + len(body)) + body
    header = struct.pack(
        "<IIHHIIBBHII", 0x96F3B83D, 0, 32, len(protected), len(payload), 0, *version, 0
    )
    signed = header + payload + protected
    digest = hashlib.sha256(signed).digest()
    tail = tlv(SHA256, digest)
    for key in keys:
        tail += tlv(KEY_HASH, hashlib.sha256(spki(key)).digest())
        tail += tlv(SIGNATURE, key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
    return signed + struct.pack("<HH", 0x6907, 4 + len(tail)) + tail


def image_digest(data):
    """SPEC 6.2, from the image's header."""
    protected, payload = struct.unpack_from("<HI", data, 10)
    return hashlib.sha256(data[: 32 + payload + protected]).digest()


def rom(keys, product="sensor", hardware="demo-1", counter=0, watchdog=None, nv=None):
    """`watchdog`: (period, bound, component); `nv`: {counter id: (index, base)}."""
    identity = new_key()

    def field(number, value):
        return struct.pack("<BH", number, len(value)) + value

    record = b"ROTAROM\x01" + field(1, product.encode()) + field(2, hardware.encode())
    for key in keys:
        record += field(3, b"\x01" + hashlib.sha256(spki(key)).digest() + point(key))
    record += field(4, hashlib.sha256(b"recovery").digest())
    record += field(5, hashlib.sha256(b"device").hexdigest().encode())
    record += field(6, struct.pack("<I", counter)) + field(7, hashlib.sha256(b"root").digest())
    record += field(8, spki(identity))
    if watchdog:
        record += field(9, struct.pack("<IIB", *watchdog))
    if nv:
        record += field(10, b"".join(struct.pack("<BIQ", i, *nv[i]) for i in sorted(nv)))
    return record + struct.pack("<I", zlib.crc32(record))


def boot_state(
    confirmed,
    digest,
    counter=0,
    phase=0,
    outcome=0,
    other=bytes(32),
    burn_to=None,
    wanted=0,
    key_floors=(0, 0),
    left_s=0,
    time_keys=(),
):
    """SPEC 10.1, a set of one component: `digest` in the place `confirmed`, `other` in the other."""
    burn_to = counter if burn_to is None else burn_to
    head = struct.pack("<8B", 2, 1, confirmed, phase != 0, phase, outcome, 0, 0)
    numbers = struct.pack("<4I", 0, counter, burn_to, wanted)
    order = struct.pack("<4B2I", *key_floors, 0xFF, 0, 0, 0) + bytes(32)
    watchdog = struct.pack("<IIB3x", left_s, 0, 0) + b"".join(time_keys).ljust(64, b"\0")
    places = digest + other if confirmed == 0 else other + digest
    return head + numbers + order + watchdog + places


def boot_state_1(confirmed, digest, counter=0):
    """Format 1, as an earlier release wrote it."""
    return struct.pack("<BBBBBBHI", 1, confirmed, 0xFF, 0, 0, 0, 0, counter) + bytes(32) + digest


def boot_state_set(confirmed, places, trial=0, phase=0, counter=0):
    """SPEC 10.1, a set of several: `places` has for each component the digests in its places 0 and 1."""
    head = struct.pack("<8B", 2, len(places), confirmed, trial, phase, 0, 0, 0)
    numbers = struct.pack("<4I", 0, counter, counter, 0)
    order = struct.pack("<4B2I", 0, 0, 0xFF, 0, 0, 0) + bytes(32)
    return head + numbers + order + bytes(76) + b"".join(a + b for a, b in places)


def padded(data):
    return data + b"\xff" * (-len(data) % UNIT)


def journal(payload):
    """A boot journal with one record."""
    head = struct.pack("<HBBI", 0x4A52, 1, 0, 1)
    seed = zlib.crc32(head)
    record = struct.pack("<HBBI", len(payload), 1, 1, 1) + payload
    record += struct.pack("<I", zlib.crc32(record, seed))
    data = padded(head + struct.pack("<I", seed)) + padded(record)
    return data.ljust(SECTOR * SECTORS, b"\xff")


def device(path, keys, first, capacity=8 << 20, **rom_args):
    """A device's directory whose confirmed image is `first`, in slot 0."""
    path = pathlib.Path(path)
    (path / "flash").mkdir(parents=True)
    (path / "run").mkdir()
    (path / "rom.bin").write_bytes(rom(keys, **rom_args))
    for number in (0, 1):
        with open(path / f"flash/slot{number}.bin", "wb") as f:
            f.truncate(capacity)
    put(path, 0, first)
    (path / "flash/boot.bin").write_bytes(journal(boot_state(0, image_digest(first))))
    return path


def device_set(path, keys, first, capacity=8 << 20, **rom_args):
    """A device of several components (SPEC 10.10): `first` has each one's name and confirmed image, in order."""
    path = pathlib.Path(path)
    (path / "flash").mkdir(parents=True)
    (path / "run").mkdir()
    (path / "rom.bin").write_bytes(rom(keys, **rom_args))
    for number, (name, data) in enumerate(first.items()):
        (path / f"flash/{number}-{name}").mkdir()
        for slot in (0, 1):
            with open(path / f"flash/{number}-{name}/slot{slot}.bin", "wb") as f:
                f.truncate(capacity)
        put(path, slot=0, data=data, folder=f"{number}-{name}")
    set_state_set(path, 0)
    return path


def digest_in(file):
    data = file.read_bytes()
    return image_digest(data) if any(data[:32]) else bytes(32)


def set_state_set(path, confirmed, **fields):
    """A boot state of the set that lies in flash: the images in the places `confirmed` are."""
    folders = sorted(f for f in (path / "flash").iterdir() if f.is_dir())
    places = [tuple(digest_in(f / f"slot{slot}.bin") for slot in (0, 1)) for f in folders]
    (path / "flash/boot.bin").write_bytes(journal(boot_state_set(confirmed, places, **fields)))


def put(path, slot, data, folder="."):
    """Write an image into a slot, over what it held."""
    with open(path / f"flash/{folder}/slot{slot}.bin", "r+b") as f:
        size = f.seek(0, 2)
        f.truncate(0)
        f.truncate(size)
        f.seek(0)
        f.write(data)


def ask_trial(path, slot, data):
    """The boot state that asks for a trial of `data` in `slot`; the other slot stays confirmed."""
    with open(path / f"flash/slot{1 - slot}.bin", "rb") as f:
        confirmed = image_digest(f.read())
    state = boot_state(1 - slot, confirmed, phase=1, other=image_digest(data))
    (path / "flash/boot.bin").write_bytes(journal(state))


def set_state(path, confirmed, **fields):
    """A boot state in which the image in slot `confirmed` is confirmed, and the other one is known."""
    digests = []
    for slot in (0, 1):
        with open(path / f"flash/slot{slot}.bin", "rb") as f:
            data = f.read()
        digests.append(image_digest(data) if any(data[:32]) else bytes(32))
    state = boot_state(confirmed, digests[confirmed], other=digests[1 - confirmed], **fields)
    (path / "flash/boot.bin").write_bytes(journal(state))
