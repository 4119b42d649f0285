#include "dump/damaged_rows.hpp"

#include <algorithm>
#include <array>

#include "base/printable.hpp"
#include "dump/below_text.hpp"
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

constexpr std::string_view as_printed = "give the dump as the tool printed it";

struct Damage {
    bool (*is)(std::string_view line) noexcept;
    std::string_view what;
    std::string_view remedy = as_printed;
};

constexpr std::array damages{
    Damage{
        is_cpuid_r_without_subleaf, "a row of cpuid -r without its subleaf",
        "give the dump as the tool printed it; where an old version printed it so, as `cpuid -r -f FILE` of a new one "
        "prints it again"},
    Damage{is_cpuid_r_without_leaf, "a row of cpuid -r that is broken behind its leaf"},
    Damage{is_aida_without_word, "a row of InstLatx64 without the word CPUID before its leaf"},
    Damage{is_aida_in_lower_case, "a row of InstLatx64 in lower case"},
};

// Takes out what escape_length() counts; it is tested by running it.
constexpr std::string_view take_out =
    R"(`LC_ALL=C sed -E 's,\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[()].|[^][()]),,g'`)";

// "\x1B[01;31m", "\x1B[?2004l": numbers and marks up to a letter, in one line.
std::size_t control_sequence_length(std::string_view text) noexcept {
    constexpr std::size_t begin = 2;
    const auto is_of_it = [](char c) { return c >= ' ' && c < '@'; };
    const auto* const end = std::find_if_not(text.begin() + begin, text.end(), is_of_it);
    const auto length = static_cast<std::size_t>(end - text.begin());
    return end != text.end() && *end >= '@' && *end <= '~' ? length + 1 : length;
}

// "\x1B]0;root@node-17\x07", as of a window's title; its end may be "\x1B\\".
std::size_t command_length(std::string_view text) noexcept {
    constexpr std::size_t begin = 2;
    const std::size_t end = std::min(text.find_first_of("\x07\x1B\n", begin), text.size());
    const std::string_view rest = text.substr(end);
    return end + (rest.starts_with('\x07') ? 1 : rest.starts_with("\x1B\\") ? 2 : 0);
}

// The length of the terminal's escape sequence (ECMA-48) with which text begins; of one that is cut off, what is there.
std::size_t escape_length(std::string_view text) noexcept {
    if (text.size() < 2 || text[1] < ' ') return 1;
    switch (text[1]) {
        case '[': return control_sequence_length(text);
        case ']': return command_length(text);
        case '(':
        case ')': return text.size() > 2 && text[2] >= ' ' ? 3 : 2;
        default: return 2;
    }
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

std::string first_escape(std::string_view line) {
    const std::string_view escape = line.substr(line.find('\x1B'));
    return quote(escape.substr(0, escape_length(escape)));
}

// what: of a text with escapes; line: where they are.
DamagedRow with_escapes(const std::string& what, std::string_view line, std::size_t number) {
    return {what + " with escapes of a terminal, " + first_escape(line), "take them out: " + std::string(take_out),
            number};
}

// The first line with an escape, at or behind the line of this number.
DamagedRow row_with_escape(const Format& format, std::string_view text, std::size_t from) {
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (lines.number() < from || line->find('\x1B') == std::string_view::npos) continue;
        return with_escapes(name_of_rows(format), *line, lines.number());
    }
    return {};
}

// A document below the prompt and the command that a terminal showed.
std::optional<DamagedRow> document_below_escapes(std::string_view plain) {
    const auto below = find_below_text(plain);
    if (!below) return std::nullopt;
    return DamagedRow{below->what + ", with escapes of a terminal",
                      "leave the lines above it away, and take the escapes out: " + std::string(take_out), below->line};
}

// The format of which line is a row, or another line that is read; or nullptr.
const Format* format_of_line(std::string_view line) noexcept {
    const auto* const at = std::find_if(formats.begin(), formats.end(), [line](const Format& format) {
        return format.is_row != nullptr && format.is_row(line);
    });
    if (at != formats.end()) return at;
    return is_cpuinfo_line(line) ? &format_of("cpuinfo") : nullptr;
}

}  // namespace

std::optional<DamagedRow> find_damaged_row(std::string_view text) {
    if (text.find('\x1B') != std::string_view::npos) {
        const std::string plain = without_escapes(text);
        if (const Format* format = recognise(plain)) return row_with_escape(*format, text, first_row(*format, plain));
        if (auto below = document_below_escapes(plain)) return below;
    }
    Lines lines(text);
    while (const auto line = lines.next()) {
        const std::string_view row = bare(*line);
        const auto* const damage =
            std::find_if(damages.begin(), damages.end(), [row](const Damage& each) { return each.is(row); });
        if (damage == damages.end()) continue;
        return DamagedRow{std::string(damage->what), std::string(damage->remedy), lines.number()};
    }
    return std::nullopt;
}

std::optional<DamagedRow> find_row_with_escape(std::string_view text) {
    if (text.find('\x1B') == std::string_view::npos) return std::nullopt;
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (line->find('\x1B') == std::string_view::npos) continue;
        const std::string plain = without_escapes(*line);
        const Format* format = format_of_line(bare(plain));
        if (format != nullptr) return with_escapes(name_of_rows(*format), *line, lines.number());
    }
    return std::nullopt;
}

}  // namespace poolcpuid::dump
