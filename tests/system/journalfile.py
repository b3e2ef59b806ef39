# SPDX-License-Identifier: Apache-2.0
"""An ingest journal (host/ingest/record.h) written by hand, and the records of the registry (SPEC 30) in it."""
import datetime
import hashlib
import json
import struct
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ENROL, STATEMENT, ROW, CAMPAIGN, OWNER, EDIT = range(4, 10)
STORAGE = 3


def crc(data):
    return data + struct.pack("<I", zlib.crc32(data))


def write(folder, records, time_ms=1_800_000_000_000):
    """(type, device id in bytes, payload) each; received a second apart."""
    folder.mkdir()
    out = crc(b"ROTASEG\1" + struct.pack("<QQ", 1, 1))
    for n, (kind, device, payload) in enumerate(records, 1):
        out += crc(b"RR" + struct.pack("<BBIQQQ", kind, 1, len(payload), n, n - 1, time_ms + 1000 * n) + device + payload)
    (folder / "0000000001.seg").write_bytes(out)


def text(kind, device, **members):
    members = {"by": "ann", "why": "as asked"} | members
    return kind, device, json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


class Device:
    """A device as the registry sees it: signatures and HMACs are for others to look at."""

    def __init__(self, number, product="sensor"):
        self.id = struct.pack(">I", number) + b"\xdd" * 28
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.point = self.key.public_key().public_bytes(serialization.Encoding.X962,
                                                        serialization.PublicFormat.UncompressedPoint)
        self.product, self.serial = product, f"SN-{number}"
        self.counter, self.said, self.proved = 1, 0, {}

    def row(self):
        agree = b"\4" + hashlib.sha256(self.id + bytes([self.counter])).digest() * 2
        proved = b"".join(struct.pack("<I", self.proved.get(p, 0)) for p in range(1, 9))
        return (b"ROTAROW\1" + hashlib.sha256(self.product.encode()).digest()[:8] + self.id + self.point + agree
                + struct.pack("<I", self.counter) + bytes(2) + proved + bytes(8) + bytes(32))

    def enrol(self):
        name = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, self.serial)])
        cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                .serial_number(7).not_valid_before(datetime.datetime(2026, 1, 1))
                .not_valid_after(datetime.datetime(9999, 12, 31)).sign(self.key, hashes.SHA256()))
        return ENROL, self.id, self.row() + cert.public_bytes(serialization.Encoding.DER)

    def statement(self, kind, number, rest=b""):
        return STATEMENT, self.id, b"ROTASTM\1" + bytes([kind]) + self.id + struct.pack("<I", number) + rest + bytes(64)

    def prove(self, purpose, generation):
        self.counter += 1
        self.proved[purpose] = generation
        rest = struct.pack("<BI", purpose, generation) + b"\xca" * 32 + bytes(64) + b"\4" + bytes([self.counter]) * 64
        return self.statement(1, self.counter, rest)

    def state(self, purpose, active, held_from, needed_from):
        self.said += 1
        return self.statement(2, self.said, struct.pack("<BBIIIIII", 1, purpose, active, 0, active, held_from, needed_from, 0))

    def gone(self):
        self.said += 1
        return self.statement(4, self.said)
