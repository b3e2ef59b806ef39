#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Proofs of SPEC 22.3: prints logproof.inc, which is checked in beside this script.

Made by tests/system/tlog.py, which is written from SPEC.md and C2SP's texts; keys are drawn anew:
./logproof.py > logproof.inc
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../system")
import tlog  # noqa: E402

PATH = b"releases/sensor/1.2.0/release.json"


def text(name, value):
    print(f"\nstatic const char {name}[] =")
    lines = value.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    for n, line in enumerate(lines):
        end = "\\n" if n + 1 < len(lines) else ""
        if line or end:
            line = line.replace("\N{EM DASH} ", '" DASH "')
            print(f'\t"{line}{end}"')
    print("\t;")


def octets(name, value):
    print(f"\nstatic const char {name}[] = \"{value.hex()}\";")


log, other = tlog.Log(), tlog.Log("other.rota.invalid/log")
witnesses = [tlog.Key(f"witness-{n}.rota.invalid", True) for n in range(3)]
digest = tlog.sha(b"release 1.2.0")
for of in (log, other):
    for n in range(7):
        kind = {4: tlog.RELEASE, 5: tlog.GRANTED, 6: 6}.get(n, 8)
        of.entries.append(tlog.leaf(kind, PATH if n >= 4 else b"", digest if n >= 4 else bytes(32)))

print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Printed by logproof.py; SPEC 22.3. */")
print(f'\n#define PROOF_PATH "{PATH.decode()}"')
octets("release_digest", digest)
octets("log_point", log.key.point)
for n, w in enumerate(witnesses):
    octets(f"witness_{n}_point", w.point)
text("proof_good", log.proof(4, witnesses[:2]))
text("proof_granted", log.proof(5, witnesses))
text("proof_refused", log.proof(6, witnesses))
text("proof_other_log", other.proof(4, witnesses))
text("proof_earlier", log.proof(4, witnesses[1:], size=6))
print("\n/* Of the same size, and with another entry. */")
log.entries[0] = tlog.leaf(1)
text("proof_fork", log.proof(4, witnesses))
