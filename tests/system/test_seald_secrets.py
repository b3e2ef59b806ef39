# SPDX-License-Identifier: Apache-2.0
"""After a campaign the secrets that were delivered, and what follows from them, are in no process, no file, no log (SPEC 37.8): only in
the copies, under a key that the token wrapped. Confirmation keys are the server's to have (37.3)."""
import os
import pathlib
import re
import subprocess
import time

import pytest

import sealfiles
from paths import PATIENCE
from test_seald_campaign import DEVICES, copy_all, make_all  # noqa: F401 - fixtures
from test_seald_serve import Site, pytestmark  # noqa: F401 - the same needs
from test_secrets import memory


def hidden(chain, ident):
    """Name to bytes, of some devices and of all keys above them; as they are and as text."""
    wrap = chain.wrap_keys()
    campaign_key, secrets = chain.secrets(ident)
    found = {"campaign key": campaign_key}
    for name, label in (("book", b"rota-bookkey-v1"), ("registry", b"rota-registry-v1")):
        found[f"{name} key"] = sealfiles.unwrap(wrap[name], (chain.folder / f"state/{name}.key").read_bytes(), label)
    for number, (device, secret) in enumerate(sorted(secrets.items())):  # as an export has them
        if number % 97 == 0:
            found[f"secret {number}"] = secret
            for use, length in ((1, 16), (2, 16), (6, 32)):
                found[f"key {number} of use {use}"] = sealfiles.derive(secret, "telemetry", use, 1, device, length)
    assert len(found) > 60 and len(secrets) == DEVICES
    return found | {f"{name} in hex": value.hex().encode() for name, value in found.items()}


def children(pid):
    """A process and those below it, by pid: name."""
    found = {}
    try:
        found[pid] = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            found |= children(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def told(pid):
    """What the kernel says of it to who may ask, and its memory."""
    data = [pathlib.Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm", "status", "maps")]
    return b"".join([*data, *memory(pid)])


@pytest.fixture(name="running")
def run_it(chain):
    """`run` as a service, which has made a campaign."""
    chain.ini.write_text(chain.ini.read_text(encoding="utf-8").replace("threads = 2\n", "threads = 2\npoll = 1\n"), encoding="utf-8")
    chain.ident = chain.approve()
    chain.bring(chain.ident)
    with open(chain.folder / "output", "wb") as output, \
            subprocess.Popen(chain.command("run"), stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process:
        deadline = time.monotonic() + 60 * PATIENCE
        while b"rota publish makes it count" not in (chain.folder / "output").read_bytes():
            assert process.poll() is None and time.monotonic() < deadline, (chain.folder / "output").read_text()
            time.sleep(0.05)
        yield chain, process
        process.terminate()


def test_what_is_looked_for_is_there(running):
    """Else what follows would look for nothing: confirmation keys follow from these very secrets, and psks are those of the book."""
    chain, _ = running
    secrets = chain.secrets(chain.ident)[1]
    confirm = (chain.folder / f"outbox/{chain.ident}.0.confirm").read_bytes()
    for number, (device, secret) in enumerate(secrets.items()):
        key = sealfiles.derive(secret, "telemetry", 0, 1, device, 32)
        assert confirm[128 + 32 * number:160 + 32 * number] == key


def test_no_file_has_them(running):
    chain, _ = running
    needles = hidden(chain, chain.ident)
    files = [path for place in (chain.folder, chain.desk.dir) for path in place.rglob("*") if path.is_file()]
    assert {".copies", ".confirm", ".keys", ".telemetry"} <= {path.suffix for path in files} and len(files) > 60
    for path in files:
        data = path.read_bytes()
        assert not [name for name, value in needles.items() if value in data], path


@pytest.mark.skipif(os.getuid() != 0, reason="another process's memory is read by root alone")
def test_no_process_has_them(running):
    """Who runs, who serves and has served, who holds the token, and the signing daemon."""
    chain, process = running
    with Site(chain, ident=chain.ident) as site:
        needles = hidden(chain, chain.ident)
        for device in site.devices[::97]:
            assert site.get(f"/v1/keys/telemetry/1/{device}")[0] == 200
        all_of = {}
        for pid in (process.pid, site.process.pid, chain.daemon.process.pid):
            all_of |= children(pid)
        assert {"rota-seald", "rota-token", "signd", "signd-log"} <= set(all_of.values()), all_of
        for pid, name in all_of.items():
            data = told(pid)
            assert str(chain.folder).encode() in data or str(chain.desk.dir).encode() in data, "nothing was read"
            assert not [it for it, value in needles.items() if value in data], name


def test_they_leave_no_core(running):
    chain, process = running
    with Site(chain, ident=chain.ident) as site:
        for pid in [*children(process.pid), *children(site.process.pid)]:
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
            assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
