// Rows that stand behind other text in their lines: names of hosts (pdsh), numbers of lines (cat -n), times, tables.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dump/reader.hpp"

namespace poolcpuid::dump {

// What a message advises about them.
inline constexpr std::string_view only_the_rows = "leave in each line only what the tool printed";

struct BehindText {
    std::string what;      // "rows of kcpuid", or "what is read as cpuinfo"
    std::size_t line = 0;  // the first of these, from 1
    std::string before;    // what stands before it there
};

// The format that text, which no reader recognises, would have if the same amount of words or characters were taken
// from the front of each line; nothing where there is none. Looks at the first kilobytes.
std::optional<BehindText> find_behind_text(std::string_view text);

// A row that a reader would pass over like prose.
struct RowBehindText {
    const Format* format = nullptr;
    std::size_t line = 0;  // from 1
    std::string before;    // what stands before it there
};

// The first line of text that is no row of the format own, and has a row of it or of another one behind other text;
// nothing where there is none. Linear in the lines that are no rows, times their words.
std::optional<RowBehindText> find_row_behind_text(const Format& own, std::string_view text);

}  // namespace poolcpuid::dump
