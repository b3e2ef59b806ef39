#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors of SPEC 30.2, 30.3, 31.3, 33 and 35: writes keys_*.inc, which are checked in beside this script.

Written from SPEC.md alone, with hashlib, hmac and zlib, so that the C code has an independent opinion to agree
with.
"""
import hashlib
import hmac
import pathlib
import struct
import zlib

CAMPAIGN = hashlib.sha256(b"campaign").digest()
DEVICE = hashlib.sha256(b"device").digest()
NONCE = hashlib.sha256(b"nonce").digest()
CONFIRM = hashlib.sha256(b"confirm").digest()
REGISTRY = hashlib.sha256(b"registry").digest()
POINT = b"\x04" + hashlib.sha256(b"x").digest() + hashlib.sha256(b"y").digest()
IDENTITY = b"\x04" + hashlib.sha256(b"i").digest() + hashlib.sha256(b"j").digest()
SIG = hashlib.sha256(b"r").digest() + hashlib.sha256(b"s").digest()


def sha(data):
    return hashlib.sha256(data).digest()


# ---- bundles: the i-th of a tree of `size`, as the C test makes it too ----

def locator(i, size):
    return struct.pack(">QQ", i * ((2**64 - 1) // size), i)


def bundle(i, size):
    mode = i & 1
    out = struct.pack("<BBI", 1, mode, i) + locator(i, size) + struct.pack(">Q", i + 1)
    out += (struct.pack(">Q", i + 2) if mode else bytes(8))
    out += bytes((i + k) & 255 for k in range(65 + 32 + 16))
    assert len(out) == 151
    return out


# ---- RFC 9162 2.1.1, 2.1.3 ----

def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def node(left, right):
    return sha(b"\x01" + left + right)


def root_of(hashes):
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node(root_of(hashes[:k]), root_of(hashes[k:]))


def proof_of(index, hashes):
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return proof_of(index, hashes[:k]) + [root_of(hashes[k:])]
    return proof_of(index - k, hashes[k:]) + [root_of(hashes[:k])]


# ---- the file (33.4) ----

def tiles(leaves):
    """All tiles, level by level, and how many levels."""
    out, level, bottom = [], 0, leaves
    while True:
        tops = []
        for at in range(0, len(bottom), 256):
            row = bottom[at:at + 256]
            for _ in range(8):
                out += row
                row = [node(*row[i:i + 2]) if i + 1 < len(row) else row[i] for i in range(0, len(row), 2)]
            tops += row
        level += 1
        if len(tops) == 1:
            return b"".join(out), level
        bottom = tops


def keys_file(size, tree):
    bundles = [bundle(i, size) for i in range(size)]
    leaves = [sha(b"\x00" + b) for b in bundles]
    below = [0] * 65537
    for b in bundles:
        below[int.from_bytes(b[6:8], "big") + 1] += 1
    for i in range(1, 65537):
        below[i] += below[i - 1]
    tail, levels = tiles(leaves)
    body = struct.pack("<65537I", *below) + b"".join(bundles) + tail
    root = root_of(leaves)
    head = b"ROTAKEYS" + struct.pack("<BBHHBBII", 1, 0, 151, tree, 8, levels, size, 0) + CAMPAIGN + root
    head += struct.pack("<Q", 128 + len(body)) + bytes(28)
    return head + struct.pack("<I", zlib.crc32(head)) + body, root


def answer(index, size, tree):
    leaves = [sha(b"\x00" + bundle(i, size)) for i in range(size)]
    proof = proof_of(index, leaves)
    head = b"ROTABNR\x01" + struct.pack("<HBBI", tree, len(proof), 0, size) + NONCE
    return head + bundle(index, size) + b"".join(proof), root_of(leaves)


# ---- statements (35) ----

def statement(kind, number, rest):
    return b"ROTASTM\x01" + struct.pack("<B", kind) + DEVICE + struct.pack("<I", number) + rest


def proof(purpose, generation):
    what = b"rota-proof-v1" + NONCE + DEVICE + struct.pack("<BI", purpose, generation) + CAMPAIGN + POINT
    return hmac.digest(CONFIRM, what, "sha256")


def holding(purpose):
    return struct.pack("<B6I", purpose, 10 * purpose, 10 * purpose + 1, 10 * purpose + 2, 3, 4, purpose | 1 << 31)


def row():
    body = b"ROTAROW\x01" + sha(b"sensor")[:8] + DEVICE + IDENTITY + POINT
    body += struct.pack("<IBB8I", 7, 1, 0, *range(100, 108)) + bytes(8)
    assert len(body) == 224
    return body + hmac.digest(REGISTRY, b"rota-row-v1" + body, "sha256")


class Table:
    """One .inc file: what one test needs, as what is not used is an error to the compiler."""

    def __init__(self, name, clauses, **texts):
        self.path = pathlib.Path(__file__).resolve().parent / f"keys_{name}.inc"
        self.lines = ["/* SPDX-License-Identifier: Apache-2.0 */", f"/* Written by keys.py; SPEC {clauses}. */", ""]
        self.lines += [f'static const char v_{key}[] = "{data.hex()}";' for key, data in texts.items()]

    def rows(self, members, name, rows):
        self.lines += ["", "static const struct {", *(f"\t{m};" for m in members), f"}} {name}[] = {{"]
        self.lines += ["\t{ " + ", ".join(f'"{c.hex()}"' if isinstance(c, bytes) else str(c) for c in row) + " }," for row in rows]
        self.lines.append("};")
        return self

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n", encoding="ascii")


def main():
    info = b"rota-bundle-v1" + struct.pack("<BBBH", 1, 3, 2, 0x0102) + CAMPAIGN
    info += struct.pack("<IQ", 0x01020304, 0x0102030405060708) + DEVICE
    Table("terms", "31.3", campaign=CAMPAIGN, device=DEVICE, info=info).write()
    export = b"ROTAEXP\x01" + sha(b"sensor")[:8] + struct.pack("<I", 0x010203) + bytes(12)
    Table("rows", "30.2, 30.3", device=DEVICE, identity=IDENTITY, point=POINT, registry=REGISTRY, row=row(),
          export=export).write()
    bodies = {
        "proved": statement(1, 5, struct.pack("<BI", 3, 9) + CAMPAIGN + NONCE + proof(3, 9) + POINT),
        "state": statement(2, 6, b"\x02" + holding(1) + holding(3)),
        "anew": statement(3, 1, POINT),
        "kept": statement(3, 8, POINT + b"\x02" + struct.pack("<BIBI", 1, 10, 3, 30)),
        "gone": statement(4, 8, b""),
    }
    Table("possession", "35.3", confirm=CONFIRM, proved=bodies["proved"] + SIG).write()
    Table("statements", "35.1", campaign=CAMPAIGN, point=POINT).rows(
        ["const char *name, *signed_body, *digest"], "statement_vectors",
        [(f'"{name}"', body + SIG, sha(b"rota-statement-v1" + body)) for name, body in bodies.items()]).write()
    Table("answers", "33.3, 33.6", nonce=NONCE).rows(
        ["const char *bytes, *root"], "answer_vectors",
        [answer(*of) for of in ((0, 1, 0), (1, 2, 63), (3, 10, 1), (256, 257, 2), (17, 300, 0))]).write()
    files = []
    for size in (1, 2, 3, 10, 128, 129, 255, 256, 257, 511, 65535, 65536, 65537):
        data, root = keys_file(size, 5)
        files.append((size, root, sha(data)))
    Table("files", "33.2 to 33.4", campaign=CAMPAIGN).rows(
        ["uint32_t size", "const char *root, *file /* SHA-256 of it */"], "file_vectors", files).write()


main()
