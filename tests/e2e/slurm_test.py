#!/usr/bin/env python3
"""examples/slurm on a slurmctld and two slurmd: a node is killed while it reads its shard, which runs again on the other
one, and the policy has the bytes of one merge. What needs no Slurm is tested with a stand-in of sbatch."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import poolcpuid
from processes import wait_for
from slurm_cluster import PROGRAMS, SEARCH_PATH, Cluster

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SUBMIT = REPOSITORY / "examples/slurm/submit"
SHARDS = 4

# On the node that is to die it says that it runs, and waits for its end.
PROGRAM = """#!/bin/sh
if [ "$SLURMD_NODENAME" = two ]; then
    touch {directory}/reading
    sleep 3600
fi
exec {program} "$@"
"""


def hosts_in(directory, count):
    """Hosts with few contents under many names, and some that are alone."""
    dumps = sorted((REPOSITORY / "examples/amd-zen/hosts").iterdir())
    for number in range(count):
        dump = dumps[number % len(dumps)]
        text = poolcpuid.run("convert", f"node-{number:03}={dump}")
        folder = directory / f"rack {number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"node-{number:03}.json").write_text(text)


class Fleet(unittest.TestCase):
    def setUp(self):
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            self.skipTest(f"not installed: {', '.join(missing)}")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="poolcpuid-slurm-"))
        self.addCleanup(shutil.rmtree, self.directory)
        (self.directory / "cluster").mkdir()
        self.cluster = Cluster(self.directory / "cluster", ["one", "two"])
        self.addCleanup(self.cluster.stop)

    def log(self):
        return "".join(file.read_text() for file in sorted((self.directory / "work/log").iterdir()))

    def wait_for_state(self, job, state):
        def is_there():
            found = self.cluster.job(job)["JobState"]
            self.assertNotIn(found, ("FAILED", "CANCELLED", "TIMEOUT"), self.log())
            return found == state
        wait_for(is_there, f"job {job} in state {state}")

    def test_a_node_that_dies_in_the_middle(self):
        hosts = self.directory / "the hosts"
        hosts_in(hosts, 60)
        program = self.directory / "program"
        program.write_text(PROGRAM.format(directory=self.directory, program=os.environ["POOLCPUID_PROGRAM"]))
        program.chmod(0o755)

        options = ["--pool", "fleet", "--ceiling", "x86-64-v3"]
        reduction = self.cluster.run(SUBMIT, hosts, self.directory / "work", str(SHARDS), *options,
                                     POOLCPUID=str(program)).strip()
        array = str(int(reduction) - 1)
        wait_for((self.directory / "reading").exists, "a shard on the node that is to die")
        running = self.cluster.run("squeue", "--noheader", "--states=R", "--nodelist=two", "--format=%i").split()
        self.assertEqual(len(running), 1)
        shard = running[0].rpartition("_")[2]
        self.cluster.kill("two")

        written = {f"{number:06}.json" for number in range(SHARDS) if str(number) != shard}
        parts = self.directory / "work/parts"
        wait_for(lambda: {part.name for part in parts.iterdir()} == written, "the other shards")
        self.assertFalse((self.directory / "work/pool.json").exists())
        wait_for(lambda: self.cluster.states()["two"].startswith("down"), "the loss of the node")
        self.wait_for_state(f"{array}_{shard}", "PENDING")
        self.assertEqual(self.cluster.job(f"{array}_{shard}")["Restarts"], "1")
        # Slurm leaves a job that it queues again alone for two minutes.
        self.cluster.run("scontrol", "update", f"JobId={array}_{shard}", "StartTime=now")

        self.wait_for_state(reduction, "COMPLETED")
        self.assertEqual(self.cluster.job(f"{array}_{shard}")["NodeList"], "one")
        policy = (self.directory / "work/pool.json").read_text()
        files = sorted(hosts.rglob("*.json"))
        self.assertEqual(len(files), 60)
        self.assertEqual(policy, poolcpuid.run("merge", *files, *options, "--format", "json"))

    def test_a_shard_that_fails_keeps_the_policy_from_being_made(self):
        hosts = self.directory / "hosts"
        hosts_in(hosts, 3)
        (hosts / "broken.txt").write_text("no dump\n")
        self.cluster.kill("two")
        reduction = self.cluster.run(SUBMIT, hosts, self.directory / "work", "2",
                                     POOLCPUID=os.environ["POOLCPUID_PROGRAM"]).strip()
        wait_for(lambda: self.cluster.job(reduction)["JobState"] == "CANCELLED", "the end of the reduction")
        self.assertFalse((self.directory / "work/pool.json").exists())
        self.assertIn("broken.txt: expected a CPUID dump", self.log())


# Runs the tasks of an array one after the other, and every job at once.
SBATCH = """#!/bin/sh
set -eu
last=
while :; do
    case $1 in
        --array=*) last=${1#--array=0-} ;;
        --*) ;;
        *) break ;;
    esac
    shift
done
if [ -z "$last" ]; then
    "$@" >&2
else
    for task in $(seq 0 "$last"); do SLURM_ARRAY_TASK_ID=$task "$@" >&2; done
fi
echo 1
"""

# As where one of the directories cannot be read: it says so by its status alone.
FIND = """#!/bin/sh
{find} "$@"
echo "find: 'hosts/locked': Permission denied" >&2
exit 1
"""


class Recipes(unittest.TestCase):
    """Which files are hosts, and that none is lost in silence: of submit, and of GNU parallel's as docs/fleet.md has it."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="poolcpuid-recipes-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.programs = self.directory / "programs"
        self.programs.mkdir()
        self.stand_in("sbatch", SBATCH)

    def stand_in(self, name, text):
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run_here(self, *command):
        program = os.environ["POOLCPUID_PROGRAM"]
        path = os.pathsep.join([str(self.programs), str(pathlib.Path(program).parent), SEARCH_PATH])
        return subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=120,
                              env=os.environ | {"PATH": path, "HOME": str(self.directory), "POOLCPUID": program})

    def submit(self, hosts):
        return self.run_here(SUBMIT, hosts, "work", "3")

    def parallel(self):
        document = (REPOSITORY / "docs/fleet.md").read_text()
        commands = document.partition("<!-- parallel -->")[2].partition("```\n")[2].partition("```")[0]
        self.assertIn("parallel", commands)
        return self.run_here("sh", "-eu", "-c", commands)

    def lose_a_directory(self):
        hosts_in(self.directory / "hosts", 6)
        self.stand_in("find", FIND.format(find=shutil.which("find")))

    def test_links_are_hosts_as_they_are_of_merge(self):
        store = self.directory / "store"
        hosts_in(store, 6)
        hosts = self.directory / "hosts"
        hosts.mkdir()
        (self.directory / "by name").symlink_to("hosts")
        (hosts / "rack").symlink_to(store / "rack 0")
        (hosts / "linked.txt").symlink_to(REPOSITORY / "examples/amd-zen/hosts/genoa-1.txt")
        shutil.copy(store / "rack 1/node-001.json", hosts)
        (hosts / ".snapshot").mkdir()
        for name in (".unfinished", ".snapshot/old.txt"):
            (hosts / name).write_text("no dump\n")
        result = self.submit("by name")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.directory / "work/pool.json").read_text(),
                         poolcpuid.run("merge", hosts, store / "rack 0"))

    def test_a_link_to_nothing_is_no_smaller_pool(self):
        hosts_in(self.directory / "hosts", 2)
        (self.directory / "hosts/gone.txt").symlink_to("nowhere.txt")
        result = self.submit("hosts")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("gone.txt", result.stderr)
        self.assertFalse((self.directory / "work/pool.json").exists())

    def test_a_directory_that_cannot_be_read_is_no_smaller_pool(self):
        self.lose_a_directory()
        result = self.submit("hosts")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("no job was submitted", result.stderr)
        self.assertFalse((self.directory / "work").exists())  # it can be run again

    def test_nor_is_it_with_parallel(self):
        self.lose_a_directory()
        self.stand_in("parallel", "#!/bin/sh\ntouch ran\n")
        self.assertNotEqual(self.parallel().returncode, 0)
        self.assertFalse((self.directory / "ran").exists())
        self.assertFalse((self.directory / "pool.json").exists())

    def test_the_same_bytes_with_parallel(self):
        if shutil.which("parallel") is None:
            self.skipTest("not installed: parallel")
        hosts_in(self.directory / "hosts", 40)
        result = self.parallel()
        self.assertEqual(result.returncode, 0, result.stderr)
        files = sorted((self.directory / "hosts").rglob("*.json"))
        self.assertEqual((self.directory / "pool.json").read_text(), poolcpuid.run("merge", *files))


if __name__ == "__main__":
    os.environ["PATH"] = SEARCH_PATH
    poolcpuid.main()
