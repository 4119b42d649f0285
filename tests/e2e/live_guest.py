"""A guest that stays, under QEMU's emulation: it can be asked for its CPUID again and again, and be migrated.

    source = LiveGuest(directory / "source", kernel, cpu)
    target = LiveGuest(directory / "target", kernel, cpu, incoming=True)
    before = source.dump(1)
    source.migrate_to(target)
    target.ask()
    after = target.dump(2)
    source.stop(); target.stop()

Everything goes over unix sockets in the directory.
"""

import json
import pathlib
import socket
import subprocess

from guest import QEMU
from processes import GUARD, PATIENCE, stop_process, wait_for


class Qmp:
    """QEMU's control socket (docs/interop/qmp-spec of QEMU)."""

    def __init__(self, path, process):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        wait_for(lambda: self._connect(path, process), f"QMP at {path}")
        self.lines = self.socket.makefile()
        self.lines.readline()  # the greeting
        self("qmp_capabilities")

    def _connect(self, path, process):
        if process.poll() is not None:
            raise RuntimeError(f"QEMU ended with {process.returncode}")
        try:
            self.socket.connect(str(path))
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def __call__(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:  # else an event
                return answer["return"]
        raise RuntimeError(f"{command}: QEMU closed its socket")

    def close(self):
        self.lines.close()
        self.socket.close()


class LiveGuest:
    def __init__(self, directory, kernel, cpu, incoming=False):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.console, self.messages = self.directory / "console", self.directory / "messages"
        self.inbox = self.directory / "migration"
        command = [*GUARD, QEMU, "-accel", "tcg", "-M", "microvm", "-cpu", cpu, "-m", "32", "-nodefaults",
                   "-display", "none", "-no-reboot", "-kernel", str(kernel), "-append", "repeat",
                   "-debugcon", f"file:{self.console}",
                   "-serial", f"unix:{self.directory}/serial,server=on,wait=off",
                   "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off"]
        if incoming:
            command += ["-incoming", f"unix:{self.inbox}"]
        with open(self.messages, "wb") as messages:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)
        self.qmp = None
        try:
            self.qmp = Qmp(self.directory / "qmp", self.process)
        except Exception as error:
            self.stop()
            raise RuntimeError(f"{error}; it said: {self.messages.read_text()}") from error

    def stop(self):
        if self.qmp is not None:
            self.qmp.close()
        stop_process(self.process)

    def ask(self):
        """Asks the guest for one more dump."""
        with socket.socket(socket.AF_UNIX) as serial:
            serial.settimeout(PATIENCE)
            serial.connect(str(self.directory / "serial"))
            serial.sendall(b"\n")

    def dump(self, number):
        """What this process printed when the guest has ended its dump of this number, counted from its boot."""
        end = f"end of dump {number}\n"
        return wait_for(lambda: (text := self.console.read_text()).endswith(end) and text,
                        f"dump {number}")

    def migrate_to(self, target):
        """Moves the guest there while it runs. Raises RuntimeError when QEMU says that it failed."""
        self.qmp("migrate", uri=f"unix:{target.inbox}")
        status = wait_for(lambda: (now := self.qmp("query-migrate"))["status"] in ("completed", "failed", "cancelled")
                          and now, "the end of the migration")
        if status["status"] != "completed":
            raise RuntimeError(f"the migration ended as {status}")
        wait_for(lambda: target.qmp("query-status")["status"] == "running", "the guest at its target")
