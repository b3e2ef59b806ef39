# SPDX-License-Identifier: Apache-2.0
"""rota init --daemon-users makes an authority whose signing daemon is three users, and rota doctor names what of that is wrong, with
the command that mends it (SPEC 18.9). What it says is done as it stands there."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from authority import Rota
from conftest import BUILD

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users"),
              pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]


@pytest.fixture(scope="module")
def users():
    with tempfile.TemporaryDirectory(prefix="rota-du-") as name:
        os.chmod(name, 0o755)
        rota = Rota(BUILD, pathlib.Path(name) / "a")
        rota("init", "--softhsm", "--daemon-users", "--product", "sensor", rota.dir)
        yield rota


def wrong(rota, **user):
    """What the doctor finds wrong with the daemon, as this user."""
    done = subprocess.run([rota.program, "--dir", rota.dir, "doctor", "--online-only", "--json"], capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL, check=False, **user)
    steps = json.loads(done.stdout)
    assert (done.returncode != 0) == any(not step["good"] for step in steps)
    return [step["text"] for step in steps if not step["good"] and step["step"] == "signd"]


def test_it_signs_and_the_doctor_finds_nothing(users):
    for _ in range(2):  # and what a publish leaves behind is readable still
        users("publish", "--all")
        assert wrong(users) == []
    owners = {part: pathlib.Path(users.dir / part).owner() for part in ("tokens/online/pin", "signd/log", "signd/records")}
    assert owners == {"tokens/online/pin": "rota-token", "signd/log": "rota-signd-log", "signd/records": "rota-signd"}
    assert all(path.owner() == "root" for path in (users.dir / "tokens/root-1").rglob("*"))


ROWS = [
    ("a folder on the way", "chmod 0700 {dir}", r"cannot pass {dir} on the way .*; (chmod o\+x \S+)$"),
    ("what is staged", "chmod 0700 {dir}/staging", r"judges by {dir}/staging, cannot read all .*; (chgrp .*)$"),
    ("a file among what it judges by", "chmod 0600 {dir}/trust/root.json", r"judges by {dir}/trust, .*; (chgrp .*)$"),
    ("the list of keys", "chmod 0600 {dir}/keys", r"judges by {dir}/keys, .*; (chgrp .*)$"),
    ("metadata", "chmod 0700 {dir}/repo/metadata", r"judges by {dir}/repo/metadata, .*; (chgrp .*)$"),
    ("a PIN that is root's", "chown root {dir}/tokens/online/pin", r"{dir}/tokens/online/pin must be user rota-token's .*; (chown .*)$"),
    ("a PIN that others read", "chmod 0640 {dir}/tokens/online/pin", r"{dir}/tokens/online/pin is open to others .*; (chmod .*)$"),
    ("a token that is root's", "chown root {dir}/tokens/online", r"{dir}/tokens/online must be user rota-token's .*; (chown .*)$"),
    ("the log in the parser's hands", "chown rota-signd {dir}/signd/log", r"{dir}/signd/log must be user rota-signd-log's .*; (chown .*)$"),
    ("records that the log's user writes", "chown rota-signd-log {dir}/signd/records", r"{dir}/signd/records must be user rota-signd's .*; (chown .*)$"),
    ("a state that all write", "chmod 0777 {dir}/signd", r"{dir}/signd can be written by others .*; (chmod .*)$"),
    ("two users", "sed -i 's/^users = .*/users = bin games/' {dir}/signd.ini", r"\[daemon\] users: three names"),
    ("a user that is not there", "sed -i s/rota-token$/rota-nobody/ {dir}/signd.ini", "there is no user rota-nobody; useradd "),
]


@pytest.mark.parametrize("what, break_it, says", ROWS, ids=[row[0] for row in ROWS])
def test_the_doctor_names_what_is_wrong_and_mends_it(users, what, break_it, says):
    users("publish")  # its folders are there
    ini = (users.dir / "signd.ini").read_text()
    subprocess.run(break_it.format(dir=users.dir), shell=True, check=True)
    said = wrong(users)
    found = [m for m in (re.search(says.format(dir=re.escape(str(users.dir))), line) for line in said) if m]
    assert found, said
    if found[0].groups():
        for m in found:
            subprocess.run(m.group(1), shell=True, check=True)
    else:
        (users.dir / "signd.ini").write_text(ini)
    assert wrong(users) == []


def test_who_publishes_is_in_the_log_writers_group(users):
    users("publish")
    said = [line for line in wrong(users, user="nobody", group="nogroup", extra_groups=[]) if "usermod" in line]
    assert len(said) == 1 and said[0].endswith("; usermod -aG rota-signd-log nobody, and log in anew")
    assert not [line for line in wrong(users, user="nobody", group="nogroup", extra_groups=["rota-signd-log"]) if "usermod" in line]


def test_refused():
    """Without a daemon, and of whom is not root."""
    with tempfile.TemporaryDirectory(prefix="rota-du-") as name:
        os.chmod(name, 0o777)
        refused(Rota(BUILD, pathlib.Path(name) / "a"))


def refused(rota):
    assert "--at-hand" in rota("init", "--softhsm", "--daemon-users", "--at-hand", "--product", "sensor", rota.dir, status=2)
    done = subprocess.run([rota.program, "init", "--softhsm", "--daemon-users", "--product", "sensor", rota.dir], user="nobody",
                          group="nogroup", extra_groups=[], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "only root can" in done.stderr
    assert not rota.dir.exists()
