"""Spoils a file as accidents and attackers do: mutate(dice, whole, another) is the bytes of whole, made worse."""

import json

HUGE = [b"4294967295", b"4294967296", b"18446744073709551616", b"-1", b"0xffffffff", b"0x1ffffffff", b"1e999",
        b"0x" + b"f" * 4096, b"9" * 100000]
NOT_UTF8 = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x80\xae", b"\xef\xbb\xbf"]
BRACKETS = [(b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b'{"cpus":[', b"]}")]


def place(dice, data):
    return dice.randint(0, len(data))


def part(dice, data, most=None):
    start = place(dice, data)
    end = min(len(data), start + dice.randint(0, most or len(data)))
    return start, end


def flip_bits(dice, data, _):
    data = bytearray(data)
    for _ in range(dice.choice((1, 2, 8, 64)) if data else 0):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def cut(dice, data, _):
    return data[:place(dice, data)]


def remove(dice, data, _):
    start, end = part(dice, data, 200)
    return data[:start] + data[end:]


def splice(dice, data, other):
    return data[:place(dice, data)] + other[place(dice, other):]


def insert_other(dice, data, other):
    at, (start, end) = place(dice, data), part(dice, other, 2000)
    return data[:at] + other[start:end] + data[at:]


def repeat(dice, data, _):
    start, end = part(dice, data, dice.choice((1, 80, 5000)))
    return data[:end] + data[start:end] * dice.choice((1, 3, 100, 2000)) + data[end:]


def giant_line(dice, data, _):
    at = place(dice, data)
    return data[:at] + dice.choice((b"a", b" ", b"0", b",", b"\x1b[31m")) * dice.choice((1000, 100000, 3000000)) + data[at:]


def zeros(dice, data, _):
    at = place(dice, data)
    return data[:at] + b"\0" * dice.choice((1, 4, 5000)) + data[at:]


def not_utf8(dice, data, _):
    at = place(dice, data)
    return data[:at] + dice.choice(NOT_UTF8) * dice.choice((1, 1, 100)) + data[at:]


def huge_number(dice, data, _):
    digits = [i for i in range(len(data)) if data[i:i + 1].isdigit()]
    if not digits:
        return data
    start = end = dice.choice(digits)
    while data[end:end + 1].isdigit():
        end += 1
    return data[:start] + dice.choice(HUGE) + data[end:]


def swap_lines(dice, data, _):
    lines = data.split(b"\n")
    for _ in range(dice.choice((1, 1, 5, 50))):
        a, b = dice.randrange(len(lines)), dice.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def repeat_lines(dice, data, _):
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    return b"\n".join(lines[:at] + [lines[at]] * dice.choice((2, 20, 5000)) + lines[at:])


def nest(dice, data, _):
    opening, closing = dice.choice(BRACKETS)
    depth = dice.choice((10, 33, 1000, 200000))
    at = place(dice, data)
    return data[:at] + opening * depth + dice.choice((b"", b"1")) + closing * dice.choice((depth, 0)) + data[at:]


def exchange_values(dice, data, _):
    """Of JSON: one of its values in the place of another."""
    try:
        return exchanged(dice, json.loads(data)) or data
    except (ValueError, RecursionError):  # no JSON, a value within itself, or a nesting that Python does not take
        return swap_lines(dice, data, None)


def exchanged(dice, document):
    places = []

    def walk(value):
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            places.append((value, key))
            walk(inner)

    walk(document)
    if not places:
        return None
    (to, at), (source, its) = dice.choice(places), dice.choice(places)
    to[at] = dice.choice((source[its] if to is not source else None, None, [], {}, "", 0, True, 1e308, "x" * 70000))
    return json.dumps(document, indent=dice.choice((None, 2))).encode()


MUTATIONS = [flip_bits, cut, remove, splice, insert_other, repeat, giant_line, zeros, not_utf8, huge_number, swap_lines,
             repeat_lines, nest, exchange_values]


def mutate(dice, whole, another):
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        whole = dice.choice(MUTATIONS)(dice, whole, another)
    return whole
