# SPDX-License-Identifier: Apache-2.0
"""What the loaders' own tools write is what we read, and the other way round: fw_printenv and fw_setenv, grub-editenv; and slots
on loop devices, systemd-boot's entries on a mounted FAT, where this machine lets us."""
import os
import re
import subprocess

import pytest

from machines import BUILD, EXAMPLES, run

SELECTIONS = [f"{place} {trial}" for place in "ab" for trial in ("none", "asked", "started")]


def slotctl(folder, loader, at, *words, places=None):
    (folder / "state").mkdir(exist_ok=True)
    if not (folder / "cmdline").exists():
        (folder / "cmdline").write_text("rota.slot=a\n")
    (folder / "boot_id").write_text("00000000-0000-4000-8000-000000000000\n")
    a, b = places or (folder / "a", folder / "b")
    done = subprocess.run(
        [str(w) for w in (BUILD / "tests/qemu/slotctl", loader, at, folder / "state", folder / "cmdline",
                          folder / "boot_id", "system", a, b, *words)], capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- U-Boot ---


@pytest.mark.parametrize("copies", [1, 2])
def test_fw_env(tmp_path, copies):
    disk, config = tmp_path / "disk", tmp_path / "fw_env.config"
    config.write_text("".join(f"{disk} {0x1000 + n * 0x4000:#x} 0x4000\n" for n in range(copies)))
    (tmp_path / "empty").write_text("start=1\n")
    run("mkenvimage", *(["-r"] if copies == 2 else []), "-s", "0x4000", "-o", tmp_path / "env", tmp_path / "empty")
    disk.write_bytes(bytes(0x1000) + (tmp_path / "env").read_bytes() * copies + bytes(0x1000))

    def fw(program, *words):
        return run(program, "-c", config, *words, env={**os.environ, "TMPDIR": str(tmp_path)}).decode()

    text = {"a none": ("A", "", ""), "a asked": ("B A", "", "1"), "a started": ("B A", "", "0"),
            "b none": ("B", "", ""), "b asked": ("A B", "1", ""), "b started": ("A B", "0", "")}
    for n, selection in enumerate(SELECTIONS * 2):
        # We write, they read; in between they write something else, into the other copy.
        slotctl(tmp_path, "uboot", config, "select", *selection.split())
        seen = dict(x.split("=", 1) for x in fw("fw_printenv").splitlines())
        assert (seen["BOOT_ORDER"], seen.get("BOOT_A_LEFT", ""), seen.get("BOOT_B_LEFT", "")) == text[selection]
        assert seen["start"] == "1"
        fw("fw_setenv", "turn", str(n))
        assert slotctl(tmp_path, "uboot", config, "selected") == selection
        # They write, we read.
        order, left_a, left_b = text[SELECTIONS[n * 5 % 6]]
        for name, value in (("BOOT_ORDER", order), ("BOOT_A_LEFT", left_a), ("BOOT_B_LEFT", left_b)):
            fw("fw_setenv", name, *([value] if value else []))
        assert slotctl(tmp_path, "uboot", config, "selected") == SELECTIONS[n * 5 % 6]
        assert fw("fw_printenv", "-n", "turn").strip() == str(n)


def test_the_example_is_an_environment(tmp_path):
    """Each line NAME=VALUE, and mkenvimage takes it."""
    lines = [x for x in (EXAMPLES / "uboot.env").read_text().splitlines() if x and x[0] != "#"]
    assert all(re.match(r"[a-z_]+=", x) for x in lines)
    run("mkenvimage", "-s", "0x4000", "-o", tmp_path / "env", EXAMPLES / "uboot.env")


# --- GRUB ---


def test_grubenv(tmp_path):
    block = tmp_path / "grubenv"
    run("grub-editenv", block, "create")
    run("grub-editenv", block, "set", "saved_entry=0")
    letters = dict(zip(SELECTIONS, "AbxBay"))
    for selection in SELECTIONS * 2:
        slotctl(tmp_path, "grub", block, "select", *selection.split())
        assert run("grub-editenv", block, "list").decode().split() == ["saved_entry=0", f"rota={letters[selection]}"]
    for selection in SELECTIONS:
        run("grub-editenv", block, "set", f"rota={letters[selection]}")
        assert slotctl(tmp_path, "grub", block, "selected") == selection
    before = block.read_bytes()
    slotctl(tmp_path, "grub", block, "select", "a", "none")
    assert sum(x != y for x, y in zip(before, block.read_bytes())) == 1


# --- devices ---


class Loop:
    """A loop device over a file, or a skip where there is none to be had."""

    def __init__(self, file):
        done = subprocess.run(["losetup", "-f", "--show", str(file)], capture_output=True, timeout=60, text=True)
        if done.returncode != 0:
            pytest.skip("no loop devices here: " + done.stderr.strip())
        self.path = done.stdout.strip()

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        run("losetup", "-d", self.path)


def test_slots_on_loop_devices(tmp_path):
    files = [tmp_path / "disk-a", tmp_path / "disk-b"]
    for file in files:
        file.write_bytes(bytes(1 << 20))
    block, image = tmp_path / "grubenv", tmp_path / "image"
    run("grub-editenv", block, "create")
    image.write_bytes(os.urandom(300_000))
    with Loop(files[0]) as a, Loop(files[1]) as b:
        slotctl(tmp_path, "grub", block, "install", image, places=(a, b))
        assert slotctl(tmp_path, "grub", block, "selected") == "a asked"
        image.write_bytes(os.urandom((1 << 20) + 1))
        with pytest.raises(AssertionError, match="no room"):
            slotctl(tmp_path, "grub", block, "install", image, places=(a, b))
    assert files[1].read_bytes()[300_000:] == bytes((1 << 20) - 300_000)


def test_entries_on_a_mounted_fat(tmp_path):
    esp, mounted = tmp_path / "esp.img", tmp_path / "esp"
    with open(esp, "wb") as f:
        f.truncate(2 << 20)
    run("mkfs.vfat", esp)
    run("mmd", "-i", esp, "::/loader", "::/loader/entries")
    for name in ("rota-1-a.conf", "rota-0-b.conf"):
        run("mcopy", "-i", esp, EXAMPLES / "rota-1-a.conf", f"::/loader/entries/{name}")
    mounted.mkdir()
    with Loop(esp) as device:
        if subprocess.run(["mount", "-t", "vfat", device, mounted], capture_output=True, timeout=60).returncode != 0:
            pytest.skip("FAT cannot be mounted here")
        try:
            for selection in SELECTIONS[:3] + SELECTIONS[3:] + SELECTIONS[:1]:
                slotctl(tmp_path, "systemd-boot", mounted, "select", *selection.split())
                assert slotctl(tmp_path, "systemd-boot", mounted, "selected") == selection
                names = sorted(p.name for p in (mounted / "loader/entries").iterdir())
                assert len(names) == 2 and all((mounted / "loader/entries" / n).read_bytes() ==
                                               (EXAMPLES / "rota-1-a.conf").read_bytes() for n in names), names
        finally:
            run("umount", mounted)
