// Rows that lost their beginning: no reader takes them for rows, and their leaf would be gone.
#pragma once

#include <string_view>

namespace poolcpuid::dump {

// What a message expects in the place of such a row.
inline constexpr const char* lost_beginning = "a whole row: this one has lost its beginning";

// True when line, which is no row of a format, is what is left of one at its end: with some beginning of whole, a row
// as the format prints it, before it, it is a row. It must have two registers of 8 hexadecimal digits left, since less
// may stand in other text. Linear in the line; for one that may be an end, times the length of whole.
bool is_end_of_row(std::string_view line, std::string_view whole, bool (*is_row)(std::string_view line) noexcept);

}  // namespace poolcpuid::dump
