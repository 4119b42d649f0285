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
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import poolcpuid
from guest import REGISTERS, Guest
from policies import EXAMPLES, example_policy, read

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
        for name, at_least in (("guest-phys-bits", 32), ("phys-bits", 8)):
            if name in self.options:
                assert at_least <= int(self.options[name]) <= 64
                words.append(f"{name}={self.options[name]}")
        return ",".join(words)


def bits(*numbers):
    return sum(1 << number for number in numbers)


# cpumR3CpuIdSanitize of VirtualBox 7.0: the bits that are kept, by leaf and register. SSE3, PCLMUL, VMX, SSSE3, CX16,
# PCID, SSE4.1, SSE4.2, X2APIC, MOVBE, POPCNT, AES, XSAVE, OSXSAVE, AVX, RDRAND, HVP; FPU to CX8, APIC, SEP to PSE36,
# CLFSH, MMX to SSE2, HTT; ARAT; FSGSBASE, BMI1, AVX2, FDP_EXCPTN_ONLY, BMI2, INVPCID, DEPR_FPU_CS_DS, RDSEED,
# CLFLUSHOPT; MD_CLEAR, FLUSH_CMD, ARCHCAP; LAHF_SAHF, CMPL, SVM, CR8L to 3DNOWPRF; as leaf 1 without MCE, with SYSCALL,
# NX, AXMMX, FFXSR, RDTSCP, LONG_MODE, 3DNOW_EX and 3DNOW; TSCINVAR; physical and linear widths.
VIRTUALBOX_KEEPS = {
    (0x1, "ecx"): bits(0, 1, 5, 9, 13, 17, 19, 20, 21, 22, 23, 25, 26, 27, 28, 30, 31),
    (0x1, "edx"): bits(*range(0, 10), *range(11, 18), 19, 23, 24, 25, 26, 28),
    (0x3, "ecx"): 0, (0x3, "edx"): 0, (0x5, "ecx"): 0, (0x5, "edx"): 0,
    (0x6, "eax"): bits(2), (0x6, "ebx"): 0, (0x6, "ecx"): 0, (0x6, "edx"): 0,
    (0x7, "eax"): 0, (0x7, "ebx"): bits(0, 3, 5, 6, 8, 10, 13, 18, 23), (0x7, "ecx"): 0,
    (0x7, "edx"): bits(10, 28, 29),
    (0x80000001, "ecx"): bits(0, 1, 2, *range(4, 9)),
    (0x80000001, "edx"): bits(*range(0, 7), 8, 9, 11, *range(12, 18), 20, 22, 23, 24, 25, 27, 29, 30, 31),
    (0x80000007, "eax"): 0, (0x80000007, "ebx"): 0, (0x80000007, "ecx"): 0, (0x80000007, "edx"): bits(8),
    (0x80000008, "eax"): bits(*range(16)), (0x80000008, "ebx"): 0, (0x80000008, "edx"): 0,
    (0x8000001a, "eax"): bits(0, 1), (0x8000001a, "ebx"): 0, (0x8000001a, "ecx"): 0, (0x8000001a, "edx"): 0,
}

# Leaves that it clears or removes, and the last that it keeps of a range.
VIRTUALBOX_CLEARS = [*range(0x8, 0xb), 0xc, *range(0xe, 0x100), *range(0x8000000b, 0x80000019), 0x8000001b, 0x8000001c,
                     *range(0x8000001f, 0x80000100)]
VIRTUALBOX_LAST = {0x0: 0x16, 0x80000000: 0x8000001e, 0xc0000000: 0xc0000004}


def seen_in_virtualbox(told, switches):
    """What a guest reads of rows that a machine was told, and of the leaves that follow from them, on a host that has
    all that VirtualBox's switches ask it for."""
    rows = {}
    for (leaf, subleaf), row in told.items():
        row = {name: value & VIRTUALBOX_KEEPS.get((leaf, name), 0xFFFFFFFF) for name, value in row.items()}
        if leaf in VIRTUALBOX_CLEARS:
            continue
        if leaf in VIRTUALBOX_LAST:
            row["eax"] = min(row["eax"], VIRTUALBOX_LAST[leaf])
        rows[leaf, subleaf] = row
    features, extended = rows[0x1, 0], rows.get((0x7, 0), dict.fromkeys(REGISTERS, 0))
    if (0x6, 0) in rows:
        rows[0x6, 0]["eax"] |= bits(2)
    if not extended["ebx"] & bits(0):
        features["ecx"] &= ~bits(17)
        extended["ebx"] &= ~bits(10)
    if not extended["edx"] & bits(28):
        extended["edx"] &= ~bits(10)
    # cpumR3InitCpuIdAndMsrs, after the rest.
    is_amd = struct.pack("<I", rows[0x0, 0]["ebx"]) in (b"Auth", b"Hygo")
    if switches["--long-mode"] == ["on"]:
        features["edx"] |= bits(6, 11)
        rows[0x80000001, 0]["ecx"] |= bits(0)
        rows[0x80000001, 0]["edx"] |= bits(6, 11, 20) if is_amd else bits(11, 20)
    if switches["--spec-ctrl"] == ["on"] and not is_amd:
        extended["edx"] |= bits(26, 27)
    if switches["--spec-ctrl"] == ["off"] and is_amd:
        rows[0x80000008, 0]["ebx"] |= bits(26)
    if features["ecx"] & bits(26):
        has_avx = features["ecx"] & bits(28)
        size = 576 + 256 if has_avx else 576
        rows[0xd, 0] = {"eax": 0x7 if has_avx else 0x3, "ebx": size, "ecx": size, "edx": 0}
        if has_avx:
            rows[0xd, 2] = {"eax": 256, "ebx": 576, "ecx": 0, "edx": 0}
    return rows


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
                    self.assertLessEqual(section.options.keys(),
                                         {"flags", "reported-model", "guest-phys-bits", "phys-bits"})
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


class WholeRows(unittest.TestCase):
    def told_virtualbox(self, text):
        """The rows that a shell gives VBoxManage for text, and the switches."""
        with tempfile.TemporaryDirectory() as tools:
            program = pathlib.Path(tools) / "VBoxManage"
            program.write_text("#!/bin/sh\nfor argument; do printf '%s\\0' \"$argument\"; done\nprintf '\\0'\n")
            program.chmod(0o755)
            environment = {"PATH": f"{tools}:/usr/bin:/bin"}
            refused = subprocess.run(["sh", "-eu"], input=text, text=True, capture_output=True, env=environment)
            self.assertEqual((refused.stdout, refused.returncode != 0), ("", True))
            result = subprocess.run(["sh", "-eu"], input=text, text=True, capture_output=True, check=True,
                                    cwd=tools, env={**environment, "VM": HOSTILE})
            self.assertEqual(os.listdir(tools), ["VBoxManage"])
        rows, switches = {}, {}
        for command in result.stdout.removesuffix("\0\0").split("\0\0"):
            verb, machine, option, *values = command.split("\0")
            self.assertEqual((verb, machine), ("modifyvm", HOSTILE))
            if option == "--cpuid-set":
                leaf, *registers = (int(value, 16) for value in values)
                # Machine::setCPUIDLeaf: the leaves that it takes.
                self.assertTrue(leaf < 0x20 or 0 <= leaf - 0x80000000 < 0x20 or 0 <= leaf - 0xc0000000 < 0x10)
                rows[leaf, 0] = dict(zip(REGISTERS, registers, strict=True))
            else:
                switches[option] = values
        return rows, switches

    def test_a_guest_of_virtualbox_sees_the_policy_but_for_what_is_listed(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                policy = named(example_policy(name), HOSTILE)
                document = poolcpuid.render("virtualbox", policy)
                told, switches = self.told_virtualbox(document["output"])
                self.assertEqual(switches["--cpuid-remove-all"], [])
                self.assertEqual(switches["--long-mode"], ["on"])
                self.assertEqual(poolcpuid.differences(policy, document, seen_in_virtualbox(told, switches)), [])

    def test_vmwares_masks_are_the_policy(self):
        for name in EXAMPLES:
            with self.subTest(pool=name):
                policy = named(example_policy(name), HOSTILE)
                document = poolcpuid.render("vmware", policy)
                rows, owned = {}, poolcpuid.owned_bits(policy)
                for line in document["output"].splitlines():
                    key, value = re.fullmatch(r'([A-Za-z0-9_.]+) = "([01:-]{39}|Val:0)"', line).groups()
                    if key.startswith("featMask.vm.cpuid."):
                        continue
                    leaf, register = re.fullmatch(r"cpuid\.([0-9a-f]+)\.(e[a-d]x)", key).groups()
                    digits = value.replace(":", "")
                    left = int("".join("1" if digit == "-" else "0" for digit in digits), 2)
                    self.assertEqual(left, owned.at(int(leaf, 16), 0, register)[0] & 0xFFFFFFFF, line)
                    row = rows.setdefault((int(leaf, 16), 0), dict.fromkeys(REGISTERS, 0))
                    row[register] = int(digits.replace("-", "0"), 2)
                self.assertEqual(poolcpuid.differences(policy, document, rows), [])


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
                model, wanted = self.element(policy)
                self.assertEqual(wanted.pop("hypervisor"), "require")  # QEMU shows it to every guest by itself
                self.assertEqual((*models, features), (model, wanted))

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
