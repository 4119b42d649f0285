#!/usr/bin/env python3
"""readable.py [PATH...] <DOCUMENT: a document of poolcpuid (JSON), as lines that a person reads. With PATHs only what
they lead to: policies.hosts.name is the name of each host of each policy.

Every value is there but digests, which say nothing to a reader and change with every edit of the rulebook, and what
other projects call a field, which is the rulebook's to say. A row, a decision or a finding is a line. Of a plan, the
policy after the change is told by the lines in which it differs from the one before. Members that are not known here
follow their line as JSON, so that none is lost."""

import difflib
import json
import re
import sys

DIGEST = re.compile(r"[0-9a-f]{64}")
WIDTH = 120


def is_left_out(key, value):
    return isinstance(value, str) and DIGEST.fullmatch(value) or key == "names" and isinstance(value, dict)


def for_people(value):
    if isinstance(value, dict):
        return {key: for_people(entry) for key, entry in value.items() if not is_left_out(key, entry)}
    if isinstance(value, list):
        return [for_people(entry) for entry in value]
    return DIGEST.sub("…", value) if isinstance(value, str) else value


def compact(value):
    return json.dumps(value, ensure_ascii=False)


def place(entry):
    """Takes the place of a field out of entry: "0x7.0 ecx[3]"."""
    if "msr" in entry:
        text = f"MSR {entry.pop('msr')}"
    else:
        text = f"{entry.pop('leaf')}.{entry.pop('subleaf').removeprefix('0x')} {entry.pop('register')}"
    return f"{text}[{entry.pop('bits')}]"


def joined(*parts):
    return " ".join(part for part in parts if part)


def rest(entry):
    return compact(entry) if entry else ""


def row(entry):
    key = f"{entry.pop('leaf')}.{entry.pop('subleaf').removeprefix('0x')}"
    registers = [entry.pop(name).removeprefix("0x") for name in ("eax", "ebx", "ecx", "edx")]
    return joined(f"cpuid {key:14}", *registers, rest(entry))


def msr(entry):
    return joined("msr", entry.pop("index"), entry.pop("value"), rest(entry))


def owned(entry):
    return joined("owned", place(entry), rest(entry))


def seen(entry):
    offset = f"at {entry.pop('offset')}" if "offset" in entry else ""
    aligned = "aligned" if entry.pop("aligned", False) else ""
    text = joined(entry.pop("value"), offset, aligned, ", ".join(entry.pop("hosts")))
    count = entry.pop("count")
    return joined(f"{text} ({count})", rest(entry))


def remark(entry):
    text = joined(entry.pop("kind"), entry.pop("kernel", ""), ", ".join(entry.pop("hosts")))
    return joined(f"{text} ({entry.pop('count')})", rest(entry))


def decision(entry):
    state = f"state {entry.pop('state')}" if "state" in entry else ""
    head = joined(entry.pop("field"), place(entry), state, entry.pop("rule"), "=", entry.pop("value") + ":")
    values = "; ".join(seen(value) for value in entry.pop("values")) + "."
    cause = joined(entry.pop("cause"), ", ".join(entry.pop("on", [])))
    remarks = "; ".join(remark(known) for known in entry.pop("remarks", []))
    because, count = entry.pop("because"), entry.pop("because_count")
    kinds = "; ".join(f"{kind} {', '.join(hosts['hosts'])} ({hosts['count']})"
                      for kind in ("known", "unknown") if (hosts := entry.pop(f"because_{kind}", None)))
    return joined(head, values, f"[{cause}]", entry.pop("reason"), remarks and f"[{remarks}]",
                  f"Because of {', '.join(because)} ({count})." if count else "", kinds and f"[{kinds}]", rest(entry))


def finding(entry):
    field, hosts = entry.pop("field", ""), ", ".join(entry.pop("hosts"))
    return joined(entry.pop("severity"), entry.pop("code"), field, f"({hosts}):", entry.pop("message"), rest(entry))


ENTRIES = {"cpuid": row, "msrs": msr, "owned": owned, "decisions": decision, "findings": finding}


def policy_lines(policy):
    lines = []
    for key, value in policy.items():
        if key in ENTRIES:
            lines += [ENTRIES[key](dict(entry)) for entry in value]
        else:
            lines.append(f"{key}: {value if isinstance(value, str) else compact(value)}")
    return lines


def any_lines(key, value, indent=""):
    """A value on a line where it fits or speaks of a field, else its members on lines of their own."""
    line = f"{indent}{key}: {compact(value)}"
    if isinstance(value, dict) and "field" in value and "bits" in value:
        value = dict(value)
        return [joined(f"{indent}{key}", value.pop("field"), place(value), rest(value))]
    if len(line) <= WIDTH or not isinstance(value, (dict, list)):
        return [line]
    members = value.items() if isinstance(value, dict) else (("-", entry) for entry in value)
    return [f"{indent}{key}:", *(line for name, entry in members for line in any_lines(name, entry, indent + "  "))]


def plan_lines(plan):
    before, after = (policy_lines(plan.pop(key)) if plan.get(key) else [] for key in ("before", "after"))
    lines = [line for key, value in plan.items() for line in any_lines(key, value)]
    changed = difflib.unified_diff(before, after, n=0, lineterm="")
    changed = [line for line in changed if not re.match(r"---|\+\+\+|@@", line)]
    return [*lines, "", "The policy before", *before, "", "What is other in the policy after", *changed]


def lines_of(document):
    document = for_people(document)
    return plan_lines(document) if document["schema"].startswith("poolcpuid/plan/") else policy_lines(document)


def chosen(value, paths):
    """What is left of value when only these paths, lists of keys, lead anywhere; an empty one is all of it."""
    if [] in paths:
        return value
    if isinstance(value, list):
        return [chosen(entry, paths) for entry in value]
    if not isinstance(value, dict):
        return value
    below = {key: [path[1:] for path in paths if path[0] == key] for key in value}
    return {key: chosen(entry, below[key]) for key, entry in value.items() if below[key]}


def chosen_lines(document, paths):
    part = chosen(for_people(document), [path.split(".") for path in paths])
    return [line for key, value in part.items() for line in any_lines(key, value)]


if __name__ == "__main__":
    read = json.load(sys.stdin)
    print(*(chosen_lines(read, sys.argv[1:]) if sys.argv[1:] else lines_of(read)), sep="\n")
