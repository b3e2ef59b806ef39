# SPDX-License-Identifier: Apache-2.0
"""What rota-agent takes no data key from (SPEC 32.5, 33.7), and what a server may say to its statements (35.4). The keys are in a TPM; what is not
a lie is real: behind each one the true server gives the device its key all the same, or the next one."""
import json
import os
import re
import shutil
import tempfile

import pytest

from asks import HOUR, now, when
from fleet import line
from keyliar import Liar, answer
from keyworks import TELEMETRY, Works, held
from test_agent_rotation import make_device, start_tpm  # noqa: F401 - fixtures
from thief import Thief, spelled

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not shutil.which("swtpm"), reason="swtpm is not here")]


@pytest.fixture(scope="module", name="works")
def make_works():
    with tempfile.TemporaryDirectory(prefix="rota-works-") as directory:
        os.chmod(directory, 0o755)
        with Works(directory) as it:
            yield it.begin()


@pytest.fixture(name="other")
def make_other(works, request):
    return works.make("other-" + re.sub(r"\W+", "-", request.node.name)[:40])


@pytest.fixture(name="liar")
def start_liar(works, device):
    folder = works.dir / f"liar-{device.dir.name}"
    folder.mkdir()
    with Liar(folder) as it:
        yield it


def keys_file(works, ident):
    return works.sealed / f"outbox/{ident}.0.keys"


def refused(device, clause="33.7"):
    """A cycle that warns of that clause, and the update goes on; the warning."""
    said = device.once()
    warning = [x for x in said.splitlines() if x.startswith("warning") and "step=keys" in x]
    assert warning and f'clause="SPEC {clause}"' in warning[0], said
    return warning[0]


def test_bundles_that_are_none_of_its(works, device, other, liar):
    first = works.campaign()
    generation = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, generation)
    second = works.campaign()
    good = answer(keys_file(works, second), device)
    before = device.status()["keys"]
    liar.deceives(device, works.ports["device"])
    digest, form, later = "the digest is not the one announced", "malformed", "a version, scheme or feature that is not known here"
    for what, body, reason in (
            ("another device's", answer(keys_file(works, second), other), "made for other hardware"),
            ("another campaign's, which was taken", answer(keys_file(works, first), device), digest),
            ("cut in the bundle", good[:120], form),
            ("cut in the proof", good[:-1], form),
            ("longer", good + bytes(32), form),
            ("empty", b"", form),
            ("no answer at all", b"<html>" + bytes(200), form),
            ("far too long", good + bytes(5000), "longer or shorter than announced"),
            ("of a later format", good[:7] + b"\2" + good[8:], later),
            ("of another tree", good[:8] + b"\1\0" + good[10:], digest),
            ("of another place", good[:50] + bytes([good[50] ^ 1]) + good[51:], digest),
            ("in base mode", good[:49] + b"\0" + good[50:], form),
            ("in base mode, well formed", good[:49] + b"\0" + good[50:78] + bytes(8) + good[86:], digest),
            ("in a mode to come", good[:49] + b"\2" + good[50:], later),
            ("with another ciphertext", good[:160] + bytes([good[160] ^ 1]) + good[161:], digest),
            ("with another tag", good[:198] + bytes([good[198] ^ 1]) + good[199:], digest)):
        liar.bundle = (200, body)
        assert reason in refused(device), what
        assert liar.asked.pop() == f"/api/v1/keys/{second}", what
        assert device.status()["keys"] == before, what
    for bundle in ((200, good[:100], len(good)), (503, b""), (500, b""), (302, b"")):
        liar.bundle = bundle
        said = device.once()
        assert "step=keys" in said and f"/api/v1/keys/{second}" in line(said, "warning")["detail"], bundle
    for bundle in ((404, b""), (410, b"")):  # a supplement may bring one
        liar.bundle = bundle
        assert "step=keys" not in device.once(), bundle
    assert device.status()["keys"] == before and not [one for one in liar.said if one[8] == 1]
    liar.leaves(device, works.ports["device"])
    assert line(device.once(), "keys")["active"] == str(generation + 1)


def test_what_a_server_says_to_a_proof(works, device, liar):
    """Again later, another number, and no for good; the key in use stays in use."""
    ident = works.campaign()
    liar.deceives(device, works.ports["device"])
    liar.bundle = (200, answer(keys_file(works, ident), device))
    for status, body in ((503, b""), (429, b""), (403, b""), (404, b""), (410, b""), (500, b"?"), (400, b""), (409, b"{}"), (409, b'{"counter":-1}'),
                         (409, b'{"counter":4294967295}')):
        liar.statement = {1: (status, body)}
        said = device.once()
        assert "step=keys" in said and (status == 409 or f"/api/v1/statement answers {status}" in line(said, "warning")["detail"]), said
        assert (held(device)["staged"], held(device).get("active"), held(device).get("proved")) == (held(device)["oldest"], None, None)
    proofs = [one for one in liar.said if one[8] == 1]
    assert len(proofs) >= 10 and len({one[41:45] + one[-129:-64] for one in proofs}) == 1  # one number, one next agree key
    # the true server takes what so many did not
    liar.leaves(device, works.ports["device"])
    first = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, first)
    # no, for good: this generation is never taken again, the next one is
    ident = works.campaign()
    liar.deceives(device, works.ports["device"])
    liar.bundle = (200, answer(keys_file(works, ident), device))
    liar.statement = {1: (422, b"{}")}
    assert "step=keys" in device.once()
    assert (held(device)["active"], held(device).get("staged")) == (first, None)
    liar.leaves(device, works.ports["device"])
    assert "step=keys" not in device.once() and held(device)["active"] == first
    works.campaign()
    assert line(device.once(), "keys")["active"] == str(first + 2)


def test_another_number_that_the_server_knows(works, device, liar):
    """409: the device follows, makes a new agree key and says so; a supplement would be sealed to that one."""
    ident = works.campaign()
    liar.deceives(device, works.ports["device"])
    liar.bundle = (200, answer(keys_file(works, ident), device))
    liar.statement = {1: (409, b'{"counter":7}')}
    device.once()
    anew = [one for one in liar.said if one[8] == 3]
    assert len(anew) == 1 and anew[0][41:45] == b"\x08\0\0\0"
    liar.leaves(device, works.ports["device"])
    # the true one knows the first key and no other: it is believed again, and has a newer key told
    device.once()
    device.once()
    counter = works.row(device.id)[0]
    assert counter >= 2
    generation = held(device).get("active")
    works.campaign()
    said = device.once()
    assert "step=keys" not in said and held(device)["active"] == (generation or int(line(said, "keys")["active"]) - 1) + 1


@pytest.fixture(name="stolen")
def steal_keys(works):
    """Whoever has the online token publishes lists of his own; the repository is put back behind him."""
    before = works.dir / "repo-before"
    shutil.copytree(works.authority / "repo", before)
    yield Thief(works)
    shutil.rmtree(works.authority / "repo")
    before.rename(works.authority / "repo")


def publish(thief, listed):
    text = spelled(listed)
    thief.lists("keys-link", {"keys/link/sensor.json": thief.target("keys/link/sensor.json", text)})
    thief.publish()


def newest_list(works):
    folder = works.authority / "repo/targets/keys/link"
    return max((json.loads(p.read_bytes()) for p in folder.glob("*.sensor.json")), key=lambda one: one["sequence"])


def test_campaigns_that_are_too_far_or_too_old(works, device, stolen):
    """A signed list is not enough: an activation beyond 90 days, a generation far above, a list older than the last one, a campaign under two numbers."""
    works.campaign()
    generation = int(line(device.once(), "keys")["active"])
    works.settled(device.id, TELEMETRY, generation)
    true = newest_list(works)
    one = true["campaigns"][-1]
    before = device.status()["keys"]
    far = when(now() + 91 * 24 * HOUR)
    step = {"sequence": true["sequence"]}

    def shown(reason, **changes):
        step["sequence"] += 1
        publish(stolen, true | {"sequence": changes.pop("sequence", step["sequence"]), "campaigns": [one | changes]})
        assert reason in refused(device, "32.5"), changes
        assert device.status()["keys"] == before, changes

    shown("outside the time it may", id=64 * "a", generation=generation + 1, activation=far)
    shown("more than", id=64 * "a", generation=generation + 17)
    shown("goes back", generation=generation + 1)
    shown("goes back", sequence=true["sequence"], id=64 * "a", generation=generation + 1)
    # older ones of other names are passed over without a word
    step["sequence"] += 1
    publish(stolen, true | {"sequence": step["sequence"], "campaigns": [one | {"id": 64 * "a"}]})
    assert "step=keys" not in device.once() and device.status()["keys"] == before
