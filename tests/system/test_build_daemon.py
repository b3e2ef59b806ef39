# SPDX-License-Identifier: Apache-2.0
"""From a source to the log: a build's statement is signed by the daemon (SPEC 26.9), its release is recorded when the
builders agree, and it is entered into the log."""
import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authority import made, rota  # noqa: F401 - fixtures
from signd import Signd

pytestmark = pytest.mark.skipif(
    not shutil.which("softhsm2-util")
    or subprocess.run(["unshare", "-Urnmp", "--fork", "true"], capture_output=True, check=False).returncode != 0,
    reason="softhsm2 or namespaces are not here")

RULES = """
[builder farm]
key = {key}
[rule builds]
who = me
scope = sensor
role = ci
kinds = build
[rule releases]
who = me
scope = sensor
role = releases
kinds = record
builders = 1
"""


def point_of(pem):
    key = serialization.load_pem_public_key(pem.encode())
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


@pytest.fixture
def farm(rota, tmp_path):  # noqa: F811
    """A daemon that holds the builder's key, and an authority that asks it."""
    key = json.loads(rota("keys", "make", "--token", "online", "--label", "builder", "--use", "builder", "--json"))
    ini = rota.dir / "rota.ini"
    text = re.sub(r"\nsignd = .*", "", ini.read_text())
    ini.write_text(text.replace("[authority]\n", f"[authority]\nsignd = {tmp_path}/signd.sock\n", 1)
                   + "[keys builder]\nsigners = online:builder\n")
    with Signd(tmp_path, rota.dir, more=RULES.format(key=point_of(key["public"]))) as signd:
        yield rota, signd, bytes.fromhex(point_of(key["public"]))


def build(rota, tmp_path, name, *more, status=0):  # noqa: F811
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    (source / "data").write_text("some data\n")
    rota("build", "--sign", "--source", source, "--uri", "https://git.example.org/fw", "--revision", "abc",
         "--artifact", "app=made", "--id", name, "--out", tmp_path / name, *more, "--", "sh", "-c", "cat data data >made",
         status=status)
    return tmp_path / name


def test_a_statement_is_signed_by_the_daemon(farm, tmp_path):
    rota, signd, key = farm  # noqa: F811
    out = build(rota, tmp_path, "b-7")
    envelope = json.loads((out / "provenance.jsonl").read_text())
    payload = base64.b64decode(envelope["payload"])
    message = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key).verify(
        base64.b64decode(envelope["signatures"][0]["sig"]), message, ec.ECDSA(hashes.SHA256()))
    (entry,) = signd.wait_entries(1, role="builder")
    assert entry["kind"] == "GRANTED" and entry["message"] == hashlib.sha256(message).hexdigest()
    assert entry["digest"] == hashlib.sha256(payload).hexdigest()
    assert entry["key"] == envelope["signatures"][0]["keyid"]
    assert rota("build", "--key") == key.hex() + "\n"


def test_another_products_build_is_not_vouched_for(farm, tmp_path):
    rota, signd, _ = farm  # noqa: F811
    said = rota("build", "--sign", "--source", build(rota, tmp_path, "first").parent / "source", "--uri", "u", "--revision",
                "abc", "--artifact", "app=made", "--out", tmp_path / "other", "--hardware", "board-a", "--product", "lamp",
                "--version", "1.0.0", "--", "sh", "-c", "cat data data >made", status=1)
    assert "product" in said and not (tmp_path / "other").exists()
    signd.wait_last("REFUSED")


def record(signd, version, digest):
    event = {"digest": digest, "kind": "release", "path": f"releases/sensor/{version}/release.json", "what": {}}
    return signd.ask(kind="record", role="releases", body={"event": event})


def test_a_release_is_recorded_when_its_builder_agrees(farm, tmp_path):
    rota, signd, _ = farm  # noqa: F811
    out = build(rota, tmp_path, "b-8")

    def add(version, file, *more):
        said = rota("release", "add", "--version", version, "--hardware", "board-a", "--build", "b-8", "--json",
                    "--raw", f"app={file}", *more)
        return json.loads(said)["sha256"]

    other = tmp_path / "other"
    other.write_bytes(b"what nobody built")
    status, said, _ = record(signd, "1.0.0", add("1.0.0", out / "app"))
    assert (status, said["code"]) == (403, "approvals")
    status, said, _ = record(signd, "1.1.0", add("1.1.0", other, "--provenance", out / "provenance.jsonl"))
    assert (status, said["code"]) == (403, "bytes") and "farm built app" in said["text"]
    status, said, _ = record(signd, "2.0.0", add("2.0.0", out / "app", "--provenance", out / "provenance.jsonl"))
    assert status == 200, said
    entry = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
    assert entry["kind"] == "RELEASE" and entry["path"] == "releases/sensor/2.0.0/release.json"
