# SPDX-License-Identifier: Apache-2.0
"""./do and tools/: what they refuse, and that a failing test is counted as one."""
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess

import pytest

from conftest import TOP

pytestmark = pytest.mark.smoke


def run(*command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False, **options)


@pytest.mark.parametrize("arguments, reason", [
    ([], "which verb"),
    (["bild"], "no verb 'bild'"),
    (["check", "--fast"], "'check' takes no argument"),
    (["demo", "--imag", "x"], "'demo' takes --image FILE, got '--imag'"),
    (["demo", "--image"], "--image takes one FILE"),
])
def test_do_refuses_wrong_usage(arguments, reason):
    done = run(TOP / "do", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name, reason", [
    ("empty one", "is empty"), ("missing", "no file that can be read"), (".", "no file that can be read"),
])
def test_do_demo_looks_at_the_payload_first_where_the_caller_stands(tmp_path, name, reason):
    (tmp_path / "empty one").touch()
    done = run(TOP / "do", "demo", "--image", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"--image {name} " in done.stderr and reason in done.stderr


def test_do_help_names_every_verb():
    done = run(TOP / "do", "help")
    assert done.returncode == 0
    for verb in ("demo", "check", "test", "bench", "arm", "install", "clean"):
        assert f"\n    {verb} " in done.stdout


def test_deps_refuses_an_unknown_set():
    done = run(TOP / "tools/deps", "everything")
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_deps_takes_in_other_sets_once():
    listed = run(TOP / "tools/deps", "--list", "test").stdout.split()
    assert {"gcc", "nginx-light", "clang", "qemu-system-arm"} <= set(listed)
    assert len(listed) == len(set(listed))


def test_deps_without_root_or_sudo_says_what_to_install(tmp_path):
    """A PATH with nobody to become: dpkg-query that knows no package, id that is nobody, no sudo."""
    for name in ("sh", "awk", "grep", "mktemp", "rm", "tr", "cat", "wc"):
        os.symlink(shutil.which(name), tmp_path / name)
    for name, text in (("id", "echo 1000"), ("dpkg-query", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    done = run("/bin/sh", TOP / "tools/deps", "build", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "apt-get install --no-install-recommends gcc libc6-dev meson" in done.stderr


@pytest.fixture
def tree(tmp_path):
    """A tree with tools/ and nothing to build."""
    shutil.copytree(TOP / "tools", tmp_path / "tools")
    return tmp_path


def test_figure_replaces_its_own_line_only(tree):
    for name, value in (("speed", "1"), ("speed_ratio", "2"), ("speed", "3")):
        assert run(tree / "tools/figure", name, value, "MB/s").returncode == 0
    text = (tree / "build/figures.tsv").read_text(encoding="ascii")
    assert text == "speed_ratio\t2\tMB/s\nspeed\t3\tMB/s\n"


GATES = """
set -eu
. tools/gates.sh
broken() { false; true; }
counted() { echo "5 1 2" >"$gate_counts"; }
gate 'good' true
gate 'stops at its first failure' broken
gate 'counted' counted
gate_skip 'absent' 'no reason'
gates_end
"""


def test_gates_count(tree):
    done = run("/bin/sh", "-c", GATES, cwd=tree)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line[0] != " "] == ["ok", "FAIL", "FAIL", "skip", "6"]
    assert lines[-1] == "6 passed, 2 failed, 3 skipped"


BESIDE = """
set -eu
. tools/gates.sh
counted() { echo "5 1 2" >"$gate_counts"; }
others() { gate 'counted' counted; gate 'other' true; ENDED; }
beside others
gate 'good' true
beside_end
gates_end
"""


@pytest.mark.parametrize("ended, closing", [("true", "7 passed, 1 failed, 2 skipped"),
                                            ("exit 0", "1 passed, 1 failed, 0 skipped")])
def test_gates_beside_others_count(tree, ended, closing):
    done = run("/bin/sh", "-c", BESIDE.replace("ENDED", ended), cwd=tree)
    assert done.returncode == 1
    assert {line.split()[1] for line in done.stdout.splitlines()[:-1] if line[0] in "oF"} >= {"counted", "other", "good"}
    assert done.stdout.splitlines()[-1] == closing


@pytest.mark.parametrize("log, counts", [
    ('{"result": "OK", "stdout": "3 passed, 0 failed, 1 skipped\\n"}', "3 0 1"),
    ('{"result": "OK", "stdout": "no counts"}', "1 0 0"),
    ('{"result": "FAIL", "stdout": "3 passed, 2 failed, 0 skipped\\n"}', "3 2 0"),
    ('{"result": "FAIL", "stdout": "3 passed, 0 failed, 0 skipped\\n"}', "3 1 0"),
    ('{"result": "TIMEOUT"}', "0 1 0"),
    ('{"result": "SKIP"}', "0 0 1"),
    ('{"result": "OK"}\n{"result": "ERROR", "stdout": ""}', "1 1 0"),
])
def test_a_program_that_fails_is_counted(tmp_path, log, counts):
    (tmp_path / "testlog.json").write_text(log, encoding="ascii")
    assert run(TOP / "tools/count-tests", tmp_path / "testlog.json").stdout.strip() == counts


HELP = """Usage: rota VERB

Verbs:
  image sign       Sign an image
  image show       Show an image
  init             Make an authority

Options:
  --dir DIR        where
"""


@pytest.mark.parametrize("words, offered", [
    (["rota", ""], ["image", "init"]),
    (["rota", "im"], ["image"]),
    (["rota", "image", "s"], ["show", "sign"]),
    (["rota", "--dir", "x", "image", "si"], ["sign"]),
    (["rota", "init", "--"], ["--dir"]),
])
def test_completion_offers_what_help_says(tmp_path, words, offered):
    program = tmp_path / "rota"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{HELP}END\n", encoding="ascii")
    program.chmod(0o755)
    script = (f"source {TOP}/packaging/completion/rota.bash; COMP_WORDS=({' '.join(map(repr, words))}); "
              f"COMP_CWORD={len(words) - 1}; _rota {program} {words[-1]!r} {words[-2]!r}; "
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = run("bash", "-c", script)
    assert done.stderr == ""
    assert sorted(done.stdout.split()) == offered


def tool(name):
    """A tool that is written in Python, as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(TOP / "tools" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


LINKER_MAP = """
Discarded input sections

 .text.gone     0x00000000       0x40 rota/librota.a(base_hex.c.o)

Linker script and memory map

.text           0x00000000       0x70
 *(.vectors)
 .vectors       0x00000000       0x20 boards/libboard.a.p/cortexm_startup.c.o
 .text.one      0x00000020        0xe rota/librota.a(base_span.c.o)
                0x00000020                one
 *fill*         0x0000002e        0x2
 .text.a_name_beyond_its_column
                0x00000030       0x10 rota/librota.a(base_span.c.o)
 .rodata.str1.1
                0x00000040       0x14 rota/librota.a(codec_tuf.c.o)
                                 0x1e (size before relaxing)
 .rodata.str1.1
                0x00000054        0x0 rota/librota.a(codec_key.c.o)
                                  0x6 (size before relaxing)
 .text.memcpy   0x00000054       0x1a /usr/lib/picolibc/libc.a(memcpy.c.o)

.stack          0x20000000      0x100

.bss            0x20000100        0x8 load address 0x00000070
 .bss.session   0x20000100        0x8 tests/footprint/footprint.p/refresh.c.o
"""


def test_footprint_reads_the_linkers_map():
    footprint = tool("footprint")
    found = footprint.sections(LINKER_MAP)
    assert [(name, size, place) for name, size, place, _ in found] == [
        (".vectors", 0x20, ".text"),
        (".text.one", 0x10, ".text"),  # with the padding behind it
        (".text.a_name_beyond_its_column", 0x10, ".text"),
        (".rodata.str1.1", 0x14, ".text"),
        (".text.memcpy", 0x1c, ".text"),
        (".bss.session", 8, ".bss"),
    ]
    owners = [footprint.first_owner(origin) for *_, origin in found]
    assert owners == ["harness", "core", "core", "core", "helper", "harness"]
    parts = [footprint.part_of(origin, owner) for (*_, origin), owner in zip(found, owners)]
    assert parts[1:5] == ["rota/base/span.c"] * 2 + ["rota/codec/tuf.c", "libc memcpy"]


def test_footprint_refuses_a_limit_exceeded_and_a_stale_document():
    footprint = tool("footprint")
    text = footprint.DOC.read_text()
    figures = dict.fromkeys(footprint.LIMITS, 1)
    assert not list(footprint.check(text, figures))
    assert any("is not what comes out" in line for line in footprint.check(text + "x", figures))
    for name in footprint.LIMITS:
        over = figures | {name: footprint.LIMITS[name] + 1}
        assert any(name in line for line in footprint.check(text, over))
