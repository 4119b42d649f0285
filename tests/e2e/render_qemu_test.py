#!/usr/bin/env python3
"""QEMU gives its guest what `poolcpuid render --to qemu` says.

For each policy the rendered -cpu starts a guest under emulation. What CPUID returns in it is the policy, except for
the bits that the VMM fills in and those that render lists; and of those, the guest shows what the list says.
"""

import json
import subprocess
import tempfile
import unittest

import poolcpuid
from guest import QEMU, Guest
from policies import EXAMPLES, POOLS, example_policy, merge_pool, read
from poolcpuid import run

# Announcements and features of these policies that QEMU 7.2 cannot say, and so all that guests are promised in
# excess or denied. What only describes something (caches, copies of leaves) is checked by value alone.
LISTED_BY_7_2 = {
    "epyc-milan": {"efer_lmsle_unsupported"},
    "epyc-all": {"efer_lmsle_unsupported"},
    "amd-old-and-new": {"efer_lmsle_unsupported"},
    "qemu-tcg-amd": {"efer_lmsle_unsupported"},
    "amd-zen": {"efer_lmsle_unsupported", "fs_gs_base_ns", "ibrs_preferred", "ibrs_same_mode", "overflow_recov",
                "perf_hints", "stibp_always_on", "succor"},
    "haswell": {"ac_rsba", "zero_fcs_fds"},  # the dumps are of VMs, which do not say how returns are predicted
    "skylake": {"ac_rsba", "fdp_excptn_only", "zero_fcs_fds"},
    "cascade-lake": {"ac_fb_clear", "ac_rsba", "fdp_excptn_only", "zero_fcs_fds"},
    "qemu-tcg-intel": {"ac_rsba", "fdp_excptn_only", "zero_fcs_fds"},
    "intel-haswell-skylake": {"ac_rsba", "fdp_excptn_only", "zero_fcs_fds"},
}


def render(policy, *options, qemu=QEMU):
    return json.loads(run("render", "--to", "qemu", "--accel", "tcg", "--qemu", qemu, "--format", "json", policy,
                          *options))


def promised_wrongly(document):
    """Fields of which the guest is promised more or less than the policy says."""
    return {entry["field"] for entry in document["inexpressible"] if entry["telling"] in ("more", "less")}


class RenderedForQemu(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.guest = Guest(cls.directory.name)
        cls.policies = {name: merge_pool(cls.guest, name, models, cls.directory.name) for name, models in POOLS.items()}
        cls.policies.update({name: example_policy(name) for name in EXAMPLES})
        version = subprocess.run([QEMU, "--version"], check=True, capture_output=True, text=True).stdout
        cls.is_7_2 = " 7.2" in version.splitlines()[0]

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def check(self, policy, document):
        seen = self.guest.cpuid(document["output"])
        self.assertEqual(poolcpuid.differences(read(policy), document, seen), [])

    def test_the_guest_sees_the_policy_but_for_what_is_listed(self):
        for name, policy in self.policies.items():
            with self.subTest(pool=name):
                self.check(policy, render(policy))

    def test_a_named_model_as_the_base_gives_the_same(self):
        for name, base in (("epyc-rome", "EPYC"), ("epyc-all", "EPYC-Milan"), ("haswell", "Haswell"),
                           ("skylake", "EPYC"), ("ice-lake", "Icelake-Server")):
            with self.subTest(pool=name, base=base):
                document = render(self.policies[name], "--base", base)
                self.assertTrue(document["output"].startswith(base))
                self.check(self.policies[name], document)

    def test_the_list_is_what_this_release_lacks(self):
        if not self.is_7_2:
            self.skipTest("the lists are those of QEMU 7.2")
        for name, fields in LISTED_BY_7_2.items():
            with self.subTest(pool=name):
                self.assertEqual(promised_wrongly(render(self.policies[name])), fields)

    def test_a_release_that_is_stated_is_rendered_as_the_one_that_is_asked(self):
        if not self.is_7_2:
            self.skipTest("the installed QEMU is not 7.2")
        for name, policy in self.policies.items():
            with self.subTest(pool=name):
                asked, stated = render(policy), render(policy, qemu="7.2")
                self.assertEqual(asked["output"], stated["output"])
                self.assertEqual(asked["inexpressible"], stated["inexpressible"])

    def test_the_comparison_sees_a_bit_that_is_wrong(self):
        policy = self.policies["haswell"]
        document = render(policy)
        document["output"] += ",avx2=off"
        with self.assertRaisesRegex(AssertionError, "0x7.0x0 ebx"):
            self.check(policy, document)

    def test_enforce_refuses_where_the_accelerator_lacks_a_bit(self):
        argument = run("render", "--to", "qemu", "--qemu", QEMU, self.policies["ice-lake"]).strip()
        self.assertTrue(argument.endswith(",enforce=on"))
        with self.assertRaisesRegex(RuntimeError, "doesn't support requested features"):
            self.guest.cpuid(argument)


if __name__ == "__main__":
    poolcpuid.main(QEMU, "gcc")
