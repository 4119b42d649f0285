// Names for a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace poolcpuid {

// A sentence names at most this many hosts and counts the rest.
inline constexpr std::size_t names_in_sentence = 3;

// "a, b and 3 more": the first of count names, of which names may hold only some.
std::string enumerate(const std::vector<std::string>& names, std::size_t count);
inline std::string enumerate(const std::vector<std::string>& names) { return enumerate(names, names.size()); }

// Items in a row, for a sentence or a cell.

// "a, b, c"; empty for none. Linear in what it returns.
inline std::string joined(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

}  // namespace poolcpuid
