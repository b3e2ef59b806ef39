# SPDX-License-Identifier: Apache-2.0
"""What rota-seald keeps, read from SPEC 31.6, 33 and 37 by who has its token's keys: an independent way to the keys of each device."""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


def public(key):
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def hpke(private, peer, enc, receiver, info, psk=b"", psk_id=b""):
    """RFC 9180, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, mode_psk where there is a psk (31.1): the AEAD, and the nonce of its
    only message."""
    def extract(suite, salt, label, value):
        return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + value, hashlib.sha256).digest()

    def labeled(suite, prk, label, value, length):
        return expand(prk, struct.pack(">H", length) + b"HPKE-v1" + suite + label + value, length)
    kem, suite = b"KEM" + b"\0\x10", b"HPKE" + b"\0\x10\0\1\0\1"
    dh = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), peer))
    shared = labeled(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + receiver, 32)
    context = bytes([bool(psk)]) + extract(suite, b"", b"psk_id_hash", psk_id) + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", psk)
    return AESGCM(labeled(suite, secret, b"key", context, 16)), labeled(suite, secret, b"base_nonce", context, 12)


def hpke_open(key, enc, info, aad, sealed):
    """By the receiver, in mode_base."""
    aead, nonce = hpke(key, enc, enc, public(key), info)
    return aead.decrypt(nonce, sealed, aad)


def hpke_seal(point, info, aad, plain, psk=b"", psk_id=b""):
    """enc, ciphertext and tag."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    enc = public(ephemeral)
    aead, nonce = hpke(ephemeral, point, enc, point, info, psk, psk_id)
    return enc, aead.encrypt(nonce, plain, aad)


def handed(data, key):
    """Device id to its two keys, by who has the private half (37.12)."""
    assert data[:8] == b"ROTAHND\1" and data[173:176] == bytes(3)
    size, = struct.unpack("<I", data[48:52])
    assert data[52:60] == hashlib.sha256(b"rota-hpke-v1" + public(key)).digest()[:8]
    file_key = hpke_open(key, data[60:125], b"rota-hand-v1", data[:60], data[125:173])
    length = 16 * data[43]
    found, at = {}, 176
    for chunk in range((size + CHUNK - 1) // CHUNK):
        end = at + (32 + 2 * length) * min(CHUNK, size - CHUNK * chunk) + 16
        plain = AESGCM(file_key).decrypt(struct.pack(">QI", 0, chunk), data[at:end], data[:176])
        for n in range(0, len(plain), 32 + 2 * length):
            found[plain[n:n + 32]] = plain[n + 32:n + 32 + length], plain[n + 32 + length:n + 32 + 2 * length]
        at = end
    assert at == len(data) and len(found) == size
    return found
