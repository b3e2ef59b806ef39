# SPDX-License-Identifier: Apache-2.0
"""From what a device says to the row that the signing daemon makes of it, through rotad's journal (SPEC 30.2, 35.4)."""
import os
import shutil
import signal
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import campaignlog
from asks import make_base, make_scene  # noqa: F401 - fixtures
from authority import made  # noqa: F401 - fixtures
from conftest import PATIENCE
from keytrees import Answer, Tree, possession
from pki import PEM
from registry import Device, Key, Row, anew, gone, point, statement
from rotadproc import make  # noqa: F401 - fixtures
from signd import Signd
from test_server_operators import Desk
from test_signd_certificate import RULES, born, ca_of, put_online
from test_signd_rows import ROWS, ask

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
CAMPAIGN = os.urandom(32)


def agree():
    return ec.generate_private_key(ec.SECP256R1())


class Server:
    """A daemon that makes rows, and a rotad that asks it for them."""

    def __init__(self, scene, rotad, key, rate="100000/1h", rules=RULES):
        put_online(scene)
        self.scene, self.rotad, self.key = scene, rotad, key
        self.signd = Signd(scene.folder, scene.dir, more=rules + key.ini() + ROWS.format(rate=rate))
        self.signd.start()
        rotad.ini.write_text(f"{rotad.ini.read_text()}[keys]\ndirectory = {rotad.dir}/keys\n"
                             f"[signd]\nsocket = {self.signd.socket}\nproduct = sensor\n")
        self.desk = Desk(rotad)
        (rotad.dir / "device-ca.pem").write_bytes(ca_of(scene, "device-ca").public_bytes(PEM))
        rotad.stop()
        rotad.start()

    def enrolled(self, serial="SN-0001"):
        device = Device(serial)
        born(self.signd, self.scene, device)
        device.id = device.ident(ca_of(self.scene, "device-ca"))
        der = device.idevid.public_bytes(serialization.Encoding.DER)
        said = ask(self.signd, anew(device, 1, agree()) + der)[1]
        device.birth = bytes.fromhex(said["rows"][0]) + der
        assert self.desk.enrol(device)[0] == 200
        device.cert = self.rotad.ca.issue(device.id.hex())[1]
        return device

    def told(self, tree, generation, purpose):
        campaignlog.tell(self.desk, tree.campaign.hex(), generation, purpose)

    def say(self, device, said):
        return self.rotad.post(said, cert=device.cert, target="/api/v1/statement")[0]

    def prove(self, device, tree, number, purpose, generation, agree_key):
        answer = Answer(self.rotad.get(f"/api/v1/keys/{tree.campaign.hex()}", cert=device.cert)[1])
        shown = possession(tree.confirm_of(device.key), answer.nonce, device.id, purpose, generation, tree.campaign, point(agree_key))
        rest = bytes([purpose]) + generation.to_bytes(4, "little") + tree.campaign + answer.nonce + shown + point(agree_key)
        return self.say(device, statement(device, 1, number, rest))

    def row(self, device):
        (data,), = self.rotad.rows(f"SELECT row FROM registry WHERE id = '{device.id.hex()}'")
        return Row(data, self.key.plain())

    def wait(self, device, counter, proved=None, flags=0):
        deadline = time.monotonic() + 30 * PATIENCE
        while True:
            row = self.row(device)
            if row.counter == counter and row.flags == flags and (proved is None or row.proved[proved[0] - 1] == proved[1]):
                return row
            assert time.monotonic() < deadline, (row.counter, row.proved, (self.rotad.dir / "log").read_text())
            time.sleep(0.05)


@pytest.fixture(name="key", scope="module")
def make_key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("registry") / "key")


@pytest.fixture(name="server")
def run_server(scene, make, key):  # noqa: F811
    it = Server(scene, make(), key)
    yield it
    if it.signd.process.poll() is None:
        it.signd.stop()


def test_rows_follow_what_a_device_says(server):
    device, other = server.enrolled(), server.enrolled("SN-0002")
    second, third = agree(), agree()
    tree = Tree(CAMPAIGN, 0, [device.key, other.key]).write(server.rotad.dir / "keys/campaigns")
    link = Tree(bytes(32), 0, [device.key]).write(server.rotad.dir / "keys/campaigns")
    server.told(tree, 1, "telemetry")
    server.told(link, 5, "link")
    assert server.prove(device, tree, 2, 1, 1, second) == 204
    assert server.prove(device, link, 2, 2, 5, second) == 204  # of the same key, at once: its row follows from that one's
    row = server.wait(device, 2, (2, 5))
    assert (row.agree, row.proved[:2]) == (point(second), (1, 5))
    assert server.row(other).counter == 1
    assert server.say(device, anew(device, 3, third)) == 204
    assert server.wait(device, 3).proved == (0,) * 8
    assert server.say(device, gone(device, 1)) == 204
    server.wait(device, 3, flags=1)
    assert server.rotad.metric("rows_total") == 4
    assert "changes nothing" not in (server.rotad.dir / "log").read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_statements_wait_for_a_daemon_that_is_away(server, how):
    devices = [server.enrolled(f"SN-{n}") for n in range(3)]
    server.signd.stop()
    for device in devices:
        assert server.say(device, anew(device, 2, agree())) == 204
    time.sleep(0.2)
    server.rotad.stop(how)
    server.rotad.start()
    assert [server.row(d).counter for d in devices] == [1, 1, 1]
    time.sleep(0.2)
    server.signd.start()
    for device in devices:
        server.wait(device, 2)
    assert (server.rotad.dir / "log").read_text().count("rows: no signing daemon") == 2  # once in each of its lives


def test_more_statements_than_the_rule_grants_at_once(scene, make, key):  # noqa: F811
    """A batch larger than the rule's rate would be refused however long one waits."""
    server = Server(scene, make(), key, rate="4/2s")
    devices = []
    try:
        for n in range(7):
            devices.append(server.enrolled(f"SN-{n}"))
            time.sleep(0.6)  # each first row is an item of the same rule
        server.signd.stop()
        for device in devices:
            assert server.say(device, anew(device, 2, agree())) == 204
        server.rotad.stop()
        server.signd.start()
        server.rotad.start()  # all seven are one batch
        for device in devices:
            server.wait(device, 2)
    finally:
        server.signd.stop()


def test_who_is_over_gets_no_row(server):
    """Said before somebody decommissioned it, and waiting for a daemon that was away."""
    device, other = server.enrolled(), server.enrolled("SN-0002")
    server.signd.stop()
    for one in (device, other):
        assert server.say(one, anew(one, 2, agree())) == 204
    deadline = time.monotonic() + 30 * PATIENCE
    while "rows: no signing daemon" not in (server.rotad.dir / "log").read_text():  # the batch is there
        assert time.monotonic() < deadline
        time.sleep(0.05)
    edit = {"by": "ann", "state": "decommissioned", "why": "lost"}
    assert server.desk.post(f"/v1/record/edit/{device.id.hex()}", edit)[0] == 200
    server.signd.start()
    server.wait(other, 2)
    assert server.row(device).counter == 1
    assert server.rotad.metric("rows_total") == 1
    assert "changes nothing" not in (server.rotad.dir / "log").read_text()


def test_after_a_kill_nothing_is_made_twice(server):
    """The note is lost: the journal is read again, and no row comes of it."""
    device = server.enrolled()
    assert server.say(device, anew(device, 2, agree())) == 204
    before = server.wait(device, 2).data
    server.rotad.stop()
    (server.rotad.dir / "keys/rows.at").unlink()
    server.rotad.start()
    assert server.say(device, anew(device, 3, agree())) == 204
    assert server.wait(device, 3).data != before
    assert server.rotad.metric("rows_total") == 1
