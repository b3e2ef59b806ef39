# SPDX-License-Identifier: Apache-2.0
"""The signing daemon with a whole authority: what it signs of a repository's next files, that a client of anybody's verifies them, and
that each refusal of SPEC 18.6 is one of the table, and an entry of its log."""
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import time

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from asks import HOUR, RULES, ask, make_base, make_scene, newest, now, successor, when  # noqa: F401 - fixtures
from authority import Client, canonical, made, release  # noqa: F401 - fixtures
from paths import PATIENCE
from signd import Signd

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


@pytest.fixture(name="signd")
def run_signd(scene):
    with Signd(scene.folder, scene.dir, more=RULES) as it:
        yield it


def verified(said, signed):
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(said["keys"][0]))
    try:
        key.verify(bytes.fromhex(said["signatures"][0]["sig"]), canonical(signed).encode(), ec.ECDSA(hashes.SHA256()))
        return True
    except InvalidSignature:
        return False


def granted(signd, scene, role, signed, files=None):
    """Ask, put it where it belongs, and say what it is."""
    status, said = ask(signd, role, signed, files)
    assert status == 200, said
    assert verified(said, signed)
    return said, scene.put(role, signed, said)


# ---- what is signed

def test_from_a_rollout_to_a_timestamp(signd, scene):
    signed, files = scene.rollout("--stage", "ppm=10000", "--stage", "everyone", "--open", 0)
    said, data = granted(signd, scene, "rollouts", signed, files)
    entries = [said["entry"]]
    signed = scene.snapshot(rollouts=data)
    entries.append(granted(signd, scene, "snapshot", signed)[0]["entry"])
    entries.append(granted(signd, scene, "timestamp", scene.timestamp())[0]["entry"])
    client = Client(scene.dir / "repo").refresh()
    assert json.loads(client.fetch("rollouts", "rollouts/sensor.json"))["sequence"] == 1
    leaves = signd.wait_leaves(entries[-1] + 1)
    for role, index in zip(("rollouts", "snapshot", "timestamp"), entries):
        signed = newest(scene.dir, role)
        assert leaves[index]["kind"] == "GRANTED" and leaves[index]["role"] == role
        assert leaves[index]["version"] == signed["version"]
        assert leaves[index]["message"] == hashlib.sha256(canonical(signed).encode()).hexdigest()


def test_of_a_repository_it_knows_what_verifies_is_adopted_once(signd, scene):
    leaves = signd.wait_leaves(2)
    opened = [leaf for leaf in leaves if leaf["kind"] == "OPENED"]
    assert {leaf["role"] for leaf in opened} >= {"root", "targets", "snapshot", "timestamp", "releases", "ci", "rollouts"}
    assert [leaf["path"] for leaf in opened if leaf["path"]] == ["releases/sensor/1.0.0/release.json"]
    signd.stop()
    signd.start()
    assert len([leaf for leaf in signd.wait_leaves(len(leaves) + 1) if leaf["kind"] == "OPENED"]) == len(opened)


def test_a_build_for_ci(signd, scene):
    twin = scene.twin()
    image = scene.folder / "ci.img"
    (scene.folder / "payload").write_bytes(b"x" * 1000)
    twin("image", "sign", "--ci", "--version", "1.1.0", "--hardware", "board-a", "--counter", 1, "--out", image,
         scene.folder / "payload")
    twin("release", "add", "--ci", "--version", "1.1.0", "--image", image)
    signed = newest(twin.dir, "ci")
    shutil.copytree(twin.dir / "repo/targets/ci", scene.dir / "repo/targets/ci")
    files = {path: (scene.dir / "repo/targets" / f"{pathlib.Path(path).parent}/{target['hashes']['sha256']}.release.json").read_text()
             for path, target in signed["targets"].items() if path.endswith("/release.json")}
    granted(signd, scene, "ci", signed, files)


def test_an_image_for_ci(signd, scene):
    """Posted, signed as it was read, by the key of ci-image; another than was posted is not."""
    image = scene.folder / "ci.img"
    (scene.folder / "payload").write_bytes(os.urandom(300_000))
    made = json.loads(scene.twin()("image", "sign", "--ci", "--version", "1.1.0", "--hardware", "board-a", "--counter", 3, "--out", image,
                                   scene.folder / "payload", "--json"))
    data = image.read_bytes()
    with signd.connect() as client:
        status, _, body = client.post(data, "/v1/artifact/sensor")
        receipt = json.loads(body)
        assert status == 200
        assert receipt == {"image": made["digest"], "length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert client.post(data, "/v1/artifact/other")[0] == 403
        status, _, body = client.post(b"", "/v1/artifact/sensor")
        assert status == 200 and json.loads(body)["image"] is None
    what = {"counter": 3, "digest": made["digest"], "hardware": ["board-a"], "length": len(data), "sha256": receipt["sha256"],
            "version": "1.1.0"}
    for changes, code in ({"counter": 4}, "version"), ({"length": 1}, "bytes"), ({"sha256": 64 * "0"}, "bytes"), \
            ({"hardware": ["board-b"]}, "product"):
        assert signd.ask(kind="image", role="ci", body=what | changes)[1]["code"] == code
    signd.stop()
    signd.start()
    status, said, _ = signd.ask(kind="image", role="ci", body=what)
    assert status == 200, said
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(said["keys"][0]))
    key.verify(bytes.fromhex(said["signatures"][0]["sig"]), bytes.fromhex(made["digest"]), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    leaves = signd.wait_leaves(said["entry"] + 1)
    assert [leaf["digest"] for leaf in leaves if leaf["kind"] == "BUILD"][0] == receipt["sha256"]
    assert leaves[said["entry"]]["role"] == "ci-image" and leaves[said["entry"]]["message"] == made["digest"]
    with signd.connect() as client:
        client.send(b"POST /v1/artifact/sensor HTTP/1.1\r\nHost: s\r\nContent-Length: 4294967297\r\n\r\n")
        assert client.answer()[0] == 413


def test_a_lost_answer_is_given_again(signd, scene):
    signed = scene.timestamp()
    first, _ = granted(signd, scene, "timestamp", signed)
    again, _ = granted(signd, scene, "timestamp", signed)
    assert again["entry"] > first["entry"]


def test_it_knows_what_it_signed_after_a_restart(signd, scene):
    signed = scene.timestamp()
    granted(signd, scene, "timestamp", signed)
    snapshot = scene.snapshot()
    granted(signd, scene, "snapshot", snapshot)
    signd.stop()
    signd.start()
    assert ask(signd, "timestamp", signed | {"expires": when(now() + HOUR)})[1]["code"] == "replay"
    assert ask(signd, "snapshot", snapshot | {"expires": when(now() + HOUR)})[1]["code"] == "replay"
    granted(signd, scene, "timestamp", scene.timestamp())


def test_what_is_refused_leaves_the_record_as_it_was(signd, scene):
    granted(signd, scene, "snapshot", scene.snapshot())
    signed = scene.snapshot()
    assert ask(signd, "snapshot", signed | {"extra": 1})[1]["code"] == "member"
    signd.stop()
    signd.start()
    granted(signd, scene, "snapshot", signed)


def test_a_record_that_is_gone_ends_the_role(signd, scene):
    granted(signd, scene, "snapshot", scene.snapshot())
    signd.stop()
    texts = list((signd.state / "records").glob("sensor.snapshot.*"))
    assert len(texts) == 1
    texts[0].unlink()
    signd.start()
    status, said = ask(signd, "snapshot", scene.snapshot())
    assert (status, said["code"]) == (503, "log")


def test_an_event_is_recorded(signd, scene):
    twin = scene.twin()
    event = {"kind": "incident", "what": {"name": "timestamp", "step": "begun"}}
    status, said, _ = signd.ask(kind="record", role="releases", body={"event": event})
    assert status == 200 and said["signatures"] == []
    assert signd.wait_leaves(said["entry"] + 1)[said["entry"]]["kind"] == "INCIDENT"
    release(twin, scene.folder, "2.0.0")
    shutil.copytree(twin.dir / "repo", scene.dir / "repo", dirs_exist_ok=True)
    shutil.copytree(twin.dir / "staging", scene.dir / "staging", dirs_exist_ok=True)
    listed = newest(scene.dir, "releases")
    path = "releases/sensor/2.0.0/release.json"
    digest = listed["targets"][path]["hashes"]["sha256"]
    data = (scene.dir / "staging" / f"{listed['version']}.releases.json").read_bytes()
    assert ask(signd, "snapshot", scene.snapshot(releases=data))[1]["code"] == "log"
    status, said, _ = signd.ask(kind="record", role="releases",
                                body={"event": {"kind": "release", "path": path, "digest": digest, "what": {}}})
    assert status == 200, said
    entry = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
    assert (entry["kind"], entry["path"], entry["digest"]) == ("RELEASE", path, digest)
    (scene.dir / "repo/metadata" / f"{listed['version']}.releases.json").write_bytes(data)
    granted(signd, scene, "snapshot", scene.snapshot(releases=data))


def test_public_keys(signd, scene):
    with signd.connect() as client:
        client.send(b"GET /v1/keys/sensor/timestamp HTTP/1.1\r\nHost: s\r\n\r\n")
        status, _, body = client.answer()
        keys = json.loads(body)["keys"]
        assert status == 200 and len(keys) == 1
        root = newest(scene.dir, "root")
        assert root["roles"]["timestamp"]["keyids"] == [keys[0]["keyid"]]
        assert re.fullmatch("04[0-9a-f]{128}", keys[0]["public"])
    for path in (b"sensor/root", b"other/timestamp", b"sensor", b"sensor/timestamp/x", b"sensor/"):
        with signd.connect() as client:
            client.send(b"GET /v1/keys/" + path + b" HTTP/1.1\r\nHost: s\r\n\r\n")
            assert client.answer()[0] == 404


def test_how_it_stands(signd, scene):
    granted(signd, scene, "timestamp", scene.timestamp())
    case_member(signd, scene)
    with signd.connect() as client:
        client.send(b"GET /v1/state HTTP/1.1\r\nHost: s\r\n\r\n")
        status, _, body = client.answer()
        said = json.loads(body)
        assert status == 200 and said["requests"] == {"answered": 1, "failed": 0, "refused": 1, "unavailable": 0, "waiting": 0}
        assert said["tokens"] == [{"failing": False, "token": "online"}] and said["pending"] == 0 and said["warnings"] == []
        assert said["entries"] == len(signd.wait_leaves(said["entries"]))
        client.send(b"GET /metrics HTTP/1.1\r\nHost: s\r\n\r\n")
        status, headers, body = client.answer()
        assert status == 200 and headers["Content-Type"] == "text/plain"
        assert b"\nrota_signd_refused_total 1\n" in body and b'rota_signd_token_failing{token="online"} 0\n' in body
    signd.stop()
    keys = scene.dir / "keys"
    keys.write_text(re.sub(r'"at":"20\d\d', '"at":"2023', keys.read_text()))
    signd.start()
    with signd.connect() as client:
        client.send(b"GET /v1/state HTTP/1.1\r\nHost: s\r\n\r\n")
        warnings = json.loads(client.answer()[2])["warnings"]
    assert warnings and all(text.startswith("sensor: key ") for text in warnings)
    assert warnings[0] in signd.said()


def test_a_key_whose_life_is_over_signs_nothing_more(signd, scene):
    """SPEC 25.7, of a daemon that runs: it sees what is written into DIR/keys meanwhile."""
    keys = scene.dir / "keys"
    before = keys.read_text()
    (key,) = newest(scene.dir, "root")["roles"]["timestamp"]["keyids"]

    def happens(event):
        line = {"at": "2026-01-01T00:00:00Z", "event": event, "id": key, "label": "", "owner": "", "reason": "x", "token": "", "uses": ""}
        keys.write_text(before + json.dumps(line, separators=(",", ":")) + "\n")

    for event in ("deactivated", "destroyed"):
        happens(event)
        status, said = ask(signd, "timestamp", scene.timestamp())
        assert (status, said["code"]) == (403, "role") and f"it is {event}, and signs no more" in said["text"], said
    keys.write_text("{}\n")  # what cannot be looked at signs nothing, and is no refusal for good
    status, said = ask(signd, "timestamp", scene.timestamp())
    assert (status, said["code"]) == (503, "token") and "line 1" in said["text"], said
    happens("compromised")  # a machine's, as long as metadata names it
    granted(signd, scene, "timestamp", scene.timestamp())
    keys.write_text(before)
    granted(signd, scene, "timestamp", scene.timestamp())


def test_a_full_disk_takes_nothing_back_and_nothing_along(scene):
    """What could not be entered was not signed, and what comes after is judged as if it had not been asked for."""
    signd = Signd(scene.folder, scene.dir, more=RULES)
    with signd:
        granted(signd, scene, "timestamp", scene.timestamp())
        signed = scene.timestamp()
        pid = signd.pids("signd-log")[0]
        size = sum(len(path.read_bytes().rstrip(b"\0")) for path in (signd.state / "log/journal").iterdir())  # zeros lie ahead
        limits = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        status, said = ask(signd, "timestamp", signed)
        assert (status, said["code"]) == (503, "log"), said
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        granted(signd, scene, "timestamp", signed | {"expires": when(now() + HOUR)})
        versions = [leaf["version"] for leaf in signd.wait_leaves(1)
                    if leaf["kind"] == "GRANTED" and leaf["role"] == "timestamp"]
        assert len(set(versions)) == len(versions)


# ---- what is refused

def later(signed, **changes):
    return {**signed, **changes}


def shortened(meta, name):
    return {key: value for key, value in meta.items() if key != name}


def policy(scene, **changes):
    """A rollout policy of somebody who writes it by hand."""
    signed, files = scene.rollout("--stage", "ppm=10000", "--stage", "everyone", "--open", 0)
    value = json.loads(files["rollouts/sensor.json"])
    value["campaigns"][0] |= changes
    text = canonical(value)
    digest = hashlib.sha256(text.encode()).hexdigest()
    signed["targets"]["rollouts/sensor.json"] = {"hashes": {"sha256": digest}, "length": len(text)}
    return signed, {"rollouts/sensor.json": text}


def withdrawn(signd, scene):
    twin = scene.twin()
    twin("withdraw", "1.0.0")
    signed = newest(twin.dir, "revocations")
    granted(signd, scene, "revocations", signed, scene.text(twin.dir, "revocations", signed))


def case_kind(signd, scene):
    return signd.ask(kind="key", body={"do": "generate", "label": "x", "token": "online"})[:2]


def case_role(signd, scene):
    return ask(signd, "targets", successor(scene.dir, "targets"))


def case_path(signd, scene):
    signed, files = policy(scene)
    signed["targets"]["releases/sensor/1.0.0/release.json"] = signed["targets"]["rollouts/sensor.json"]
    return ask(signd, "rollouts", signed, files)


def case_spelling(signd, scene):
    with signd.connect() as client:
        status, _, body = client.post(b'{ "_type":"rota-ask"}')
    return status, json.loads(body)


def case_member(signd, scene):
    return ask(signd, "timestamp", later(scene.timestamp(), extra=1))


def case_version(signd, scene):
    signed = scene.timestamp()
    return ask(signd, "timestamp", later(signed, version=signed["version"] + 1))


def case_vanished(signd, scene):
    signed = scene.snapshot()
    return ask(signd, "snapshot", later(signed, meta=shortened(signed["meta"], "ci.json")))


def case_lower(signd, scene):
    signed = scene.snapshot(releases=(scene.dir / "repo/metadata/1.releases.json").read_bytes())
    return ask(signd, "snapshot", signed)


def case_bytes(signd, scene):
    signed = scene.timestamp()
    signed["meta"]["snapshot.json"]["hashes"]["sha256"] = 64 * "0"
    return ask(signd, "timestamp", signed)


def case_product(signd, scene):
    signed, files = policy(scene)
    signed["targets"]["rollouts/other.json"] = signed["targets"]["rollouts/sensor.json"]
    return ask(signd, "rollouts", signed, files)


def case_lifetime(signd, scene):
    return ask(signd, "timestamp", scene.timestamp(expires=when(now() + 240 * HOUR)))


def case_time(signd, scene):
    return ask(signd, "timestamp", scene.timestamp(**{"x-rota-issued": when(now() + HOUR)}))


def case_ceiling(signd, scene):
    return ask(signd, "rollouts", *policy(scene, stages=[{"kind": "ppm", "ppm": 10001}, {"kind": "everyone"}]))


def case_ceiling_of_stages(signd, scene):
    return ask(signd, "rollouts", *policy(scene, open=1))


def case_withdrawn(signd, scene):
    withdrawn(signd, scene)
    return ask(signd, "rollouts", *policy(scene))


def case_slot(signd, scene):
    signed = scene.timestamp()
    scene.rota("series", "make", "--slots", 2, "--period", "2h", "--from", when(now() + HOUR / 1800), "--yes")
    deadline = time.monotonic() + 60 * PATIENCE
    while not (scene.dir / "repo/metadata/2.root.json").exists():
        assert time.monotonic() < deadline
        scene.rota("publish")
        time.sleep(0.2)
    return ask(signd, "timestamp", later(signed, expires=when(now() + HOUR), **{"x-rota-issued": when(now() - 2 * HOUR)}))


def case_rate(signd, scene):
    ask(signd, "keys-link", successor(scene.dir, "keys-link"))
    return ask(signd, "keys-link", successor(scene.dir, "keys-link"))


def case_expired(signd, scene):
    return ask(signd, "timestamp", scene.timestamp(), expires="2020-01-01T00:00:00Z")


def case_replay(signd, scene):
    signed = scene.timestamp()
    granted(signd, scene, "timestamp", signed)
    return ask(signd, "timestamp", later(signed, expires=when(now() + HOUR)))


def case_log(signd, scene):
    release(scene.rota, scene.folder, "2.0.0")
    version = newest(scene.dir, "releases")["version"]
    data = (scene.dir / "staging" / f"{version}.releases.json").read_bytes()
    return ask(signd, "snapshot", scene.snapshot(releases=data))


STATUS = {"rate": 429, "token": 503, "log": 503}
CASES = [case_kind, case_role, case_path, case_spelling, case_member, case_version, case_vanished, case_lower, case_bytes,
         case_product, case_lifetime, case_time, case_ceiling, case_ceiling_of_stages, case_withdrawn, case_slot, case_rate,
         case_expired, case_replay, case_log]


def code_of(case):
    return case.__name__.split("_")[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_refusal_is_one_of_the_table(signd, scene, case):
    before = len(signd.leaves()) if (signd.state / "log/public/checkpoint").exists() else 0
    status, said = case(signd, scene)
    assert said["_type"] == "rota-refusal" and said["code"] == code_of(case), said
    assert status == STATUS.get(said["code"], 403)
    deadline = time.monotonic() + 60 * PATIENCE
    while not any(leaf["kind"] == "REFUSED" for leaf in signd.wait_leaves(before + 1)[before:]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # and nothing is the worse for it
    assert signd.ask()[0] == 200


def test_a_stranger_is_refused(scene):
    """The code `identity`: of the table as well."""
    with Signd(scene.folder, scene.dir, uid=os.getuid() + 1) as signd:
        status, said, _ = signd.ask()
        assert (status, said["code"]) == (403, "identity")
        with signd.connect() as client:
            client.send(b"POST /v1/ask HTTP/1.1\r\nHost: s\r\nContent-Length: 16385\r\n\r\n")
            assert client.answer()[0] == 413
        assert [leaf["kind"] for leaf in signd.wait_leaves(1)].count("REFUSED") == 1
