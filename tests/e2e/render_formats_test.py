#!/usr/bin/env python3
"""What render writes for Firecracker, XAPI and xl, read as those programs read it, is the policy again.

The readers here share nothing with poolcpuid: they follow Firecracker's description of templates, Xen's order of
feature words, and xl.cfg(5).
"""

import json
import re
import unittest

import poolcpuid
from guest import REGISTERS
from policies import EXAMPLES, example_policy, read
from poolcpuid import rows_of_policy, run

# xen/include/xen/lib/x86/cpu-policy.h, FEATURESET_*: leaf, subleaf, register; an MSR has its index and shift.
XEN_WORDS = [(0x1, 0, "edx"), (0x1, 0, "ecx"), (0x80000001, 0, "edx"), (0x80000001, 0, "ecx"), (0xd, 1, "eax"),
             (0x7, 0, "ebx"), (0x7, 0, "ecx"), (0x80000007, 0, "edx"), (0x80000008, 0, "ebx"), (0x7, 0, "edx"),
             (0x7, 1, "eax"), (0x80000021, 0, "eax"), (0x7, 1, "ebx"), (0x7, 2, "edx"), (0x7, 1, "ecx"),
             (0x7, 1, "edx"), ("msr", 0x10a, 0), ("msr", 0x10a, 32), (0x80000021, 0, "ecx")]

# What KVM might list: every bit set, so that a template has to clear what the policy lacks.
EVERYTHING = 0xFFFFFFFF


def apply_bitmap(bitmap, value):
    """Firecracker's rule: 1 sets, 0 clears, x leaves; the first digit is the highest bit."""
    digits = bitmap.removeprefix("0b")
    for i, digit in enumerate(reversed(digits)):
        if digit != "x":
            value = value & ~(1 << i) | (int(digit) << i)
    return value


class RenderedForOthers(unittest.TestCase):
    def each_example(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                yield example_policy(name), read(example_policy(name))

    def assert_same(self, policy, rows, fill):
        """rows are the policy's, where an owned bit may be as in fill."""
        wanted, owned_bits = rows_of_policy(policy), poolcpuid.owned_bits(policy)
        for key in wanted.keys() | rows.keys():
            for reg in REGISTERS:
                owned = owned_bits.at(*key, reg)[0]
                want = wanted.get(key, {}).get(reg, 0)
                self.assertEqual(rows[key][reg] & ~owned, want & ~owned, (key, reg))
                self.assertEqual(rows[key][reg] & owned, fill & owned, (key, reg))

    def test_a_firecracker_template_makes_the_policy_of_whatever_kvm_lists(self):
        for path, policy in self.each_example():
            template = json.loads(run("render", "--to", "firecracker", path))
            for fill in (EVERYTHING, 0):
                rows = {}
                for leaf in template["cpuid_modifiers"]:
                    key = int(leaf["leaf"], 16), int(leaf["subleaf"], 16)
                    self.assertNotIn(key, rows)
                    rows[key] = {entry["register"]: apply_bitmap(entry["bitmap"], fill)
                                 for entry in leaf["modifiers"]}
                self.assertLessEqual(rows_of_policy(policy).keys(), rows.keys())
                self.assert_same(policy, rows, fill)
            msrs = {int(entry["addr"], 16): apply_bitmap(entry["bitmap"], 0) for entry in template["msr_modifiers"]}
            self.assertEqual(msrs, {int(row["index"], 16): int(row["value"], 16) for row in policy["msrs"]})

    def test_a_featureset_is_the_words_of_the_policy(self):
        for path, policy in self.each_example():
            text = run("render", "--to", "xapi", path)
            self.assertRegex(text, r"\A[0-9a-f]{8}(-[0-9a-f]{8})*\n\Z")
            words = [int(word, 16) for word in text.strip().split("-")]
            self.assertEqual(len(words), len(XEN_WORDS))
            rows = rows_of_policy(policy)
            msrs = {int(row["index"], 16): int(row["value"], 16) for row in policy["msrs"]}
            for word, (leaf, subleaf, reg) in zip(words, XEN_WORDS):
                if leaf == "msr":
                    self.assertEqual(word, msrs.get(subleaf, 0) >> reg & EVERYTHING)
                else:
                    self.assertEqual(word, rows.get((leaf, subleaf), {}).get(reg, 0), (hex(leaf), subleaf, reg))
            self.assertEqual("-".join(f"{word:08x}" for word in words) + "\n", text)

    def test_xl_reads_the_registers_of_the_policy(self):
        for path, policy in self.each_example():
            text = run("render", "--to", "xen", path)
            rows = {}
            for leaf, subleaf, registers in re.findall(r'"(0x[0-9a-f]+),(0x[0-9a-f]+):([^"]*)"', text):
                values = dict(entry.split("=") for entry in registers.split(","))
                self.assertEqual(list(values), list(REGISTERS))
                self.assertTrue(all(re.fullmatch("[01x]{32}", value) for value in values.values()))
                rows[int(leaf, 16), int(subleaf, 16)] = {reg: apply_bitmap(value, 0) for reg, value in values.items()}
            computed_by_xen = {key for key in rows_of_policy(policy) if key[0] == 0xd and key[1] != 1}
            self.assertEqual(rows_of_policy(policy).keys() - rows.keys(), computed_by_xen)
            rows.update({key: rows_of_policy(policy)[key] for key in computed_by_xen})
            self.assert_same(policy, rows, 0)


if __name__ == "__main__":
    poolcpuid.main()
