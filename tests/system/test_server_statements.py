# SPDX-License-Identifier: Apache-2.0
"""What devices say of their keys, through rotad: whose it is, whether it comes in turn, what they have shown (SPEC 35.4)."""
import json
import signal
import time

import pytest

import campaignlog
from conftest import PATIENCE
from journalfile import ROW, Device
from keyfleet import CAMPAIGN, KNOWN, STORE, Fleet, anew, new_point, said, state
from rotadproc import make  # noqa: F401 - a fixture
from test_server_operators import Desk


@pytest.fixture(name="fleet")
def make_fleet(make):  # noqa: F811
    it = Fleet(make(), 4)
    it.rotad.start()
    return it


def counter(answer):
    status, body = answer
    assert status == 409
    return json.loads(body)["counter"]


def statements(fleet):
    return [r for r in fleet.rotad.dump() if r["type"] == "statement"]


def holding(fleet, who=0, purpose=1):
    """(proved, active), once what was acknowledged is there."""
    deadline = time.monotonic() + 20 * PATIENCE
    while fleet.rotad.metric("projection_sequence") < fleet.rotad.metric("journal_sequence"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return fleet.rotad.rows("SELECT proved, active FROM holdings WHERE device = '%s' AND purpose = %d" % (
        fleet.devices[who].id.hex(), purpose))


def test_a_proof_counts_once(fleet):
    tree = fleet.tree()
    shown = fleet.proof(tree, 2)
    assert fleet.say(shown) == (204, b"")
    assert holding(fleet) == [(1, 0)]
    assert fleet.say(shown)[0] == 204  # the answer was lost
    assert len(statements(fleet)) == 1
    assert fleet.say(fleet.proof(tree, 3))[0] == 204  # of what is known, though in other words
    assert len(statements(fleet)) == 1


def test_what_is_acknowledged_stays(fleet):
    tree = fleet.tree()
    assert fleet.say(fleet.proof(tree, 2))[0] == 204
    fleet.rotad.stop(signal.SIGKILL)
    fleet.rotad.start()
    assert holding(fleet) == [(1, 0)]


def test_one_agree_key_for_proofs_of_two_purposes(fleet):
    tree, point = fleet.tree(), new_point()
    assert fleet.say(fleet.proof(tree, 2, point=point))[0] == 204
    other = fleet.tree(campaign=STORE)
    assert fleet.say(fleet.proof(other, 2, purpose=3, point=point))[0] == 204
    assert holding(fleet) == holding(fleet, purpose=3) == [(1, 0)]


def test_who_is_not_believed(fleet):
    tree, device = fleet.tree(), fleet.devices[0]
    good = fleet.proof(tree, 2)
    rows = {
        "signed by another identity": fleet.proof(tree, 2, key=fleet.devices[1].key),
        "the signature changed": good[:-1] + bytes([good[-1] ^ 1]),
        "the proof changed": said(device, 1, 2, good[45:114] + bytes(32) + good[146:-64]),
        "shown with another device's key": fleet.proof(tree, 2, confirm=tree.confirm_of(fleet.devices[1].key)),
        "of another generation": fleet.proof(tree, 2, generation=2**32 - 1),
        "of another purpose": fleet.proof(tree, 2, purpose=2),
    }
    for why, bytes_ in rows.items():
        fleet.rotad.stop()
        fleet.rotad.start()  # with all turns again
        assert fleet.say(bytes_)[0] == 422, why
    assert statements(fleet) == []
    assert fleet.say(good)[0] == 204


def test_who_is_not_let_in_loses_nothing(fleet):
    """What a front says to strangers as well is another status than that of what is wrong for good."""
    tree = fleet.tree()
    stranger = Device(77)
    fleet.certs.append(fleet.rotad.ca.issue(stranger.id.hex())[1])
    fleet.certs.append(fleet.rotad.ca.issue("root")[1])
    good = fleet.proof(tree, 2)
    assert fleet.say(good, who=1)[0] == 403  # another device's
    assert fleet.say(anew(stranger, 1), who=2)[0] == 403  # nobody enrolled it
    assert fleet.say(good, who=3)[0] == 403  # no device at all
    assert statements(fleet) == []
    assert fleet.say(good)[0] == 204


def test_a_nonce_of_another_secret_is_asked_for_again(fleet):
    tree, device = fleet.tree(), fleet.devices[0]
    nonce = fleet.nonce(device.id)
    for why, bytes_ in {
            "a nonce for another device": fleet.proof(tree, 2, nonce=fleet.nonce(fleet.devices[1].id)),
            "a nonce for something else": fleet.proof(tree, 2, nonce=fleet.nonce(device.id, b"est")),
            "a nonce of one's own": fleet.proof(tree, 2, nonce=nonce[:-1] + bytes([nonce[-1] ^ 1]))}.items():
        assert fleet.say(bytes_)[0] == 410, why
    old = fleet.proof(tree, 2)
    fleet.rotad.stop()
    (fleet.rotad.dir / "keys/nonce.key").unlink()  # the server was put back without it
    fleet.rotad.start()
    assert fleet.say(old)[0] == 410
    assert statements(fleet) == []
    assert fleet.say(fleet.proof(tree, 2))[0] == 204


def test_what_is_none(fleet):
    device = fleet.devices[0]
    good = anew(device, 2)
    rows = {
        "nothing": b"",
        "cut": good[:-1],
        "longer": good + b"\0",
        "far too long": good + bytes(600),
        "of another kind": said(device, 9, 2, new_point()),
        "off the curve": anew(device, 2, b"\4" + bytes(63) + b"\1"),
        "the identity's own key": anew(device, 2, device.point),
        "number 0": anew(device, 0),
    }
    for why, bytes_ in rows.items():
        assert fleet.say(bytes_)[0] == 400, why
    assert fleet.rotad.get("/api/v1/statement")[0] == 405
    assert statements(fleet) == []


def test_an_old_nonce_is_asked_for_again(fleet):
    tree, device = fleet.tree(), fleet.devices[0]
    now = int(time.time())
    assert fleet.say(fleet.proof(tree, 2, nonce=fleet.nonce(device.id, at=now - 3700)))[0] == 410
    assert fleet.say(fleet.proof(tree, 2, nonce=fleet.nonce(device.id, at=now + 300)))[0] == 410
    assert fleet.say(fleet.proof(tree, 2, nonce=fleet.nonce(device.id, at=now - 3000)))[0] == 204
    assert fleet.say(fleet.proof(tree, 3, purpose=3, campaign=STORE, nonce=fleet.nonce(device.id)))[0] == 404


def test_out_of_turn(make):  # noqa: F811
    five = [bytes([n]) * 32 for n in range(1, 6)]
    fleet = Fleet(make(), 2, known=[campaignlog.record(one.hex(), n) for n, one in enumerate(five, 1)])
    fleet.rotad.start()
    tree, device = {n: fleet.tree(campaign=one) for n, one in enumerate(five, 1)}, fleet.devices[0]
    assert counter(fleet.say(fleet.proof(tree[1], 3))) == 1  # one was left out
    assert fleet.say(fleet.proof(tree[4], 2, generation=4))[0] == 204
    assert counter(fleet.say(fleet.proof(tree[3], 2, generation=3))) == 2
    assert counter(fleet.say(fleet.proof(tree[5], 1, generation=5))) == 2
    assert counter(fleet.say(anew(device, 2))) == 2
    assert fleet.say(state(device, 7, (1, 4, 0, 4, 4, 4, 0)))[0] == 204
    assert counter(fleet.say(state(device, 6, (1, 4, 0, 4, 4, 4, 0)))) == 7
    assert counter(fleet.say(state(device, 7, (1, 3, 0, 4, 4, 4, 0)))) == 7
    assert holding(fleet) == [(4, 4)]
    assert fleet.say(anew(device, 3))[0] == 204
    assert holding(fleet) == []


def test_a_campaign_that_nobody_told_of_waits(make):  # noqa: F811
    """Else one device could prove any generation of it, and the next campaign had to be above that."""
    fleet = Fleet(make(), 2, known=())
    desk = Desk(fleet.rotad)
    tree = fleet.tree()
    assert fleet.say(fleet.proof(tree, 2, generation=2**32 - 1))[0] == 503
    good = fleet.proof(tree, 2)
    assert b"\r\nRetry-After: 10\r\n" in fleet.rotad.answer(good, target="/api/v1/statement")
    assert fleet.rotad.metric("early_proofs_total") == 2
    assert statements(fleet) == []
    campaignlog.tell(desk, CAMPAIGN.hex())
    assert fleet.say(good)[0] == 204
    assert fleet.say(fleet.proof(tree, 3, generation=2))[0] == 422


def test_a_row_that_is_the_newest_says_what_may_follow(make):  # noqa: F811
    """What no row could follow from is not acknowledged: the same number for another key."""
    rotad = make()
    fleet = Fleet(rotad, 2)
    device = fleet.devices[0]
    enrolled = [d.enrol() for d in fleet.devices]
    device.prove(3, 1)  # counter 2
    fleet.journal(enrolled + [(ROW, device.id, device.row()), *KNOWN])
    rotad.start()
    tree = fleet.tree()
    assert counter(fleet.say(fleet.proof(tree, 2))) == 2
    assert fleet.say(fleet.proof(tree, 3))[0] == 204


def test_a_proof_that_the_server_lost_is_told(fleet):
    """Put back from a copy: the device has the word that its proof was taken, and says none twice."""
    tree, device = fleet.tree(), fleet.devices[0]
    assert fleet.say(fleet.proof(tree, 2))[0] == 204
    assert fleet.say(state(device, 1, (1, 1, 0, 1, 1, 1, 0)))[0] == 204
    assert fleet.rotad.metric("lost_proofs_total") == 0
    fleet.rotad.stop()
    fleet.journal([d.enrol() for d in fleet.devices] + KNOWN)
    for path in fleet.rotad.dir.glob("fleet.sqlite*"):
        path.unlink()
    fleet.rotad.start()
    assert fleet.say(state(device, 2, (1, 1, 0, 1, 1, 1, 0)))[0] == 204
    assert fleet.rotad.metric("lost_proofs_total") == 1
    assert "it says that it proved generation 1 of purpose 1" in (fleet.rotad.dir / "log").read_text()


def test_the_last_one(fleet):
    device = fleet.devices[0]
    assert fleet.say(said(device, 4, 1))[0] == 204
    assert fleet.say(said(device, 4, 1))[0] == 204  # the answer was lost, and until it is there the device keeps its keys
    assert fleet.say(said(device, 4, 2))[0] == 204
    assert fleet.say(said(device, 4, 2, key=fleet.devices[1].key))[0] == 422
    assert fleet.say(said(device, 2, 3, bytes(1)))[0] == 403
    assert fleet.ask()[0] == 404


def test_a_device_that_speaks_too_much_waits_alone(fleet):
    device = fleet.devices[0]
    got = [fleet.say(state(device, n, (1, n, 0, n, n, n, 0)))[0] for n in range(1, 22)]
    assert got[:16] == [204] * 16 and 429 in got[16:]
    assert fleet.say(state(fleet.devices[1], 1), who=1)[0] == 204


def test_without_keys_nothing_is_taken(make):  # noqa: F811
    rotad = make().start()
    assert rotad.post(b"", target="/api/v1/statement")[0] == 404


def test_nobody_to_ask_for_rows(make):  # noqa: F811
    """Statements would be acknowledged of which no row ever comes."""
    rotad = make()
    rotad.ini.write_text(f"{rotad.ini.read_text()}[keys]\ndirectory = {rotad.dir}/keys\n")
    for more in (["--check"], []):
        done = rotad.run(*more, "--config", rotad.ini)
        assert done.returncode == 1 and "[keys] needs [signd]" in done.stderr
