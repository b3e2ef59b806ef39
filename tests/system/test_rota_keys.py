# SPDX-License-Identifier: Apache-2.0
"""Keys and their lives: made in tokens, named by metadata, retired, destroyed; and what is said when one is late."""
import datetime
import json
import shutil
import subprocess
import time

import pytest

from airgap import made, online, vault  # noqa: F401 - fixtures
from authority import Rota
from conftest import BUILD
from rotadproc import make, rotad  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


def keys(rota):
    return json.loads(rota("keys", "list", "--json"))


def of(rota, use):
    return [k for k in keys(rota) if use in k["uses"].split()]


def test_a_new_authority_knows_its_keys(online):
    every = keys(online)
    assert {k["state"] for k in every} == {"active"}
    assert all(k["named"] and k["token"] and k["label"] and k["owner"] for k in every)
    assert len(of(online, "root")) == 3 and len({k["replace"] for k in of(online, "root")}) == 3
    assert sum(k["depends"] for k in of(online, "root")) == 2  # as many signed it
    assert [k["until"] for k in of(online, "recovery")] == [None] * 3
    shown = online("keys", "list")
    assert all(k["id"][:16] in shown for k in every)
    assert "key " not in online("status")
    before = (online.dir / "keys").read_bytes()
    online("publish", "--all")
    assert (online.dir / "keys").read_bytes() == before  # nothing changed


def test_late_keys_are_told(online, vault):
    lines = [json.loads(line) for line in (online.dir / "keys").read_text().splitlines()]
    slow = of(online, "time")[0]["id"]
    late = of(online, "root")[0]["id"]
    for line in lines:
        if line["id"] == slow:
            line["at"] = shifted(line["at"], 80.5)
        if line["id"] == late:
            line["at"] = shifted(line["at"], 731)
    (online.dir / "keys").write_text("".join(json.dumps(x, separators=(",", ":")) + "\n" for x in lines))
    text = online("status")
    assert f"key {slow[:16]} of time: its successor is due in 9d" in text
    assert f"key {late[:16]} of root: its period is over" in text
    metrics = online("keys", "list", "--metrics")
    assert f'rota_key_trouble{{id="{slow[:16]}",uses="time"}} 1\n' in metrics
    assert f'rota_key_trouble{{id="{late[:16]}",uses="root"}} 2\n' in metrics
    done = subprocess.run([online.program, "--dir", online.dir, "doctor", "--json"], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 1
    wrong = [s["text"] for s in json.loads(done.stdout) if s["step"] == "keys" and not s["good"]]
    assert len(wrong) == 1 and late[:16] in wrong[0]


def shifted(at, days):
    when = datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ") - datetime.timedelta(days=days)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_key_is_made_and_destroyed(vault, tmp_path):
    out = tmp_path / "new.pem"
    made_key = json.loads(vault("keys", "make", "--token", "root-2", "--label", "root-b", "--use", "root",
                                "--owner", "Berta, safe 2", "--out", out, "--json"))
    assert out.read_text() == made_key["public"]
    (row,) = keys(vault)
    assert (row["id"], row["state"], row["owner"], row["until"]) == (
        made_key["id"], "pre-active", "Berta, safe 2", None)
    assert "is there already" in vault("keys", "make", "--token", "root-2", "--label", "root-b", "--use", "root",
                                       status=1)
    short = made_key["id"][:12]
    vault("keys", "retire", short, status=2)  # no reason
    assert "nothing leads from there" in vault("keys", "retire", "--reason", "x", short, status=1)  # never active
    assert "nobody is at the terminal" in vault("keys", "retire", "--destroy", "--reason", "x", short, status=1)
    vault("keys", "retire", "--destroy", "--yes", "--reason", "made by mistake", short)
    assert "nothing leads from there" in vault("keys", "retire", "--destroy", "--yes", "--reason", "x", short, status=1)
    assert keys(vault)[0]["state"] == "destroyed" and made_key["id"][:16] not in vault("keys", "list")
    vault("keys", "make", "--token", "root-2", "--label", "root-b", "--use", "root")  # the label is free again
    vault("keys", "retire", "--compromised", "--reason", "seen in a log", short)
    assert keys(vault)[0]["compromised"] and keys(vault)[0]["state"] == "destroyed"
    reasons = [json.loads(line)["reason"] for line in (vault.dir / "keys").read_text().splitlines()]
    assert reasons == ["", "made by mistake", "", "seen in a log"]


def test_another_key_of_that_label_is_not_destroyed(vault):
    one = json.loads(vault("keys", "make", "--token", "root-1", "--label", "x", "--use", "log", "--json"))
    lines = (vault.dir / "keys").read_text()
    vault("keys", "retire", "--destroy", "--yes", "--reason", "x", one["id"])
    vault("keys", "make", "--token", "root-1", "--label", "x", "--use", "log")
    (vault.dir / "keys").write_text(lines)  # as if nothing had been written: of a copy that was put back
    assert "is another one than is meant" in vault(
        "keys", "retire", "--destroy", "--yes", "--reason", "x", one["id"], status=1)


def test_a_key_that_counts_stays(online):
    key = of(online, "timestamp")[0]["id"]
    assert "still counts for timestamp" in online("keys", "retire", "--reason", "x", key, status=1)
    assert "still counts" in online("keys", "retire", "--destroy", "--yes", "--reason", "x", key, status=1)
    online("keys", "retire", "--compromised", "--reason", "read from a dump", key)
    assert f"key {key[:16]} of timestamp: it is compromised, and its signatures still count" in online("status")
    assert "eight digits or more" in online("keys", "retire", "--reason", "x", "0123", status=1)
    assert "no key has the id" in online("keys", "retire", "--reason", "x", "0123456789", status=1)


def test_an_authority_of_an_older_release(online, tmp_path):
    """It has no file of events: what is public says what there is."""
    (online.dir / "keys").unlink()
    assert {k["state"] for k in keys(online)} == {"active"} and len(keys(online)) == 30
    assert not (online.dir / "keys").exists()  # who only looks writes nothing
    (online.dir / "keys").write_text("{}\n")
    assert "line 1 of the file 'keys'" in online("keys", "list", status=1)


def test_a_new_online_key(online, vault, tmp_path):
    """rota.ini names another key of the online token; the old one ends when targets say so."""
    old = of(online, "rollouts")[0]["id"]
    new = json.loads(online("keys", "make", "--token", "online", "--label", "rollouts-b", "--use", "rollouts",
                            "--json"))["id"]
    for rota in (online, vault):
        ini = (rota.dir / "rota.ini").read_text()
        (rota.dir / "rota.ini").write_text(ini.replace("online:rollouts", "online:rollouts-b"))
    bundle = tmp_path / "bundle"
    online("repo", "export", "--role", "targets", bundle)
    vault("repo", "sign", "--yes", bundle)
    assert {k["id"]: k["state"] for k in of(online, "rollouts")} == {old: "active", new: "pre-active"}
    online("repo", "import", bundle)
    assert {k["id"]: k["state"] for k in of(online, "rollouts")} == {old: "deactivated", new: "active"}
    assert "deactivated" in (online.dir / "keys").read_text()
    online("keys", "retire", "--destroy", "--yes", "--reason", "replaced", old)
    assert {k["id"]: k["state"] for k in of(online, "rollouts")} == {old: "destroyed", new: "active"}
    online("publish", "--all")
    assert "0 wrong" in online("repo", "verify")


def test_a_key_whose_life_is_over_signs_nothing(made, tmp_path):  # noqa: F811
    """People's compromised keys at once; a machine's once another one counts. Both halves still lie in the tokens."""
    shutil.copytree(made / "online", tmp_path / "a")
    rota = Rota(BUILD, tmp_path / "a")
    for token in (made / "vault/tokens").iterdir():
        if not (rota.dir / "tokens" / token.name).exists():
            shutil.copytree(token, rota.dir / "tokens" / token.name)
    people = of(rota, "targets")
    rota("keys", "retire", "--compromised", "--reason", "lost", people[0]["id"])

    def ceremony(name, status=0):
        fingerprint = json.loads(rota("ceremony", "prepare", "--json", "--role", "targets", tmp_path / name))["fingerprint"]
        done = subprocess.run([rota.program, "--dir", rota.dir, "ceremony", "sign", "--yes", "--again", "--fingerprint", fingerprint,
                               tmp_path / name],
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == status, done
        return done.stderr

    ceremony("one")
    bundle = json.loads((tmp_path / "one/bundle").read_text())
    assert people[0]["id"] not in [s["keyid"] for s in bundle["parts"][0]["signatures"]]
    assert len(bundle["parts"][0]["signatures"]) == 2
    for key in people[1:]:
        rota("keys", "retire", "--compromised", "--reason", "lost", key["id"])
    assert "it is compromised, and signs no more" in ceremony("two", status=1)
    # what machines sign goes on until the next key counts
    old = of(rota, "timestamp")[0]
    rota("keys", "retire", "--compromised", "--reason", "stolen", old["id"])
    rota("publish", "--all")
    rota("keys", "make", "--token", "online", "--label", "t2", "--use", "timestamp", "--out", tmp_path / "t2.pem")
    ini = rota.dir / "rota.ini"
    before = ini.read_text()
    ini.write_text(before.replace("online:timestamp\n", "online:t2\n"))
    fingerprint = json.loads(rota("ceremony", "prepare", "--json", "--role", "root", tmp_path / "three"))["fingerprint"]
    rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, tmp_path / "three")
    rota("ceremony", "finish", tmp_path / "three")
    ini.write_text(before)
    assert "it is compromised, and signs no more" in rota("publish", "--all", status=1)


# ---- who still needs a key (SPEC 25.8)

def told(seq, *more):
    return json.dumps({"events": [{"at": None, "event": "checked", "seq": seq, **dict(more)}]})


@pytest.fixture(name="rolled")
def make_rolled(made, rotad, tmp_path):  # noqa: F811
    """Timestamp has another key, by root 2, and rota.ini names rotad's database."""
    shutil.copytree(made / "online", tmp_path / "a")
    rota = Rota(BUILD, tmp_path / "a")
    for token in (made / "vault/tokens").iterdir():
        if not (rota.dir / "tokens" / token.name).exists():
            shutil.copytree(token, rota.dir / "tokens" / token.name)
    rota.old = of(rota, "timestamp")[0]["id"]
    rota("keys", "make", "--token", "online", "--label", "t2", "--use", "timestamp")
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("online:timestamp\n", "online:t2\n") + f"\n[fleet]\ndatabase = {rotad.dir}/fleet.sqlite\n")
    fingerprint = json.loads(rota("ceremony", "prepare", "--json", "--role", "root", tmp_path / "c"))["fingerprint"]
    rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, tmp_path / "c")
    rota("ceremony", "finish", tmp_path / "c")
    rota("publish", "--all")
    return rota


def needed(rota, key=None):
    return {k["id"]: k["needed"] for k in keys(rota)}[key or rota.old]


def until(check):
    """What rotad was told is in its database a moment later."""
    for _ in range(600):
        if check():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def test_devices_hold_up_what_they_need(rolled, rotad):  # noqa: F811
    assert needed(rolled) == {"devices": 0, "silent": 0, "total": 0}  # nobody is there
    assert rotad.post(told(1))[0] == 200
    until(lambda: needed(rolled) == {"devices": 1, "silent": 1, "total": 1})
    assert "1 of 1 devices need it, 1 of them told nothing" in rolled(
        "keys", "retire", "--destroy", "--yes", "--reason", "replaced", rolled.old, status=1)
    assert rotad.post(told(2, ("root", "1")))[0] == 200
    until(lambda: needed(rolled) == {"devices": 1, "silent": 0, "total": 1})
    assert f'rota_key_needed_devices{{id="{rolled.old[:16]}",uses="timestamp"}} 1\n' in rolled("keys", "list", "--metrics")
    assert "1 of 1 devices need it, 0 of them" in rolled(
        "keys", "retire", "--destroy", "--yes", "--reason", "replaced", rolled.old, status=1)
    assert {k["needed"] and k["needed"]["devices"] for k in of(rolled, "releases")} == {None}  # targets names those
    assert {k["needed"]["devices"] for k in of(rolled, "image")} == {1}  # of its program nothing is known
    assert rotad.post(told(3, ("root", "two")))[0] == 200  # says nothing
    assert rotad.post(told(4, ("root", "2")))[0] == 200
    until(lambda: needed(rolled) == {"devices": 0, "silent": 0, "total": 1})
    rolled("keys", "retire", "--destroy", "--yes", "--reason", "replaced", rolled.old)
    assert needed(rolled) is None
    assert json.loads((rolled.dir / "keys").read_text().splitlines()[-1])["reason"] == "replaced"


def test_devices_are_overridden_with_a_reason(rolled, rotad):  # noqa: F811
    assert rotad.post(told(1, ("root", "1")))[0] == 200
    until(lambda: needed(rolled)["devices"] == 1)
    assert "leaves no room" in rolled(
        "keys", "retire", "--destroy", "--yes", "--override", "--reason", 120 * "x", rolled.old, status=1)
    rolled("keys", "retire", "--destroy", "--yes", "--override", "--reason", "sold", rolled.old)
    assert json.loads((rolled.dir / "keys").read_text().splitlines()[-1])["reason"] == "sold (1 of 1 devices need it)"


def test_devices_that_cannot_be_counted(rolled, rotad):  # noqa: F811
    ini = rolled.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("fleet.sqlite", "nothing.sqlite"))
    assert needed(rolled) is None
    assert "are not counted" in rolled("keys", "retire", "--destroy", "--yes", "--reason", "x", rolled.old, status=1)
    assert not (rotad.dir / "nothing.sqlite").exists()
    rolled("keys", "retire", "--destroy", "--yes", "--override", "--reason", "x", rolled.old)
    assert "x (devices not counted)" in (rolled.dir / "keys").read_text()
