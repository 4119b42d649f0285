#!/usr/bin/env python3
"""The level that show names is the one that glibc's dynamic loader finds on that CPU.

The program captures CPU models of QEMU's, in its user emulation, and so does the loader look at them."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import poolcpuid
from poolcpuid import run

LOADER = "/lib64/ld-linux-x86-64.so.2"
LEVEL = re.compile(r"^\s+(x86-64-v\d+) \(supported", re.MULTILINE)
MODELS = ["Conroe", "Nehalem", "SandyBridge", "Haswell-noTSX", "Skylake-Server", "Denverton", "Opteron_G3", "Opteron_G5",
          "EPYC", "EPYC-Rome"]


def emulated(model, *command):
    # check=off: no warning of the features of the model that QEMU does not emulate.
    return subprocess.run(["qemu-x86_64", "-cpu", f"{model},check=off", *command], check=True, capture_output=True,
                          text=True, timeout=60).stdout


class Level(unittest.TestCase):
    def test_the_level_is_what_the_loader_finds(self):
        found = set()
        for model in MODELS:
            with self.subTest(model=model), tempfile.TemporaryDirectory() as scratch:
                host = f"{scratch}/host.json"
                emulated(model, os.environ["POOLCPUID_PROGRAM"], "capture", "-o", host)
                policy = f"{scratch}/policy.json"
                run("merge", host, "-o", policy)
                shown = json.loads(run("show", policy, "--format", "json"))
                # The lowest level is no directory of libraries, and the loader does not name it.
                level = max(LEVEL.findall(emulated(model, LOADER, "--help")), default="x86-64-v1")
                self.assertEqual(shown["level"], level)
                found.add(level)
        self.assertEqual(found, {"x86-64-v1", "x86-64-v2", "x86-64-v3"})


if __name__ == "__main__":
    if shutil.which(LOADER) is None:
        poolcpuid.skip(f"not there: {LOADER}")
    poolcpuid.main("qemu-x86_64")
