# SPDX-License-Identifier: Apache-2.0
"""Requests that wait for officers (SPEC 20): what they are shown, who counts, for what, for how long, and what is left of a request
when the daemon ends in between."""
import hashlib
import json
import os
import shutil
import signal
import struct
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from asks import HOUR, RULES, make_base, make_scene, newest, now, when  # noqa: F401 - fixtures
from authority import canonical, made  # noqa: F401 - fixtures
from paths import PATIENCE
from signd import Signd, request, words

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


class Officer:
    def __init__(self, name):
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key()
        self.point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        value = {"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}
        self.id = hashlib.sha256(canonical(value).encode()).hexdigest()

    def approval(self, digest, refuse=False, hours=24, **changes):
        expires = (now() + hours * HOUR).replace(microsecond=0)
        signed = b"rota-approval-v1" + bytes.fromhex(digest) + struct.pack("<QB", int(expires.timestamp()), refuse)
        sig = self.key.sign(hashlib.sha256(signed).digest(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return words({"_type": "rota-approval", "ask": digest, "expires": when(expires), "format": 1, "key": self.id,
                      "refuse": refuse, "sig": sig.hex(), **changes})


ANNA, BERT, CARL, ME = Officer("anna"), Officer("bert"), Officer("carl"), Officer("me")
OFFICERS = "".join(f"[officer {officer.name}]\nkey = {officer.point.hex()}\n" for officer in (ANNA, BERT, CARL, ME))
TWO = RULES.replace("role = revocations\nkinds = metadata\n",
                    "role = revocations\nkinds = metadata\napprovals = 2\napprovers = anna bert me\n") + OFFICERS


@pytest.fixture(name="signd")
def run_signd(scene):
    with Signd(scene.folder, scene.dir, more=TWO) as it:
        yield it


class Asked:
    """A request whose rule takes the approvals of two."""

    def __init__(self, signd, scene, signed=None, **changes):
        twin = scene.twin()
        twin("withdraw", "1.0.0")
        self.signd, self.signed = signd, newest(twin.dir, "revocations") | (signed or {})
        files = scene.text(twin.dir, "revocations", self.signed)
        self.body = request(kind="metadata", role="revocations", body={"signed": self.signed}, files=files, **changes)
        self.digest = hashlib.sha256(self.body).hexdigest()

    def post(self):
        with self.signd.connect() as client:
            status, _, body = client.post(self.body)
        return status, json.loads(body)

    def approve(self, text):
        with self.signd.connect() as client:
            status, _, body = client.post(text, "/v1/approve")
        return status, json.loads(body)


def get(signd, path):
    with signd.connect() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: s\r\n\r\n".encode())
        status, _, body = client.answer()
    return status, json.loads(body) if body else None


def kinds(signd, count):
    return [leaf["kind"] for leaf in signd.wait_leaves(count) if leaf["kind"] not in ("OPENED", "POLICY")]


def test_two_approve(signd, scene):
    it = Asked(signd, scene)
    status, said = it.post()
    assert status == 202 and (said["_type"], said["have"], said["need"]) == ("rota-pending", 0, 2)
    entry = said["entry"]
    assert get(signd, "/v1/pending") == (200, {"asks": [it.digest]})
    status, shown = get(signd, f"/v1/pending/{it.digest}")
    assert status == 200 and shown["ask"].encode() == it.body
    assert json.loads(shown["was"])["version"] == it.signed["version"] - 1
    assert it.approve(ANNA.approval(it.digest))[1]["have"] == 1
    assert it.post()[1] | {"have": 1} == it.post()[1]
    status, said = it.approve(BERT.approval(it.digest))
    assert (status, said["have"], said["entry"]) == (202, 2, entry)
    status, said = get(signd, f"/v1/ask/{it.digest}")
    assert status == 200 and said["_type"] == "rota-answer", said
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(said["keys"][0]))
    key.verify(bytes.fromhex(said["signatures"][0]["sig"]), canonical(it.signed).encode(), ec.ECDSA(hashes.SHA256()))
    assert get(signd, "/v1/pending") == (200, {"asks": []})
    assert get(signd, f"/v1/pending/{it.digest}")[0] == get(signd, f"/v1/ask/{it.digest}")[0] == 404
    assert not list((signd.state / "pending").iterdir())
    # an answer that was lost, and lost again after a restart
    assert it.post()[0] == 200
    signd.stop()
    signd.start()
    assert it.post()[0] == 200
    assert kinds(signd, said["entry"] + 1)[:4] == ["ASKED", "APPROVED", "APPROVED", "GRANTED"]


def test_one_who_approves_twice_is_one(signd, scene):
    it = Asked(signd, scene)
    it.post()
    assert it.approve(ANNA.approval(it.digest))[1]["have"] == 1
    assert it.approve(ANNA.approval(it.digest, hours=25))[1]["have"] == 1
    assert it.post()[0] == 202


REFUSED = [
    ("approver", lambda digest: CARL.approval(digest)),
    ("approver", lambda digest: Officer("stranger").approval(digest)),
    ("approver", lambda digest: BERT.approval(digest, key=ANNA.id)),
    ("approver", lambda digest: ANNA.approval(digest, expires=when(now() + HOUR))),
    ("approver", lambda digest: ME.approval(digest)),
    ("expired", lambda digest: ANNA.approval(digest, hours=-1)),
    ("expired", lambda digest: ANNA.approval(digest, hours=24 * 8)),
    ("replay", lambda digest: ANNA.approval(64 * "0")),
    ("member", lambda digest: ANNA.approval(digest, extra=1)),
    ("spelling", lambda digest: b" " + ANNA.approval(digest)),
]


def test_what_does_not_count(signd, scene):
    it = Asked(signd, scene)
    it.post()
    for code, approval in REFUSED:
        status, said = it.approve(approval(it.digest))
        assert (status, said["code"]) == (403, code), said
    assert it.post()[1]["have"] == 0
    opened = len(signd.wait_leaves(1)) - len(kinds(signd, 1))
    assert kinds(signd, opened + 1 + len(REFUSED)).count("REFUSED") == len(REFUSED)


def test_an_officer_says_no(signd, scene):
    it = Asked(signd, scene)
    it.post()
    it.approve(ANNA.approval(it.digest))
    status, said = it.approve(BERT.approval(it.digest, refuse=True))
    assert (status, said["code"]) == (403, "approvals")
    assert get(signd, "/v1/pending") == (200, {"asks": []})
    assert it.approve(BERT.approval(it.digest))[1]["code"] == "replay"


def test_changed_bytes_are_another_request(signd, scene):
    it = Asked(signd, scene)
    it.post()
    it.approve(ANNA.approval(it.digest))
    it.approve(BERT.approval(it.digest))
    other = Asked(signd, scene, reason="another reason")
    assert other.post()[1]["have"] == 0


def test_the_world_moves_on(signd, scene):
    first, second = Asked(signd, scene), Asked(signd, scene, {"expires": when(now() + HOUR)})
    for it in (first, second):
        it.post()
        it.approve(ANNA.approval(it.digest))
        it.approve(BERT.approval(it.digest))
    assert first.post()[0] == 200
    assert second.post()[1]["code"] == "replay"
    assert get(signd, "/v1/pending") == (200, {"asks": []})


def test_its_time_is_over(signd, scene):
    it = Asked(signd, scene, expires=when(now() + HOUR / 1200))
    assert it.post()[0] == 202
    deadline = time.monotonic() + 60 * PATIENCE
    while get(signd, "/v1/pending")[1]["asks"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert it.approve(ANNA.approval(it.digest))[1]["code"] == "replay"
    assert it.post()[1]["code"] == "expired"


@pytest.mark.parametrize("name", ["signd", "signd-log"])
def test_a_kill_in_between(signd, scene, name):
    it = Asked(signd, scene)
    it.post()
    it.approve(ANNA.approval(it.digest))
    os.kill(signd.pids(name)[0], signal.SIGKILL)
    signd.process.wait(60 * PATIENCE)
    signd.start()
    status, said = it.post()
    assert (status, said["have"]) == (202, 1)
    assert it.approve(BERT.approval(it.digest))[1]["have"] == 2
    assert it.post()[0] == 200


def test_bytes_without_an_entry_and_an_entry_without_bytes(signd, scene):
    it = Asked(signd, scene)
    it.post()
    signd.stop()
    (signd.state / "pending" / it.digest).unlink()
    (signd.state / "pending" / (64 * "0")).write_bytes(b"{}")
    signd.start()
    deadline = time.monotonic() + 60 * PATIENCE
    while get(signd, "/v1/pending")[1]["asks"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not list((signd.state / "pending").iterdir())
    assert it.post()[0] == 202


def test_no_more_than_a_few_wait(scene):
    more = TWO.replace("approvers = anna bert me\n", "approvers = anna bert me\nrate = 36000/1h\n")
    with Signd(scene.folder, scene.dir, more=more) as signd:
        it = Asked(signd, scene)
        whole = json.loads(it.body)
        with signd.connect() as client:
            for i in range(128):  # half of all: he shuts nobody else out
                assert client.post(words(whole | {"id": f"{i:032x}"}))[0] == 202
            status, headers, body = client.post(words(whole | {"id": f"{128:032x}"}))
        assert status == 429 and json.loads(body)["code"] == "rate"
        assert len(get(signd, "/v1/pending")[1]["asks"]) == 128


def test_a_large_event_is_shown_whole_and_approved(scene):
    """More than a socket takes at once, or a message between the daemon's processes."""
    more = TWO.replace("kinds = record\n", "kinds = record\napprovals = 1\napprovers = anna\n")
    with Signd(scene.folder, scene.dir, more=more) as signd:
        it = Asked(signd, scene)
        it.body = request(kind="record", role="releases",
                          body={"event": {"kind": "incident", "what": {"story": "x" * 3_000_000}}})
        it.digest = hashlib.sha256(it.body).hexdigest()
        assert it.post()[0] == 202
        assert get(signd, f"/v1/pending/{it.digest}")[1]["ask"].encode() == it.body
        assert it.approve(ANNA.approval(it.digest))[1]["have"] == 1
        status, said = it.post()
        assert status == 200 and said["signatures"] == []
        assert kinds(signd, said["entry"] + 1) == ["ASKED", "APPROVED", "INCIDENT"]
        assert it.post()[1]["code"] == "replay"  # nothing was signed that could have been lost


def test_strangers_see_nothing(scene):
    with Signd(scene.folder, scene.dir, more=TWO, uid=os.getuid() + 1) as signd:
        it = Asked(signd, scene)
        assert it.post()[1]["code"] == "identity"
        assert get(signd, "/v1/pending")[0] == 404
        assert it.approve(ANNA.approval(it.digest))[1]["code"] == "identity"
