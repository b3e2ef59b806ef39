# SPDX-License-Identifier: Apache-2.0
"""SoftHSM's store, read as a thief of its files and PIN would: the private keys of a token, as bytes.

Formats as of SoftHSM 2.6 (SecureDataManager, ObjectFile): an object is a generation and attributes (type, kind, value); what is
private is AES-256-CBC, IV before it, under a key of the token, which lies under one that SHA-256 makes of salt and PIN."""
import hashlib
import os
import struct
import subprocess

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

USER_PIN, CLASS, VALUE, LABEL, PRIVATE_KEY, SECRET_KEY = 0x8000534D, 0, 0x11, 3, 3, 4
ID, SENSITIVE, EXTRACTABLE, SIGN = 0x102, 0x103, 0x162, 0x108


def attributes(path):
    data, at, found = path.read_bytes(), 8, {}
    while at < len(data):
        name, kind = struct.unpack(">QQ", data[at:at + 16])
        at += 16
        length = {1: 1, 2: 8}.get(kind)
        if length is None:
            length, = struct.unpack(">Q", data[at:at + 8])
            at += 8
        found[name] = data[at:at + length] if kind > 2 else int.from_bytes(data[at:at + length], "big")
        at += length
    return found


def unseal(key, data):
    cipher = Cipher(algorithms.AES(key), modes.CBC(data[:16])).decryptor()
    text = cipher.update(data[16:]) + cipher.finalize()
    return text[:-text[-1]]


def token_key(token, pin):
    sealed = token[USER_PIN]
    key = hashlib.sha256(sealed[:8] + pin).digest()
    for _ in range(1500 + sealed[7] - 1):
        key = hashlib.sha256(key).digest()
    text = unseal(key, sealed[8:])
    assert text[:3] == b"RJR", "another PIN, or another format of SoftHSM"
    return text[3:]


def private_keys(store, pin):
    """Label to private scalar, of each EC key in a store of one token."""
    found = {}
    for token in store.rglob("token.object"):
        key = token_key(attributes(token), pin)
        for path in token.parent.glob("*.object"):
            a = attributes(path) if path != token else {}
            if a.get(CLASS) == PRIVATE_KEY and VALUE in a:
                found[unseal(key, a[LABEL]).decode()] = unseal(key, a[VALUE])
    return found


def secret_keys(store, pin):
    """Label to value, of each AES key in a store of one token."""
    found = {}
    for token in store.rglob("token.object"):
        key = token_key(attributes(token), pin)
        for path in token.parent.glob("*.object"):
            a = attributes(path) if path != token else {}
            if a.get(CLASS) == SECRET_KEY and VALUE in a:
                found[unseal(key, a[LABEL]).decode()] = unseal(key, a[VALUE])
    return found


def objects(store, pin):
    """Of each secret key in a store of one token: label, id, value, whether it is sensitive, extractable, and signs."""
    found = []
    for token in store.rglob("token.object"):
        key = token_key(attributes(token), pin)
        for path in token.parent.glob("*.object"):
            a = attributes(path) if path != token else {}
            if a.get(CLASS) == SECRET_KEY:
                found.append((unseal(key, a[LABEL]).decode(), unseal(key, a[ID]), unseal(key, a[VALUE]),
                              *(a[flag] != 0 for flag in (SENSITIVE, EXTRACTABLE, SIGN))))
    return sorted(found)


def point(scalar):
    """Of a P-256 key: what is public of it."""
    numbers = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1()).public_key().public_numbers()
    return b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


class Token:
    """A token of its own in `directory`, as a device's secure element."""

    MODULE = "/usr/lib/softhsm/libsofthsm2.so"

    def __init__(self, directory, label="element"):
        self.label, self.conf, self.pin_file = label, directory / "softhsm2.conf", directory / "pin"
        store = directory / "tokens"
        store.mkdir()
        self.conf.write_text(f"directories.tokendir = {store}\nobjectstore.backend = file\n")
        self.pin_file.write_text("123456\n")
        self.pin_file.chmod(0o600)
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "654321", "--pin", "123456"],
                       env={**os.environ, "SOFTHSM2_CONF": str(self.conf)}, check=True, capture_output=True, timeout=60)

    def words(self):
        """Options of `rota-agent factory`."""
        return ["--module", self.MODULE, "--token", self.label, "--pin-file", self.pin_file,
                "--environment", f"SOFTHSM2_CONF={self.conf}"]
