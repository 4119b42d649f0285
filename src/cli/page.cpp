#include "cli/page.hpp"

#include "cli/text_layout.hpp"
#include "text/printable.hpp"

namespace poolcpuid::cli {

std::string Page::text() const { return terminal_text(text_, colour_); }

void Page::line(const std::string& words, Colour colour, std::size_t indent) {
    const std::string blanks(indent, ' ');
    text_ += blanks + painted(wrapped(printable(words), width_, indent, indent + 2), colour) + "\n";
}

void Page::row(std::size_t indent, const std::string& label, std::size_t column, const std::string& words,
               Colour colour) {
    const std::string start = std::string(indent, ' ') + printable(label);
    const bool fits = display_width(start) < column;
    const std::string gap = fits ? std::string(column - display_width(start), ' ') : "\n" + std::string(column, ' ');
    text_ += painted(start, colour) + gap + wrapped(printable(words), width_, column, column) + "\n";
}

void Page::paragraph(std::size_t indent, const std::string& label, const std::string& words, Colour colour) {
    const std::string shown = printable(label);
    if (indent + display_width(shown) > width_ / 2) return line(label + words, Colour::none, indent);
    text_ += std::string(indent, ' ') + painted(shown, colour) +
             wrapped(printable(words), width_, indent + display_width(shown), indent + 2) + "\n";
}

}  // namespace poolcpuid::cli
