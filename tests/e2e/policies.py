"""The policies that the end-to-end tests render: CPU models of QEMU and pools of them, and the example pools.

A model is captured with x-force-features=on, which shows it as QEMU defines it.
"""

import functools
import json
import pathlib
import tempfile

from guest import REPOSITORY
from poolcpuid import run

POOLS = {
    "phenom": ["phenom"],
    "opteron-g3": ["Opteron_G3"],
    "epyc": ["EPYC"],
    "epyc-rome": ["EPYC-Rome"],
    "epyc-milan": ["EPYC-Milan"],
    "epyc-all": ["EPYC", "EPYC-Rome", "EPYC-Milan"],
    "amd-old-and-new": ["Opteron_G3", "EPYC-Milan"],
    "dhyana": ["Dhyana"],
    "conroe": ["Conroe"],
    "nehalem": ["Nehalem-IBRS"],
    "sandy-bridge": ["SandyBridge-IBRS"],
    "haswell": ["Haswell-noTSX-IBRS"],
    "skylake": ["Skylake-Server-noTSX-IBRS"],
    "cascade-lake": ["Cascadelake-Server-noTSX,+md-clear"],
    "ice-lake": ["Icelake-Server-noTSX"],
    "intel-servers": ["Haswell-noTSX-IBRS", "Skylake-Server-noTSX-IBRS,+md-clear", "Icelake-Server-noTSX"],
}

EXAMPLES = ["amd-zen", "intel-haswell-skylake", "qemu-tcg-amd", "qemu-tcg-intel"]


def merge_pool(guest, name, models, directory):
    """Captures the models as hosts, merges them and returns the file of the policy."""
    hosts = pathlib.Path(directory) / name
    hosts.mkdir()
    for model in models:
        (hosts / f"{model.split(',')[0]}.txt").write_text(guest.capture(f"{model},x-force-features=on"))
    policy = pathlib.Path(directory) / f"{name}.json"
    run("merge", "--pool", name, hosts, "-o", policy)
    return policy


SCRATCH = tempfile.TemporaryDirectory()  # gone when the tests end


@functools.cache
def example_policy(name):
    """The file of an example pool's policy, as the program under test makes it."""
    policy = pathlib.Path(SCRATCH.name) / f"{name}.json"
    run("merge", "--pool", name, REPOSITORY / "examples" / name / "hosts", "-o", policy)
    return policy


def read(policy):
    return json.loads(pathlib.Path(policy).read_text())
