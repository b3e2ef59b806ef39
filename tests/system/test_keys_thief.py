# SPDX-License-Identifier: Apache-2.0
"""The attacks on data keys, whole: a stolen key of the role that lists campaigns, and a rotad that was broken into. Neither gives a device
that has a psk a key that the attacker knows (SPEC 31.5, 32.5, 33.7); a device that has none takes the thief's, which is what the psk is for.

Devices are rota-fleet's, the real core; tokens, rota-signd, rota-seald and rotad are real. The thief is keythief.py."""
import collections
import datetime
import hashlib
import os
import shutil
import struct

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

import keysite
import registry
import sealfiles
from keysite import export_of
from keythief import KeyThief, Loot, psk_id
from test_fleet_rotation import open_record
from test_signd_certificate import point

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

COUNT = 5  # the first has no psk
VETERANS = COUNT - 1
DAY = datetime.timedelta(days=1)
DENIED, NOT_FOUND, SIGNATURE = "not permitted", "not found", "a signature does not verify"
HASH, HARDWARE, FORMAT = "the digest is not the one announced", "made for other hardware", "malformed"
VERSION, CEILING = "the version goes back or is not the one announced", "more than the release signers allow"
TIME = "issued or lasting outside the time it may"
BUNDLE, CAMPAIGN = "(SPEC 33.7)", "(SPEC 32.5)"


@pytest.fixture(name="scene")
def make_scene(tmp_path):
    with keysite.site(tmp_path, COUNT) as (site, middle):
        site.first = site.begin(middle)
        site.known = {1: site.secrets(site.first)}  # generation to the secrets that rota-seald made
        yield site, middle


def opened(keys, record, device):
    """What it says under these keys of use 1, {generation: {device: key}}; None: it does not open."""
    try:
        return open_record(record, keys, device)
    except (InvalidTag, KeyError):
        return None


def honest(site):
    """The keys of use 1 that rota-seald's copies have."""
    return {generation: {device: sealfiles.derive(secret, "telemetry", 1, generation, device, 16) for device, secret in secrets.items()}
            for generation, secrets in site.known.items()}


# ---- a stolen signing key ----

def by_its_id(site, psk):
    """{device: (psk, id)}: a psk of his own, under the id of the true one of generation 1."""
    return {device: (psk, psk_id(sealfiles.derive(secret, "telemetry", 6, 1, device, 32))) for device, secret in site.known[1].items()}


def campaigns_of_a_thief(site):
    """What, its campaign, trouble of each veteran, whether they ask for a bundle. He seals to all agree keys as the registry has them."""
    victims, now = site.victims(), site.after(0)
    own = os.urandom(32)
    everybody = {one.id: (own, psk_id(own)) for one in victims}
    return [
        ("in base mode", Loot(victims, now, 2), f"{DENIED} {BUNDLE}", True),
        ("under a psk of his own", Loot(victims, now, 2, psks=everybody), f"{NOT_FOUND} {BUNDLE}", True),
        # the id of a psk stands in the bundles that follow
        ("under a psk of his own, with the true one's id", Loot(victims, now, 2, psks=by_its_id(site, own)), f"{SIGNATURE} {BUNDLE}", True),
        ("a generation far ahead", Loot(victims, now, 40), f"{CEILING} {CAMPAIGN}", False),
        ("dated far ahead", Loot(victims, now + 92 * DAY, 2), f"{TIME} {CAMPAIGN}", False),
        ("a generation that they had", Loot(victims, now, 1), "", False),
        ("another generation of a campaign that they know", Loot(victims, now, 2, ident=bytes.fromhex(site.first)),
         f"{VERSION} {CAMPAIGN}", False),
        ("a purpose of the other role", Loot(victims, now, 2, purpose="storage"), "", False),
    ]


def test_a_stolen_signing_key(scene):
    """He has the key of the role that lists campaigns; then all that snapshot and timestamp need too, and the server."""
    site, rotad = scene
    fleet, victims = site.fleet, site.victims()
    fresh = site.devices[0].id
    loot = Loot(victims, site.after(0), 2)

    # The role's key alone: no snapshot lists his file (TUF 5.6.2).
    undo = KeyThief(site.desk.dir, site.mirror, "keys-link").replace(50, loot.entry(site.start))
    troubles, _ = fleet.poll()
    assert troubles == VETERANS and not [it for it in rotad.asked if it[1] == loot.ident]
    undo()
    assert fleet.poll() == (0, "")

    # With those of snapshot and timestamp: it is listed, and the true server has no bundle of his.
    thief = KeyThief(site.desk.dir, site.mirror, "keys-link", "snapshot", "timestamp")
    thief.list_keys(51, loot.entry(site.start))
    assert fleet.poll() == (0, "")
    assert {device for device, campaign in rotad.asked if campaign == loot.ident} == {device.id for device in site.devices[1:]}

    # And with the server: it hands out what he made, and acknowledges all that is said of it.
    all_loot = [loot]
    rotad.bundle = lambda device, campaign: next(((200, it.answer(device)) for it in all_loot if it.ident == campaign), None)
    rotad.statement = lambda device, said: (204, b"") if said[8] == 1 else None
    for number, (what, loot, trouble, asks) in enumerate(campaigns_of_a_thief(site)):
        all_loot.append(loot)
        rotad.asked.clear()
        rotad.said.clear()
        thief.list_keys(60 + number, loot.entry(site.start))
        assert fleet.poll() == (VETERANS if trouble else 0, trouble), what
        assert len({device for device, campaign in rotad.asked if campaign == loot.ident}) == (VETERANS if asks else 0), what
        assert not rotad.proofs(loot.ident), what
    thief.list_keys(59, loot.entry(site.start))
    assert fleet.poll() == (VETERANS, f"{VERSION} {CAMPAIGN}")  # a list that goes back
    assert (fleet.said["generation"], fleet.said["users"]) == (1, VETERANS)

    # The device that has no psk yet takes what is sealed to its public key.
    site.wake()
    loot = Loot(victims, site.after(0), 2)
    all_loot.append(loot)
    thief.list_keys(80, loot.entry(site.start))
    for _ in range(2):
        assert fleet.poll() == (VETERANS, f"{DENIED} {BUNDLE}")
    assert rotad.proofs(loot.ident) == {fresh}
    assert (fleet.said["generation"], fleet.said["users"]) == (2, 1)

    # A psk is one of its purpose, but for a factory secret's, which these have not: none of them has one for the link.
    link = Loot(victims, site.after(0), 1, purpose="link")
    all_loot.append(link)
    thief.list_keys(81, link.entry(site.start))
    assert fleet.poll() == (0, "") and rotad.proofs(link.ident) == {device.id for device in site.devices}
    fleet.end()

    keys, read = honest(site), collections.Counter()
    for device, record in fleet.entries():
        assert (opened(keys, record, device) is None) == (device == fresh)
        his = [it for it in all_loot if opened({it.generation: {device: it.key(device)}}, record, device)]
        assert his == ([loot] if device == fresh else [])
        read[device] += 1
    assert len(read) == COUNT


# ---- a server that was broken into ----

def pieces(rows, a, b, begin, end):
    """Of row b these bytes, in row a."""
    return rows[a][:begin] + rows[b][begin:end] + rows[a][end:]


def test_rows_that_rotad_writes(scene):
    """Whom keys are sealed to: whatever it makes of the registry's rows is refused by rota-seald, and the daemon makes none for it."""
    site, _ = scene
    rows = [row for _, row in site.rows()]
    his = ec.generate_private_key(ec.SECP256R1())
    forged = {
        "another agree key": rows[1][:113] + point(his) + rows[1][178:],
        "another device's agree key": pieces(rows, 1, 2, 113, 178),
        "another device's name": pieces(rows, 1, 2, 16, 48),
        "another device's identity": pieces(rows, 1, 2, 48, 113),
        "a counter that rose": rows[1][:178] + struct.pack("<I", 9) + rows[1][182:],
        "another generation was proved": rows[1][:184] + struct.pack("<I", 7) + rows[1][188:],
        "an HMAC of its own": rows[1][:224] + hashlib.sha256(rows[1]).digest(),
    }
    for what, row in forged.items():
        export = export_of([(0, row if at == 1 else it) for at, it in enumerate(rows)])
        ident = site.ask_for(export, 2)
        told = site.chain.run("import", "--campaign", ident, "--export", site.folder / "export")
        assert told.returncode == 1 and ("row 1 was not made by the registry" in told.stderr), (what, told.stderr)
    for what, order in (("swapped", [1, 0, 2, 3, 4]), ("twice", [0, 1, 1, 2, 3])):
        ident = site.ask_for(export_of([(0, rows[at]) for at in order]), 2)
        told = site.chain.run("import", "--campaign", ident, "--export", site.folder / "export")
        assert told.returncode == 1 and "out of order" in told.stderr, (what, told.stderr)

    # The daemon makes rows of what identities signed, in turn, and of nothing else (19.9).
    device, old = site.by_id[rows[1][16:48]], rows[1]
    first = next(said for said in keysite.statements_of(site.fleet.statements) if said[9:41] == device.id)
    items = {
        "his statement for a device": (old + registry.anew(device, 3, his, by=his), "signature"),
        "his statement for a new device": (registry.anew(device, 1, his, by=his) + device.der, "signature"),
        "its first statement once more": (old + first, "counter"),
        "another device's statement": (old + registry.anew(next(it for it in site.devices if it is not device), 3, his), "signature"),
        "his statement behind a row of his": (forged["another agree key"] + registry.anew(device, 3, his), "signature"),
    }
    with keysite.Asker(site.desk.dir / "signd/socket") as client:
        said = site.ask(client, "rows", "registry", {"items": [item.hex() for item, _ in items.values()]})
    assert dict(zip(items, said["rows"])) == {what: word for what, (_, word) in items.items()}


def answers_of_rotad(site, ident, true):
    """What, answer to a device from `true` = {(device, campaign): the true one}, and the trouble that it makes."""
    campaign = bytes.fromhex(ident)
    mine = Loot(site.victims(), site.after(0), 2, ident=campaign)

    def other(device):
        return next(answer for (who, what), answer in true.items() if who != device and what == campaign)

    def own(device):
        return true[device, campaign]

    def changed(at):
        return lambda device: own(device)[:at] + bytes([own(device)[at] ^ 1]) + own(device)[at + 1:]
    return [
        ("another device's", other, f"{HARDWARE} {BUNDLE}"),
        ("of the campaign before", lambda device: true[device, bytes.fromhex(site.first)], f"{HASH} {BUNDLE}"),
        ("cut", lambda device: own(device)[:-1], f"{FORMAT} {BUNDLE}"),
        ("longer", lambda device: own(device) + b"\0", f"{FORMAT} {BUNDLE}"),
        ("nothing", lambda device: b"", f"{FORMAT} {BUNDLE}"),
        ("its ciphertext changed", changed(48 + 103), f"{HASH} {BUNDLE}"),
        ("its agree key's id changed", changed(48 + 22), f"{HASH} {BUNDLE}"),
        ("its proof changed", changed(199), f"{HASH} {BUNDLE}"),
        ("of a tree that is not listed", changed(8), f"{HASH} {BUNDLE}"),
        ("sealed by the server, in a tree of its own", mine.answer, f"{HASH} {BUNDLE}"),
    ]


def first_row(site, device):
    """That of its enrolment, as the daemon makes it again (30.8)."""
    said = next(it for it in keysite.statements_of(site.fleet.statements) if it[9:41] == device.id)
    with keysite.Asker(site.desk.dir / "signd/socket") as client:
        row, = site.ask(client, "rows", "registry", {"items": [(said + device.der).hex()]})["rows"]
    return bytes.fromhex(row)


def with_older(site, device):
    """An export in which the row of this device is that of its enrolment."""
    rows, older = site.rows(), first_row(site, device)
    assert older not in [row for _, row in rows]
    return export_of([(0, older if row[16:48] == device.id else row) for _, row in rows])


def true_answers(site, rotad, *campaigns):
    """{(device, campaign): answer} of all devices."""
    certificates = {bytes.fromhex(line.split()[0]): line.split()[3] for line in (site.folder / "census").read_text("ascii").splitlines()}
    found = {}
    for device, certificate in certificates.items():
        for campaign in campaigns:
            status, found[device, bytes.fromhex(campaign)] = rotad.onward("GET", f"/api/v1/keys/{campaign}", certificate, b"")
            assert status == 200
    return found


def test_a_rotad_that_was_broken_into(scene):
    """It signs nothing, so nothing of its own is taken by anybody, psk or not; what it withholds or spoils is late, and not lost."""
    site, rotad = scene
    fleet, late, stale = site.fleet, site.devices[1], site.devices[2]
    site.wake()
    rotad.bundle = lambda device, campaign: (404, b"")

    # A row that was true once, of a device that had proved nothing then: its bundle is in base mode.
    second = site.ask_for(with_older(site, late), 2, activation=fleet.minutes)
    said = site.hand_out(second)
    assert (said["size"], said["base"]) == (COUNT, 2)
    site.known[2] = site.secrets(second)
    assert fleet.poll() == (0, "")  # all is withheld
    true = true_answers(site, rotad, site.first, second)
    for what, answer, trouble in answers_of_rotad(site, second, true):
        rotad.bundle = lambda device, campaign, answer=answer: (
            (200, answer(device)) if campaign.hex() == second and device != late.id else (404, b""))
        assert fleet.poll() == (COUNT - 1, trouble), what
    assert (fleet.said["generation"], fleet.said["users"]) == (1, VETERANS)
    assert not rotad.proofs(bytes.fromhex(second))

    # It lets all through: who was lied to takes the key all the same, and nobody takes base mode who has a psk.
    rotad.bundle = lambda device, campaign: None
    for _ in range(2):
        assert fleet.poll() == (1, f"{DENIED} {BUNDLE}")
    assert rotad.proofs(bytes.fromhex(second)) == {device.id for device in site.devices if device is not late}
    assert (fleet.said["generation"], fleet.said["users"]) == (2, COUNT - 1)
    site.settled(2, COUNT - 1)

    # A row from before a key that the books know of is left out (37.6). In a purpose of which they know nothing it is sealed to: to a key
    # that nobody has any more.
    export = with_older(site, stale)
    third = site.ask_for(export, 3, activation=fleet.minutes)
    said = site.hand_out(third)
    assert (said["size"], said["skipped"]["stale"], said["base"]) == (COUNT - 1, 1, 0)
    secrets = sealfiles.copies((site.chain.state / f"{third}.0.copies").read_bytes(), site.chain.wrap_keys()["copies-telemetry"])[1]
    site.known[3] = dict(zip([it for it in sealfiles.order(export, third) if it != stale.id], secrets))
    link = site.ask_for(export, 1, purpose="link", activation=fleet.minutes)
    assert site.hand_out(link)["size"] == COUNT
    for _ in range(2):
        assert fleet.poll() == (1, f"{NOT_FOUND} {BUNDLE}")
    assert rotad.proofs(bytes.fromhex(link)) == rotad.proofs(bytes.fromhex(third)) == {
        device.id for device in site.devices if device is not stale}
    assert (fleet.said["generation"], fleet.said["users"]) == (3, COUNT - 1)  # he that was late is back
    fleet.end()
    keys = honest(site)
    said = collections.Counter(opened(keys, record, device)[0] for device, record in fleet.entries())
    assert sorted(said) == [1, 2, 3]


def test_two_lies_cost_a_generation_and_no_more(scene):
    """Another number to each, and then a refusal for good: the devices tell agree keys anew, and what they still have (30.2). So the next
    bundle is under the psk of that, and not in base mode, which they would refuse for ever."""
    site, rotad = scene
    fleet, lied = site.fleet, set()
    site.ask_and_hand_out(2)

    def lie(device, said):
        if said[8] != 1 or device in lied:
            return (422, b"{}") if said[8] == 1 else None
        lied.add(device)
        number, = struct.unpack("<I", said[41:45])
        return 409, b'{"counter":%d}' % (number - 1)
    rotad.statement = lie
    assert fleet.poll()[0] == VETERANS
    rotad.statement = lambda *_: None
    assert fleet.poll() == (0, "") and lied == {device.id for device in site.devices[1:]}
    third = site.after_rows(3, {device.id for device in site.devices[1:]})
    site.wake()
    said = site.hand_out(third)
    assert (said["size"], said["base"]) == (COUNT, 1)
    site.known[3] = site.secrets(third)
    for _ in range(2):
        assert fleet.poll() == (0, "")
    assert (fleet.said["generation"], fleet.said["users"]) == (3, COUNT)
    fleet.end()
    keys = honest(site)
    assert all(opened(keys, record, device) for device, record in fleet.entries())
