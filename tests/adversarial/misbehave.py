# SPDX-License-Identifier: Apache-2.0
"""What a hostile network does with one answer: behaviours for net.Net, each with what must come of it.

A verdict is one of, where the clause depends on the file (CLAUSES):

fetch   refused as not fetched
form    refused as no metadata, or, where a length and hash are listed, by those
either  of the two
flood   as not fetched, or by the first byte that cannot be, whichever is noticed first
honest  harmless
later   harmless, or refused at the file that is asked for next: what was sent too much is read for it
"""
import gzip
import itertools
import socket
import struct
import time

# file: (what cannot be fetched, what has not the listed length or hash; None: none is listed)
CLAUSES = {
    "2.root.json": ("TUF 5.3.2", None),
    "timestamp.json": ("TUF 5.4.1", None),
    "snapshot.json": ("TUF 5.5.1", "TUF 5.5.2"),
    "targets.json": ("TUF 5.6.1", "TUF 5.6.2"),
    "releases.json": ("TUF 5.6.1", "TUF 5.6.2"),
    "release.json": ("TUF 5.7.3", "TUF 5.7.3"),  # the target itself
}
PAGE = b"<html><head><title>Please log in</title></head></html>\n"


def reset(r):
    """The other side goes away in the middle of everything."""
    r.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    r.close()


def cut(r):
    r.head("200 OK", f"Content-Length: {len(r.body)}")
    r.raw(r.body[:len(r.body) // 2])
    r.close()


def reset_in_the_body(r):
    r.head("200 OK", f"Content-Length: {len(r.body)}")
    r.raw(r.body[:len(r.body) // 2])
    reset(r)


def endless(r):
    r.head("200 OK")
    r.close()
    while True:
        r.raw(b" " * 65536)


def endless_of_honest_begin(r):
    r.head("200 OK")
    r.raw(r.body)
    r.close()
    while True:
        r.raw(b"\n" * 65536)


def chunks_for_ever(r):
    r.head("200 OK", "Transfer-Encoding: chunked")
    r.close()
    while True:
        r.raw(b"10000\r\n" + b" " * 65536 + b"\r\n")


def chunked(r, *pieces):
    r.head("200 OK", "Transfer-Encoding: chunked")
    r.raw(b"".join(pieces))
    r.close()


def length_is(*values):
    def behave(r):
        r.head("200 OK", *(f"Content-Length: {value(len(r.body)) if callable(value) else value}" for value in values))
        r.raw(r.body)
        r.close()
    return behave


def status(line, *headers, body=b""):
    return lambda r: r.whole(body, line, *headers)


def headers_for_ever(r):
    r.raw(b"HTTP/1.1 200 OK\r\n")
    r.close()
    for number in itertools.count():
        r.raw(b"".join(b"X-%d-%d: %s\r\n" % (number, i, b"a" * 1000) for i in range(64)))


def one_header_for_ever(r):
    r.raw(b"HTTP/1.1 200 OK\r\nX: ")
    r.close()
    while True:
        r.raw(b"a" * 65536)


def continue_for_ever(r):
    r.close()
    while True:
        r.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def zipped(r):
    r.whole(gzip.compress(r.body), "200 OK", "Content-Encoding: gzip")


def zipped_transfer_bomb(r):
    r.head("200 OK", "Transfer-Encoding: gzip")
    r.raw(gzip.compress(b" " * 200_000_000, 1))
    r.close()


def parts(r):
    r.whole(r.body[5:], "206 Partial Content", f"Content-Range: bytes 5-{len(r.body) - 1}/{len(r.body)}")


def part_that_lies(r):
    r.whole(r.body[5:], "206 Partial Content", f"Content-Range: bytes 0-{len(r.body) - 1}/{len(r.body)}")


def all_of_it_as_a_part(r):
    r.whole(r.body, "206 Partial Content", f"Content-Range: bytes 0-{len(r.body) - 1}/{len(r.body)}")


def more_than_announced(r):
    r.head("200 OK", f"Content-Length: {len(r.body)}")
    r.raw(r.body + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    r.close()


def raw(data):
    def behave(r):
        r.raw(data)
        r.close()
    return behave


# name: (behaviour, verdict)
QUICK = {
    "nothing at all": (lambda r: r.close(), "fetch"),
    "a reset": (reset, "fetch"),
    "cut in the body": (cut, "fetch"),
    "a reset in the body": (reset_in_the_body, "fetch"),
    "cut, and the length agrees": (lambda r: r.whole(r.body[:-40]), "form"),
    "an empty body": (lambda r: r.whole(b""), "form"),
    "endless, no length": (endless, "flood"),
    "the honest file, then endless": (endless_of_honest_begin, "flood"),
    "endless in chunks": (chunks_for_ever, "flood"),
    "a length of a terabyte": (length_is(10 ** 12), "fetch"),
    "a length beyond 64 bits": (length_is(2 ** 70), "honest"),
    "a negative length": (length_is(-5), "fetch"),
    "a length that is no number": (length_is("many"), "fetch"),
    "a longer length": (length_is(lambda n: n + 7), "fetch"),
    "a shorter length": (length_is(lambda n: n - 7), "form"),
    "two lengths": (length_is(lambda n: n, lambda n: n - 7), "either"),
    "the same length twice": (length_is(lambda n: n, lambda n: n), "honest"),
    "more than announced": (more_than_announced, "later"),
    "chunks": (lambda r: chunked(r, b"%x\r\n" % len(r.body), r.body, b"\r\n0\r\n\r\n"), "honest"),
    "chunks that are none": (lambda r: chunked(r, b"zz\r\n", r.body, b"\r\n0\r\n\r\n"), "fetch"),
    "a chunk beyond 64 bits": (lambda r: chunked(r, b"f" * 20 + b"\r\n", r.body), "fetch"),
    "chunks without their end": (lambda r: chunked(r, b"%x\r\n" % len(r.body), r.body), "fetch"),
    "compressed, unasked": (zipped, "form"),
    "a compressed bomb": (zipped_transfer_bomb, "flood"),
    "a redirect to itself": (lambda r: r.whole(b"", "302 Found", f"Location: /{r.path}"), "fetch"),
    "a redirect to a file": (status("301 Moved Permanently", "Location: file:///etc/passwd"), "fetch"),
    "a redirect elsewhere": (status("307 Temporary Redirect", "Location: http://127.0.0.1:1/"), "fetch"),
    "not modified": (status("304 Not Modified"), "fetch"),
    "no content": (status("204 No Content"), "fetch"),
    "a page with status 200": (status("200 OK", "Content-Type: text/html", body=PAGE), "form"),
    "a server error": (status("500 Internal Server Error", body=PAGE), "fetch"),
    "a gateway error": (status("502 Bad Gateway", body=PAGE * 2000), "fetch"),
    "come back later": (status("503 Service Unavailable", "Retry-After: 0"), "fetch"),
    "an endless error": (lambda r: (r.head("500 Internal Server Error"), [r.raw(PAGE) for _ in itertools.count()]),
                         "fetch"),
    "log in first": (status("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), "fetch"),
    "a part": (parts, "form"),
    "a part that lies": (part_that_lies, "form"),
    "all of it as a part": (all_of_it_as_a_part, "honest"),
    "headers without end": (headers_for_ever, "fetch"),
    "a header without end": (one_header_for_ever, "fetch"),
    "no HTTP": (raw(b"220 mail.example ESMTP\r\n"), "fetch"),
    "HTTP without a head": (lambda r: (r.raw(r.body), r.close()), "fetch"),
    "a NUL in the head": (raw(b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}"), "fetch"),
    "promises of an answer": (continue_for_ever, "fetch"),
}


def drip(r):
    r.head("200 OK", f"Content-Length: {len(r.body)}")
    for at in range(len(r.body)):
        r.raw(r.body[at:at + 1])
        time.sleep(1.8)


def slow_head(r):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Padding: abc\r\n" * 100:
        r.raw(bytes([byte]))
        time.sleep(1.8)


def silence(r):
    time.sleep(60)
    r.close()


def stall(r):
    r.head("200 OK", f"Content-Length: {len(r.body)}")
    r.raw(r.body[:-1])
    silence(r)


def just_fast_enough(r):
    """Above what counts as a stall, for ever: the deadline of the file ends it."""
    r.head("200 OK")
    r.close()
    r.raw(b'{"signatures":[{"keyid":"')
    while True:
        r.raw(b"a" * 128)
        time.sleep(0.08)


SLOW = {"a byte at a time": drip, "a slow head": slow_head, "silence": silence, "a stall before the end": stall}
