"""A Slurm cluster of the test's own: munged, slurmctld and a slurmd for each node, on loopback and in one directory.

    cluster = Cluster(directory, ["one", "two"])
    cluster.run("sbatch", "--parsable", script)
    cluster.kill("two")            # as if its power went
    cluster.stop()

Debian's slurmd takes -N, with which several of them run on one machine, each with a port of its own (slurm-wlm 22.05 is
built so). No systemd, no database and no cgroups are needed; all run as who runs the test. A process of a node is known
by a variable that slurmd and slurmstepd have in their environment, or is a descendant of one.
"""

import os
import pathlib
import pwd
import signal
import socket
import subprocess

from processes import GUARD, stop_process, wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "sinfo")
# Debian's sbin is in no user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
MARK = "POOLCPUID_TEST_NODE"

CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool.%n
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/builtin
SlurmdTimeout=10
"""


def free_ports(count):
    """Ports on which nothing listens now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def processes():
    """{pid: (pid of the parent, environment)} of all that may be looked at."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name of the program, in parentheses, may hold anything.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(entry.name)] = parent, (entry / "environ").read_bytes().split(b"\0")
        except (OSError, ValueError):
            pass
    return found


class Cluster:
    def __init__(self, directory, nodes):
        """directory has to exist."""
        self.directory = pathlib.Path(directory)
        self.daemons = {}
        self.environment = os.environ | {"PATH": SEARCH_PATH, "SLURM_CONF": str(self.directory / "slurm.conf"),
                                         "LC_ALL": "C.UTF-8"}
        host, port, *ports = socket.gethostname().split(".")[0], *free_ports(1 + len(nodes))
        text = CONFIGURATION.format(host=host, port=port, directory=self.directory,
                                    user=pwd.getpwuid(os.getuid()).pw_name)
        for node, own in zip(nodes, ports):
            text += f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={own} CPUs=1\n"
            (self.directory / f"spool.{node}").mkdir()
        (self.directory / "slurm.conf").write_text(text + "PartitionName=all Nodes=ALL Default=YES State=UP\n")
        (self.directory / "state").mkdir()
        key = self.directory / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        try:
            self._start("munged", "munged", "--foreground", "--force", f"--key-file={key}",
                        *(f"--{name}-file={self.directory}/munge.{name}" for name in ("pid", "log", "seed")),
                        f"--socket={self.directory}/munge.socket")
            wait_for((self.directory / "munge.socket").exists, "munged's socket")
            self._start("slurmctld", "slurmctld", "-D")
            for node in nodes:
                self._start(node, "slurmd", "-D", "-N", node, marked=node)
            wait_for(lambda: self.states() == dict.fromkeys(nodes, "idle"), f"idle nodes {nodes}")
        except Exception as error:
            self.stop()
            said = "".join(file.read_text(errors="replace") for file in self.directory.glob("*.said"))
            raise RuntimeError(f"{error}; the daemons said: {said}") from error

    def _start(self, name, *command, marked=None):
        environment = self.environment | ({MARK: self._mark(marked)} if marked else {})
        with open(self.directory / f"{name}.said", "wb") as said:
            self.daemons[name] = subprocess.Popen([*GUARD, *command], env=environment, cwd=self.directory,
                                                  stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def _mark(self, node):
        return f"{self.directory}/{node}"

    def run(self, *command, **variables):
        """What the command printed; variables are added to its environment."""
        result = subprocess.run(command, env=self.environment | variables, capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            raise AssertionError(f"{command} ended with {result.returncode}: {result.stderr}")
        return result.stdout

    def states(self):
        """{node: state}; nothing while no slurmctld answers."""
        try:
            lines = self.run("sinfo", "--Node", "--noheader", "--format=%N %T").splitlines()
        except AssertionError:
            return {}
        return dict(line.split() for line in lines)

    def job(self, number):
        """What scontrol says of a job, {key: value}; of a task of an array by its "JOB_TASK"."""
        words = self.run("scontrol", "--oneliner", "show", "job", number).split()
        return dict(word.partition("=")[::2] for word in words)

    def kill(self, node):
        """Ends slurmd and all that runs on the node at once, without a word to anyone."""
        mark = f"{MARK}={self._mark(node)}".encode()
        all_of_them = processes()
        doomed = {pid for pid, (_, environment) in all_of_them.items() if mark in environment}
        grown = True
        while grown:
            children = {pid for pid, (parent, _) in all_of_them.items() if parent in doomed} - doomed
            doomed |= children
            grown = bool(children)
        for pid in doomed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.daemons.pop(node).wait()

    def stop(self):
        for name in list(self.daemons):
            if name not in ("munged", "slurmctld"):
                self.kill(name)
        for name in ("slurmctld", "munged"):
            if name in self.daemons:
                stop_process(self.daemons.pop(name))
