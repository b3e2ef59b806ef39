# SPDX-License-Identifier: Apache-2.0
"""Who has the online token and the server, against rota-agent: keys in a TPM, with and without a factory secret (SPEC 28.7, 31.5). One secret
is a psk for all purposes, from the first campaign on; without it the agree key, which is public, is all that a bundle needs."""
import os
import re
import shutil
import tempfile

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import sealfiles
from asks import HOUR, now
from fleet import Device
from keyliar import Liar
from keythief import KeyThief, Loot, Victim, psk_id
from keytrees import possession
from keyworks import Works, held
from test_agent_rotation import start_tpm  # noqa: F401 - a fixture

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here"),
              pytest.mark.skipif(not shutil.which("swtpm"), reason="swtpm is not here")]


@pytest.fixture(scope="module", name="works")
def make_works():
    with tempfile.TemporaryDirectory(prefix="rota-works-") as directory:
        os.chmod(directory, 0o755)
        with Works(directory) as it:
            yield it.begin()


@pytest.fixture(name="thief")
def steal_keys(works):
    """The repository is put back behind him."""
    before = works.dir / "repo-before"
    shutil.copytree(works.authority / "repo", before)
    yield KeyThief(works.authority, works.authority / "repo", "keys-link", "snapshot", "timestamp")
    shutil.rmtree(works.authority / "repo")
    before.rename(works.authority / "repo")


def make(works, tpm, name, *options):
    """A device with its keys in this TPM, as it left the factory, listed in the registry."""
    device = Device(works.dir / name)
    works.station(device, *options, "--serial", name, kind=("tpm", "--tpm", tpm.tcti))
    device.id = works.enrolled()[-1]["device"]
    works.rota("factory", "enlist")
    assert device.boot() == "1.0.0"
    assert "step=keys" not in device.once()
    row, = (row for row, in works.rows('SELECT "row" FROM registry WHERE id = ?', device.id))
    return device, Victim(row)


def deceived(works, device, thief, sequence, *loot):
    """What the agent says of a cycle in which the thief's list and his server are all that there is, and what that server heard."""
    folder = works.dir / f"liar-{device.dir.name}-{sequence}"
    folder.mkdir()
    thief.list_keys(sequence, *(one.entry(now() - HOUR) for one in loot))
    ident = bytes.fromhex(device.id)
    with Liar(folder) as liar:
        liar.deceives(device, works.ports["device"])
        liar.bundle = (200, loot[0].answer(ident))
        said = device.once()
        liar.leaves(device, works.ports["device"])
    return said, [one for one in liar.said if one[8] == 1], liar.asked


@pytest.mark.parametrize("purpose", ["telemetry", "link"])
def test_who_has_a_factory_secret(works, tpm, thief, purpose):  # noqa: F811
    device, victim = make(works, tpm, f"safe-{purpose}", "--secrets", sealfiles.public(ec.generate_private_key(ec.SECP256R1())).hex())
    own = os.urandom(32)
    for number, (psks, reason) in enumerate((({}, "not permitted"), ({victim.id: (own, psk_id(own))}, "not found"))):
        loot = Loot([victim], now() - HOUR, 1, purpose=purpose, psks=psks)
        said, proofs, asked = deceived(works, device, thief, 50 + number, loot)
        warning, = re.findall(r"^warning.*step=keys.*$", said, re.M)
        assert reason in warning and 'clause="SPEC 33.7"' in warning
        assert asked == [f"/api/v1/keys/{loot.ident.hex()}"] and proofs == []
        assert held(device, purpose) == {}


def test_who_has_none(works, tpm, thief):  # noqa: F811
    """It proves possession of a key that the thief knows, and uses it."""
    device, victim = make(works, tpm, "bare")
    loot = Loot([victim], now() - HOUR, 1)
    said, (proof,), _ = deceived(works, device, thief, 60, loot)
    assert "step=keys" not in said and held(device)["active"] == 1
    nonce, shown, point = proof[82:114], proof[114:146], proof[146:211]
    confirm = sealfiles.derive(loot.secret, "telemetry", 0, 1, victim.id, 32)
    assert shown == possession(confirm, nonce, victim.id, 1, 1, loot.ident, point)
