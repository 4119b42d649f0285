#!/usr/bin/env python3
"""Spoilt inputs of every kind end in a result or in a refusal: mutated_inputs_test.py [--files N] [--seed S] [--keep DIRECTORY]

Each of N files (60) is a dump of the corpus or an example, a policy, a partial result, or one of these packed, made
worse by mutations.py, and given to convert, hosts and merge (beside the whole file), which may have 1 GiB of address space
and ten seconds. The program must end with 0, 3 or 4, or with 1 where a verb says so; a refusal says why on standard error
and nothing on standard output. What ends otherwise is kept in DIRECTORY. The seed makes a run the same again.
"""

import argparse
import collections
import gzip
import io
import lzma
import os
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutations import mutate
from program import EXAMPLES, PROGRAM, REPOSITORY, run

ADDRESS_SPACE = 1 << 30
SECONDS = 10
MOST_BYTES = 8 << 20  # of a file: most of the time is to be the program's


def tar(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def seeds():
    """[(name, content)]: what the files are made of."""
    shared = Path(os.environ.get("POOLCPUID_SHARED", REPOSITORY.parent / "shared"))
    corpus = Path(os.environ.get("POOLCPUID_CORPUS", shared / "corpus"))
    paths = [path for path in sorted(corpus.rglob("*")) if path.is_file() and path.stat().st_size < 1 << 20]
    if not paths:
        print("skipped: no corpus, only the examples are spoilt")
    paths += sorted((EXAMPLES / "formats").iterdir()) + sorted(EXAMPLES.glob("*/hosts/*"))
    files = [(path.name, path.read_bytes()) for path in paths]
    hosts = sorted((EXAMPLES / "amd-zen/hosts").iterdir())
    policy = run("merge", *hosts, "--format", "json").stdout
    part = run("merge", "--partial", *hosts).stdout
    converted = [run("convert", path).stdout for path in hosts]
    small = dict(files[-6:])
    files += 5 * [("policy.json", policy), ("part.json", part), ("fleet.tar", tar(small)),
                  ("fleet.tar.gz", gzip.compress(tar(small), mtime=0)), ("host.xz", lzma.compress(converted[0]))]
    files += [(f"host{i}.json", text) for i, text in enumerate(converted)]
    return [(name, content) for name, content in files if content]


class Runs:
    def __init__(self, files, seed, directory, keep):
        self.files, self.seed, self.directory, self.keep = files, seed, Path(directory), keep
        self.outcomes = collections.Counter()
        self.wrong = []

    def wrong_with(self, result):
        if result.returncode not in (0, 1, 3, 4):
            return f"exit status {result.returncode}"
        if result.returncode in (3, 4) and result.stdout:
            return "a refusal with output"
        if result.returncode in (3, 4) and not result.stderr.strip():
            return "a refusal without a word"
        if any(byte < 32 and byte not in b"\n\t" for byte in result.stderr):
            return "control characters on standard error"
        return None

    def one(self, number):
        dice = random.Random(f"{self.seed} {number}")
        name, whole = dice.choice(self.files)
        spoilt = mutate(dice, whole, dice.choice(self.files)[1])[:MOST_BYTES]
        place = self.directory / str(number)
        place.mkdir()
        file, beside = place / f"spoilt-{name}", place / f"whole-{name}"
        file.write_bytes(spoilt)
        beside.write_bytes(whole)
        for call in (["convert", "--to", "ndjson", file], ["hosts", file, "--format", "json"], ["merge", file, beside]):
            try:
                result = run(*call, timeout=SECONDS)
                wrong, status = self.wrong_with(result), result.returncode
                words = result.stderr[-300:].decode(errors="replace")
            except subprocess.TimeoutExpired:
                wrong, status, words = f"no end within {SECONDS} s", "hangs", ""
            self.outcomes[call[0], status] += 1
            if wrong:
                self.wrong.append(f"{call[0]} {number} {name}: {wrong}: {words}")
                if self.keep:
                    (self.keep / f"{number}-{name}").write_bytes(spoilt)
        for path in (file, beside):
            path.unlink()
        place.rmdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    files = seeds()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as directory:
        runs = Runs(files, arguments.seed, directory, arguments.keep)
        with ThreadPoolExecutor(max_workers=os.cpu_count() + 1) as pool:
            # What is started from now on has it, too.
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, resource.getrlimit(resource.RLIMIT_AS)[1]))
            for done, _ in enumerate(pool.map(runs.one, range(arguments.files)), 1):
                if done % 1000 == 0:
                    print(f"{done} files, {len(runs.wrong)} wrong", flush=True)
    for (verb, status), count in sorted(runs.outcomes.items(), key=str):
        print(f"{verb}: {count} ended with {status}")
    print(f"{arguments.files} files of {len(files)}: {len(runs.wrong)} wrong")
    for line in runs.wrong[:50]:
        print(line)
    return 1 if runs.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
