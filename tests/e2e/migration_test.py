"""Live migration under QEMU's emulation, with the policy as `render --to qemu` writes it.

The same -cpu on both sides: the guest sees the policy before and after, and no register changes. Another -cpu on the
other side: QEMU migrates without a word and leaf 7 changes under the running guest; `check` says no beforehand.
"""

import pathlib
import tempfile
import unittest

import poolcpuid
from guest import QEMU, REGISTERS, REPOSITORY, Guest, rows_of
from live_guest import LiveGuest

AVX2, FSGSBASE = 1 << 5, 1 << 0  # of CPUID 7.0 EBX


class Migration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="poolcpuid-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.guest = Guest(cls.directory)

    def live(self, name, cpu, incoming=False):
        guest = LiveGuest(self.directory / name, self.guest.kernel, cpu, incoming)
        self.addCleanup(guest.stop)
        return guest

    def migrate(self, name, source_cpu, target_cpu):
        """Boots a guest and migrates it: the rows that it saw before, and after. Fails when the target says anything
        that the source did not."""
        source = self.live(f"{name}-source", source_cpu)
        target = self.live(f"{name}-target", target_cpu, incoming=True)
        before = source.dump(1)
        source.migrate_to(target)
        target.ask()
        # The second dump is the target's: the guest counts them, and it did not boot again.
        after = target.dump(2)
        self.assertEqual(source.console.read_text(), before)
        self.assertEqual(target.messages.read_text(), source.messages.read_text())
        return rows_of(before), rows_of(after)

    def pool(self, name):
        policy = poolcpuid.merge([REPOSITORY / "examples" / name / "hosts"])
        return policy, poolcpuid.render("qemu", policy, "--accel", "tcg")


class SamePolicy(Migration):
    def test_no_register_changes(self):
        for name in ("qemu-tcg-amd", "qemu-tcg-intel", "amd-zen", "intel-haswell-skylake"):
            with self.subTest(pool=name):
                policy, rendering = self.pool(name)
                before, after = self.migrate(name, rendering["output"], rendering["output"])
                self.assertEqual(poolcpuid.differences(policy, rendering, before), [])
                self.assertEqual(after, before)

    def test_features_are_compared(self):
        # No list of owned or unknown bits may grow over what the comparison is for.
        policy, rendering = self.pool("qemu-tcg-amd")
        rows = self.guest.cpuid(rendering["output"] + ",avx2=off,sse4a=off")
        self.assertEqual([line.split(":")[0] for line in poolcpuid.differences(policy, rendering, rows)],
                         ["0x7.0x0 ebx", "0x80000001.0x0 ecx"])


class OtherPolicy(Migration):
    def test_qemu_is_silent_and_check_is_not(self):
        policy, rendering = self.pool("qemu-tcg-amd")
        lesser = rendering["output"] + ",avx2=off,fsgsbase=off"

        host = self.directory / "lesser.txt"
        host.write_text(self.guest.capture(lesser))
        verdict = poolcpuid.check(policy, host, status=1)
        violations = [violation for of_host in verdict["hosts"] for violation in of_host["violations"]]
        self.assertEqual(sorted(violation["field"] for violation in violations), ["avx2", "fsgsbase"])

        before, after = self.migrate("lesser", rendering["output"], lesser)
        changed = {(*place, register): before[place][register] ^ after.get(place, {}).get(register, 0)
                   for place in before for register in REGISTERS}
        self.assertEqual({place: bits for place, bits in changed.items() if bits}, {(0x7, 0, "ebx"): AVX2 | FSGSBASE})
        self.assertEqual(before[0x7, 0]["ebx"] & (AVX2 | FSGSBASE), AVX2 | FSGSBASE)
        self.assertEqual(after.keys(), before.keys())

    def test_check_accepts_the_same_cpu(self):
        policy, rendering = self.pool("qemu-tcg-amd")
        host = self.directory / "same.txt"
        host.write_text(self.guest.capture(rendering["output"]))
        poolcpuid.check(policy, host, status=0)


if __name__ == "__main__":
    poolcpuid.main(QEMU, "gcc", "setpriv")
