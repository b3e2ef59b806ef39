# SPDX-License-Identifier: Apache-2.0
"""A server of a repository's files over TLS that can be told to misbehave: what nginx would never send."""
import http.server
import pathlib
import re
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.removeprefix("/repo/")
        self.server.asked.append((path, self.headers.get("Range")))
        for pattern, behaviour in self.server.rules:
            if re.search(pattern, path):
                behaviour(self, path)
                return
        self.send_file(path)

    def content(self, path):
        file = self.server.root / path
        return file.read_bytes() if file.is_file() else None

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, path):
        body = self.content(path)
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if body is None:
            self.send(404, b"not found\n")
        elif wanted:
            at = int(wanted[1])
            self.send(206, body[at:], Content_Range=f"bytes {at}-{len(body) - 1}/{len(body)}")
        else:
            self.send(200, body)

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that hangs up is what is tried here."""


class BadServer:
    """Serves below https://localhost:PORT/repo/. rules: (pattern of a path, behaviour(handler, path)) pairs."""

    def __init__(self, repository, certificate, key, address="127.0.0.1"):
        self.http = Server((address, 0), Handler)
        self.http.root, self.http.rules, self.http.asked = pathlib.Path(repository), [], []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.http.socket = context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self.http.server_address[1]
        self.asked = self.http.asked
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def rule(self, pattern, behaviour):
        self.http.rules[:] = [(pattern, behaviour)]
        self.asked.clear()

    def behave(self):
        self.http.rules.clear()
        self.asked.clear()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
