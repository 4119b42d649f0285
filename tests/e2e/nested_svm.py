"""The test of tests/e2e/nested_svm, which prepares its parts and calls it."""

import argparse
import base64
import concurrent.futures
import copy
import gzip
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import unittest

from initramfs import modules_in_order, newc

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"

# CPU models of QEMU's that differ from each other. TCG has not all of their features and says so; with
# x-force-features CPUID shows them all the same, and what the kernel and the program would use of them is taken away.
MODELS = {
    "rome": "EPYC-Rome,+svm,+npt",
    "milan": "EPYC-Milan,+svm,+npt,x-force-features=on,-xsaves,-xsavec,-pcid,-invpcid,-sha-ni",
    "max": "max,+svm,+npt",
}

# On a busy machine the emulated timer is late, which the kernel would take for a broken one.
KERNEL_ARGUMENTS = "console=ttyS0 quiet panic=-1 no_timer_check"

# Bits that hosts with a relaxed behaviour show, and that a pool ORs: leaf, register, bit.
RELAXED = {
    "fs_gs_base_ns": ("0x80000021", "eax", 1),
    "no_smm_ctl_msr": ("0x80000021", "eax", 9),
    "efer_lmsle_unsupported": ("0x80000008", "ebx", 20),
}

options = argparse.Namespace()  # set by main


class Machine:
    """The inner machine: what it consists of whatever runs in it."""

    def __init__(self):
        self.kernel = next(options.kernel.rglob("vmlinuz*"))
        modules = modules_in_order(options.kernel, ["kvm_amd", "msr", "cpuid"])
        directory, program, file = 0o040755, 0o100755, 0o100644
        entries = [(name, directory, b"") for name in ("bin", "proc", "sys", "dev", "modules")]
        entries += [
            ("busybox", program, next(options.busybox.rglob("bin/busybox")).read_bytes()),
            ("poolcpuid", program, options.program.read_bytes()),
            ("init", program, (HERE / "nested_svm_init").read_bytes()),
            ("modules/order", file, "\n".join(f"{name}.ko" for name in modules).encode()),
        ]
        entries += [(f"modules/{name}.ko", file, module) for name, module in modules.items()]
        self.base = gzip.compress(newc(entries), 1)

    def run(self, model, jobs, files=()):
        """Boots it on a CPU model. jobs: {name: (cpus, arguments)}. Returns {name: Finished}."""
        work = options.work / "machines" / model
        work.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{name} {cpus} {arguments}\n" for name, (cpus, arguments) in jobs.items())
        extra = [("jobs", 0o100644, lines.encode()), *((name, 0o100644, data) for name, data in dict(files).items())]
        (work / "initrd").write_bytes(self.base + gzip.compress(newc(extra), 1))
        # With a thread for each CPU, QEMU 7.2 hung in KVM_RUN of the inner machine in one boot of five.
        command = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-M", "pc", "-cpu", MODELS[model], "-smp", "2", "-m", "512",
                   "-nodefaults", "-display", "none", "-no-reboot", "-kernel", self.kernel, "-initrd", work / "initrd",
                   "-append", KERNEL_ARGUMENTS, "-serial", f"file:{work / 'console'}",
                   "-serial", f"file:{work / 'results'}"]
        with (work / "qemu").open("w") as messages:
            subprocess.run(command, stdin=subprocess.DEVNULL, stderr=messages, timeout=300, check=True)
        text = (work / "results").read_text()
        if not text.endswith("END\n"):
            raise RuntimeError(f"The machine {model} did not come to its end: see {work / 'console'}")
        return finished(base64.b64decode(text.removesuffix("END\n")))


class Finished:
    """What a run of the program in the machine gave."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def document(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit status {self.status}\n{self.err}\n{self.out[:4000]}"


def finished(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        content = {pathlib.Path(member.name).name: tar.extractfile(member).read().decode()
                   for member in tar if member.isfile()}
    names = [name.removesuffix(".status") for name in content if name.endswith(".status")]
    return {name: Finished(int(content[f"{name}.status"]), content[f"{name}.out"], content[f"{name}.err"])
            for name in names}


def poolcpuid(*arguments, expected=0):
    """Runs the program here, on the merging side."""
    result = subprocess.run([options.program, *arguments], capture_output=True, text=True)
    if result.returncode != expected:
        raise AssertionError(f"poolcpuid {arguments}: exit status {result.returncode}\n{result.stderr}")
    return result.stdout


def on_every_model(run):
    """{model: run(model)}, as many at a time as there are CPUs."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(MODELS, pool.map(run, MODELS)))


def row_of(rows, leaf, subleaf="0x0"):
    return next((row for row in rows if row["leaf"] == leaf and row["subleaf"] == subleaf), None)


def relaxed_host(capture):
    """A host like the captured one, on which the relaxed behaviours are so: both views show them."""
    host = copy.deepcopy(capture)
    host["name"] = "relaxed"
    tables = [cpu["cpuid"] for cpu in host["views"]["hardware"]["cpus"]] + [host["views"]["hypervisor"]["cpuid"]]
    for table in tables:
        head = row_of(table, "0x80000000")
        head["eax"] = f"0x{max(int(head['eax'], 16), 0x80000021):08x}"
        if row_of(table, "0x80000021") is None:
            zeros = {register: "0x00000000" for register in ("eax", "ebx", "ecx", "edx")}
            table.append({"leaf": "0x80000021", "subleaf": "0x0", **zeros})
        table.sort(key=lambda row: (int(row["leaf"], 16), int(row["subleaf"], 16)))
        for leaf, register, bit in RELAXED.values():
            row = row_of(table, leaf)
            row[register] = f"0x{int(row[register], 16) | 1 << bit:08x}"
    return host


class NestedSvm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.captured = on_every_model(lambda model: cls.machine.run(model, {
            "all": ("-", f"capture --name {model}"),
            "confined": ("0", f"capture --name {model}"),
            "unload": ("command", "rmmod cpuid"),
            "blind": ("0", f"capture --name {model}"),
        }))
        cls.hosts = {}
        for model, results in cls.captured.items():
            cls.hosts[model] = options.work / f"{model}.json"
            cls.hosts[model].write_text(results["all"].out)
        cls.policies = cls.merged()
        jobs = {name: ("-", f"verify /{name}.json --format json") for name in cls.policies}
        files = {f"{name}.json": path.read_bytes() for name, path in cls.policies.items()}
        cls.verified = on_every_model(lambda model: cls.machine.run(model, jobs, files))

    @classmethod
    def merged(cls):
        """The policies that are verified, by name."""
        hosts = [f"{model}={path}" for model, path in cls.hosts.items()]
        relaxed = options.work / "relaxed.json"
        relaxed.write_text(json.dumps(relaxed_host(json.loads(cls.hosts["milan"].read_text()))))
        names = ("pool", "ored", "set", "nested", "zen2", "wrong", "noapic")
        policies = {name: options.work / f"policy-{name}.json" for name in names}
        poolcpuid("merge", *hosts, "-o", policies["pool"])
        poolcpuid("merge", *hosts, relaxed, "-o", policies["ored"])
        poolcpuid("merge", *hosts, "--set", "fs_gs_base_ns=0x1", "-o", policies["set"])
        poolcpuid("merge", *hosts, "--show", "nested", "-o", policies["nested"])
        # XSAVEC without XSAVES, which goes for an erratum: KVM fills in the size of the area all the same.
        poolcpuid("merge", EXAMPLES / "amd-zen/hosts", "-o", policies["zen2"])
        wrong = json.loads(policies["pool"].read_text())
        row = row_of(wrong["cpuid"], "0x80000008")
        row["eax"] = f"0x{int(row['eax'], 16) & ~0xff00 | 45 << 8:08x}"  # linear addresses of 45 bits: KVM refuses them
        wrong["decisions"] = []
        policies["wrong"].write_text(json.dumps(wrong))
        without_apic = json.loads(policies["pool"].read_text())
        row = row_of(without_apic["cpuid"], "0x1")
        row["edx"] = f"0x{int(row['edx'], 16) & ~(1 << 9):08x}"  # KVM shows it by IA32_APIC_BASE, not by the entry
        without_apic["decisions"] = []
        policies["noapic"].write_text(json.dumps(without_apic))
        policies["foreign"] = options.work / "policy-foreign.json"
        poolcpuid("merge", EXAMPLES / "intel-haswell-skylake/hosts", "-o", policies["foreign"])
        return policies

    def test_capture_gives_the_view_of_kvm_amd(self):
        for model in MODELS:
            with self.subTest(model=model):
                result = self.captured[model]["all"]
                self.assertEqual(result.status, 0, result)
                document = result.document()
                self.assertEqual(document["meta"]["kvm_module"], "kvm_amd")
                self.assertEqual(document["meta"]["kvm_amd.npt"], "Y")
                view = document["views"]["hypervisor"]
                self.assertEqual(view["name"], "kvm")
                self.assertGreater(len(view["cpuid"]), 20)
                self.assertIn("0x10a", [msr["index"] for msr in view["msrs"]])
                self.assertNotIn("warning", result.err)  # all can be seen there
                poolcpuid("convert", self.hosts[model])

    def test_capture_reads_the_msrs_of_both_cpus(self):
        for model in MODELS:
            with self.subTest(model=model):
                hardware = self.captured[model]["all"].document()["views"]["hardware"]
                self.assertEqual([cpu["cpu"] for cpu in hardware["cpus"]], [0, 1])
                self.assertIn("0x8b", [msr["index"] for msr in hardware["msrs"]])

    def test_a_cpu_outside_of_the_cpuset_is_read_through_its_device(self):
        for model in MODELS:
            with self.subTest(model=model):
                results = self.captured[model]
                self.assertEqual(results["confined"].status, 0, results["confined"])
                self.assertEqual(results["confined"].out, results["all"].out)
                # Without the device it cannot be read: so the program was not able to run there.
                self.assertEqual(results["blind"].status, 0, results["blind"])
                self.assertEqual(results["blind"].document()["meta"]["cpus_not_read"], "1")
                self.assertIn("Left out logical CPU 1", results["blind"].err)

    def test_the_captures_may_run_what_was_merged_from_them(self):
        for name in ("pool", "nested"):
            poolcpuid("check", self.policies[name], *self.hosts.values())

    def test_a_pool_with_a_relaxed_host_has_the_bits_set(self):
        rows = {name: json.loads(self.policies[name].read_text())["cpuid"] for name in ("pool", "ored", "set")}
        for leaf, register, bit in RELAXED.values():
            self.assertEqual(int(row_of(rows["ored"], leaf)[register], 16) >> bit & 1, 1)
        leaf, register, bit = RELAXED["fs_gs_base_ns"]
        values = {name: int(row_of(rows[name], leaf)[register], 16) >> bit & 1 for name in rows}
        self.assertEqual(values, {"pool": 0, "ored": 1, "set": 1})

    def test_the_vcpu_shows_every_policy_exactly(self):
        for model in MODELS:
            with self.subTest(model=model):
                for name in ("pool", "ored", "set", "nested", "zen2"):
                    result = self.verified[model][name]
                    self.assertEqual(result.status, 0, result)
                    document = result.document()
                    policy = json.loads(self.policies[name].read_text())
                    for part in ("refused", "differences", "uncontrolled"):
                        self.assertEqual(document[part], [], result)
                    self.assertEqual(document["compared"]["rows"], len(policy["cpuid"]))
                    self.assertEqual(document["compared"]["msrs"], len(policy["msrs"]))
                    self.assertGreater(document["compared"]["other_rows"], 100)
                    self.assertEqual(document["kvm"]["module"], "kvm_amd")

    def test_what_kvm_refuses_fails_the_policy(self):
        for model in MODELS:
            with self.subTest(model=model):
                result = self.verified[model]["wrong"]
                self.assertEqual(result.status, 1, result)
                self.assertEqual([entry.get("leaf") for entry in result.document()["refused"]], ["0x80000008"])

    def test_what_kvm_shows_whatever_it_is_told_is_told_apart(self):
        for model in MODELS:
            with self.subTest(model=model):
                result = self.verified[model]["noapic"]
                self.assertEqual(result.status, 0, result)
                fields = result.document()["uncontrolled"]
                self.assertEqual([(field["field"], field["seen"]) for field in fields], [("apic", "0x1")])

    def test_a_policy_of_the_other_vendor_is_shown_too(self):
        for model in MODELS:
            with self.subTest(model=model):
                document = self.verified[model]["foreign"].document()
                policy = json.loads(self.policies["foreign"].read_text())
                self.assertEqual(document["differences"] + document["uncontrolled"], [])
                self.assertEqual(document["compared"]["rows"], len(policy["cpuid"]))


def main():
    parser = argparse.ArgumentParser()
    for name in ("program", "work", "kernel", "busybox"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    rest = parser.parse_known_args(namespace=options)[1]
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
