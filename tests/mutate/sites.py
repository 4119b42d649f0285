"""Where the program can be broken, one small change at a time: sites(path, text) reads C++ as clang-format lays it out.

Spaces tell what a sign means there: " < " compares, and a template's has none; " & " is of bits, and a reference's
follows its type at once.
"""

import hashlib
import re
from dataclasses import dataclass

# What stands there, and what is put in its place.
SWAPS = [
    (r" && ", " || "), (r" \|\| ", " && "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "),
    (r" \+ ", " - "), (r" - ", " + "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r" \| ", " & "), (r" & ", " | "), (r" \|= ", " &= "), (r" &= ", " |= "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bcontinue;", ";"),
]

# Lines that say what is, and do nothing; and those that only word a sentence, where "+" joins texts.
DECLARES = re.compile(r"^\s*(#|using |template|static_assert|namespace |requires )|operator|\bnoexcept\(|= default;")

# Everything that is no code: comments, texts, characters.
NO_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


@dataclass(frozen=True)
class Site:
    path: str
    line: int
    start: int
    end: int
    change: str  # what stands there from now on
    words: str   # for people
    id: str

    def apply(self, text):
        return text[:self.start] + self.change + text[self.end:]


def blanked(text):
    """The text with everything that is no code made blank, each character at its place."""
    return NO_CODE.sub(lambda match: re.sub(r"[^\n]", "\x00", match.group()), text)


def closing(code, opening):
    """Where the parenthesis is closed that is opened at that place, or None."""
    depth = 0
    for at in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            return at
    return None


def changes(code, text):
    for pattern, swap in SWAPS:
        for match in re.finditer(pattern, code):
            yield match.start(), match.end(), swap, f"{match.group().strip()} -> {swap.strip()}"
    for match in re.finditer(r"\bif \(", code):
        opening = match.end() - 1
        end = closing(code, opening)
        condition = code[opening + 1:end]
        if end is not None and ";" not in condition and not re.search(r"[^=!<>]=[^=]", condition):
            yield opening, end + 1, f"(!{text[opening:end + 1]})", "if negated"


def sites(path, text):
    """Every place of a file that can be broken, in their order. Its id outlives changes to other lines."""
    code = blanked(text)
    lines = text.split("\n")
    found, seen = [], {}
    for start, end, change, words in sorted(changes(code, text)):
        number = text.count("\n", 0, start) + 1
        line = lines[number - 1]
        joins_texts = words[0] in "+-" and ("\x00" in code.split("\n")[number - 1] or "string" in line)
        if DECLARES.search(line) or joins_texts:
            continue
        key = f"{path}\n{line.strip()}\n{words}"
        seen[key] = seen.get(key, 0) + 1
        name = hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:8]
        found.append(Site(path, number, start, end, change, words, name))
    return found


def spread(files, weight):
    """The sites of all files, {path: text}, in an order of which each beginning is spread over the files: in turns of
    weight(path) sites a file, and by their ids, which are as good as dice and always the same."""
    order = []
    for path, text in files.items():
        of_file = sorted(sites(path, text), key=lambda site: site.id)
        order += [(i // weight(path), site.id, site) for i, site in enumerate(of_file)]
    return [site for _, _, site in sorted(order, key=lambda entry: entry[:2])]
