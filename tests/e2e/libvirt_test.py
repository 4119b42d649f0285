"""libvirt takes the <cpu> that `render --to libvirt` writes, and its emulated guest sees the policy in it.

Emulation lacks much of what the example pools have: their policies are defined, and refused at the start with the
missing features named. A policy of hosts that are emulated themselves starts. What `virsh cpu-baseline` makes of the same
pools is in examples/libvirt-baseline, and tried again here.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

import poolcpuid
from guest import QEMU, REPOSITORY, Guest, rows_of
from libvirt_daemon import PROGRAMS, Libvirt, find
from processes import wait_for

# Each with one of its features that no release of QEMU emulates.
EXAMPLES = {"qemu-tcg-amd": "ibpb", "qemu-tcg-intel": "md-clear", "amd-zen": "ibpb", "intel-haswell-skylake": "md-clear"}
# CPU models as QEMU's emulation can give them: what it lacks is taken away, with a warning. None has ZERO_FCS_FDS, as
# Haswell has: a policy announces it, a libvirt later than 9.0 knows it by name, and no emulation gives it.
EMULATED = {"amd": ("EPYC", "EPYC-Rome", "EPYC-Milan"), "intel": ("Westmere", "SandyBridge", "IvyBridge")}
# What libvirt's baseline loses of the policies: that of 9.0, and what a later one has names for besides.
LOST = {"amd-zen": (set(), set()),
        "intel-haswell-skylake": ({"arch-capabilities", "md-clear", "rsba"}, {"fdp-excptn-only", "zero-fcs-fds"}),
        "qemu-tcg-intel": ({"arch-capabilities", "md-clear", "rsba"}, {"fdp-excptn-only"})}
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

    def test_example_policies_are_defined_and_not_emulated(self):
        for name, lacking in EXAMPLES.items():
            with self.subTest(pool=name):
                rendering = poolcpuid.render("libvirt", poolcpuid.merge([REPOSITORY / "examples" / name / "hosts"]))
                self.define(name, rendering["output"])
                written = ElementTree.fromstring(rendering["output"])
                kept = ElementTree.fromstring(self.virsh("dumpxml", "--inactive", name)).find("cpu")
                self.assertEqual(features(kept), features(written))
                for child in ("model", "vendor", "maxphysaddr"):
                    self.assertEqual(ElementTree.tostring(kept.find(child)).strip(),
                                     ElementTree.tostring(written.find(child)).strip())
                status, said = self.libvirt.virsh("start", name)
                self.addCleanup(self.libvirt.virsh, "destroy", name)
                self.assertEqual(status, 1, said)
                self.assertRegex(said, rf"guest CPU doesn't match specification: missing features: [^:]*\b{lacking}\b[^:]*$")

    def test_guest_sees_the_policy(self):
        for name, models in EMULATED.items():
            with self.subTest(pool=name):
                hosts = self.directory / f"{name}.hosts"
                hosts.mkdir()
                for model in models:
                    (hosts / model).write_text(self.guest.capture(model))
                # A policy has x2APIC on any host, for KVM emulates it; QEMU's emulation did not before release 9.
                policy = poolcpuid.merge([hosts], "--hide", "x2apic")
                rendering = poolcpuid.render("libvirt", policy)
                console = self.define(name, rendering["output"])
                self.virsh("start", name)
                self.addCleanup(self.libvirt.virsh, "destroy", name)
                rows = wait_for(lambda: console.exists() and "end of dump 1\n" in console.read_text()
                                and rows_of(console.read_text()), "the guest's dump")
                self.assertEqual(poolcpuid.differences(policy, rendering, rows), [])
                self.assertEqual(self.virsh("domstate", name).strip(), "running")

    def test_baseline_example(self):
        """examples/libvirt-baseline says what libvirt gets wrong: it still does, and the files are what it answers."""
        committed, fresh = REPOSITORY / "examples/libvirt-baseline", self.directory / "baseline"
        fresh.mkdir()
        subprocess.run([committed / "run", fresh], check=True,
                       env={**os.environ, "LIBVIRT_DEFAULT_URI": self.libvirt.uri})
        for pool, (lost, lost_by_name) in LOST.items():
            with self.subTest(pool=pool):
                baseline, policy = (ElementTree.parse(fresh / f"{pool}.{kind}.xml") for kind in ("baseline", "policy"))
                self.assertEqual(required(policy) - required(baseline),
                                 lost | lost_by_name & required(policy) | {"hypervisor"})
                self.assertEqual(required(baseline) - required(policy), set())
                self.assertIsNotNone(policy.find("maxphysaddr"))
                self.assertIsNone(baseline.find("maxphysaddr"))
        kept = required(ElementTree.parse(fresh / "no-avx.baseline.xml"))
        self.assertEqual(kept & {"avx2", "fma", "avx", "xsave"}, {"avx2", "fma"})
        if "daemon: 9.0.0" in self.virsh("version", "--daemon"):
            for file in sorted(fresh.iterdir()):
                self.assertEqual(file.read_text(), (committed / file.name).read_text(),
                                 f"{file.name}: to update the example, run examples/libvirt-baseline/run")


if __name__ == "__main__":
    missing = [program for program in PROGRAMS if find(program) is None]
    if missing:
        poolcpuid.skip(f"not installed: {', '.join(missing)}")
    poolcpuid.main(QEMU, "gcc", "setpriv")
