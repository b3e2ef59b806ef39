# SPDX-License-Identifier: Apache-2.0
"""The example of a gateway (examples/gateway): sealed records, a new key, and the old one's end."""
import os
import re
import subprocess

import pytest

from conftest import BUILD, PATIENCE, TOP

SENSORS = 40


def gateway(directory, *words, fails=False):
    """What it printed; its complaint where it is to fail."""
    done = subprocess.run([BUILD / "examples/gateway/gateway", directory, *map(str, words)], capture_output=True,
                          text=True, timeout=60 * PATIENCE, check=False)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def reading(n):
    """What sensor n said."""
    return f"sensor {n}: 21.{n} degrees"


def test_old_records_are_read_with_the_old_key_until_they_are_sealed_anew(tmp_path):
    for n in range(SENSORS):
        gateway(tmp_path, "put", n, reading(n))
    assert gateway(tmp_path, "get", 7).strip() == reading(7)
    assert gateway(tmp_path, "show").splitlines() == [
        f"generation 1: {SENSORS} records", f"{SENSORS} of {SENSORS} records are sealed with the newest key, 1"]
    assert reading(7).encode() not in (tmp_path / "vault").read_bytes()
    assert gateway(tmp_path, "rotate").strip() == "nobody needs a key before generation 2"
    assert gateway(tmp_path, "show").splitlines() == [
        f"generation 2: {SENSORS} records", f"{SENSORS} of {SENSORS} records are sealed with the newest key, 2"]
    (tmp_path / "keys/1").unlink()
    for n in range(SENSORS):
        assert gateway(tmp_path, "get", n).strip() == reading(n)


def test_without_its_key_a_record_is_nobody_s(tmp_path):
    gateway(tmp_path, "put", 1, reading(1))
    gateway(tmp_path, "rotate")
    (tmp_path / "keys/2").rename(tmp_path / "away")
    (tmp_path / "keys/1").rename(tmp_path / "keys/3")
    assert "gateway: " in gateway(tmp_path, "get", 1, fails=True)
    (tmp_path / "away").rename(tmp_path / "keys/2")
    assert gateway(tmp_path, "get", 1).strip() == reading(1)


def test_a_second_writer_is_told(tmp_path):
    gateway(tmp_path, "put", 1, reading(1))
    with subprocess.Popen(["flock", tmp_path / "vault", "cat"], stdin=subprocess.PIPE) as other:
        while subprocess.run(["flock", "-n", tmp_path / "vault", "true"], check=False).returncode == 0:
            pass
        assert re.search("another process has it open", gateway(tmp_path, "put", 1, "x", fails=True))
        assert "1 of 1 records" in gateway(tmp_path, "show")
        other.stdin.close()


@pytest.mark.plain
def test_it_builds_from_what_is_installed(tmp_path):
    def run(*words, **env):
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=300 * PATIENCE,
                              env={**os.environ, **env}).stdout

    root, program = tmp_path / "root", tmp_path / "gateway"
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--tags", "devel", "--destdir", root)
    where = next(root.rglob("rota-vault.pc")).parent
    flags = run("pkg-config", "--cflags", "--libs", "rota-vault", PKG_CONFIG_PATH=str(where), PKG_CONFIG_SYSROOT_DIR=str(root))
    run("cc", "-D_GNU_SOURCE", "-o", program, TOP / "examples/gateway/gateway.c", *flags.split())
    run(program, tmp_path, "put", "1", "well")
    assert run(program, tmp_path, "get", "1").strip() == "well"
