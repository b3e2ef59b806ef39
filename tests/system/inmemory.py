# SPDX-License-Identifier: Apache-2.0
"""Where tests write: a folder in memory, gone at the end. Nothing here cuts the power, and what is durable shows in
the calls that a program makes (killat.c, strace), so a disk would add nothing but waiting for it, for tens of thousands of
small files. Where TMPDIR is set they write there, and pytest keeps the last three runs; so it is too where memory has
no place, or where programs in it may not run."""
import atexit
import os
import shutil
import tempfile

MEMORY = "/dev/shm"
ROOM = 2 << 30  # bytes; five times what was ever seen


def has_room():
    try:
        it = os.statvfs(MEMORY)
    except OSError:
        return False
    return os.access(MEMORY, os.W_OK) and not it.f_flag & os.ST_NOEXEC and it.f_bavail * it.f_frsize >= ROOM


def pytest_configure(config):
    """Before tempfile is asked, and before workers start, which inherit TMPDIR."""
    if "TMPDIR" in os.environ or config.option.basetemp is not None or not has_room():
        return
    place = tempfile.mkdtemp(prefix="rota-tests-", dir=MEMORY)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.chmod(place, 0o755)  # servers have users of their own
    os.environ["TMPDIR"] = place
    tempfile.tempdir = None
