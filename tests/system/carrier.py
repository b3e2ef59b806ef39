# SPDX-License-Identifier: Apache-2.0
"""Who carries the talk of a factory (SPEC 28.6): a program between station and device that passes messages on, and may do more.

    carrier.py DEED NUMBER -- COMMAND...

DEED at the message of this number (1 to 7): `lose` ends the talk without passing it, `kill` ends the station's process there,
`field:N:HEX` puts other bytes into its field N."""
import os
import signal
import struct
import subprocess
import sys


def read(stream):
    head = stream.read(4)
    return head + stream.read(struct.unpack("<I", head)[0]) if len(head) == 4 else b""


def fields(message):
    found, at = [], 13
    while at < len(message):
        length, = struct.unpack("<I", message[at:at + 4])
        found.append(message[at + 4:at + 4 + length])
        at += 4 + length
    return found


def changed(message, deed):
    _, number, value = deed.split(":")
    parts = fields(message)
    parts[int(number)] = bytes.fromhex(value)
    body = message[4:13] + b"".join(struct.pack("<I", len(part)) + part for part in parts)
    return struct.pack("<I", len(body)) + body


def main():
    deed, number, command = sys.argv[1], int(sys.argv[2]), sys.argv[4:]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as device:
        for turn in range(1, 8):
            station = turn % 2 == 1
            message = read(sys.stdin.buffer if station else device.stdout)
            if not message:
                break
            if turn == number and deed == "kill":
                os.kill(os.getppid(), signal.SIGKILL)
            if turn == number and deed in ("lose", "kill"):
                device.kill()
                break
            if turn == number:
                message = changed(message, deed)
            to = device.stdin if station else sys.stdout.buffer
            to.write(message)
            to.flush()


if __name__ == "__main__":
    main()
