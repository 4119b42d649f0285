#!/usr/bin/env python3
"""No CPU model of QEMU, taken as the base, shows a guest what the policy lacks.

Every named model of the QEMU in use times the pools of this file (and the newest version of each times the policies
of ../shared, where those are): the rendered -cpu starts a guest under emulation. What CPUID returns in it is what the
rendering says, and promises nothing beyond the policy that the guest of the plainest base is not promised, too. What
CPUID does not show, the features in MSRs, is read from the realized CPU: on where it is on in that guest, else off.

The QEMU in use is $POOLCPUID_QEMU, else the one on PATH.
"""

import json
import os
import pathlib
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import poolcpuid
from guest import QEMU, REPOSITORY, Guest
from policies import POOLS, example_policy, merge_pool, read
from poolcpuid import run
from qmp import Qmp, boot

EXAMPLES = ["amd-zen", "intel-haswell-skylake", "qemu-tcg-amd"]
MERGED = ["ice-lake"]
SHARED = pathlib.Path(os.environ.get("POOLCPUID_SHARED", REPOSITORY.parent / "shared"))

# Pools for which all that a model has on by itself is read from the realized CPU, known here or not: that takes longer
# than the boot. For the others it is what CPUID does not show.
READ_IN_FULL = {"nested-amd", "nested-intel"}

# Properties that are no features: how caches are described, and leaf Bh, which the plainest base has.
NO_FEATURES = {"legacy-cache", "l3-cache", "cpuid-0xb"}

# What brings a model's own features out that need another one, and of these what brings out features in MSRs.
OF_MSRS = {"arch-capabilities", "core-capability", "pdcm"}
PREREQUISITES = OF_MSRS | {"vmx", "svm"}

# VMX in ECX of leaf 1, and what Haswell shows in the MSRs from IA32_VMX_BASIC to IA32_VMX_VMFUNC.
VMX = 1 << 5
VMX_MSRS = 0x480
OF_HASWELL = (0xda040000000004, 0x7f00000016, 0xfff9fffe0401e172, 0x1ffffff00036dff, 0x3ffff000011ff, 0x7004c1e7,
              0x80000021, 0xffffffff, 0x2000, 0x3767ff, 0x2e, 0x515cef00000000, 0xf0106734141, 0x7f00000016,
              0xfff9fffe04006172, 0x1ffffff00036dfb, 0x3ffff000011fb, 0x1)

VENDORS = {"GenuineIntel": "intel", "AuthenticAMD": "amd", "HygonGenuine": "hygon"}


def with_vmx(host):
    """The host's document with VMX and its capability MSRs."""
    document = json.loads(run("convert", host))
    hardware = document["views"]["hardware"]
    for cpu in hardware["cpus"]:
        for row in cpu["cpuid"]:
            if (row["leaf"], row["subleaf"]) == ("0x1", "0x0"):
                row["ecx"] = f"{int(row['ecx'], 16) | VMX:#010x}"
    hardware["msrs"] = [{"index": f"{VMX_MSRS + i:#x}", "value": f"{value:#018x}"} for i, value in enumerate(OF_HASWELL)]
    return document


def our_policies(guest, directory):
    """The pools that can be had anywhere: the file of each policy by its name."""
    policies = {name: example_policy(name) for name in EXAMPLES}
    for name in MERGED:
        policies[name] = merge_pool(guest, name, POOLS[name], directory)
    vmx_host = pathlib.Path(directory) / "vmx.json"
    vmx_host.write_text(json.dumps(with_vmx(REPOSITORY / "examples/intel-haswell-skylake/hosts/haswell-1.txt")))
    for name, hosts in (("nested-amd", REPOSITORY / "examples/amd-zen/hosts"), ("nested-intel", vmx_host)):
        policies[name] = pathlib.Path(directory) / f"{name}.json"
        run("merge", hosts, "--show", "nested", "-o", policies[name])
    return policies


def render(policy, *options):
    return json.loads(run("render", "--to", "qemu", "--accel", "tcg", "--qemu", QEMU, "--format", "json", policy,
                          *options))


class Promises:
    """What a set bit and what a clear bit of CPUID promises, by the rulebook."""

    def __init__(self, vendor):
        self.set, self.clear = poolcpuid.Bits(), poolcpuid.Bits()
        for field in json.loads(run("rules", "list", "--format", "json"))["fields"]:
            kind = {"intersect": self.set, "union": self.clear, "guarded": self.clear}.get(field["rule"])
            if kind is not None and set(field["vendors"]) & {"all", VENDORS[vendor]}:
                kind.put(field)

    def beyond(self, policy, document, rows):
        """The bits that promise the guest what the policy does not, as (leaf, subleaf, register, bit).

        Left out are the bits that are the VMM's, and of descriptions those that the rendering calls unknown."""
        owned, unknown = poolcpuid.owned_bits(policy), poolcpuid.Bits()
        for entry in document["inexpressible"]:
            if entry["instead"] == "unknown":
                unknown.put(entry)
        promised, zeros = poolcpuid.rows_of_policy(policy), dict.fromkeys(poolcpuid.REGISTERS, 0)
        found = set()
        for key in promised.keys() | rows.keys():
            for register in poolcpuid.REGISTERS:
                place = (*key, register)
                wanted, seen = promised.get(key, zeros)[register], rows.get(key, zeros)[register]
                wrong = seen & ~wanted & self.set.at(*place)[0]
                wrong |= wanted & ~seen & self.clear.at(*place)[0] & ~unknown.at(*place)[0]
                wrong &= ~owned.at(*place)[0]
                found |= {(*map(hex, key), register, bit) for bit in range(32) if wrong >> bit & 1}
        return found


def told_beyond(document):
    """What the rendering itself says that the guest is promised beyond the policy."""
    return {(entry["field"], entry.get("subleaf")) for entry in document["inexpressible"] if entry["telling"] == "more"}


class Pool:
    """A policy, and the guest of the plainest base that it gives."""

    def __init__(self, guest, file):
        self.guest, self.file, self.policy = guest, file, read(file)
        self.promises = Promises(self.policy["vendor"])
        self.plain = render(file)
        self.plain_rows, self.plain_on = boot(guest, self.plain["output"])

    def compare(self, model, names):
        """What is wrong with the guest on this base, lines of text. names: the properties to read."""
        document = render(self.file, "--base", model)
        rows, on = boot(self.guest, document["output"], names)
        wrong = poolcpuid.differences(self.policy, document, rows)
        wrong += [f"beyond the policy: {bit}"
                  for bit in sorted(self.promises.beyond(self.policy, document, rows) -
                                    self.promises.beyond(self.policy, self.plain, self.plain_rows))]
        wrong += [f"beyond the policy, as the rendering says: {field}"
                  for field in sorted(told_beyond(document) - told_beyond(self.plain))]
        wrong += [f"on, and off in the plainest: {name}" for name in sorted(on - self.plain_on)]
        wrong += [f"off, and on in the plainest: {name}" for name in sorted((self.plain_on & names) - on)]
        return wrong


class Models:
    """The models of the QEMU in use."""

    def __init__(self):
        self.own = {}        # what each has on by itself
        self.unseen = {}     # that of it which CPUID does not show
        self.aliases = {}    # what the names without version stand for
        self.unsafe = []     # whatever the host is
        with Qmp("-M", "none", "-accel", "tcg") as qemu:
            for model in qemu.ask("query-cpu-definitions"):
                name = model["name"]
                if not model["migration-safe"]:
                    self.unsafe.append(name)
                elif "alias-of" in model:
                    self.aliases[name] = model["alias-of"]
                elif not model["static"]:
                    self.own[name] = self.on(qemu, name, PREREQUISITES) - NO_FEATURES
                    self.unseen[name] = self.on(qemu, name, OF_MSRS) - self.on(qemu, name, ()) - NO_FEATURES
        newest = {}
        for name in self.own:
            base, _, version = name.rpartition("-v")
            newest[base] = max(newest.get(base, 0), int(version))
        self.newest = {f"{base}-v{version}" for base, version in newest.items()}

    @staticmethod
    def on(qemu, name, prerequisites):
        asked = {"name": name, "props": {key: key in prerequisites for key in PREREQUISITES}}
        properties = qemu.ask("query-cpu-model-expansion", type="full", model=asked)["model"]["props"]
        return {key for key, value in properties.items() if value is True}

    def for_pool(self, pool, is_ours):
        """The models to try, and what of each is to be read from the realized CPU."""
        names = self.own if pool in READ_IN_FULL else self.unseen
        return {model: names[model] for model in self.own if is_ours or model in self.newest}


class NoModelShowsMore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.guest = Guest(cls.directory.name)
        cls.shared = {case.stem: case for case in sorted((SHARED / "cases" / "policies").glob("*.json"))}
        cls.policies = our_policies(cls.guest, cls.directory.name) | cls.shared
        cls.models = Models()

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_every_model_times_every_pool(self):
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            pools = {name: workers.submit(Pool, self.guest, file) for name, file in self.policies.items()}
            jobs = [(name, model, workers.submit(pool.result().compare, model, names))
                    for name, pool in pools.items()
                    for model, names in self.models.for_pool(name, name not in self.shared).items()]
            for name, model, job in jobs:
                with self.subTest(pool=name, model=model):
                    self.assertEqual(job.result(), [])
        print(f"{len(self.models.own)} models x {len(pools) - len(self.shared)} pools, "
              f"{len(self.models.newest)} x {len(self.shared)} of ../shared")

    def test_a_name_without_version_is_the_model_that_it_stands_for(self):
        policy = self.policies["ice-lake"]
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            jobs = {name: workers.submit(render, policy, "--base", name) for name in self.models.aliases}
            for name, job in jobs.items():
                with self.subTest(model=name):
                    self.assertTrue(job.result()["output"].startswith(f"{self.models.aliases[name]},"))

    def test_a_model_that_is_whatever_the_host_is_has_no_rendering(self):
        self.assertIn("max", self.models.unsafe)
        for name in self.models.unsafe:
            with self.subTest(model=name):
                run("render", "--to", "qemu", "--qemu", QEMU, self.policies["ice-lake"], "--base", name, status=2)

    def test_the_comparison_sees_what_is_left_on(self):
        pool = Pool(self.guest, self.policies["intel-haswell-skylake"])
        document = render(pool.file, "--base", "EPYC-v1")
        self.assertIn(",sha-ni=off,", document["output"])
        document["output"] += ",sha-ni=on,arch-capabilities=on,mds-no=on"
        rows, on = boot(self.guest, document["output"], self.models.own["EPYC-v1"] - pool.plain_on | {"mds-no"})
        self.assertEqual(on - {"arch-capabilities"}, {"sha-ni", "mds-no"})
        self.assertIn(("0x7", "0x0", "ebx", 29), pool.promises.beyond(pool.policy, document, rows))
        self.assertTrue(any(line.startswith("0x7.0x0 ebx") for line in
                            poolcpuid.differences(pool.policy, document, rows)))


if __name__ == "__main__":
    poolcpuid.main(QEMU, "gcc")
