// What `diff` and `sdiff` print of two dumps, which is none.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace poolcpuid::dump {

// The number of the first line, from 1, by which text is told to be of diff: "@@ -1,60 +1,60 @@", "8c8" above a line
// with "< " or "> ", or two rows side by side. Nothing where there is none. Linear in text.
std::optional<std::size_t> find_diff_line(std::string_view text) noexcept;

}  // namespace poolcpuid::dump
