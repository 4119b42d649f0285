#include "dump/damaged_rows.hpp"

#include <algorithm>
#include <array>

#include "base/printable.hpp"
#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"
#include "dump/recognise.hpp"

namespace poolcpuid::dump {

namespace {

// "0x00000007: eax=0x…"
bool is_cpuid_r_without_subleaf(std::string_view line) noexcept {
    Cursor cursor(line);
    return cursor.skip("0x") && cursor.hex(8) && cursor.skip(":") && cursor.skip_blanks() && cursor.skip("eax=0x");
}

// "0x01: eax=0x…", of which the leaf stands at the end of the line above.
bool is_cpuid_r_without_leaf(std::string_view line) noexcept {
    constexpr std::size_t leaf_digits = 8;
    Cursor cursor(line);
    if (!cursor.skip("0x") || cursor.hex_digits() >= leaf_digits) return false;
    return cursor.hex() && cursor.skip(":") && cursor.skip_blanks() && cursor.skip("eax=0x");
}

// "00000007: 00000000-219C07A9-…", behind a word.
bool is_aida_row(std::string_view line, std::string_view word) noexcept {
    Cursor cursor(line);
    if (!cursor.skip(word) || !cursor.hex(8) || !cursor.skip(":")) return false;
    cursor.skip_blanks();
    return read_joined_registers(cursor, "-").has_value();
}

bool is_aida_without_word(std::string_view line) noexcept { return is_aida_row(line, ""); }

bool is_aida_in_lower_case(std::string_view line) noexcept { return is_aida_row(line, "cpuid "); }

struct Damage {
    bool (*is)(std::string_view line) noexcept;
    std::string_view what;
};

constexpr std::array damages{
    Damage{is_cpuid_r_without_subleaf, "a row of cpuid -r without its subleaf"},
    Damage{is_cpuid_r_without_leaf, "a row of cpuid -r that is broken behind its leaf"},
    Damage{is_aida_without_word, "a row of InstLatx64 without the word CPUID before its leaf"},
    Damage{is_aida_in_lower_case, "a row of InstLatx64 in lower case"},
};

// The length of the terminal's escape sequence (ECMA-48) with which text begins: "\x1B[01;31m", "\x1B(B".
std::size_t escape_length(std::string_view text) noexcept {
    if (text.starts_with("\x1B(")) return std::min<std::size_t>(3, text.size());
    if (!text.starts_with("\x1B[")) return 1;
    const auto* const end =
        std::find_if(text.begin() + 2, text.end(), [](char c) { return c >= '\x40' && c <= '\x7E'; });
    return static_cast<std::size_t>(end - text.begin()) + (end == text.end() ? 0 : 1);
}

std::string without_escapes(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t plain = std::min(text.find('\x1B'), text.size());
        result += text.substr(0, plain);
        text.remove_prefix(plain);
        if (!text.empty()) text.remove_prefix(escape_length(text));
    }
    return result;
}

// The first line with an escape, at or behind the line of this number.
DamagedRow row_with_escape(const Format& format, std::string_view text, std::size_t from) {
    Lines lines(text);
    while (const auto line = lines.next()) {
        const std::size_t at = line->find('\x1B');
        if (lines.number() < from || at == std::string_view::npos) continue;
        const std::string_view escape = line->substr(at);
        return {name_of_rows(format) + " with escapes of a terminal, " + quote(escape.substr(0, escape_length(escape))),
                R"(take them out: `sed 's/\x1b\[[0-9;]*[A-Za-z]//g'`)", lines.number()};
    }
    return {};
}

}  // namespace

std::optional<DamagedRow> find_damaged_row(std::string_view text) {
    if (text.find('\x1B') != std::string_view::npos) {
        const std::string plain = without_escapes(text);
        if (const Format* format = recognise(plain)) return row_with_escape(*format, text, first_row(*format, plain));
    }
    Lines lines(text);
    while (const auto line = lines.next()) {
        const std::string_view row = bare(*line);
        const auto* const damage =
            std::find_if(damages.begin(), damages.end(), [row](const Damage& each) { return each.is(row); });
        if (damage == damages.end()) continue;
        return DamagedRow{std::string(damage->what), "give the dump as the tool printed it", lines.number()};
    }
    return std::nullopt;
}

}  // namespace poolcpuid::dump
