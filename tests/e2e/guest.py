"""Boots the CPUID guest of tests/guest under QEMU's emulation and reads what CPUID returned in it.

    guest = Guest(directory)                 # compiles the guest there, once
    rows = guest.cpuid("EPYC-Rome,-avx2")    # {(leaf, subleaf): {"eax": …, "ebx": …, "ecx": …, "edx": …}}

No /dev/kvm is needed; a boot takes some 50 ms. QEMU is $POOLCPUID_QEMU, else the one on PATH.
"""

import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
QEMU = os.environ.get("POOLCPUID_QEMU") or shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"
REGISTERS = ("eax", "ebx", "ecx", "edx")
# The guest ends with OUT F4h, 10h; QEMU makes 2 * 10h + 1 of it.
FINISHED = 33

ROW = re.compile(r"0x([0-9a-f]{8}) 0x([0-9a-f]+): eax=0x([0-9a-f]{8}) ebx=0x([0-9a-f]{8}) "
                 r"ecx=0x([0-9a-f]{8}) edx=0x([0-9a-f]{8})")


def rows_of(text):
    """The rows of `cpuid -r` text, those that are all zero left out: they say the same as no row."""
    rows = {}
    for leaf, subleaf, *values in ROW.findall(text):
        numbers = [int(value, 16) for value in values]
        if any(numbers):
            rows[int(leaf, 16), int(subleaf, 16)] = dict(zip(REGISTERS, numbers))
    return rows


def qemu_arguments(cpu, kernel, rows, machine="microvm"):
    """QEMU's arguments for one boot; what CPUID returns goes to the file rows."""
    return [QEMU, "-accel", "tcg", "-M", machine, "-cpu", cpu, "-m", "32", "-nodefaults", "-display", "none",
            "-no-reboot", "-kernel", str(kernel), "-debugcon", f"file:{rows}",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1"]


class Guest:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.kernel = self.directory / "guest"
        subprocess.run([REPOSITORY / "tests/guest/build", self.kernel], check=True)

    def capture(self, cpu, machine="microvm"):
        """What the guest printed on this -cpu, in the form of `cpuid -r`. Raises RuntimeError when it does not finish."""
        rows = self.directory / "rows"
        rows.unlink(missing_ok=True)
        result = subprocess.run(qemu_arguments(cpu, self.kernel, rows, machine), stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=60)
        if result.returncode != FINISHED:
            raise RuntimeError(f"QEMU ended with {result.returncode} on -cpu {cpu}: {result.stderr}")
        return rows.read_text()

    def cpuid(self, cpu, machine="microvm"):
        return rows_of(self.capture(cpu, machine))
