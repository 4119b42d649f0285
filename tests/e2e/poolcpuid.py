"""Runs the program under test and says how a guest's CPUID differs from what it promised.

    policy = merge([hosts], "--hide", "x2apic")
    rendering = render("qemu", policy, "--accel", "tcg")
    differences(policy, rendering, rows)     # [] when the guest sees the policy

The program is $POOLCPUID_PROGRAM, which ctest sets.
"""

import json
import os
import shutil
import subprocess
import sys
import unittest

from guest import REGISTERS

REGISTER_BITS = 32
SKIPPED = 77  # SKIP_RETURN_CODE of the tests
HYPERVISOR_LEAVES = range(0x40000000, 0x50000000)


def main(*programs):
    """Runs the tests of the calling file, or skips them with the reason where one of the programs is not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        skip(f"not installed: {', '.join(missing)}")
    unittest.main(catchbreak=True)  # an interrupted test still ends what it started


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def run(*arguments, stdin=None, status=0):
    """What the program printed. Raises AssertionError when it ends with another status."""
    result = subprocess.run([os.environ["POOLCPUID_PROGRAM"], *map(str, arguments)], input=stdin, capture_output=True,
                            text=True, timeout=60)
    if result.returncode != status:
        raise AssertionError(f"{arguments} ended with {result.returncode}, not {status}: {result.stderr}")
    return result.stdout


def merge(hosts, *options):
    """The policy of a pool, as `merge` writes it."""
    return json.loads(run("merge", *hosts, *options, "--format", "json"))


def render(target, policy, *options):
    """The policy for a VMM, as `render --format json` writes it."""
    return json.loads(run("render", "--to", target, "-", *options, "--format", "json", stdin=json.dumps(policy)))


def check(policy, host, status):
    """The verdict of `check` on one host, which has to be the exit status given."""
    return json.loads(run("check", "-", host, "--format", "json", stdin=json.dumps(policy), status=status))


def bounds(text, base):
    """("31:24", 10) and ("0x0-0x1f", 16): the two ends, the lower one first."""
    ends = sorted(int(end, base) for end in text.replace("-", ":").split(":"))
    return ends[0], ends[-1]


def mask_and_shift(bits):
    low, high = bounds(bits, 10)
    return ((1 << high - low + 1) - 1) << low, low


class Bits:
    """Bits of registers, each with its value: {(leaf, subleaf, register): [mask, value]}. Entries of MSRs are left out."""

    def __init__(self):
        self.registers = {}

    def put(self, entry, value="0x0"):
        """entry names leaf, subleaf, register and bits as policies and renderings do; value is shifted down."""
        if "leaf" not in entry:
            return
        mask, shift = mask_and_shift(entry["bits"])
        leaf = int(entry["leaf"], 16)
        first, last = bounds(entry["subleaf"], 16)
        for subleaf in range(first, last + 1):
            word = self.registers.setdefault((leaf, subleaf, entry["register"]), [0, 0])
            word[0] |= mask
            word[1] = word[1] & ~mask | int(value, 16) << shift

    def at(self, leaf, subleaf, register):
        return self.registers.get((leaf, subleaf, register), (0, 0))


def owned_bits(policy):
    """What the policy leaves to the VMM and the guest."""
    owned = Bits()
    for entry in policy["owned"]:
        owned.put(entry)
    return owned


def rows_of_policy(policy):
    return {(int(row["leaf"], 16), int(row["subleaf"], 16)): {name: int(row[name], 16) for name in REGISTERS}
            for row in policy["cpuid"]}


def differences(policy, rendering, rows):
    """What the guest's rows say other than the policy, a line for each register.

    Left out are the bits that the policy leaves to the VMM, and those whose value the rendering says that it does not
    know. For the other bits that the rendering cannot say, the guest has to see what the rendering says instead. The
    leaves of the hypervisor itself are no part of a policy."""
    open_bits, instead = owned_bits(policy), Bits()
    for entry in rendering["inexpressible"]:
        if entry["instead"] == "unknown":
            open_bits.put(entry)
        else:
            instead.put(entry, entry["instead"])

    promised, zeros = rows_of_policy(policy), dict.fromkeys(REGISTERS, 0)
    lines = []
    for leaf, subleaf in sorted(promised.keys() | rows.keys()):
        if leaf in HYPERVISOR_LEAVES:
            continue
        for register in REGISTERS:
            mask, value = instead.at(leaf, subleaf, register)
            expected = promised.get((leaf, subleaf), zeros)[register] & ~mask | value
            seen = rows.get((leaf, subleaf), zeros)[register]
            wrong = (expected ^ seen) & ~open_bits.at(leaf, subleaf, register)[0]
            if wrong:
                lines.append(f"{leaf:#x}.{subleaf:#x} {register}: {seen:#010x}, not {expected:#010x}; "
                             f"bits {[bit for bit in range(REGISTER_BITS) if wrong >> bit & 1]}")
    return lines
