"""The report as a reader meets it: opened from disk, filtered, opened, printed, in light and dark, wide and narrow."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from browser import Browser, text_of_pdf
from pages import FINDING, MARKUP, POOL, Pages

SHOWN = "return [...document.querySelectorAll('#matrix > tbody')].filter(b => b.checkVisibility()).map(b => b.id)"
OPEN = ("return [...document.querySelectorAll('#matrix > tbody')]"
        ".filter(b => b.querySelector('.panel dl').checkVisibility({contentVisibilityAuto: true})).map(b => b.id)")

# Every element with text of its own that is seen, whose contrast (WCAG 2.2, relative luminance) is below 4.5.
LOW_CONTRAST = """
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const background = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  throw new Error('no background');
};
let seen = 0;
const low = [];
for (const element of document.querySelectorAll('body *')) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  if (!hasText || !element.checkVisibility()) continue;
  seen += 1;
  const both = [luminance(getComputedStyle(element).color), luminance(background(element))].sort((a, b) => b - a);
  const contrast = (both[0] + 0.05) / (both[1] + 0.05);
  if (contrast < 4.5) low.push(`${element.outerHTML.slice(0, 80)}: ${contrast.toFixed(2)}`);
}
return [seen, low];
"""


class ReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="poolcpuid-browser-")
        cls.addClassCleanup(directory.cleanup)
        cls.pages = Pages(directory.name)
        cls.small, cls.hostile, cls.numbered = cls.pages.small(), cls.pages.hostile(), cls.pages.numbered()
        cls.large, cls.part = cls.pages.large(), cls.pages.listed_in_part()
        cls.few_hosts = (cls.small, cls.hostile, cls.numbered, cls.part)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.quit)

    def tearDown(self):
        self.assertEqual(self.browser.take_log(), [])

    def decisions(self, name, which):
        """The anchors of the decisions of a policy that are as asked, in the order of the page."""
        return [self.anchor(decision) for decision in self.pages.policy(name)["decisions"] if which(decision)]

    @staticmethod
    def anchor(decision):
        in_several = decision["field"].startswith(("xs_", "cache_"))
        return f"f-{decision['field']}" + (f"-{int(decision['subleaf'], 16)}" if in_several else "")

    def write(self, text):
        self.browser.run("arguments[0].value = ''; arguments[0].dispatchEvent(new Event('input'))", self.words())
        self.words().send_keys(text)

    def words(self):
        return self.browser.driver.find_element("id", "words")

    def status(self):
        return self.browser.run("return document.getElementById('shown').textContent")

    def wait_until_open(self, anchors):
        """A page hears of a new fragment when its address has changed already, and so may this script."""
        try:
            WebDriverWait(self.browser.driver, 10).until(lambda _: self.browser.run(OPEN) == anchors)
        except TimeoutException:
            self.assertEqual(self.browser.run(OPEN), anchors)

    def test_a_page_asks_for_nothing_and_logs_nothing(self):
        for page in (*self.few_hosts, self.large):
            with self.subTest(page.name):
                self.browser.open(page)
                self.assertEqual(self.browser.run("return document.readyState"), "complete")
                self.assertEqual(set(self.browser.take_requests()) - {"about:blank"}, {f"file://{page}"})
                self.assertEqual(self.browser.take_log(), [])

    def test_the_security_policy_stops_what_is_not_the_page_s_own(self):
        self.browser.open(self.small)
        self.browser.run("""
            const script = document.createElement('script');
            script.textContent = 'document.title = "taken over"';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<p id="styled" style="position: fixed">x</p>');""")
        self.assertEqual(self.browser.run("return document.title"), "CPUID policy of amd-zen")
        position = "return getComputedStyle(document.getElementById('styled')).position"
        self.assertEqual(self.browser.run(position), "static")
        self.assertEqual(len(self.browser.take_log()), 2)  # both were refused

    def test_words_filter(self):
        self.browser.open(self.small)
        everything = self.browser.run(SHOWN)
        self.assertEqual(everything, self.decisions("amd-zen", lambda d: True))
        self.assertEqual(self.status(), f"{len(everything)} of {len(everything)} fields shown")
        self.write("Fs_Gs_Base_NS")
        self.assertEqual(self.browser.run(SHOWN), ["f-fs_gs_base_ns"])
        self.assertEqual(self.status(), f"1 of {len(everything)} fields shown")
        self.write("cr4.PCIDE Faults")
        self.assertEqual(self.browser.run(SHOWN), ["f-pcid"])
        self.write("0x7.0 ebx avx512")
        shown = self.browser.run(SHOWN)
        self.assertIn("f-avx512f", shown)
        self.assertNotIn("f-avx512vbmi", shown)  # in ECX
        self.write("rome-1")
        self.assertEqual(self.browser.run(SHOWN), self.decisions("amd-zen", lambda d: "rome-1" in d["because"]))
        self.write("qwertz")
        self.assertEqual(self.browser.run(SHOWN), [])
        self.assertEqual(self.status(), f"0 of {len(everything)} fields shown")

    def test_rules_and_kinds_filter(self):
        self.browser.open(self.small)
        boxes = {box.get_attribute("value"): box
                 for box in self.browser.driver.find_elements("css selector", "#controls input[name=rule]")}
        boxes["union"].click()
        self.assertEqual(self.browser.run(SHOWN), self.decisions("amd-zen", lambda d: d["rule"] == "union"))
        boxes["min"].click()
        both = self.decisions("amd-zen", lambda d: d["rule"] in ("union", "min"))
        self.assertEqual(self.browser.run(SHOWN), both)
        self.write("genoa-1")
        self.assertLess(len(self.browser.run(SHOWN)), len(both))
        self.write("")
        boxes["union"].click()
        boxes["min"].click()
        which = Select(self.browser.driver.find_element("id", "which"))
        which.select_by_visible_text("on which hosts differ")
        self.assertEqual(self.browser.run(SHOWN), self.decisions("amd-zen", lambda d: len(d["values"]) > 1))
        which.select_by_visible_text("that hosts limit")
        limited = self.decisions("amd-zen", lambda d: d["because"] and d["rule"] != "identity")
        self.assertEqual(self.browser.run(SHOWN), limited)
        which.select_by_visible_text("that help against attacks")
        self.assertEqual(self.browser.run(SHOWN), self.decisions("amd-zen", lambda d: d.get("mitigates")))
        which.select_by_visible_text("all of them")
        cpu = Select(self.browser.driver.find_element("id", "cpu"))
        cpu.select_by_visible_text("Rome")
        self.assertEqual(self.browser.run(SHOWN), self.decisions("amd-zen", lambda d: "rome-1" in d["because"]))
        cpu.select_by_visible_text("any")
        impact = Select(self.browser.driver.find_element("id", "impact"))
        impact.select_by_visible_text("crash")
        crash = self.browser.run(SHOWN)
        self.assertIn("f-avx512f", crash)
        impact.select_by_visible_text("security")
        self.assertIn("f-btc_no", self.browser.run(SHOWN))
        self.assertEqual(set(self.browser.run(SHOWN)) & set(crash), set())
        impact.select_by_visible_text("any")
        self.assertEqual(len(self.browser.run(SHOWN)), len(self.decisions("amd-zen", lambda d: True)))

    def test_the_keyboard_is_enough(self):
        self.browser.open(self.small)
        visited = []
        for _ in range(120):
            self.browser.tab()
            visited.append(self.browser.run("""
                const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
                return [at.id || at.className || at.hash, style.outlineStyle, box.left >= 0 && box.right <= innerWidth]"""))
            if visited[-1][0] == "field":
                break
        names = [name for name, _, _ in visited]
        self.assertEqual(names[0], "skip")
        self.assertEqual(names[1], "#summary")
        order = ["words", "which", "impact", "cpu", "open-all", "fold-all", "print-all", "field"]
        self.assertEqual([name for name in names if name in order], order)
        self.assertEqual([entry for entry in visited if entry[1] == "none" or not entry[2]], [])
        first = self.browser.run(SHOWN)[0]
        self.assertEqual(self.browser.run(OPEN), [])
        self.browser.press(Keys.ENTER)
        self.assertEqual(self.browser.run(OPEN), [first])
        self.assertEqual(self.browser.run("return document.activeElement.ariaExpanded"), "true")
        self.browser.press(Keys.SPACE)
        self.assertEqual(self.browser.run(OPEN), [])
        self.assertEqual(self.browser.run("return document.activeElement.ariaExpanded"), "false")

    def test_a_link_opens_its_field_though_a_filter_hid_it(self):
        self.browser.open(self.small)
        self.write("rome-1")
        self.browser.driver.find_element("css selector", "#summary ~ dl a[href='#f-fs_gs_base_ns']").send_keys(Keys.ENTER)
        self.wait_until_open(["f-fs_gs_base_ns"])
        self.assertGreater(len(self.browser.run(SHOWN)), 100)
        in_view = "const box = document.activeElement.getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight"
        self.assertTrue(self.browser.run(in_view))
        self.browser.open(self.small, fragment="#f-pcid")
        self.wait_until_open(["f-pcid"])

    def test_the_browser_s_own_search_finds_what_is_folded(self):
        # A link to a text is found as the search does it, which a script cannot start.
        self.browser.open(self.small, fragment="#:~:text=setting%20CR4.PCIDE%20faults")
        self.wait_until_open(["f-pcid"])
        self.assertEqual(self.browser.run("return document.querySelector('#f-pcid button').ariaExpanded"), "true")

    def test_without_scripts_all_is_open(self):
        for page in (self.small, self.numbered):
            with self.subTest(page.name):
                self.browser.open(page, scripts=False)
                self.assertEqual(self.browser.run(OPEN), self.browser.run(SHOWN))
                self.assertGreater(len(self.browser.run(OPEN)), 100)
                self.assertFalse(self.browser.run("return document.getElementById('controls').checkVisibility()"))
                self.assertIn("Process-context identifiers", self.browser.run("return document.body.innerText"))

    @unittest.skipUnless(shutil.which("pdftotext"), "pdftotext is not installed (Debian: poppler-utils)")
    def test_the_printout_is_what_hosts_limit_or_what_the_filter_leaves_or_all_when_asked(self):
        self.browser.open(self.small)
        self.assertEqual(self.browser.run(OPEN), [])
        text = text_of_pdf(self.browser.pdf())
        for expected in ("Given up", "no-safe-identity", "pcid 0x1.0", "What limiting hosts cost", "Microcode"):
            self.assertIn(expected, text)
        for left_out in ("setting CR4.PCIDE faults", "What a guest is shown", "max_basic_leaf 0x0.0", "unclassified-bit"):
            self.assertNotIn(left_out, text)
        self.assertLessEqual(text.count("\f"), 4)
        self.browser.run("document.getElementById('f-pcid').querySelector('button').click()")
        self.assertIn("setting CR4.PCIDE faults", text_of_pdf(self.browser.pdf()))
        self.browser.run("document.getElementById('print-all').click()")
        text = text_of_pdf(self.browser.pdf())
        for expected in ("setting CR4.PCIDE faults", "What a guest is shown", "fs_gs_base_ns 0x80000021", "Rulebook",
                         self.pages.policy("amd-zen")["hosts"][0]["sha256"]):
            self.assertIn(expected, text)
        self.assertNotIn("Fold all", text)
        self.browser.open(self.numbered)
        self.assertNotIn("fs_gs_base_ns 0x80000021", text_of_pdf(self.browser.pdf()))
        self.write("0x1.0 pcid")
        self.browser.run("document.getElementById('f-pcid').querySelector('button').click()")
        text = text_of_pdf(self.browser.pdf())
        self.assertIn("1 of ", text)
        self.assertIn("setting CR4.PCIDE faults", text)
        self.assertNotIn("fs_gs_base_ns 0x80000021", text)
        self.assertNotIn("2 · node", text)

    def test_markup_in_the_inputs_is_text(self):
        self.browser.open(self.hostile)
        self.assertEqual(self.browser.run("return document.title"), f"CPUID policy of {POOL}")
        self.assertEqual(self.browser.run("return document.querySelectorAll('img, iframe, script').length"), 1)
        self.assertEqual(self.browser.run("return [...document.querySelectorAll('*')].filter(e => [...e.attributes]"
                                          ".some(a => /^on|^style$|^src/.test(a.name))).length"), 0)
        self.browser.run("document.getElementById('open-all').click()")
        text = self.browser.run("return document.body.innerText")
        for expected in (MARKUP, POOL, FINDING.replace("\u202e", "\\u{202e}")):
            self.assertIn(expected, text)
        self.assertNotIn("\u202e", text)
        self.write(MARKUP)
        self.assertGreater(len(self.browser.run(SHOWN)), 0)

    def test_every_text_has_contrast_in_light_and_dark(self):
        for page in (self.small, self.hostile, self.numbered):
            grounds = set()
            for dark in (False, True):
                with self.subTest(page.name, dark=dark):
                    self.browser.open(page, dark=dark)
                    self.browser.run("document.querySelectorAll('button.field').forEach((b, i) => i % 8 || b.click())")
                    seen, low = self.browser.run(LOW_CONTRAST)
                    self.assertGreater(seen, 500)
                    self.assertEqual(low, [])
                    grounds.add(self.browser.run("return getComputedStyle(document.documentElement).backgroundColor"))
            self.assertEqual(len(grounds), 2)

    def test_a_narrow_page_does_not_scroll_sideways(self):
        for page in self.few_hosts:
            for scripts in (True, False):
                with self.subTest(page.name, scripts=scripts):
                    self.browser.open(page, width=360, height=800, scripts=scripts)
                    self.assertLessEqual(self.browser.run("return document.scrollingElement.scrollWidth"), 360)

    def test_the_opened_field_is_read_without_scrolling_sideways(self):
        for page in (self.small, self.numbered):
            for width in (360, 1000):
                with self.subTest(page.name, width=width):
                    self.browser.open(page, width=width, fragment="#f-pcid")
                    right = "return document.querySelector('#f-pcid .panel dl').getBoundingClientRect().right"
                    self.assertLessEqual(self.browser.run(right), width)

    def test_two_thousand_hosts_of_200_classes(self):
        self.assertLess(self.large.stat().st_size, 5_000_000)
        self.browser.open(self.large)
        self.assertEqual(self.browser.run("return document.querySelectorAll('#matrix thead .host').length"), 200)
        self.assertEqual(self.browser.run("return document.querySelectorAll('#hosts tbody tr').length"), 200)
        self.assertEqual(self.browser.run("return document.querySelectorAll('#hosts bdi').length"), 2000)
        # node-0625 is of class 62, whose dump is Rome's without RDSEED, SMAP: found by a name in no list of eight
        self.write("node-0625")
        shown = self.browser.run(SHOWN)
        self.assertIn("f-pcid", shown)
        self.assertIn("f-smap", shown)
        self.assertNotIn("f-adx", shown)
        self.assertNotIn("f-fs_gs_base_ns", shown)
        column = "return [...document.querySelectorAll('#hosts tr')].find(r => r.innerText.includes('node-0625')).dataset.group"
        cell = "return document.querySelector('#f-smap tr').cells[3 + Number(arguments[0])].className"
        self.assertEqual(self.browser.run(cell, self.browser.run(column)), "limits")

    def test_a_policy_that_lists_names_in_part_says_so(self):
        self.browser.open(self.part)
        text = self.browser.run("return document.body.innerText")
        self.assertIn("at most eight names", text)
        self.assertNotIn("What limiting hosts cost", text)
        self.browser.open(self.numbered)
        self.assertNotIn("at most eight names", self.browser.run("return document.body.innerText"))

    def test_the_outline_is_sound(self):
        for page in self.few_hosts:
            with self.subTest(page.name):
                self.browser.open(page)
                levels = self.browser.run("return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
                self.assertEqual(levels[0], 1)
                self.assertEqual([pair for pair in zip(levels, levels[1:]) if pair[1] > pair[0] + 1], [])
                lost = """return [...document.querySelectorAll('input, select')].filter(e => e.labels.length === 0).length
                    + [...document.querySelectorAll('th')].filter(e => !e.scope).length
                    + [...document.querySelectorAll('table')].filter(e => !e.caption).length
                    + [...document.querySelectorAll('a')].filter(e => !document.querySelector(e.hash)).length"""
                self.assertEqual(self.browser.run(lost), 0)

    @unittest.skipUnless(shutil.which("tidy"), "tidy is not installed (Debian: tidy)")
    def test_the_markup_is_valid(self):
        for page in (*self.few_hosts, self.large):
            with self.subTest(page.name):
                result = subprocess.run(["tidy", "-errors", "-quiet", "-utf8", page], capture_output=True, text=True)
                self.assertEqual(result.stderr, "")


if __name__ == "__main__":
    unittest.main()
