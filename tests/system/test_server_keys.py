# SPDX-License-Identifier: Apache-2.0
"""Key bundles through rotad: each device its own, and nobody else's (SPEC 33.6, 35.2)."""
import os
import re

import pytest

from journalfile import EDIT, text
from keyfleet import CAMPAIGN, Fleet
from keytrees import Answer
from pki import escaped
from rotadproc import make  # noqa: F401 - a fixture


@pytest.fixture(name="fleet")
def make_fleet(make):  # noqa: F811
    it = Fleet(make())
    it.rotad.start()
    return it


def test_a_device_gets_its_bundle(fleet):
    tree = fleet.tree()
    for who in (0, 1):
        status, body = fleet.ask(who)
        assert status == 200
        answer = Answer(body)
        assert answer.bundle == tree.bundle_of(fleet.devices[who].key)
        assert (answer.root, answer.size, answer.tree) == (tree.root, 40, 0)
        assert fleet.is_nonce(answer.nonce, fleet.devices[who].id)
    assert fleet.rotad.metric("bundles_total") == 2


def test_supplements_are_found_while_it_runs(fleet):
    fleet.tree()
    assert Answer(fleet.ask(0)[1]).tree == 0
    late = fleet.tree(1, fleet.devices[:1])
    answer = Answer(fleet.ask(0)[1])
    assert (answer.tree, answer.root, answer.size) == (1, late.root, 1)
    assert Answer(fleet.ask(1)[1]).tree == 0


def test_who_gets_none(fleet):
    assert fleet.ask()[0] == 404  # no campaign
    fleet.tree(devices=fleet.devices[1:])
    assert fleet.ask(0)[0] == 404  # it is not in it
    assert fleet.ask(1)[0] == 200
    for campaign in ("ab" * 32, CAMPAIGN.hex()[2:], CAMPAIGN.hex().upper(), CAMPAIGN.hex() + "/", "", "../nonce.key"):
        assert fleet.ask(1, campaign)[0] in (400, 404)
    fleet.certs.append(fleet.rotad.ca.issue("ef" * 32)[1])  # a device that nobody enrolled
    assert fleet.ask(2)[0] == 404
    fleet.certs.append(fleet.rotad.ca.issue("root")[1])
    assert fleet.ask(3)[0] == 403
    assert fleet.rotad.post(b"", target=f"/api/v1/keys/{CAMPAIGN.hex()}")[0] == 405


def take(s):
    """(status, body) of one answer on a connection that stays."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += s.recv(65536)
    assert len(body) == length
    return int(head.split()[1]), body


def test_one_connection_for_many(fleet):
    """Bundles are answered by the gate, all else by what is behind it: in turns, whole and in pieces."""
    fleet.tree()
    head = f"GET /api/v1/keys/{CAMPAIGN.hex()} HTTP/1.1\r\nHost: x\r\n"
    cert = f"X-Rota-Client-Cert: {escaped(fleet.certs[0])}\r\n"
    ask, health = f"{head}{cert}\r\n".encode(), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with fleet.rotad.connect() as s:
        for request, status in [(ask, 200), (health, 200), (ask, 200), (ask.replace(CAMPAIGN.hex().encode(), b"ab" * 32), 404), (health, 200),
                                (f"{head}\r\n".encode(), 403), (f"{head}{cert}{cert}\r\n".encode(), 403), (ask, 200)]:
            for n in range(0, len(request), 700):
                s.sendall(request[n:n + 700])
            got = take(s)
            assert got[0] == status
            if got[0] == 200 and request is ask:
                assert fleet.is_nonce(Answer(got[1]).nonce, fleet.devices[0].id)
        s.sendall(ask + ask)  # one at a time
        assert fleet.rotad.rest(s).startswith(b"HTTP/1.1 400 ")
    assert fleet.rotad.metric("bundles_total") == 3


def test_who_reads_no_answer_gets_no_more(fleet):
    """Else a connection that only asks would fill the server's memory."""
    fleet.tree()
    ask = f"GET /api/v1/keys/{CAMPAIGN.hex()} HTTP/1.1\r\nHost: x\r\nX-Rota-Client-Cert: {escaped(fleet.certs[0])}\r\n\r\n".encode()
    taken = 0
    with fleet.rotad.connect() as s:
        while fleet.rotad.metric("refused_http_total") == 0:
            assert taken < 2000
            s.sendall(ask)
            taken += 1
            while fleet.rotad.metric("bundles_total") < taken and fleet.rotad.metric("refused_http_total") == 0:
                pass
    assert taken > 1


def test_who_left_the_fleet_gets_none(make):  # noqa: F811
    rotad = make()
    fleet = Fleet(rotad)
    fleet.journal([d.enrol() for d in fleet.devices] + [text(EDIT, fleet.devices[0].id, state="decommissioned")])
    rotad.start()
    fleet.tree()
    assert fleet.ask(0)[0] == 404 and fleet.ask(1)[0] == 200


def test_without_keys_there_are_none(make):  # noqa: F811
    rotad = make().start()
    assert rotad.get(f"/api/v1/keys/{CAMPAIGN.hex()}")[0] == 404


def test_the_secret_is_kept_and_nobody_elses(fleet):
    rotad, path = fleet.rotad, fleet.rotad.dir / "keys/nonce.key"
    fleet.tree()
    before = fleet.secret()
    assert path.stat().st_mode & 0o777 == 0o600 and len(before) == 32
    rotad.stop()
    rotad.start()
    assert fleet.secret() == before
    assert fleet.is_nonce(Answer(fleet.ask()[1]).nonce, fleet.devices[0].id)
    rotad.stop()
    path.chmod(0o640)
    assert "mode 0600" in rotad.run("--config", rotad.ini).stderr
    path.chmod(0o600)
    path.write_bytes(bytes(31))
    assert "not 32 bytes" in rotad.run("--config", rotad.ini).stderr


def test_damage_is_told_once(fleet):
    fleet.tree()
    path = fleet.folder / f"{CAMPAIGN.hex()}.0.keys"
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    assert [fleet.ask()[0] for _ in range(4)] == [503] * 4
    said = (fleet.rotad.dir / "log").read_text()
    assert len(re.findall(r"keys: .*its head is damaged", said)) in (1, 2)  # each worker says it once
    fleet.tree()
    os.utime(fleet.folder)
    assert fleet.ask()[0] == 200
