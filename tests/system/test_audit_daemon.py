# SPDX-License-Identifier: Apache-2.0
"""What an auditor finds in the log of a real daemon: who had a release published, why, when, and from which build; and what
he takes home."""
import base64
import hashlib
import json
import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tlog
from asks import RULES
from authority import canonical, made, rota  # noqa: F401 - fixtures
from conftest import BUILD, PATIENCE
from signd import Signd

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
PATH = "releases/sensor/1.0.0/release.json"
TYPE = "application/vnd.in-toto+json"


def provenance(key, payload):
    """A builder's signed statement, by SPEC 26.1 and 26.2."""
    statement = canonical({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{"digest": {"sha256": hashlib.sha256(payload).hexdigest()}, "name": "app"}],
        "predicate": {"buildDefinition": {"buildType": "https://rota.invalid/build/v1", "externalParameters": {
            "revision": "0f1e2d", "source": "https://git.example/sensor"}},
            "runDetails": {"builder": {"id": "x"}, "metadata": {"invocationId": "run-9"}}}}).encode()
    public = key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    keyid = hashlib.sha256(canonical({"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}).encode())
    sig = key.sign(f"DSSEv1 {len(TYPE)} {TYPE} {len(statement)} ".encode() + statement, ec.ECDSA(hashes.SHA256()))
    return json.dumps({"payload": base64.b64encode(statement).decode(), "payloadType": TYPE,
                       "signatures": [{"keyid": keyid.hexdigest(), "sig": base64.b64encode(sig).decode()}]}) + "\n"


@pytest.fixture
def published(rota, tmp_path):  # noqa: F811
    """Version 1.0.0, staged, recorded by the daemon, published."""
    builder, payload = ec.generate_private_key(ec.SECP256R1()), os.urandom(1000)
    point = builder.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    with (rota.dir / "rota.ini").open("a") as ini:
        ini.write(f"\n[log]\npublic = {tmp_path}/state/log/public\n[builder farm]\nkey = {point.hex()}\n")
    (tmp_path / "payload").write_bytes(payload)
    (tmp_path / "provenance").write_text(provenance(builder, payload))
    with Signd(tmp_path, rota.dir, more=RULES) as daemon:
        rota("release", "add", "--version", "1.0.0", "--raw", f"app={tmp_path}/payload", "--hardware", "board-a", "--build",
             "ci-77", "--provenance", tmp_path / "provenance")
        (release,) = (rota.dir / "repo/targets/releases/sensor/1.0.0").glob("*.release.json")
        event = {"kind": "release", "path": PATH, "digest": hashlib.sha256(release.read_bytes()).hexdigest(), "what": {}}
        status, said, _ = daemon.ask(kind="record", role="releases", reason="field trial passed", body={"event": event})
        assert status == 200, said
        daemon.wait_leaves(said["entry"] + 1)
        key = subprocess.run([BUILD / "apps/rota-signd/rota-signd", "--log-key", "--config", daemon.config], capture_output=True,
                             text=True, check=True, timeout=60 * PATIENCE).stdout
        (rota.dir / "trust/log-policy").write_text(key + "quorum none\n")
        rota("publish")
        daemon.digest, daemon.entry = bytes.fromhex(event["digest"]), said["entry"]
        yield daemon


def test_who_why_when_and_from_which_build(rota, published, tmp_path):  # noqa: F811
    journal = published.state / "log/journal"
    assert "good: " in rota("audit", "verify", "--journal", journal)
    line = rota("audit", "show", "--target", PATH, "--journal", journal).rstrip("\n")
    number, at, kind, rest = line.split(maxsplit=3)
    assert int(number) == published.entry and kind == "release" and at.endswith("Z")
    assert rest == (f"sensor releases {PATH} sha256 {published.digest.hex()[:16]}, asked by me: field trial passed, build ci-77, built by farm from "
                    "https://git.example/sensor at 0f1e2d")
    told = json.loads(rota("audit", "show", "--json", "--target", PATH, "--journal", journal))
    assert told["build"] == {"build": "ci-77", "provenance": "releases/sensor/1.0.0/provenance", "builders": [
        {"builder": "farm", "invocation": "run-9", "revision": "0f1e2d", "source": "https://git.example/sensor"}]}
    # what is published says neither who nor why
    line = rota("audit", "show", "--target", PATH).rstrip("\n")
    assert "asked by" not in line and line.endswith("build ci-77, built by farm from https://git.example/sensor at 0f1e2d")
    # a build that another put in its place is none
    (file,) = (rota.dir / "repo/targets/releases/sensor/1.0.0").glob("*.provenance")
    file.write_text(provenance(ec.generate_private_key(ec.SECP256R1()), b"another"))
    assert rota("audit", "show", "--target", PATH).rstrip("\n").endswith("build ci-77")
    (file,) = (rota.dir / "repo/targets/releases/sensor/1.0.0").glob("*.release.json")
    file.write_bytes(file.read_bytes().replace(b"ci-77", b"ci-78"))
    assert "build ci" not in rota("audit", "show", "--target", PATH)


def test_the_proof_of_a_daemon_s_log_by_the_texts(rota, published):  # noqa: F811
    """The files that publish carried, read by Python alone."""
    folder = rota.dir / "repo/log"
    text, lines = (folder / "checkpoint").read_text().split("\n\n")
    size = int(text.splitlines()[1])
    entries = tlog.entries(folder, size)
    assert text + "\n" == f"{text.splitlines()[0]}\n{size}\n{tlog.b64(tlog.root([tlog.leaf_hash(e) for e in entries]))}\n"
    vkey = (rota.dir / "trust/log-policy").read_text().split()[1]
    assert tlog.verifies(vkey, text + "\n", lines.splitlines()[0])
    head, proved, signed = (folder / f"proofs/{published.digest.hex()}.tlog-proof").read_text().split("\n\n")
    head = head.splitlines()
    index, proved = int(head[2].split()[1]), proved + "\n"
    assert base64.b64decode(head[1].split()[1]) == entries[index] and index == published.entry
    upto = [tlog.leaf_hash(e) for e in entries[:int(proved.splitlines()[1])]]
    assert [base64.b64decode(h) for h in head[3:]] == tlog.inclusion(upto, index)
    assert proved.splitlines()[2] == tlog.b64(tlog.root(upto)) and tlog.verifies(vkey, proved, signed.splitlines()[0])


def test_a_private_record_that_was_changed_is_found(rota, published, tmp_path):  # noqa: F811
    journal = tmp_path / "journal"
    published.stop()
    shutil.copytree(published.state / "log/journal", journal)
    assert rota("audit", "verify", "--journal", journal).startswith("good: ")
    (segment,) = [p for p in journal.iterdir() if b"field trial passed" in p.read_bytes()]
    data = segment.read_bytes().replace(b"field trial passed", b"field trial failed")
    segment.write_bytes(data)
    said = rota("audit", "verify", "--journal", journal, status=1)
    assert "journal" in said or f"entry {published.entry}" in said
    assert "journal" in rota("audit", "show", "--journal", journal, status=1)


def test_what_an_auditor_takes_home(rota, published, tmp_path):  # noqa: F811
    home = tmp_path / "home"
    rota("audit", "export", "--out", f"{home}/", "--journal", published.state / "log/journal", "--target", PATH)
    published.stop()
    shutil.rmtree(rota.dir)
    assert sorted(p.name for p in home.iterdir()) == ["keys", "log", "log-policy", "records", "root.json"]
    assert (home / f"log/proofs/{published.digest.hex()}.tlog-proof").is_file()
    (line,) = (home / "records").read_text().splitlines()
    told = json.loads(line)
    assert told["index"] == published.entry and json.loads(told["record"])["reason"] == "field trial passed"
    # the leaf has the record's digest, by SPEC 21.3
    size = int((home / "log/checkpoint").read_text().splitlines()[1])
    leaf = tlog.entries(home / "log", size)[told["index"]]
    assert tlog.sha(b"rota-log-record-v1", bytes.fromhex(told["salt"]), told["record"].encode()) == leaf[121:153]
    words = ["audit", "verify", "--policy", home / "log-policy", "--records", home / "records", home / "log"]
    assert rota(*words) == f"good: {size} entries, 0 witnesses, 1 private records\n" == rota("audit", "verify", home)
    shown = rota("audit", "show", "--target", PATH, home)
    assert shown.endswith(", asked by me: field trial passed, build ci-77\n")
    assert shown == rota("audit", "show", "--policy", home / "log-policy", "--records", home / "records", "--target", PATH, home / "log")
    for text, said in ((line.replace("passed", "failed"), "not the private record"), (line.replace(told["salt"], "00" * 16), "not the"),
                       (line.replace(f'"index":{told["index"]}', '"index":99999'), "has no entry 99999"), ("{}", "line 1 is no record"),
                       (line.replace('"salt"', '"sold"'), "line 1 is no record"),
                       (line + "\n" + line, "line 2 is no record")):
        (home / "records").write_text(text + "\n")
        assert said in rota(*words, status=1)
        if "99999" not in text and "\n" not in text:  # what is shown, is held against its entry
            assert said in rota("audit", "show", home, status=1)


def test_no_file_of_the_exporters_is_taken_for_a_proof(rota, published, tmp_path):  # noqa: F811
    """Who writes the published log puts a link there; an auditor would get what the authority alone may read."""
    (rota.dir / f"repo/log/proofs/{'0' * 64}.tlog-proof").symlink_to(rota.dir / "rota.ini")
    assert "is no proof of a release" in rota("audit", "export", "--out", tmp_path / "home", status=1)
    assert not list(tmp_path.glob("home*"))


def test_records_end_where_the_checkpoint_does(rota, published, tmp_path):  # noqa: F811
    """The journal is ahead of what is published; nobody could hold those records against anything. And the repository may lie anywhere."""
    (rota.dir / "repo").rename(tmp_path / "elsewhere")
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("path = repo", f"path = {tmp_path}/elsewhere"))
    size = int((tmp_path / "elsewhere/log/checkpoint").read_text().splitlines()[1])
    assert published.ask()[0] == 200
    rota("audit", "export", "--out", tmp_path / "home", "--journal", published.state / "log/journal")
    assert rota("audit", "verify", tmp_path / "home") == f"good: {size} entries, 0 witnesses, {size} private records\n"


def test_what_is_not_exported(rota, published, tmp_path):  # noqa: F811
    (tmp_path / "there").mkdir()
    assert "is there already" in rota("audit", "export", "--out", tmp_path / "there", status=1)
    rota("audit", "export", "--out", tmp_path / "x", "--role", "releases", status=2)
    rota("audit", "export", "--out", tmp_path / "plain")
    assert not (tmp_path / "plain/records").exists()
    (rota.dir / "repo/log/checkpoint").write_text("nothing\n")
    assert "checkpoint" in rota("audit", "export", "--out", tmp_path / "bad", status=1)
    assert not (tmp_path / "bad").exists() and not (tmp_path / "bad.making").exists()
