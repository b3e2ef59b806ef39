# SPDX-License-Identifier: Apache-2.0
"""A device API that answers reports and the time (SPEC 13.2, 13.5), for tests of devices whose flash was put back.

The daemon that will sign time in the field is not there yet. This stands in for its answers alone: the key is the
authority's own for the role `time`, in its token (tests/system/tokensign.c), the format is the real one."""
import http.server
import json
import ssl
import struct
import subprocess
import threading
import time

from paths import BUILD, PATIENCE


class TimeServer:
    """On loopback, with the authority's server certificate; reports are gathered in `events`. It serves the one
    device that `device` names; nginx would read that from the certificate."""

    def __init__(self, authority, device):
        self.authority = authority
        self.device = device
        self.tells = True  # the time; else 404
        self.ahead_s = 0  # of the truth
        self.other_nonce = False
        self.asked = 0
        self.events = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.answer(self, said)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "server/cert.pem", authority / "server/key.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"https://localhost:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def signed(self, nonce, device_id):
        seconds = struct.pack("<Q", int(time.time()) + self.ahead_s)
        message = b"rota-time-v1" + nonce + device_id.encode() + seconds
        signature = subprocess.run(
            [BUILD / "tests/system/tokensign", self.authority, "time"], input=message, capture_output=True, check=True,
            timeout=60 * PATIENCE,
        ).stdout
        return seconds + signature

    def answer(self, handler, said):
        if handler.path.endswith("/api/v1/report"):
            self.events += said["events"]
            last = max([e["seq"] for e in said["events"]], default=0)
            self.send(handler, 200, json.dumps({"acknowledged": last}).encode())
        elif handler.path.endswith("/api/v1/time") and self.tells:
            self.asked += 1
            nonce = bytes.fromhex(said["nonce"])
            if self.other_nonce:
                nonce = bytes(len(nonce))
            self.send(handler, 200, self.signed(nonce, self.device))
        else:
            self.send(handler, 404, b"no\n")

    def send(self, handler, status, body):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
