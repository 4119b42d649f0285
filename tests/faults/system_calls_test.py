#!/usr/bin/env python3
"""What SECURITY.md promises of the machine at hand, seen in the system calls of every verb: no network, no file written
but those that options name, the CPU's devices for capture and verify alone, and no other program but a QEMU for render.
"""

import os
import re
import shutil
import unittest

from program import EXAMPLES, TARGETS, Case, run

HOSTS = [EXAMPLES / "amd-zen/hosts/genoa-1.txt", EXAMPLES / "amd-zen/hosts/milan-1.txt"]
TRACED = ("%network,fork,vfork,clone,clone3,execve,execveat,open,openat,openat2,creat,truncate,unlink,unlinkat,rename,"
          "renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat")
CALL = re.compile(r"^(?P<process>\d+) +(?P<name>\w+)\((?P<arguments>.*)", re.MULTILINE)
NETWORK = {"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "recvfrom"}
OPENS = {"open", "openat", "openat2", "creat"}
CHANGES = {"creat", "truncate", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
           "symlinkat", "mkdir", "mkdirat"}
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")
OF_THE_CPU = re.compile(r'"/dev/(kvm|cpu)')


class SystemCalls(Case):
    def setUp(self):
        super().setUp()
        self.require_strace()
        self.inputs = self.directory / "inputs"
        self.outputs = self.directory / "outputs"
        self.inputs.mkdir()
        self.outputs.mkdir()
        self.policy = self.inputs / "pool.json"
        self.smaller = self.inputs / "smaller.json"
        for path, hosts in ((self.policy, HOSTS[:1]), (self.smaller, HOSTS)):
            path.write_bytes(run("merge", *hosts, "--format", "json").stdout)

    def calls(self):
        """How each verb is asked. {} is a file that it may write."""
        policy, smaller = self.policy, self.smaller
        return {
            "hosts": [["hosts", *HOSTS, "-o", "{}"]],
            "merge": [["merge", *HOSTS, "-o", "{}"], ["merge", *HOSTS, "--list-hosts", "{}"], ["merge", *HOSTS],
                      ["merge", "--partial", *HOSTS, "-o", "{}"]],
            "show": [["show", policy]],
            "check": [["check", policy, *HOSTS], ["check", policy, *HOSTS, "--format", "ndjson"]],
            "audit": [["audit", policy, "--hosts", *HOSTS]],
            "diff": [["diff", policy, smaller], ["diff", *HOSTS]],
            "explain": [["explain", policy, "avx2", "--hosts", *HOSTS]],
            "plan": [["plan", policy, "--hosts", HOSTS[0], "--add", HOSTS[1]]],
            "report": [["report", policy, "-o", "{}"]],
            "render": [["render", "--to", target, policy] for target in TARGETS],
            "capture": [["capture"], ["capture", "-o", "{}"]],
            "verify": [["verify", policy]],
            "convert": [["convert", HOSTS[0], "-o", "{}"]],
            "rules": [["rules", "list"], ["rules", "lint", EXAMPLES.parent / "policy"]],
            "schema": [["schema", "policy"]],
            "completion": [["completion", "bash"]],
            "help": [["help", "merge"], ["help", "--man", "merge"]],
            "version": [["version"]],
        }

    def traced(self, call):
        """[(name, arguments)] of the program's own processes. One that became another program is not ours any more."""
        log = self.directory / "trace"
        arguments = [str(self.outputs / "output") if word == "{}" else word for word in call]
        strace = [shutil.which("strace"), "-f", "-qq", "-s", "4096", "-o", str(log), "-e", f"trace={TRACED}"]
        run(*arguments, launcher=strace, cwd=self.directory, env={"PATH": str(self.directory)})  # where no QEMU is
        seen, started, others = [], False, set()
        for match in CALL.finditer(log.read_text(errors="replace")):
            if match["process"] in others:
                continue
            if match["name"].startswith("execve") and match["arguments"].endswith(" = 0"):
                if started:
                    others.add(match["process"])
                else:
                    started = True  # that is strace, which starts the program
                    continue
            seen.append((match["name"], match["arguments"]))
        self.assertTrue(started, call)
        return seen

    def assert_kept(self, verb, call):
        for name, arguments in self.traced(call):
            said = f"{call}: {name}({arguments}"
            self.assertNotIn(name, NETWORK, said)
            if OF_THE_CPU.search(arguments):
                self.assertIn(verb, ("capture", "verify"), said)
            elif name in CHANGES or (name in OPENS and WRITES.search(arguments)):
                self.assertIn("{}", call, said)
                self.assertIn(f'"{self.outputs}', arguments, said)
            self.assertFalse(name.startswith("execve"), said)
            if name in ("fork", "vfork", "clone", "clone3"):
                self.assertIn("CLONE_THREAD", arguments, said)

    def test_each_verb_keeps_to_what_its_options_name(self):
        verbs = re.findall(r"^  ([a-z]+) ", run("--help").stdout.decode().split("Subcommands:")[1].split("Exit status")[0],
                           re.MULTILINE)
        calls = self.calls()
        self.assertEqual(sorted(calls), sorted(verbs))
        for verb, asked in calls.items():
            for call in asked:
                with self.subTest(call=call):
                    self.assert_kept(verb, call)
        self.assertEqual(sorted(path.name for path in self.inputs.iterdir()), ["pool.json", "smaller.json"])
        self.assertEqual([path.name for path in self.outputs.iterdir()], ["output"])

    def test_the_one_program_that_is_run_is_the_qemu_that_is_asked(self):
        qemu = self.directory / "qemu"
        qemu.write_text("#!/bin/sh\nexit 1\n")
        os.chmod(qemu, 0o755)
        ran = [arguments for name, arguments in self.traced(["render", "--to", "qemu", self.policy, "--qemu", qemu])
               if name.startswith("execve")]
        self.assertTrue(ran)
        for arguments in ran:
            self.assertIn(f'"{qemu}"', arguments)


if __name__ == "__main__":
    unittest.main(catchbreak=True)
