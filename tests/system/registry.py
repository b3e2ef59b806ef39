# SPDX-License-Identifier: Apache-2.0
"""Statements of devices (SPEC 35.1) and rows of the registry (30.2), made and read by code that shares nothing with Rota's; and a token with
the registry's key, as rota-seald makes it."""
import hashlib
import hmac
import os
import struct
import subprocess

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import softhsm
from paths import BUILD, PATIENCE
from test_signd_certificate import Device, point, signed

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so")
PROVED, STATE, ANEW, GONE = 1, 2, 3, 4


class Key:
    """registry.key in a folder, and its token."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "tokens").mkdir(parents=True)
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n", encoding="utf-8")
        for name, text in (("pin", "2718-of-a-test\n"), ("so-pin", "31415926\n")):
            (folder / name).write_text(text, encoding="ascii")
            (folder / name).chmod(0o600)
        self.token = (f"module = {next(m for m in MODULES if os.path.exists(m))}\nlabel = seald\npin_file = {folder}/pin\n"
                      f"environment = SOFTHSM2_CONF={folder}/softhsm2.conf\n")
        (folder / "seald.ini").write_text(f"[seald]\nproduct = sensor\nstate = {folder}/state\n[token]\n{self.token}so_pin_file = {folder}/so-pin\n",
                                          encoding="utf-8")
        subprocess.run([BUILD / "apps/rota-seald/rota-seald", "make", "--config", folder / "seald.ini"], check=True, capture_output=True,
                       timeout=120 * PATIENCE)
        self.file = folder / "state/registry.key"

    def ini(self):
        return f"[registry sensor]\nkey = {self.file}\n{self.token}"

    def plain(self):
        """The key itself, as a thief of the token's files and PIN would have it."""
        keys = softhsm.secret_keys(self.folder / "tokens", (self.folder / "pin").read_bytes().strip())
        form = self.file.read_bytes()
        return AESGCM(keys["registry"]).decrypt(form[:12], form[12:], b"rota-registry-v1")


def statement(device, kind, number, rest, by=None):
    body = b"ROTASTM\x01" + bytes([kind]) + device.id + struct.pack("<I", number) + rest
    return body + signed(by or device.key, b"rota-statement-v1" + body)


def anew(device, number, agree, **by):
    return statement(device, ANEW, number, point(agree), **by)


def proved(device, number, agree, purpose, generation, **by):
    return statement(device, PROVED, number, bytes([purpose]) + struct.pack("<I", generation) + bytes(96) + point(agree), **by)


def gone(device, number, **by):
    return statement(device, GONE, number, b"", **by)


class Row:
    """SPEC 30.2"""

    def __init__(self, data, key):
        assert len(data) == 256 and data[:8] == b"ROTAROW\x01" and not any(data[216:224])
        assert data[8:16] == hashlib.sha256(b"sensor").digest()[:8]
        assert data[224:] == hmac.new(key, b"rota-row-v1" + data[:224], "sha256").digest()
        self.data, self.id, self.identity, self.agree = data, data[16:48], data[48:113], data[113:178]
        self.counter, self.flags = struct.unpack("<IB", data[178:183])
        self.proved = struct.unpack("<8I", data[184:216])


__all__ = ["Device", "Key", "Row", "anew", "gone", "point", "proved", "statement"]
