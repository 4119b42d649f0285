#!/usr/bin/env python3
"""What the README and docs/ show is so: each block marked sh runs as it stands, and prints the plain block that follows.

The blocks of a page run one after the other, in a copy of the repository's files, each with `bash -e`. In what is
shown, a line "..." stands for lines that are left out. A block of a program that is not installed is skipped, and so are
those of its page that follow."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import poolcpuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OTHER_PROGRAMS = ["ssh-keygen"]
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")


def examples(page):
    """The commands of each sh block, and the parts of the plain block right after it: ("", []) if there is none."""
    text = page.read_text()
    blocks = list(BLOCK.finditer(text))
    for block, following in zip(blocks, [*blocks[1:], None]):
        if block[1] != "sh":
            continue
        shown = []
        if following and following[1] == "" and text[block.end():following.start()].strip() == "":
            shown = [part.strip("\n") for part in re.split(r"^\.\.\.$", following[2], flags=re.MULTILINE)]
        yield block[2], [part for part in shown if part]


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Docs(unittest.TestCase):
    def run_block(self, commands, directory):
        path = f"{pathlib.Path(os.environ['POOLCPUID_PROGRAM']).resolve().parent}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-ec", commands], cwd=directory, text=True, timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PATH": path, "COLUMNS": "80"})

    def test_the_commands_run_and_print_what_is_shown(self):
        ran = 0
        for page in PAGES:
            with tempfile.TemporaryDirectory() as scratch:
                for name in ("examples", "policy"):
                    shutil.copytree(ROOT / name, pathlib.Path(scratch) / name)
                for commands, shown in examples(page):
                    lacking = [name for name in OTHER_PROGRAMS if name in commands and not shutil.which(name)]
                    if lacking:
                        print(f"skipped: {page.name} from here on: no {lacking[0]} (Debian: openssh-client)")
                        break
                    with self.subTest(page=page.name, commands=commands):
                        result = self.run_block(commands, scratch)
                        self.assertEqual(result.returncode, 0, result.stdout)
                        at = 0
                        for part in shown:
                            found = result.stdout.find(part, at)
                            self.assertGreaterEqual(found, 0, f"not printed:\n{part}\nbut:\n{result.stdout}")
                            at = found + len(part)
                        ran += 1
        self.assertGreater(ran, 15)

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target, anchor in LINK.findall(page.read_text()):
                with self.subTest(page=page.name, target=target, anchor=anchor):
                    file = page.parent / target if target else page
                    self.assertTrue(file.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(file))


if __name__ == "__main__":
    poolcpuid.main("bash")
