#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Vectors of SPEC 8.4 to 8.6: prints rollout.inc, which is checked in beside this script.

Written from SPEC.md alone, with Python's integers and hashlib, so that the C code has an independent
opinion to agree with:  ./rollout.py > rollout.inc
"""
import hashlib
from datetime import datetime, timezone


def draw(digest, attempt, device_id):
    device_id = device_id.encode()
    h = hashlib.sha256(b"rota-draw-v1" + digest + bytes([attempt])
                       + len(device_id).to_bytes(2, "big") + device_id).digest()
    return int.from_bytes(h[:8], "big") % 1_000_000


def tag(label, spki):
    return hashlib.sha256(b"rota-tag-v1" + len(label).to_bytes(2, "big") + label + spki).digest()[:16]


def ceiling(first_ppm, growth, soak_s, issued, now):
    k = max(0, now - issued) // soak_s
    if growth == 1:
        return min(1_000_000, first_ppm)
    return min(1_000_000, first_ppm * growth ** min(k, 64))


def c_bytes(data):
    return '"' + data.hex() + '"'


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Printed by rollout.py; SPEC 8.4 to 8.6. */")
    digests = [bytes(32), hashlib.sha256(b"release one").digest(), b"\xff" * 32]
    ids = ["0" * 64, hashlib.sha256(b"device one").hexdigest(), hashlib.sha256(b"device two").hexdigest(), "x", ""]
    print("\nstatic const struct {\n\tconst char *digest;\n\tuint8_t attempt;\n\tconst char *device_id;\n\tuint32_t draw;\n"
          "} draw_vectors[] = {")
    for d in digests:
        for a in (0, 1, 7):
            for i in ids:
                print(f'\t{{ {c_bytes(d)}, {a}, "{i}", {draw(d, a, i)} }},')
    print("};\n\nstatic const struct {\n\tconst char *label;\n\tconst char *spki;\n\tconst char *tag;\n} tag_vectors[] = {")
    spkis = [bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + bytes(range(64)), b"k", b""]
    for label in (digests[1], digests[2], b"campaign-7", b"", b"l" * 256):
        for s in spkis:
            print(f"\t{{ {c_bytes(label)}, {c_bytes(s)}, {c_bytes(tag(label, s))} }},")
    issued = int(datetime(2026, 3, 1, tzinfo=timezone.utc).timestamp())
    print("};\n\nstatic const struct {\n\tuint32_t first_ppm, growth, soak_s;\n\tuint64_t issued_s, now_s;\n"
          "\tuint32_t ceiling;\n} ceiling_vectors[] = {")
    for first, growth, soak in ((10_000, 2, 86400), (1, 10, 3600), (0, 1000, 1), (1_000_000, 1, 1),
                                (999_999, 1000, 31_536_000), (500, 1, 86400), (1, 1000, 1), (333_334, 3, 7)):
        for age in (-86400, -1, 0, soak - 1, soak, 2 * soak - 1, 2 * soak, 5 * soak, 19 * soak, 20 * soak, 1 << 40):
            now = max(0, issued + age)
            print(f"\t{{ {first}, {growth}, {soak}, {issued}u, UINT64_C({now}), {ceiling(first, growth, soak, issued, now)} }},")
    print("};")


if __name__ == "__main__":
    main()
