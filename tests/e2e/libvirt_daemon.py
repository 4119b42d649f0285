"""A libvirtd of the test's own, in session mode: its sockets, configuration and domains are in one directory.

    libvirt = Libvirt(directory, owner)
    libvirt.virsh("define", "--validate", file)
    libvirt.stop()

libvirtd is in session mode for anyone but root, so root runs it as nobody. No systemd, D-Bus or virtlogd is needed.
"""

import os
import pathlib
import pwd
import shutil
import subprocess

from processes import GUARD, PATIENCE, stop_process, wait_for

PROGRAMS = ("libvirtd", "virsh")
# Debian's sbin is in no user's PATH.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def find(program):
    return shutil.which(program, path=SEARCH_PATH)


class Libvirt:
    def __init__(self, directory):
        """directory has to exist; root gives it to nobody."""
        self.directory = pathlib.Path(directory)
        user = []
        for name in ("run", "config", "cache", "data"):
            (self.directory / name).mkdir(mode=0o700)
        (self.directory / "config/libvirt").mkdir()
        # Else libvirtd has virtlogd write QEMU's messages, which would be one more process.
        (self.directory / "config/libvirt/qemu.conf").write_text('stdio_handler = "file"\n')
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            user = ["--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups"]
        environment = {"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8", "HOME": str(self.directory)}
        for name in ("run", "config", "cache", "data"):
            variable = "XDG_RUNTIME_DIR" if name == "run" else f"XDG_{name.upper()}_HOME"
            environment[variable] = str(self.directory / name)
        self.messages = self.directory / "messages"
        self.socket = self.directory / "run/libvirt/libvirt-sock"
        self.uri = f"qemu+unix:///session?socket={self.socket}"
        with open(self.messages, "wb") as messages:
            self.process = subprocess.Popen([*GUARD, *user, find("libvirtd")], env=environment, cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)
        try:
            wait_for(self._is_up, "libvirtd's socket")
        except Exception as error:
            self.stop()
            raise RuntimeError(f"{error}; it said: {self.messages.read_text()}") from error

    def _is_up(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"libvirtd ended with {self.process.returncode}")
        return self.socket.exists()

    def virsh(self, *arguments):
        """virsh's exit status, and what it printed: data and errors."""
        result = subprocess.run([find("virsh"), "--quiet", "-c", self.uri, *map(str, arguments)],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                                env={"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"})
        return result.returncode, result.stdout + result.stderr

    def stop(self):
        """Ends the domains that still run, then libvirtd, which would leave them alone."""
        if self.process.poll() is None:
            for name in self.virsh("list", "--name")[1].split():
                self.virsh("destroy", name)
        stop_process(self.process)
