// A text in the making for a terminal: titles, rows of a label and words, all wrapped to its columns. What is
// put on a page may come from an input file, so it is made printable here.
#pragma once

#include <cstddef>
#include <string>

#include "cli/terminal_text.hpp"

namespace poolcpuid::cli {

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

    bool empty() const noexcept { return text_.empty(); }

    // All of it, as terminal_text() makes it.
    std::string text() const;

private:
    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace poolcpuid::cli
