# SPDX-License-Identifier: Apache-2.0
"""rota audit reconcile: a signature that the log has no entry of is an incident."""
import contextlib
import json
import re
import shutil
import subprocess
import time

import pytest
from authority import made, rota  # noqa: F401 - fixtures
from paths import BUILD, PATIENCE
from signd import Signd

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not shutil.which("softhsm2-util"), reason="softhsm2 is not here")]

# As a vendor's tool prints what its HSM counted.
AUDIT = "for f in counts/signed.*; do printf '%s %s\\n' ${f##*.} $(wc -c <$f); done"


RULE = "[rule sums]\nwho = me\nscope = sensor\nrole = root\nkinds = record\n"


@contextlib.contextmanager
def counting(made, tmp_path, more=""):  # noqa: F811
    """A daemon whose token counts its signatures."""
    authority = tmp_path / "authority"
    shutil.copytree(made.dir, authority)
    (authority / "counts").mkdir()
    ini = authority / "rota.ini"
    text = ini.read_text()
    module = re.search(r"\[token online\]\nmodule = (.*)\n", text).group(1)
    shim = (BUILD / "tests/unit/libp11shim.so").resolve()
    text = text.replace(f"[token online]\nmodule = {module}", f"[token online]\naudit = {AUDIT}\nmodule = {shim}")
    text = text.replace("environment = SOFTHSM2_CONF=tokens/online/",
                        f"environment = P11SHIM_DIR=counts P11SHIM_MODULE={module} SOFTHSM2_CONF=tokens/online/")
    ini.write_text(text)
    with Signd(tmp_path, authority, more=more) as it:
        yield it


@pytest.fixture(name="signd")
def make_signd(made, tmp_path):  # noqa: F811
    with counting(made, tmp_path) as it:
        yield it


@pytest.fixture(name="ruled")
def make_ruled(made, tmp_path):  # noqa: F811
    """One that takes the sums from who reconciles."""
    with counting(made, tmp_path, RULE) as it:
        yield it


def reconcile(signd, status=0):
    done = subprocess.run([BUILD / "apps/rota/rota", "audit", "reconcile", "--json", "--config", signd.config],
                          capture_output=True, text=True, timeout=120 * PATIENCE, check=False)
    assert done.returncode == status, (done.stdout, done.stderr)
    assert done.stderr.count("\n") == status
    return {row["key"]: row for row in json.loads(done.stdout)}, done.stderr


def beside(signd):
    """Somebody who has the token's PIN signs without the daemon."""
    ini = signd.authority / "rota.ini"
    ini.write_text(re.sub(r"(?m)^signd = .*\n", "", ini.read_text()))
    subprocess.run([BUILD / "apps/rota/rota", "--dir", signd.authority, "publish"], check=True, stdout=subprocess.DEVNULL,
                   timeout=120 * PATIENCE)


def counts(row):
    return row["signatures"], row["entries"], row["first"], row["good"]


def test_each_signature_has_its_entry(signd):
    assert signd.ask()[0] == 200
    assert counts(reconcile(signd)[0]["time"]) == (1, 1, True, True)
    for _ in range(3):
        assert signd.ask()[0] == 200
    assert signd.ask(extra=1)[0] == 403
    rows, _ = reconcile(signd)
    assert counts(rows["time"]) == (3, 3, False, True)
    assert counts(reconcile(signd)[0]["time"]) == (0, 0, False, True)


def test_checkpoints_are_counted(signd):
    signd.ask()
    signd.wait_leaves(2)
    reconcile(signd)
    signd.ask()
    signd.stop()
    row = reconcile(signd)[0]["log"]
    assert row["good"] and 1 <= row["signatures"] <= row["entries"] <= 2


def test_a_signature_beside_the_daemon(signd):
    signd.ask()
    reconcile(signd)
    signd.ask()
    beside(signd)
    for _ in range(2):  # it is told until somebody looked into it
        rows, said = reconcile(signd, status=1)
        assert counts(rows["timestamp"]) == (1, 0, False, False) and "no entry" in said
        assert counts(rows["time"]) == (1, 1, False, True)


def test_a_counter_that_was_put_back(signd):
    signd.ask()
    signd.ask()
    reconcile(signd)
    (signd.authority / "counts/signed.time").write_bytes(b".")
    assert not reconcile(signd, status=1)[0]["time"]["good"]


@pytest.mark.parametrize("audit, said", [("false", "ended with status 1"), ("echo time", "not LABEL COUNT"),
                                         ("echo time 1 2", "not LABEL COUNT"), ("echo time -", "not LABEL COUNT")])
def test_a_command_that_does_not_count(signd, audit, said):
    ini = signd.authority / "rota.ini"
    ini.write_text(ini.read_text().replace(f"audit = {AUDIT}", f"audit = {audit}"))
    done = subprocess.run([BUILD / "apps/rota/rota", "audit", "reconcile", "--config", signd.config], capture_output=True,
                          text=True, timeout=120 * PATIENCE, check=False)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1


def entered(signd):
    """The sums of all entries RECONCILED, by key."""
    shown = subprocess.run([BUILD / "apps/rota/rota", "audit", "show", "--json", "--kind", "reconciled", "--journal",
                            signd.state / "log/journal"], capture_output=True, text=True, timeout=120 * PATIENCE, check=True).stdout
    events = [json.loads(line)["record"]["what"]["event"] for line in shown.splitlines()]
    assert all(event["kind"] == "reconciled" for event in events)
    return [{row["key"]: row for row in event["what"]["keys"]} for event in events]


def test_the_sums_are_in_the_log(ruled):
    assert ruled.ask()[0] == 200
    first, _ = reconcile(ruled)
    assert ruled.ask()[0] == 200
    beside(ruled)
    second, _ = reconcile(ruled, status=1)
    assert not second["timestamp"]["good"]
    assert [leaf["role"] for leaf in ruled.wait_entries(2, kind="RECONCILED")] == ["root", "root"]
    assert entered(ruled) == [first, second]


def test_who_may_not_enter_them_still_reconciles(signd):
    signd.ask()
    reconcile(signd)
    assert not [leaf for leaf in signd.wait_leaves(2) if leaf["kind"] == "RECONCILED"]


def test_sums_that_are_not_in_the_log_are_compared_again(ruled):
    ruled.ask()
    reconcile(ruled)
    ruled.ask()
    ruled.stop()
    rows, said = reconcile(ruled, status=1)
    assert rows["time"]["good"] and "the sums are not in the log" in said
    ruled.start()
    assert counts(reconcile(ruled)[0]["time"]) == (1, 1, False, True)


def test_what_failed_is_told_and_takes_nothing_from_the_count(ruled):
    """A token that gave no answer in time may have signed."""
    ruled.ask()
    reconcile(ruled)
    mood = ruled.authority / "counts/mood"
    mood.write_text("gone")
    assert ruled.ask()[0] == 503
    mood.unlink()
    deadline = time.monotonic() + 60 * PATIENCE
    while ruled.ask()[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    row = reconcile(ruled)[0]["time"]
    assert row["good"] and row["failed"] >= 1 and row["entries"] == row["signatures"] + row["failed"], row
    assert reconcile(ruled)[0]["time"]["failed"] == 0


def test_without_a_count(signd):
    ini = signd.authority / "rota.ini"
    ini.write_text(ini.read_text().replace(f"audit = {AUDIT}\n", ""))
    done = subprocess.run([BUILD / "apps/rota/rota", "audit", "reconcile", "--config", signd.config], capture_output=True,
                          text=True, timeout=120 * PATIENCE, check=False)
    assert done.returncode == 1 and "[token NAME] audit" in done.stderr
