"""libvirt takes the <cpu> that `render --to libvirt` writes, and its emulated guest sees the policy in it.

Emulation lacks much of what the example pools have: their policies are defined, and refused at the start with the
missing features named, which are those that the emulation's model "max" lacks. A policy of hosts that are emulated
themselves starts, without what a host of its kind would have and the emulation lacks. What `virsh cpu-baseline` makes of
the same pools is in examples/libvirt-baseline, and tried again here.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

import cpu_map
import poolcpuid
from guest import QEMU, REPOSITORY, Guest, rows_of
from libvirt_daemon import PROGRAMS, Libvirt, find
from processes import wait_for

EXAMPLES = ("qemu-tcg-amd", "qemu-tcg-intel", "amd-zen", "intel-haswell-skylake")
# CPU models as QEMU's emulation can give them: what it lacks is taken away, with a warning.
EMULATED = {"amd": ("EPYC", "EPYC-Rome", "EPYC-Milan"), "intel": ("Westmere", "SandyBridge", "Haswell-noTSX-IBRS")}
# What not every Intel host of the example pools shows, and a guest must be told all the same.
ANNOUNCEMENTS = {"arch-capabilities", "md-clear", "rsba"}
REFUSED = re.compile(r"guest CPU doesn't match specification: missing features: ([^:\s]+)$", re.MULTILINE)
QEMU_ARGUMENTS = "http://libvirt.org/schemas/domain/qemu/1.0"


def domain(name, cpu, kernel, console):
    return f"""<domain type='qemu' xmlns:qemu='{QEMU_ARGUMENTS}'>
  <name>{escape(name)}</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{escape(str(kernel))}</kernel>
    <cmdline>repeat</cmdline>
  </os>
  {cpu}
  <devices>
    <emulator>{escape(shutil.which(QEMU))}</emulator>
    <serial type='null'/>
    <memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-debugcon'/>
    <qemu:arg value='file:{escape(str(console))}'/>
  </qemu:commandline>
</domain>
"""


def features(element):
    return {(feature.get("name"), feature.get("policy")) for feature in element.iter("feature")}


def required(element):
    return {name for name, policy in features(element) if policy == "require"}


class LibvirtTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="poolcpuid-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.guest = Guest(cls.directory)
        cls.map = cpu_map.CpuMap(cpu_map.INSTALLED)
        cls.emulated = cls.guest.cpuid("max", machine="pc")
        cls.libvirt = Libvirt(cls.directory)
        cls.addClassCleanup(cls.libvirt.stop)

    def virsh(self, *arguments):
        status, said = self.libvirt.virsh(*arguments)
        self.assertEqual(status, 0, f"virsh {arguments}: {said}")
        return said

    def define(self, name, cpu):
        """Defines a domain with the guest that stays. Returns the file that it prints to."""
        console, file = self.directory / f"{name}.console", self.directory / f"{name}.xml"
        file.write_text(domain(name, cpu, self.guest.kernel, console))
        self.virsh("define", "--validate", file)
        self.addCleanup(self.libvirt.virsh, "undefine", name)
        return console

    def missing(self, names):
        """Those that the emulation lacks. It has no MSR of features."""
        def value_at(place):
            leaf, subleaf, register = place
            return self.emulated.get((leaf, subleaf), {}).get(register, 0)
        return {name for name in names if not self.map.has(name, value_at)}

    def refusal(self, name):
        """The features for which libvirt does not start a domain; none when it does."""
        status, said = self.libvirt.virsh("start", name)
        self.addCleanup(self.libvirt.virsh, "destroy", name)
        refused = REFUSED.search(said)
        self.assertEqual((status, bool(refused)), (1, True) if refused else (0, False), said)
        return set(refused[1].split(",")) if refused else set()

    def test_example_policies_are_defined_and_not_emulated(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                rendering = poolcpuid.render("libvirt", poolcpuid.merge([REPOSITORY / "examples" / name / "hosts"]))
                self.define(name, rendering["output"])
                written = ElementTree.fromstring(rendering["output"])
                kept = ElementTree.fromstring(self.virsh("dumpxml", "--inactive", name)).find("cpu")
                self.assertEqual(features(kept), features(written))
                for child in ("model", "vendor", "maxphysaddr"):
                    self.assertEqual(ElementTree.tostring(kept.find(child)).strip(),
                                     ElementTree.tostring(written.find(child)).strip())
                refused, missing = self.refusal(name), self.missing(required(written))
                self.assertLessEqual(refused, missing)
                # Where the feature that offers an MSR is missing, libvirt 11 does not name the MSR's bits too.
                self.assertLessEqual(missing - refused, self.map.msr_features())

    def test_guest_sees_the_policy(self):
        for name, models in EMULATED.items():
            with self.subTest(pool=name):
                hosts = self.directory / f"{name}.hosts"
                hosts.mkdir()
                for model in models:
                    (hosts / model).write_text(self.guest.capture(model))
                policy = poolcpuid.merge([hosts])
                rendering = poolcpuid.render("libvirt", policy)
                # A policy has x2APIC on any host, for KVM emulates it, and tells of what the silicon of its models does.
                lacking = self.missing(required(ElementTree.fromstring(rendering["output"])))
                self.assertLessEqual(lacking, {"x2apic", "zero-fcs-fds", "fdp-excptn-only"})
                if lacking:
                    self.define(f"{name}-all", rendering["output"])
                    self.assertEqual(self.refusal(f"{name}-all"), lacking)
                console = self.define(name, self.without(lacking, rendering))
                self.assertEqual(self.refusal(name), set())
                rows = wait_for(lambda: console.exists() and "end of dump 1\n" in console.read_text()
                                and rows_of(console.read_text()), "the guest's dump")
                self.assertEqual(poolcpuid.differences(policy, rendering, rows), [])
                self.assertEqual(self.virsh("domstate", name).strip(), "running")

    def without(self, lacking, rendering):
        """The element without these features. The rendering then says that the guest does not see them."""
        for name in lacking:
            (leaf, subleaf, register), mask = *self.map.features[name],  *self.map.features[name].values()
            bit = str(mask.bit_length() - 1)
            rendering["inexpressible"].append({"leaf": hex(leaf), "subleaf": hex(subleaf), "register": register,
                                               "bits": bit, "instead": "0x0"})
        return "".join(line.replace("'require'", "'disable'") if any(f"'{name}'" in line for name in lacking) else line
                       for line in rendering["output"].splitlines(keepends=True))

    def test_baseline_example(self):
        """examples/libvirt-baseline says what libvirt gets wrong: it still does, and the files are what it answers."""
        committed, fresh = REPOSITORY / "examples/libvirt-baseline", self.directory / "baseline"
        fresh.mkdir()
        subprocess.run([committed / "run", fresh], check=True,
                       env={**os.environ, "LIBVIRT_DEFAULT_URI": self.libvirt.uri})
        for pool in ("amd-zen", "intel-haswell-skylake", "qemu-tcg-intel"):
            with self.subTest(pool=pool):
                baseline, policy = (ElementTree.parse(fresh / f"{pool}.{kind}.xml") for kind in ("baseline", "policy"))
                hosts = ElementTree.fromstring(f"<all>{(fresh / f'{pool}.hosts.xml').read_text()}</all>").findall("cpu")
                shown_by_all = set.intersection(*({feature.get("name") for feature in host.iter("feature")} |
                                                  self.map.models[host.findtext("model")].features for host in hosts))
                lost = required(policy) - required(baseline)
                self.assertEqual(lost, required(policy) - shown_by_all)
                self.assertLessEqual({"hypervisor"} | (set() if pool == "amd-zen" else ANNOUNCEMENTS), lost)
                self.assertEqual(required(baseline) - required(policy), set())
                self.assertIsNotNone(policy.find("maxphysaddr"))
                self.assertIsNone(baseline.find("maxphysaddr"))
        kept = required(ElementTree.parse(fresh / "no-avx.baseline.xml"))
        self.assertEqual(kept & {"avx2", "fma", "avx", "xsave"}, {"avx2", "fma"})
        versions = self.virsh("version", "--daemon")
        if "daemon: 9.0.0" in versions and "QEMU 7.2" in versions:  # those with which the example was made
            for file in sorted(fresh.iterdir()):
                self.assertEqual(file.read_text(), (committed / file.name).read_text(),
                                 f"{file.name}: to update the example, run examples/libvirt-baseline/run")


if __name__ == "__main__":
    missing = [program for program in PROGRAMS if find(program) is None]
    if missing:
        poolcpuid.skip(f"not installed: {', '.join(missing)}")
    if not pathlib.Path(cpu_map.INSTALLED, "index.xml").exists():
        poolcpuid.skip(f"no cpu_map in {cpu_map.INSTALLED}")
    poolcpuid.main(QEMU, "gcc", "setpriv")
