# SPDX-License-Identifier: Apache-2.0
"""Authorities for tests to begin with. `rota init` makes two dozen tokens and signs with most of them, so each kind is
made once for a whole run, by whoever needs it first, and everybody works on a copy: names in its rota.ini are relative to
it."""
import atexit
import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile

from paths import PATIENCE, programs

FOLDER = "ROTA_TEST_TEMPLATES"


def begin():
    """Before workers start, which inherit the folder."""
    if FOLDER in os.environ:
        return
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="rota-templates-")
    atexit.register(shutil.rmtree, os.environ[FOLDER], ignore_errors=True)


def authority(to, keys="own"):
    """Put an authority for product `sensor` into the new folder `to`. Those of one name of `keys` have the same keys."""
    made = pathlib.Path(os.environ[FOLDER], keys)
    with open(made.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            subprocess.run([programs()["rota"], "init", "--softhsm", "--at-hand", "--product", "sensor", made], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120 * PATIENCE)
    pathlib.Path(to).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", made, to], check=True, timeout=120 * PATIENCE)
