# SPDX-License-Identifier: Apache-2.0
"""The signing daemon over another PKCS#11 module than SoftHSM's: tpm2-pkcs11 on a software TPM, pulled out and put back."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest
from authority import Rota, made  # noqa: F401 - made is a fixture
from paths import BUILD, PATIENCE
from signd import Signd, digest_of_time
from swtpm import Tpm
from test_signd import verified

MODULE = next((str(path) for path in pathlib.Path("/usr/lib").glob("*/pkcs11/libtpm2_pkcs11.so")), None)

pytestmark = [pytest.mark.plain, pytest.mark.skipif(not MODULE or not shutil.which("pkcs11-tool"),
                                                    reason="libtpm2-pkcs11-1 or opensc is not here")]

DEVICE = "ab" * 32


class Place:
    """An authority whose key of `time` is in a TPM; the log's is where it was."""

    def __init__(self, folder, made):  # noqa: F811
        self.tpm = Tpm(folder / "tpm")
        (folder / "store").mkdir()
        self.environment = {"TPM2_PKCS11_BACKEND": "esysdb", "TPM2_PKCS11_STORE": str(folder / "store"),
                            "TPM2_PKCS11_TCTI": self.tpm.tcti, "TPM2_PKCS11_LOG_LEVEL": "0"}
        shutil.copytree(made.dir, folder / "authority")
        self.rota = Rota(BUILD, folder / "authority")
        self.pin = self.rota.dir / "tokens/tpm-pin"
        self.pin.write_text("2468")
        self.pin.chmod(0o600)
        self.signd = Signd(folder, self.rota.dir)

    def make(self):
        for words in (["--slot-index", "0", "--init-token", "--label", "in-tpm"],
                      ["--token-label", "in-tpm", "--login", "--init-pin", "--pin", "2468"]):
            subprocess.run(["pkcs11-tool", "--module", MODULE, *words, "--so-pin", "13579"], check=True, capture_output=True,
                           env={**os.environ, **self.environment}, timeout=120 * PATIENCE)
        ini = self.rota.dir / "rota.ini"
        values = "\n    ".join(f"{name}={value}" for name, value in self.environment.items())
        ini.write_text(ini.read_text().replace("signers = online:time", "signers = tpm:time")
                       + f"\n[token tpm]\nmodule = {MODULE}\nlabel = in-tpm\npin_file = tokens/tpm-pin\n"
                         f"environment = {values}\nonline = yes\n")
        self.rota("keys", "make", "--token", "tpm", "--label", "time", "--use", "time", "--out", self.rota.dir / "time.pem")

    def pull(self):
        self.tpm.process.send_signal(signal.SIGKILL)
        self.tpm.process.wait()
        for name in ("s", "s.ctrl"):
            (self.tpm.directory / name).unlink(missing_ok=True)

    def put_back(self):
        self.tpm.__enter__()

    def signs(self):
        """Whether it did; what it signed is good."""
        nonce = os.urandom(16).hex()
        status, said, _ = self.signd.ask(body={"device": DEVICE, "nonce": nonce})
        assert status in (200, 503), said
        if status == 503:
            assert said["code"] == "token"
            return False
        assert verified(said, digest_of_time(DEVICE, nonce, said["time"]))
        return True


@pytest.fixture(name="place")
def make_place(made, tmp_path):  # noqa: F811
    it = Place(tmp_path, made)
    with it.tpm:
        it.make()
        yield it
        if it.signd.process and it.signd.process.poll() is None:
            it.signd.process.kill()
            it.signd.process.wait()


def test_signs(place):
    with place.signd:
        assert all(place.signs() for _ in range(5))
        place.signd.stop()


def test_pulled_and_put_back(place):
    with place.signd:
        assert place.signs()
        place.pull()
        assert not place.signs()
        place.put_back()
        deadline = time.monotonic() + 60 * PATIENCE
        while not place.signs():
            assert time.monotonic() < deadline, place.signd.said()
            time.sleep(0.2)
        leaves = place.signd.wait_leaves(4)
    failed = [leaf for leaf in leaves if leaf["kind"] == "FAILED"]
    assert failed and all(leaves[leaf["version"]]["message"] == leaf["message"] for leaf in failed)


def test_a_wrong_pin_is_tried_once(place):
    place.pin.write_text("8642")
    said = place.signd.start(status=3)
    assert re.search(r"token tpm.*PIN", said) and said.count("token tpm") == 1
    place.pin.write_text("2468")
    with place.signd:
        assert place.signs()
