# SPDX-License-Identifier: Apache-2.0
"""A web server of the tests' own, on bare sockets, so that it can send what no web server would. Many sites at once,
each below a folder of its own: a site maps paths to bytes, or to a behaviour(Reply), which writes what it likes."""
import contextlib
import itertools
import socket
import socketserver
import threading
import urllib.parse


class Reply:
    """The connection at one request, and what would be the honest answer."""

    def __init__(self, connection, path, body):
        self.connection, self.path, self.body = connection, path, body
        self.keep = True

    def raw(self, data):
        self.connection.sendall(data)

    def head(self, status="200 OK", *lines):
        self.raw("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode())

    def whole(self, body, status="200 OK", *lines):
        self.head(status, f"Content-Length: {len(body)}", *lines)
        self.raw(body)

    def close(self):
        self.keep = False


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.settimeout(40)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # a client that hangs up is what is tried here
            while self.one():
                pass

    def read_head(self):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(65536)
            if not piece or len(head) > 65536:
                return None
            head += piece
        return head

    def one(self):
        head = self.read_head()
        if head is None:
            return False
        path = head.split(b" ", 2)[1].decode().lstrip("/")
        site, _, path = path.partition("/")
        files = self.server.sites.get(site, {})
        self.server.asked.setdefault(site, []).append(path)
        body = files.get(path, files.get(urllib.parse.unquote(path)))
        behaviour = files.get("*") if not callable(body) else body
        reply = Reply(self.request, path, None if callable(body) else body)
        if behaviour:
            behaviour(reply)
        elif body is None:
            reply.whole(b"not found\n", "404 Not Found")
        else:
            reply.whole(body)
        return reply.keep


class Net(socketserver.ThreadingTCPServer):
    """Sites by number: url(files) is where they are found from then on."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.sites, self.asked, self.numbers = {}, {}, itertools.count(1)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, files):
        name = str(next(self.numbers))
        self.sites[name] = files
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def asked_of(self, url):
        return self.asked.get(url.rsplit("/", 1)[1], [])

    def handle_error(self, *_):
        pass
