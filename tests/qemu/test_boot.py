# SPDX-License-Identifier: Apache-2.0
"""Each boot loader through trial, confirmation, failed boot and revert, in QEMU without KVM (tests/qemu/machines.py)."""
import pytest

from machines import Grub, Sdboot, Uboot


@pytest.mark.parametrize("kind", [Grub, Sdboot, Uboot], ids=lambda kind: kind.loader)
def test_trial_confirm_failed_boot_and_revert(kind, tmp_path):
    machine = kind(tmp_path)
    assert machine.boot() == "v1 a"
    assert machine.device("booted") == "confirmed a"
    machine.install(machine.image("v2"))
    assert machine.boot() == "v2 b"
    assert machine.device("booted") == "trial b"
    machine.device("confirm")
    # Started once and never confirmed, as a kernel that crashes.
    machine.install(machine.image("v3"))
    assert machine.boot() == "v3 a"
    assert machine.boot() == "v2 b"
    assert machine.device("booted") == "reverted b"
    machine.install(machine.image("v4"))
    assert machine.boot() == "v4 a"
    assert machine.device("booted") == "trial a"
    machine.device("revert")
    assert machine.boot() == "v2 b"
    assert machine.device("booted") == "reverted b"
    if kind is Sdboot:
        return  # hands an image that cannot be loaded back to the firmware; the next boot is as after a crash
    machine.install(machine.garbage())
    assert machine.boot() == ""  # the script resets
    assert machine.boot() == "v2 b"
    assert machine.device("booted") == "reverted b"
