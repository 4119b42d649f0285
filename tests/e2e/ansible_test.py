#!/usr/bin/env python3
"""The playbook of examples/ansible on local connections: what it makes, and that a second run changes nothing.

The second run is over hosts that were captured before: not every virtual machine shows the same CPUID twice."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import poolcpuid

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PLAYBOOK = REPOSITORY / "examples/ansible/pool.yml"
ZEN = REPOSITORY / "examples/amd-zen/hosts"


class Playbook(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="poolcpuid-ansible-"))
        self.addCleanup(shutil.rmtree, self.directory)

    def play(self, hosts, **settings):
        """Runs the playbook over hosts, {name: variables}; returns {host: number of changes}."""
        inventory = {"hypervisors": {"hosts": {
            name: {"ansible_connection": "local", "poolcpuid_remote": str(self.directory / name), **variables}
            for name, variables in hosts.items()}}}
        path = self.directory / "inventory.json"
        path.write_text(json.dumps(inventory))
        settings |= {"poolcpuid_program": os.environ["POOLCPUID_PROGRAM"], "poolcpuid_become": False,
                     "poolcpuid_work": str(self.directory / "work")}
        environment = os.environ | {"ANSIBLE_HOME": str(self.directory / "ansible"), "ANSIBLE_NOCOLOR": "1",
                                    "ANSIBLE_LOCAL_TEMP": str(self.directory / "local"),
                                    "ANSIBLE_REMOTE_TEMP": str(self.directory / "remote"),
                                    "ANSIBLE_PIPELINING": "1", "LC_ALL": "C.UTF-8"}
        result = subprocess.run(["ansible-playbook", "-i", path, "-e", json.dumps(settings), PLAYBOOK],
                                capture_output=True, text=True, timeout=600, env=environment)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return {host: int(count) for host, count in
                re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", result.stdout, re.MULTILINE)}

    def test_hosts_that_were_captured_before(self):
        hosts = {name.split(".")[0]: {"poolcpuid_dump": str(ZEN / name)}
                 for name in ("rome-1.json", "milan-1.txt", "genoa-1.txt")}
        settings = {"poolcpuid_pool": "zen", "poolcpuid_target": "firecracker"}
        self.assertTrue(all(self.play(hosts, **settings).values()))
        policy = (self.directory / "work/zen.json").read_text()
        self.assertEqual(policy, poolcpuid.run("merge", "--pool", "zen", ZEN))
        rendered = poolcpuid.run("render", "--to", "firecracker", self.directory / "work/zen.json")
        for host in hosts:
            self.assertEqual((self.directory / host / "zen.json").read_text(), policy)
            self.assertEqual((self.directory / host / "zen.firecracker").read_text(), rendered)
        self.assertEqual(self.play(hosts, **settings), dict.fromkeys([*hosts, "localhost"], 0))

    def test_hosts_that_are_captured(self):
        self.assertTrue(all(self.play({"here": {}}, poolcpuid_target="kvm").values()))
        dump = json.loads((self.directory / "work/hosts/here.dump").read_text())
        self.assertEqual(dump["name"], "here")
        self.assertEqual(json.loads((self.directory / "here/pool.kvm").read_text())["pool"], "pool")


if __name__ == "__main__":
    poolcpuid.main("ansible-playbook")
