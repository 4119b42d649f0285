"""Asks a QEMU over QMP on its standard input and output.

    with Qmp("-M", "none") as qemu:
        models = qemu.ask("query-cpu-definitions")

    rows, on = boot(guest, "EPYC-Rome,-avx2")   # what CPUID returned, and the boolean properties that are on
"""

import json
import subprocess
import tempfile

from guest import FINISHED, QEMU, qemu_arguments, rows_of


class Qmp:
    def __init__(self, *arguments, command=None):
        command = command or [QEMU, "-nodefaults", "-display", "none", "-S", *arguments]
        self.process = subprocess.Popen([*command, "-qmp", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        try:
            self.answer()  # the greeting
            self.ask("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.communicate()

    def answer(self):
        """The next message that is no event. Raises RuntimeError when QEMU ends instead."""
        for line in self.process.stdout:
            message = json.loads(line)
            if "event" not in message:
                return message
        raise RuntimeError(f"QEMU ended: {self.process.stderr.read()}")

    def send(self, command, arguments):
        """Sends one command with each of many arguments."""
        for entry in arguments:
            self.process.stdin.write(json.dumps({"execute": command, "arguments": entry}) + "\n")
        self.process.stdin.flush()

    def ask_all(self, command, arguments):
        """The answers to one command with each of many arguments."""
        self.send(command, arguments)
        answers = [self.answer() for _ in arguments]
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
        return [answer["return"] for answer in answers]

    def ask(self, command, **arguments):
        return self.ask_all(command, [arguments])[0]


def on_in_cpu(qemu, names=None):
    """Those of the boolean properties that are on in the realized CPU. names: nothing for all."""
    cpu = qemu.ask("query-cpus-fast")[0]["qom-path"]
    if names is None:
        names = {entry["name"] for entry in qemu.ask("qom-list", path=cpu) if entry["type"] in ("bool", "boolean")}
    values = qemu.ask_all("qom-get", [{"path": cpu, "property": name} for name in names])
    return {name for name, value in zip(names, values) if value}


def boot(guest, cpu, names=None):
    """(rows, on): what CPUID returned in a guest, and which of its realized CPU's boolean properties are on."""
    with tempfile.NamedTemporaryFile(dir=guest.directory) as rows:
        with Qmp(command=[*qemu_arguments(cpu, guest.kernel, rows.name), "-S"]) as qemu:
            on = on_in_cpu(qemu, names)
            qemu.send("cont", [{}])  # the guest may end before the answer
            if qemu.process.wait(60) != FINISHED:
                raise RuntimeError(f"QEMU ended with {qemu.process.returncode} on -cpu {cpu}")
        with open(rows.name, encoding="ascii") as text:
            return rows_of(text.read()), on
