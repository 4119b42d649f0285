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

    def run_playbook(self, hosts, *options, **settings):
        """Runs the playbook over hosts, {name: variables}."""
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
        return subprocess.run(["ansible-playbook", "-i", path, "-e", json.dumps(settings), *options, PLAYBOOK],
                              capture_output=True, text=True, timeout=600, env=environment)

    def play(self, hosts, *options, **settings):
        """The same with success; returns {host: number of changes}."""
        result = self.run_playbook(hosts, *options, **settings)
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
        self.assertEqual(self.play(hosts, **settings), dict.fromkeys(hosts, 0))

    def handed_out(self, host):
        return (self.directory / host / "zen.json").read_text()

    def test_a_limit_hands_out_what_was_made_of_all_hosts(self):
        settings = {"poolcpuid_pool": "zen", "poolcpuid_target": "firecracker"}
        before = {name: {"poolcpuid_dump": str(ZEN / f"{name}.txt")} for name in ("milan-1", "genoa-1")}
        self.play(before, **settings)
        old = self.handed_out("milan-1")
        after = before | {"genoa-1": {"poolcpuid_dump": str(ZEN / "rome-1.json")}}
        self.play(after, "--limit", "genoa-1", **settings)
        new = poolcpuid.run("merge", "--pool", "zen", f"milan-1={ZEN / 'milan-1.txt'}", f"genoa-1={ZEN / 'rome-1.json'}")
        self.assertNotEqual(new, old)
        self.assertEqual(self.handed_out("genoa-1"), new)
        self.assertEqual(self.handed_out("milan-1"), old)

    def test_no_policy_is_handed_out_that_this_run_did_not_make(self):
        settings = {"poolcpuid_pool": "zen", "poolcpuid_target": "firecracker"}
        hosts = {"milan-1": {"poolcpuid_dump": str(ZEN / "milan-1.txt")}}
        self.play(hosts, **settings)
        (self.directory / "milan-1/zen.json").unlink()
        more = hosts | {"rome-1": {"poolcpuid_dump": str(ZEN / "rome-1.json")}}
        for options, reason in ((["--limit", "milan-1"], "rome-1.dump"),  # it was not captured yet
                                (["--start-at-task", "Copy the policy, and what was rendered for the VMM"],
                                 "'poolcpuid_made' is undefined")):
            result = self.run_playbook(more, *options, **settings)
            self.assertNotEqual(result.returncode, 0, result.stdout)
            self.assertIn(reason, result.stdout)
            self.assertFalse((self.directory / "milan-1/zen.json").exists())

    def test_a_host_that_is_not_reached_from_here(self):
        no_way = self.directory / "no-way"
        no_way.write_text("#!/bin/sh\nexit 255\n")
        no_way.chmod(0o755)
        unreached = {"ansible_connection": "ssh", "ansible_ssh_executable": str(no_way)}
        settings = {"poolcpuid_pool": "zen", "poolcpuid_target": "firecracker"}
        hosts = {"rome-1": unreached | {"poolcpuid_dump": str(ZEN / "rome-1.json")},
                 "milan-1": {"poolcpuid_dump": str(ZEN / "milan-1.txt")}}
        self.play(hosts, **settings)
        self.assertEqual(self.handed_out("milan-1"),
                         poolcpuid.run("merge", "--pool", "zen", ZEN / "milan-1.txt", ZEN / "rome-1.json"))
        self.assertFalse((self.directory / "rome-1").exists())
        result = self.run_playbook({"milan-1": hosts["milan-1"], "rome-1": unreached}, **settings)
        self.assertNotEqual(result.returncode, 0, result.stdout)

    def test_hosts_that_are_captured(self):
        self.assertTrue(all(self.play({"here": {}}, poolcpuid_target="kvm").values()))
        dump = json.loads((self.directory / "work/hosts/here.dump").read_text())
        self.assertEqual(dump["name"], "here")
        self.assertEqual(json.loads((self.directory / "here/pool.kvm").read_text())["pool"], "pool")


if __name__ == "__main__":
    poolcpuid.main("ansible-playbook")
