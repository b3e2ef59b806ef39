# SPDX-License-Identifier: Apache-2.0
"""Devices of a rotad that hands out key bundles, and what they say of their keys (SPEC 35), made from SPEC.md alone."""
import hashlib
import hmac
import shutil
import struct
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import campaignlog
import journalfile
from conftest import PATIENCE
from journalfile import Device
from keytrees import Answer, Tree, possession
from pki import DEVICE

CAMPAIGN = hashlib.sha256(b"a campaign").digest()
LINK, STORE = b"\1" * 32, b"\3" * 32  # of other purposes
OTHER = "cd" * 32
KNOWN = [campaignlog.record(CAMPAIGN.hex()), campaignlog.record(LINK.hex(), 5, "link"), campaignlog.record(STORE.hex(), 1, "storage")]


def raw(key, data):
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def new_point():
    key = ec.generate_private_key(ec.SECP256R1())
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def said(device, kind, number, rest=b"", key=None):
    """A statement, signed."""
    body = b"ROTASTM\1" + bytes([kind]) + device.id + struct.pack("<I", number) + rest
    return body + raw(key or device.key, b"rota-statement-v1" + body)


def state(device, number, *holdings, **more):
    """(purpose, active, staged, proved, held from, needed from, records) each."""
    return said(device, 2, number, bytes([len(holdings)]) + b"".join(struct.pack("<B6I", *h) for h in holdings), **more)


def anew(device, number, point=None, **more):
    return said(device, 3, number, point or new_point(), **more)


class Fleet:
    """Some devices in the journal of a rotad with [keys], that was told of the campaigns; the first two can speak."""

    def __init__(self, rotad, count=40, known=tuple(KNOWN)):
        self.rotad = rotad
        self.devices = [Device(n) for n in range(count)]
        self.devices[0].id, self.devices[1].id = bytes.fromhex(DEVICE), bytes.fromhex(OTHER)
        self.certs = [rotad.cert, rotad.ca.issue(OTHER)[1]]
        self.folder = rotad.dir / "keys/campaigns"
        rotad.ini.write_text(f"{rotad.ini.read_text()}[keys]\ndirectory = {rotad.dir}/keys\n"
                             f"[signd]\nsocket = {rotad.dir}/nobody\nproduct = sensor\n")
        self.journal([d.enrol() for d in self.devices] + list(known))

    def journal(self, records):
        """In the place of what stands there; rotad is to start behind it."""
        shutil.rmtree(self.rotad.dir / "journal", ignore_errors=True)
        journalfile.write(self.rotad.dir / "journal", records)

    def tree(self, number=0, devices=None, campaign=CAMPAIGN):
        return Tree(campaign, number, [d.key for d in devices or self.devices]).write(self.folder)

    def ask(self, who=0, campaign=CAMPAIGN.hex()):
        return self.rotad.get(f"/api/v1/keys/{campaign}", cert=self.certs[who])

    def secret(self):
        return (self.rotad.dir / "keys/nonce.key").read_bytes()

    def nonce(self, device, what=b"prove", at=None):
        """As the server makes one (SPEC 35.2)."""
        when = struct.pack("<Q", int(time.time()) if at is None else at)
        return when + hmac.digest(self.secret(), b"rota-nonce-v1" + what + device + when, "sha256")[:24]

    def is_nonce(self, nonce, device):
        at, = struct.unpack("<Q", nonce[:8])
        return abs(time.time() - at) < 60 * PATIENCE and nonce == self.nonce(device, at=at)

    def proof(self, tree, number, who=0, purpose=1, generation=1, point=None, **changes):
        """A statement of a device that opened its bundle."""
        device, point = self.devices[who], point or new_point()
        nonce = changes.get("nonce") or Answer(self.ask(who, tree.campaign.hex())[1]).nonce
        confirm = changes.get("confirm") or tree.confirm_of(device.key)
        campaign = changes.get("campaign") or tree.campaign
        shown = possession(confirm, nonce, device.id, purpose, generation, campaign, point)
        return said(device, 1, number, struct.pack("<BI", purpose, generation) + campaign + nonce + shown + point, changes.get("key"))

    def say(self, statement, who=0):
        """(status, body)."""
        return self.rotad.post(statement, cert=self.certs[who], target="/api/v1/statement")
