#!/usr/bin/env python3
"""Completion in real shells, the manual pages in what sets them, and the log as JSON lines."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import poolcpuid

COMPLETE = r"""
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_poolcpuid
printf '%s\n' "${COMPREPLY[@]}"
"""


def without(program):
    """True, and says so, where a program is not installed."""
    if shutil.which(program):
        return False
    print(f"skipped: no {program}")
    return True


def output(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=60, **options).stdout


class Completion(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        (self.directory / "hosts").mkdir()
        (self.directory / "pool a.json").touch()

    def script(self, shell):
        file = self.directory / f"completion.{shell}"
        file.write_text(poolcpuid.run("completion", shell))
        return file

    def bash(self, *words):
        """What bash offers for the last of the words, as readline splits them."""
        return output("bash", "-c", COMPLETE, "bash", self.script("bash"), "poolcpuid", *words,
                      cwd=self.directory).split("\n")[:-1]

    def test_bash_completes_verbs_options_words_and_files(self):
        self.assertEqual(self.bash("me"), ["merge"])
        self.assertEqual(self.bash("-q", "--threads", "2", "exp"), ["explain"])
        self.assertEqual(self.bash("-q", "merge", "--fai"), ["--fail-on"])
        self.assertEqual(self.bash("rules", "le"), ["levels"])
        self.assertEqual(self.bash("merge", "--fai"), ["--fail-on"])
        self.assertEqual(self.bash("merge", "--thr"), ["--threads"])
        self.assertEqual(self.bash("merge", "hosts", "--fail-on", ""), ["error", "warning"])
        self.assertEqual(self.bash("merge", "hosts", "--fail-on", "=", "w"), ["warning"])
        self.assertEqual(self.bash("render", "--to", "fire"), ["firecracker"])
        self.assertEqual(self.bash("capture", "--require", "kvm,mic"), ["kvm,microcode"])
        self.assertEqual(self.bash("schema", "polic"), ["policy"])
        self.assertEqual(self.bash("help", "mer"), ["merge"])
        self.assertEqual(self.bash("check", "po"), ["pool a.json"])
        self.assertEqual(self.bash("merge", "hosts", "-o", "po"), ["pool a.json"])
        self.assertEqual(self.bash("merge", "new", "=", "po"), ["pool a.json"])
        self.assertEqual(self.bash("merge", "--rulebook", ""), ["hosts"])

    def test_zsh_reads_the_script(self):
        if without("zsh"):
            return
        script = self.script("zsh")
        loaded = output("zsh", "-f", "-c", f"compdef() {{ print $@ }}; source {script}; print $+functions[_poolcpuid_merge]")
        self.assertEqual(loaded, "_poolcpuid poolcpuid\n1\n")
        self.assertIn("'*--fail-on=[", script.read_text())
        self.assertNotIn("'*--verbose=[", script.read_text())

    def test_fish_completes_verbs_options_and_words(self):
        if without("fish"):
            return
        script = self.script("fish")

        def offered(line):
            lines = output("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'", cwd=self.directory)
            return [word.split("\t")[0] for word in lines.splitlines()]

        self.assertEqual(offered("poolcpuid mer"), ["merge"])
        self.assertEqual(offered("poolcpuid rules le"), ["levels"])
        self.assertEqual(offered("poolcpuid merge --fai"), ["--fail-on"])
        self.assertEqual(offered("poolcpuid merge --fail-on w"), ["warning"])
        self.assertEqual(offered("poolcpuid completion z"), ["zsh"])


class Manual(unittest.TestCase):
    def pages(self):
        program = poolcpuid.run("help", "--man")
        verbs = [line.split("\\-")[1].split(" ")[0] for line in program.splitlines()
                 if line.startswith(".BR poolcpuid\\-")]
        self.assertIn("merge", verbs)
        return {"": program, **{verb: poolcpuid.run("help", "--man", verb) for verb in verbs}}

    def test_what_sets_the_pages_has_nothing_to_say(self):
        checks = [command for command in (["groff", "-man", "-Tutf8", "-ww", "-z"], ["mandoc", "-T", "lint", "-W", "error"])
                  if not without(command[0])]
        for verb, page in self.pages().items():
            self.assertTrue(page.isascii(), verb)
            for command in checks:
                with self.subTest(verb=verb, by=command[0]):
                    result = subprocess.run(command, input=page, text=True, capture_output=True, timeout=60)
                    self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_a_page_has_what_help_has(self):
        page = poolcpuid.run("help", "--man", "merge")
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", '"EXIT STATUS"', "EXAMPLES", '"SEE ALSO"'):
            self.assertIn(f".SH {section}\n", page.replace(".SH EXIT STATUS", '.SH "EXIT STATUS"')
                          .replace(".SH SEE ALSO", '.SH "SEE ALSO"'))
        for word in poolcpuid.run("merge", "--help").split():
            if word.startswith("--"):
                self.assertIn(word.strip(",.").replace("-", "\\-"), page)


class Log(unittest.TestCase):
    def errors(self, *arguments, status):
        result = subprocess.run([os.environ["POOLCPUID_PROGRAM"], *arguments], text=True, capture_output=True, timeout=60)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stderr

    def test_lines_are_documents(self):
        lines = self.errors("check", "/absent", "/absent", "--log-format", "json", status=3).splitlines()
        self.assertTrue(lines)
        for line in map(json.loads, lines):
            self.assertEqual((line["schema"], line["level"], line["kind"], line["file"]),
                             ("poolcpuid/log/v1", "error", "input", "/absent"))
        usage, = self.errors("mrge", "--log-format=json", status=2).splitlines()
        self.assertEqual(json.loads(usage)["kind"], "usage")

    def test_text_is_the_default(self):
        text = self.errors("check", "/absent", "/absent", status=3)
        self.assertTrue(text.startswith("poolcpuid: error: "))
        self.assertEqual(self.errors("check", "/absent", "/absent", "--log-format", "text", status=3), text)

    def test_errors_are_told_in_one_manner(self):
        self.errors("merge", "x", "--log-format", "json", "--errors", "json", status=2)


if __name__ == "__main__":
    poolcpuid.main("bash")
