// Names and numbers for a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace poolcpuid {

// A sentence names at most this many hosts and counts the rest.
inline constexpr std::size_t names_in_sentence = 3;

// "a, b and 3 more": the first of count names, of which names may hold only some.
std::string enumerate(const std::vector<std::string>& names, std::size_t count);
inline std::string enumerate(const std::vector<std::string>& names) { return enumerate(names, names.size()); }

// Items in a row, for a sentence or a cell.

// "a, b, c"; empty for none. Linear in what it returns.
inline std::string joined(const std::vector<std::string>& items, std::string_view separator = ", ") {
    std::string text;
    for (const std::string& item : items) (text += text.empty() ? "" : separator) += item;
    return text;
}

// "a, b and 3 more": the first most of count items, of which items may hold only some.
std::string short_list(const std::vector<std::string>& items, std::size_t most, std::size_t count);
inline std::string short_list(const std::vector<std::string>& items, std::size_t most) {
    return short_list(items, most, items.size());
}

// "1 entry", "3 entries".
std::string counted(std::size_t count, std::string_view one, std::string_view many);

// "1 host", "3 hosts", "0 hosts".
std::string counted(std::size_t count, std::string_view one);

}  // namespace poolcpuid
