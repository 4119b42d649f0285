// libcpuid's .test files: a dump, a line of 80 dashes, and what libcpuid is expected to make of the dump.
#pragma once

#include <string_view>

#include "dump/line_reader.hpp"

namespace poolcpuid::dump {

// True for the line of 80 dashes that ends the dump, where rows stand above it. line has no blanks around it.
bool ends_test_dump(std::string_view line) noexcept;

// Goes over what follows upon the line on which lines stands, if any. Throws an InputError that names file where
// is_row holds for a line of it: another dump follows, and would be lost.
void go_over_expectations(LineReader& lines, bool (*is_row)(std::string_view line) noexcept, std::string_view file);

}  // namespace poolcpuid::dump
