# SPDX-License-Identifier: Apache-2.0
"""Very large roles: hash bins, many targets at once, and publishing that writes only what changed. Judged by rota-tuf,
which reads the repository over HTTP as any client would, and by tuf-js in test_tufjs.py."""
import contextlib
import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

from authority import made, rota  # noqa: F401 - fixtures
from conftest import BUILD, programs

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()


class Reader:
    """rota-tuf before the repository in a folder."""

    def __init__(self, repo, tmp_path):
        handler = functools.partial(Quiet, directory=str(repo))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.asked = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.dir, self.out = tmp_path / "reader", tmp_path / "out"
        done = self.run("init", str(repo / "metadata/1.root.json"))
        assert done.returncode == 0, done.stderr

    def run(self, *words):
        self.server.asked.clear()
        return subprocess.run([programs()["rota-tuf"], "--metadata-dir", self.dir, *words], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    def refresh(self):
        done = self.run("--metadata-url", self.url + "/metadata", "refresh")
        assert (done.returncode, done.stderr) == (0, "")

    def find(self, *names, status=0):
        words = [word for name in names for word in ("--target-name", name)]
        done = self.run("--metadata-url", self.url + "/metadata", *words, "--target-base-url",
                        self.url + "/targets", "--target-dir", self.out, "download")
        assert done.returncode == status, done.stderr
        return done.stderr

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def reader(rota, tmp_path):
    it = Reader(rota.dir / "repo", tmp_path)
    yield it
    it.close()


def path_of(n, role="releases"):
    return f"{role}/sensor/1.0.{n % 7}/part-{n}"


def write_list(tmp_path, numbers, role="releases"):
    """A list that copies files, and their contents by path."""
    lines, contents = [], {}
    for n in numbers:
        file = tmp_path / f"part-{n}"
        file.write_bytes(b"content %d" % n)
        contents[path_of(n, role)] = file.read_bytes()
        lines.append(f"{path_of(n, role)}\t{file}\n")
    name = tmp_path / "list"
    name.write_text("".join(lines))
    return name, contents


def bin_of(path, bits, role="releases"):
    """TAP 15, from its text."""
    number = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") >> (32 - bits)
    return f"{role}-{number:0{len(format((1 << bits) - 1, 'x'))}x}"


def signed(rota, name):
    return json.loads((rota.dir / "repo/metadata" / name).read_bytes())["signed"]


def snapshot(rota):
    timestamp = signed(rota, "timestamp.json")
    return signed(rota, f"{timestamp['meta']['snapshot.json']['version']}.snapshot.json")["meta"]


def listed(rota, role):
    """`signed` of the role's file that counts."""
    return signed(rota, f"{snapshot(rota)[role + '.json']['version']}.{role}.json")


def files(rota):
    """Every file below the repository with its identity."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns)
            for path in (rota.dir / "repo").rglob("*") if path.is_file()}


@contextlib.contextmanager
def writes(rota, *names):
    """Only files of these names (or versions of them) are written or go."""
    before = files(rota)
    yield
    after = files(rota)
    assert before.keys() <= after.keys()
    new = {path.name for path in after if before.get(path) != after[path]}
    assert sorted(re.sub(r"^([1-9][0-9]*|[0-9a-f]{64})\.", "", name) for name in new) == sorted(names)


@pytest.mark.parametrize("bits", [1, 4, 5, 9])
def test_any_client_walks_the_bins(rota, reader, tmp_path, bits):
    name, contents = write_list(tmp_path, range(40))
    rota("target", "add", "--from-list", name)
    rota("publish")
    reader.find(path_of(3))  # in the role's own file
    rota("repo", "bins", "releases", bits)
    reader.refresh()  # nothing changes before it is published
    rota("publish")
    assert listed(rota, "releases")["targets"] == {}
    for path, content in contents.items():
        assert path in listed(rota, bin_of(path, bits))["targets"]
        (reader.out / path.replace("/", "%2F")).unlink(missing_ok=True)
    reader.find(*contents)
    asked = {p.split(".", 1)[1][:-5] for p in reader.server.asked if "/metadata/" in p and "releases" in p}
    assert asked == {"releases"} | {bin_of(path, bits) for path in contents}
    got = sorted(path.read_bytes() for path in reader.out.iterdir())
    assert got == sorted(contents.values())
    reader.find("releases/sensor/1.0.0/nothing", status=1)
    assert "0 wrong" in rota("repo", "verify")


def test_publishing_writes_what_changed(rota, reader, tmp_path):
    name, _ = write_list(tmp_path, range(64))
    rota("repo", "bins", "releases", 6)
    rota("target", "add", "--from-list", name)
    rota("publish")
    reader.refresh()
    path = path_of(1000)
    payload = tmp_path / "payload"
    payload.write_bytes(b"new")
    with writes(rota, "part-1000", "snapshot.json", "timestamp.json", bin_of(path, 6) + ".json"):
        rota("target", "add", f"{path}={payload}")
        rota("publish")
    reader.find(path)
    done = json.loads(rota("publish", "--json"))
    assert sum(role["bins"] for role in done) == 0


def test_a_release_goes_into_bins(rota, reader, tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(os.urandom(5000))
    rota("repo", "bins", "releases", 8)
    rota("release", "add", "--version", "2.0.0", "--raw", f"app={payload}", "--hardware", "board-a")
    base = "releases/sensor/2.0.0/"
    bins = {bin_of(base + leaf, 8) for leaf in ("release.json", "payload")}
    rota("rollout", "set", "--version", "2.0.0")
    done = {role["role"]: role for role in json.loads(rota("publish", "--json"))}
    assert done["releases"]["bins"] == 256  # the first time
    reader.find(base + "release.json", base + "payload")
    again = rota("release", "add", "--version", "2.0.0", "--raw", f"app={payload}", "--hardware", "board-a",
                 status=1)
    assert "is there already" in again
    rota("release", "add", "--version", "2.0.1", "--raw", f"app={payload}", "--hardware", "board-a")
    assert len(list((rota.dir / "staging").iterdir())) == len(
        {bin_of("releases/sensor/2.0.1/" + leaf, 8) for leaf in ("release.json", "payload")})
    assert len(bins) in (1, 2)


def test_other_bins_and_none(rota, reader, tmp_path):
    """More bins, fewer, none: all targets stay, and a client that knew the old ones goes on (TUF 5.5.5)."""
    name, contents = write_list(tmp_path, range(30))
    rota("target", "add", "--from-list", name)
    for bits in (3, 4, 6, 2, 0, 5):
        before = listed(rota, "releases")["version"]
        rota("repo", "bins", "releases", bits)
        rota("publish")
        assert listed(rota, "releases")["version"] > before
        assert "0 wrong" in rota("repo", "verify")
        reader.find(*contents)
    version = listed(rota, "releases")["version"]
    assert {listed(rota, bin_of(path, 5))["version"] for path in contents} == {version}


def test_how_many_bins(rota, tmp_path):
    digest = hashlib.sha256(b"").hexdigest()
    name = tmp_path / "list"
    for count, bits in ((3999, 0), (5000, 6)):
        name.write_text("".join(f"{path_of(n)}\t0\t{digest}\n" for n in range(count)))
        rota("target", "add", "--from-list", name)
        done = json.loads(rota("repo", "bins", "--json", "releases"))
        assert (done["bits"], done["targets"]) == (bits, count)


def test_signing_all_anew(rota, reader, tmp_path):
    name, contents = write_list(tmp_path, range(20))
    rota("repo", "bins", "releases", 3)
    rota("target", "add", "--from-list", name)
    rota("publish")
    before = listed(rota, "releases")["version"]
    rota("repo", "bins", "--resign", "releases")
    rota("publish")
    versions = {listed(rota, f"releases-{n:x}")["version"] for n in range(8)} | {
        listed(rota, "releases")["version"]}
    assert len(versions) == 1 and versions.pop() > before
    reader.find(*contents)


def test_an_online_role_is_signed_anew_with_its_bins(rota, tmp_path):
    name, _ = write_list(tmp_path, range(20), "ci")
    rota("target", "add", "--role", "ci", "--from-list", name)
    rota("repo", "bins", "ci", 3)
    rota("publish")
    before = listed(rota, "ci")
    done = {role["role"]: role for role in json.loads(rota("publish", "--lifetime", "ci=1h", "--json"))}
    assert done["ci"]["resigned"] and done["ci"]["bins"] == 8
    after = [listed(rota, "ci")] + [listed(rota, f"ci-{n}") for n in range(8)]
    assert {role["version"] for role in after} == {before["version"] + 1}
    assert len({role["expires"] for role in after}) == 1
    assert sum(len(role["targets"]) for role in after) == 20


@pytest.mark.plain  # killat is preloaded
def test_half_a_set_is_never_published(rota, reader, tmp_path):
    """A run that was cut off while it signed all bins: what is staged of it goes, what was staged before stays."""
    name, contents = write_list(tmp_path, range(20))
    rota("repo", "bins", "releases", 3)
    rota("publish")
    rota("target", "add", "--from-list", name)
    staged = {path.name for path in (rota.dir / "staging").iterdir()}
    library = BUILD / "tests/system/libkillat.so"
    for n in range(8, 40, 5):
        done = subprocess.run([rota.program, "--dir", rota.dir, "repo", "bins", "releases", "2"],
                              env={**os.environ, "LD_PRELOAD": str(library), "KILLAT": str(n)}, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        assert done.returncode == -9, done
        assert (rota.dir / "staging/releases.making").exists()
    assert {path.name for path in (rota.dir / "staging").iterdir()} > staged
    rota("publish")
    assert listed(rota, "releases")["delegations"]["succinct_roles"]["bit_length"] == 3
    assert not list((rota.dir / "staging").iterdir())
    reader.find(*contents)


def test_what_is_refused(rota, tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(b"a")
    rota("target", "add", f"releases/sensor/1.0.0/a={payload}")
    assert "1 were listed already" in rota("target", "add", f"releases/sensor/1.0.0/a={payload}")
    payload.write_bytes(b"b")
    assert "never changed" in rota("target", "add", f"releases/sensor/1.0.0/a={payload}", status=1)
    assert "SPEC 3.2" in rota("target", "add", f"releases/a={payload}", status=1)
    assert "no target path" in rota("target", "add", f"releases/sensor/../a={payload}", status=1)
    assert "stay small" in rota("repo", "bins", "rollouts", 3, status=1)
    rota("repo", "bins", "releases", 15, status=2)
    rota("repo", "bins", "--resign", "releases", 3, status=2)
    rota("target", "add", status=2)
    rota("target", "add", "--role", "root", f"a={payload}", status=2)
    name = tmp_path / "list"
    for line, word in (("releases/sensor/1.0.0/x", "line 2"), ("releases/sensor/1.0.0/x\t/nowhere", "/nowhere"),
                       ("a" * 9000 + "\tb", "longer")):
        name.write_text(f"releases/sensor/1.0.0/c\t{payload}\n{line}\n")
        assert word in rota("target", "add", "--from-list", name, status=1)
    assert not [path for path in (rota.dir / "staging").iterdir() if path.name.startswith("3.")]


def test_a_list_of_files(rota, reader, tmp_path):
    """More than are made durable together, in several directories; some twice; again; a line that is wrong far down."""
    lines = []
    for n in range(300):
        (tmp_path / f"f{n}").write_bytes(b"%d" % (n % 290))
        lines.append(f"releases/sensor/{n % 3}.0.0/f{n}\t{tmp_path}/f{n}\n")
    name = tmp_path / "list"
    name.write_text("".join(lines) + "releases/sensor/1.0.0/x\t/nowhere\n")
    assert "line 301" in rota("target", "add", "--from-list", name, status=1)
    assert not [path for path in (rota.dir / "repo" / "targets").rglob(".*")]
    name.write_text("".join(lines) + "\n" + lines[0])
    rota("target", "add", "--from-list", name)
    rota("publish")
    assert "0 wrong" in rota("repo", "verify")
    again = json.loads(rota("target", "add", "--json", "--from-list", name))
    assert again == {"absent": 0, "absent_first": [], "added": 0, "files": 0, "known": 301, "role": "releases",
                     "version": 2}
    reader.refresh()
    reader.find("releases/sensor/2.0.0/f299")


def test_what_is_listed_and_not_there_is_told(rota, reader, tmp_path):
    """It may lie on another server, so it is published; of another length it is as good as not there."""
    rows = sorted((path_of(n), b"content %d" % n) for n in range(9))
    places = [f"targets/{path.rsplit('/', 1)[0]}/{hashlib.sha256(body).hexdigest()}.{path.rsplit('/', 1)[1]}"
              for path, body in rows]
    name = tmp_path / "list"
    name.write_text("".join(f"{path}\t{len(body)}\t{hashlib.sha256(body).hexdigest()}\n" for path, body in rows))

    def upload(first, last):
        for place, (_, body) in list(zip(places, rows))[first:last]:
            (rota.dir / "repo" / place).parent.mkdir(parents=True, exist_ok=True)
            (rota.dir / "repo" / place).write_bytes(body)

    upload(0, 3)
    (rota.dir / "repo" / places[2]).write_bytes(b"cut off")
    said = rota("target", "add", "--from-list", name)
    assert "of 7 targets the bytes are not in the repository" in said and "and 2 more" in said
    assert [line[2:] for line in said.splitlines() if line.startswith("  targets/")] == places[2:7]
    rota("publish")
    reader.refresh()
    reader.find(rows[0][0])
    upload(2, 9)
    assert "0 wrong" in rota("repo", "verify")
    again = json.loads(rota("target", "add", "--json", "--from-list", name))
    assert (again["absent"], again["absent_first"], again["known"]) == (0, [], 9)
    (rota.dir / "repo" / places[4]).unlink()
    again = json.loads(rota("target", "add", "--json", "--from-list", name))
    assert (again["absent"], again["absent_first"]) == (1, [places[4]])


def test_a_file_that_no_device_would_read_is_not_signed(rota, tmp_path):
    digest = hashlib.sha256(b"").hexdigest()
    name = tmp_path / "list"
    name.write_text("".join(f"{path_of(n)}{'x' * 100}\t0\t{digest}\n" for n in range(80_000)))
    assert "rota repo bins releases 8" in rota("target", "add", "--from-list", name, status=1)
    assert "say how many bins" in rota("repo", "bins", "releases")  # none yet, so none are advised
    rota("repo", "bins", "releases", 8)
    rota("target", "add", "--from-list", name)
    rota("publish")


def test_a_bin_that_was_changed_is_not_listed(rota, tmp_path):
    rota("repo", "bins", "releases", 2)
    rota("publish")
    payload = tmp_path / "payload"
    payload.write_bytes(b"a")
    rota("target", "add", f"{path_of(1)}={payload}")
    (staged,) = (rota.dir / "staging").iterdir()
    staged.write_bytes(staged.read_bytes().replace(b'"length":1', b'"length":2'))
    assert "not what its role signed" in rota("publish", status=1)
    assert "not what its role signed" in rota("target", "add", f"{path_of(1)}={payload}", status=1)


# ---- what the authority remembers ----

def test_versions_do_not_begin_again(rota, reader, tmp_path):
    for _ in range(3):
        rota("publish", "--all")
    reader.refresh()
    metadata = rota.dir / "repo/metadata"
    timestamp, snapshots = signed(rota, "timestamp.json")["version"], len(list(metadata.glob("*.snapshot.json")))
    (metadata / "timestamp.json").unlink()
    rota("publish")
    assert signed(rota, "timestamp.json")["version"] == timestamp + 1
    reader.refresh()
    # all of a backup of yesterday, or nothing at all
    for path in metadata.glob("*.snapshot.json"):
        path.unlink()
    rota("publish")
    assert [path.name for path in metadata.glob("*.snapshot.json")] == [f"{snapshots + 1}.snapshot.json"]
    assert signed(rota, "timestamp.json")["version"] == timestamp + 2
    reader.refresh()
    assert len(list((rota.dir / "trust").glob("*.timestamp.json"))) == 1


def test_a_snapshot_begins_as_the_authority_remembers_the_last(rota, tmp_path):
    """Not as somebody who writes the repository would like: a snapshot of the thief's lists old bins."""
    rota("repo", "bins", "releases", 2)
    rota("publish")
    metadata = rota.dir / "repo/metadata"
    good = snapshot(rota)
    (newest,) = [path for path in metadata.glob("*.snapshot.json") if json.loads(path.read_bytes())["signed"]["meta"] == good]
    newest.write_bytes(newest.read_bytes().replace(b'"releases-0.json"', b'"releases-9.json"'))
    rota("publish")
    assert snapshot(rota) == good
    # without what it remembers, and with nothing to believe, it says what to do
    for path in [*(rota.dir / "trust").glob("*.snapshot.json"), *metadata.glob("*.snapshot.json")]:
        path.unlink()
    assert "--resign" in rota("publish", status=1)
    rota("repo", "bins", "--resign", "releases")
    rota("publish")
    assert snapshot(rota).keys() == good.keys()


# ---- the hint of SPEC 3.8 ----

def test_the_hint_is_there_and_comes_back(rota):
    hint = rota.dir / "repo/metadata/root-hint.json"
    assert hint.read_bytes() == b'{"changed":[],"newest":1,"version":1}'
    hint.unlink()
    rota("publish")
    assert json.loads(hint.read_bytes())["newest"] == 1
    hint.write_bytes(b"{}")
    rota("publish")
    assert json.loads(hint.read_bytes())["newest"] == 1
