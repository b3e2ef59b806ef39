# SPDX-License-Identifier: Apache-2.0
"""A transparency log as C2SP's signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles and tlog-proof say, and leaves
as SPEC 21.2 says: made and checked in Python, from the texts alone, so that the C code has an independent opinion."""
import base64
import hashlib
import os
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

OWN = b"\xffrota.invalid/p256-v1"
GRANTED, RELEASE = 4, 9


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


def leaf(kind, path=b"", digest=bytes(32), scope=b"sensor", role=b"releases", at=1_800_000_000, version=1, key=bytes(32),
         message=bytes(32), record=bytes(32)):
    return (b"ROTALOG\x01" + struct.pack("<BQQ", kind, at, version) + key + message + digest + record
            + bytes([len(scope)]) + scope + bytes([len(role)]) + role + struct.pack("<H", len(path)) + path)


# RFC 9162, 2.1

def leaf_hash(entry):
    return sha(b"\0", entry)


def root(hashes_):
    if not hashes_:
        return sha(b"")
    if len(hashes_) == 1:
        return hashes_[0]
    k = 1 << (len(hashes_) - 1).bit_length() - 1
    return sha(b"\1", root(hashes_[:k]), root(hashes_[k:]))


def inclusion(hashes_, m):
    if len(hashes_) == 1:
        return []
    k = 1 << (len(hashes_) - 1).bit_length() - 1
    if m < k:
        return inclusion(hashes_[:k], m) + [root(hashes_[k:])]
    return inclusion(hashes_[k:], m - k) + [root(hashes_[:k])]


def consistency(hashes_, m, whole=True):
    n = len(hashes_)
    if m in (0, n):
        return [] if whole or m == 0 else [root(hashes_)]
    k = 1 << (n - 1).bit_length() - 1
    if m <= k:
        return consistency(hashes_[:k], m, whole) + [root(hashes_[k:])]
    return consistency(hashes_[k:], m - k, False) + [root(hashes_[:k])]


class Key:
    """A log's or witness's P-256 key."""

    def __init__(self, name, witness=False):
        self.name, self.witness = name, witness
        self.private = ec.generate_private_key(ec.SECP256R1())
        public = self.private.public_key()
        self.point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if witness:
            self.id = sha(name.encode(), b"\n", OWN, self.point)[:4]
            self.vkey = f"{name}+{self.id.hex()}+{b64(OWN + self.point)}"
        else:
            self.id = sha(spki)[:4]
            self.vkey = f"{name}+{self.id.hex()}+{b64(bytes([2]) + spki)}"

    def pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption())

    def line(self, text, at=1_800_000_100):
        if not self.witness:
            sig = self.private.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
            return f"\N{EM DASH} {self.name} {b64(self.id + sig)}\n"
        message = f"cosignature/v1\ntime {at}\n{text}".encode()
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return f"\N{EM DASH} {self.name} {b64(self.id + struct.pack('>Q', at) + r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}\n"

    def verifies(self, text, line):
        """Whether this line of ours is over this text; the time of a witness."""
        dash, name, blob = line.rstrip("\n").split(" ")
        blob = base64.b64decode(blob, validate=True)
        assert dash == "\N{EM DASH}" and name == self.name and blob[:4] == self.id
        try:
            if not self.witness:
                self.private.public_key().verify(blob[4:], text.encode(), ec.ECDSA(hashes.SHA256()))
                return True
            at = struct.unpack(">Q", blob[4:12])[0]
            sig = encode_dss_signature(int.from_bytes(blob[12:44], "big"), int.from_bytes(blob[44:], "big"))
            self.private.public_key().verify(sig, f"cosignature/v1\ntime {at}\n{text}".encode(), ec.ECDSA(hashes.SHA256()))
            return at
        except InvalidSignature:
            return False


def path(level, n, width=256):
    """Of a tile; level "entries" of an entry bundle."""
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/" + "/".join(parts) + (f".p/{width}" if width < 256 else "")


class Log:
    def __init__(self, origin="sensor.rota.invalid/log"):
        self.key, self.entries = Key(origin), []
        self.origin = origin

    def hashes(self, size=None):
        return [leaf_hash(e) for e in self.entries[:len(self.entries) if size is None else size]]

    def text(self, size=None, of=None):
        h = of if of is not None else self.hashes(size)
        return f"{self.origin}\n{len(h)}\n{b64(root(h))}\n"

    def checkpoint(self, size=None, witnesses=(), of=None):
        text = self.text(size, of)
        return text + "\n" + self.key.line(text) + "".join(w.line(text) for w in witnesses)

    def proof(self, index, witnesses=(), size=None):
        lines = "".join(b64(h) + "\n" for h in inclusion(self.hashes(size), index))
        return (f"c2sp.org/tlog-proof@v1\nextra {b64(self.entries[index])}\nindex {index}\n{lines}\n"
                + self.checkpoint(size, witnesses))

    def publish(self, folder):
        """The files of tlog-tiles."""
        def write(name, data):
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "wb") as f:
                f.write(data)
        for n in range(0, len(self.entries), 256):
            part = self.entries[n:n + 256]
            write(path("entries", n // 256, len(part)), b"".join(struct.pack(">H", len(e)) + e for e in part))
        level, row = 0, self.hashes()
        while row:
            for n in range(0, len(row), 256):
                write(path(level, n // 256, len(row[n:n + 256])), b"".join(row[n:n + 256]))
            row = [root(row[n:n + 256]) for n in range(0, len(row) - 255, 256)]
            level += 1
        write("checkpoint", self.checkpoint().encode())


def entries(folder, size):
    """The leaves that a published log has, of a checkpoint of this size."""
    out = []
    for n in range(0, size, 256):
        width = min(256, size - n)
        name = f"{folder}/{path('entries', n // 256, width)}"
        with open(name if os.path.exists(name) else f"{folder}/{path('entries', n // 256)}", "rb") as f:
            data = f.read()
        for _ in range(width):
            length = struct.unpack(">H", data[:2])[0]
            out.append(data[2:2 + length])
            data = data[2 + length:]
    return out


def verifies(vkey, text, line):
    """Whether this line of a P-256 log's key is over this text."""
    name, digits, letters = vkey.split("+", 2)
    blob = base64.b64decode(letters, validate=True)
    dash, by, sig = line.split(" ")
    sig = base64.b64decode(sig, validate=True)
    assert blob[:1] == b"\x02" and (dash, by) == ("\N{EM DASH}", name) and sig[:4].hex() == digits == sha(blob[1:])[:4].hex()
    try:
        serialization.load_der_public_key(blob[1:]).verify(sig[4:], text.encode(), ec.ECDSA(hashes.SHA256()))
        return True
    except InvalidSignature:
        return False
