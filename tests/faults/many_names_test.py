#!/usr/bin/env python3
"""A merge of more hosts than it holds names of: the policy is the same, whatever becomes of the files that have the rest."""

import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import unittest

from program import EXAMPLES, PROGRAM, Case, run

HOSTS = [EXAMPLES / "amd-zen/hosts/genoa-1.txt", EXAMPLES / "amd-zen/hosts/milan-1.txt"]
COUNT = 70_000  # more than Names::most_in_memory (src/merge/names.hpp)
PEAK_MEMORY = [sys.executable, "-I", "-S", pathlib.Path(__file__).resolve().parents[1] / "lib/peak_memory.py"]
FAILED = 5
MALFORMED = 3
NO_POLICY = 4


class ManyNames(Case):
    @classmethod
    def setUpClass(cls):
        cls.part = json.loads(run("merge", "--partial", *HOSTS).stdout)
        cls.digests = {}
        for hosts in cls.part["hosts"]:
            cls.digests[hosts["names"][0]] = hosts["sha256"]
        # Of the first content all but the hosts with an even number at the end: both have names from all over.
        numbers = {"genoa-1": [i for i in range(COUNT) if i % 2 or i < COUNT - 1000],
                   "milan-1": [i for i in range(COUNT) if not i % 2 and i >= COUNT - 1000]}
        cls.hosts = sorted((f"node-{i:06}", cls.digests[name]) for name, some in numbers.items() for i in some)
        for hosts in cls.part["hosts"]:
            hosts["names"] = [f"node-{i:06}" for i in numbers[hosts["names"][0]]]
        del cls.part["sha256"]
        content = json.dumps(cls.part, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        cls.part["sha256"] = hashlib.sha256(content.encode()).hexdigest()

    def setUp(self):
        super().setUp()
        self.folder = self.directory / "tmp"
        self.folder.mkdir()
        self.fleet = self.directory / "fleet.json"
        self.fleet.write_text(json.dumps(self.part))
        self.list = self.directory / "list"

    def merge(self, *more, folder=None, **options):
        return run("--threads", "1", "merge", self.fleet, *more, "--list-hosts", self.list, "--format", "json",
                   env={**os.environ, "TMPDIR": str(folder or self.folder)}, **options)

    def strace(self, *arguments):
        self.require_strace()
        return [shutil.which("strace"), "-f", "-qq", "-o", str(self.directory / "trace"), *arguments]

    def trace(self):
        return (self.directory / "trace").read_text().splitlines()

    def assert_all_there(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        policy = json.loads(result.stdout)
        names = "".join(f"{name}\n" for name, _ in self.hosts)
        self.assertEqual(policy["names_sha256"], hashlib.sha256(names.encode()).hexdigest())
        for hosts in policy["hosts"]:
            of_content = [name for name, digest in self.hosts if digest == hosts["sha256"]]
            self.assertEqual((hosts["names"], hosts["count"]), (of_content[:8], len(of_content)))
        self.assertEqual(self.list.read_text(), "".join(f"{digest}  {name}\n" for name, digest in self.hosts))
        self.assertEqual(os.listdir(self.folder), [])

    def test_names_are_put_aside_in_a_file_without_a_name(self):
        self.assert_all_there(self.merge(launcher=self.strace("-e", "trace=openat,unlink,pwrite64")))
        of_folder = [line for line in self.trace() if str(self.folder) in line]
        self.assertEqual(len(of_folder), 1)
        self.assertIn("O_TMPFILE", of_folder[0])
        self.assertIn("0600", of_folder[0])
        written = sum(int(line.rsplit(" = ", 1)[1]) for line in self.trace() if "pwrite64(" in line)
        self.assertGreater(written, 65_536 * len("node-000000"))

    def test_a_file_system_without_such_files_has_one_that_loses_its_name(self):
        self.merge(launcher=self.strace("-e", "trace=openat"))
        nameless = next(i for i, line in enumerate(self.trace(), 1) if "O_TMPFILE" in line)
        launcher = self.strace("-y", "-e", "trace=openat,unlink,pwrite64", "-e",
                               f"inject=openat:error=EOPNOTSUPP:when={nameless}")
        self.assert_all_there(self.merge(launcher=launcher))
        named = rf"{self.folder}/\.poolcpuid-"
        for call in (r"O_TMPFILE.* \(INJECTED\)", rf'unlink\("{named}', rf"pwrite64\(\d+<{named}"):
            self.assertTrue(any(re.search(call, line) for line in self.trace()), call)

    def test_names_stay_in_memory_where_there_is_no_folder_for_them(self):
        self.assert_all_there(self.merge(folder=self.directory / "none"))

    def test_names_stay_in_memory_that_a_full_disk_does_not_take(self):
        for first in (1, 2, 100):
            launcher = self.strace("-e", "trace=pwrite64", "-e", f"inject=pwrite64:error=ENOSPC:when={first}+")
            self.assert_all_there(self.merge(launcher=launcher))
            self.assertTrue(any("INJECTED" in line for line in self.trace()))

    def test_names_stay_in_memory_that_a_limit_leaves_out(self):
        whole = run("merge", self.fleet, "--format", "json")
        limited = run("merge", self.fleet, "--format", "json",
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)))
        self.assertEqual((limited.returncode, limited.stdout), (0, whole.stdout), limited.stderr)

    def test_a_disk_that_does_not_give_back_what_it_took_is_an_error(self):
        result = self.merge(launcher=self.strace("-e", "trace=pread64", "-e", "inject=pread64:error=EIO:when=20+"))
        self.assertEqual(result.returncode, FAILED)
        self.assertEqual(result.stdout, b"")
        self.assertIn(b"what was put aside in a temporary file cannot be read back: Input/output error", result.stderr)

    def test_a_host_that_is_given_twice_is_found_among_the_names_in_the_file(self):
        # It is read before the partial result, whose last names are those of the second content.
        name, digest = self.hosts[-1001]
        self.assertEqual(digest, self.digests["genoa-1"])
        self.assert_all_there(self.merge(f"{name}={HOSTS[0]}"))
        result = self.merge(f"{name}={HOSTS[1]}")
        self.assertEqual(result.returncode, MALFORMED)
        self.assertIn(name.encode(), result.stderr)

    def peak_memory(self, count, *before_them, status=0):
        """In KiB, of a merge of so many hosts of one content that come through a pipe, after others."""
        rows = [row for row in self.part["contents"][0]["host"]["views"]["hardware"]["cpus"][0]["cpuid"]
                if row["leaf"] in ("0x0", "0x1", "0x80000000", "0x80000001")]
        host = {"schema": "poolcpuid/host/v1", "name": "@", "views": {"hardware": {"cpus": [{"cpu": 0, "cpuid": rows}]}}}
        before, after = json.dumps(host).split("@")
        command = [PROGRAM, "--threads", "1", "merge", *before_them, "-", "-o", "/dev/null"]
        measured = subprocess.Popen([*PEAK_MEMORY, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with measured:
            for first in range(0, count, 1000):
                names = (f"{before}host-{i:08}{after}\n" for i in range(first, first + 1000))
                measured.stdin.write("".join(names).encode())
            measured.stdin.close()
            wait_status, peak = map(int, measured.stdout.read().split())
        self.assertEqual(os.waitstatus_to_exitcode(wait_status), status)
        return peak

    def test_memory_does_not_grow_with_the_hosts(self):
        few, many = self.peak_memory(80_000), self.peak_memory(400_000)
        self.assertLess(many, 1.1 * few)

    def test_memory_does_not_grow_with_hosts_of_another_vendor(self):
        other = EXAMPLES / "intel-haswell-skylake/hosts/ivybridge-1.json"
        few, many = (self.peak_memory(count, other, status=NO_POLICY) for count in (80_000, 400_000))
        self.assertLess(many, 1.1 * few)


if __name__ == "__main__":
    unittest.main(catchbreak=True)
