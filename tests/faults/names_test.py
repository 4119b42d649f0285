#!/usr/bin/env python3
"""Names are untrusted: hosts and a pool with hostile names, through every verb, format and target of render.

What cannot be a name is refused, and not repeated as it is. What can be one comes out where nothing acts on it: no control
character reaches a terminal, documents of JSON, YAML, XML and HTML have the name as one text, and commands run nothing.
"""

import html.parser
import json
import os
import subprocess
import unittest
import xml.etree.ElementTree

from program import EXAMPLES, TARGETS, Case, run

HARMLESS = "plain"
TAKEN = ["$(touch made)`touch made`", "'; touch made; '", '"; touch made; " #', "</script><img src=x onerror=made()>", "--]]>-->",
         "{{ made }}{% made %}${made}", "- a: *made", "&amp;%s\\n\\x1b[31m", "[Section] k=v", "ｗ" * 85]
REFUSED = ["\x1b[31mred", "two\nlines", "return\rback", "tab\tin", "bell\x07", "\x7f", "\x9b31m", "\u202eevil", "\u2066a", "",
           "a" * 256]
NOT_UTF8 = [b"\xff\xfe", b"a\xc0\xaf", b"\xed\xa0\x80"]
ACTING = [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x061c, 0x200e, 0x200f, *range(0x202a, 0x202f),
                                 *range(0x2066, 0x206a))]


class Tags(html.parser.HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.texts += [value for _, value in attrs if value]

    def handle_data(self, data):
        self.texts.append(data)


def strings(value):
    """Every string of a JSON document, keys too."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (key, *strings(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


class Names(Case):
    def setUp(self):
        super().setUp()
        self.host = json.loads(run("convert", EXAMPLES / "amd-zen/hosts/genoa-1.txt").stdout)
        self.other = EXAMPLES / "amd-zen/hosts/milan-1.txt"

    def document(self, name):
        """A host that is called so."""
        path = self.directory / "host.json"
        path.write_text(json.dumps({**self.host, "name": name}), encoding="utf-8")
        return path

    def assert_nothing_acts(self, result):
        for stream in (result.stdout, result.stderr):
            text = stream.decode("utf-8")  # an error where it is not
            self.assertEqual([sign for sign in ACTING if sign in text], [], result.args)

    def call(self, *arguments, statuses=(0, 1)):
        result = run(*arguments, cwd=self.directory)
        self.assertIn(result.returncode, statuses, (arguments, result.stderr))
        self.assert_nothing_acts(result)
        return result.stdout.decode()

    def each_taken(self):
        for name in TAKEN:
            with self.subTest(name=name):
                host = self.document(name)
                policy = self.directory / "pool.json"
                policy.write_text(self.call("merge", host, self.other, "--pool", name, "--format", "json"), encoding="utf-8")
                yield name, host, policy

    def calls(self, host, policy):
        """The verbs that say names, each as it would be asked."""
        whole = [host, self.other]
        return [["hosts", *whole], ["merge", *whole, "--pool", "p"], ["show", policy], ["audit", policy, "--hosts", *whole],
                ["check", policy, *whole], ["diff", policy, self.other], ["diff", policy, host],
                ["plan", policy, "--hosts", *whole, "--remove", json.loads(host.read_text())["name"]],
                ["plan", "--hosts", *whole, "--split", "2"],
                ["explain", policy, "--hosts", *whole], ["explain", policy, "avx512f"]]

    def test_what_can_be_no_name_is_refused_and_not_repeated(self):
        for name in REFUSED:
            with self.subTest(name=name):
                host = self.document(name)
                for call in (["hosts", host], ["merge", host], ["convert", host]):
                    self.assertEqual(self.call(*call, statuses=(3,)), "")
                    self.assertEqual(self.call("--errors", "json", *call, statuses=(3,)), "")
        for name in [text.encode() for text in REFUSED if text and "\0" not in text] + NOT_UTF8:
            with self.subTest(name=name):
                host = self.document(HARMLESS)
                self.call("hosts", name + b"=" + os.fsencode(host), statuses=(2, 3))

    def test_a_file_with_such_a_name(self):
        for name in [text.encode() for text in REFUSED if 0 < len(text) < 200] + NOT_UTF8:
            with self.subTest(name=name):
                path = os.path.join(os.fsencode(self.directory), name + b".txt")
                with open(path, "wb") as file:
                    file.write((EXAMPLES / "formats/cpuid-r.txt").read_bytes())
                for call in (["hosts", path], ["merge", path], ["convert", path]):
                    self.assertEqual(self.call(*call, statuses=(3,)), "")
                os.unlink(path)

    def test_text_and_json_of_every_verb(self):
        for name, host, policy in self.each_taken():
            for call in self.calls(host, policy):
                self.call(*call, "--format", "text", "--color", "never")
                document = json.loads(self.call(*call, "--format", "json"))
                if call[0] in ("hosts", "merge", "check"):
                    self.assertTrue(name in strings(document), (call, name))

    def page(self, policy, host):
        self.call("report", policy, "--hosts", host, self.other, "-o", "page.html")
        return (self.directory / "page.html").read_text(encoding="utf-8")

    def test_the_page_of_the_auditor(self):
        plain = set(Tags(self.page(*self.harmless())).tags)
        for name, host, policy in self.each_taken():
            page = Tags(self.page(policy, host))
            self.assertTrue(any(name in text for text in page.texts), name)
            self.assertEqual(set(page.tags), plain)

    def harmless(self):
        """The policy of a pool, and its host, of a name that means nothing to anybody."""
        host = self.document(HARMLESS)
        self.call("merge", host, self.other, "--pool", HARMLESS, "-o", "harmless.json")
        return self.directory / "harmless.json", host

    def test_every_target_of_render(self):
        policy, _ = self.harmless()
        plain = {target: self.call("render", "--to", target, policy, "--format", "text") for target in TARGETS}
        for name, _, policy in self.each_taken():
            for target in TARGETS:
                with self.subTest(target=target):
                    text = self.call("render", "--to", target, policy, "--format", "text")
                    if target == "proxmox":  # has the name, without what its files mean something by
                        self.assertRegex(text, r"\Acpu-model: [A-Za-z0-9_-]+\n")
                    elif target != "kvm":  # whose JSON has the name as it is
                        self.assertEqual(text, plain[target])
                    json.loads(self.call("render", "--to", target, policy, "--format", "json"))
                    self.check_target(target, text)

    def check_target(self, target, text):
        if target in ("firecracker", "kvm"):
            json.loads(text)
        elif target == "libvirt":
            self.assertEqual(xml.etree.ElementTree.fromstring(text).tag, "cpu")
        elif target == "kubevirt":
            try:
                import yaml
            except ImportError:
                self.skip_case("no PyYAML")
            self.assertIsInstance(yaml.safe_load(text), dict)
        elif target in ("virtualbox", "incus"):
            self.run_as_script(text)
        elif target in ("nova", "vmware"):
            for line in text.splitlines():
                self.assertRegex(line, r"\A(#.*|\[libvirt\]|[\w.:-]+ *=.*|)\Z")

    def run_as_script(self, text):
        """Nothing but the VMM's own program is called, which is not there."""
        script = self.directory / "script"
        script.write_text(text, encoding="utf-8")
        self.assertEqual(subprocess.run(["bash", "-n", script]).returncode, 0)
        ran = subprocess.run(["bash", "-c", 'VBoxManage() { :; }; incus() { :; }; VM=x; . "$0" x', script], cwd=self.directory,
                             capture_output=True)
        self.assertEqual(ran.stderr, b"")
        self.assertFalse((self.directory / "made").exists())


if __name__ == "__main__":
    unittest.main(catchbreak=True)
