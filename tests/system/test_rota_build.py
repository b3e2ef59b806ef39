# SPDX-License-Identifier: Apache-2.0
"""rota build and rota rebuild-check: what a build can see, what is said of it, and what a release needs (SPEC 26)."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from authority import made, rota  # noqa: F401 - fixtures
from conftest import PATIENCE, programs


def namespaces():
    return subprocess.run(["unshare", "-Urnmp", "--fork", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not namespaces(), reason="unshare(1) makes no namespaces here")

SOURCE = "https://git.example.org/fw"


def run(*args, status=0, **more):
    done = subprocess.run([programs()["rota"], *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120 * PATIENCE, check=False, **more)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr.strip().splitlines()[-1]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "src"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git/config").write_text("of this machine only")
    (folder / "data").write_text("some data\n")
    return folder


def build(source, out, script, *more, status=0, artifact="app=made", **options):
    return run("build", "--source", source, "--uri", SOURCE, "--revision", "abc", "--artifact", artifact,
               "--out", out, *more, "--", "sh", "-c", script, status=status, **options)


def test_says_what_came_of_what(source, tmp_path):
    answer = json.loads(build(source, tmp_path / "out", "cat data data >made", "--id", "b-7", "--json"))
    made_ = (tmp_path / "out/app").read_bytes()
    assert made_ == b"some data\n" * 2
    statement = json.loads((tmp_path / "out/provenance.json").read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [{"name": "app", "digest": {"sha256": hashlib.sha256(made_).hexdigest()}}]
    definition, details = (statement["predicate"][name] for name in ("buildDefinition", "runDetails"))
    assert definition["externalParameters"]["revision"] == "abc"
    assert definition["externalParameters"]["command"] == ["sh", "-c", "cat data data >made"]
    assert definition["resolvedDependencies"][0] == {"uri": SOURCE, "digest": {"rotaTree": answer["tree"]}}
    assert details["metadata"]["invocationId"] == "b-7"
    entry = f"f {hashlib.sha256(b'some data' + bytes([10])).hexdigest()} data\0".encode()
    assert answer["tree"] == hashlib.sha256(entry).hexdigest()  # SPEC 26.3, without .git
    bom = json.loads((tmp_path / "out/sbom.json").read_text())
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
    assert sorted(os.listdir(tmp_path)) == ["out", "src"]


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="no dpkg here")
def test_names_packages(source, tmp_path):
    build(source, tmp_path / "out", "echo >made", "--contains", "dpkg", "--version", "1.2.3")
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "dpkg"], capture_output=True, text=True,
                             check=True).stdout
    bom = json.loads((tmp_path / "out/sbom.json").read_text())
    assert [(c["name"], c["version"]) for c in bom["components"]] == [("dpkg", version)]
    materials = json.loads((tmp_path / "out/provenance.json").read_text())["predicate"]["buildDefinition"][
        "resolvedDependencies"]
    assert bom["components"][0]["purl"] in [m["uri"] for m in materials]
    assert "no such package" in build(source, tmp_path / "o2", "echo >made", "--contains", "no-such-package", status=1)


@pytest.mark.parametrize("what, script", [
    ("a network beside a dead lo", "test $(tail -n +3 /proc/net/dev | grep -vc lo:) = 0 && ! grep -q UP /sys/class/net/*/flags"),
    ("another host's name", "test $(cat /proc/sys/kernel/hostname) = rota-build"),
    ("homes", "test ! -e /home && test ! -e /root && test ! -e /var && test ! -e /etc/shadow"),
    ("the source's folder", "test ! -e {source}"),
    ("the environment", "test -z \"$SECRET\" && test $(env | wc -l) -le 8"),
    ("a /usr to write to", "! touch /usr/rota-was-here"),
    ("kernel settings to write to", "! sh -c 'echo x >/proc/sys/kernel/core_pattern'"),
    ("processes of others", "test $(ls /proc | grep -c '^[0-9]') -le 6"),
    ("descriptors of the caller", "test $(ls /proc/self/fd | wc -l) -le 4"),
    ("mounts that it may make", "! mount -t tmpfs none /tmp && ! unshare -Um mount -t tmpfs none /tmp"),
    ("where its caller writes", "readlink /proc/self/fd/2 | grep -q ^pipe: && ! test -t 2"),
    ("times of files", "test $(stat -c %Y data) = 315532800 && test $SOURCE_DATE_EPOCH = 315532800"),
])
def test_a_build_does_not_see(source, tmp_path, what, script):
    build(source, tmp_path / "out", script.replace("{source}", str(source)) + " && echo >made",
          env={**os.environ, "SECRET": "1"})


@pytest.mark.parametrize("what, script, says", [
    ("it fails", "exit 3", "'sh' ended with status 3"),
    ("it makes nothing", "true", "left no made"),
    ("a link to a file of the machine", "ln -s /etc/passwd made", "no regular file of the build"),
    ("a folder", "mkdir made", "no regular file of the build"),
    ("a pipe", "mkfifo made", "no regular file of the build"),
    ("it hangs", "sleep 1000 & sleep 1000", "was killed"),
])
def test_nothing_is_left_of_what_failed(source, tmp_path, what, script, says):
    assert says in build(source, tmp_path / "out", script, "--timeout", "2s", status=1)
    assert os.listdir(tmp_path) == ["src"]


def alive(mark):
    """Who has `mark` among his arguments."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(folder.name)
    return found


def wait_for(what):
    end = time.monotonic() + 20 * PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


FOR_EVER = """exec python3 -c 'import ctypes, os, time
ctypes.CDLL(None).prctl(1, 0)
if os.fork() == 0: os.setsid()
while True: time.sleep(1)' """


def test_nothing_is_left_of_what_does_not_want_to_end(source, tmp_path):
    mark = f"rota-build-{os.getpid()}-1"
    assert "was killed" in build(source, tmp_path / "out", FOR_EVER + mark, "--timeout", "2s", status=1)
    assert alive(mark) == []


def test_nothing_is_left_when_the_builder_is_killed(source, tmp_path):
    mark = f"rota-build-{os.getpid()}-2"
    with subprocess.Popen([programs()["rota"], "build", "--source", source, "--uri", SOURCE, "--revision", "abc",
                           "--artifact", "app=made", "--out", tmp_path / "out", "--", "sh", "-c", FOR_EVER + mark],
                          stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as builder:
        wait_for(lambda: len(alive(mark)) == 2)
        builder.kill()
    wait_for(lambda: not alive(mark))


def test_a_link_on_the_way_is_not_followed(source, tmp_path):
    says = build(source, tmp_path / "out", "ln -s /etc folder", artifact="app=folder/passwd", status=1)
    assert "no regular file of the build" in says


def test_refuses_what_is_there_already(source, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    assert "there already" in build(source, tmp_path / "out", "echo >made", status=1)
    assert (tmp_path / "out/mine").exists()


def test_rebuilds_elsewhere(source, tmp_path):
    build(source, tmp_path / "out", "cat data >made")
    shutil.copytree(source, tmp_path / "two")
    (tmp_path / "two/data").chmod(0o600)
    assert "same here" in run("rebuild-check", "--source", tmp_path / "two", tmp_path / "out/provenance.json")
    (tmp_path / "two/data").write_text("other data")
    says = run("rebuild-check", "--source", tmp_path / "two", tmp_path / "out/provenance.json", status=1)
    assert "another source" in says
    build(source, tmp_path / "chance", "cat /proc/sys/kernel/random/uuid >made")
    says = run("rebuild-check", "--source", source, tmp_path / "chance/provenance.json", status=1)
    assert "otherwise here" in says and "not reproducible" in says
    run("rebuild-check", "--source", source, "--keep", tmp_path / "kept", tmp_path / "out/provenance.json")
    assert (tmp_path / "kept/app").read_text() == "some data\n"
    assert "there already" in run("rebuild-check", "--source", source, "--keep", tmp_path / "kept",
                                  tmp_path / "out/provenance.json", status=1)


def envelope_of(line):
    """Statement, what is signed, and signature of a DSSE envelope."""
    envelope = json.loads(line)
    statement = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    message = f"DSSEv1 {len(kind)} {kind} {len(statement)} ".encode() + statement
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    return statement, message, signature


def builder_point(rota):
    """What [builder NAME] key is on the machines that believe this one."""
    return rota("build", "--key").strip()


def test_a_release_needs_two_builders(rota, source, tmp_path):
    """Whoever breaks into one builder ships nothing: another one that builds the same must sign too."""
    ini = rota.dir / "rota.ini"
    plain_ini = ini.read_text()
    assert "[keys builder]" in rota("build", "--key", status=1)
    for label in ("builder", "other"):  # of this machine, and of a second one
        rota("keys", "make", "--token", "online", "--label", label, "--use", "builder")
    first_ini = plain_ini + "[keys builder]\nsigners = online:builder\n"
    two_ini = plain_ini + "[keys builder]\nsigners = online:other\n"
    ini.write_text(first_ini)
    one = builder_point(rota)
    options = ["--version", "2.0.0", "--product", "sensor", "--hardware", "board-a", "--counter", "2"]
    rota("build", "--source", source, "--uri", SOURCE, "--revision", "abc", "--artifact", "app=made", "--out",
         tmp_path / "out", "--sign", *options, "--", "sh", "-c", "cat data >made")
    bundle = tmp_path / "out/provenance.jsonl"
    statement, message, signature = envelope_of(bundle.read_text())
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(one))
    public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    ini.write_text(two_ini)
    two = builder_point(rota)
    assert one != two
    policy = f"[promotion]\nbuilders = 2\n[builder one]\nkey = {one}\n[builder two]\nkey = {two}\n"
    ini.write_text(first_ini + policy)
    rota("image", "sign", "--version", "2.0.0", "--hardware", "board-a", "--counter", 2, "--out", tmp_path / "a.img",
         tmp_path / "out/app")
    subjects = {s["name"]: s["digest"]["sha256"] for s in json.loads(statement)["subject"]}
    assert json.loads(rota("image", "show", "--json", tmp_path / "a.img"))["digest"] == subjects["app#image"]
    add = ["release", "add", "--version", "2.0.0", "--image", tmp_path / "a.img"]
    assert "--provenance" in rota(*add, status=1)
    assert "1 of 2 builders" in rota(*add, "--provenance", bundle, status=1)
    rota("rebuild-check", "--sign", "--source", source, bundle)
    assert "1 of 2 builders" in rota(*add, "--provenance", bundle, status=1)  # twice the same key
    ini.write_text(two_ini + policy)
    rota("rebuild-check", "--sign", "--source", source, "--builder", "https://two.example.org/", bundle)
    ini.write_text(first_ini + policy)
    other = tmp_path / "other"
    other.write_text("not what was built")
    rota("image", "sign", "--version", "2.0.0", "--hardware", "board-a", "--counter", 2, "--out", tmp_path / "o.img",
         other)
    assert "builder one built app#image" in rota("release", "add", "--version", "2.0.0", "--image",
                                                 f"app={tmp_path / 'o.img'}", "--provenance", bundle, status=1)
    rota(*add, "--provenance", bundle, "--sbom", tmp_path / "out/sbom.json")
    release = json.loads(next((rota.dir / "repo/targets/releases/sensor/2.0.0").glob("*.release.json")).read_text())
    assert release["provenance"] == "releases/sensor/2.0.0/provenance.jsonl"
    ini.write_text(first_ini + policy.replace(two, one))
    assert "one key" in rota("status", status=1)
