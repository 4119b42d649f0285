// Text for people: laid out in a terminal's columns, with colours, and with nothing else that a terminal acts on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace poolcpuid::cli {

enum class Colour : char { none = '0', bold = '1', red = '2', green = '3', yellow = '4', cyan = '5' };

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

// Words in a table: with blanks after them up to their columns, at least one unless columns is 0, or before them.
struct Cell {
    std::string words;
    std::size_t columns = 0;
    bool to_the_right = false;
    Colour colour = Colour::none;
};

// A text in the making: titles, rows of a label and words, all wrapped to its columns.
class Page {
public:
    // Lines of at most width columns, with ANSI colours when colour is set.
    Page(std::size_t width, bool colour) : width_(width), colour_(colour) {}

    // An empty page that is laid out alike.
    Page fresh() const { return {width_, colour_}; }

    std::size_t width() const noexcept { return width_; }

    void blank() { text_ += "\n"; }

    // A line that opens a part of the page: after an empty one, unless it is the first.
    void title(const std::string& words, Colour colour = Colour::bold);

    // A line of its own after indent blanks; what does not fit goes on, further in.
    void line(const std::string& words, Colour colour = Colour::none, std::size_t indent = 0, std::size_t further = 2);

    // A label after indent blanks, then words that start at column and wrap under it. A label that reaches
    // the column stands on a line of its own.
    void row(std::size_t indent, const std::string& label, std::size_t column, const std::string& words,
             Colour colour = Colour::none);

    // A label after indent blanks, then words that follow it and wrap under it, further in. A label that no line can
    // hold is wrapped with the words.
    void paragraph(std::size_t indent, const std::string& label, const std::string& words, Colour colour = Colour::none,
                   std::size_t further = 4);

    // A line of a table, which is as long as its cells are.
    void cells(const std::vector<Cell>& cells);

    // Lines that others have laid out, each with its line feed.
    void verbatim(std::string_view lines) { text_ += lines; }

    // What is on another page.
    void add(const Page& other) { text_ += other.text_; }

    bool empty() const noexcept { return text_.empty(); }

    // All of it: fit for a terminal, whatever the inputs hold.
    std::string text() const;

private:
    std::size_t width_;
    bool colour_;
    std::string text_;
};

}  // namespace poolcpuid::cli
