# SPDX-License-Identifier: Apache-2.0
"""What all programs have in common at the command line."""
import subprocess

import pytest

from conftest import programs

pytestmark = pytest.mark.smoke

PROGRAMS = programs()


def run(name, *arguments):
    return subprocess.run([PROGRAMS[name], *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)


def test_there_are_programs():
    assert "rota" in PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_goes_to_stdout(name):
    done = run(name, "--help")
    assert done.returncode == 0
    assert "usage" in done.stdout.lower()
    assert done.stderr == ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_version_is_one_line(name):
    done = run(name, "--version")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(name + " ")


@pytest.mark.parametrize("name", PROGRAMS)
def test_wrong_usage_is_status_2_and_one_line(name):
    done = run(name, "--no-such-option")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no-such-option" in done.stderr
