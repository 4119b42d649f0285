// Text for people: laid out in a terminal's columns, with colours, and with nothing else that a terminal acts on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace poolcpuid::cli {

// A text is made with painted(), which puts in marks that are no UTF-8 and so cannot come from an input file; at the
// end terminal_text() turns the marks into ANSI colours and makes everything around them printable, whoever put it
// there.

enum class Colour : char { none = '0', bold = '1', red = '2', green = '3', yellow = '4', cyan = '5' };

// text between the marks of a colour; as it is where that is none or there is no text.
std::string painted(std::string_view text, Colour colour);

// What may be written to a terminal: marks as ANSI colours, or left out without colour; line feeds as they are; every
// other control or formatting character as \u{…}. Linear.
std::string terminal_text(std::string_view marked, bool colour);

// The columns that text takes in a terminal: wide characters two, combining ones none (utf8proc).
std::size_t display_width(std::string_view text);

// text with blanks after it up to width columns; longer text stays as it is.
std::string padded(std::string_view text, std::size_t width);

// Words of text in lines of at most width columns. The first line starts after first_column columns
// that the caller has written; the others are indented by indent blanks. A word longer than a line
// is broken where the line ends. No newline at the end.
std::string wrapped(std::string_view text, std::size_t width, std::size_t first_column, std::size_t indent);

// The columns of text output: COLUMNS or the terminal's, between 60 and 120; 80 when there is no terminal.
std::size_t output_width();

// A text in the making: titles, rows of a label and words, all wrapped to its columns.
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
