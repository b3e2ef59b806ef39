# SPDX-License-Identifier: Apache-2.0
"""What a program's --help names stands in its manual page, which has examples and says how the program exits."""
import re
import shutil
import subprocess

import pytest

from conftest import TOP, programs

pytestmark = pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not here")

SERVICES = ["rota-agent", "rota-boot", "rota-fleet", "rota-seald", "rota-signd", "rota-witness", "rotad", "rota-tuf"]


def helped(*words):
    return subprocess.run([*words, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout


def verbs(rota):
    """Their words, as the list in --help has them."""
    listed = helped(rota).split("Verbs:\n")[1].split("\n\n")[0]
    return [re.split(r" {2,}", line.strip())[0].split() for line in listed.splitlines()]


def page(*names):
    """The text of the first of these pages that there is."""
    for name in names:
        for path in TOP.glob(f"docs/man/{name}.[18]"):
            shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=300", path], capture_output=True, text=True,
                                   timeout=60, check=True).stdout
            return path.name, re.sub(".\b", "", shown).replace("\u2010", "-")
    raise AssertionError(f"no page of {names}")


def lacks(text, said):
    return sorted(option for option in set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", said)) - {"--help", "--dir"}
                  if not re.search(rf"{option}(?![\w-])", text))


@pytest.mark.smoke
@pytest.mark.plain
def test_verbs():
    rota = programs()["rota"]
    assert len(verbs(rota)) > 50
    for words in verbs(rota):
        name, text = page("-".join(["rota", *words]), f"rota-{words[0]}")
        said = helped(rota, *words)
        options = "\n".join(re.findall(r"^\s+(--[a-z0-9-]+)", said, re.M))
        assert not lacks(text, options), (name, words, lacks(text, options))
        assert "Examples:" in said, words
        assert "EXIT STATUS" in text and "EXAMPLES" in text, name


@pytest.mark.smoke
@pytest.mark.plain
@pytest.mark.parametrize("program", SERVICES)
def test_services(program):
    name, text = page(program)
    said = helped(programs()[program])
    assert not lacks(text, said), (name, lacks(text, said))
    assert "EXIT STATUS" in text and "EXAMPLES" in text, name
