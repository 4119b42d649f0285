// A difference as a person reads it: in a terminal, or as Markdown in a review.
#pragma once

#include <cstddef>
#include <string>

#include "poolcpuid/diff.hpp"

namespace poolcpuid::cli {

// The text for an output of width columns.
std::string diff_text(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour);

// The same without the lines that name and judge the two sides: the numbers and the changes, each
// paragraph after an empty line. Empty when nothing differs.
std::string diff_details(const Difference& difference, const Rulebook& rulebook, std::size_t width, bool colour);

// Markdown with a table for each group of changes; names from the inputs are escaped.
std::string diff_markdown(const Difference& difference, const Rulebook& rulebook);

}  // namespace poolcpuid::cli
