#include "cli/text_layout.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace poolcpuid::cli {

namespace {

struct Glyph {
    std::size_t bytes = 0;
    std::size_t columns = 0;
};

// The first character of text, which is not empty. What is not UTF-8 takes a column a byte.
Glyph first_glyph(std::string_view text) {
    utf8proc_int32_t codepoint = 0;
    const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const utf8proc_ssize_t used = utf8proc_iterate(at, static_cast<utf8proc_ssize_t>(text.size()), &codepoint);
    if (used <= 0) return {1, 1};
    return {static_cast<std::size_t>(used), static_cast<std::size_t>(std::max(0, utf8proc_charwidth(codepoint)))};
}

// How many bytes of word fit into columns, one character at least.
std::size_t bytes_within(std::string_view word, std::size_t columns) {
    std::size_t bytes = 0;
    while (bytes < word.size()) {
        const Glyph glyph = first_glyph(word.substr(bytes));
        if (bytes > 0 && glyph.columns > columns) break;
        columns -= std::min(columns, glyph.columns);
        bytes += glyph.bytes;
    }
    return bytes;
}

}  // namespace

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const Glyph glyph = first_glyph(text);
        width += glyph.columns;
        text.remove_prefix(glyph.bytes);
    }
    return width;
}

std::string padded(std::string_view text, std::size_t width) {
    std::string result(text);
    const std::size_t used = display_width(text);
    if (used < width) result.append(width - used, ' ');
    return result;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t first_column, std::size_t indent) {
    std::string result;
    std::size_t column = first_column;
    bool line_has_word = false;
    const auto break_line = [&] {
        result += "\n" + std::string(indent, ' ');
        column = indent;
        line_has_word = false;
    };
    while (!text.empty()) {
        const std::size_t blank = std::min(text.find(' '), text.size());
        std::string_view word = text.substr(0, blank);
        text.remove_prefix(std::min(blank + 1, text.size()));
        if (word.empty()) continue;
        if (line_has_word && column + 1 + display_width(word) > width) break_line();
        if (line_has_word) {
            result += ' ';
            ++column;
        }
        if (column > indent && column + display_width(word) > width) break_line();
        // A word that no line can hold goes on in the next one.
        for (std::size_t part = bytes_within(word, width - indent); part < word.size();
             part = bytes_within(word, width - indent)) {
            result += word.substr(0, part);
            word.remove_prefix(part);
            break_line();
        }
        result += word;
        column += display_width(word);
        line_has_word = true;
    }
    return result;
}

std::size_t output_width() {
    constexpr std::size_t narrowest = 60;
    constexpr std::size_t widest = 120;
    constexpr std::size_t usual = 80;
    std::size_t columns = 0;
    if (const char* text = std::getenv("COLUMNS")) {
        const std::string_view view(text);
        std::from_chars(view.data(), view.data() + view.size(), columns);
    }
    winsize size{};
    if (columns == 0 && ::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        columns = size.ws_col;
    }
    return columns == 0 ? usual : std::clamp(columns, narrowest, widest);
}

}  // namespace poolcpuid::cli
