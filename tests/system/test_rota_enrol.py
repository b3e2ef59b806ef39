# SPDX-License-Identifier: Apache-2.0
"""Devices that the factory enrols: their keys, certificates and files, and the list of them."""
import hashlib
import json
import os
import shutil

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from authority import made, rota  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")


def test_enrolment(rota, tmp_path):
    out = tmp_path / "device"
    done = json.loads(rota("factory", "enrol", "--out", out, "--hardware", "board-a", "--serial", "SN-7",
                           "--group", "lab", "--at", "/etc/rota/device", "--json"))
    device_ca = x509.load_pem_x509_certificate((rota.dir / "ca/device-ca.pem").read_bytes())
    operational = x509.load_pem_x509_certificate((rota.dir / "ca/operational-ca.pem").read_bytes())
    idevid = x509.load_pem_x509_certificate((out / "identity/idevid.pem").read_bytes())
    ldevid = x509.load_pem_x509_certificate((out / "identity/ldevid.pem").read_bytes())
    for cert, issuer in ((idevid, device_ca), (ldevid, operational)):
        issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
        assert cert.issuer == issuer.subject
    spki = device_ca.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    serial = idevid.serial_number
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    device = hashlib.sha256(spki + octets).hexdigest()  # SPEC 1.1
    assert done["device"] == device
    name = x509.oid.NameOID
    assert ldevid.subject.get_attributes_for_oid(name.COMMON_NAME)[0].value == device
    assert idevid.subject.get_attributes_for_oid(name.SERIAL_NUMBER)[0].value == "SN-7"
    for which, cert in (("idevid", idevid), ("ldevid", ldevid)):
        path = out / "identity" / f"{which}.key"
        assert path.stat().st_mode & 0o777 == 0o600
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert key.public_key().public_numbers() == cert.public_key().public_numbers()
    rom = (out / "rom.bin").read_bytes()
    assert device.encode() in rom
    assert hashlib.sha256((rota.dir / "trust/recovery-keys.json").read_bytes()).digest() in rom
    assert hashlib.sha256((out / "trust/root.json").read_bytes()).digest() in rom
    assert "rom = /etc/rota/device/rom.bin\n" in (out / "agent.ini").read_text()
    record = json.loads((rota.dir / "enrolments").read_text())
    assert (record["device"], record["group"], record["serial"]) == (device, "lab", "SN-7")
    assert "enrolled already" in rota("factory", "enrol", "--out", tmp_path / "again", "--hardware",
                                      "board-a", "--serial", "SN-7", status=1)
    assert not (tmp_path / "again").exists() and not (tmp_path / "again.making").exists()
    assert "is there already" in rota("factory", "enrol", "--out", out, "--hardware", "board-a", status=1)


def test_enrolment_mistakes(rota, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    enrol = ["factory", "enrol", "--hardware", "board-a", "--out", tmp_path / "dev"]
    for args, says in [
        (("--serial", "1", "--health", "true\n[device]\nproduct = other"), "agent.ini cannot hold"),
        (("--serial", "1", "--reboot", "sync ; reboot"), "agent.ini cannot hold"),
        (("--serial", "1", "--server-url", "https://" + 160 * "a"), "agent.ini cannot hold"),
        (("--serial", "1", "--repository", "../x"), "SPEC 1.2"),
        (("--serial", "a\nb"), "a serial number has"),
        (("--serial", "1", "--image", tmp_path / "fifo"), "fifo"),
    ]:
        assert says in rota(*enrol, *args, status=1), args
    (tmp_path / "dev.making").symlink_to(tmp_path)
    assert "is in the way" in rota(*enrol, "--serial", "1", status=1)
    (tmp_path / "dev.making").unlink()
    assert not (rota.dir / "enrolments").exists()
    rota(*enrol[:-1], f"{tmp_path}/dev/", "--serial", "1")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["authority", "dev", "fifo"]


def test_list_of_devices_survives_a_cut(rota, tmp_path):
    """Half a line at the end of the file `enrolments` does not take the next device with it."""
    enrol = ["factory", "enrol", "--hardware", "board-a"]
    rota(*enrol, "--out", tmp_path / "one", "--serial", "1")
    with open(rota.dir / "enrolments", "a", encoding="utf-8") as f:
        f.write('{"at":"2026')
    rota(*enrol, "--out", tmp_path / "two", "--serial", "2")
    lines = (rota.dir / "enrolments").read_text().splitlines()
    assert [json.loads(line)["serial"] for line in lines] == ["1", "2"]


def test_enrolment_for_a_script(rota, tmp_path):
    out = tmp_path / "device"
    enrol = ["factory", "enrol", "--out", out, "--hardware", "board-a", "--script"]
    rota(*enrol, "files.sh", status=2)
    rota(*enrol, "/usr/lib/files.sh", "--image", "x", status=2)
    rota(*enrol, "/usr/lib/files.sh", "--reboot", "/sbin/reboot now")
    ini = (out / "agent.ini").read_text()
    assert f"backend = exec\nscript = /usr/lib/files.sh\ndirectory = {out}/files\n" in ini
    assert "[reboot]\ncommand = /sbin/reboot now\n" in ini
    assert (out / "files").is_dir() and not (out / "flash").exists()


def test_certificate_of_another_key_is_not_issued(rota, tmp_path):
    ini = rota.dir / "rota.ini"
    ini.write_text(ini.read_text().replace("signers = ca:operational-ca", "signers = ca:device-ca"))
    says = rota("factory", "enrol", "--hardware", "b", "--out", tmp_path / "dev", status=1)
    assert "is not the key of the issuer's certificate" in says
    assert not (tmp_path / "dev").exists() and not (rota.dir / "enrolments").exists()
