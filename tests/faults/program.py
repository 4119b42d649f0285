"""The program under test, $POOLCPUID_PROGRAM, for the tests of what may go wrong around it."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = os.environ.get("POOLCPUID_PROGRAM", "poolcpuid")
REPOSITORY = Path(__file__).resolve().parent.parent.parent
EXAMPLES = REPOSITORY / "examples"
# Of render.
TARGETS = ["firecracker", "incus", "kubevirt", "kvm", "libvirt", "nova", "proxmox", "qemu", "virtualbox", "vmware", "xapi",
           "xen"]
SKIPPED = 77  # SKIP_RETURN_CODE of the tests


def run(*arguments, launcher=(), **options):
    """What became of the program: returncode, and stdout and stderr as bytes."""
    options = {"capture_output": True, "stdin": subprocess.DEVNULL, "timeout": 60, **options}
    return subprocess.run([*launcher, PROGRAM, *map(str, arguments)], **options)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


class Case(unittest.TestCase):
    """One with a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def require_strace(self):
        if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"]).returncode != 0:
            self.skip_case("strace, which sees system calls and makes them fail, does not work here")

    def skip_case(self, reason):
        print(f"skipped: {reason}", flush=True)  # tests/run lists these lines
        self.skipTest(reason)
