# SPDX-License-Identifier: Apache-2.0
"""An authority directory as `rota serve` needs it, with certificates made here: the server's tests stand without
tokens."""
import base64
import datetime
import ipaddress
import os
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DEVICE = "ab" * 32


def _name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


class Ca:
    """A certificate authority with its key."""

    def __init__(self, cn):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = build(self, cn, self.key, True, -1, 30, None).sign(self.key, hashes.SHA256())

    def issue(self, cn, days=(-1, 30), names=None):
        """(key PEM, certificate PEM)."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = build(self, cn, key, False, days[0], days[1], names).sign(self.key, hashes.SHA256())
        return key_pem(key), cert.public_bytes(PEM)

    def pem(self):
        return self.cert.public_bytes(PEM)

    def crl(self, cert_pems, life=datetime.timedelta(days=1)):
        """A revocation list of these certificates, PEM; one of a negative life is over."""
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.cert.subject)
                   .last_update(now - datetime.timedelta(days=2)).next_update(now + life))
        for pem in cert_pems:
            serial = x509.load_pem_x509_certificate(pem).serial_number
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(PEM)


def key_pem(key):
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def build(ca, cn, key, is_ca=False, start=-1, end=30, names=None):
    """A certificate to be signed."""
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)
    builder = (x509.CertificateBuilder()
               .subject_name(_name(cn))
               .issuer_name(_name(cn) if is_ca else ca.cert.subject)
               .public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + start * day)
               .not_valid_after(now + end * day)
               .add_extension(x509.BasicConstraints(is_ca, None), True))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    return builder


def escaped(cert_pem):
    """As nginx's $ssl_client_escaped_cert."""
    return urllib.parse.quote(cert_pem.decode(), safe="-_.~")


def der(cert_pem):
    lines = cert_pem.decode().splitlines()
    return base64.b64decode("".join(line for line in lines if not line.startswith("--")))


class Authority:
    """DIR with ca/, server/, repo/ and rota.ini; .device(...) makes certificates as files."""

    def __init__(self, where):
        self.dir = where
        for name in ("ca", "server", "repo/metadata", "repo/targets/a", "repo/recovery", "certs"):
            (where / name).mkdir(parents=True)
        self.device_ca = Ca("Test device CA")
        self.operational = Ca("Test operational CA")
        self.server_ca = Ca("Test server CA")
        self.write("ca/device-ca.pem", self.device_ca.pem())
        self.write("ca/operational-ca.pem", self.operational.pem())
        self.write("ca/server-ca.pem", self.server_ca.pem())
        key, cert = self.server_ca.issue("localhost", names=[
            x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self.write("server/cert.pem", cert)
        self.write("server/key.pem", key, 0o600)
        self.target = "0" * 64 + ".a.img"
        self.write("repo/metadata/timestamp.json", b'{"t":1}')
        self.write("repo/metadata/root-hint.json", b'{"h":1}')
        self.write("repo/metadata/1.root.json", b'{"r":1}')
        self.write("repo/targets/a/" + self.target, bytes(range(256)) * 4)
        self.write("repo/recovery/sensor.json", b'{"o":1}')
        self.write("rota.ini", b"[serve]\nport = 0\ndevice_port = 0\n")

    def write(self, name, data, mode=0o644):
        path = self.dir / name
        path.write_bytes(data)
        os.chmod(path, mode)
        return path

    def client(self, ca, cn=DEVICE, days=(-1, 30)):
        """Paths of (certificate, key)."""
        key, cert = ca.issue(cn, days)
        n = len(list((self.dir / "certs").iterdir()))
        return (self.write(f"certs/{n}.pem", cert), self.write(f"certs/{n}.key", key, 0o600))
