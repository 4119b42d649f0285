"""The test of tests/e2e/audit_kernels, which prepares its parts and calls it.

A pool of QEMU's CPU models is captured, some of its bits are changed to what other microcode or a newer CPU would show,
and it is merged. Its policy is rendered for QEMU, and Debian's kernel boots with that -cpu under emulation. What the
files of /sys/devices/system/cpu/vulnerabilities hold there has to be what `audit` says of the policy, line by line.

The emulation does not have all that a policy may show: it leaves out bits of features that it lacks, and answers 0 for
IA32_ARCH_CAPABILITIES; and an older QEMU has no name for newer bits. So where the kernel executes CPUID, or reads that
MSR, QEMU's gdb stub stops it, and the bits of which the rules of the audit speak are put in as the policy has them.
Which bits those were is in the result. What programs execute, and what the kernel asks of all other bits, QEMU answers.
"""

import argparse
import concurrent.futures
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import poolcpuid
from gdb_stub import GdbStub
from guest import QEMU, Guest
from initramfs import newc

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parent.parent / "policy/guests/linux.json"
KERNEL_ARGUMENTS = "console=ttyS0 quiet panic=-1 no_timer_check nokaslr"
ARCH_CAPABILITIES = "0x10a"

# The audit is told what QEMU's emulation does: it answers MSRs that the guest does not have.
ASSUMED = ["ignore_msrs"]


def bits(**fields):
    """Fields of the rulebook with their values, to change a host."""
    return fields


ZEN3_MICROCODE = bits(verw_clear=1, ibpb_brtype=1, sbpb=1)
ZEN4 = bits(auto_ibrs=1, amd_stibp=1, amd_ibrs=1, amd_ssbd=1)
TURIN = bits(auto_ibrs=1, amd_stibp=1, amd_ibrs=1, amd_ssbd=1, srso_us_no=1, ibpb_brtype=1, sbpb=1, tsa_sq_no=1, tsa_l1_no=1)
SKYLAKE_MICROCODE = bits(md_clear=1, l1d_flush=1, spec_ctrl=1, intel_stibp=1, ssbd=1, arch_caps=1, ac_rsba=1)
CASCADE_LAKE = bits(arch_caps=1, ac_rdcl_no=1, ac_ibrs_all=1, ac_skip_l1dfl=1, ac_mds_no=1, md_clear=1, l1d_flush=1,
                    intel_stibp=1, ac_pschange_mc_no=1)
ICE_LAKE = bits(**{**CASCADE_LAKE, "ac_taa_no": 1, "ac_fb_clear": 1, "ac_rrsba": 1, "ssbd": 1})
SAPPHIRE_RAPIDS = bits(**{**ICE_LAKE, "ac_fb_clear": 0, "ac_sbdr_ssdp_no": 1, "ac_fbsdp_no": 1, "ac_psdp_no": 1, "bhi_ctrl": 1,
                          "rrsba_ctrl": 1, "ac_pbrsb_no": 1, "ac_gds_no": 1, "ac_rfds_no": 1})
ALDER_LAKE = bits(arch_caps=1, ac_rdcl_no=1, ac_ibrs_all=1, ac_mds_no=1, ac_taa_no=1, ac_rrsba=1, intel_stibp=1, ssbd=1)

# Name: hosts, each (model, bits that are changed, EAX of leaf 1 where that is changed). SHORT are booted with --short.
POOLS = {
    "opteron-g3": [("Opteron_G3", {}, None)],
    # QEMU's own Opteron_G5 does not come to its first message under emulation.
    "opteron-6300": [("EPYC-IBPB", {}, 0x00600f20)],
    "epyc": [("EPYC-IBPB", {}, None)],
    "epyc-rome": [("EPYC-Rome", bits(amd_stibp=1, amd_ssbd=1), None)],
    "epyc-rome-ibrs": [("EPYC-Rome", bits(amd_stibp=1, amd_ibrs=1, amd_ssbd=1, stibp_always_on=1, ibpb_brtype=1), None)],
    "epyc-milan": [("EPYC-Milan", bits(verw_clear=0), None)],
    "epyc-milan-microcode": [("EPYC-Milan", ZEN3_MICROCODE, None)],
    "epyc-genoa": [("EPYC-Milan", {**ZEN3_MICROCODE, **ZEN4}, 0x00a10f11)],
    "epyc-turin": [("EPYC-Milan", TURIN, 0x00b00f21)],
    "epyc-turin-srso-no": [("EPYC-Milan", {**TURIN, "srso_us_no": 0, "srso_no": 1, "verw_clear": 1}, 0x00b00f21)],
    "epyc-mixed": [("EPYC-IBPB", {}, None), ("EPYC-Rome", {}, None), ("EPYC-Milan", ZEN3_MICROCODE, None)],
    "dhyana": [("Dhyana", {}, None)],
    "conroe": [("Conroe", {}, None)],
    "nehalem-ibrs": [("Nehalem-IBRS", {}, None)],
    "haswell": [("Haswell-noTSX-IBRS", bits(md_clear=1, ssbd=1), None)],
    "broadwell-rtm": [("Broadwell-IBRS", bits(md_clear=1, l1d_flush=1), None)],
    "skylake-old": [("Skylake-Server", {}, None)],
    "skylake-rtm": [("Skylake-Server", SKYLAKE_MICROCODE, None)],
    "skylake-client": [("Skylake-Client-noTSX-IBRS", bits(md_clear=1), None)],
    "cascade-lake-rtm": [("Cascadelake-Server", CASCADE_LAKE, None)],
    "cascade-lake-tsx-ctrl": [("Cascadelake-Server", {**CASCADE_LAKE, "ac_tsx_ctrl": 1, "ac_fb_clear": 1}, None)],
    "ice-lake": [("Icelake-Server-noTSX", ICE_LAKE, None)],
    "sapphire-rapids": [("Icelake-Server-noTSX", SAPPHIRE_RAPIDS, 0x000806f8)],
    "alder-lake": [("Icelake-Server-noTSX", {**ALDER_LAKE, "ac_sbdr_ssdp_no": 1, "ac_fbsdp_no": 1, "ac_psdp_no": 1}, 0x000906a3)],
    "alder-lake-microcode": [("Icelake-Server-noTSX", {**ALDER_LAKE, "ac_rfds_clear": 1, "bhi_ctrl": 1}, 0x000906a3)],
    "denverton": [("Denverton", bits(arch_caps=1, ac_rdcl_no=1), None)],
    "snow-ridge": [("Snowridge-v4", bits(arch_caps=1, ac_rdcl_no=1, ac_ibrs_all=1), None)],
    "intel-servers": [("Haswell-noTSX-IBRS", {}, None), ("Skylake-Server-noTSX-IBRS", SKYLAKE_MICROCODE, None),
                      ("Icelake-Server-noTSX", ICE_LAKE, None)],
}
SHORT = ("epyc-milan-microcode", "epyc-mixed", "skylake-rtm", "sapphire-rapids")
SMT = ("epyc-rome", "epyc-rome-ibrs", "epyc-milan-microcode", "epyc-genoa", "haswell", "skylake-rtm")

options = argparse.Namespace()  # set by main


class Fields:
    """Where the fields of the rulebook are, and of which of them the rules of the audit speak."""

    # Without these a kernel does not read the MSR, and Linux 6.1 does not see the threads of an AMD CPU.
    UNSAID = ("arch_caps", "topoext")

    def __init__(self):
        listed = json.loads(poolcpuid.run("rules", "list", "--format", "json"))["fields"]
        self.all = {field["field"]: field for field in listed}
        words = set(re.findall(r'"!?(?:told:)?(\w+)"', RULES.read_text())) | set(self.UNSAID)
        self.asked = [field for name, field in self.all.items() if name in words]

    @staticmethod
    def shift_and_mask(field):
        high, _, low = field["bits"].partition(":")
        low = int(low or high)
        return low, ((1 << (int(high) - low + 1)) - 1) << low

    def set(self, host, values, leaf1_eax):
        """Changes a host document."""
        view = host["views"]["hardware"]
        if leaf1_eax is not None:
            for cpu in view["cpus"]:
                self._row(cpu, "0x1")["eax"] = f"0x{leaf1_eax:08x}"
        for name, value in values.items():
            field = self.all[name]
            low, mask = self.shift_and_mask(field)
            if "msr" in field:
                msrs = view.setdefault("msrs", [])
                row = next((row for row in msrs if row["index"] == field["msr"]), None)
                if row is None:
                    row = {"index": field["msr"], "value": f"0x{0:016x}"}
                    msrs.append(row)
                row["value"] = f"0x{int(row['value'], 16) & ~mask | value << low:016x}"
                continue
            for cpu in view["cpus"]:
                row = self._row(cpu, field["leaf"], field["subleaf"])
                row[field["register"]] = f"0x{int(row[field['register']], 16) & ~mask | value << low:08x}"

    @staticmethod
    def _row(cpu, leaf, subleaf="0x0"):
        rows = cpu["cpuid"]
        found = next((row for row in rows if (row["leaf"], row["subleaf"]) == (leaf, subleaf)), None)
        if found is None:
            found = {"leaf": leaf, "subleaf": subleaf, **dict.fromkeys(("eax", "ebx", "ecx", "edx"), "0x00000000")}
            rows.append(found)
            rows.sort(key=lambda row: (int(row["leaf"], 16), int(row["subleaf"], 16)))
            head = next(row for row in rows if int(row["leaf"], 16) == int(leaf, 16) & 0xffff0000)
            head["eax"] = f"0x{max(int(head['eax'], 16), int(leaf, 16)):08x}"
            if int(subleaf, 16):
                Fields._row(cpu, leaf)["eax"] = f"0x{max(int(Fields._row(cpu, leaf)['eax'], 16), int(subleaf, 16)):08x}"
        return found


class Told:
    """What the kernel is told in QEMU's place: bits of CPUID rows, and an MSR."""

    def __init__(self, fields, policy):
        rows = {(int(row["leaf"], 16), int(row["subleaf"], 16)): row for row in policy["cpuid"]}
        self.rows = {}
        for field in fields.asked:
            if "msr" in field or "-" in field["subleaf"]:
                continue
            key = int(field["leaf"], 16), int(field["subleaf"], 16)
            _, mask = fields.shift_and_mask(field)
            value = int(rows.get(key, {}).get(field["register"], "0x0"), 16)
            self._put(key, field["register"], mask, value)
        self._put((1, 0), "eax", 0xffffffff, int(rows[1, 0]["eax"], 16))
        # The highest leaves, without which the kernel does not ask for what is in them.
        for head in (0, 0x80000000):
            self._put((head, 0), "eax", 0xffffffff, int(rows[head, 0]["eax"], 16))
        msrs = {row["index"]: row["value"] for row in policy["msrs"]}
        self.msr = int(msrs.get(ARCH_CAPABILITIES) or "0x0", 16)

    def _put(self, key, register, mask, value):
        masks = self.rows.setdefault(key, {})
        before = masks.get(register, (0, 0))
        masks[register] = before[0] | mask, before[1] | value & mask


class Kernel:
    """A kernel of Debian's, its instructions at which it learns what its CPU is, and the guest in which it runs."""

    # mov $10Ah, %edi and a call through pv_ops, the only read of the MSR there is.
    READS_MSR = re.compile(rb"\xbf\x0a\x01\x00\x00(?=\xff\x15)")
    MOV, CALL = 5, 6  # bytes
    CPUID = re.compile(rb"\x0f\xa2")

    def __init__(self, root):
        self.image = next(root.rglob("vmlinuz*"))
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.id = "linux-" + ".".join(self.release.split(".")[:2])
        self.config = next(root.rglob("config-*")).read_text()
        text, base = self._text(self._uncompressed(self.image.read_bytes()))
        reads = [match.start() for match in self.READS_MSR.finditer(text)]
        if len(reads) != 1:
            raise RuntimeError(f"{self.image} reads IA32_ARCH_CAPABILITIES at {len(reads)} places, not at one")
        self.reads_msr = base + reads[0] + self.MOV
        self.cpuid = [base + match.start() for match in self.CPUID.finditer(text)]
        directory, program = 0o040755, 0o100755
        entries = [(name, directory, b"") for name in ("bin", "proc", "sys", "dev")]
        entries += [("busybox", program, next(options.busybox.rglob("bin/busybox")).read_bytes()),
                    ("init", program, (HERE / "audit_kernels_init").read_bytes())]
        self.initrd = options.work / f"initrd-{self.id}"
        self.initrd.write_bytes(gzip.compress(newc(entries), 1))

    @staticmethod
    def _uncompressed(image):
        """What the kernel's image unpacks. Debian compresses its kernels in several ways."""
        for magic, command in ((b"\x02\x21\x4c\x18", "lz4"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd")):
            at = image.find(magic)
            # The image goes on behind what is compressed: an error, after all of it was written.
            unpacked = b"" if at < 0 else subprocess.run([command, "-dc"], input=image[at:], capture_output=True, check=False).stdout
            if unpacked.startswith(b"\x7fELF"):
                return unpacked
        raise RuntimeError("the kernel is compressed in a way that is not known here")

    @staticmethod
    def _text(elf):
        """The segments that are executed, as one, and the address of its first byte (ELF64, little-endian)."""
        offset, count = int.from_bytes(elf[32:40], "little"), int.from_bytes(elf[56:58], "little")
        for index in range(count):
            header = elf[offset + 56 * index:offset + 56 * (index + 1)]
            if header[0] == 1 and header[4] & 1:
                start, address, size = (int.from_bytes(header[at:at + 8], "little") for at in (8, 16, 32))
                return elf[start:start + size], address
        raise RuntimeError("no segment is executed")

    def boot(self, name, cpu, told, smt):
        """What the kernel says: {file: line}; and the bits that were answered in QEMU's place: {(leaf, subleaf, register): mask}."""
        with tempfile.TemporaryDirectory(dir=options.work) as directory:
            work = pathlib.Path(directory)
            command = [QEMU, "-accel", "tcg", "-M", "pc", "-cpu", cpu, "-m", "256", "-nodefaults", "-display", "none",
                       "-no-reboot", "-kernel", self.image, "-initrd", self.initrd, "-append", KERNEL_ARGUMENTS,
                       "-smp", "2,cores=1,threads=2" if smt else "1",
                       "-serial", f"file:{work / 'console'}", "-serial", f"file:{work / 'said'}",
                       "-chardev", f"socket,path={work / 'gdb'},server=on,wait=off,id=gdb", "-gdb", "chardev:gdb", "-S"]
            with (work / "messages").open("w") as messages:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=messages)
            try:
                answered = self._answer(work / "gdb", told)
                process.wait(timeout=60)
            finally:
                process.kill()
                process.wait()
            said = (work / "said").read_text().splitlines() if (work / "said").exists() else []
            if not said or said[-1] != "END":
                raise RuntimeError(f"{name}: {self.release} did not come to its end: {(work / 'messages').read_text()}"
                                   f"{(work / 'console').read_text()[-2000:]}")
        lines = dict(line.split(": ", 1) for line in said[:-1])
        if lines.pop("kernel") != self.release:
            raise RuntimeError("another kernel ran")
        return lines, answered

    def _answer(self, path, told):
        answered = {}
        with GdbStub(path) as stub:
            for address in self.cpuid:
                stub.stop_at(address)
            stub.stop_at(self.reads_msr)
            while stub.run():
                at = stub.read("rip")
                if at == self.reads_msr:
                    if told.msr:
                        answered["msr", 0x10a] = told.msr
                    stub.write("rax", told.msr)
                    stub.write("rip", at + self.CALL)
                    continue
                key = stub.read("rax") & 0xffffffff, stub.read("rcx") & 0xffffffff
                if key[0] != 7:
                    key = key[0], 0  # no other leaf of these has subleaves
                stub.step()
                for register, (mask, value) in told.rows.get(key, {}).items():
                    seen = stub.read("r" + register[1:])
                    if (seen ^ value) & mask:
                        answered[*key, register] = answered.get((*key, register), 0) | (seen ^ value) & mask
                        stub.write("r" + register[1:], seen & ~mask & 0xffffffff | value)
        return answered


class AuditOfKernels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernels = [Kernel(root) for root in options.kernel]
        cls.fields = Fields()
        cls.directory = tempfile.TemporaryDirectory()
        guest = Guest(cls.directory.name)
        names = options.pool or (SHORT if options.short else POOLS)
        cls.policies = {name: cls.merged(guest, name, POOLS[name]) for name in names}
        cls.boots = cls.booted()

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    @classmethod
    def merged(cls, guest, name, models):
        hosts = pathlib.Path(cls.directory.name) / name
        hosts.mkdir()
        for number, (model, changed, leaf1_eax) in enumerate(models):
            capture = guest.capture(f"{model},x-force-features=on")
            host = json.loads(poolcpuid.run("convert", "-", "--to", "json", stdin=capture))
            host["name"] = f"host-{number}"
            cls.fields.set(host, changed, leaf1_eax)
            (hosts / f"host-{number}.json").write_text(json.dumps(host))
        policy = pathlib.Path(cls.directory.name) / f"{name}.json"
        poolcpuid.run("merge", "--pool", name, hosts, "-o", policy)
        return policy

    @classmethod
    def booted(cls):
        """{(kernel, pool, smt): (what it says, what was answered in QEMU's place), or why it did not boot}"""
        jobs = [(kernel, name, smt) for kernel in cls.kernels for name in cls.policies
                for smt in ((False, True) if name in SMT and not options.short else (False,))]

        def boot(job):
            kernel, name, smt = job
            policy = cls.policies[name]
            rendering = json.loads(poolcpuid.run("render", "--to", "qemu", "--accel", "tcg", "--qemu", QEMU, "--format", "json",
                                                 policy))
            # With what the emulation lacks the kernel would use it.
            cpu = rendering["output"].replace(",x-force-features=on", "")
            try:
                return kernel.boot(name, cpu, Told(cls.fields, json.loads(policy.read_text())), smt)
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                return error

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return dict(zip(((kernel.id, name, smt) for kernel, name, smt in jobs), pool.map(boot, jobs)))

    def audited(self, kernel, name, smt):
        assumed = ASSUMED + (["smt"] if smt else [])
        arguments = [argument for word in assumed for argument in ("--assume", word)]
        document = json.loads(poolcpuid.run("audit", self.policies[name], "--guest", kernel, *arguments, "--format", "json"))
        return {entry["id"]: entry["says"] for entry in document["vulnerabilities"]}

    def test_the_kernel_says_what_audit_says(self):
        table = {}
        for (kernel, name, smt), boot in self.boots.items():
            with self.subTest(kernel=kernel, pool=name, smt=smt):
                if isinstance(boot, Exception):
                    raise boot
                said, answered = boot
                audited = self.audited(kernel, name, smt)
                table[kernel, name, smt] = (sum(said.get(file) == line for file, line in audited.items()), len(said), answered)
                self.assertEqual(audited, said)
        self.write(table)

    @staticmethod
    def write(table):
        """The lines that agree, and what QEMU could not show."""
        rows = ["| kernel | pool | threads | lines that agree | answered in QEMU's place |", "|---|---|---|---|---|"]
        for (kernel, name, smt), (equal, count, answered) in table.items():
            places = ", ".join(f"MSR 10Ah {mask:#x}" if place[0] == "msr" else f"{place[0]:x}h/{place[1]}.{place[2]} {mask:#x}"
                               for place, mask in answered.items())
            rows.append(f"| {kernel} | {name} | {2 if smt else 1} | {equal} of {count} | {places or '-'} |")
        (options.work / "table.md").write_text("\n".join(rows) + "\n")

    def test_the_kernels_are_built_as_the_rules_assume(self):
        for kernel in self.kernels:
            with self.subTest(kernel=kernel.release):
                for option in ("CPU_MITIGATIONS=y", "MITIGATION_RFDS=y", "MITIGATION_SPECTRE_BHI=y", "MITIGATION_ITS=y",
                               "MITIGATION_TSA=y", "X86_INTEL_TSX_MODE_OFF=y", "BPF_UNPRIV_DEFAULT_OFF=y"):
                    self.assertIn(f"CONFIG_{option}\n", kernel.config)


def main():
    parser = argparse.ArgumentParser()
    for name in ("work", "busybox"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--kernel", type=pathlib.Path, action="append", required=True)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--pool", choices=POOLS, action="append")
    rest = parser.parse_known_args(namespace=options)[1]
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
