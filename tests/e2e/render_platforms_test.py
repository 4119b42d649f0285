#!/usr/bin/env python3
"""What render writes for platforms above QEMU and libvirt, read as those platforms read it.

Proxmox's section and Incus' commands are turned into the -cpu that the platform makes of them, and a guest starts with
it: what CPUID returns there is the policy, but for what render lists. Nova's lines are read by configparser and the
rules of oslo.config's list options, KubeVirt's YAML by a YAML library where there is one.
"""

import configparser
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import poolcpuid
from guest import Guest
from policies import EXAMPLES, example_policy, read
from poolcpuid import run

try:
    import yaml
except ImportError:
    yaml = None

# Where a name means its first version, as it does on the machine types of these platforms.
MACHINE = "q35"

# Emulation cannot give all that a policy promises; this shows it all the same.
FORCE = "x-force-features=on"

CPU_MAP = pathlib.Path("/usr/share/libvirt/cpu_map")

# A name that means something to every language on the way.
HOSTILE = "a'b\"c: $(touch owned) `touch owned` ${IFS} ü [x] #y; z"


class Section:
    """The first section of a file, read by the rules of PVE::SectionConfig's parse_config."""

    def __init__(self, text):
        header, *lines = text.split("\n")
        self.type, self.name = re.fullmatch(r"(\S+):\s*(\S+)\s*", header).groups()
        assert re.fullmatch(r"(?i)[a-z][a-z0-9_-]+", self.name), self.name
        self.options = {}
        for line in lines:
            if not line:
                break
            key, value = re.fullmatch(r"\s+(\S+)(?:\s+(.*\S))?\s*", line).groups()
            assert key not in self.options, key
            self.options[key] = value

    def argument(self, vendor):
        """PVE::QemuServer::CPUConfig::get_cpu_options, for a Linux guest with KVM."""
        flag = r"[+-][a-zA-Z0-9\-_.]+"
        assert re.fullmatch(f"{flag}(;{flag})*", self.options["flags"])
        flags = {"kvm_pv_unhalt": "+", "kvm_pv_eoi": "+"}
        if self.options["reported-model"] in ("kvm64", "kvm32"):
            flags.update(lahf_lm="+", sep="+")
        for entry in self.options["flags"].split(";"):
            flags[entry[1:]] = entry[0]
        words = [self.options["reported-model"], *(flags[name] + name for name in sorted(flags)), FORCE]
        words.append(f"vendor={vendor}")
        if "phys-bits" in self.options:
            assert re.fullmatch(r"host|\d{1,2}", self.options["phys-bits"])
            words.append(f"phys-bits={self.options['phys-bits']}")
        return ",".join(words)


def render(target, policy, *options):
    return poolcpuid.render(target, read(policy), *options)


def named(policy, pool):
    """The policy of a pool of that name."""
    document = read(policy)
    document["pool"] = pool
    return document


class OnQemu(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.guest = Guest(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def check(self, policy, document, argument):
        seen = self.guest.cpuid(argument, MACHINE)
        self.assertEqual(poolcpuid.differences(policy, document, seen), [])

    def test_a_guest_of_proxmox_sees_the_policy_but_for_what_is_listed(self):
        for name in EXAMPLES:
            for options in ([], ["--qemu", "7.2"]):
                with self.subTest(pool=name, options=options):
                    document = render("proxmox", example_policy(name), *options)
                    section = Section(document["output"])
                    policy = read(example_policy(name))
                    self.assertEqual((section.type, section.name), ("cpu-model", name))
                    self.assertLessEqual(section.options.keys(), {"flags", "reported-model", "phys-bits"})
                    self.check(policy, document, section.argument(policy["vendor"]))

    def commands(self, text):
        """The arguments of the programs that a shell runs for text."""
        tools = pathlib.Path(self.directory.name) / "tools"
        tools.mkdir(exist_ok=True)
        program = tools / "incus"
        program.write_text("#!/bin/sh\nfor argument; do printf '%s\\0' \"$argument\"; done\nprintf '\\0'\n")
        program.chmod(0o755)
        result = subprocess.run(["sh", "-eu"], input=text, text=True, capture_output=True, check=True, cwd=tools,
                                env={"PATH": f"{tools}:/usr/bin:/bin", "GROUP": HOSTILE})
        self.assertEqual(os.listdir(tools), ["incus"])
        return [command.split("\0") for command in result.stdout.removesuffix("\0\0").split("\0\0")]

    def test_a_guest_of_incus_sees_the_policy_but_for_what_is_listed(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                policy = named(example_policy(name), HOSTILE)
                document = poolcpuid.render("incus", policy)
                options = {}
                for command in self.commands(document["output"]):
                    self.assertEqual(command[:4], ["cluster", "group", "set", HOSTILE])
                    key, _, value = command[4].partition("=")
                    options[key.removeprefix("instances.vm.cpu.x86_64.")] = value
                self.assertEqual(options.keys(), {"baseline", "flags"})
                # util.SplitNTrimSpace(flags, ",", -1, true), then joined by commas again.
                flags = [flag.strip() for flag in options["flags"].split(",")]
                self.assertEqual(flags.pop(), "enforce=on")
                self.check(policy, document, ",".join([options["baseline"], *flags, FORCE]))


class ThroughLibvirt(unittest.TestCase):
    """The same model and features as those of <cpu>, which libvirt's own tests hold to the policy."""

    @classmethod
    def setUpClass(cls):
        if not CPU_MAP.is_dir():
            raise unittest.SkipTest("no cpu_map of libvirt")

    def element(self, policy):
        cpu = ElementTree.fromstring(poolcpuid.render("libvirt", policy)["output"])
        return cpu.findtext("model"), {entry.get("name"): entry.get("policy") for entry in cpu.findall("feature")}

    def test_nova_reads_the_model_and_features(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                policy = named(example_policy(name), HOSTILE)
                parser = configparser.ConfigParser(interpolation=None)
                parser.read_string(poolcpuid.render("nova", policy)["output"] + "\n")
                self.assertEqual(parser.sections(), ["libvirt"])
                options = dict(parser["libvirt"])
                self.assertEqual(options.pop("cpu_mode"), "custom")
                # oslo_config.types.List: split at commas, blanks stripped; "$" would name another option.
                models = [entry.strip() for entry in options.pop("cpu_models").split(",")]
                flags = [entry.strip() for entry in options.pop("cpu_model_extra_flags").split(",")]
                self.assertEqual(options, {})
                # Nova takes flags whatever their case.
                features = {flag[1:]: {"+": "require", "-": "disable"}[flag[0]] for flag in flags}
                self.assertEqual(len(features), len(flags))
                self.assertTrue(all(flag == flag.lower() and "$" not in flag for flag in flags))
                self.assertEqual((*models, features), self.element(policy))

    @unittest.skipIf(yaml is None, "no YAML library")
    def test_kubevirt_reads_the_model_and_features(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                policy = named(example_policy(name), HOSTILE)
                document = yaml.safe_load(poolcpuid.render("kubevirt", policy)["output"])
                cpu = document["spec"]["template"]["spec"]["domain"]["cpu"]
                self.assertEqual(cpu.keys(), {"model", "features"})
                for feature in cpu["features"]:
                    self.assertEqual(feature.keys(), {"name", "policy"})
                    self.assertIsInstance(feature["name"], str)
                self.assertEqual((cpu["model"], {entry["name"]: entry["policy"] for entry in cpu["features"]}),
                                 self.element(policy))


if __name__ == "__main__":
    poolcpuid.main("qemu-system-x86_64", "cc")
