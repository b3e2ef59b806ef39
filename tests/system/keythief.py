# SPDX-License-Identifier: Apache-2.0
"""Who is after the data keys of devices: campaigns of his own, with secrets that he knows (SPEC 32, 33), under signatures of keys that he
took out of a token; and a rotad that was broken into. Made from SPEC.md alone."""
import calendar
import hashlib
import hmac
import http.server
import os
import socket
import socketserver
import struct
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import sealfiles
import softhsm
from asks import when
from authority import canonical
from keytrees import vectors
from rotadproc import Rotad
from thief import Thief, spelled

LINK = "keys/link/sensor.json"


def seconds(moment):
    return calendar.timegm(moment.utctimetuple())


def psk_id(psk):
    """31.4"""
    return hmac.digest(psk, b"rota-pskid-v1", "sha256")[:8]


class Victim:
    """What everybody may know of a device: it stands in its row (30.2), and its locator follows from it."""

    def __init__(self, row):
        self.id, self.identity, self.agree = row[16:48], row[48:113], row[113:178]

    def locator(self, campaign):
        """33.2"""
        said = struct.pack(">H", len(campaign)) + campaign + sealfiles.SPKI + self.identity
        return hashlib.sha256(b"rota-tag-v1" + said).digest()[:16]


class Loot:
    """A campaign of the thief's: one secret for all, sealed to the agree keys of his victims; under psks {device id: (psk, id)}, else in
    base mode. `said` are terms that the list says in place of those that the bundles were sealed to."""

    def __init__(self, victims, activation, generation, purpose="telemetry", ident=None, psks=None, tree=0, **said):
        self.purpose, self.generation, self.activation, self.tree, self.said = purpose, generation, activation, tree, said
        self.ident, self.secret = ident or os.urandom(32), os.urandom(32)
        self.order = sorted(victims, key=lambda one: one.locator(self.ident))
        self.bundles = [self.bundle(place, one, (psks or {}).get(one.id)) for place, one in enumerate(self.order)]
        self.leaves = [hashlib.sha256(b"\0" + one).digest() for one in self.bundles]
        self.root = vectors.root_of(self.leaves)

    def bundle(self, place, victim, psk):
        """33.1, 31.3"""
        agree = hashlib.sha256(b"rota-hpke-v1" + victim.agree).digest()[:8]
        key, its_id = psk or (b"", b"")
        head = struct.pack("<BBI", 1, psk is not None, place) + victim.locator(self.ident) + agree + (its_id or bytes(8))
        info = b"rota-bundle-v1" + struct.pack("<BBBH", 1, sealfiles.PURPOSES[self.purpose], 1, self.tree) + self.ident
        info += struct.pack("<IQ", self.generation, seconds(self.activation)) + victim.id
        enc, sealed = sealfiles.hpke_seal(victim.agree, info, head, self.secret, key, its_id)
        assert len(info) == 95 and len(head) == 38
        return head + enc + sealed

    def answer(self, device):
        """33.6, as a server would give it to this device."""
        place = [one.id for one in self.order].index(device)
        proof = vectors.proof_of(place, self.leaves)
        head = b"ROTABNR\1" + struct.pack("<HBBI", self.tree, len(proof), 0, len(self.bundles))
        return head + os.urandom(32) + self.bundles[place] + b"".join(proof)

    def entry(self, start):
        """Its place in a list (32.2), open to all from `start` on."""
        return {"activation": when(self.activation), "cipher": 1, "emergency": False, "generation": self.generation,
                "id": self.ident.hex(), "overlap_s": 3600, "purpose": self.purpose, "stages": [{"from": when(start), "ppm": 1000000}],
                "state": "active", "suite": 1,
                "trees": [{"root": self.root.hex(), "size": len(self.bundles), "tree": self.tree}]} | self.said

    def key(self, device, use=1):
        """What he reads messages of this device with, if it took his secret."""
        return sealfiles.derive(self.secret, self.purpose, use, self.generation, device, 16)


class KeyThief(Thief):
    """He has the token's files and PIN, and of its keys those of `roles`; and he is the mirror: what devices read is his to write."""

    def __init__(self, authority, mirror, *roles):
        self.authority, self.repo, self.meta = authority, mirror, {}
        token = authority / "tokens/online"
        found = softhsm.private_keys(token / "store", (token / "pin").read_bytes().strip())
        self.keys = {role: ec.derive_private_key(int.from_bytes(found[role], "big"), ec.SECP256R1()) for role in roles}

    def envelope(self, signed, *parties):
        message = canonical(signed).encode()
        signatures = [{"keyid": keyid, "sig": self.keys[party].sign(message, ec.ECDSA(hashes.SHA256())).hex()}
                      for party in parties for keyid in self.ids(party)]
        return spelled({"signatures": signatures, "signed": signed})

    def text(self, sequence, *campaigns):
        campaigns = sorted(campaigns, key=lambda one: (one["purpose"], one["generation"]))
        return spelled({"_type": "keys", "campaigns": campaigns, "format": 1, "product": "sensor", "sequence": sequence})

    def list_keys(self, sequence, *campaigns):
        """The role's next file lists these campaigns; a snapshot and a timestamp that list it."""
        self.lists("keys-link", {LINK: self.target(LINK, self.text(sequence, *campaigns))})
        self.publish()

    def replace(self, sequence, *campaigns):
        """With the role's key alone: the file that the snapshot lists is another one now. How to undo it."""
        signed = self.newest("keys-link")
        path = self.repo / f"metadata/{signed['version']}.keys-link.json"
        was = path.read_bytes()
        signed["targets"] = {LINK: self.target(LINK, self.text(sequence, *campaigns))}
        path.write_bytes(self.envelope(signed, "keys-link"))
        return lambda: path.write_bytes(was)


class Broken(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A rotad that was broken into: devices reach it in the place of the true one, which it asks when it likes. `bundle(device id,
    campaign)` and `statement(device id, bytes)` give (status, body), or None: let the true one answer."""

    daemon_threads = True

    def __init__(self, path, rotad):
        super().__init__(str(path), Handler)
        self.rotad, self.path = rotad, str(path)
        self.bundle = self.statement = lambda *_: None
        self.asked, self.said = [], []  # (device id, campaign); (device id, statement)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """A device that hangs up: its test says whether it may."""

    def onward(self, method, target, certificate, body):
        """As the true one answers: (status, body)."""
        head = (f"{method} {target} HTTP/1.1\r\nHost: rotad\r\nX-Rota-Client-Cert: {certificate}\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        with socket.socket(socket.AF_UNIX) as to:
            to.settimeout(60)
            to.connect(self.rotad.socket)
            to.sendall(head.encode() + body)
            head, _, rest = Rotad.rest(to).partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    def proofs(self, campaign):
        """Devices that said that they have the key of this campaign."""
        return {device for device, said in self.said if said[8] == 1 and said[50:82] == campaign}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def who(self):
        pem = urllib.parse.unquote(self.headers["X-Rota-Client-Cert"]).encode()
        name = x509.load_pem_x509_certificate(pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return bytes.fromhex(name[0].value)

    def answer(self, said, body=b""):
        if said is None:
            said = self.server.onward(self.command, self.path, self.headers["X-Rota-Client-Cert"], body)
        self.send_response(said[0])
        self.send_header("Content-Length", str(len(said[1])))
        self.end_headers()
        self.wfile.write(said[1])

    def do_GET(self):  # pylint: disable=invalid-name
        device, campaign = self.who(), bytes.fromhex(self.path.rsplit("/", 1)[1])
        self.server.asked.append((device, campaign))
        self.answer(self.server.bundle(device, campaign))

    def do_POST(self):  # pylint: disable=invalid-name
        device, body = self.who(), self.rfile.read(int(self.headers["Content-Length"]))
        self.server.said.append((device, body))
        self.answer(self.server.statement(device, body), body)
