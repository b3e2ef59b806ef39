# SPDX-License-Identifier: Apache-2.0
"""Devices that are over, as an operator ends them (`rota registry`): in the signing daemon's log, in the registry, on the authorities' lists (SPEC 19.10,
19.11, 29.7, 29.8, 30.5). Daemon, tokens and rotad are real."""
import datetime
import hashlib
import json
import shutil
import sqlite3
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import journalfile
from asks import make_base, make_scene  # noqa: F401 - fixtures
from authority import made  # noqa: F401 - fixtures
from conftest import PATIENCE
from pki import Ca, key_pem
from registry import gone, statement
from rotadproc import make  # noqa: F401 - fixtures
from test_server_rows import Server, make_key  # noqa: F401 - a fixture
from test_signd_certificate import ca_of, verified
from test_signd_revoke import REVOKE, RULES, login, revoke
from test_signd_wait import ANNA, OFFICERS

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")
DECOMMISSIONED = 5
LIVES = (1, 2)


class Site:
    """An operator's desk beside a daemon and a rotad."""

    def __init__(self, scene, rotad, key, rules=REVOKE, fleet=True):
        (rotad.dir / "ocsp.key").write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))
        (rotad.dir / "ocsp.key").chmod(0o600)
        ini = scene.dir / "rota.ini"
        text = ini.read_text(encoding="utf-8")
        assert text.count("[authority]\n") == 1
        text = text.replace("[authority]\n", f"[authority]\nsignd = {scene.folder}/signd.sock\n")
        named = f"[fleet]\ndatabase = {rotad.dir}/fleet.sqlite\noperators = {rotad.dir}/desk\njournal = {rotad.dir}/journal\n[serve]\n"
        ini.write_text(f"{text}\n{named if fleet else '[serve]' + chr(10)}crl = {rotad.dir}/served.pem\nocsp_key = {rotad.dir}/ocsp.key\n", encoding="utf-8")
        self.scene, self.rotad = scene, rotad
        self.server = Server(scene, rotad, key, rules=RULES + rules)
        self.signd = self.server.signd

    def rota(self, *words, **more):
        return self.scene.rota("registry", *words, **more)

    def end(self, *words, status=0):
        """The counts; what needs a person's eye only where there is any."""
        done = subprocess.run([self.scene.rota.program, "--dir", self.scene.dir, "registry", "decommission", "--json", "--reason", "lost", *words],
                              capture_output=True, text=True, timeout=120 * PATIENCE, check=False)
        assert done.returncode == status, done
        return {name: count for name, count in json.loads(done.stdout).items() if count > 0 or name in ("left", "revoked", "waiting")}

    def state(self, device):
        (state,), = self.rotad.rows(f"SELECT state FROM registry WHERE id = '{device.id.hex()}'")
        return state

    def listed(self, role):
        """Serials, as everybody fetches the list."""
        got = x509.load_der_x509_crl((self.scene.dir / f"repo/crl/{role}.crl").read_bytes())
        assert got.is_signature_valid(ca_of(self.scene, role).public_key())
        return {one.serial_number for one in got}

    def served(self):
        """The same, as rotad judges by it."""
        return {one.serial_number for one in x509.load_pem_x509_crl((self.rotad.dir / "served.pem").read_bytes())}


@pytest.fixture(name="site")
def make_site(scene, make, key):  # noqa: F811
    it = Site(scene, make(), key)
    yield it
    if it.signd.process.poll() is None:
        it.signd.stop()


def test_a_device_is_over_everywhere(site):
    device, other = site.server.enrolled(), site.server.enrolled("SN-0002")
    certs = [login(site.signd, device)[2] for _ in range(2)]
    kept = login(site.signd, other)[2]
    assert site.end(device.id.hex()) == {"left": 1, "revoked": 1, "waiting": 0}
    assert site.state(device) == DECOMMISSIONED and site.state(other) in LIVES
    assert site.listed("device-ca") == {device.idevid.serial_number}
    assert site.listed("operational-ca") == site.served() == {cert.serial_number for cert in certs}
    assert kept.serial_number not in site.served()
    assert login(site.signd, device)[1]["code"] == "revoked"
    assert login(site.signd, other)[0] == 200
    assert [leaf["digest"] for leaf in site.signd.wait_entries(1, kind="REVOKED")] == [device.id.hex()]
    for role in ("device-ca", "operational-ca"):
        (site.scene.dir / f"repo/crl/{role}.crl").unlink()  # as if the first run had got no further
    assert site.end(device.id.hex()) == {"left": 0, "revoked": 0, "waiting": 0}
    assert site.listed("device-ca") == {device.idevid.serial_number}
    assert site.listed("operational-ca") == site.served() == {cert.serial_number for cert in certs}
    (site.scene.dir / "registry/over").unlink()  # what is known here is only spared
    assert site.end(device.id.hex()) == {"left": 0, "revoked": 0, "waiting": 0}
    assert "the registry has no device" in site.rota("decommission", "--reason", "lost", "ab" * 32, status=1)
    assert "--reason is missing" in site.rota("decommission", device.id.hex(), status=2)


def test_who_said_so_himself_is_over_as_well(site):
    device, other = site.server.enrolled(), site.server.enrolled("SN-0002")
    assert site.server.say(device, gone(device, 1)) == 204
    site.server.wait(device, 1, flags=1)
    assert site.state(device) == DECOMMISSIONED
    assert login(site.signd, device)[0] == 200  # the daemon has not heard of it
    assert site.end("--gone") == {"left": 0, "revoked": 1, "waiting": 0}
    assert login(site.signd, device)[1]["code"] == "revoked" and site.state(other) in LIVES
    assert site.end("--gone") == {"left": 0, "revoked": 0, "waiting": 0}
    assert site.listed("device-ca") == {device.idevid.serial_number}


def test_the_registrys_word_alone_ends_nobody(site):
    """Whoever broke into rotad can write it of each device, and nothing that its identity signed."""
    device, other = site.server.enrolled(), site.server.enrolled("SN-0002")
    edit = {"by": "ann", "state": "decommissioned", "why": "lost"}
    assert site.server.desk.post(f"/v1/record/edit/{device.id.hex()}", edit)[0] == 200
    assert site.state(device) == DECOMMISSIONED
    assert site.end("--gone", status=1) == {"left": 0, "revoked": 0, "unproven": 1, "waiting": 0}
    ini = site.scene.dir / "rota.ini"
    text = ini.read_text()
    forged = [gone(device, 1, by=other.key), gone(other, 1), statement(device, 2, 1, b"\0"), gone(device, 1)]
    for n, said in enumerate(forged):
        journalfile.write(site.rotad.dir / f"forged{n}", [(journalfile.STATEMENT, device.id, said)])
        ini.write_text(text.replace("/journal\n", f"/forged{n}\n"))
        if n < 3:
            assert site.end("--gone", status=1) == {"left": 0, "revoked": 0, "unproven": 1, "waiting": 0}
            assert login(site.signd, device)[0] == 200
    assert site.end("--gone") == {"left": 0, "revoked": 1, "waiting": 0}
    ini.write_text(text.replace(f"journal = {site.rotad.dir}/journal\n", ""))
    assert site.server.desk.post(f"/v1/record/edit/{other.id.hex()}", edit)[0] == 200
    assert site.end("--gone", status=1) == {"left": 0, "revoked": 0, "unproven": 1, "waiting": 0}  # nobody says where it is
    assert login(site.signd, other)[0] == 200


def test_so_many_at_once(site):
    devices = [site.server.enrolled(f"SN-{n}") for n in range(3)]
    for device in devices:
        assert site.server.say(device, gone(device, 1)) == 204
        site.server.wait(device, 1, flags=1)
    assert site.end("--gone", "--most", "1", status=1) == {"left": 0, "more": 2, "revoked": 1, "waiting": 0}
    assert site.end("--gone") == {"left": 0, "revoked": 2, "waiting": 0}
    assert "--most" in site.rota("decommission", "--reason", "lost", "--gone", "--most", "x", status=2)


def test_one_that_cannot_leave_keeps_no_other_back(site):
    strange, device = site.server.enrolled(), site.server.enrolled("SN-0002")
    site.rotad.stop()
    with sqlite3.connect(site.rotad.dir / "fleet.sqlite") as db:  # of another hardware than its certificate says
        db.execute(f"UPDATE registry SET serial = 'SN-9' WHERE id = '{strange.id.hex()}'")
    site.rotad.start()
    assert site.end("ab" * 32, strange.id.hex(), device.id.hex(), status=1) == {"failed": 2, "left": 1, "revoked": 1, "waiting": 0}
    assert site.listed("device-ca") == {device.idevid.serial_number}
    (site.scene.dir / "repo/crl/device-ca.crl").unlink()
    assert site.end(device.id.hex(), strange.id.hex(), status=1) == {"failed": 1, "left": 0, "revoked": 0, "waiting": 0}
    assert site.listed("device-ca") == {device.idevid.serial_number}


def test_lists_of_other_authorities_stay(site):
    """rotad takes logins of more than one operational CA, as while one follows the other."""
    other = Ca("Another")
    before = other.crl([other.issue("ab" * 32)[1]])
    path = site.rotad.dir / "served.pem"
    path.write_bytes(before)
    device = site.server.enrolled()
    cert = login(site.signd, device)[2]
    assert site.end(device.id.hex()) == {"left": 1, "revoked": 1, "waiting": 0}
    assert before in path.read_bytes() and path.read_bytes().count(b"BEGIN X509 CRL") == 2
    assert site.served() == {cert.serial_number}
    path.write_bytes(before)  # the copy is lost: not in half a week, but now
    assert json.loads(site.rota("lists", "--due", "--json"))["operational-ca"]
    assert before in path.read_bytes() and site.served() == {cert.serial_number}
    assert not json.loads(site.rota("lists", "--due", "--json"))["operational-ca"]


def test_a_list_that_goes_back_is_not_placed(site):
    """The daemon's state is put back from a copy: its next list lacks what was revoked since."""
    site.rota("lists")
    site.signd.stop()
    shutil.copytree(site.signd.state, site.rotad.dir / "copy")
    site.signd.start()
    device = site.server.enrolled()
    site.end(device.id.hex())
    before = (site.scene.dir / "repo/crl/device-ca.crl").read_bytes()
    site.signd.stop()
    shutil.rmtree(site.signd.state)
    shutil.copytree(site.rotad.dir / "copy", site.signd.state)
    site.signd.start()
    assert "and the one that is there has" in site.rota("lists", status=1)
    assert (site.scene.dir / "repo/crl/device-ca.crl").read_bytes() == before


def test_who_was_revoked_elsewhere_leaves_the_fleet(site):
    """Somebody told the daemon alone: the list has the certificate, and the device's id follows from its serial."""
    device, other = site.server.enrolled(), site.server.enrolled("SN-0002")
    certs = login(site.signd, device)[2]
    assert revoke(site.signd, "device-ca", device, device.idevid)[0] == 200
    assert revoke(site.signd, "operational-ca", other, login(site.signd, other)[2])[0] == 200  # a login of its alone
    assert site.state(device) in LIVES
    assert site.end("--gone") == {"left": 1, "revoked": 0, "waiting": 0}
    assert site.state(device) == DECOMMISSIONED and site.state(other) in LIVES
    assert certs.serial_number in site.served() and len(site.served()) == 2
    assert site.end("--gone") == {"left": 0, "revoked": 0, "waiting": 0}


def test_an_officer_has_to_approve(scene, make, key):  # noqa: F811
    site = Site(scene, make(), key, REVOKE + "approvals = 1\napprovers = anna\n" + OFFICERS)
    try:
        device = site.server.enrolled()
        ident = device.id.hex()
        path = site.scene.dir / f"registry/{ident}.revoke"

        def waits():
            said = site.rota("decommission", "--reason", "lost", ident, status=1)
            assert "it waits for approvals" in said
            assert site.state(device) in LIVES
            return path.read_bytes()

        def answer(ask, **more):
            with site.signd.connect() as client:
                client.post(ANNA.approval(hashlib.sha256(ask).hexdigest(), **more), "/v1/approve")

        first = waits()
        assert waits() == first  # byte by byte, or it would wait for ever
        answer(first, refuse=True)
        second = waits()
        assert second != first  # an officer's no is no word of the log that the device is over
        answer(second)
        site.signd.stop()
        assert "no signing daemon" in site.rota("decommission", "--reason", "lost", ident, status=1)
        assert path.read_bytes() == second  # with its approval: nobody refused it
        site.signd.start()
        assert site.end(ident) == {"left": 1, "revoked": 1, "waiting": 0}
        assert site.state(device) == DECOMMISSIONED and not path.exists()
    finally:
        site.signd.stop()


def test_where_rota_serve_keeps_the_registry(scene, make, key):  # noqa: F811
    """Nobody has to say where it is: campaigns, too, are told there by default."""
    rotad = make()
    site = Site(scene, rotad, key, fleet=False)
    try:
        state = rotad.dir / "st"  # a short path, for the socket
        for name, to in (("rotad/fleet.sqlite", "fleet.sqlite"), ("desk/operators.sock", "desk")):
            (state / name).parent.mkdir(parents=True)
            (state / name).symlink_to(rotad.dir / to)
        device = site.server.enrolled()
        said = site.rota("decommission", "--reason", "lost", device.id.hex(), status=1)
        assert "[fleet] operators is not set" in said
        ini = scene.dir / "rota.ini"
        ini.write_text(ini.read_text().replace("[serve]\n", f"[serve]\nstate = {state}\n"))
        assert site.end(device.id.hex()) == {"left": 1, "revoked": 1, "waiting": 0}
    finally:
        site.signd.stop()


def test_lists_come_in_time(site):
    assert json.loads(site.rota("lists", "--json")) == {"device-ca": True, "ocsp": True, "operational-ca": True}
    cert = verified(x509.load_pem_x509_certificate((site.scene.dir / "ca/ocsp.pem").read_bytes()), ca_of(site.scene, "operational-ca"))
    assert (cert.not_valid_after - cert.not_valid_before).days == 90
    assert site.served() == site.listed("operational-ca") == site.listed("device-ca") == set()
    assert json.loads(site.rota("lists", "--due", "--json")) == {"device-ca": False, "ocsp": False, "operational-ca": False}
    # of another key, and a list that is half over
    (site.rotad.dir / "ocsp.key").write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))
    path = site.scene.dir / "repo/crl/device-ca.crl"
    before = path.read_bytes()
    path.write_bytes(b"damaged")
    assert json.loads(site.rota("lists", "--due", "--json")) == {"device-ca": True, "ocsp": True, "operational-ca": False}
    number = x509.load_der_x509_crl(path.read_bytes()).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == x509.load_der_x509_crl(before).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
    day = datetime.timedelta(days=1)
    assert x509.load_der_x509_crl(path.read_bytes()).next_update - datetime.datetime.utcnow() > 6 * day
    # rotad answers by both
    ini = site.rotad.ini.read_text().replace("[identity]\n", f"[identity]\ncrl = {site.rotad.dir}/served.pem\n")
    ini = ini.replace(f"ca = {site.rotad.dir}/ca.pem", f"ca = {site.scene.dir}/ca/operational-ca.pem")
    site.rotad.stop()
    site.rotad.ini.write_text(f"{ini}[ocsp]\nkey = {site.rotad.dir}/ocsp.key\ncertificate = {site.scene.dir}/ca/ocsp.pem\n"
                              f"issuer = {site.scene.dir}/ca/operational-ca.pem\n")
    site.rotad.start()
    assert site.rotad.metric("ending") == 0
