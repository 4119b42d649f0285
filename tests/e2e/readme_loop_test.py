#!/usr/bin/env python3
"""The commands of the README's section "From host to VM", and of docs/verify.md after them, do what they say, run as they
are printed there."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import poolcpuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERBS = ["capture", "merge", "check", "render", "verify"]


def printed_commands():
    """The lines of the section's first block of code, and of the first of docs/verify.md."""
    section = (ROOT / "README.md").read_text().split("\n## From host to VM\n")[1].split("\n## ")[0]
    texts = [section, (ROOT / "docs" / "verify.md").read_text()]
    return [line for text in texts for line in re.search(r"```\n(.*?)```", text, re.DOTALL)[1].splitlines()]


class ReadmeLoop(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        program = pathlib.Path(os.environ["POOLCPUID_PROGRAM"]).resolve()
        self.path = f"{program.parent}:{os.environ['PATH']}"

    def run_printed(self, command):
        return subprocess.run(["bash", "-c", command], cwd=self.directory, env={**os.environ, "PATH": self.path},
                              capture_output=True, text=True, timeout=60)

    def test_the_printed_commands_lead_from_a_host_to_a_vcpu(self):
        commands = printed_commands()
        self.assertEqual([command.split()[1] for command in commands], VERBS)
        results = {}
        for verb, command in zip(VERBS, commands):
            results[verb] = self.run_printed(command)
            self.assertEqual(results[verb].returncode, 0, f"{command}\n{results[verb].stderr}")

        policy = json.loads((self.directory / "pool.json").read_text())
        self.assertEqual(sum(host["count"] for host in policy["hosts"]), 1)
        self.assertEqual([host["outcome"] for host in json.loads(results["check"].stdout)["hosts"]], ["runs"])
        argument = (self.directory / "pool.cpu").read_text()
        self.assertTrue(argument.startswith("base,vendor="), argument)
        verification = json.loads(results["verify"].stdout)
        self.assertEqual(verification["differences"] + verification["refused"], [])
        self.assertEqual(verification["compared"]["rows"], len(policy["cpuid"]))


if __name__ == "__main__":
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        poolcpuid.skip("/dev/kvm is not usable here")
    poolcpuid.main()
