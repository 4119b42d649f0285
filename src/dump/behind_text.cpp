#include "dump/behind_text.hpp"

#include <algorithm>
#include <array>

#include "dump/as_printed.hpp"
#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"
#include "dump/recognise.hpp"

namespace poolcpuid::dump {

namespace {

using Strip = std::string_view (*)(std::string_view line) noexcept;

template <int Words>
std::string_view behind_words(std::string_view line) noexcept {
    for (int i = 0; i < Words; ++i) {
        line = trim(line);
        line.remove_prefix(std::min(line.find_first_of(" \t"), line.size()));
    }
    return trim(line);
}

// "+", as of a diff.
std::string_view behind_character(std::string_view line) noexcept {
    return line.substr(std::min<std::size_t>(1, line.size()));
}

bool is_of_word(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// "│ ", "--> ": what is no letter and no digit.
std::string_view behind_marks(std::string_view line) noexcept {
    line.remove_prefix(static_cast<std::size_t>(std::find_if(line.begin(), line.end(), is_of_word) - line.begin()));
    return line;
}

// "dump.txt:", as grep prints it.
std::string_view behind_colon(std::string_view line) noexcept {
    line.remove_prefix(std::min(line.find(':'), line.size() - 1) + 1);
    return trim(line);
}

constexpr std::array strips{
    Strip{behind_words<1>}, Strip{behind_words<2>},  Strip{behind_words<3>}, Strip{behind_words<4>},
    Strip{behind_words<5>}, Strip{behind_words<6>},  Strip{behind_words<7>}, Strip{behind_words<8>},
    Strip{behind_colon},    Strip{behind_character}, Strip{behind_marks},
};

std::string stripped_lines(std::string_view text, Strip strip) {
    std::string result;
    Lines lines(text);
    while (const auto line = lines.next()) {
        const std::string_view rest = bare(*line);
        if (!rest.empty()) result += strip(rest);
        result += '\n';
    }
    return result;
}

// What stands before rest in the line of this number.
std::string text_before(std::string_view rest, std::string_view text, std::size_t number) {
    Lines lines(text);
    std::string_view line;
    while (lines.number() < number) line = bare(lines.next().value_or(""));
    return std::string(line.substr(0, line.size() - std::min(rest.size(), line.size())));
}

// The first line that the format recognises by itself, or that is not empty.
BehindText behind_text(const Format& format, std::string_view stripped, std::string_view text) {
    std::size_t number = first_row(format, stripped);
    Lines lines(stripped);
    std::string_view line;
    while (number == 0 ? line.empty() : lines.number() < number) line = lines.next().value();
    number = lines.number();
    return {name_of_rows(format), number, text_before(line, text, number)};
}

// Where the last number of 8 hexadecimal digits begins, as nearly each row has one, and prose seldom; or npos.
std::size_t last_whole_number(std::string_view line) noexcept {
    constexpr std::size_t digits = 8;
    // A run that long has a digit at each eighth place, wherever it begins: most characters are not looked at.
    for (std::size_t begin = line.size(); begin >= digits;) {
        std::size_t length = 0;
        while (length < digits && Cursor::is_hex_digit(line[begin - digits + length])) ++length;
        if (length == digits) return begin - digits;
        begin -= digits - length;  // a run ends before the character that is none
    }
    return std::string_view::npos;
}

// The format of which line, which is none of its rows, has one, and how many characters stand before it.
struct RowWithin {
    const Format* format = nullptr;
    std::size_t before = 0;
};

// last: behind it no row begins.
RowWithin row_within(std::string_view line, std::size_t last) noexcept {
    for (std::size_t at = 1; at <= last; ++at) {
        if (!is_of_word(line[at]) || is_of_word(line[at - 1])) continue;
        for (const Format& format : formats) {
            if (format.is_row != nullptr && format.is_row(line.substr(at))) return {&format, at};
        }
    }
    return {};
}

bool is_row_of(const Format& own, std::string_view line) noexcept { return own.is_row != nullptr && own.is_row(line); }

}  // namespace

std::optional<RowBehindText> find_row_behind_text(const Format& own, std::string_view text) {
    const bool has_cpuinfo = text.find(cpuinfo_mark) != std::string_view::npos;
    Lines lines(text);
    while (const auto next = lines.next()) {
        const std::string_view line = bare(*next);
        std::size_t last = has_cpuinfo ? line.rfind(cpuinfo_mark) : std::string_view::npos;
        if (last == std::string_view::npos) last = last_whole_number(line);
        if (last == std::string_view::npos || is_row_of(own, line)) continue;
        const RowWithin found = row_within(line, last);
        if (found.format == nullptr || own.recognise(line)) continue;
        return RowBehindText{found.format, lines.number(), std::string(line.substr(0, found.before))};
    }
    return std::nullopt;
}

std::optional<BehindText> find_behind_text(std::string_view text) {
    constexpr std::size_t head_bytes = 32U << 10U;
    const std::string head = with_plain_blanks(text.substr(0, head_bytes));
    for (const Strip strip : strips) {
        const std::string stripped = stripped_lines(head, strip);
        if (const Format* format = recognise(stripped)) return behind_text(*format, stripped, head);
    }
    return std::nullopt;
}

}  // namespace poolcpuid::dump
