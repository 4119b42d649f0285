// Rows of a known tool from which something was taken, or into which something was put, so that no reader takes them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace poolcpuid::dump {

struct DamagedRow {
    std::string what;      // "a row of cpuid -r without its subleaf"
    std::string remedy;    // "give the dump as the tool printed it"
    std::size_t line = 0;  // from 1
};

// The first such row of text, which no reader recognises; nothing where there is none. Linear.
std::optional<DamagedRow> find_damaged_row(std::string_view text);

// The first line of text, of which others may be whole, that is a row but for a terminal's escapes in it: its reader
// would pass over it, or over what follows upon it. Linear; quick where there are no escapes.
std::optional<DamagedRow> find_row_with_escape(std::string_view text);

}  // namespace poolcpuid::dump
