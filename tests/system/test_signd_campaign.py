# SPDX-License-Identifier: Apache-2.0
"""Campaigns for keys of devices at the signing daemon: asked for, approved, shown to who makes the keys, and listed as they were
approved (SPEC 19.7, 32.1, 32.2)."""
import hashlib
import json
import shutil

import pytest

from asks import HOUR, ask, entry, make_base, make_scene, now, successor, when  # noqa: F401 - fixtures
from authority import canonical, made  # noqa: F401 - fixtures
from signd import Signd, request
from test_signd_wait import ANNA, get

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")

PATH = "keys/link/sensor.json"
SHARED = ["activation", "cipher", "emergency", "generation", "overlap_s", "purpose", "stages", "suite"]
RULES = f"""
[officer anna]
key = {ANNA.point.hex()}
[rule link]
who = me
scope = sensor
role = keys-link
kinds = metadata campaign
[rule storage]
who = me
scope = sensor
role = keys-store
kinds = campaign
approvals = 1
approvers = anna
"""


@pytest.fixture(name="signd")
def run_signd(scene):
    with Signd(scene.folder, scene.dir, more=RULES) as it:
        yield it


def wanted(purpose="telemetry", generation=1, **changes):
    return {"activation": when(now() + 24 * HOUR), "cipher": 1, "devices": "group=lab", "emergency": False, "expected": 10,
            "export": 64 * "e", "generation": generation, "most": 12, "name": "winter", "overlap_s": 604800, "product": "sensor",
            "purpose": purpose, "stages": [{"from": when(now()), "ppm": 1000000}], "suite": 1} | changes


def post(signd, body):
    with signd.connect() as client:
        status, _, said = client.post(body)
    return status, json.loads(said)


def asked(role, **changes):
    """The request's bytes and the campaign's id."""
    body = request(kind="campaign", role=role, body=wanted(**changes), reason="as the calendar says")
    return body, hashlib.sha256(body).hexdigest()


def listed(body, ident, state="active", size=10):
    body = json.loads(body)["body"]
    return {name: body[name] for name in SHARED} | {"id": ident, "state": state,
                                                    "trees": [{"root": 64 * "a", "size": size, "tree": 0}]}


def next_list(scene, sequence, *campaigns):
    """`signed` of the next keys-link, and its text."""
    text = canonical({"_type": "keys", "campaigns": list(campaigns), "format": 1, "product": "sensor", "sequence": sequence})
    return successor(scene.dir, "keys-link", targets={PATH: entry(text.encode())}), {PATH: text}


def test_from_a_request_to_a_list(signd, scene):
    body, ident = asked("keys-link")
    assert get(signd, "/v1/campaigns/sensor") == (200, {"campaigns": []})
    status, said = post(signd, body)
    assert (status, said["signatures"]) == (200, [])
    assert get(signd, "/v1/campaigns/sensor") == (200, {"campaigns": [ident]})
    assert get(signd, "/v1/campaigns/motor")[0] == get(signd, f"/v1/campaign/{64 * '0'}")[0] == 404
    signd.stop()
    signd.start()
    assert get(signd, f"/v1/campaign/{ident}")[1] == {"ask": body.decode(), "state": None}
    leaf = signd.wait_leaves(said["entry"] + 1)[said["entry"]]
    assert (leaf["kind"], leaf["digest"], leaf["role"], leaf["key"]) == ("CAMPAIGN", ident, "keys-link", 64 * "0")
    signed, files = next_list(scene, 1, listed(body, ident))
    status, said = ask(signd, "keys-link", signed, files)
    assert status == 200 and len(said["signatures"]) == 1, said
    scene.put("keys-link", signed, said)
    assert post(signd, body)[1]["code"] == "replay"
    assert get(signd, f"/v1/campaign/{ident}")[1]["state"] == "active"
    signed, files = next_list(scene, 2, listed(body, ident, "paused"))
    assert ask(signd, "keys-link", signed, files)[0] == 200
    for _ in range(2):
        assert get(signd, f"/v1/campaign/{ident}")[1]["state"] == "paused"
        signd.stop()
        signd.start()


def test_what_nobody_approved_is_not_listed(signd, scene):
    body, ident = asked("keys-link")
    for row in [listed(body, ident), listed(body, ident, size=13), listed(body, ident) | {"generation": 2}]:
        signed, files = next_list(scene, 1, row)
        assert ask(signd, "keys-link", signed, files)[1]["code"] == "bytes"
    post(signd, body)
    for code, row in [("ceiling", listed(body, ident, size=13)), ("member", listed(body, ident) | {"generation": 2}),
                      ("bytes", listed(body, 64 * "b"))]:
        signed, files = next_list(scene, 1, row)
        assert ask(signd, "keys-link", signed, files)[1]["code"] == code


def test_storage_takes_an_officer(signd):
    body, ident = asked("keys-store", purpose="storage")
    status, said = post(signd, body)
    assert (status, said["_type"]) == (202, "rota-pending")
    assert get(signd, f"/v1/campaign/{ident}")[0] == 404
    with signd.connect() as client:
        assert client.post(ANNA.approval(ident), "/v1/approve")[0] == 202
    status, said = post(signd, body)
    assert status == 200, said
    assert get(signd, f"/v1/campaign/{ident}")[1]["ask"].encode() == body
    assert signd.wait_leaves(said["entry"] + 1)[said["entry"]]["kind"] == "CAMPAIGN"


def test_refused(signd):
    for code, role, changes in [("role", "keys-link", {"purpose": "storage"}), ("product", "keys-link", {"product": "motor"}),
                                ("member", "keys-link", {"suite": 2}), ("member", "keys-link", {"devices": ""}),
                                ("time", "keys-link", {"activation": when(now() + 24 * 100 * HOUR)}),
                                ("role", "rollouts", {})]:
        status, said = post(signd, asked(role, **changes)[0])
        assert (status, said["code"]) == (403, code), said
    assert get(signd, "/v1/campaigns/sensor") == (200, {"campaigns": []})
