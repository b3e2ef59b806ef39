# SPDX-License-Identifier: Apache-2.0
"""Trees of key bundles (SPEC 33.4) and their confirmation keys (37.3), made and read from SPEC.md alone."""
import hashlib
import hmac
import os
import struct
import sys
import zlib

from cryptography.hazmat.primitives import serialization

from paths import TOP

sys.path.insert(0, str(TOP / "tests/vectors"))
import keys as vectors  # noqa: E402 - it lies there


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def locator(campaign, key):
    """The tag of 8.5."""
    return hashlib.sha256(b"rota-tag-v1" + struct.pack(">H", len(campaign)) + campaign + spki(key)).digest()[:16]


class Tree:
    """Bundles of nothing for these identities (private keys), in a folder."""

    def __init__(self, campaign, number, identities):
        self.campaign, self.number = campaign, number
        order = sorted(identities, key=lambda key: locator(campaign, key))
        self.bundles = [struct.pack("<BBI", 1, 0, i) + locator(campaign, key) + os.urandom(8) + bytes(8) + os.urandom(113)
                        for i, key in enumerate(order)]
        self.confirm = [os.urandom(32) for _ in order]
        self.place = {spki(key): i for i, key in enumerate(order)}
        self.leaves = [hashlib.sha256(b"\0" + b).digest() for b in self.bundles]
        self.root = vectors.root_of(self.leaves)

    def bundle_of(self, key):
        return self.bundles[self.place[spki(key)]]

    def confirm_of(self, key):
        return self.confirm[self.place[spki(key)]]

    def head(self, magic, width, height, levels, length):
        head = magic + struct.pack("<BBHHBBII", 1, 0, width, self.number, height, levels, len(self.bundles), 0)
        head += self.campaign + self.root + struct.pack("<Q", length) + bytes(28)
        return head + struct.pack("<I", zlib.crc32(head))

    def keys_file(self):
        below = [0] * 65537
        for one in self.bundles:
            below[int.from_bytes(one[6:8], "big") + 1] += 1
        for i in range(1, 65537):
            below[i] += below[i - 1]
        tail, levels = vectors.tiles(self.leaves)
        body = struct.pack("<65537I", *below) + b"".join(self.bundles) + tail
        return self.head(b"ROTAKEYS", 151, 8, levels, 128 + len(body)) + body

    def confirm_file(self):
        return self.head(b"ROTACNF\1", 32, 0, 0, 128 + 32 * len(self.confirm)) + b"".join(self.confirm)

    def write(self, folder):
        """Renamed in, whole."""
        folder.mkdir(parents=True, exist_ok=True)
        for kind, data in (("confirm", self.confirm_file()), ("keys", self.keys_file())):
            draft = folder / ".draft"
            draft.write_bytes(data)
            draft.rename(folder / f"{self.campaign.hex()}.{self.number}.{kind}")
        return self


class Answer:
    """SPEC 33.6, taken apart; the proof is walked."""

    def __init__(self, raw):
        assert raw[:8] == b"ROTABNR\1"
        self.tree, count, zero, self.size = struct.unpack("<HBBI", raw[8:16])
        self.nonce, self.bundle = raw[16:48], raw[48:199]
        assert zero == 0 and len(raw) == 199 + 32 * count
        proof = [raw[199 + 32 * i:231 + 32 * i] for i in range(count)]
        at, last, self.root = struct.unpack("<I", self.bundle[2:6])[0], self.size - 1, hashlib.sha256(b"\0" + self.bundle).digest()
        for sibling in proof:  # RFC 9162 2.1.3.2
            assert last > 0
            if at & 1 or at == last:
                self.root = vectors.node(sibling, self.root)
                while not at & 1 and at:
                    at, last = at >> 1, last >> 1
            else:
                self.root = vectors.node(self.root, sibling)
            at, last = at >> 1, last >> 1
        assert last == 0


def possession(confirm, nonce, device, purpose, generation, campaign, point):
    """SPEC 35.3"""
    what = b"rota-proof-v1" + nonce + device + struct.pack("<BI", purpose, generation) + campaign + point
    return hmac.digest(confirm, what, "sha256")
