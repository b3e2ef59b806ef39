# SPDX-License-Identifier: Apache-2.0
"""What happens to keys, ceremonies and incidents is in the signing log: KEY, CEREMONY, INCIDENT (SPEC 24.5, 25.6, 27.2)."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from authority import Rota, made, rota  # noqa: F401 - fixtures
from signd import Signd

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

RULE = """[rule {0}]
who = me
scope = sensor
role = {0}
kinds = record{1}
rate = 3600/1h
"""
PEOPLE, ONLINE = ("root", "targets", "releases", "keys-store", "retirements"), ("snapshot", "timestamp", "ci", "rollouts", "keys-link",
                                                                               "revocations")


@pytest.fixture
def signd(rota, tmp_path):  # noqa: F811
    """The daemon of this authority; its rota.ini says so."""
    ini = rota.dir / "rota.ini"
    folder = tmp_path / "d"
    folder.mkdir()
    more = "".join(RULE.format(r, "") for r in PEOPLE) + "".join(RULE.format(r, " metadata") for r in ONLINE)
    daemon = Signd(folder, rota.dir, more=more + RULE.format("time", " metadata").replace("[rule time]", "[rule times]"))
    ini.write_text(ini.read_text().replace("[authority]\n", f"[authority]\nsignd = {daemon.socket}\n"))
    with daemon:
        yield daemon


def told(signd, kind):
    return [leaf for leaf in signd.wait_leaves(2) if leaf["kind"] == kind]


def wait_for(signd, kind, count):
    for _ in range(200):
        found = told(signd, kind)
        if len(found) >= count:
            return found
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError(signd.leaves())


def test_keys(rota, signd, tmp_path):  # noqa: F811
    """What DIR/keys has and the log has not is told by the next run, once."""
    rota("keys", "make", "--token", "root-1", "--label", "new", "--use", "root", "--out", tmp_path / "a.pem")
    first = wait_for(signd, "KEY", 1)
    assert {leaf["scope"] for leaf in first} == {"sensor"} and "root" in {leaf["role"] for leaf in first}
    assert int((rota.dir / "keys.told").read_text()) == (rota.dir / "keys").stat().st_size
    every = json.loads(rota("keys", "list", "--json"))
    new = next(k["id"] for k in every if k["label"] == "new")
    rota("keys", "retire", "--destroy", "--yes", "--reason", "never used", new)
    assert len(wait_for(signd, "KEY", len(first) + 1)) == len(first) + 1
    signd.stop()
    done = subprocess.run([rota.program, "--dir", rota.dir, "keys", "make", "--token", "root-2", "--label", "alone", "--use", "root",
                           "--out", tmp_path / "b.pem"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1 and "no entry of it yet: no signing daemon" in done.stderr
    assert any(k["label"] == "alone" for k in json.loads(rota("keys", "list", "--json")))
    behind = int((rota.dir / "keys.told").read_text())
    assert behind < (rota.dir / "keys").stat().st_size
    signd.start()
    rota("keys", "make", "--token", "root-3", "--label", "more", "--use", "root", "--out", tmp_path / "c.pem")
    assert len(wait_for(signd, "KEY", len(first) + 2)) == len(first) + 2  # both events in one
    assert int((rota.dir / "keys.told").read_text()) == (rota.dir / "keys").stat().st_size


def test_a_ceremony(rota, signd, tmp_path):  # noqa: F811
    """With the digest of the transcript that is kept; finished again it is not told again."""
    fingerprint = json.loads(rota("ceremony", "prepare", "--json", "--role", "targets", tmp_path / "f"))["fingerprint"]
    rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, tmp_path / "f")
    rota("ceremony", "finish", tmp_path / "f")
    (leaf,) = wait_for(signd, "CEREMONY", 1)
    kept = rota.dir / "ceremonies" / fingerprint
    assert leaf["digest"] == hashlib.sha256(kept.read_bytes()).hexdigest() and leaf["role"] == "targets"
    rota("ceremony", "finish", tmp_path / "f")
    assert len(told(signd, "CEREMONY")) == 1
    # cut between the transcript and the entry
    os.rename(kept, f"{kept}.untold")
    rota("ceremony", "finish", tmp_path / "f")
    assert kept.exists() and len(wait_for(signd, "CEREMONY", 2)) == 2


def test_an_incident(rota, signd):  # noqa: F811
    rota("incident", "--begin", "--reason", "x", "rollouts")
    (leaf,) = wait_for(signd, "INCIDENT", 1)
    assert leaf["role"] == "rollouts"
    lines = [json.loads(line) for line in (rota.dir / "incidents/log").read_text().splitlines()]
    assert [(e["did"], type(e["entry"])) for e in lines] == [("begun", int)]
    rota("incident", "--do", "rollouts")
    assert len(wait_for(signd, "INCIDENT", 2)) == 2
    assert re.fullmatch("[0-9a-f]{64}", json.loads((rota.dir / "incidents/log").read_text().splitlines()[1])["key"])


@pytest.fixture
def desk(made):  # noqa: F811
    """An authority as rota init leaves it, in a folder with a name as short as addresses of sockets are."""
    with tempfile.TemporaryDirectory(prefix="desk-") as short:
        subprocess.run([made.program, "init", "--softhsm", "--product", "sensor", f"{short}/a"], check=True, timeout=120,
                       stdout=subprocess.DEVNULL)
        yield Rota(made.program.parents[2], Path(short, "a"))


def test_incidents_through_the_daemon(desk):
    """Keys of the online token change step by step, and the daemon signs with the new ones."""
    for name in ("rollouts", "timestamp"):
        desk("incident", "--begin", "--reason", "x", name)
        folder = desk.dir / "incidents" / name / "ceremony"
        for _ in range(10):
            step = next((s for s in json.loads(desk("incident", "--json", name))["steps"] if s["state"] == "next"), None)
            if not step:
                break
            more = ["--yes"] if step["name"] in ("sign", "destroy") else []
            if step["name"] == "sign":
                more += ["--fingerprint", re.search("fingerprint (.*)", desk("ceremony", "show", folder)).group(1)]
            desk(*step["command"], *more) if more else desk("incident", "--do", name)
        assert "it is over" in desk("incident", "--do", name)
    assert "0 wrong" in desk("repo", "verify")
    every = json.loads(desk("keys", "list", "--json"))
    assert {k["uses"] for k in every if k["state"] == "destroyed"} == {"rollouts", "timestamp"}
    desk("publish", "--all")
