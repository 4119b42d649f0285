#!/usr/bin/env python3
"""-o FILE is all or nothing: a disk that is full or fails, limits, SIGKILL, several writers, inputs that change meanwhile.

What tests/cli/output_file_test.cpp asks of links, devices, open files and the caller's rights is not asked again here.
POOLCPUID_KILLS=500 kills the program so many times at random moments (60); the seed is printed.
"""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

from program import EXAMPLES, PROGRAM, Case, run

UNFINISHED = ".poolcpuid-"  # src/os/replace_file.hpp
WRITING = ["openat", "fchmod", "write", "fsync", "unlink", "linkat", "rename"]
FAILED = 5


def merged(hosts):
    result = run("merge", hosts, "--format", "json")
    assert result.returncode == 0, result.stderr
    return result.stdout


class Output(Case):
    @classmethod
    def setUpClass(cls):
        cls.hosts = EXAMPLES / "amd-zen/hosts"
        cls.others = EXAMPLES / "intel-haswell-skylake/hosts"
        cls.new = merged(cls.hosts)
        cls.old = b"old" * 100

    def setUp(self):
        super().setUp()
        self.target = self.directory / "pool.json"
        self.target.write_bytes(self.old)

    def merge(self, target=None, **options):
        return run("merge", self.hosts, "-o", target or self.target, **options)

    def names(self):
        return sorted(os.listdir(self.directory))

    def assert_refused(self, result, words=b"cannot be written"):
        self.assertEqual(result.returncode, FAILED, result.stderr)
        self.assertIn(words, result.stderr)
        self.assertEqual(result.stdout, b"")

    def assert_nothing_happened(self):
        self.assertEqual(self.target.read_bytes(), self.old)
        self.assertEqual(self.names(), ["pool.json"])

    # A file system of the test's own.

    def in_file_system(self, options, script):
        """Runs a script of the shell in an empty file system at $1; $2 is the program, $3 the hosts. What it printed."""
        mount = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        probe = subprocess.run([*mount, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
        if probe.returncode != 0:
            self.skip_case(f"no file system can be mounted here: {probe.stderr.decode().strip()}")
        script = f'set -u; mount -t tmpfs -o {options} none "$1" && cd "$1" && {{ {script}\n}}'
        return subprocess.run([*mount, "sh", "-c", script, "sh", self.directory, PROGRAM, self.hosts],
                              capture_output=True, text=True, timeout=60)

    WRITE = '"$2" merge "$3" -o pool.json; echo "status $?"; cat pool.json; echo; ls -A'

    def test_a_full_disk_leaves_the_old_file_and_no_other(self):
        for options in ("size=64k", "size=128k"):  # the policy has more
            result = self.in_file_system(options, "echo old > pool.json; " + self.WRITE)
            self.assertEqual(result.stdout.split(), ["status", "5", "old", "pool.json"], result)
            self.assertIn("No space left on device", result.stderr)

    def test_a_disk_without_room_for_a_name_leaves_the_old_file(self):
        result = self.in_file_system("nr_inodes=2", "echo old > pool.json; " + self.WRITE)
        self.assertEqual(result.stdout.split(), ["status", "5", "old", "pool.json"], result)
        self.assertIn("No space left on device", result.stderr)

    def test_a_read_only_file_system(self):
        result = self.in_file_system("size=1m", 'echo old > pool.json; mount -o remount,ro "$1"; ' + self.WRITE)
        self.assertEqual(result.stdout.split(), ["status", "5", "old", "pool.json"], result)
        self.assertIn("Read-only file system", result.stderr)

    def test_a_read_only_directory(self):
        self.directory.chmod(0o555)
        self.addCleanup(self.directory.chmod, 0o755)
        options = {}
        if os.geteuid() == 0:  # who is bound by no permissions
            nobody = 65534
            if run("--version", user=nobody).returncode != 0:
                self.skip_case("another user cannot run the program")
            options["user"] = nobody
        self.assert_refused(self.merge(**options), b"Permission denied")
        self.assert_nothing_happened()

    def test_standard_output_on_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            result = run("merge", self.hosts, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(result.returncode, FAILED)
        self.assertIn(b"standard output: cannot be written: No space left on device", result.stderr)

    # Limits of the process.

    def test_a_limit_on_the_size_of_files(self):
        size = len(self.new)
        for most in (0, 1, 4096, 65536, size - 1):
            with self.subTest(most=most):
                result = self.merge(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
                self.assert_refused(result)
                self.assert_nothing_happened()
        result = self.merge(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.target.read_bytes(), self.new)

    # Failing calls, one after another; strace makes them fail.

    def traced(self, *options):
        log = self.directory.parent / f"{self.directory.name}.trace"
        self.addCleanup(log.unlink, missing_ok=True)
        launcher = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=" + ",".join(WRITING), *options]
        return self.merge(launcher=launcher), log.read_text(errors="replace")

    def calls_of_output(self):
        """[(name, which of its kind)] from the first call that makes the new file."""
        self.require_strace()
        result, log = self.traced()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.target.write_bytes(self.old)
        self.main_thread = log.split()[0]
        calls, counts, begun = [], {}, False
        for line in log.splitlines():
            match = re.match(r"(\d+) +(\w+)\(", line)
            if match is None or match[1] != self.main_thread:
                continue
            name = match[2]
            counts[name] = counts.get(name, 0) + 1
            begun = begun or "O_TMPFILE" in line or UNFINISHED in line
            if begun:
                calls.append((name, counts[name]))
        return calls

    def test_bytes_and_names_are_on_the_disk_before_it_is_done(self):
        order = [name for name, _ in self.calls_of_output() if name in ("fsync", "rename")]
        self.assertEqual(order, ["fsync", "rename", "fsync"])

    def test_each_call_may_fail_or_be_the_last(self):
        calls = self.calls_of_output()
        renamed = calls.index(next(call for call in calls if call[0] == "rename"))
        for i, (name, which) in enumerate(calls):
            for fault in ("error=EIO", "error=ENOSPC", "signal=KILL"):
                with self.subTest(call=name, which=which, fault=fault):
                    for left in self.directory.glob(UNFINISHED + "*"):
                        left.unlink()
                    self.target.write_bytes(self.old)
                    result, _ = self.traced("-e", f"inject={name}:{fault}:when={which}")
                    content = self.target.read_bytes()
                    if fault == "signal=KILL":
                        self.assertIn(content, (self.old, self.new))
                        for left in self.names():
                            self.assertTrue(left == "pool.json" or left.startswith(UNFINISHED), left)
                    elif result.returncode == 0:
                        self.assertEqual(content, self.new)
                        self.assertEqual(self.names(), ["pool.json"])
                    else:
                        self.assertLessEqual(i, renamed)
                        self.assert_refused(result)
                        # Where no name can be removed, the unfinished one stays.
                        if name != "unlink":
                            self.assert_nothing_happened()
                        self.assertEqual(content, self.old)

    def test_killed_at_any_moment_it_leaves_the_old_file_or_the_new(self):
        kills = int(os.environ.get("POOLCPUID_KILLS", "60"))
        seed = int(os.environ.get("POOLCPUID_SEED", time.time_ns() % 2**32))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        whole = []
        for _ in range(5):
            start = time.monotonic()
            self.merge()
            whole.append(time.monotonic() - start)
        files = {self.new: self.hosts, merged(self.others): self.others}
        ended = dict.fromkeys(files, 0)
        old, unfinished, killed = self.target.read_bytes(), 0, 0
        for i in range(kills):
            wanted, hosts = list(files.items())[(i + 1) % 2]
            with subprocess.Popen([PROGRAM, "merge", hosts, "-o", self.target], stderr=subprocess.DEVNULL) as process:
                time.sleep(dice.uniform(0, 1.3 * max(whole)))
                process.kill()
            killed += process.returncode == -signal.SIGKILL
            content = self.target.read_bytes()
            self.assertIn(content, (old, wanted), f"neither the old file nor the new one after kill {i}")
            ended[wanted] += content == wanted != old
            old = content
        for left in self.names():
            self.assertTrue(left == "pool.json" or left.startswith(UNFINISHED), left)
            unfinished += left != "pool.json"
        print(f"{kills} runs, {killed} killed: {sum(ended.values())} new files, no wrong one, "
              f"{unfinished} unfinished ones left", flush=True)

    # Pipes and several processes.

    def test_a_reader_that_goes_away(self):
        for ignores in (False, True):
            with self.subTest(ignores_sigpipe=ignores):
                handler = signal.SIG_IGN if ignores else signal.SIG_DFL
                reading, writing = os.pipe()
                os.close(reading)
                result = run("merge", self.hosts, capture_output=False, stdout=writing, stderr=subprocess.PIPE,
                             restore_signals=False, preexec_fn=lambda: signal.signal(signal.SIGPIPE, handler))
                os.close(writing)
                if ignores:
                    self.assertEqual(result.returncode, FAILED)
                    self.assertIn(b"standard output: cannot be written: Broken pipe", result.stderr)
                else:
                    self.assertEqual(result.returncode, -signal.SIGPIPE)

    def test_hosts_from_a_closed_standard_input(self):
        result = run("merge", "-", stdin=None, preexec_fn=lambda: os.close(0))
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stdout, b"")
        self.assertNotEqual(result.stderr, b"")

    def test_two_writers_at_once_leave_the_file_of_one(self):
        wanted = (self.new, merged(self.others))
        for _ in range(10):
            writers = [subprocess.Popen([PROGRAM, "merge", hosts, "-o", self.target], stderr=subprocess.DEVNULL)
                       for hosts in (self.hosts, self.others, self.hosts, self.others)]
            while any(writer.poll() is None for writer in writers):
                self.assertIn(self.target.read_bytes(), (self.old, *wanted))
            self.assertEqual([writer.returncode for writer in writers], [0] * len(writers))
            self.assertIn(self.target.read_bytes(), wanted)
            self.assertEqual(self.names(), ["pool.json"])

    def test_a_pipe_with_a_name_gets_the_whole(self):
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        received = []
        reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
        reader.start()
        self.assertEqual(self.merge(pipe).returncode, 0)
        reader.join(10)
        self.assertEqual(received, [self.new])
        self.assertTrue(pipe.is_fifo())

    def test_a_link_to_nothing_gets_its_file(self):
        link = self.directory / "link"
        link.symlink_to("made.json")
        self.assertEqual(self.merge(link).returncode, 0)
        self.assertTrue(link.is_symlink())
        self.assertEqual((self.directory / "made.json").read_bytes(), self.new)

    def test_what_is_read_is_never_written(self):
        """No option says so, as for cp: the result would be an input of the next run."""
        before = {path: path.read_bytes() for path in self.hosts.iterdir()}
        host = self.directory / "host.txt"
        shutil.copy(self.hosts / "genoa-1.txt", host)
        before[host] = host.read_bytes()
        for call in (["merge", host, "-o", host], ["merge", self.hosts, "-o", next(iter(before))],
                     ["convert", host, "-o", host]):
            result = run(*call)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertEqual(result.stdout, b"")
        self.assertEqual({path: path.read_bytes() for path in before}, before)

    # Inputs that change while they are read.

    def test_an_input_that_shrinks_while_it_is_read(self):
        whole = (self.hosts / "genoa-1.txt").read_bytes()
        large = whole + b"\n" * (24 << 20)
        host = self.directory / "host.txt"
        host.write_bytes(large)
        stop = threading.Event()

        def shrink_and_grow():
            dice = random.Random(0)
            while not stop.is_set():
                os.truncate(host, dice.choice((0, 1, 4096, len(whole) // 2, len(whole), 1 << 20)))
                time.sleep(dice.uniform(0, 0.01))
                with open(host, "r+b") as file:
                    file.write(large)
                time.sleep(dice.uniform(0, 0.01))

        changer = threading.Thread(target=shrink_and_grow)
        changer.start()
        try:
            for _ in range(20):
                result = run("convert", host)
                self.assertIn(result.returncode, (0, 3), result.stderr)
                self.assertEqual(result.returncode == 0, result.stdout != b"")
                self.assertEqual(result.returncode == 0, not result.stderr.startswith(b"poolcpuid: error"))
        finally:
            stop.set()
            changer.join()


if __name__ == "__main__":
    unittest.main(catchbreak=True)
