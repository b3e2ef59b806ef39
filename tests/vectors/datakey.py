#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors of SPEC 31.4 to 31.6: prints datakey.inc, which is checked in beside this script.

Written from SPEC.md alone, with Python's hmac and hashlib, so that the C code has an independent opinion to
agree with:  ./datakey.py > datakey.inc
"""
import hashlib
import hmac

SECRET = bytes(range(32))
DEVICE = bytes(range(0xa0, 0xa0 + 32))
POINT = bytes(range(65))


def code(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(prk, info, length):
    out, block, number = b"", b"", 0
    while len(out) < length:
        number += 1
        block = code(prk, block + info + bytes([number]))
        out += block
    return out[:length]


def length_of(use, cipher):
    return {1: 16, 2: 32}[cipher] if use in (1, 2, 3, 4) else 32


def derive(secret, purpose, use, generation, device, length):
    info = b"rota-key-v1" + bytes([purpose, use]) + generation.to_bytes(4, "little") + device
    return expand(code(b"rota-keys-v1", secret), info, length)


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Printed by datakey.py; SPEC 31.4 to 31.6. Secret: 00 to 1f, device: a0 to bf, point: 00 to 40. */")
    print("\nstatic const struct {\n\tuint8_t purpose, cipher;\n\tuint32_t generation;\n\tenum rota_key_use use;\n"
          "\tconst char *key;\n} datakey_vectors[] = {")
    for purpose, cipher, generation in ((1, 1, 1), (3, 2, 0x01020304), (5, 1, 0xffffffff)):
        for use in range(7):
            key = derive(SECRET, purpose, use, generation, DEVICE, length_of(use, cipher))
            print(f'\t{{ {purpose}, {cipher}, {generation}u, (enum rota_key_use){use}, "{key.hex()}" }},')
    factory = derive(SECRET, 0, 6, 0, DEVICE, 32)
    print("};")
    print(f'\n#define FACTORY_PSK "{factory.hex()}"')
    print(f'#define FACTORY_PSK_ID "{code(factory, b"rota-pskid-v1")[:8].hex()}"')
    print(f'#define AGREE_ID "{hashlib.sha256(b"rota-hpke-v1" + POINT).digest()[:8].hex()}"')


if __name__ == "__main__":
    main()
