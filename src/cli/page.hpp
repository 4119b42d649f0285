// A text in the making for a terminal: titles, rows of a label and words, all wrapped to its columns. What is
// put on a page may come from an input file, so it is made printable here.
#pragma once

#include <cstddef>
#include <string>

namespace poolcpuid::cli {

enum class Colour { none, bold, red, green, yellow, cyan };

class Page {
public:
    // Lines of at most width columns, with ANSI colours when colour is set.
    Page(std::size_t width, bool colour) : width_(width), colour_(colour) {}

    void blank() { text_ += "\n"; }

    // A line of its own; what does not fit goes on, indented.
    void line(const std::string& words, Colour colour = Colour::none, std::size_t indent = 0);

    // A label after indent blanks, then words that start at column and wrap under it. A label that reaches
    // the column stands on a line of its own.
    void row(std::size_t indent, const std::string& label, std::size_t column, const std::string& words,
             Colour colour = Colour::none);

    // A label after indent blanks, then words that follow it and wrap under it, two further in. A label of more
    // than half a line is wrapped with the words.
    void paragraph(std::size_t indent, const std::string& label, const std::string& words,
                   Colour colour = Colour::none);

    const std::string& text() const noexcept { return text_; }

private:
    std::string painted(const std::string& text, Colour colour) const;

    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace poolcpuid::cli
