#include "cli/page.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/printable.hpp"

namespace poolcpuid::cli {

namespace {

// A page is made with painted(), which puts in marks that are no UTF-8 and so cannot come from an input file; at the
// end terminal_text() turns the marks into ANSI colours and makes everything around them printable, whoever put it
// there.

constexpr char mark = '\xFF';  // no byte of UTF-8; a Colour follows
constexpr std::string_view special{"\n\xFF", 2};

const char* code_of(Colour colour) noexcept {
    switch (colour) {
        case Colour::bold: return "1";
        case Colour::red: return "31";
        case Colour::green: return "32";
        case Colour::yellow: return "33";
        case Colour::cyan: return "36";
        case Colour::none: break;
    }
    return "0";
}

// text between the marks of a colour; as it is where that is none or there is no text.
std::string painted(std::string_view text, Colour colour) {
    if (text.empty() || colour == Colour::none) return std::string(text);
    std::string result{mark, static_cast<char>(colour)};
    result += text;
    return result + mark + static_cast<char>(Colour::none);
}

// What may be written to a terminal: marks as ANSI colours, or left out without colour; line feeds as they are; every
// other control or formatting character as \u{…}. Linear.
std::string terminal_text(std::string_view marked, bool colour) {
    std::string result;
    while (!marked.empty()) {
        const std::size_t plain = std::min(marked.find_first_of(special), marked.size());
        result += printable(marked.substr(0, plain));
        marked.remove_prefix(plain);
        if (marked.empty()) break;
        const bool is_mark = marked.front() == mark && marked.size() > 1 &&
                             marked[1] >= static_cast<char>(Colour::none) &&
                             marked[1] <= static_cast<char>(Colour::cyan);
        if (is_mark && colour) result += std::string("\033[") + code_of(static_cast<Colour>(marked[1])) + "m";
        if (!is_mark) result += marked.front() == '\n' ? "\n" : printable(marked.substr(0, 1));
        marked.remove_prefix(is_mark ? 2 : 1);
    }
    return result;
}

}  // namespace

std::string Page::text() const { return terminal_text(text_, colour_); }

void Page::title(const std::string& words, Colour colour) {
    if (!empty()) blank();
    line(words, colour);
}

void Page::line(const std::string& words, Colour colour, std::size_t indent, std::size_t further) {
    const std::string blanks(indent, ' ');
    text_ += blanks + painted(wrapped(printable(words), width_, indent, indent + further), colour) + "\n";
}

void Page::row(std::size_t indent, const std::string& label, std::size_t column, const std::string& words,
               Colour colour) {
    const std::string start = std::string(indent, ' ') + printable(label);
    const bool fits = display_width(start) < column;
    const std::string gap = fits ? std::string(column - display_width(start), ' ') : "\n" + std::string(column, ' ');
    text_ += painted(start, colour) + gap + wrapped(printable(words), width_, column, column) + "\n";
}

void Page::paragraph(std::size_t indent, const std::string& label, const std::string& words, Colour colour,
                     std::size_t further) {
    const std::string shown = printable(label);
    const std::size_t column = indent + display_width(shown);
    if (column > width_) return line(label + words, Colour::none, indent, further);
    const std::string body = wrapped(printable(words), width_, column, indent + further);
    const std::size_t used = body.starts_with('\n') ? shown.find_last_not_of(' ') + 1 : shown.size();
    text_ += std::string(indent, ' ') + painted(shown.substr(0, used), colour) + body + "\n";
}

void Page::cells(const std::vector<Cell>& cells) {
    for (const Cell& cell : cells) {
        const std::string words = printable(cell.words);
        const std::size_t used = display_width(words);
        const std::size_t least = cell.to_the_right || cell.columns == 0 ? 0 : 1;
        const std::string gap(used < cell.columns ? cell.columns - used : least, ' ');
        const bool is_last = &cell == &cells.back();
        text_ +=
            cell.to_the_right ? gap + painted(words, cell.colour) : painted(words, cell.colour) + (is_last ? "" : gap);
    }
    text_ += "\n";
}

namespace {

struct Glyph {
    std::size_t bytes = 0;
    std::size_t columns = 0;
};

// The first character of text, which is not empty. What is not UTF-8 takes a column a byte.
Glyph first_glyph(std::string_view text) {
    if (text.front() >= ' ' && text.front() <= '~') return {1, 1};  // as utf8proc has it, which is asked for the others
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
