#include "cli/text_layout.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace poolcpuid::cli {

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    auto left = static_cast<utf8proc_ssize_t>(text.size());
    while (left > 0) {
        utf8proc_int32_t codepoint = 0;
        const utf8proc_ssize_t used = utf8proc_iterate(at, left, &codepoint);
        if (used <= 0) return width + static_cast<std::size_t>(left);  // not UTF-8: a column a byte
        width += static_cast<std::size_t>(std::max(0, utf8proc_charwidth(codepoint)));
        at += used;
        left -= used;
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
    while (!text.empty()) {
        const std::size_t blank = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, blank);
        text.remove_prefix(std::min(blank + 1, text.size()));
        if (word.empty()) continue;
        const std::size_t needed = display_width(word) + (line_has_word ? 1 : 0);
        if (line_has_word && column + needed > width) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
            line_has_word = false;
        }
        if (line_has_word) {
            result += ' ';
            ++column;
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
