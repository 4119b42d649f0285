#!/usr/bin/env python3
"""What render writes for Firecracker, XAPI and xl, read as those programs read it, is the policy again.

The readers here share nothing with poolcpuid: they follow Firecracker's description of templates, Xen's order of
feature words, and xl.cfg(5).
"""

import ctypes
import ctypes.util
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

# HYPERVISOR and NO_LMSL: every HVM guest of Xen has them.
XEN_SAYS = {(0x1, 0, "ecx"): 1 << 31, (0x80000008, 0, "ebx"): 1 << 20}

# The leaves that have subleaves in Xen: x86_cpuid_copy_to_buffer of xen/lib/x86/cpuid.c.
XEN_SUBLEAFED = {0x4, 0x7, 0xb, 0xd}

# XEN_CPUID_INPUT_UNUSED of tools/include/xenctrl.h: what libxl has for a leaf without subleaves.
NO_SUBLEAF = 0xFFFFFFFF

# The MSRs of OSVW: Firecracker reads those of a template before the vCPU has the bit, and would refuse it.
FIRECRACKER_REFUSES = {0xc0010140, 0xc0010141}

# What KVM might list: every bit set, so that a template has to clear what the policy lacks.
EVERYTHING = 0xFFFFFFFF


def apply_bitmap(bitmap, value):
    """Firecracker's rule: 1 sets, 0 clears, x leaves; the first digit is the highest bit."""
    digits = bitmap.removeprefix("0b")
    for i, digit in enumerate(reversed(digits)):
        if digit != "x":
            value = value & ~(1 << i) | (int(digit) << i)
    return value


def xend_rows(text):
    """Registers as digits by leaf and subleaf, as xl.cfg(5) words them."""
    rows = {}
    for leaf, subleaf, registers in re.findall(r'"(0x[0-9a-f]+)(?:,(0x[0-9a-f]+))?:([^"]*)"', text):
        key = int(leaf, 16), int(subleaf or "0", 16)
        assert key not in rows, key
        rows[key] = dict(entry.split("=") for entry in registers.split(","))
    return rows


class Libxl:
    """libxl's parsers of cpuid, and what they make: libxl_cpuid_policy of tools/libs/light/libxl_internal.h, which is
    an array of struct xc_xend_cpuid and one of struct xc_msr (tools/include/xenctrl.h)."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.release = re.search(r"\.so\.([0-9]+\.[0-9]+)", path).group(1)

    def parse(self, entries, xend):
        """The codes that the parser returns, and characters by (leaf, subleaf, register) or ("msr", index)."""
        parse = self.library.libxl_cpuid_parse_config_xend if xend else self.library.libxl_cpuid_parse_config
        policy = ctypes.c_void_p(None)
        codes = [parse(ctypes.byref(policy), entry.encode()) for entry in entries]
        cpuid, msr = ctypes.cast(policy, ctypes.POINTER(ctypes.c_void_p * 2)).contents
        result = {}
        while cpuid:
            leaf, subleaf = ctypes.cast(cpuid, ctypes.POINTER(ctypes.c_uint32 * 2)).contents
            if leaf == NO_SUBLEAF:
                break
            texts = ctypes.cast(cpuid + 8, ctypes.POINTER(ctypes.c_char_p * 4)).contents
            result.update({(leaf, subleaf, reg): text.decode() for reg, text in zip(REGISTERS, texts) if text})
            cpuid += 8 + 4 * ctypes.sizeof(ctypes.c_char_p)
        while msr:
            index = ctypes.cast(msr, ctypes.POINTER(ctypes.c_uint32)).contents.value
            if index == NO_SUBLEAF:
                break
            result["msr", index] = ctypes.string_at(msr + 4, 64).decode()
            msr += 72
        return codes, result


def libxl():
    """libxl of this machine; libvirt's and QEMU's packages bring it on Debian."""
    path = ctypes.util.find_library("xenlight")
    if path is None:
        raise unittest.SkipTest("no libxenlight")
    return Libxl(path)


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
            wanted = {int(row["index"], 16): int(row["value"], 16) for row in policy["msrs"]}
            self.assertEqual(msrs, {index: wanted[index] for index in wanted.keys() - FIRECRACKER_REFUSES})

    def test_a_featureset_has_no_word_of_another_place_and_no_bit_that_the_policy_lacks(self):
        for path, policy in self.each_example():
            text = run("render", "--to", "xapi", path)
            self.assertRegex(text, r"\A[0-9a-f]{8}(-[0-9a-f]{8})*\n\Z")
            words = [int(word, 16) for word in text.strip().split("-")]
            self.assertEqual(len(words), len(XEN_WORDS))
            rows = rows_of_policy(policy)
            msrs = {int(row["index"], 16): int(row["value"], 16) for row in policy["msrs"]}
            for word, (leaf, subleaf, reg) in zip(words, XEN_WORDS):
                if leaf == "msr":
                    value = msrs.get(subleaf, 0) >> reg & EVERYTHING
                else:
                    value = rows.get((leaf, subleaf), {}).get(reg, 0)
                said = XEN_SAYS.get((leaf, subleaf, reg), 0)
                self.assertEqual(word & ~value & ~said, 0, (leaf, subleaf, reg))
                self.assertEqual(word & said, said)
            for leaf, reg, bit in ((0x1, "edx", 0), (0x80000001, "edx", 29), (0x1, "ecx", 28)):
                self.assertTrue(words[XEN_WORDS.index((leaf, 0, reg))] >> bit & 1)

    def test_xl_reads_the_registers_of_the_policy(self):
        for path, policy in self.each_example():
            text = run("render", "--to", "xen", "--form", "xend", path)
            rows = xend_rows(text)
            wanted = rows_of_policy(policy)
            owned_bits = poolcpuid.owned_bits(policy)
            for leaf, subleaf in wanted.keys() - rows.keys():
                is_left_to_xen = leaf in (0x4, 0xb) or leaf == 0xd and subleaf != 1
                self.assertTrue(is_left_to_xen or leaf not in XEN_SUBLEAFED and subleaf != 0, (hex(leaf), subleaf))
            for key, registers in rows.items():
                for reg, digits in registers.items():
                    self.assertRegex(digits, "^[01x]{32}$")
                    value = wanted.get(key, {}).get(reg, 0)
                    owned = owned_bits.at(*key, reg)[0]
                    said = XEN_SAYS.get((*key, reg), 0)
                    self.assertEqual(apply_bitmap(digits, EVERYTHING) & owned, owned, (key, reg))
                    # Features that no guest has are 0, and what Xen says itself is 1.
                    self.assertEqual(apply_bitmap(digits, 0) & ~owned & ~said & ~value, 0, (key, reg))
                    if (*key, reg) not in XEN_WORDS:
                        self.assertEqual(apply_bitmap(digits, 0), value & ~owned, (key, reg))

    def test_libxl_takes_every_name_and_number_and_every_register(self):
        """The library that xl hands the text to makes of it what it says, or the words for MSRs would be lost."""
        library = libxl()
        for path, _ in self.each_example():
            text = run("render", "--to", "xen", "--form", "libxl", "--xen", library.release, path)
            words = re.fullmatch(r'cpuid = "host,(.*)"\n', text).group(1).split(",")
            codes, result = library.parse(words, xend=False)
            self.assertEqual(dict(zip(words, codes)), dict.fromkeys(words, 0))
            for name, bit in (("rsba", 2), ("rrsba", 19), ("its-no", 62)):
                if f"{name}=1" in words or f"{name}=0" in words:
                    self.assertEqual(result["msr", 0x10a][63 - bit], "1" if f"{name}=1" in words else "0")
            lines = re.findall(r'"([^"]*)"', run("render", "--to", "xen", "--form", "xend", path))
            codes, result = library.parse(lines, xend=True)
            self.assertEqual(codes, [0] * len(lines))
            subleafed = {leaf for leaf, subleaf, _ in result if subleaf != NO_SUBLEAF}
            self.assertLessEqual(subleafed, XEN_SUBLEAFED)
            self.assertEqual(result[0x1, NO_SUBLEAF, "edx"], xend_rows("\n".join(f'"{line}"' for line in lines))
                             [0x1, 0]["edx"])


if __name__ == "__main__":
    poolcpuid.main()
