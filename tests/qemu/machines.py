# SPDX-License-Identifier: Apache-2.0
"""Devices in QEMU that a real boot loader starts: OVMF with GRUB, OVMF with systemd-boot, U-Boot on arm64.

No whole Linux is booted: tests/qemu/payload.c stands in the place of the kernel, prints its release and its command line and
ends the machine. What selects it is the real loader with the very script of examples/boot-loaders. The device's side runs
here, between two boots, on the same disks: slotctl.
"""
import os
import pathlib
import select
import shutil
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ROTA_BUILD", TOP / "build"))
EXAMPLES = TOP / "examples/boot-loaders"
OVMF = pathlib.Path("/usr/share/OVMF")
UBOOT = pathlib.Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")

# What a boot may take on a machine that is busy with everything else; it takes one to five seconds.
BOOT_S = 120
TARGETS = {"x86_64": "x86_64-unknown-windows", "arm64": "aarch64-unknown-windows"}


# mkfs.vfat and losetup are found there, by others than root too
os.environ["PATH"] += ":/usr/sbin:/sbin"


def run(*words, **more):
    return subprocess.run([str(w) for w in words], check=True, capture_output=True, timeout=60, **more).stdout


def compile_payload(arch, to):
    run("clang", "-target", TARGETS[arch], "-std=c11", "-O1", "-ffreestanding", "-fshort-wchar", "-mno-red-zone",
        *(["-mno-sse"] if arch == "x86_64" else ["-mgeneral-regs-only"]), "-Wno-unused-command-line-argument",
        "-nostdlib", "-fuse-ld=lld", "-Wl,-entry:efi_main", "-Wl,-subsystem:efi_application",
        "-o", to, TOP / "tests/qemu/payload.c")


class Machine:
    """A device's disks in a folder, and what runs on it."""

    loader = None
    arch = "x86_64"

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.boots = 0
        (self.dir / "state").mkdir()
        compile_payload(self.arch, self.dir / "payload.efi")
        self.kernel = (self.dir / "payload.efi").read_bytes()
        assert "@@@@@@@@".encode("utf-16-le") in self.kernel
        self.make()

    def payload(self, release):
        return self.kernel.replace("@@@@@@@@".encode("utf-16-le"), f"{release:8}".encode("utf-16-le"))

    # What is in a slot: a file system with the kernel in it.
    def image(self, release):
        file = self.dir / f"{release}.image"
        if not file.exists():
            kernel = self.dir / "kernel"
            kernel.write_bytes(self.payload(release))
            with open(file, "wb") as f:
                f.truncate(96 << 10)
            run("mkfs.vfat", "-F", "12", file)
            run("mcopy", "-i", file, kernel, "::/boot.efi")
        return file

    def places(self):
        return self.dir / "a.img", self.dir / "b.img"

    def make_places(self, first):
        for place in self.places():
            with open(place, "wb") as f:
                f.write(self.image(first).read_bytes())
                f.truncate(1 << 20)

    def garbage(self):
        file = self.dir / "garbage"
        file.write_bytes(bytes(range(256)) * 256)
        return file

    # ---- QEMU

    def qemu(self):
        """Words of the command line."""
        raise NotImplementedError

    def start(self):
        """Switch on until the payload has run or the machine resets; what was printed, without escapes."""
        out = b""
        end = time.monotonic() + BOOT_S
        with subprocess.Popen([str(w) for w in self.qemu()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL) as machine:
            try:
                while b"ROTA-END" not in out and time.monotonic() < end:
                    ready, _, _ = select.select([machine.stdout], [], [], 1)
                    piece = os.read(machine.stdout.fileno(), 65536) if ready else None
                    if piece == b"":
                        break
                    out += piece or b""
                machine.wait(10 if b"ROTA-END" in out else 1)
            except subprocess.TimeoutExpired:
                pass
            finally:
                machine.kill()
        return out.decode("latin-1")

    def boot(self):
        """The release that was started and the place, "" when nothing was."""
        self.boots += 1
        text = self.start()
        if "ROTA-PAYLOAD" not in text:
            return ""
        line = text.split("ROTA-PAYLOAD", 1)[1].split("ROTA-END")[0].split()
        (self.dir / "cmdline").write_text(" ".join(line[1:]) + "\n")
        (self.dir / "boot_id").write_text(f"{self.boots:08x}-0000-4000-8000-000000000000\n")
        return line[0] + " " + line[-1].replace("rota.slot=", "")

    # ---- the device's side

    def device(self, *words):
        a, b = self.places()
        done = subprocess.run([str(w) for w in (
            BUILD / "tests/qemu/slotctl", self.loader, self.at(), self.dir / "state", self.dir / "cmdline",
            self.dir / "boot_id", "system", a, b, *words)], capture_output=True, timeout=60, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def install(self, image):
        self.device("install", image)


class Ovmf(Machine):
    def qemu(self):
        return ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "256", "-nodefaults", "-display", "none",
                "-serial", "stdio", "-no-reboot",
                "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,unit=1,file={self.dir}/vars.fd"] + [
                    word for disk in self.disks() for word in ("-drive", f"if=virtio,format=raw,file={disk}")]

    def make_esp(self, files):
        shutil.copy(OVMF / "OVMF_VARS_4M.fd", self.dir / "vars.fd")
        with open(self.dir / "esp.img", "wb") as f:
            f.truncate(33 << 20)
        run("mkfs.vfat", "-F", "32", self.dir / "esp.img")
        tree = self.dir / "esp"
        for name, data in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes(data)
        self.put("EFI")

    def put(self, name):
        """A folder of self.dir/esp onto the disk, in the place of what is there."""
        subprocess.run(["mdeltree", "-i", self.dir / "esp.img", f"::/{name}"], capture_output=True, timeout=60)
        run("mcopy", "-s", "-i", self.dir / "esp.img", self.dir / "esp" / name, "::/")

    def get(self, name):
        shutil.rmtree(self.dir / "esp" / name)
        run("mcopy", "-s", "-i", self.dir / "esp.img", f"::/{name}", self.dir / "esp")


class Grub(Ovmf):
    loader = "grub"

    def make(self):
        self.make_places("v1")
        run("grub-mkimage", "-O", "x86_64-efi", "-p", "/grub", "-o", self.dir / "grub.efi", "fat", "normal", "chain",
            "loadenv", "test", "echo", "boot", "configfile", "reboot")
        # The drives: hd0 the ESP, hd1 and hd2 the places.
        start = """
function rota_start {
	if [ "$rota_place" = a ]; then set disk=hd1; else set disk=hd2; fi
	if chainloader ($disk)/boot.efi "rota.slot=$rota_place"; then boot; fi
}
"""
        (self.dir / "grub.cfg").write_text(start + (EXAMPLES / "grub.cfg").read_text())
        run("grub-editenv", self.dir / "grubenv", "create")
        self.make_esp({"EFI/BOOT/BOOTX64.EFI": (self.dir / "grub.efi").read_bytes(),
                       "grub/grub.cfg": (self.dir / "grub.cfg").read_bytes(),
                       "grub/grubenv": (self.dir / "grubenv").read_bytes()})
        self.put("grub")

    def disks(self):
        return (self.dir / "esp.img", *self.places())

    def at(self):
        return self.dir / "esp/grub/grubenv"

    def device(self, *words):
        self.get("grub")
        try:
            return super().device(*words)
        finally:
            self.put("grub")


class Sdboot(Ovmf):
    loader = "systemd-boot"

    def make(self):
        entry = (EXAMPLES / "rota-1-a.conf").read_text()
        other = entry.replace("rota a", "rota b").replace("a.efi", "b.efi").replace("slot=a", "slot=b")
        self.make_esp({
            "EFI/BOOT/BOOTX64.EFI": pathlib.Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi").read_bytes(),
            "loader/loader.conf": b"timeout 0\n",
            "loader/entries/rota-1-a.conf": entry.encode(),
            "loader/entries/rota-0-b.conf": other.encode(),
            "rota/a.efi": self.payload("v1"),
            "rota/b.efi": self.payload("v1")})
        self.put("loader")
        self.put("rota")

    # A file on the ESP is the place.
    def image(self, release):
        file = self.dir / f"{release}.efi"
        file.write_bytes(self.payload(release))
        return file

    def places(self):
        return self.dir / "esp/rota/a.efi", self.dir / "esp/rota/b.efi"

    def disks(self):
        return (self.dir / "esp.img",)

    def at(self):
        return self.dir / "esp"

    def device(self, *words):
        self.get("loader")
        try:
            return super().device(*words)
        finally:
            self.put("loader")
            self.put("rota")


class Uboot(Machine):
    """Debian's U-Boot for QEMU. Its saveenv does not work on QEMU's flash, so the variables of the selection lie on a disk, a
    single copy, which the board's rota_load imports and its rota_save exports."""

    loader = "uboot"
    arch = "arm64"
    SIZE = 0x2000

    def make(self):
        self.make_places("v1")
        board = f"""bootdelay=0
rota_load=virtio scan; virtio dev 0; virtio read 0x41000000 0 0x10; env import -c 0x41000000 {self.SIZE:#x}; true
rota_save=env export -c -s {self.SIZE:#x} 0x41000000 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; virtio dev 0; virtio write 0x41000000 0 0x10
rota_start=if test "${{rota_place}}" = "a"; then setenv disk 1; else setenv disk 2; fi; setenv bootargs "rota.slot=${{rota_place}}"; load virtio ${{disk}}:0 0x42000000 boot.efi && bootefi 0x42000000
"""
        # The board's lines stand in the place of the example's.
        names = {line.split("=")[0] for line in board.splitlines()}
        script = [line for line in (EXAMPLES / "uboot.env").read_text().splitlines()
                  if line and line[0] != "#" and line.split("=")[0] not in names]
        (self.dir / "env.txt").write_text("\n".join(script) + "\n" + board)
        run("mkenvimage", "-s", "0x40000", "-o", self.dir / "env.bin", self.dir / "env.txt")
        with open(self.dir / "flash.img", "wb") as f:
            f.write((self.dir / "env.bin").read_bytes())
            f.truncate(64 << 20)
        (self.dir / "vars.txt").write_text("board=qemu\n")
        run("mkenvimage", "-s", hex(self.SIZE), "-o", self.dir / "vars.bin", self.dir / "vars.txt")
        with open(self.dir / "vars.img", "wb") as f:
            f.write((self.dir / "vars.bin").read_bytes())
            f.truncate(64 << 10)
        self.at().write_text(f"{self.dir}/vars.img 0 {self.SIZE:#x}\n")

    def at(self):
        return self.dir / "fw_env.config"

    def qemu(self):
        words = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-m", "256", "-nodefaults", "-display",
                 "none", "-serial", "stdio", "-no-reboot", "-bios", UBOOT,
                 "-drive", f"if=pflash,format=raw,unit=1,file={self.dir}/flash.img"]
        # U-Boot numbers them from the last on.
        for n, disk in reversed(list(enumerate((self.dir / "vars.img", *self.places())))):
            words += ["-drive", f"if=none,id=d{n},format=raw,file={disk}", "-device", f"virtio-blk-device,drive=d{n}"]
        return words
