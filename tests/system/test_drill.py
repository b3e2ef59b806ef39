# SPDX-License-Identifier: Apache-2.0
"""Every incident is rehearsed: the thief wins what SPEC 27.3 says, the steps of `rota incident` are done, then all devices are
well and each attack is refused. That the drill sees what is wrong is shown by drills of which something is taken away."""
import json
import re
import resource
import shlex
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from authority import made, release, rota  # noqa: F401 - fixtures
from conftest import TOP

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

# incident: attacks that are shown to two devices each, after the steps
ATTACKS = {"timestamp": 1, "snapshot": 1, "rollouts": 1, "ci": 2, "releases": 1, "targets": 1, "image": 1, "time": 1,
           "root-below": 2, "root-at": 1, "series": 1, "root-lost": 1, "keys": 3, "device-ca": 1}


def incident(rota, *args, status=0):  # noqa: F811
    return rota("incident", *args, status=status)


def steps(rota, name):  # noqa: F811
    return json.loads(incident(rota, "--json", name))


@pytest.fixture(scope="module")
def seconds():
    """CPU of all drills, kept as a figure when the last is over."""
    spent = []
    yield spent
    if len(spent) == len(ATTACKS):
        subprocess.run([TOP / "tools/figure", "drill_seconds", f"{sum(spent):.1f}", "s"], check=True)


@pytest.mark.plain
@pytest.mark.parametrize("name", ATTACKS)
def test_drill(made, name, seconds, tmp_path):  # noqa: F811
    before = sorted((p.relative_to(made.dir), p.stat().st_mtime_ns) for p in made.dir.rglob("*"))
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    made("drill", "--report", tmp_path, name)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds.append(now.ru_utime + now.ru_stime - cpu.ru_utime - cpu.ru_stime)
    report = json.loads((tmp_path / f"{name}.json").read_text())
    assert report["well"] is True and report["incident"] == name and report["devices"] == 9
    assert report["refused_attacks"] == 2 * ATTACKS[name]
    table = [s["name"] for s in steps(made, name)["steps"]]
    done = [s["name"] for s in report["steps"]]
    assert done and [n for n in table if n in done] == list(dict.fromkeys(done))  # each in its turn
    assert report["seconds"] > 0 and all(s["seconds"] >= 0 and s["what"] for s in report["steps"])
    text = (tmp_path / f"{name}.txt").read_text()
    assert text.startswith(f"drill {name}, ") and text.count("\n") == 1 + len(done)
    # of the authority itself nothing was touched
    assert sorted((p.relative_to(made.dir), p.stat().st_mtime_ns) for p in made.dir.rglob("*")) == before


@pytest.mark.plain
def test_where_a_daemon_signs(made):  # noqa: F811
    """The copy asks none, and the log of the authority gets no entry of a drill."""
    with tempfile.TemporaryDirectory(prefix="drill-") as short:  # as addresses of sockets are
        desk = Path(short, "a")
        subprocess.run([made.program, "init", "--softhsm", "--product", "sensor", desk], check=True, timeout=120,
                       stdout=subprocess.DEVNULL)
        assert "signd = " in (desk / "rota.ini").read_text()
        before = sorted((p, p.stat().st_mtime_ns) for p in desk.rglob("*"))
        subprocess.run([made.program, "--dir", desk, "drill", "rollouts"], check=True, timeout=120)
        assert sorted((p, p.stat().st_mtime_ns) for p in desk.rglob("*")) == before


@pytest.mark.plain
@pytest.mark.parametrize("name", ["series", "timestamp"])
def test_with_a_keeper(rota, name, tmp_path):  # noqa: F811
    """The sealed emergency is rehearsed with a keeper of the drill's own: asked for, approved by two officers, ended by that. The real
    one is not connected to."""
    with tempfile.TemporaryDirectory(prefix="drill-") as short, socket.socket(socket.AF_UNIX) as real:
        real.bind(f"{short}/keeper")
        real.listen()
        real.setblocking(False)
        ini = rota.dir / "rota.ini"
        ini.write_text(ini.read_text() + f"\n[series]\nkeeper = {short}/keeper\n")
        rota("drill", "--report", tmp_path, name)
        with pytest.raises(BlockingIOError):
            real.accept()
    report = json.loads((tmp_path / f"{name}.json").read_text())
    assert report["well"] is True and report["refused_attacks"] == 2
    names = [step["name"] for step in report["steps"]]
    if name == "series":  # there is one in this drill, and the thief's attack is refused before, too
        assert names == ["ask", "approve", "approve", "end-series", "publish"]
    else:
        assert "ask" not in names and "approve" not in names
    assert not list(left_behind())


@pytest.mark.plain
@pytest.mark.parametrize("name", ["rollouts", "ci"])
def test_of_an_authority_in_use(rota, name, tmp_path):  # noqa: F811
    """Which has released under versions of its own, published the timestamp more often than the snapshot, and lets its releases reach
    few devices at first, built by two builders: a drill is about the incident, not about these."""
    ini = rota.dir / "rota.ini"
    for version, more in (("1.0.0", ()), ("3.0.0", ()), ("2.0.0", ("--ci",))):
        if more:
            rota("image", "sign", "--ci", "--version", version, "--hardware", "board-a", "--out", tmp_path / "ci.img",
                 tmp_path / "p-1.0.0")
            rota("release", "add", "--ci", "--version", version, "--image", tmp_path / "ci.img")
        else:
            release(rota, tmp_path, version)
    rota("rollout", "set", "--version", "3.0.0")
    for _ in range(6):
        rota("publish", "--lifetime", "timestamp=1h")
    text = ini.read_text().replace("first_ppm = 1000000", "first_ppm = 1000").replace("everyone = auto", "everyone = human")
    assert "first_ppm = 1000\n" in text and "everyone = human" in text
    ini.write_text(text + "\n[promotion]\nbuilders = 1\n[builder ci]\nkey = " + json.loads(
        rota("keys", "make", "--json", "--token", "online", "--label", "builder", "--use", "builder"))["point"] + "\n")
    rota("drill", "--report", tmp_path, name)
    assert json.loads((tmp_path / f"{name}.json").read_text())["well"] is True


def left_behind():
    """Processes of a drill's keeper that are left."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"rota-drill-" in path.read_bytes():
                yield path
        except OSError:
            continue


def test_there_are_fourteen(made):  # noqa: F811
    assert [i["incident"] for i in json.loads(incident(made, "--json"))] == list(ATTACKS)
    assert set(re.findall(r"^(\S+)", incident(made), re.M)) == set(ATTACKS)


def test_the_playbook_has_the_same_steps(made):  # noqa: F811
    """docs/playbook.md: a chapter for each incident, a numbered line for each step, in the same order."""
    chapters = dict(re.findall(r"^## ([a-z-]+):.*?\n(.*?)(?=^## |\Z)", (TOP / "docs/playbook.md").read_text(), re.M | re.S))
    assert list(chapters) == list(ATTACKS)
    for name, text in chapters.items():
        said = re.findall(r"^\d+\. \*\*([a-z-]+)\*\*", text, re.M)
        assert said == [s["name"] for s in steps(made, name)["steps"]], name


def test_refused(rota, tmp_path):  # noqa: F811
    """What would use real tokens, or write to the real repository; and what is no incident."""
    rota("drill", status=2)
    rota("drill", "fire", status=2)
    rota("drill", "--all", "timestamp", status=2)
    ini = rota.dir / "rota.ini"
    good = ini.read_text()
    for old, new, said in (
            ("SOFTHSM2_CONF=tokens/root-1/", f"SOFTHSM2_CONF={rota.dir}/tokens/root-1/", "token root-1"),
            ("SOFTHSM2_CONF=tokens/root-1/softhsm2.conf",
             f"SOFTHSM2_CONF=tokens/root-1/softhsm2.conf SOFTHSM2_CONF={rota.dir}/tokens/root-1/softhsm2.conf", "token root-1"),
            ("pin_file = tokens/root-2/pin", f"pin_file = {rota.dir}/tokens/root-2/pin", "token root-2"),
            ("path = repo", f"path = {rota.dir}/repo", "would write to it"),
            ("path = repo", f"path = repo\nstaging = {tmp_path}/ci", "builds are staged in"),
            ("[authority]\n", f"[authority]\n  signd = {tmp_path}/sock\n", "the real signing daemon"),
            ("[repository]\n", f"[series]\n  keeper = {tmp_path}/sock\n[repository]\n", "the real keeper")):
        assert old in good
        ini.write_text(good.replace(old, new))
        told = subprocess.run([rota.program, "--dir", rota.dir, "drill", "timestamp"], capture_output=True, text=True,
                              timeout=120, check=False)
        assert told.returncode == 1 and said in told.stderr, told
        ini.write_text(good)
        folder = re.search(r"copies are in (\S+)", told.stderr).group(1)
        shutil.rmtree(folder)
    conf = rota.dir / "tokens/root-3/softhsm2.conf"
    good = conf.read_text()
    for said in (f"{rota.dir}/tokens/root-3/store", "tokens/../../root-3/store", ""):
        conf.write_text(good.replace("tokens/root-3/store", said))
        told = subprocess.run([rota.program, "--dir", rota.dir, "drill", "timestamp"], capture_output=True, text=True,
                              timeout=120, check=False)
        assert told.returncode == 1 and "token root-3" in told.stderr, told
        shutil.rmtree(re.search(r"copies are in (\S+)", told.stderr).group(1))


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_links_lead_to_is_left_alone(rota, tmp_path):  # noqa: F811
    """Repository and tokens that lie elsewhere: a thief's files and the end of a key are the copy's alone."""
    for name in ("repo", "tokens"):
        (rota.dir / name).rename(tmp_path / name)
        (rota.dir / name).symlink_to(tmp_path / name)
    before = contents(tmp_path / "repo"), contents(tmp_path / "tokens").keys()
    rota("drill", "timestamp")
    assert (contents(tmp_path / "repo"), contents(tmp_path / "tokens").keys()) == before
    rota("publish")


def test_an_incident_goes_on_where_it_was_left(rota):  # noqa: F811
    """Step by step by the same command; a step that somebody did by hand counts; at its end another one can begin."""
    assert "it has not begun" in incident(rota, "--do", "rollouts", status=1)
    assert {s["state"] for s in steps(rota, "rollouts")["steps"]} == {"rest"}
    old = next(k for k in json.loads(rota("keys", "list", "--json")) if k["uses"] == "rollouts")
    incident(rota, "--begin", "rollouts", status=2)  # why?
    incident(rota, "--begin", "--reason", "the server's; $(id) `id` \"broken\" into", "rollouts")
    first = next(s for s in steps(rota, "rollouts")["steps"] if s["state"] == "next")
    shown = next(line for line in rota("incident", "rollouts").splitlines() if line.strip().startswith("rota "))
    assert shlex.split(shown) == ["rota", *first["command"]]  # a shell takes it for nothing else
    assert "is not over" in incident(rota, "--begin", "--reason", "again", "rollouts", status=1)
    incident(rota, "--reason", "x", "rollouts", status=2)
    rota("keys", "retire", "--compromised", "--reason", "by hand", old["id"][:16])
    shown = {s["name"]: s for s in steps(rota, "rollouts")["steps"]}
    assert [s["state"] for s in shown.values()] == ["done", "next"] + ["rest"] * (len(shown) - 2)
    assert shown["new-key"]["command"][:4] == ["keys", "make", "--token", "online"]
    assert f"rollouts-after-{old['id'][:8]}" in shown["new-key"]["command"]
    for _ in range(3):  # new-key, seat, prepare
        incident(rota, "--do", "rollouts")
    assert f"online:rollouts-after-{old['id'][:8]}" in (rota.dir / "rota.ini").read_text()
    fingerprint = re.search("fingerprint (.*)", rota("ceremony", "show", rota.dir / "incidents/rollouts/ceremony")).group(1)
    assert "compares" in rota("incident", "rollouts")
    rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, rota.dir / "incidents/rollouts/ceremony")
    while any(s["state"] != "done" for s in steps(rota, "rollouts")["steps"]):
        shown = next(s for s in steps(rota, "rollouts")["steps"] if s["state"] == "next")
        rota(*shown["command"], *(["--yes"] if shown["name"] == "destroy" else []))  # as it is shown
    assert "it is over" in incident(rota, "--do", "rollouts")
    key = next(k for k in json.loads(rota("keys", "list", "--json")) if k["id"] == old["id"])
    assert key["state"] == "destroyed" and not key["named"]
    assert not (rota.dir / "incidents/rollouts").exists()
    log = [json.loads(line) for line in (rota.dir / "incidents/log").read_text().splitlines()]
    assert [e["did"] for e in log] == ["begun", "new-key", "seat", "prepare", "over"]
    assert all(e["incident"] == "rollouts" and e["at"] for e in log)
    incident(rota, "--begin", "--reason", "and again", "rollouts")


def test_whose_keys(rota):  # noqa: F811
    """Of people's keys it must be said which; those of another role are another incident."""
    every = json.loads(rota("keys", "list", "--json"))
    mine = next(k["id"] for k in every if k["uses"] == "targets")
    incident(rota, "--begin", "--reason", "x", "targets", status=2)
    incident(rota, "--begin", "--reason", "x", "--key", mine, "root-at", status=2)  # for which hardware?
    assert "another incident" in incident(rota, "--begin", "--reason", "x", "--key", mine, "releases", status=1)
    assert "no key has the id" in incident(rota, "--begin", "--reason", "x", "--key", "0" * 16, "targets", status=1)
    assert not (rota.dir / "incidents/releases").exists()
    incident(rota, "--begin", "--reason", "x", "--key", mine, "--token", "targets-2", "targets")
    shown = next(s for s in steps(rota, "targets")["steps"] if s["name"] == "new-key")
    assert shown["command"][shown["command"].index("--token") + 1] == "targets-2"


def test_a_root_that_begins_anew(rota, tmp_path):  # noqa: F811
    """Only where the old one's people are too few; not taken without signatures, nor below what is there."""
    every = json.loads(rota("keys", "list", "--json"))
    old = [k["id"] for k in every if k["uses"] == "root"]
    for n in (1, 2):
        rota("keys", "make", "--token", f"root-{n}", "--label", "new", "--use", "root", "--out", tmp_path / f"{n}.pem")
    one, two = ([f"--replace={old[n - 1]}={tmp_path}/{n}.pem"] for n in (1, 2))
    assert "they sign an ordinary root" in rota("recovery", "root", *one, tmp_path / "root.json", status=1)
    rota("recovery", "root", *one, *two, tmp_path / "root.json")
    assert "is there already" in rota("recovery", "root", *one, *two, tmp_path / "root.json", status=1)
    before = (rota.dir / "trust/root.json").read_bytes()
    assert "signatures" in rota("recovery", "root", "--take", tmp_path / "root.json", status=1)
    ini = (rota.dir / "rota.ini").read_text()
    (rota.dir / "rota.ini").write_text(ini.replace("root-1:root ", "root-1:new ").replace("root-2:root ", "root-2:new "))
    rota("recovery", "root", "--sign", "--yes", tmp_path / "root.json")
    assert "no token at hand" in rota("recovery", "root", "--sign", "--yes", tmp_path / "root.json", status=1)
    assert (rota.dir / "trust/root.json").read_bytes() == before
    rota("recovery", "root", "--take", tmp_path / "root.json")
    rota("recovery", "root", "--take", tmp_path / "root.json")  # again changes nothing
    assert (rota.dir / "trust/root.json").read_bytes() == (tmp_path / "root.json").read_bytes()
    assert (rota.dir / "repo/metadata/2.root.json").read_bytes() == (tmp_path / "root.json").read_bytes()
    rota("publish", "--all")
    (rota.dir / "repo/metadata/3.root.json").write_bytes((rota.dir / "repo/metadata/2.root.json").read_bytes())
    assert "is there already" in rota("recovery", "root", "--take", tmp_path / "root.json", status=1)
    (rota.dir / "repo/metadata/3.root.json").unlink()
    fingerprint = json.loads(rota("ceremony", "prepare", "--json", "--yearly", tmp_path / "f"))["fingerprint"]
    rota("ceremony", "sign", "--yes", "--fingerprint", fingerprint, tmp_path / "f")
    rota("ceremony", "finish", tmp_path / "f")
    assert json.loads((rota.dir / "repo/metadata/3.root.json").read_text())["signed"]["version"] == 3
    rota("series", "prepare", "--slots", "1", "--landing", "2h", tmp_path / "series")
    said = rota("series", "sign", "--yes", "--fingerprint", "0" * 20, tmp_path / "series", status=1)
    assert "not what was read aloud" in said  # so its roots were verified from the new one on


def test_what_is_shown_can_be_pasted(rota):  # noqa: F811
    """A shell takes the command of the next step as it is meant, whatever the reason is."""
    reason = "it's $(known), `really`"
    incident(rota, "--begin", "--reason", reason, "rollouts")
    (line,) = [line for line in incident(rota, "rollouts").splitlines() if line.startswith(" ")]
    assert subprocess.run(["sh", "-c", f"printf '%s\n' {line}"], capture_output=True, text=True, check=True).stdout.splitlines() == [
        "rota", "keys", "retire", "--compromised", "--reason", reason, *shlex.split(line)[-1:]]


def test_a_release_of_elsewhere_is_withdrawn(rota):  # noqa: F811
    """By its digest, since the thief put it into no repository of ours."""
    digest = "ab" * 32
    assert "64 hex digits" in rota("withdraw", "--digest", "ab", status=1)
    rota("withdraw", "--digest", digest)
    assert digest in rota("withdraw")
    rota("withdraw", "--undo", "--digest", digest)
    assert digest not in rota("withdraw")
