# SPDX-License-Identifier: Apache-2.0
"""A connected machine and a vault, each a copy of its own for a test, and what is carried between them."""
import hashlib
import json
import shutil

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import template
from authority import Rota, canonical, program


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A connected machine and a vault, made once."""
    from conftest import BUILD
    base = tmp_path_factory.mktemp("airgap")
    rota = Rota(BUILD, base / "online")
    template.authority(rota.dir)
    rota("authority", "split", base / "vault")
    return base


@pytest.fixture
def online(made, tmp_path):
    return machine(made, tmp_path, "online")


@pytest.fixture
def vault(made, tmp_path):
    return machine(made, tmp_path, "vault")


def machine(made, tmp_path, which, name=None):
    from conftest import BUILD
    shutil.copytree(made / which, tmp_path / (name or which))
    return Rota(BUILD, tmp_path / (name or which))


def spelled(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def add_release(online, vault, tmp_path, version, *more):
    image = tmp_path / f"app-{version}.img"
    vault("image", "sign", "--version", version, "--hardware", "board-a", "--out", image,
          program(tmp_path / f"p-{version}", 5000))
    online("release", "add", "--version", version, "--image", image, "--unsigned", *more)
    return image


def exported(online, tmp_path, *roles, name="bundle"):
    online("repo", "export", *(x for role in roles for x in ("--role", role)), tmp_path / name)
    return tmp_path / name


def sign(vault, bundle, *more, status=0):
    return vault("repo", "sign", "--yes", bundle, *more, status=status)


def rogue_key():
    pem = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    key = {"keytype": "ecdsa", "keyval": {"public": pem}, "scheme": "ecdsa-sha2-nistp256"}
    return hashlib.sha256(canonical(key).encode()).hexdigest(), key
