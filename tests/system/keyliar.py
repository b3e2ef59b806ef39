# SPDX-License-Identifier: Apache-2.0
"""A server in the place of nginx and rotad that says of keys what a test wants, and what rotad would say to a device, made of rota-seald's
files (SPEC 33.4, 33.6)."""
import hashlib
import http.server
import ipaddress
import json
import os
import ssl
import struct
import threading

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import keytrees
import pki
from keytrees import vectors


def answer(path, device, nonce=None):
    """To a device, out of a tree of rota-seald's."""
    data = path.read_bytes()
    tree, = struct.unpack("<H", data[12:14])
    size, = struct.unpack("<I", data[16:20])
    bundles = [data[262276 + 151 * n:262276 + 151 * (n + 1)] for n in range(size)]
    leaves = [hashlib.sha256(b"\0" + one).digest() for one in bundles]
    key = x509.load_pem_x509_certificate((device.dir / "identity/idevid.pem").read_bytes())
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    wanted = hashlib.sha256(b"rota-tag-v1" + struct.pack(">H", 32) + data[24:56] + spki).digest()[:16]
    place, = (n for n, one in enumerate(bundles) if one[6:22] == wanted)
    hashes = vectors.proof_of(place, leaves)
    said = (b"ROTABNR\1" + struct.pack("<HBBI", tree, len(hashes), 0, size) + (nonce or os.urandom(32)) + bundles[place] + b"".join(hashes))
    assert keytrees.Answer(said).root == data[56:88]
    return said


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, body=b"", length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def do_GET(self):
        liar = self.server.liar
        liar.asked.append(self.path)
        status, *what = liar.bundle
        self.say(status, *what)

    def do_POST(self):
        liar, body = self.server.liar, self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/v1/statement":
            liar.said.append(body)
            kind = body[8]
            status, text = liar.statement.get(kind, (204, b""))
            self.say(status, text)
        else:
            events = json.loads(body)["events"]
            self.say(200, json.dumps({"acknowledged": max((e["seq"] for e in events), default=0)}).encode())

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is what is tried here."""


class Liar:
    """bundle: (status, body[, length that it says]). statement: kind to (status, body); 204 where none stands there."""

    def __init__(self, folder):
        ca = pki.Ca("Liars")
        key, cert = ca.issue("localhost", names=[x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        for name, data in (("liar-ca.pem", ca.pem()), ("liar.key", key), ("liar.pem", cert)):
            (folder / name).write_bytes(data)
        self.ca = folder / "liar-ca.pem"
        self.bundle, self.statement, self.asked, self.said = (404, b""), {}, [], []
        self.http = Server(("127.0.0.1", 0), Handler)
        self.http.liar = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "liar.pem", folder / "liar.key")
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def deceives(self, device, port):
        """The device speaks with this one from now on, in place of the server at that port."""
        device.edit(("[server]\n", f"[server]\nca = {self.ca}\n"), (f"https://localhost:{port}", f"https://localhost:{self.port}"))

    def leaves(self, device, port):
        device.edit((f"[server]\nca = {self.ca}\n", "[server]\n"), (f"https://localhost:{self.port}", f"https://localhost:{port}"))
