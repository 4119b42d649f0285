"""Processes that a test starts: waiting for what they do, and ending them."""

import subprocess
import time

# Enough for a machine under heavy load; what is waited for takes a tenth of a second.
PATIENCE = 120

# Put before a command, it ends the process even where the test itself is killed.
GUARD = ["setpriv", "--pdeathsig", "KILL"]


def wait_for(condition, what):
    """Its first true value. Raises TimeoutError that says what did not come."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {PATIENCE} s")
        time.sleep(0.01)
    return value


def stop_process(process):
    """Ends a process that was started here, if it still runs, and waits for its end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
