#include "dump/as_printed.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dump/host_stream.hpp"
#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

namespace {

struct OddBlank {
    std::string_view bytes;
    std::string_view instead;
};

constexpr std::array odd_blanks{
    OddBlank{"\t", " "},           OddBlank{"\xC2\xA0", " "},  // U+00A0 no-break space
    OddBlank{"\xE2\x80\xAF", " "},                             // U+202F narrow no-break space
    OddBlank{"\xE2\x80\x82", " "},                             // U+2002 en space
    OddBlank{"\xE2\x80\x83", " "},                             // U+2003 em space
    OddBlank{"\xE2\x80\x84", " "},                             // U+2004 three-per-em space
    OddBlank{"\xE2\x80\x85", " "},                             // U+2005 four-per-em space
    OddBlank{"\xE2\x80\x86", " "},                             // U+2006 six-per-em space
    OddBlank{"\xE2\x80\x87", " "},                             // U+2007 figure space
    OddBlank{"\xE2\x80\x88", " "},                             // U+2008 punctuation space
    OddBlank{"\xE2\x80\x89", " "},                             // U+2009 thin space
    OddBlank{"\xE2\x80\x8A", " "},                             // U+200A hair space
    OddBlank{"\xE3\x80\x80", " "},                             // U+3000 ideographic space
    OddBlank{"\xE2\x80\x8B", ""},                              // U+200B zero width space
    OddBlank{"\xE2\x81\xA0", ""},                              // U+2060 word joiner
    OddBlank{"\xEF\xBB\xBF", ""},                              // U+FEFF zero width no-break space
};

const OddBlank* odd_blank_at(std::string_view text) noexcept {
    const auto* const at = std::find_if(odd_blanks.begin(), odd_blanks.end(),
                                        [text](const OddBlank& each) { return text.starts_with(each.bytes); });
    return at == odd_blanks.end() ? nullptr : at;
}

bool may_be_odd(char c) noexcept { return c == '\t' || static_cast<unsigned char>(c) >= 0x80; }

// Lines by their numbers, from 1.
struct LineRange {
    std::size_t first = 0;
    std::size_t last = 0;
};

// Where fences and quoted lines stand in a text.
struct Marks {
    LineRange fences;
    std::size_t fence_count = 0;
    LineRange quoted;
};

void extend(LineRange& range, std::size_t line) noexcept {
    if (range.first == 0) range.first = line;
    range.last = line;
}

Marks find_marks(std::string_view text) noexcept {
    Marks marks;
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (is_fence(bare(*line))) {
            ++marks.fence_count;
            extend(marks.fences, lines.number());
        } else if (trim(*line).starts_with('>')) {
            extend(marks.quoted, lines.number());
        }
    }
    return marks;
}

std::string bare_lines(std::string_view text, LineRange range) {
    std::string result;
    Lines lines(text);
    while (const auto line = lines.next()) {
        if (lines.number() > range.last) break;
        if (lines.number() >= range.first) result += bare(*line);
        result += '\n';
    }
    return result;
}

}  // namespace

// A look at some words at a time, since nearly all dumps are plain and long.
bool is_ascii(std::string_view text) noexcept {
    std::uint64_t any = 0;
    std::array<std::uint64_t, 8> words{};
    for (; text.size() >= sizeof words; text.remove_prefix(sizeof words)) {
        std::memcpy(words.data(), text.data(), sizeof words);
        any |= words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7];
    }
    constexpr std::uint64_t not_ascii = 0x8080808080808080;
    const auto is_of_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    return (any & not_ascii) == 0 && std::all_of(text.begin(), text.end(), is_of_ascii);
}

bool has_odd_blanks(std::string_view text, bool are_ascii) noexcept {
    const auto is_there = [text](const OddBlank& each) { return text.find(each.bytes) != std::string_view::npos; };
    if (text.find('\t') != std::string_view::npos) return true;
    return !are_ascii && std::any_of(odd_blanks.begin(), odd_blanks.end(), is_there);
}

std::string with_plain_blanks(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const OddBlank* odd = odd_blank_at(text);
        result += odd != nullptr ? odd->instead : text.substr(0, 1);
        text.remove_prefix(odd != nullptr ? odd->bytes.size() : 1);
        const auto* const next = std::find_if(text.begin(), text.end(), may_be_odd);
        result.append(text.begin(), next);
        text.remove_prefix(static_cast<std::size_t>(next - text.begin()));
    }
    return result;
}

bool is_fence(std::string_view line) noexcept { return line.starts_with("```"); }

std::optional<std::string> enclosed_document(std::string_view text) {
    const Marks marks = find_marks(text);
    if (marks.fence_count == 2) return bare_lines(text, {marks.fences.first + 1, marks.fences.last - 1});
    if (marks.fence_count == 0 && marks.quoted.first != 0) return bare_lines(text, marks.quoted);
    return std::nullopt;
}

}  // namespace poolcpuid::dump
