# SPDX-License-Identifier: Apache-2.0
"""What rota-seald keeps, read from SPEC 31.6, 33 and 37 by who has its token's keys: an independent way to the keys of each device."""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

PURPOSES = {"telemetry": 1, "link": 2, "storage": 3, "firmware": 4, "auth": 5}
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")  # in front of a point on P-256
CHUNK = 1024


def expand(key, info, length):
    return HKDFExpand(SHA256(), length, info).derive(key)


def unwrap(key, form, aad):
    """37.1, 37.4, 37.5"""
    return AESGCM(key).decrypt(form[:12], form[12:], aad)


def copies(data, wrap_key):
    """The campaign key, and the secrets in the order of the tree (37.1, 37.2)."""
    campaign, salt, size = data[8:40], data[60:76], struct.unpack("<I", data[48:52])[0]
    key = unwrap(wrap_key, data[76:136], b"rota-copies-v1" + campaign)
    secrets, at = [], 140
    for chunk in range((size + CHUNK - 1) // CHUNK):
        length = 32 + 32 * min(CHUNK, size - CHUNK * chunk)
        piece = data[at:at + length]
        chunk_key = expand(key, b"rota-copies-v1" + salt + piece[:16] + struct.pack("<I", chunk), 32)
        plain = AESGCM(chunk_key).decrypt(bytes(12), piece[16:], data[:140])
        secrets += [plain[n:n + 32] for n in range(0, len(plain), 32)]
        at += length
    assert at == len(data)
    return key, secrets


def rows(export):
    """Device id and identity point of each row (30.2, 30.3)."""
    return [(export[at + 16:at + 48], export[at + 48:at + 113]) for at in range(32, len(export), 256)]


def order(export, campaign):
    """Device ids in the order of a tree in which all of the export are (33.2, 8.5)."""
    label = bytes.fromhex(campaign)
    found = {hashlib.sha256(b"rota-tag-v1" + struct.pack(">H", len(label)) + label + SPKI + point).digest()[:16]: device
             for device, point in rows(export)}
    return [found[locator] for locator in sorted(found)]


def derive(secret, purpose, use, generation, device, length):
    """31.6"""
    prk = hmac.new(b"rota-keys-v1", secret, hashlib.sha256).digest()
    return expand(prk, b"rota-key-v1" + bytes([PURPOSES[purpose], use]) + struct.pack("<I", generation) + device, length)
