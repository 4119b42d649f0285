"""QEMU's gdb stub, as much of it as is needed to answer a guest's instructions in QEMU's place.

    with GdbStub(path) as stub:                 # the socket of -gdb
        stub.stop_at(address)
        while stub.run():                       # False when QEMU has ended
            stub.write("rax", 0); stub.write("rip", stub.read("rip") + 6)

The protocol: GDB's manual, "Remote Serial Protocol". Registers have their numbers for x86-64 there.
"""

import socket
import struct
import time

REGISTERS = {"rax": 0, "rbx": 1, "rcx": 2, "rdx": 3, "rip": 16}
TIMEOUT = 180  # seconds without an event


class GdbStub:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.socket.connect(str(self.path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)
        else:
            raise RuntimeError(f"QEMU did not open {self.path}")
        self.socket.settimeout(TIMEOUT)
        self.bytes = b""
        self._ask("qXfer:features:read:target.xml:0,ffb")  # single registers are only for those who know their numbers
        return self

    def __exit__(self, *_):
        self.socket.close()

    def stop_at(self, address):
        """Stops in front of the instruction from now on."""
        self._ask(f"Z0,{address:x},1")

    def run(self):
        """Goes on to the next stop. False when QEMU has ended."""
        self._send("c")
        return self._stopped()

    def step(self):
        """Executes the instruction in front of which it stopped."""
        point = self.read("rip")
        self._ask(f"z0,{point:x},1")
        self._send("s")
        self._stopped()
        self._ask(f"Z0,{point:x},1")

    def read(self, register):
        return struct.unpack("<Q", bytes.fromhex(self._ask(f"p{REGISTERS[register]:x}")))[0]

    def write(self, register, value):
        self._ask(f"P{REGISTERS[register]:x}={struct.pack('<Q', value).hex()}")

    def _ask(self, command):
        self._send(command)
        answer = self._receive()
        if answer is None or answer.startswith("E"):
            raise RuntimeError(f"QEMU's gdb stub answered {command} with {answer}")
        return answer

    def _send(self, command):
        self.socket.sendall(f"${command}#{sum(command.encode()) % 256:02x}".encode())

    def _stopped(self):
        answer = self._receive()
        return answer is not None and answer[0] in "TS"

    def _receive(self):
        """The next packet, or None when there is none any more."""
        while b"#" not in self.bytes or len(self.bytes) < self.bytes.index(b"#") + 3:
            try:
                more = self.socket.recv(4096)
            except ConnectionError:
                return None
            if not more:
                return None
            self.bytes += more
        end = self.bytes.index(b"#")
        packet = self.bytes[self.bytes.index(b"$") + 1:end].decode()
        self.bytes = self.bytes[end + 3:]
        if not packet.startswith("W"):  # with which QEMU takes its leave
            self.socket.sendall(b"+")
        return packet
