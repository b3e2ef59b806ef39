# SPDX-License-Identifier: Apache-2.0
"""The signing daemon as three users: who reads requests, who writes the log and who holds tokens cannot reach each other's."""
import os
import pathlib
import pwd
import re
import resource
import shutil
import subprocess
import sys
import tempfile

import pytest
import registry
from authority import made  # noqa: F401 - a fixture
from paths import PATIENCE
from signd import Signd

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users"),
              pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

PARSER, LOGGER, HOLDER = "bin", "games", "news"  # of any Debian; none of them owns a file here
NAMES = {"signd": PARSER, "signd-log": LOGGER, "rota-token": HOLDER, "signd-rows": HOLDER}
ROWS = "[rule rows]\nwho = me\nscope = sensor\nrole = registry\nkinds = rows\n"


def give(path, user, mode=0o700):
    entry = pwd.getpwnam(user)
    for folder, _, files in os.walk(path):
        for name in files:
            os.chown(os.path.join(folder, name), entry.pw_uid, entry.pw_gid)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    os.chmod(path, mode)


def may_lock():
    """Root may have as much memory locked as it wants, but in some containers."""
    most = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    program = "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)"
    return most == resource.RLIM_INFINITY or subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL,
                                                            check=False).returncode == 0


@pytest.fixture(scope="module", name="signd")
def run_signd(made):  # noqa: F811
    with tempfile.TemporaryDirectory(prefix="rota-users-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        shutil.copytree(made.dir, folder / "authority")
        for what in ("trust", "repo", "staging"):  # what requests are judged by
            subprocess.run(["chgrp", "-R", PARSER, folder / "authority" / what], check=True)
            subprocess.run(["chmod", "-R", "g+rX", folder / "authority" / what], check=True)
        os.chmod(folder / "authority", 0o755)
        key = registry.Key(folder / "key")
        give(key.folder, HOLDER)
        it = Signd(folder, folder / "authority", daemon=f"users = {PARSER} {LOGGER} {HOLDER}", more=key.ini() + ROWS)
        if may_lock():
            it.config.write_text(it.config.read_text().replace("lock = no", "lock = yes"))
        os.chmod(folder / "authority/tokens", 0o711)
        give(folder / "authority/tokens/online", HOLDER)
        with it:
            assert it.ask()[0] == 200
            assert it.ask(kind="rows", role="registry", body={"items": ["00"]})[1]["rows"] == ["format"]
            it.wait_leaves(2)
            yield it


def status(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def descriptors(pid):
    """What lies behind each but the standard three, without what pytest left."""
    folder = f"/proc/{pid}/fd"
    return [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder) if int(fd) > 2]


def test_each_process_is_a_user_of_its_own(signd):
    assert all(signd.pids(name) for name in NAMES)
    for name, user in NAMES.items():
        for pid in signd.pids(name):
            uid = str(pwd.getpwnam(user).pw_uid)
            its = status(pid)
            assert set(its["Uid"].split()) == {uid} and its["Groups"].strip() == ""
            assert its["CapEff"] == its["CapPrm"] == "0" * 16 and its["NoNewPrivs"] == "1"


def test_only_holders_have_the_module(signd):
    for name in NAMES:
        for pid in signd.pids(name):
            assert ("libsofthsm2" in pathlib.Path(f"/proc/{pid}/maps").read_text()) == (name == "rota-token")


@pytest.mark.skipif(not may_lock(), reason="this machine locks no memory: RLIMIT_MEMLOCK")
def test_what_holds_a_pin_stays_in_memory(signd):
    for pid in signd.pids("rota-token") + signd.pids("signd-rows"):
        its = status(pid)
        locked, resident = (int(re.match(r"\s*(\d+) kB", its[name]).group(1)) for name in ("VmLck", "VmRSS"))
        assert locked > 1000 and locked >= resident // 2


def test_each_has_the_descriptors_that_it_needs(signd):
    parser, logger = signd.pids("signd")[0], signd.pids("signd-log")[0]
    assert not [path for path in descriptors(parser) if path.startswith("/") and not path.startswith("/dev/")]
    files = [path for path in descriptors(logger) if path.startswith("/")]
    assert files and all(path.startswith(str(signd.state / "log")) for path in files)
    # holders of the log's key and of the roles': orders in, answers out, and what their module opened
    for pid in signd.pids("rota-token"):
        assert len([path for path in descriptors(pid) if path.startswith("socket:")]) <= 2
        assert all(str(signd.authority / "tokens") in path for path in descriptors(pid) if path.startswith("/"))
    # the registrar's token is let go
    assert len(descriptors(signd.pids("signd-rows")[0])) == 2
    listener = set(path for path in descriptors(parser) if path.startswith("socket:"))
    assert not listener & set(descriptors(logger))  # both ends of a pair have a number of their own


REACH = [
    (PARSER, "log/journal"), (PARSER, "log/head"), (HOLDER, "log/journal"), (HOLDER, "records"),
    (PARSER, "."), (LOGGER, "."), (LOGGER, "records"), (PARSER, "log"),  # or another folder could be put in its place
    (LOGGER, "../authority/tokens/online/pin"), (PARSER, "../authority/tokens/online/pin"),
]


@pytest.mark.parametrize("user, name", REACH)
def test_none_reaches_what_is_another_s(signd, user, name):
    """Not to write, and PINs not even to read."""
    program = ("import os, sys; e = __import__('pwd').getpwnam(sys.argv[1]); os.setgroups([]); os.setgid(e.pw_gid); os.setuid(e.pw_uid);"
               "print(os.access(sys.argv[2], os.R_OK if 'pin' in sys.argv[2] else os.W_OK))")
    path = signd.state / name
    assert path.exists()
    done = subprocess.run([sys.executable, "-c", program, user, path], capture_output=True, text=True, check=True,
                          timeout=60 * PATIENCE)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name, user", [(".", PARSER), ("log", PARSER), ("records", LOGGER)])
def test_a_folder_in_other_hands_is_refused(made, tmp_path, name, user):  # noqa: F811
    """A parser that somebody has taken over must not find the log's folder in its own, to put an older log there."""
    it = Signd(tmp_path, made.dir, daemon=f"users = {PARSER} {LOGGER} {HOLDER}")
    (it.state / name).mkdir(exist_ok=True)
    os.chown(it.state / name, pwd.getpwnam(user).pw_uid, -1)
    assert "no other may write" in it.start(status=1)
