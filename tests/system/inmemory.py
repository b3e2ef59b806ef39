# SPDX-License-Identifier: Apache-2.0
"""Where tests write: a folder in memory, gone at the end. Nothing here cuts the power, and what is durable shows in
the calls that a program makes (killat.c, strace), so a disk would add nothing but waiting for it, for tens of thousands of
small files. Where TMPDIR is set they write there, and pytest keeps the last three runs; so it is too where memory has
no place, or where programs in it may not run."""
import atexit
import fcntl
import os
import pathlib
import shutil
import tempfile
import time

MEMORY = "/dev/shm"
NAME = "rota-pytest-"
ROOM = 2 << 30  # bytes; five times what was ever seen


def has_room():
    try:
        it = os.statvfs(MEMORY)
    except OSError:
        return False
    return os.access(MEMORY, os.W_OK) and not it.f_flag & os.ST_NOEXEC and it.f_bavail * it.f_frsize >= ROOM


def held(place):
    """A descriptor by which this process holds the folder; None: another one does, or it is another user's."""
    try:
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        return None
    return folder


def sweep():
    """What runs left that were killed. One that begins at this moment may not hold its folder yet."""
    for place in pathlib.Path(MEMORY).glob(NAME + "*"):
        folder = held(place)
        if folder is None:
            continue
        if time.time() - os.fstat(folder).st_mtime > 60:
            shutil.rmtree(place, ignore_errors=True)
        os.close(folder)


def pytest_configure(config):
    """Before tempfile is asked, and before workers start, which inherit TMPDIR."""
    if "TMPDIR" in os.environ or config.option.basetemp is not None or not has_room():
        return
    sweep()
    place = tempfile.mkdtemp(prefix=NAME, dir=MEMORY)
    held(place)  # until this process ends
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.chmod(place, 0o755)  # servers have users of their own
    os.environ["TMPDIR"] = place
    tempfile.tempdir = None
