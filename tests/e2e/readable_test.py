#!/usr/bin/env python3
"""The lines with which examples/check compares: no value of a policy or a plan changes without them, and no digest is
in them."""

import functools
import json
import pathlib
import sys
import tempfile
import unittest

import poolcpuid
from guest import REPOSITORY
from policies import EXAMPLES, example_policy, read

sys.path.insert(0, str(REPOSITORY / "tests" / "lib"))
import readable

ZEN = REPOSITORY / "examples" / "amd-zen" / "hosts"


def places(value, path=()):
    """The path of every value that has no parts, but of digests and other projects' names."""
    if isinstance(value, dict):
        entries = [(key, entry) for key, entry in value.items() if not readable.is_left_out(key, entry)]
    elif isinstance(value, list):
        entries = list(enumerate(value))
    else:
        yield path
        return
    for key, entry in entries:
        yield from places(entry, (*path, key))


def other(value):
    return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}1"


def a_plan():
    with tempfile.TemporaryDirectory() as scratch:
        policy = pathlib.Path(scratch) / "pool.json"
        poolcpuid.run("merge", ZEN / "rome-1.json", "-o", policy)
        return json.loads(poolcpuid.run("plan", policy, "--hosts", ZEN / "rome-1.json", "--add", ZEN / "genoa-1.txt",
                                        "--format", "json", status=1))


class ReadableTest(unittest.TestCase):
    def check_changes(self, document, each):
        lines = readable.lines_of(document)
        paths = list(places(document))[::each]
        self.assertGreater(len(paths), 50)
        for *path, last in paths:
            parent = functools.reduce(lambda part, key: part[key], path, document)
            value, parent[last] = parent[last], other(parent[last])
            self.assertNotEqual(readable.lines_of(document), lines, (*path, last))
            parent[last] = value
        self.assertEqual(readable.lines_of(document), lines)

    def test_no_value_of_a_policy_changes_unseen(self):
        self.check_changes(read(example_policy("amd-zen")), 7)

    def test_no_value_of_a_plan_changes_unseen(self):
        self.check_changes(a_plan(), 61)

    def test_no_digest_is_seen(self):
        for document in [*map(read, map(example_policy, EXAMPLES)), a_plan()]:
            self.assertNotRegex("\n".join(readable.lines_of(document)), "[0-9a-f]{64}")


if __name__ == "__main__":
    poolcpuid.main()
