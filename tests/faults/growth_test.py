#!/usr/bin/env python3
"""Twice the input takes twice the instructions: readers, the verbs that take many hosts, and what plan infers of them.

callgrind counts for N, 2N and 4N, with one thread. What the program needs besides its input is no part of it: what the
third costs more than the second is compared with what the second costs more than the first, and must be less than 2.3 times
as much.
"""

import json
import os
import re
import shutil
import subprocess
import unittest

from program import EXAMPLES, Case, run, skip

MOST = 2.3
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def counted(result):
    return int(re.search(rb"Collected : (\d+)", result.stderr)[1])


def instructions(*arguments):
    result = run("--threads", "1", *arguments, timeout=300, launcher=CALLGRIND)
    if result.returncode not in (0, 1):
        raise AssertionError((arguments, result.stderr[-500:]))
    return counted(result)


def instructions_of_inference(hosts):
    """The library alone: beside what the program does for a host, what it infers of one is little."""
    return counted(subprocess.run([*CALLGRIND, os.environ["POOLCPUID_UNIT_TESTS"], "[growth]"], check=True, timeout=300,
                                  capture_output=True, env={**os.environ, "POOLCPUID_HOSTS": str(hosts)}))


class Growth(Case):
    def setUp(self):
        super().setUp()
        self.whole = json.loads(run("convert", EXAMPLES / "amd-zen/hosts/genoa-1.txt").stdout)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path

    def host_of(self, cpus):
        """A host of so many CPUs, of which each has an APIC ID of its own."""
        host = json.loads(json.dumps(self.whole))
        first = host["views"]["hardware"]["cpus"][0]
        copies = []
        for number in range(cpus):
            copy = json.loads(json.dumps(first))
            copy["cpu"] = number
            for row in copy["cpuid"]:
                if row["leaf"] == "0x1":
                    row["ebx"] = f"0x{number:02x}{row['ebx'][4:]}"
            copies.append(copy)
        host["views"]["hardware"]["cpus"] = copies
        return host

    def hosts(self, count):
        """So many hosts in a stream, of which no two have the same CPUID."""
        lines = []
        for number in range(count):
            host = json.loads(json.dumps(self.whole))
            host["name"] = f"h{number}"
            for cpu in host["views"]["hardware"]["cpus"]:
                for row in cpu["cpuid"]:
                    if row["leaf"] == "0x7" and row["subleaf"] == "0x0":
                        row["ebx"] = f"0x{int(row['ebx'], 16) ^ (number << 1):08x}"
            lines.append(json.dumps(host))
        contents = {line.replace(f'"h{number}"', "") for number, line in enumerate(lines)}
        self.assertEqual(len(contents), count)
        return self.write(f"hosts-{count}.ndjson", "\n".join(lines) + "\n")

    def assert_linear(self, sizes, arguments_of):
        self.assert_costs([instructions(*arguments_of(size)) for size in sizes])

    def assert_costs(self, costs):
        ratio = (costs[2] - costs[1]) / (costs[1] - costs[0])
        print(f"{self.id().split('.')[-1]}: {ratio:.2f}", flush=True)
        self.assertLessEqual(ratio, MOST, costs)

    def test_host_documents(self):
        self.assert_linear((8, 16, 32), lambda size: ["convert", self.write("host.json", json.dumps(self.host_of(size)))])

    def test_text_dumps(self):
        def dump(size):
            document = self.write("host.json", json.dumps(self.host_of(size)))
            return ["convert", self.write("host.txt", run("convert", "--to", "cpuid-r", document).stdout.decode())]

        self.assert_linear((8, 16, 32), dump)

    def test_text_that_is_no_dump(self):
        dump = (EXAMPLES / "formats/cpuid-r.txt").read_text()
        self.assert_linear((5000, 10000, 20000), lambda size: ["convert", self.write("host.txt", dump + "other\n" * size)])

    def test_hosts(self):
        self.assert_linear((10, 20, 40), lambda size: ["hosts", self.hosts(size), "--format", "json"])

    def test_merge(self):
        self.assert_linear((10, 20, 40), lambda size: ["merge", self.hosts(size), "--format", "json"])

    def policy(self, hosts):
        return self.write("pool.json", run("merge", hosts, "--format", "json").stdout.decode())

    def test_check(self):
        policy = self.policy(self.hosts(10))
        self.assert_linear((10, 20, 40), lambda size: ["check", policy, self.hosts(size), "--format", "json"])

    def test_plan(self):
        def plan(size):
            hosts = self.hosts(size)
            return ["plan", self.policy(hosts), "--hosts", hosts, "--remove", "h1", "--format", "json"]

        self.assert_linear((10, 20, 40), plan)

    def test_inferred_change(self):
        self.assert_costs([instructions_of_inference(hosts) for hosts in (200, 400, 800)])


if __name__ == "__main__":
    if shutil.which("valgrind") is None:
        skip("not installed: valgrind")
    unittest.main(catchbreak=True)
