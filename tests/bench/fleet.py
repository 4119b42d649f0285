#!/usr/bin/env python3
"""fleet.py HOSTS [KINDS]: a fleet as NDJSON on standard output, made of the example hosts of one vendor.

KINDS (1,000) are of 25 a model: the examples with features taken away, each with five microcodes and five kernels. They
come in any order under names of their own. The same numbers give the same bytes.
"""
import itertools
import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS_OF_MODEL = 25
FEATURES = ((0x7, "ebx"), (0x1, "ecx"), (0x80000001, "ecx"))


def examples():
    for path in sorted((ROOT / "examples").glob("*/hosts/*.json")):
        host = json.loads(path.read_text())
        first = host["views"].get("hardware", {}).get("cpus", [host["views"].get("hypervisor")])[0]
        if first["cpuid"][0]["ebx"] == "0x756e6547":  # GenuineIntel
            yield host


def model(host, chance):
    """host without up to four of its features."""
    host = json.loads(json.dumps(host))
    views = host["views"]
    tables = [cpu["cpuid"] for cpu in views.get("hardware", {}).get("cpus", [])]
    if "hypervisor" in views:
        tables.append(views["hypervisor"]["cpuid"])
    lost = [(chance.choice(FEATURES), 1 << chance.randrange(5, 31)) for _ in range(chance.randrange(4))]
    for table in tables:
        for row in table:
            for (leaf, register), bit in lost:
                if int(row["leaf"], 16) == leaf and row["subleaf"] == "0x0":
                    row[register] = f"0x{int(row[register], 16) & ~bit:08x}"
    return host


def kinds(chance, count):
    bases = list(examples())
    models = [model(bases[i % len(bases)], chance) for i in range(-(-count // KINDS_OF_MODEL))]
    for host, microcode, kernel in itertools.product(models, range(5), range(5)):
        meta = {"kernel": f"6.{kernel}.0-{kernel + 7}-amd64", "microcode": f"0x{0x2006E00 + microcode:x}"}
        document = {"schema": host["schema"], "name": "@", "meta": meta, "views": host["views"]}
        before, after = json.dumps(document, separators=(",", ":")).split("@")
        yield before, after + "\n"


def main():
    count = int(sys.argv[1])
    chance = random.Random(1)
    most_kinds = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    all_kinds = list(itertools.islice(kinds(chance, most_kinds), most_kinds))
    lines = []
    for number in range(count):
        before, after = chance.choice(all_kinds)
        lines.append(f"{before}node-{number:07}{after}")
        if len(lines) == 4096 or number + 1 == count:
            sys.stdout.write("".join(lines))
            lines.clear()


if __name__ == "__main__":
    main()
