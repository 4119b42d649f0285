"""peak_memory.py COMMAND...: runs the command, and prints its wait status and its largest memory in KiB on standard output,
which the command does not see. Of a program the system counts what its process was before, too: so a small one starts
it, and not the test (`python3 -S`, which imports little)."""
import os
import sys

NOTHING = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_WRONLY, 0) for descriptor in (1, 2)]

child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=NOTHING)
_, status, usage = os.wait4(child, 0)
print(status, usage.ru_maxrss)
