#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors of SPEC 36.1 and 36.2: prints sealed.inc, which is checked in beside this script.

Written from SPEC.md alone, with Python's hmac and cryptography, so that the C code has an independent opinion to
agree with:  ./sealed.py > sealed.inc
"""
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from datakey import expand

DEVICE = b"a device of thirty-two bytes...."
KEY = b"sixteen bytes, and sixteen more\0"
EPOCH = b"epoch of sixteen"
PLAIN = b"twenty bytes of text"
CONTEXT = b"record 5"
PURPOSE, USE, GENERATION = 3, 3, 3
OPENING, COUNT = 0x01020304, 5


def seal(length):
    nonce = OPENING.to_bytes(4, "big") + COUNT.to_bytes(8, "big")
    head = (bytes([1, USE, 0, 0]) + GENERATION.to_bytes(4, "little") + EPOCH + nonce
            + len(PLAIN).to_bytes(4, "little"))
    key = expand(KEY[:length], b"rota-record-v1" + EPOCH, length)
    return head + AESGCM(key).encrypt(nonce, PLAIN, head + bytes([PURPOSE]) + DEVICE + CONTEXT)


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Printed by sealed.py; SPEC 36.1 and 36.2. */")
    print(f'#define SEALED_128 "{seal(16).hex()}"')
    print(f'#define SEALED_256 "{seal(32).hex()}"')


if __name__ == "__main__":
    main()
