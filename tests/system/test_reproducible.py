# SPDX-License-Identifier: Apache-2.0
"""Rota's own programs and its library for microcontrollers come out the same from two directories, bit for bit: another
path, umask, time zone, language, file times, number of jobs. The build's folder has the same name in both trees, below
the source, as the commands of CONTRIBUTING.md have it."""
import hashlib
import os
import shutil
import subprocess

import pytest

from conftest import BUILD, PATIENCE, TOP, programs

pytestmark = pytest.mark.plain

# What another machine's user may have set.
OTHER = {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Auckland", "HOME": "/", "USER": "somebody"}
HERE = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def run(where, *args, env, umask):
    done = subprocess.run([*map(str, args)], cwd=where, env={**os.environ, **env}, umask=umask, capture_output=True,
                          text=True, timeout=600 * PATIENCE, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def copy_tree(to, age):
    """The files that git has, as they are now, of another age."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP,
                           capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (TOP / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TOP / name, to / name)
            shutil.copymode(TOP / name, to / name)
            os.utime(to / name, (age, age))
    return to


def digests(folder, names):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def differing(one, other):
    assert one and sorted(one) == sorted(other)
    return [name for name in one if one[name] != other[name]]


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason=f"{' '.join(missing)} is not here")


@needs("git", "meson", "ninja")
@pytest.mark.skipif(TOP not in BUILD.resolve().parents or not (TOP / ".git").exists(),
                    reason="the programs were not built below a work tree of git")
def test_binaries(tmp_path):
    """Those under test, against those of a copy elsewhere; unstripped, with all that is for debuggers."""
    names = sorted(str(path.relative_to(BUILD)) for path in programs().values())
    place = BUILD.resolve().relative_to(TOP)
    options = [f"-D{line.replace(' = ', '=', 1)}" for line in
               (BUILD / "meson-private/cmd_line.txt").read_text().split("[properties]")[0].splitlines() if " = " in line]
    compiler = next(line.split("=", 1)[1].strip() for line in (BUILD / "build.ninja").read_text().splitlines()
                    if line.startswith(" command = ") and " -MD " in line).split()[0]
    run(TOP, "ninja", "-C", BUILD, *names, env=HERE, umask=0o022)  # nothing to do, where it is up to date
    copy = copy_tree(tmp_path / "a folder with another, longer name", 1000000000)
    env = {**OTHER, "CC": compiler}
    run(copy, "meson", "setup", place, *options, "-Dtests=false", env=env, umask=0o077)
    run(copy, "ninja", "-j", "2", "-C", place, *names, env=env, umask=0o077)
    assert differing(digests(BUILD, names), digests(copy / place, names)) == []
    for name in names:
        text = (copy / place / name).read_bytes()
        assert os.fsencode(tmp_path) not in text and os.fsencode(TOP) not in text, name


@needs("git", "meson", "ninja", "arm-none-eabi-gcc")
def test_firmware(tmp_path):
    """The device library and the boot stage for a Cortex-M3."""
    made = []
    for name, env, umask, age in (("one", HERE, 0o022, 1000000000), ("the/other", OTHER, 0o077, 1500000000)):
        copy = copy_tree(tmp_path / name, age)
        run(copy, "meson", "setup", "--cross-file", "toolchains/cortex-m3.ini", "-Dhost=false", "-Dtests=false", "build",
            env=env, umask=umask)
        run(copy, "ninja", "-j", "2", "-C", "build", env=env, umask=umask)
        made.append(digests(copy / "build", ["rota/librota.a", "boot/librota_boot.a"]))
    assert differing(*made) == []


def test_a_difference_is_seen(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    before = digests(tmp_path, ["a"])
    (tmp_path / "a").write_bytes(b"One")
    assert differing(before, digests(tmp_path, ["a"])) == ["a"]
