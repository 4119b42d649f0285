// Laying out text in a terminal's columns: display width, wrapping, indentation.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace poolcpuid::cli {

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

}  // namespace poolcpuid::cli
